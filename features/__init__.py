"""walletprint.features: transfers → behavioural vectors, correct as of a date."""

from .catalogue import FAMILIES, catalogue, feature, features_hash
from .declare import Feature
from .errors import DataError, UsageError, WalletprintError
from .extract import coverage, extract, snapshots_of
from .ledger import Ledger
from .periods import parse_as_of, parse_window

__all__ = [
    "FAMILIES",
    "DataError",
    "Feature",
    "Ledger",
    "UsageError",
    "WalletprintError",
    "catalogue",
    "coverage",
    "extract",
    "feature",
    "features_hash",
    "parse_as_of",
    "parse_window",
    "snapshots_of",
]
