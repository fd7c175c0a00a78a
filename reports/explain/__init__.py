"""Which rows make a figure: a money cell of a report answers with the entries behind it, whose sum it is.

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
from reports.core.contributions import Contributions, Source
from reports.core.engines import all_collected, collected
from reports.core.parameters import Parameters
from reports.core.report import ROUNDED, alike, near
from reports.core.result import Result
from reports.core.tables import Frame, Tables, zero
from reports.explain.address import Address, key_of, links, parameters_of, read_address

__all__ = ["SIZE", "Address", "Explanation", "explain", "links", "parameters_of", "read_address", "row_of"]

SIZE = 100
"""How many entries a page has, unless more are asked for."""
FACTS = {
    "table": pl.String(),
    "id": pl.Int64(),
    "transaction": pl.Int64(),
    "leg": pl.Int64(),
    "business_date": pl.Date(),
    "kind": pl.String(),
    "account": pl.Int64(),
    "currency": pl.String(),
    "amount": pl.Decimal(18, 2),
    "adds": pl.Decimal(18, 2),
}
NARROWING = ("brand", "currency", "account", "party")
_ENTRY = ("transaction_id", "leg")
_OF_ENTRY = ("business_date", "kind", "account_id", "currency", "amount")


@dataclass(frozen=True)
class Explanation:
    """What a figure is made of.

    `entries` is one page of `count` rows: table (entries, or another of the lake where the figure is not one of
    entries), id, transaction, leg, business_date, kind, account, currency, amount, and `adds`, what the row adds to the
    figure; all of them add up to `sum`. `parts` are the figures of the same row that this one is added up from, with
    their signs, where it is not one of entries itself. A quotient has `ratio` instead: numerator and denominator, each
    explained, and its own rows are theirs. A cell without a figure has None, and nothing behind it.
    """

    address: Address
    words: str
    figure: Decimal | None
    count: int
    sum: Decimal
    parts: list[tuple[int, str, Decimal]]
    entries: pl.DataFrame
    ratio: "tuple[Explanation, Explanation] | None" = None

    @property
    def residual(self) -> Decimal:
        """Return what the entries lack of the figure."""
        return (self.figure or Decimal("0.00")) - self.sum


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
    if not found:
        names = {name: result.frame[name].cast(pl.String).fill_null("").unique().sort().to_list() for name in row}
        odd = next((name for name in row if ("" if row[name] is None else str(row[name])) not in names[name]), None)
        hint = "" if odd is None else f": no {odd} is {row[odd]}{alike(str(row[odd]), names[odd])}"
        raise Failure(f"0 rows of {result.report.name} match{hint}")
    if len(found) != 1:
        free = [name for name in result.report.key if name in result.frame.columns and name not in row]
        hint = f": say which {' or '.join(free)}" if free else ""
        raise Failure(f"{len(found)} rows of {result.report.name} match{hint}")
    return found[0]


def _says(value: Any, given: Any) -> bool:
    return value == given or ("" if value is None else str(value)) == ("" if given is None else str(given))


def explain(tables: Tables, result: Result, row: Mapping[str, Any], column: str, *, page: int = 1) -> Explanation:
    """Return what a figure of a result's row is made of. Raises Failure where nothing is known of the column."""
    contributions = result.report.contributions
    known = [name for name in contributions.names if name in result.frame.columns] if contributions else []
    if contributions is None or column not in known:
        what = f"nothing is known of what is behind {column} of {result.report.name}"
        raise Failure(what if contributions is None else f"{what}{near(column, known)}")
    return _Explaining(tables.keeping(), result, row, contributions, page).figure(column)


