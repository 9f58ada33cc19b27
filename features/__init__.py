"""Transfers become behavioural vectors, correct as of a date.

Not for models, scores or training: nothing here imports those. Front door: `ingest`, `Ledger`, `extract` and what else
`__init__.pyi` lists. It is imported at first use, so that `from walletprint.features import UsageError` loads no kernel.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
