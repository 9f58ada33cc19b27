"""`walletprint audit`: looks for leaks in any table of features and labels, and explains what to do about them."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ..features.base.errors import UsageError
from .console import Quiet, Screen


def _column(text: str) -> Any:
    return typer.Option(metavar="COLUMN", help=text)


def audit(
    table: Annotated[
        Path,
        typer.Argument(help="CSV or Parquet, one row per sample; every column not named by an option is a feature."),
    ],
    label: Annotated[str, _column("Column to be predicted; it has two values.")],
    address: Annotated[str | None, _column("Column with the wallet address. Default: address.")] = None,
    time: Annotated[str | None, _column("Column with the date of the row. Default: as_of.")] = None,
    first: Annotated[str | None, _column("Column with the begin of the history, if no feature.")] = None,
    last: Annotated[str | None, _column("Column with the end of the history, if no feature.")] = None,
    known_from: Annotated[
        str | None, _column("Column with the date since when the label was known. Default: known_from.")
    ] = None,
    source: Annotated[str | None, _column("Column with the list that a row comes from. Default: source.")] = None,
    group: Annotated[
        list[str] | None, _column("Column whose equal values stay on one side of the split; repeatable.")
    ] = None,
    ignore: Annotated[list[str] | None, _column("Column to leave out; repeatable.")] = None,
    split: Annotated[
        str, typer.Option(metavar="COLUMN|random", help="Column that says train or test; or random: 70 % and 30 %.")
    ] = "random",
    split_at: Annotated[
        str | None, typer.Option(metavar="DATE", help="Train on rows up to this date (UTC), test on the later ones.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the report there too (.md or .json).")] = None,
    quiet: Quiet = False,
) -> None:
    """Look for leaks in a table of features and labels: what gives the label away without behaviour."""
    from ..features.base.atomic_write import write_atomically
    from ..training.audit import audit as look

    if out is not None and out.suffix not in (".md", ".json"):
        raise UsageError(f"--out: a file that ends in .md or .json is needed, not {out}")
    screen = Screen(quiet)
    with screen.progress("auditing"):
        report = look(
            table,
            label,
            address=address,
            time=time,
            first=first,
            last=last,
            known_from=known_from,
            source=source,
            split=None if split == "random" else split,
            split_at=split_at,
            groups=group or (),
            ignore=ignore or (),
        )
    shown = report.checks.rename(columns={"what_to_do": "what to do"})
    screen.table(shown, title=f"{table}: {report.headline}")
    if out is not None:
        text = report.as_json() if out.suffix == ".json" else report.as_markdown()
        write_atomically(out, lambda file: file.write(text.encode()))
        screen.say(f"report in {out}")
    for note in report.about["notes"]:
        screen.say(f"note: {note}")
