"""The 36 features as one SQL query of DuckDB: window functions and groupings, no loop over wallets.

First in, first out needs no queue. Of running sums in and out of a wallet's transfers in order, `out − max(0, running max of
out − in)` is what was matched so far; inflows are spent in order, so that what is older than an hour when it is spent follows
from the running sum of inflows an hour earlier.
"""

from pathlib import Path

import duckdb
import pyarrow as pa

from ..harness.threads import THREADS
from .columns import AS_OF, COLUMNS, MONTH

_AS_OF = int(AS_OF.timestamp())
_MEMORY = "4GB"

# Addresses are numbered first: sorting and grouping by 42 characters takes a third longer (1M rows).
_NUMBERED = f"""
CREATE TEMP TABLE recent AS
SELECT epoch_us(timestamp) // 1000000 AS t, sender, receiver, amount, asset FROM read_parquet(?)
WHERE timestamp < to_timestamp({_AS_OF});

CREATE TEMP TABLE addresses AS
SELECT address, (row_number() OVER ())::INTEGER AS id
FROM (SELECT sender AS address FROM recent UNION SELECT receiver FROM recent);

CREATE TEMP TABLE transfers AS
SELECT t, s.id AS sender, r.id AS receiver, amount, asset
FROM recent JOIN addresses s ON s.address = recent.sender JOIN addresses r ON r.address = recent.receiver;

DROP TABLE recent;
"""

_EVENTS = """
events AS (  -- direction: 0 in, 1 out, 2 to itself
    SELECT sender AS w, receiver AS party, t, CASE WHEN sender = receiver THEN 2 ELSE 1 END AS direction, amount, asset,
        0e0 AS x_in, CASE WHEN sender = receiver THEN 0e0 ELSE amount END AS x_out
    FROM transfers
    UNION ALL
    SELECT receiver, sender, t, 0, amount, asset, amount, 0e0 FROM transfers WHERE sender <> receiver
)"""

_RUNNING = """
running AS (
    SELECT w, t, direction, amount, asset, x_in, x_out,
        t - lag(t) OVER ordered AS gap,
        sum(x_in) OVER so_far AS came,
        sum(x_out) OVER so_far AS went,
        sum(x_out) OVER (PARTITION BY w ORDER BY t RANGE BETWEEN CURRENT ROW AND 86400 FOLLOWING) AS next_day,
        sum(x_in) OVER (PARTITION BY w ORDER BY t RANGE BETWEEN UNBOUNDED PRECEDING AND 3601 PRECEDING) AS old_1h,
        sum(x_in) OVER (PARTITION BY w ORDER BY t RANGE BETWEEN UNBOUNDED PRECEDING AND 86401 PRECEDING) AS old_1d,
        min(t) OVER (PARTITION BY w) AS t_1
    FROM events
    WINDOW ordered AS (PARTITION BY w ORDER BY t, direction, amount),
        so_far AS (PARTITION BY w ORDER BY t, direction, amount ROWS UNBOUNDED PRECEDING)
),
spent AS (
    SELECT *, went - greatest(0e0, max(went - came) OVER so_far) AS matched
    FROM running
    WINDOW so_far AS (PARTITION BY w ORDER BY t, direction, amount ROWS UNBOUNDED PRECEDING)
),
steps AS (
    SELECT *, max(matched) OVER (PARTITION BY w) AS matched_in_all,
        coalesce(lag(matched) OVER (PARTITION BY w ORDER BY t, direction, amount), 0e0) AS matched_before
    FROM spent
)"""

