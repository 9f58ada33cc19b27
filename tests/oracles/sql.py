"""The plainer features a third time, as SQL in DuckDB, for all snapshots of a table at once.

Each feature is one aggregate per snapshot over one of the views below. A formula that is not defined is NULL here.
"""

import duckdb
import pandas as pd

# One row a transfer and snapshot that sees it: `other` is the other end, `place` its place in the snapshot's order.
SEEN = """
CREATE TABLE seen AS
WITH plain AS (
    SELECT epoch(timestamp)::BIGINT AS t, sender, receiver, amount, asset, usd FROM transfers WHERE failed IS NOT TRUE
), ends AS (
    SELECT sender AS w, receiver AS other, if(sender = receiver, 'self', 'out') AS side, t, amount, asset, usd
    FROM plain
    UNION ALL
    SELECT receiver, sender, 'in', t, amount, asset, usd FROM plain WHERE sender <> receiver
)
SELECT snapshot, as_of, other, side, t, t // 86400 AS day, amount, asset, usd, min(t) OVER (PARTITION BY snapshot) AS t_1,
       row_number() OVER (
           PARTITION BY snapshot ORDER BY t, array_position(['in', 'out', 'self'], side), amount) AS place
FROM ends JOIN asked USING (w) WHERE t < as_of AND (low IS NULL OR low <= t)
"""

LEADING = """
CREATE TABLE leaders AS
SELECT snapshot, asset AS leader FROM seen WHERE amount > 0 AND side <> 'self' GROUP BY snapshot, asset
QUALIFY 1 = row_number() OVER (
    PARTITION BY snapshot
    ORDER BY count(*) FILTER (side = 'out') DESC, count(*) FILTER (side = 'in') DESC, min(place))
"""

IN_ORDER = "(PARTITION BY snapshot ORDER BY place)"

