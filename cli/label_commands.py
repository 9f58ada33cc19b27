"""`walletprint labels`: builds a table of labels from published lists, and shows what is known of an address."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .console import Quiet, Screen, complain

if TYPE_CHECKING:
    import pandas as pd

    from ..features.labels import BuiltLabels

app = typer.Typer(
    help="Attribution labels: who is behind an address, who says so, and since when.", no_args_is_help=True
)

_SHOWN = 20


@app.command()
def build(
    paths: Annotated[
        list[str], typer.Argument(help="Files, folders or globs of published labels, in any known format.")
    ],
    out: Annotated[Path, typer.Option(help="Where the labels go (.parquet).")],
    quiet: Quiet = False,
) -> None:
    """Read OFAC, GraphSense, Etherscan, Forta and plain label files into one table. Conflicting labels are all kept."""
    from ..features.base.atomic_write import write_parquet
    from ..features.labels import build_labels
    from .shared_steps import counted

    screen = Screen(quiet)
    with screen.progress("reading labels"):
        built = build_labels(paths, out)
    _report(built, out, screen)
    if len(built.rejected):
        path = out.with_name(f"{out.stem}.bad.parquet")
        write_parquet(built.rejected, path)
        complain(f"warning: {counted(len(built.rejected), 'row')} rejected; reasons in {path}")


@app.command()
def show(
    address: Annotated[str, typer.Argument(help="The address to look up.")],
    labels: Annotated[Path, typer.Option("--labels", "-l", help="A file of labels (.parquet or .csv).")],
) -> None:
    """Show every label of an address, with its source and dates."""
    import pyarrow as pa

    from ..features.base.errors import UsageError
    from ..features.labels import read_labels
    from ..features.transfers.addresses import address_problems, normalise_addresses

    given = pa.array([address])
    if problem := address_problems(given)[0].as_py():
        raise UsageError(f"ADDRESS: {problem} ({address!r}); give one address as it is written on its chain")
    known = read_labels(labels).good
    of_address = known.loc[known["address"] == normalise_addresses(given)[0].as_py(), :]
    if of_address.empty:
        Screen().show(f"no label of {address} in {labels}")
        return
    Screen().table(_dated(of_address).dropna(axis=1, how="all").drop(columns="address"), title=address)


def _dated(labels: "pd.DataFrame") -> "pd.DataFrame":
    return labels.assign(**{name: labels[name].dt.strftime("%Y-%m-%d") for name in ("known_from", "known_until")})


def _report(built: "BuiltLabels", out: Path, screen: Screen) -> None:
    """Report counts by category and source, conflicts, and the words that no vocabulary has."""
    import pandas as pd

    from ..features.base.atomic_write import write_atomically
    from ..features.base.untrusted_text import csv_text
    from .shared_steps import counted

    labels = built.labels
    counts = pd.crosstab(labels["category"], labels["source"]).rename_axis(columns=None).reset_index()
    screen.table(
        counts, title=f"{counted(len(labels), 'label')} of {counted(len(set(labels['address'])), 'address')} in {out}"
    )
    gaps = built.unmatched
    words = gaps.loc[gaps["what"] == "word", ["source", "word", "count"]]
    if len(words):
        path = out.with_name(f"{out.stem}.unmatched.csv")
        write_atomically(path, lambda file: file.write(csv_text(words).encode()))
        title = f"{counted(len(words), 'word')} that no category is known for, with their counts"
        screen.table(words.head(_SHOWN), title=title if len(words) <= _SHOWN else f"{title}; all of them in {path}")
    if lost := int(gaps.loc[gaps["what"] == "address", "count"].to_numpy().sum()):
        screen.say(f"{counted(lost, 'key')} unmatched: letter case lost, so the address cannot be verified")
    screen.say(f"{counted(len(built.conflicts), 'address')} of several categories or actors; all their labels are kept")
    undated = int(labels["known_from"].isna().to_numpy().sum())
    screen.say(f"{counted(undated, 'label')} without a first-known date; features never use them")
    for skipped in built.skipped:
        screen.say(f"note: {skipped} is in no known format of labels; passed over")
