"""Metrics answered: as a result, with totals that are counted anew, so that those of ratios are right.

The dimensions and currency are the rows, a metric is a column. Sums are DuckDB's or Spark's, by one query; a ratio is
divided last, of each row and of each total by itself.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

import duckdb
import narwhals as nw
import polars as pl
from pydantic import Field

from ledger.errors import Failure
from reports.core.engines import collected
from reports.core.parameters import Period
from reports.core.pictures import Picture
from reports.core.report import Column, Kind, Report
from reports.core.result import Control, Result
from reports.lake.schema import TABLE_NAMES, TABLES
from reports.metrics.metric import TIME, Metric, Metrics
from reports.metrics.query import Asked, pieces, sql

if TYPE_CHECKING:
    from reports.run import LakeBook

NAME = "metrics"
MEMORY_MB = 4_096
LABELS: dict[str, tuple[Kind, str, str]] = {
    "day": ("date", "Day", "День"),
    "week": ("date", "Week from", "Неделя с"),
    "month": ("month", "Month", "Месяц"),
    "weekday": ("number", "Weekday", "День недели"),
    "brand": ("code", "Brand code", "Код бренда"),
    "service": ("word", "Service", "Услуга"),
    "channel": ("code", "Channel", "Канал"),
    "kind": ("word", "Kind", "Вид"),
    "code": ("code", "Code", "Код"),
    "account": ("code", "Account", "Счёт"),
    "client": ("text", "Client", "Клиент"),
    "party": ("code", "Client code", "Код клиента"),
    "party_kind": ("word", "Kind of client", "Вид клиента"),
    "source_kind": ("word", "Paid by", "Чем оплачено"),
}


class Parameters(Period):
    """A period, the metrics and what they are shown by."""

    metrics: str = Field(description="the metrics")
    by: str = Field("", description="what they are shown by")
    only: str = Field("", description="what they are narrowed to")


def answered(
    book: "LakeBook",
    metrics: Metrics,
    names: Sequence[str],
    by: Sequence[str],
    days: tuple[date, date],
    only: Mapping[str, str],
) -> Result:
    """Return metrics of a period by dimensions. Raises Failure for what there is not."""
    wanted = [metrics.named(name) for name in dict.fromkeys(names)]
    if not wanted:
        raise Failure(f"name a metric: there are {', '.join(metrics)}")
    by = list(dict.fromkeys(by))
    if len([name for name in by if name in TIME]) > 1 and any(one.times_days for one in wanted):
        raise Failure("what is of the days of a period is shown by one of day, week and month")
    known_at = book.closed_at(days[1])
    sides = {side.name: side for one in wanted for side in metrics.sides(one)}

    def table(keys: Sequence[str]) -> pl.DataFrame:
        asked = Asked(tuple(keys), days, only, known_at, "spark" if book.scan else "duckdb")
        with _engine(book) as run:
            found = [_rows(book, run, side, asked) for side in sides.values()]
        return _divided(metrics, wanted, _beside(found, keys, sides), keys, days)

    columns = (*(dimension(name) for name in by), Column("currency", "currency", "Currency", "Валюта"))
    columns += tuple(Column(one.name, one.kind, one.en, one.ru, total=True) for one in wanted)
    frame, totals = table(by), table(())
    report = Report(
        NAME,
        " · ".join(one.en for one in wanted),
        " · ".join(one.ru for one in wanted),
        "figures of the house and of the company, by any dimension",
        Parameters,
        columns,
        (*by, "currency"),
        lambda tables, p: nw.from_native(frame.lazy()),
        (),
        picture=Picture(
            (wanted[0].name,), tuple(by) or ("currency",), next((n for n in by[1:] if n not in TIME), None)
        ),
    )
    narrowed = ", ".join(f"{name} = {value}" for name, value in only.items())
    parameters = Parameters(
        first_day=days[0], last_day=days[1], metrics=", ".join(names), by=", ".join(by), only=narrowed
    )
    controls = [c for one in wanted if _adds_up(one, by) for c in _controls(one, frame, totals)]
    return Result(report, parameters, book.cut, frame, controls, book.draw, totals)


def _rows(book: "LakeBook", run: Callable[[str], pl.DataFrame], metric: Metric, asked: Asked) -> pl.DataFrame:
    """Return the rows of a metric's query."""
    if not book.whole and metric.table == "transactions":
        raise Failure(f"{metric.name} is of all brands together: it is for those who may see them all")
    try:
        found = run(sql(metric, asked))
    except duckdb.Error as error:
        sentence = " ".join(str(error).split("\n\n")[0].split())
        raise Failure(f"{metric.place}: metric {metric.name}: {sentence}") from None
    type_ = pl.Decimal(18, 2) if metric.unit == "money" else pl.Int64()
    return found.with_columns(pl.col(metric.name).cast(type_))