VIEWS = {
    "entry": """SELECT *, if(side = 'in' AND amount > 0 AND asset = leader, amount, NULL) AS x_in,
                       if(side = 'out' AND amount > 0 AND asset = leader, amount, NULL) AS x_out
                FROM seen LEFT JOIN leaders USING (snapshot)""",
    "x": "SELECT * FROM entry WHERE x_in > 0 OR x_out > 0",
    "gap": f"""SELECT snapshot, g, lag(g) OVER {IN_ORDER} AS g_before
               FROM (SELECT snapshot, place, t - lag(t) OVER {IN_ORDER} AS g FROM entry)""",
    "in_gap": f"SELECT snapshot, t - lag(t) OVER {IN_ORDER} AS g FROM entry WHERE side = 'in'",
    "out_gap": f"SELECT snapshot, t - lag(t) OVER {IN_ORDER} AS g FROM entry WHERE side = 'out'",
    "ahead": """SELECT snapshot, count(*) OVER ten_minutes AS in_10min, count(*) OVER one_day AS in_1d FROM entry
                WINDOW ten_minutes AS (PARTITION BY snapshot ORDER BY t RANGE BETWEEN CURRENT ROW AND 599 FOLLOWING),
                       one_day AS (PARTITION BY snapshot ORDER BY t RANGE BETWEEN CURRENT ROW AND 86399 FOLLOWING)""",
    "fan": """SELECT snapshot, side, count(DISTINCT other) OVER (
                  PARTITION BY snapshot, side ORDER BY t RANGE BETWEEN CURRENT ROW AND 86399 FOLLOWING) AS others
              FROM entry WHERE side <> 'self'""",
    "every_day": """SELECT snapshot, day, count(t) AS n
                    FROM (SELECT snapshot, unnest(generate_series(min(day), max(day))) AS day
                          FROM entry GROUP BY snapshot)
                    LEFT JOIN entry USING (snapshot, day) GROUP BY ALL""",
    "met": """SELECT snapshot, other, count(*) FILTER (side = 'in') AS ins, count(*) FILTER (side = 'out') AS outs
              FROM entry WHERE side <> 'self' GROUP BY ALL""",
    "worth": "SELECT snapshot, other, sum(x_in) AS received, sum(x_out) AS sent FROM x GROUP BY ALL",
    "hour": "SELECT snapshot, count(*) AS n FROM entry WHERE side = 'out' GROUP BY snapshot, t % 86400 // 3600",
    "size_in": """SELECT snapshot, count(*) AS n FROM x WHERE side = 'in'
                GROUP BY snapshot, floor(10 * log10(x_in) + 1e-9)""",
    "size_out": """SELECT snapshot, count(*) AS n FROM x WHERE side = 'out'
                GROUP BY snapshot, floor(10 * log10(x_out) + 1e-9)""",
    "ranked": """SELECT snapshot, side, amount, row_number() OVER (PARTITION BY snapshot, side ORDER BY amount) AS i,
                        count(*) OVER (PARTITION BY snapshot, side) AS m FROM x""",
    "large": """SELECT snapshot, t, t_1
                FROM x JOIN (SELECT snapshot, amount AS p FROM ranked WHERE side = 'in' AND i = (19 * m + 19) // 20)
                USING (snapshot) WHERE x_in >= p""",
    "step": f"""SELECT snapshot, side, lag(side) OVER {IN_ORDER} AS side_before,
                       amount, lag(amount) OVER {IN_ORDER} AS amount_before FROM x""",
    "payment": f"SELECT snapshot, x_out AS a, lag(x_out) OVER {IN_ORDER} AS b FROM x WHERE side = 'out'",
    "returned": """SELECT snapshot, x_out, t >= min(t) FILTER (side = 'in') OVER (PARTITION BY snapshot, other) AS back
                   FROM entry""",
    "delayed": """SELECT snapshot, t - t_in AS delay FROM x
                  JOIN (SELECT snapshot, min(place) AS place_in, min(t) AS t_in FROM x WHERE side = 'in' GROUP BY ALL)
                  USING (snapshot) WHERE side = 'out' AND place > place_in""",
    "reaction": f"""SELECT snapshot, side, t - max(if(side = 'in', t, NULL)) OVER {IN_ORDER} AS seconds FROM x""",
    "forward": """SELECT snapshot, x_in, sum(x_out) OVER (
                      PARTITION BY snapshot ORDER BY t RANGE BETWEEN CURRENT ROW AND 86400 FOLLOWING) AS next_day
                  FROM x""",
    "kept": """SELECT snapshot, least(1, abs(coalesce(sum(x_out), 0) - sum(x_in)) / sum(x_in)) AS share
               FROM x GROUP BY snapshot, day HAVING count(x_in) > 0""",
    "running": f"SELECT snapshot, x_in, x_out, sum(coalesce(x_out, -x_in)) OVER {IN_ORDER} AS overdrawn FROM x",
}
BOTH = ("in", "out")
OUT = "FILTER (side = 'out')"
ENTROPY = "(ln(sum(n)) - sum(n * ln(n)) / sum(n))"
BURSTINESS = """if(count(g) >= 2 AND sum(g) > 0,
    (stddev_pop(g) - avg(g)) / (stddev_pop(g) + avg(g)), NULL)"""
MATCHED = "(sum(x_out) - greatest(0, max(overdrawn)))"


def _sides(template: str, expression: str) -> dict[str, str]:
    """One feature per side, in and out; `@` stands for the side in the name and the SQL."""
    return {template.replace("@", side): expression.replace("@", side) for side in BOTH}


