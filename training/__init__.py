"""walletprint.training: vectors and labels → a model folder, calibrated, evaluated and tracked."""

from .config import TrainConfig, heads, load_config
from .dataset import Dataset, build_dataset, split
from .labels import CATEGORIES, Labels, read_labels
from .metrics import evaluate
from .models import fit_lightgbm
from .train import TrainResult, train

__all__ = [
    "CATEGORIES",
    "Dataset",
    "Labels",
    "TrainConfig",
    "TrainResult",
    "build_dataset",
    "evaluate",
    "fit_lightgbm",
    "heads",
    "load_config",
    "read_labels",
    "split",
    "train",
]
