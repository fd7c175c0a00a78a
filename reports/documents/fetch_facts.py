"""Read from the lake what papers need, for a group of accounts at once.

One scan serves a whole group, so a month's papers cost a few scans and not one each, and
what is in memory is one group. What is unpaid, what credit is in force and what is held
come from the same functions as the reports. Rows come out as plain dictionaries by
account; what they mean is decided in `figures`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import narwhals as nw
import polars as pl

from reports.core import aging
from reports.core.tables import Frame, Tables, merges, moving
from reports.run import LakeBook
from reports.standard import holds

Row = dict[str, Any]
ByAccount = dict[int, list[Row]]
GROUP = 200

_ENTRY = """
    transaction_id kind refers_to posted_at business_date account_id amount held version balance_after held_after
    subaccount_id group_name
""".split()
_LINE = """
    transaction_id leg source_id line service reference brand_id gross discount amount vat_rate vat
""".split()
_PARTY = ("id", "name", "legal_name", "tax_id", "country", "kpp", "address", "email")


@dataclass(frozen=True)
class MadeFrom:
    """What a paper states of the point it was made from: a closing of days, or a cut of open ones."""

    at: datetime
    time_zone: str
    provisional: bool
    last_transaction: int | None
    cut: int | None


@dataclass(frozen=True)
class Last:
    """How accounts stood at the end of the last day: unpaid debits, terms in force, open holds."""

    unpaid: ByAccount
    terms: ByAccount
    holds: ByAccount


@dataclass(frozen=True)
class GroupFacts:
    """Rows of one group of accounts over one period, each by account number, in the account's order."""

    accounts: dict[int, Row]
    brands: dict[int, Row]
    names: dict[int, str]
    before: dict[int, Row]
    entries: ByAccount
    lines: ByAccount
    bonuses: ByAccount
    last: Last


def _native(tables: Tables, name: str) -> pl.LazyFrame:
    frame: pl.LazyFrame = getattr(tables, name).to_native()
    return frame


def _grouped(frame: pl.DataFrame, by: str) -> ByAccount:
    found: ByAccount = {}
    for row in frame.iter_rows(named=True):
        found.setdefault(row[by], []).append(row)
    return found


def _collected(frame: Frame, numbers: Sequence[int], *, by: str) -> ByAccount:
    native: pl.LazyFrame = frame.to_native()
    return _grouped(native.filter(pl.col(by).is_in(numbers)).collect(), by)


def _by_id(frame: pl.DataFrame) -> dict[int, Row]:
    return {row["id"]: row for row in frame.iter_rows(named=True)}


def _accounts(tables: Tables, numbers: Sequence[int]) -> dict[int, Row]:
    parties = _native(tables, "parties").select(*_PARTY, party_reference="reference", party_kind="kind")
    chosen = _native(tables, "accounts").filter(pl.col("id").is_in(numbers))
    return _by_id(chosen.join(parties, left_on="party_id", right_on="id", how="left").collect())


def _names(tables: Tables, numbers: Iterable[int]) -> dict[int, str]:
    """Return the clients' names by account number, for those for whom a payer paid."""
    wanted = sorted(set(numbers))
    if not wanted:
        return {}
    parties = _native(tables, "parties").select("name", party_id="id")
    accounts = _native(tables, "accounts").filter(pl.col("id").is_in(wanted)).select("id", "party_id")
    return dict(accounts.join(parties, on="party_id").select("id", "name").collect().iter_rows())


def _latest(entries: pl.LazyFrame) -> dict[int, Row]:
    latest = entries.group_by("account_id").agg(pl.col("balance_after").sort_by("version").last())
    return {row["account_id"]: row for row in latest.collect().iter_rows(named=True)}


def _months(since: date, until: date) -> pl.Expr:
    # The month is the partition: naming it keeps other months' files closed.
    return pl.col("month").is_between(pl.lit(f"{since:%Y-%m}"), pl.lit(f"{until:%Y-%m}"))


def read_last(tables: Tables, numbers: Sequence[int], *, until: date) -> Last:
    """Return how these accounts stood at the end of that day."""
    query = holds.Parameters(first_day=until, last_day=until)
    placed = holds.expiring(tables, until).select("expires_at", hold="id", set_on="business_date")
    held = holds.by_hold(tables, query).join(placed, on="hold", how="left").sort("hold")
    return Last(
        unpaid=_collected(aging.late(tables, until).sort("transaction_id"), numbers, by="account_id"),
        terms=_collected(aging.terms_on(tables, until), numbers, by="account_id"),
        holds=_collected(held, numbers, by="account"),
    )