@contextmanager
def _engine(book: "LakeBook") -> Iterator[Callable[[str], pl.DataFrame]]:
    """Lend what runs queries over the book's tables. Queries are of the house or the pack, so they run in here."""
    if book.scan is not None:
        yield partial(_on_spark, book.scan)
        return
    path = getattr(book.lake, "duckdb_path", None)
    with duckdb.connect(str(path or ":memory:"), read_only=path is not None) as connection:
        connection.execute(f"SET memory_limit = '{MEMORY_MB}MB'")

        def run(query: str) -> pl.DataFrame:
            words = set() if path else set(re.findall(r"\w+", query))
            for table in TABLES:
                if table.name in words:  # no more of it than the query names
                    wanted = [name for name in table.names if name in words]
                    connection.register(table.name, book.lake.scan(table.name).select(wanted).collect().to_arrow())
            found: pl.DataFrame = connection.sql(query).pl()
            return found

        yield run


def _on_spark(scan: Any, query: str) -> pl.DataFrame:
    from reports.lake.spark import session

    for name in TABLE_NAMES:
        if name in query:
            scan(name).createOrReplaceTempView(name)
    return collected(nw.from_native(session().sql(query)))


def _beside(found: Sequence[pl.DataFrame], keys: Sequence[str], sides: Mapping[str, Metric]) -> pl.DataFrame:
    """Return the rows of several queries side by side; where one has no row, its sum is nothing."""
    on = [*keys, "currency"]
    whole = pl.concat([one.select(on) for one in found]).unique().sort(on)
    for one in found:
        whole = whole.join(one, on=on, how="left", nulls_equal=True)
    return whole.sort(on).with_columns(pl.col(name).fill_null(pl.lit(0).cast(whole.schema[name])) for name in sides)


def _divided(
    metrics: Metrics, wanted: Sequence[Metric], sums: pl.DataFrame, keys: Sequence[str], days: tuple[date, date]
) -> pl.DataFrame:
    of = {name: (until - since).days + 1 for name, since, until in pieces(keys, days)}
    grain = next((name for name in keys if name in TIME), None)
    long = pl.lit(of[""]) if grain is None else pl.col(grain).cast(pl.String).replace_strict(of, default=1)
    figures = []
    for one in wanted:
        if not one.is_ratio:
            figures.append(pl.col(one.name))
            continue
        above, below = pl.col(one.numerator).cast(pl.Float64), pl.col(one.denominator).cast(pl.Float64)
        quotient = above / below * long if one.times_days else above / below
        figures.append(pl.when(below > 0).then(quotient).round(4 if one.unit == "share" else 2).alias(one.name))
    shown = sums.select(*keys, "currency", *figures)
    return shown.filter(pl.any_horizontal(pl.col(one.name).fill_null(0) != 0 for one in wanted))


def _adds_up(metric: Metric, by: Sequence[str]) -> bool:
    if metric.is_ratio or metric.adds_up == "never":
        return False
    return metric.adds_up == "always" or not any(name in TIME for name in by)


def _controls(metric: Metric, frame: pl.DataFrame, totals: pl.DataFrame) -> list[Control]:
    """Set the sum of the rows beside the total, which is counted by itself."""
    sums = dict(frame.group_by("currency").agg(pl.col(metric.name).sum().cast(pl.Decimal(18, 2))).rows())
    en, ru = f"rows of {metric.name} = its total", f"строки {metric.name} = итог"
    return [
        Control(metric.name, en, ru, currency, total, sums.get(currency, total - total))
        for currency, total in totals.select("currency", pl.col(metric.name).cast(pl.Decimal(18, 2))).rows()
    ]


def dimension(name: str) -> Column:
    """Return the column of a dimension, with its heading in both languages."""
    kind, en, ru = LABELS.get(name, ("text", name.replace("_", " "), name.replace("_", " ")))
    return Column(name, kind, en, ru)
