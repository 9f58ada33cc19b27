"""A model, transfers and addresses become scored, explained rows.

Not for training, and without its libraries: MLflow is imported only for models of its registry. Front door: `Scorer`,
`ModelFolder`, `read_addresses` and `write_scores`; it is listed in `__init__.pyi` and imported at first use.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
