"""The formats that `ingest` reads, one file per source.

Not for reading files or checking rows: a source only maps the columns of its tables to those of a transfer.
Front door: `LAYOUTS` of each file, which `source_registry.py` collects. The file `bitcoin_etl.py` is the source `bitcoin-etl`.
"""

import pkgutil

SOURCES = tuple(sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(__path__)))
"""Names of the sources, as `--source` takes them. Imports none of them, so that `--help` stays fast."""
