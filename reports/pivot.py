"""An ad-hoc table over the entries: a measure by any dimensions, on rows and across columns.

Currency is always one of the rows and only one kind of account is looked at, so nothing is
ever added up across currencies, nor money with points. Totals are counted separately, not summed
from the cells: a transaction in two cells is one in the total.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

import polars as pl

from ledger.errors import Failure
from reports.explain import SIZE, Address, Explanation
from reports.metrics.metric import all_metrics
from reports.run import LakeBook

DIMENSIONS = """
    month day week weekday brand kind service channel client account party_kind source_kind chart
""".split()
OF = ("revenue", "money", "bonus", "cash", "unallocated", "adjustments", "bonus_expense")
MEASURES = ("amount", "gross", "discount", "vat", "held", "transactions", "entries", "clients")
MONEY = ("amount", "gross", "discount", "vat", "held")
ADDS_UP = (*MONEY, "entries")
SOURCE = ("month", "brand", "kind", "service", "channel", "party_kind", "source_kind", "chart")
"""Dimensions of few values, by which the rows of a workbook are apart, whatever the table shows."""
MOST_SOURCE = 100_000
MOST_COLUMNS = 60
ENTRY = (
    pl.col("transaction_id").alias("transaction"),
    "leg",
    "business_date",
    pl.col("kind"),
    pl.col("account").cast(pl.Int64),
    "currency",
    "amount",
)
"""What is shown of an entry behind a cell."""
TOTAL = "total"


@dataclass(frozen=True)
class Question:
    """What to show, of the entries on accounts of one kind; days are inclusive, `only` narrows a dimension."""

    since: date
    until: date
    rows: tuple[str, ...]
    across: str | None = None
    of: str = "revenue"
    measure: str = "amount"
    only: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Pivot:
    """`frame` has the row dimensions, currency, a column for each value across, and `total`.

    `totals` has one row per currency, in the same columns from currency on.
    """

    question: Question
    frame: pl.DataFrame
    totals: pl.DataFrame


def dimensions(book: LakeBook) -> pl.LazyFrame:
    """Return the entries with every dimension as a column; text where it is not a date."""
    brands = book.brands.select(brand_id="id", brand="code")
    clients = book.accounts.filter(pl.col("party_id").is_not_null()).select(account="id", owner="party_id")
    parties = book.parties.select(owner="id", client="name", party_kind="kind")
    commands = book.transactions.select(transaction_id="id", requested="account_id", own_channel="channel")
    reversed_ = book.transactions.select(refers_to="id", its_channel="channel")
    own = pl.when(pl.col("party_id").is_not_null()).then(pl.col("account_id"))
    faced = pl.when(pl.col("source_kind") != "cash").then(pl.col("source_id"))  # the other brand is no client
    return (
        book.entries.join(brands, on="brand_id", how="left")
        .join(commands, on="transaction_id", how="left")
        .join(reversed_, on="refers_to", how="left")
        .with_columns(
            account=pl.coalesce(own, faced, "requested"),
            channel=pl.coalesce("channel", "own_channel", "its_channel"),
            day=pl.col("business_date"),
        )
        .join(clients, on="account", how="left")
        .join(parties, on="owner", how="left")
        .with_columns(
            week=pl.col("day").dt.truncate("1w"),
            weekday=pl.col("day").dt.weekday().cast(pl.String),
            account=pl.col("account").cast(pl.String),
        )
    )


def pivot(book: LakeBook, question: Question) -> Pivot:
    """Return the table. Raises Failure for unknown names and for more columns than a screen takes."""
    _check(question)
    if question.measure not in MEASURES:
        return _of_metric(book, question)
    entries = _asked(book, question)
    rows = [*question.rows, "currency"]
    frame, totals = (_wide(entries, keys, question) for keys in (rows, ["currency"]))
    return Pivot(question, frame, totals)


def _of_metric(book: LakeBook, question: Question) -> Pivot:
    """Return the table of a metric, whose totals are counted separately."""
    only: dict[str, str] = {}
    for name, values in question.only.items():
        if len(values) > 1:
            raise Failure(f"a metric is narrowed to one {name}")
        only[name] = values[0]

    def counted(by: tuple[str, ...]) -> pl.DataFrame:
        found = book.metric(question.measure, by=by, first_day=question.since, last_day=question.until, **only).frame
        return found.with_columns(pl.col(name).cast(pl.String).fill_null("–") for name in by)

    def wide(rows: tuple[str, ...]) -> pl.DataFrame:
        total = counted(rows).rename({question.measure: TOTAL})
        if question.across is None:
            return total
        cells = counted((*rows, question.across)).rename({question.measure: "cell"})
        return _across(total, cells, [*rows, "currency"], question.across)

    return Pivot(question, wide(question.rows), wide(()))


def source(book: LakeBook, question: Question) -> pl.DataFrame | None:
    """Return the rows that a pivot table is made of: currency, what the question shows, SOURCE, the measure last.

    SOURCE is left out where it makes more than MOST_SOURCE rows. None where the measure does not add up.
    """
    if question.measure not in ADDS_UP:
        return None
    shown = [*question.rows, *((question.across,) if question.across else ())]
    for more in (SOURCE, ()):
        keys = list(dict.fromkeys(("currency", *shown, *more)))
        entries = _asked(book, question, *more).group_by(keys).agg(_measured(question.measure).alias(question.measure))
        found = entries.sort(keys).collect()
        if found.height <= MOST_SOURCE:
            return found
    return None


def _asked(book: LakeBook, question: Question, *more: str) -> pl.LazyFrame:
    """Return the entries that a question is about, with the dimensions that it shows, and more, as text."""
    entries = dimensions(book).filter(
        pl.col("day").is_between(question.since, question.until), pl.col("account_kind") == question.of
    )
    for name, values in question.only.items():
        entries = entries.filter(pl.col(name).is_in(values))
    shown = dict.fromkeys((*question.rows, *((question.across,) if question.across else ()), *more))
    return entries.with_columns(pl.col(name).cast(pl.String).fill_null("–") for name in shown)


def explain_cell(found: Pivot, book: LakeBook, row: Mapping[str, str], column: str, *, page: int = 1) -> Explanation:
    """Return the entries that make a money cell of a table: of its row (a currency alone: of all rows) and column.

    Raises Failure where there is no such cell, or where entries do not add up to it, as with clients.
    """
    question = found.question
    if question.measure not in MONEY:
        raise Failure(f"{question.measure} are counted, not added up: no entries come to them")
    frame = found.frame if len(row) > 1 else found.totals
    if column not in frame.columns or any(name not in frame.columns for name in row):
        raise Failure("there is no such cell in this table")
    cell = frame.filter(*(pl.col(name) == value for name, value in row.items()))
    if cell.height != 1:
        raise Failure("there is no such cell in this table")
    entries = _asked(book, question).filter(*(pl.col(name) == value for name, value in row.items()))
    if column != TOTAL and question.across is not None:
        entries = entries.filter(pl.col(question.across) == column)
    adds = pl.col(question.measure).cast(pl.Decimal(18, 2)).alias("adds")
    made = entries.select(*ENTRY, adds).filter(pl.col("adds") != 0)
    count, total = made.select(pl.len(), pl.col("adds").sum()).collect().row(0)
    return Explanation(
        address=Address("explore", {"question": repr(question)}, book.cut.number, dict(row), column),
        words=f"{question.measure} of the entries of this row and column",
        figure=cell[column][0] or Decimal("0.00"),
        count=count,
        sum=total or Decimal("0.00"),
        parts=[],
        entries=made.sort("transaction", "leg").slice((page - 1) * SIZE, SIZE).collect(),
    )


def values(book: LakeBook, names: Sequence[str]) -> dict[str, list[str]]:
    """Return the values that each of these dimensions has, sorted."""
    known = (pl.col(name).cast(pl.String).drop_nulls().unique().sort().implode() for name in names)
    [row] = dimensions(book).select(known).collect().rows()
    return dict(zip(names, row, strict=True))


def _check(question: Question) -> None:
    for name in (*question.rows, *((question.across,) if question.across else ()), *question.only):
        if name not in DIMENSIONS:
            raise Failure(f"there is no dimension {name}: choose from {', '.join(DIMENSIONS)}")
    measures = (*MEASURES, *all_metrics())
    for given, known, what in ((question.measure, measures, "measure"), (question.of, OF, "kind of account")):
        if given not in known:
            raise Failure(f"there is no {what} {given}: choose from {', '.join(known)}")
    if question.across in question.rows:
        raise Failure(f"{question.across} is already on the rows")
    if question.since > question.until:
        raise Failure(f"from {question.since} is after to {question.until}")


def _measured(measure: str) -> pl.Expr:
    counts = {
        "entries": pl.len(),
        "transactions": pl.col("transaction_id").n_unique(),
        "clients": pl.col("owner").n_unique(),
    }
    found = counts.get(measure)
    return pl.col(measure).sum() if found is None else found.cast(pl.Int64)


def _wide(entries: pl.LazyFrame, keys: list[str], question: Question) -> pl.DataFrame:
    total = entries.group_by(keys).agg(_measured(question.measure).alias(TOTAL)).sort(keys).collect()
    if question.across is None:
        return total
    cells = entries.group_by(*keys, question.across).agg(_measured(question.measure).alias("cell")).collect()
    return _across(total, cells, keys, question.across)


def _across(total: pl.DataFrame, cells: pl.DataFrame, keys: list[str], across: str) -> pl.DataFrame:
    """Return totals with a column for each value across."""
    names = cells[across].unique().sort().to_list()
    if len(names) > MOST_COLUMNS:
        raise Failure(f"{across} has {len(names)} values, and {MOST_COLUMNS} columns are the most: put it on rows")
    wide = cells.pivot(on=across, index=keys, values="cell", aggregate_function="first")
    every = pl.concat([total.select(keys), cells.select(keys)]).unique()  # a ratio may be of no whole and yet of a part
    return every.join(wide, on=keys, how="left").select(*keys, *names).join(total, on=keys, how="left").sort(keys)
