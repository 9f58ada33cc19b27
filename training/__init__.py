"""Vectors and labels become a model folder: calibrated, evaluated, audited and tracked.

Not for scoring. Front door: `train`, `load_config`, `read_labels` and what else `__init__.pyi` lists; it is imported at first
use. The order of the folders is in `pyproject.toml` (`tool.importlinter`).
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
