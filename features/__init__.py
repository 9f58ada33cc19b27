"""walletprint.features: transfers → behavioural vectors, correct as of a date."""

from .catalogue import FAMILIES, catalogue, feature, features_hash
from .declare import Feature
from .errors import DataError, UsageError, WalletprintError
from .extract import coverage, extract, snapshots_of
from .ingest import IngestReport, ingest
from .ledger import Ledger
from .periods import parse_as_of, parse_memory, parse_window
from .transfers import read_transfers
from .vectors import write_vectors

__all__ = [
    "FAMILIES",
    "DataError",
    "Feature",
    "IngestReport",
    "Ledger",
    "UsageError",
    "WalletprintError",
    "catalogue",
    "coverage",
    "extract",
    "feature",
    "features_hash",
    "ingest",
    "parse_as_of",
    "parse_memory",
    "parse_window",
    "read_transfers",
    "snapshots_of",
    "write_vectors",
]
