"""Metrics as views, for those who have DuckDB and no Tiffin: `metric_net` in a night's file, and in SQL questions.

A view has a row for each day and all dimensions; where something counts at the end of a time, for each month, of the
last sixty. Whoever adds up a ratio's view adds up its two sides and divides.
"""

from collections.abc import Iterator
from datetime import date, timedelta

from reports.core.result import CutFacts
from reports.metrics.answer import dimension
from reports.metrics.metric import Metric, Metrics
from reports.metrics.query import Asked, quoted, sql

PREFIX = "metric_"
MONTHS = 60


def views(metrics: Metrics, cut: CutFacts) -> Iterator[tuple[str, list[str]]]:
    """Give names of views, each with the statements that make it and say what it is."""
    last = cut.closed_until or cut.taken_at.date()
    for metric in metrics.values():
        name, by = f"{PREFIX}{metric.name}", _keys(metrics, metric)
        comments = {key: dimension(key).en for key in by} | {"currency": "Currency", metric.name: metric.en}
        comments |= {side.name: side.en for side in metrics.sides(metric)}
        yield (
            name,
            [
                f"CREATE OR REPLACE VIEW {name} AS {_query(metrics, metric, by, last)}",
                f"COMMENT ON VIEW {name} IS {quoted(metric.en)}",
                *(f"COMMENT ON COLUMN {name}.{column} IS {quoted(words)}" for column, words in comments.items()),
            ],
        )


def _by_month(metrics: Metrics, metric: Metric) -> bool:
    return metric.times_days or any(side.adds_up == "at_end" for side in metrics.sides(metric))


def _keys(metrics: Metrics, metric: Metric) -> tuple[str, ...]:
    """Return what the rows of a view are by: time, and all dimensions."""
    time = ("month",) if _by_month(metrics, metric) else ("day", "month")
    return tuple(dict.fromkeys([*time, *metrics.dimensions(metric)]))


def _query(metrics: Metrics, metric: Metric, by: tuple[str, ...], last: date) -> str:
    sides = metrics.sides(metric)
    first = (last.replace(day=1) - timedelta(days=30 * MONTHS)).replace(day=1)
    asked = Asked(by, (first, last) if _by_month(metrics, metric) else None)
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
