"""What the columns of a table or a report are, for those who look around: their types, meanings and an example."""

import polars as pl

from reports.core.report import Report
from reports.lake.schema import Table

UNITS = {"money": "in the currency of the row", "rate": "percent", "instant": "UTC"}
LOOKED_THROUGH = 1_000
"""Rows among which an example is looked for."""
_SCHEMA = {name: pl.String() for name in ("column", "type", "meaning", "example")}


def described_table(table: Table, frame: pl.LazyFrame) -> pl.DataFrame:
    """Return one row per column of a table; the example is the first value that is there among its first rows."""
    first = frame.head(LOOKED_THROUGH).select(pl.all().drop_nulls().first()).collect()
    rows = [
        (column.name, column.type, _with_unit(column.comment, column.type), _text(first[column.name].first()))
        for column in table.columns
    ]
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")


def described_report(report: Report) -> pl.DataFrame:
    """Return one row per column of a report; a figure says what it is made of, everything else its heading."""
    known = report.contributions.names if report.contributions else []
    rows = []
    for column in report.columns:
        meaning = (
            report.contributions.sentence(column.name) if report.contributions and column.name in known else column.en
        )
        rows.append((column.name, column.kind, _with_unit(meaning, column.kind), None))
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")


def _with_unit(meaning: str, type_: str) -> str:
    unit = UNITS.get(type_)
    return meaning if unit is None or unit in meaning else f"{meaning}; {unit}"


def _text(value: object) -> str | None:
    return None if value is None else str(value)