FEATURES = {
    "entry": {
        "activity__transfers__total": "count(*)",
        **_sides("activity__transfers__@", "count(*) FILTER (side = '@')"),
        "activity__out__share": f"count(*) {OUT} / nullif(count(*) FILTER (side <> 'self'), 0)",
        "activity__self__share": "avg((side = 'self')::INT)",
        **_sides("activity__zero_@__share", "avg((amount = 0)::INT) FILTER (side = '@')"),
        **_sides("activity__recency_@__days", "(any_value(as_of) - max(t) FILTER (side = '@')) / 86400"),
        "activity__active__days": "count(DISTINCT day)",
        "activity__active__days_share": "count(DISTINCT day) / (max(day) - min(day) + 1)",
        "activity__span__days": "(max(t) - min(t)) / 86400",
        "activity__recency__days": "(any_value(as_of) - max(t)) / 86400",
        "activity__age__days": "(any_value(as_of) - min(t)) / 86400",
        "activity__rate__per_day": "count(*) / greatest(1, (max(t) - min(t)) / 86400)",
        "activity__assets__distinct": "count(DISTINCT asset)",
        "value__leading__share": """nullif(count(x_in) + count(x_out), 0)
            / nullif(count(*) FILTER (side <> 'self' AND amount > 0), 0)""",
        **_sides("value__@__usd_total", "sum(usd) FILTER (side = '@')"),
        **_sides("counterparties__@__distinct", "count(DISTINCT other) FILTER (side = '@')"),
        **_sides(
            "counterparties__@__distinct_share",
            """count(DISTINCT other) FILTER (side = '@')
            / nullif(count(*) FILTER (side = '@'), 0)""",
        ),
        "counterparties__all__distinct": "count(DISTINCT other) FILTER (side <> 'self')",
        "counterparties__all__distinct_share": """count(DISTINCT other) FILTER (side <> 'self')
            / nullif(count(*) FILTER (side <> 'self'), 0)""",
        "timing__out_hour__resultant": f"""sqrt(avg(cos(2 * pi() * (t % 86400) / 86400)) {OUT} ** 2
            + avg(sin(2 * pi() * (t % 86400) / 86400)) {OUT} ** 2)""",
        "timing__out_hour__night_share": f"avg((t % 86400 < 32400)::INT) {OUT}",
        "timing__out_weekend__share": f"avg((isodow(to_timestamp(t) AT TIME ZONE 'UTC') >= 6)::INT) {OUT}",
    },
    "x": {
        **_sides("value__@__total", "sum(x_@)"),
        **_sides("value__@__mean", "avg(x_@)"),
        **_sides("value__@__median", "median(x_@)"),
        **_sides("value__@__max", "max(x_@)"),
        **_sides("value__@__cv", "if(count(x_@) >= 2, stddev_pop(x_@) / avg(x_@), NULL)"),
        **_sides("value__@__max_share", "max(x_@) / sum(x_@)"),
        **_sides("value__@__median_to_mean", "median(x_@) / avg(x_@)"),
        "value__out__share": "coalesce(sum(x_out), 0) / sum(amount)",
        "value__size__out_share": "avg(x_out) / (avg(x_in) + avg(x_out))",
        "value__first_in__share": "arg_min(x_in, place) / sum(x_in)",
        "value__last_out__share": "arg_max(x_out, place) / sum(x_out)",
        "flow__last_out__flag": "arg_max(side = 'out', place)",
        **_sides("amounts__@__distinct_share", "count(DISTINCT x_@) / nullif(count(x_@), 0)"),
    },
    "ranked": _sides(
        "value__@__gini",
        """if(count(*) FILTER (side = '@') >= 2,
        sum((2 * i - m - 1) * amount / m) FILTER (side = '@') / sum(amount) FILTER (side = '@'), NULL)""",
    ),
    "large": {"flow__large_in__age_days": "(min(t) - any_value(t_1)) / 86400"},
    "size_in": {"amounts__in__entropy": f"if(sum(n) >= 2, {ENTROPY} / ln(sum(n)), NULL)"},
    "size_out": {"amounts__out__entropy": f"if(sum(n) >= 2, {ENTROPY} / ln(sum(n)), NULL)"},
    "payment": {"amounts__out__repeat_share": "avg((abs(a - b) <= 0.01 * (1 + 1e-9) * greatest(a, b))::INT)"},
    "gap": {
        "timing__gap__median": "median(g)",
        "timing__gap__longest": "max(g)",
        "timing__gap__longest_share": "max(g) / nullif(sum(g), 0)",
        "timing__gap__burstiness": BURSTINESS,
        "timing__gap__memory": "if(regr_count(g, g_before) >= 2, corr(g, g_before), NULL)",
        "timing__gap__under_1min": "avg((g < 60)::INT)",
        "timing__gap__zero_share": "avg((g = 0)::INT)",
    },
    **{
        f"{side}_gap": {f"timing__{side}_gap__median": "median(g)", f"timing__{side}_gap__burstiness": BURSTINESS}
        for side in BOTH
    },
    "ahead": {
        "timing__busiest__10min": "max(in_10min)",
        "activity__busiest__1d_share": "max(in_1d) / count(*)",
    },
    "every_day": {"timing__day__fano": "if(count(*) >= 2, var_pop(n) / avg(n), NULL)"},
    "hour": {"timing__out_hour__entropy": f"{ENTROPY} / ln(24)"},
    "fan": _sides("counterparties__fan_@__1d", "max(others) FILTER (side = '@')"),
    "met": {
        "counterparties__fan__out_share": "sum((outs > 0)::INT) / (sum((ins > 0)::INT) + sum((outs > 0)::INT))",
        "counterparties__reciprocal__share": "avg((ins > 0 AND outs > 0)::INT)",
        **_sides("counterparties__@__top_share", "max(@s) / nullif(sum(@s), 0)"),
        **_sides(
            "counterparties__@__entropy",
            """if(sum(@s) >= 2,
            1 - sum(@s * ln(@s)) FILTER (@s > 0) / (sum(@s) * ln(sum(@s))), NULL)""",
        ),
        **_sides("counterparties__@__once_share", "avg((@s = 1)::INT) FILTER (@s > 0)"),
    },
    "worth": {
        "counterparties__in__top_value_share": "max(received) / sum(received)",
        "counterparties__out__top_value_share": "max(sent) / sum(sent)",
    },
    "returned": {"counterparties__return__value_share": "coalesce(sum(x_out) FILTER (back), 0) / sum(x_out)"},
    "step": {
        "flow__switch__share": "avg((side <> side_before)::INT)",
        "flow__peel_step__share": f"""if(count(*) {OUT} >= 2, count(*) FILTER (side = 'out' AND side_before = 'out'
            AND least(amount, amount_before) < 0.1 * (1 - 1e-9) * greatest(amount, amount_before))
            / (count(*) {OUT} - 1), NULL)""",
    },
    "forward": {"flow__forward__1d": "avg((coalesce(next_day, 0) >= 0.9 * x_in * (1 - 1e-9))::INT) FILTER (x_in > 0)"},
    "delayed": {"flow__first_out__delay": "min(delay)"},
    "reaction": {"flow__reaction__median": f"median(seconds) {OUT}"},
    "kept": {"flow__day_kept__mean": "avg(share)"},
    "running": {
        "flow__retention__share": f"(sum(x_in) - coalesce({MATCHED}, 0)) / sum(x_in)",
        "flow__uncovered__share": "greatest(0, max(overdrawn)) / sum(x_out)",
    },
}