@dataclass(frozen=True)
class _Explaining:
    """The row that is asked about, and where its figures come from."""

    tables: Tables
    result: Result
    row: Mapping[str, Any]
    contributions: Contributions
    page: int

    def figure(self, column: str) -> Explanation:
        given = column in self.row
        figure = self.row.get(column)
        address = Address(
            self.result.report.name,
            parameters_of(self.result),
            self.result.cut.number,
            key_of(self.result, self.row),
            column,
        )
        words = self.contributions.sentence(column)
        if given and figure is None:
            return Explanation(address, words, None, 0, Decimal("0.00"), [], pl.DataFrame(schema=FACTS))
        if column in self.contributions.ratios:
            return self._ratio(address, words, figure)
        made = self.contributions.made.get(column, {})
        parts = [(sign, name, self.row[name]) for name, sign in made.items()]
        if not given and parts:
            figure = sum((sign * part for sign, _, part in parts), Decimal(0))
        count, total, entries = self._added_up(column)
        return Explanation(
            address=address,
            words=words,
            figure=total if figure is None else Decimal(figure),
            count=count,
            sum=total,
            parts=parts,
            entries=entries,
        )

    def _ratio(self, address: Address, words: str, figure: Any) -> Explanation:
        names = self.contributions.ratios[address.column]
        above, below = self.figure(names[0]), self.figure(names[1])
        quotient = float(above.sum) / float(below.sum) if below.sum else 0.0
        for times in names[2:]:
            quotient *= self.row[times]
        kind = next(column.kind for column in self.result.columns if column.name == address.column)
        rounded = pl.Series([quotient]).round(ROUNDED[kind]).item()
        return Explanation(
            address=address,
            words=words,
            figure=Decimal(str(figure)),
            count=above.count + below.count,
            sum=Decimal(str(rounded)),
            parts=[],
            entries=pl.DataFrame(schema=FACTS),
            ratio=(above, below),
        )

    def _added_up(self, column: str) -> tuple[int, Decimal, pl.DataFrame]:
        """Return how many rows add to a figure, what they come to, and a page of them, source by source."""
        parts = self.contributions.parts(column)
        sources = [source for source in self.contributions.sources if any(name in source.words for name in parts)]
        count, total, pages = 0, Decimal("0.00"), [pl.DataFrame(schema=FACTS)]
        first = (self.page - 1) * SIZE
        for source in sources:
            sums, rows = all_collected(*self._made(source, parts, first + SIZE))
            shown = rows[max(first - count, 0) : max(first + SIZE - count, 0)]
            pages.append(page_of(self.tables, source.table, shown))
            count, total = count + sums.item(0, 0), total + (sums.item(0, 1) or 0)
        return count, total, pl.concat(pages)

    def _narrowed(self) -> Parameters:
        """Return the parameters, narrowed to what the row is of: so much less is read."""
        p = self.result.parameters
        of = {name: self.row.get(name) for name in NARROWING if name in type(p).model_fields}
        return p.model_copy(update={name: value for name, value in of.items() if value})

    def _made(self, source: Source, parts: Mapping[str, int], most: int) -> tuple[Frame, Frame]:
        """Return, of the rows of a source that add something to these figures, their count and sum; and the first."""
        pieces = source.pieces(self.tables, self._narrowed(), self.row)
        names = pieces.collect_schema().names()
        for name, value in key_of(self.result, self.row).items():
            if name in names:
                pieces = pieces.filter(nw.col(name).is_null() if value is None else nw.col(name) == value)
        adds = zero()
        for part, sign in parts.items():
            if part in source.words:
                adds = adds + nw.col(part) if sign > 0 else adds - nw.col(part)
        of_entries = "leg" in names
        known = [name for name in ("id", *_ENTRY, *(() if of_entries else _OF_ENTRY)) if name in names]
        made = pieces.select(*known, adds=adds).filter(nw.col("adds") != zero())
        order = [name for name in ("transaction_id", "leg", "id") if name in known]
        return made.select(count=nw.len(), sum=nw.col("adds").sum()), (made.sort(*order) if order else made).head(most)


def page_of(tables: Tables, table: str, shown: pl.DataFrame) -> pl.DataFrame:
    """Return rows of a page, of that table, with what they are: FACTS."""
    first = shown.with_columns(table=pl.lit(table))
    if "leg" in first.columns and first.height:
        of = first["transaction_id"].drop_nulls().unique().to_list()
        facts = collected(tables.entries.filter(nw.col("transaction_id").is_in(of)).select(*_ENTRY, *_OF_ENTRY))
        keys = [pl.col(name).cast(pl.Int64) for name in _ENTRY]
        first = first.with_columns(keys).join(facts.with_columns(keys), on=_ENTRY, how="left", maintain_order="left")
    named = first.rename({"transaction_id": "transaction", "account_id": "account"}, strict=False)
    return named.select(
        (pl.col(name) if name in named.columns else pl.lit(None)).cast(type_).alias(name)
        for name, type_ in FACTS.items()
    )
