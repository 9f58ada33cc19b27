"""`walletprint case`: follows the loot of one theft, and summarises many thefts."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..features.base.errors import UsageError
from .console import Quiet, Screen, complain
from .options import AsOf, LedgerFolder, Memory, TransfersPath

if TYPE_CHECKING:
    import pandas as pd

    from ..features.cases import Cases, Trace

app = typer.Typer(
    help="Thefts followed from their seed addresses to where the loot left or lies.", no_args_is_help=True
)

CasesPath = Annotated[
    Path,
    typer.Option(
        "--cases", "-c", help="CSV or Parquet: case, address, date (and actor, source); one row per seed address."
    ),
]
Attribution = Annotated[
    Path | None,
    typer.Option(help="Labels of wallets (of `labels build`, or CSV): loot is not followed through services."),
]
AsCsv = Annotated[bool, typer.Option("--csv", help="Tables as CSV instead of Parquet.")]

PICTURES = (".png", ".svg")
_ROWS = 12


@app.command()
def trace(
    transfers: TransfersPath,
    cases: CasesPath,
    out: Annotated[Path, typer.Option(help="The folder for the tables.")],
    case: Annotated[str | None, typer.Option(help="Which case of the list; needed if it has several.")] = None,
    attribution: Attribution = None,
    as_of: AsOf = None,
    max_hops: Annotated[int | None, typer.Option(help="Follow at most this many hops.")] = None,
    picture: Annotated[Path | None, typer.Option(help="Draw the flows too (.png or .svg).")] = None,
    csv: AsCsv = False,
    memory: Memory = None,
    ledger_folder: LedgerFolder = None,
    quiet: Quiet = False,
) -> None:
    """Follow the loot of a case: wallets reached by hop and day, what it went through, where it rests."""
    from ..features.cases import trace as follow
    from .shared_steps import counted, load_ledger

    screen = Screen(quiet)
    if picture is not None:
        _check_picture(picture)
    chosen = _read_cases(cases, out, screen).select(case)
    labels = _read_labels(attribution, screen)
    ledger = load_ledger(transfers, out, screen, memory=memory, ledger_folder=ledger_folder)
    with screen.progress("following the loot"):
        followed = follow(ledger, chosen, labels, as_of, max_hops)
    _make_folder(out)
    written = followed.save(out, csv)
    screen.table(_upright(followed.summary), title=f"{chosen.id}, as of {followed.as_of:%Y-%m-%d %H:%M}")
    for name in ("hops", "through", "resting"):
        table = getattr(followed, name)
        screen.table(_short(table.head(_ROWS)), title=f"{name} ({counted(len(table), 'row')})")
    screen.say(f"{counted(len(followed.flows), 'flow')}; {', '.join(path.name for path in written)} in {out}")
    if picture is not None:
        _draw(followed, picture)
        screen.say(f"flows drawn in {picture}")


@app.command()
def summary(
    transfers: TransfersPath,
    cases: CasesPath,
    out: Annotated[Path, typer.Option(help="The folder for cases and years.")],
    attribution: Attribution = None,
    as_of: AsOf = None,
    csv: AsCsv = False,
    memory: Memory = None,
    ledger_folder: LedgerFolder = None,
    quiet: Quiet = False,
) -> None:
    """Summarise all cases, one row per case and one per year: stolen, through which services, still unlaundered."""
    from ..features.cases import case_summary
    from ..features.cases.case_trace import write_table
    from .shared_steps import counted, load_ledger

    screen = Screen(quiet)
    read = _read_cases(cases, out, screen)
    labels = _read_labels(attribution, screen)
    ledger = load_ledger(transfers, out, screen, memory=memory, ledger_folder=ledger_folder)
    with screen.progress("following the loot"):
        by_case, by_year = case_summary(ledger, read.cases, labels, as_of)
    _make_folder(out)
    for name, table in (("cases", by_case), ("years", by_year)):
        write_table(table, out / f"{name}.{'csv' if csv else 'parquet'}")
    screen.table(_years(by_year), title=f"{counted(len(by_case), 'case')} in {out}; money in million USD when stolen")
    later = len(read.cases) - len(by_case)
    if later:
        screen.say(f"{counted(later, 'case')} had not begun by then and {'is' if later == 1 else 'are'} left out")


def _read_cases(path: Path, out: Path, screen: Screen) -> "Cases":
    from ..features.cases import read_cases
    from .shared_steps import write_rejected

    read = read_cases(path)
    write_rejected(read.bad, path, out.with_name(f"{out.stem}.bad-cases.parquet"))
    return read


def _read_labels(path: Path | None, screen: Screen) -> "pd.DataFrame | None":
    from ..features.labels import read_labels
    from .shared_steps import counted

    if path is None:
        screen.say("no labels (--attribution): no service is known, so loot is followed through everything")
        return None
    read = read_labels(path)
    if len(read.bad):
        complain(f"warning: {counted(len(read.bad), 'bad row')} of {path} left out; row {read.bad['row'].iloc[0]}: "
                 f"{read.bad['reason'].iloc[0]}")  # fmt: skip
    undated = int(read.good["known_from"].isna().to_numpy().sum())
    if undated:
        complain(
            f"warning: {counted(undated, 'label')} of {path} without known_from: not used, as nobody can say when it was known"
        )
    return read.good


def _make_folder(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out: must be a folder, but {out} is a file")
    out.mkdir(parents=True, exist_ok=True)


def _check_picture(picture: Path) -> None:
    if picture.suffix.lower() not in PICTURES:
        raise UsageError(f"--picture: must end in {' or '.join(PICTURES)}, got {picture}")
    try:
        from ..experiments import case_picture  # noqa: F401
    except ModuleNotFoundError as error:
        raise UsageError(f"--picture: {error.name} is not installed; pip install 'walletprint[training]'") from None


def _draw(followed: "Trace", picture: Path) -> None:
    from ..experiments.case_picture import draw_case

    draw_case(followed, picture)


def _upright(summary: "pd.DataFrame") -> "pd.DataFrame":
    """One row as lines of name and value, without nulls."""
    import pandas as pd

    row = summary.iloc[0].dropna()
    return pd.DataFrame({"what": [str(name) for name in row.index], "value": [_formatted(value) for value in row]})


def _formatted(value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:.4g}" if abs(value) < 1000 else f"{value:,.0f}"


def _short(table: "pd.DataFrame") -> "pd.DataFrame":
    """A table without its empty columns, and with dates to the minute."""
    table = table.dropna(axis=1, how="all")
    for name in table.select_dtypes("datetimetz"):
        table[name] = table[name].dt.strftime("%Y-%m-%d" if name == "day" else "%Y-%m-%d %H:%M")
    return table


def _years(by_year: "pd.DataFrame") -> "pd.DataFrame":
    table = by_year[["year", "attacks", "stolen_usd"]].assign(stolen_usd=by_year["stolen_usd"] / 1e6)
    for name in ("mixer", "bridge", "exchange", "otc"):
        table[f"{name}_share"] = by_year[f"{name}_share"]
    table["unlaundered"], table["of_thefts"] = by_year["unlaundered_stolen_usd"] / 1e6, by_year["attacks_unlaundered"]
    return table.assign(age_days=by_year["age_days_mean"], unpriced=by_year["attacks_unpriced"])
