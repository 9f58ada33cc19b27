"""walletprint.training: vectors and labels → a model folder, calibrated, evaluated and tracked."""

from .config.train_config import TrainConfig, heads, load_config
from .data.dataset import Dataset, build_dataset
from .data.targets import CATEGORIES, Labels, read_labels
from .metrics.bootstrap import clusters, interval, paired_bootstrap
from .metrics.scores import evaluate
from .metrics.time_to_detection import time_to_detection
from .models.estimators import fit_lightgbm
from .splits.siblings import siblings_by_case, siblings_of
from .splits.splitters import AddressDisjoint, ForwardChaining, LeaveOneCaseOut, groups_of
from .splits.time_split import split
from .trainer import TrainResult, train

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