def sql_oracle(transfers: pd.DataFrame, snapshots: pd.DataFrame, window_seconds: int | None) -> pd.DataFrame:
    """The features of `FEATURES`, one row per snapshot in their order; NaN where the formula is not defined."""
    with duckdb.connect() as database:
        database.register("transfers", transfers)
        database.register("asked", _asked(snapshots, window_seconds))
        database.execute(SEEN)
        database.execute(LEADING)
        for name, query in VIEWS.items():
            database.execute(f"CREATE TABLE {name} AS {query}")
        answers = [_aggregate(database, view, features) for view, features in FEATURES.items()]
    return pd.concat(answers, axis=1).reindex(range(len(snapshots))).astype("float64")


def _asked(snapshots: pd.DataFrame, window_seconds: int | None) -> pd.DataFrame:
    as_of = snapshots["as_of"].astype("datetime64[s, UTC]").astype("int64").to_numpy()
    low = pd.array([None] * len(as_of) if window_seconds is None else as_of - window_seconds, dtype="Int64")
    return pd.DataFrame({"snapshot": range(len(as_of)), "w": snapshots["address"], "as_of": as_of, "low": low})


def _aggregate(database: duckdb.DuckDBPyConnection, view: str, features: dict[str, str]) -> pd.DataFrame:
    columns = ", ".join(f"{expression} AS {name}" for name, expression in features.items())
    return database.execute(f"SELECT snapshot, {columns} FROM {view} GROUP BY snapshot").df().set_index("snapshot")
