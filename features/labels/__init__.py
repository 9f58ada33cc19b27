"""Attribution labels of addresses, from published lists to one dated table.

Not for what labels are used for: targets are made in `training/data`, taint in `exposure/`.
Front door: `build_labels` (builder.py), `read_labels` and `active` (table.py), `CATEGORIES` (categories.py).
"""

from .builder import BuiltLabels, build_labels, conflicts
from .categories import CATEGORIES, IDS, SERVICES, Category
from .known_actors import Actor, actor_id, actors
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
