"""walletprint.training: vectors and labels → a model folder, calibrated, evaluated and tracked."""

from .bootstrap import clusters, interval, paired_bootstrap
from .config import TrainConfig, heads, load_config
from .dataset import Dataset, build_dataset, split
from .detection import time_to_detection
from .labels import CATEGORIES, Labels, read_labels
from .metrics import evaluate
from .models import fit_lightgbm
from .siblings import siblings_by_case, siblings_of
from .splitters import AddressDisjoint, ForwardChaining, LeaveOneCaseOut, groups_of
from .train import TrainResult, train

__all__ = [
    "CATEGORIES",
    "AddressDisjoint",
    "Dataset",
    "ForwardChaining",
    "Labels",
    "LeaveOneCaseOut",
    "TrainConfig",
    "TrainResult",
    "build_dataset",
    "clusters",
    "evaluate",
    "fit_lightgbm",
    "groups_of",
    "heads",
    "interval",
    "load_config",
    "paired_bootstrap",
    "read_labels",
    "siblings_by_case",
    "siblings_of",
    "split",
    "time_to_detection",
    "train",
]
