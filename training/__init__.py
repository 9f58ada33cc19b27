"""Vectors and labels become a model folder: calibrated, evaluated, audited and tracked.

Not for scoring. The front door is listed in `__init__.pyi` and imported at first use; the order of the folders stands in
`pyproject.toml` (`tool.importlinter`).
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
