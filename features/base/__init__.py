"""What all other folders stand on: errors, dates and sizes as users write them, atomic writing, untrusted text, compiled kernels.

Not for anything that knows a transfer, a wallet or a model.
Front door: `DataError`, `UsageError` (errors.py), `write_atomically` (atomic_write.py), `kernel` (kernel_compiler.py).
"""
