"""Metrics as views, for those who have DuckDB and no Tiffin: `metric_net` in a night's file, and in SQL questions.

A view has a row for each day and all dimensions; where something counts at the end of a time, for each month, of the
last sixty. Whoever adds up a ratio's view adds up its two sides and divides.
"""

from collections.abc import Iterator
from datetime import date, timedelta

from reports.core.result import CutFacts
from reports.metrics.metric import Metric, Metrics
from reports.metrics.query import Asked, sql

PREFIX = "metric_"
MONTHS = 60


def views(metrics: Metrics, cut: CutFacts) -> Iterator[tuple[str, list[str]]]:
    """Give names of views, each with the statements that make it and say what it is."""
    last = cut.closed_until or cut.taken_at.date()
    for metric in metrics.values():
        name, words = f"{PREFIX}{metric.name}", metric.en.replace("'", "''")
        yield (
            name,
            [
                f"CREATE OR REPLACE VIEW {name} AS {_query(metrics, metric, last)}",
                f"COMMENT ON VIEW {name} IS '{words}'",
            ],
        )


def _query(metrics: Metrics, metric: Metric, last: date) -> str:
    sides = metrics.sides(metric)
    by_month = metric.times_days or any(side.adds_up == "at_end" for side in sides)
    keys = [*(("month",) if by_month else ("day", "month")), *metrics.dimensions(metric)]
    first = (last.replace(day=1) - timedelta(days=30 * MONTHS)).replace(day=1)
    asked = Asked(tuple(dict.fromkeys(keys)), (first, last) if by_month else None)
    if not metric.is_ratio:
        return sql(metric, asked)
    of = ", ".join([*asked.by, "currency"])
    names = [side.name for side in sides]
    both = " UNION ALL ".join(
        f"SELECT {of}, {', '.join(name if name == side.name else f'0 AS {name}' for name in names)} "
        f"FROM ({sql(side, asked)}) s"
        for side in sides
    )
    above, below = (f"sum({name})" for name in names)
    days = "day(last_day(CAST(month || '-01' AS DATE)))"
    days = f" * CASE WHEN month = '{last:%Y-%m}' THEN {last.day} ELSE {days} END" if metric.times_days else ""
    quotient = f"round(CAST({above} AS DOUBLE) / CAST({below} AS DOUBLE){days}, {4 if metric.unit == 'share' else 2})"
    sums = f"{above} AS {names[0]}, {below} AS {names[1]}"
    ratio = f"CASE WHEN {below} > 0 THEN {quotient} END AS {metric.name}"
    return f"SELECT {of}, {sums}, {ratio} FROM ({both}) q GROUP BY {of}"
