"""The one table of transfers: its columns, the checks of a row, what counts once, and the files that rows come from.

Not for other formats (`ingestion/`) nor for encoded transfers (`ledger/`).
Front door: `SCHEMA` (schema.py), `check_rows` (row_checks.py), `distinct_sql` (duplicates.py), `find_files` (input_files.py).
"""
