"""walletprint.features.labels: attribution labels of addresses, from published lists to one dated table."""

from .actors import Actor, actor_id, actors
from .builder import BuiltLabels, build_labels, conflicts
from .categories import CATEGORIES, IDS, SERVICES, Category
from .readers.ofac_xml import Edition, SdnAddress, read_sdn
from .table import COLUMNS, SCHEMA, Labels, active, read_labels

__all__ = [
    "CATEGORIES",
    "COLUMNS",
    "IDS",
    "SCHEMA",
    "SERVICES",
    "Actor",
    "BuiltLabels",
    "Category",
    "Edition",
    "Labels",
    "SdnAddress",
    "active",
    "actor_id",
    "actors",
    "build_labels",
    "conflicts",
    "read_labels",
    "read_sdn",
]
