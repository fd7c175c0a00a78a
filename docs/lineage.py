"""Where figures come from: the lake tables that a report reads, and the PostgreSQL columns behind a lake table."""

import functools
import re
from datetime import date
from typing import Any, get_args

import polars as pl
from sqlmodel import SQLModel

from ledger.food.postgres import tables as food_tables
from ledger.postgres import tables as ledger_tables
from reports.core.report import Report
from reports.core.tables import Tables
from reports.lake import extract
from reports.lake.reader import polars_schema
from reports.lake.schema import TABLES, Table

VIEWS = {"open_debit": ("aging_item", "balance")}
"""Views that the lake is read from, and their tables."""


@functools.cache
def reads(report: Report) -> frozenset[str]:
    """Return the lake tables that a report scans, its control totals included."""
    scanned: set[str] = set()

    def scan(name: str) -> pl.LazyFrame:
        scanned.add(name)
        return pl.LazyFrame(schema=polars_schema(next(table for table in TABLES if table.name == name)))

    for by in _groupings(report):
        tables, parameters = Tables(scan), _some(report, by)
        rows = report.frame(tables, parameters)
        for check in report.checks:
            check.frame(tables, parameters, rows)
    return frozenset(scanned)


def _groupings(report: Report) -> tuple[Any, ...]:
    field = report.parameters.model_fields.get("by")
    return get_args(field.annotation) or (None,) if field is not None else (None,)


def _some(report: Report, by: Any) -> Any:
    """Return parameters of the report that are good enough to look at its plan."""
    day = date(2026, 1, 31)
    given: dict[str, Any] = {"from": day, "to": day, "as_of": day, "by": by}
    fields = {field.alias or name: field for name, field in report.parameters.model_fields.items()}
    values = {name: given[name] for name in fields if given.get(name) is not None}
    values |= {name: 1000017 for name, field in fields.items() if field.is_required() and name not in values}
    return report.parameters.model_validate(values)


@functools.cache
def _metadata() -> dict[str, frozenset[str]]:
    assert ledger_tables and food_tables  # imported: that is what fills the metadata
    return {name: frozenset(table.columns.keys()) for name, table in SQLModel.metadata.tables.items()}


def lineage(table: Table) -> list[str]:
    """Return the PostgreSQL tables that a lake table is read from, in the order of its SQL."""
    sql = extract.SNAPSHOTS.get(table.name) or getattr(extract, table.name.upper())
    found = re.findall(r"\b(?:FROM|JOIN)\s+(\w+)", sql) + re.findall(r"FROM \w+ \w+, (\w+)", sql)
    # Entries meet their transactions and accounts after they were read.
    joined = ["transaction", "account"] if table.name == "entries" else []
    tables = [name for source in [*found, *joined] for name in VIEWS.get(source, (source,))]
    return list(dict.fromkeys(name for name in tables if name in _metadata()))


def origin_of(column: str, sources: list[str]) -> str:
    """Return the column of PostgreSQL that has the same name, or that the figure is derived."""
    found = [source for source in sources if column in _metadata()[source]]
    return f"`{found[0]}.{column}`" if found else "derived"
