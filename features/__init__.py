"""walletprint.features: transfers → behavioural vectors, correct as of a date."""

from .base.errors import DataError, UsageError, WalletprintError
from .base.periods import parse_as_of, parse_memory, parse_window
from .extraction.extractor import coverage, extract, snapshots_of
from .extraction.vector_files import write_vectors
from .families.declaration import Feature
from .families.registry import FAMILIES, catalogue, feature, features_hash
from .ingestion.ingestion import IngestReport, ingest
from .ledger.ledger import Ledger
from .transfers.schema import read_transfers

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