def read(tables: Tables, numbers: Sequence[int], last: Last, *, since: date, until: date) -> GroupFacts:
    """Return the facts of these accounts from `since` to `until`, both days included."""
    moved_before = tables.entries.filter(moving(), nw.col("business_date") < since).to_native()
    bonus = _native(tables, "accounts").filter(pl.col("money_account_id").is_in(numbers)).sort("id").collect()
    in_period = _months(since, until) & pl.col("business_date").is_between(since, until)
    of_these = pl.col("account_id").is_in([*numbers, *bonus["id"].to_list()])
    entries = _native(tables, "entries")
    descriptions = _native(tables, "transactions").filter(_months(since, until))
    moved = (
        entries.filter(of_these, in_period)
        .select(_ENTRY)
        .join(descriptions.select("channel", "reason", "note", transaction_id="id"), on="transaction_id", how="left")
        .sort("account_id", "version")
        .collect()
    )
    # What a closed account paid may come back to its payer, out of the brand's unallocated.
    from_closed = (pl.col("kind") == "refund") & (pl.col("account_kind") == "unallocated")
    into = {row["account_id"]: row["into"] for row in _native_of(merges(tables, until)).iter_rows(named=True)}
    into = {old: new for old, new in into.items() if new in numbers}
    lines = entries.filter(
        (pl.col("account_kind") == "revenue") | from_closed, pl.col("source_id").is_in([*numbers, *into]), in_period
    ).with_columns(
        pl.col("gross").fill_null(pl.col("amount")),
        pl.col("discount").fill_null(0),
        pl.col("line").fill_null(0),
        pl.col("service", "reference").fill_null(""),
    )
    return GroupFacts(
        accounts=_accounts(tables, numbers),
        brands=_by_id(_native(tables, "brands").collect()),
        names=_names(tables, moved["subaccount_id"].drop_nulls().to_list()),
        before=_latest(moved_before.filter(of_these)),
        entries=_grouped(moved, "account_id"),
        lines=_grouped(_of_successors(lines.select(_LINE).sort("transaction_id", "leg").collect(), into), "source_id"),
        bonuses=_grouped(bonus, "money_account_id"),
        last=last,
    )


def _native_of(frame: Frame) -> pl.DataFrame:
    native: pl.LazyFrame = frame.to_native()
    return native.sort("transaction_id").collect()


def _of_successors(lines: pl.DataFrame, into: dict[int, int]) -> pl.DataFrame:
    """Return service lines with those that came back to the successor of a merged account as the successor's.

    Such a refund goes through the brand's unallocated (line 0), whose legs say so and are then no lines.
    """
    if not into:
        return lines
    through = {(row["transaction_id"], row["source_id"]) for row in lines.iter_rows(named=True) if not row["line"]}
    rows = []
    for row in lines.iter_rows(named=True):
        new = into.get(row["source_id"])
        came = new is not None and (row["transaction_id"], new) in through
        ends = {old for old, successor in into.items() if successor == row["source_id"]}
        left = any((row["transaction_id"], old) in through for old in ends)
        if row["line"] or not (came or left):
            rows.append({**row, "source_id": new} if came else row)
    return pl.DataFrame(rows, lines.schema)


def groups(
    book: LakeBook, numbers: Sequence[int], *, since: date, until: date
) -> Iterator[tuple[list[int], GroupFacts]]:
    """Yield the accounts and their facts, a group at a time."""
    tables = book.tables(until)
    last = read_last(tables, numbers, until=until)
    for start in range(0, len(numbers), GROUP):
        group = list(numbers[start : start + GROUP])
        yield group, read(tables, group, last, since=since, until=until)


def known(book: LakeBook, until: date) -> MadeFrom:
    """Return what a paper ending on that day is made from; the same forever once the day is closed."""
    closings = book.closings.filter(pl.col("closed_until") >= until).sort("closed_until").head(1).collect()
    zone = book.cut.time_zone
    if closings.height:
        row = closings.row(0, named=True)
        return MadeFrom(row["closed_at"], zone, False, row["last_transaction"], None)
    return MadeFrom(book.cut.taken_at, zone, True, None, book.cut.number)
