"""`walletprint audit`: looks for leaks in any table of features and labels, and says what to do about them."""

from pathlib import Path
from typing import Annotated

import typer

from ..features.base.errors import UsageError
from .console import Quiet, Screen


def audit(
    table: Annotated[
        Path, typer.Argument(help="CSV or Parquet, a row a sample; columns that no option names are features.")
    ],
    label: Annotated[str, typer.Option(metavar="COLUMN", help="What is to be predicted; two values.")],
    address: Annotated[str | None, typer.Option(metavar="COLUMN", help="Whose row it is [address].")] = None,
    time: Annotated[str | None, typer.Option(metavar="COLUMN", help="The date a row speaks of [as_of].")] = None,
    first: Annotated[str | None, typer.Option(metavar="COLUMN", help="When its history begins, if no feature.")] = None,
    last: Annotated[str | None, typer.Option(metavar="COLUMN", help="When its history ends, if no feature.")] = None,
    known_from: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Since when its label can be known [known_from].")
    ] = None,
    source: Annotated[str | None, typer.Option(metavar="COLUMN", help="The list it comes from [source].")] = None,
    group: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", help="Belongs on one side of the split, as a case does; repeatable."),
    ] = None,
    ignore: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN", help="No feature, and nothing else; repeatable.")
    ] = None,
    split: Annotated[
        str, typer.Option(metavar="COLUMN|random", help="A column that says train and test, or 70 to 30 by lot.")
    ] = "random",
    split_at: Annotated[
        str | None, typer.Option(metavar="DATE", help="Train on rows up to this date (UTC), test on the later ones.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the report there too (.md or .json).")] = None,
    quiet: Quiet = False,
) -> None:
    """Look for leaks in a table of features and labels: what gives the label away without behaviour. In brackets: the default."""
    from ..features.base.atomic_write import write_whole
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
        write_whole(out, lambda file: file.write(text.encode()))
        screen.say(f"report in {out}")
    for note in report.about["notes"]:
        screen.say(f"note: {note}")
