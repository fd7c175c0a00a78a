"""Which entries make a figure: a money cell of a report answers with the entries behind it, whose sum it is.

A cell has an address: report, parameters, cut, key of the row, column. What adds up to it, each report says itself, in
`contributions`; nothing here knows a report. The residual is what the entries lack of the figure: 0.00, or a defect.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import narwhals as nw
import polars as pl

from ledger.errors import Failure
from reports.core.engines import collected
from reports.core.report import near
from reports.core.result import Result
from reports.core.tables import Frame, Tables, zero

SIZE = 100
"""How many entries a page has, unless more are asked for."""


@dataclass(frozen=True)
class Address:
    """Where a figure stands: everything that it takes to find it again."""

    report: str
    parameters: dict[str, Any]
    cut: int
    key: dict[str, Any]
    column: str


@dataclass(frozen=True)
class Explanation:
    """What a figure is made of.

    `entries` is one page of `count`: transaction, leg, business_date, kind, account, currency, amount, and `adds`, what
    the entry adds to the figure; all of them add up to `sum`. `parts` are the figures of the same row that this one is
    added up from, with their signs, where it is not one of entries itself.
    """

    address: Address
    words: str
    figure: Decimal
    count: int
    sum: Decimal
    parts: list[tuple[int, str, Decimal]]
    entries: pl.DataFrame

    @property
    def residual(self) -> Decimal:
        """Return what the entries lack of the figure."""
        return self.figure - self.sum


def row_of(result: Result, row: int | Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of a result by its number, from 0, or by values of its columns. Raises Failure unless it is one."""
    height = result.frame.height
    if isinstance(row, int):
        if not 0 <= row < height:
            raise Failure(f"{result.report.name} has {height} rows: there is no row {row}")
        return result.frame.row(row, named=True)
    unknown = next((name for name in row if name not in result.frame.columns), None)
    if unknown is not None:
        raise Failure(f"{result.report.name} has no column {unknown}{near(unknown, result.frame.columns)}")
    found = [one for one in result.frame.rows(named=True) if all(_says(one[name], row[name]) for name in row)]
    if len(found) != 1:
        free = [name for name in result.report.key if name in result.frame.columns and name not in row]
        hint = f": say which {' or '.join(free)}" if found and free else ""
        raise Failure(f"{len(found)} rows of {result.report.name} match{hint}")
    return found[0]


def _says(value: Any, given: Any) -> bool:
    return value == given or ("" if value is None else str(value)) == str(given)


def explain(tables: Tables, result: Result, row: Mapping[str, Any], column: str, *, page: int = 1) -> Explanation:
    """Return what a money figure of a result's row is made of. Raises Failure where nothing is known of the column."""
    report, contributions = result.report, result.report.contributions
    known = (
        []
        if contributions is None
        else [name for name in (*contributions.words, *contributions.made) if name in result.frame.columns]
    )
    if contributions is None or column not in known:
        what = f"nothing is known of what is behind {column} of {report.name}"
        raise Failure(what if contributions is None else f"{what}{near(column, known)}")
    key = {name: row[name] for name in report.key if name in result.frame.columns}
    pieces = contributions.pieces(tables, result.parameters, row)
    for name, value in key.items():
        if name in pieces.columns:
            pieces = pieces.filter(nw.col(name).is_null() if value is None else nw.col(name) == value)
    adds = zero()
    for part, sign in contributions.parts(column).items():
        adds = adds + nw.col(part) if sign > 0 else adds - nw.col(part)
    made = pieces.select("transaction_id", "leg", adds=adds).filter(nw.col("adds") != zero())
    totals = collected(made.select(count=nw.len(), sum=nw.col("adds").sum()))
    count, total = totals.row(0)
    parameters = result.parameters.model_dump(mode="json", by_alias=True, exclude_none=True)
    return Explanation(
        address=Address(report.name, parameters, result.cut.number, key, column),
        words=contributions.sentence(column),
        figure=row[column],
        count=count,
        sum=total or Decimal("0.00"),
        parts=[(sign, name, row[name]) for name, sign in contributions.made.get(column, {}).items()],
        entries=_page(tables, made, page),
    )


def _page(tables: Tables, made: Frame, page: int) -> pl.DataFrame:
    """Return one page of the entries, in order, with what they are."""
    first = collected(made.sort("transaction_id", "leg").head(page * SIZE)).slice((page - 1) * SIZE)
    entries = tables.entries.filter(nw.col("transaction_id").is_in(first["transaction_id"].unique().to_list()))
    facts = entries.select("transaction_id", "leg", "business_date", "kind", "account_id", "currency", "amount")
    named = {"transaction_id": "transaction", "account_id": "account"}
    shown = first.join(collected(facts), on=["transaction_id", "leg"], how="left", maintain_order="left").rename(named)
    return shown.select(
        "transaction",
        "leg",
        "business_date",
        "kind",
        "account",
        "currency",
        "amount",
        pl.col("adds").cast(pl.Decimal(18, 2)),
    )