_WALLETS = f"""
wallets AS (
    SELECT w, count(*) AS n, count(*) FILTER (direction = 1) AS outs, count(*) FILTER (direction = 0) AS ins,
        count(DISTINCT asset) AS assets, min(t) AS t_1, max(t) AS t_n,
        count(*) FILTER (gap IS NULL OR t // 86400 <> (t - gap) // 86400) AS days,
        sum(x_out) AS sum_out, sum(x_in) AS sum_in,
        max(amount) FILTER (direction = 1) AS max_out, max(amount) FILTER (direction = 0) AS max_in,
        avg(amount) FILTER (direction = 1) AS mean_out, avg(amount) FILTER (direction = 0) AS mean_in,
        stddev_pop(amount) FILTER (direction = 1) AS sd_out, stddev_pop(amount) FILTER (direction = 0) AS sd_in,
        max(gap) AS longest, count(gap) AS gaps, count(*) FILTER (gap = 0) AS zero_gaps,
        avg(gap) AS mean_gap, stddev_pop(gap) AS sd_gap,
        count(*) FILTER (direction = 1 AND t % 86400 < 32400) AS night,
        count(*) FILTER (direction = 1 AND abs(digits - round(digits)) <= 1e-7) AS rounds,
        count(*) FILTER (direction = 0 AND next_day >= 0.9 * amount * (1 - 1e-9)) AS forwarded,
        max(matched_in_all) AS matched,
        sum(CASE direction WHEN 1 THEN (t - t_1) * (matched - matched_before)
            WHEN 0 THEN -(t - t_1) * least(greatest(matched_in_all - (came - x_in), 0e0), x_in) ELSE 0e0 END) AS dwelt,
        sum(least(greatest(coalesce(old_1h, 0e0) - matched_before, 0e0), matched - matched_before))
            FILTER (direction = 1) AS slow_1h,
        sum(least(greatest(coalesce(old_1d, 0e0) - matched_before, 0e0), matched - matched_before))
            FILTER (direction = 1) AS slow_1d,
        count(*) FILTER (direction = 1 AND t >= {_AS_OF - MONTH}) AS outs_month,
        sum(CASE WHEN t >= {_AS_OF - MONTH} THEN x_in ELSE 0e0 END) AS sum_in_month
    FROM (SELECT *, 10 * amount / 10 ** floor(log10(amount)) AS digits FROM steps) GROUP BY w
),
pairs AS (
    SELECT w, count(*) FILTER (direction = 1) AS outs, count(*) FILTER (direction = 0) AS ins
    FROM events WHERE direction < 2 GROUP BY w, party
),
parties AS (
    SELECT w, count(*) AS distinct_all, count(*) FILTER (outs > 0) AS distinct_out, count(*) FILTER (ins > 0) AS distinct_in,
        max(outs) AS top_out
    FROM pairs GROUP BY w
),
hours AS (SELECT w, count(*) AS n FROM events WHERE direction = 1 GROUP BY w, t % 86400 // 3600),
clocks AS (SELECT w, (ln(sum(n)) - sum(n * ln(n)) / sum(n)) / ln(24) AS entropy FROM hours GROUP BY w),
sizes AS (SELECT w, count(*) AS sizes FROM (SELECT DISTINCT w, amount FROM events WHERE direction = 1) GROUP BY w)"""

_FEATURES = f"""
SELECT address, wallets.outs, wallets.ins, (wallets.n - wallets.outs - wallets.ins) / wallets.n, assets,
    ({_AS_OF} - t_1) / 86400, ({_AS_OF} - t_n) / 86400, (t_n - t_1) / 86400, days,
    sum_out, sum_in, mean_out, mean_in, max_out, max_in,
    CASE WHEN outs > 1 THEN sd_out / mean_out END, CASE WHEN ins > 1 THEN sd_in / mean_in END,
    rounds / nullif(outs, 0), sizes / nullif(outs, 0),
    longest, longest / nullif(t_n - t_1, 0), zero_gaps / nullif(gaps, 0),
    CASE WHEN gaps > 1 THEN (sd_gap - mean_gap) / nullif(sd_gap + mean_gap, 0) END,
    entropy, night / nullif(outs, 0),
    coalesce(distinct_out, 0), coalesce(distinct_in, 0), coalesce(distinct_all, 0),
    (distinct_out + distinct_in - distinct_all) / distinct_all, top_out / nullif(outs, 0),
    forwarded / nullif(ins, 0),
    (matched - coalesce(slow_1h, 0)) / nullif(sum_in, 0), (matched - coalesce(slow_1d, 0)) / nullif(sum_in, 0),
    dwelt / nullif(matched, 0), (sum_in - matched) / nullif(sum_in, 0),
    outs_month, sum_in_month
FROM wallets JOIN addresses ON addresses.id = wallets.w LEFT JOIN parties USING (w) LEFT JOIN clocks USING (w)
    LEFT JOIN sizes USING (w)"""


def run(path: Path) -> pa.Table:
    """The features, with as much memory as DuckDB likes to take."""
    return _run(path, {})


def run_limited(path: Path) -> pa.Table:
    """The features within a memory limit; what does not fit goes to disk."""
    return _run(path, {"memory_limit": _MEMORY})


def _run(path: Path, config: dict[str, str | bool | int | float | list[str]]) -> pa.Table:
    query = f"WITH {_EVENTS}, {_RUNNING}, {_WALLETS} {_FEATURES}"
    common = {"threads": THREADS, "preserve_insertion_order": False, "temp_directory": str(path.parent / "duckdb.tmp")}
    with duckdb.connect(config=common | config) as connection:
        first, *rest = _NUMBERED.split(";")
        connection.execute(first, [str(path)])
        connection.execute(";".join(rest))
        return connection.sql(query).to_arrow_table().rename_columns(COLUMNS)
