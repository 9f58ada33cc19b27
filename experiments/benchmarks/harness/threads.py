"""How many threads every engine of a benchmark may use. Imports nothing."""

THREADS = 2
