"""The 36 features in Polars: one sorted frame of events, running sums in it, and groupings; no loop over wallets.

Sums over a time range are differences of running sums, found by a binary search on wallet and time as one number. How matches
follow from running sums without a queue is described in duckdb_sql.py.
"""

from pathlib import Path

import polars as pl  # pyright: ignore[reportMissingImports]

from .columns import AS_OF, COLUMNS, MONTH

_AS_OF = int(AS_OF.timestamp())
_DAY = 86_400
_BITS = 1 << 33  # more than any time in seconds
_OUT, _IN = pl.col("direction") == 1, pl.col("direction") == 0


def run(path: Path) -> pl.DataFrame:
    """The features of every wallet with a transfer before the date."""
    transfers, addresses = _numbered(path)
    events = _with_running_sums(_events(transfers))
    parts = [_parties(events), _clocks(events)]
    table = _wallets(events)
    for part in parts:
        table = table.join(part, on="w", how="left")
    return _features(table.join(addresses, on="w")).select(COLUMNS)


def _numbered(path: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Transfers before the date with wallets as numbers, and the addresses of those: text is slow to sort and to group by."""
    names = ["timestamp", "sender", "receiver", "amount", "asset"]
    t = pl.col("timestamp").dt.epoch("s").alias("t")
    table = pl.scan_parquet(path).select(names).filter(pl.col("timestamp") < AS_OF).with_columns(t).collect()
    both = pl.concat([table["sender"], table["receiver"]], rechunk=True)
    addresses = pl.DataFrame({"address": both.unique()}).with_row_index("w")
    for side in ("sender", "receiver"):
        table = table.join(addresses.rename({"address": side, "w": f"{side}_id"}), on=side, how="left").drop(side)
    return table.drop("timestamp"), addresses


def _events(transfers: pl.DataFrame) -> pl.DataFrame:
    """Every transfer once for each wallet it concerns, in order; direction 0 in, 1 out, 2 to itself."""
    to_self = pl.col("sender_id") == pl.col("receiver_id")
    common = ["t", "amount", "asset"]
    direction = pl.when(to_self).then(2).otherwise(1).cast(pl.Int8).alias("direction")
    outs = transfers.select(pl.col("sender_id").alias("w"), pl.col("receiver_id").alias("party"), direction, *common)
    direction = pl.lit(0, pl.Int8).alias("direction")
    ins = transfers.filter(~to_self).select(
        pl.col("receiver_id").alias("w"), pl.col("sender_id").alias("party"), direction, *common
    )
    return pl.concat([outs, ins]).sort("w", "t", "direction", "amount")


def _with_running_sums(events: pl.DataFrame) -> pl.DataFrame:
    """What a wallet's features need to know of its other transfers: gaps, sums so far, sums near in time, matches so far."""
    events = events.with_columns(
        x_in=pl.when(_IN).then("amount").otherwise(0.0), x_out=pl.when(_OUT).then("amount").otherwise(0.0)
    ).with_columns(
        gap=pl.col("t").diff().over("w"),
        t_1=pl.col("t").first().over("w"),
        came=pl.col("x_in").cum_sum().over("w"),
        went=pl.col("x_out").cum_sum().over("w"),
    )
    until = _SumsUntil(events)
    next_day = until("went", _DAY) - until("went", -1)
    events = events.with_columns(next_day=next_day, old_1h=until("came", -3601), old_1d=until("came", -_DAY - 1))
    owed = (pl.col("went") - pl.col("came")).cum_max().over("w").clip(lower_bound=0.0)
    return events.with_columns(matched=pl.col("went") - owed).with_columns(
        matched_before=pl.col("matched").shift(1).over("w").fill_null(0.0),
        matched_in_all=pl.col("matched").last().over("w"),
    )


class _SumsUntil:
    """A running sum of each row's wallet as it stood some seconds after (or before) that row."""

    def __init__(self, events: pl.DataFrame) -> None:
        self.events = events
        self.key = events["w"].cast(pl.Int64) * _BITS + events["t"]

    def __call__(self, column: str, seconds: int) -> pl.Series:
        position = self.key.search_sorted(self.key + seconds, side="right").cast(pl.Int64) - 1
        at = pl.select(position.clip(lower_bound=0)).to_series()
        same = (self.events["w"].gather(at) == self.events["w"]) & (position >= 0)
        return self.events[column].gather(at).zip_with(same, pl.Series([0.0]))


def _wallets(events: pl.DataFrame) -> pl.DataFrame:
    c = pl.col
    digits = 10 * c("amount") / 10 ** c("amount").log10().floor()
    step = c("matched") - c("matched_before")
    spent_of_in = pl.min_horizontal((c("matched_in_all") - c("came") + c("x_in")).clip(lower_bound=0), "x_in")
    age = c("t") - c("t_1")
    return (
        events.lazy()
        .group_by("w")
        .agg(
            n=pl.len(),
            outs=_OUT.sum(),
            ins=_IN.sum(),
            activity__assets__distinct=c("asset").n_unique(),
            t_1=c("t").min(),
            t_n=c("t").max(),
            activity__active__days=(c("gap").is_null() | (c("t") // _DAY != (c("t") - c("gap")) // _DAY)).sum(),
            value__out__total=c("x_out").sum(),
            value__in__total=c("x_in").sum(),
            value__out__mean=c("amount").filter(_OUT).mean(),
            value__in__mean=c("amount").filter(_IN).mean(),
            value__out__max=c("amount").filter(_OUT).max(),
            value__in__max=c("amount").filter(_IN).max(),
            sd_out=c("amount").filter(_OUT).std(ddof=0),
            sd_in=c("amount").filter(_IN).std(ddof=0),
            sizes=c("amount").filter(_OUT).n_unique(),
            rounds=(_OUT & ((digits - digits.round()).abs() <= 1e-7)).sum(),
            longest=c("gap").max(),
            zero_gaps=(c("gap") == 0).sum(),
            mean_gap=c("gap").mean(),
            sd_gap=c("gap").std(ddof=0),
            night=(_OUT & (c("t") % _DAY < 32_400)).sum(),
            forwarded=(_IN & (c("next_day") >= 0.9 * c("amount") * (1 - 1e-9))).sum(),
            matched=c("matched").last(),
            dwelt=(pl.when(_OUT).then(age * step).when(_IN).then(-age * spent_of_in).otherwise(0.0)).sum(),
            slow_1h=pl.min_horizontal((c("old_1h") - c("matched_before")).clip(lower_bound=0), step).sum(),
            slow_1d=pl.min_horizontal((c("old_1d") - c("matched_before")).clip(lower_bound=0), step).sum(),
            activity__transfers__out__30d=(_OUT & (c("t") >= _AS_OF - MONTH)).sum(),
            value__in__total__30d=c("x_in").filter(c("t") >= _AS_OF - MONTH).sum(),
        )
        .collect()
    )


def _parties(events: pl.DataFrame) -> pl.DataFrame:
    """A wallet's counterparties: senders, receivers, both, and the transfers to the most frequent receiver."""
    pairs = events.lazy().filter(pl.col("direction") < 2).group_by("w", "party").agg(outs=_OUT.sum(), ins=_IN.sum())
    some_out, some_in = pl.col("outs") > 0, pl.col("ins") > 0
    return (
        pairs.group_by("w")
        .agg(
            distinct_all=pl.len().cast(pl.Int64),
            distinct_out=some_out.sum(),
            distinct_in=some_in.sum(),
            distinct_both=(some_out & some_in).sum(),
            top_out=pl.col("outs").max(),
        )
        .collect()
    )


def _clocks(events: pl.DataFrame) -> pl.DataFrame:
    """The evenness of the hours at which a wallet sends."""
    n = pl.col("n").cast(pl.Float64)
    hours = events.lazy().filter(_OUT).group_by("w", pl.col("t") % _DAY // 3600).agg(n=pl.len())
    entropy = (n.sum().log() - (n * n.log()).sum() / n.sum()) / pl.lit(24.0).log()
    return hours.group_by("w").agg(timing__out_hour__entropy=entropy).collect()


def _features(table: pl.DataFrame) -> pl.DataFrame:
    c = pl.col

    def share(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
        return pl.when(whole > 0).then(part / whole)

    span, received = c("t_n") - c("t_1"), c("value__in__total")
    spread = (c("sd_gap") - c("mean_gap")) / (c("sd_gap") + c("mean_gap"))
    return table.with_columns(
        activity__transfers__out="outs",
        activity__transfers__in="ins",
        activity__self__share=share(c("n").cast(pl.Int64) - c("outs") - c("ins"), c("n")),
        activity__age__days=(_AS_OF - c("t_1")) / _DAY,
        activity__recency__days=(_AS_OF - c("t_n")) / _DAY,
        activity__span__days=span / _DAY,
        value__out__cv=pl.when(c("outs") > 1).then(c("sd_out") / c("value__out__mean")),
        value__in__cv=pl.when(c("ins") > 1).then(c("sd_in") / c("value__in__mean")),
        amounts__out__round_share=share(c("rounds"), c("outs")),
        amounts__out__distinct_share=share(c("sizes"), c("outs")),
        timing__gap__longest="longest",
        timing__gap__longest_share=share(c("longest"), span),
        timing__gap__zero_share=share(c("zero_gaps"), c("n") - 1),
        timing__gap__burstiness=pl.when((c("n") > 2) & (span > 0)).then(spread),
        timing__out_hour__night_share=share(c("night"), c("outs")),
        counterparties__out__distinct=c("distinct_out").fill_null(0),
        counterparties__in__distinct=c("distinct_in").fill_null(0),
        counterparties__all__distinct=c("distinct_all").fill_null(0),
        counterparties__reciprocal__share=share(c("distinct_both"), c("distinct_all")),
        counterparties__out__top_share=share(c("top_out"), c("outs")),
        flow__forward__1d=share(c("forwarded"), c("ins")),
        flow__pass_through__1h=share(c("matched") - c("slow_1h"), received),
        flow__pass_through__1d=share(c("matched") - c("slow_1d"), received),
        flow__dwell__mean=share(c("dwelt"), c("matched")),
        flow__retention__share=share(received - c("matched"), received),
    )
