"""Read from the lake what papers need, for a group of accounts at once.

One scan serves a whole group, so a month's papers cost a few scans and not one each, and
what is in memory is one group. The rows come out as plain dictionaries by account; what
they mean is decided in `figures`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import polars as pl

from reports.run import Book
from reports.tables import Tables

Row = dict[str, Any]
ByAccount = dict[int, list[Row]]
GROUP = 200

_ENTRY = (
    "transaction_id",
    "kind",
    "refers_to",
    "posted_at",
    "business_date",
    "account_id",
    "amount",
    "held",
    "version",
    "balance_after",
    "held_after",
    "subaccount_id",
)
_LINE = (
    "transaction_id",
    "leg",
    "source_id",
    "source_kind",
    "line",
    "service",
    "reference",
    "brand_id",
    "gross",
    "discount",
    "amount",
    "vat_rate",
    "vat",
)


@dataclass(frozen=True)
class Facts:
    """Rows of one group of accounts over one period, each by account number, in the account's order."""

    accounts: dict[int, Row]
    brands: dict[int, Row]
    names: dict[int, str]
    before: dict[int, Row]
    entries: ByAccount
    lines: ByAccount
    history: ByAccount
    terms: ByAccount
    bonuses: ByAccount = field(default_factory=dict)
    expiries: dict[int, Any] = field(default_factory=dict)


def _native(tables: Tables, name: str) -> pl.LazyFrame:
    frame: pl.LazyFrame = getattr(tables, name).to_native()
    return frame


def _grouped(frame: pl.DataFrame, by: str) -> ByAccount:
    found: ByAccount = {}
    for row in frame.iter_rows(named=True):
        found.setdefault(row[by], []).append(row)
    return found


def _by_id(frame: pl.DataFrame) -> dict[int, Row]:
    return {row["id"]: row for row in frame.iter_rows(named=True)}


def _accounts(tables: Tables, numbers: Sequence[int]) -> dict[int, Row]:
    parties = _native(tables, "parties").select(
        "id",
        "name",
        "legal_name",
        "tax_id",
        "address",
        "email",
        party_reference="reference",
        party_kind="kind",
    )
    chosen = _native(tables, "accounts").filter(pl.col("id").is_in(numbers))
    return _by_id(chosen.join(parties, left_on="party_id", right_on="id", how="left").collect())


def _names(tables: Tables, numbers: Iterable[int]) -> dict[int, str]:
    """Return the clients' names by account number, for those for whom a payer paid."""
    parties = _native(tables, "parties").select("name", party_id="id")
    accounts = _native(tables, "accounts").filter(pl.col("id").is_in(sorted(set(numbers)))).select("id", "party_id")
    return dict(accounts.join(parties, on="party_id").select("id", "name").collect().iter_rows())


def _last(entries: pl.LazyFrame) -> dict[int, Row]:
    latest = entries.group_by("account_id").agg(
        pl.col("balance_after", "held_after").sort_by("version").last(), pl.col("version").max()
    )
    return {row["account_id"]: row for row in latest.collect().iter_rows(named=True)}


def _annotated(tables: Tables, entries: pl.LazyFrame, *, since: date, until: date) -> pl.LazyFrame:
    said = (
        _native(tables, "transactions")
        .filter(pl.col("month").is_between(f"{since:%Y-%m}", f"{until:%Y-%m}"))
        .select("channel", "reason", "note", transaction_id="id")
    )
    return entries.join(said, on="transaction_id", how="left")


def _history(entries: pl.LazyFrame, *, since: date, owing: list[int], holding: list[int]) -> pl.DataFrame:
    """Return all entries of accounts that owe, and the ones that touched holds of accounts that hold."""
    wanted = pl.col("account_id").is_in(owing) | (pl.col("account_id").is_in(holding) & (pl.col("held") != 0))
    return entries.filter(wanted).sort("account_id", "version").collect()


def read(tables: Tables, numbers: Sequence[int], *, since: date, until: date) -> Facts:
    """Return the facts of these accounts from `since` to `until`, both days included."""
    accounts = _accounts(tables, numbers)
    bonus = _native(tables, "accounts").filter(pl.col("money_account_id").is_in(numbers)).collect()
    both = [*numbers, *bonus["id"].to_list()]
    in_month = pl.col("month").is_between(f"{since:%Y-%m}", f"{until:%Y-%m}")
    in_period = in_month & pl.col("business_date").is_between(since, until)
    all_entries = _native(tables, "entries")
    own = all_entries.filter(pl.col("account_id").is_in(both), pl.col("business_date") <= until).select(_ENTRY)
    moved = all_entries.filter(pl.col("account_id").is_in(both), in_period).select(_ENTRY)
    entries = _annotated(tables, moved, since=since, until=until).sort("account_id", "version").collect()
    lines = all_entries.filter(pl.col("source_id").is_in(numbers), in_period).select(_LINE)
    last = _last(own)
    history = _history(
        own,
        since=since,
        owing=[number for number in numbers if number in last and last[number]["balance_after"] < 0],
        holding=[number for number in numbers if number in last and last[number]["held_after"] != 0],
    )
    held = history.filter(pl.col("held") > 0)["transaction_id"].to_list()
    expiries = _native(tables, "transactions").filter(pl.col("id").is_in(held)).select("id", "expires_at").collect()
    terms = _native(tables, "credit_terms").filter(pl.col("account_id").is_in(numbers)).sort("id").collect()
    return Facts(
        accounts=accounts,
        brands=_by_id(_native(tables, "brands").collect()),
        names=_names(tables, entries["subaccount_id"].drop_nulls().to_list()),
        before=_last(own.filter(pl.col("business_date") < since)),
        entries=_grouped(entries, "account_id"),
        lines=_grouped(lines.sort("transaction_id", "leg").collect(), "source_id"),
        history=_grouped(history, "account_id"),
        terms=_grouped(terms, "account_id"),
        bonuses=_grouped(bonus, "money_account_id"),
        expiries=dict(expiries.iter_rows()),
    )


def groups(book: Book, numbers: Sequence[int], *, since: date, until: date) -> Iterator[tuple[list[int], Facts]]:
    """Yield the accounts and their facts, a group at a time."""
    tables = book.tables(until)
    for start in range(0, len(numbers), GROUP):
        group = list(numbers[start : start + GROUP])
        yield group, read(tables, group, since=since, until=until)
