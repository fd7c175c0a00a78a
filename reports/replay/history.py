"""What some accounts went through up to a month's end, from the lake, and a book of the pure core to replay it in.

In the core a transaction goes by its number as its key: level two's own keys are no caller's.
Whoever shares a link, points or a transaction with an account belongs to its past. Links,
write-off limits and who is frozen are those of the cut, as the ledger itself takes them as they are.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cached_property
from itertools import count, groupby
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import polars as pl

from ledger.core.accounts import PERIODS, Account, Brand, Limit, Link, Terms
from ledger.core.aging import Balance
from ledger.core.book import Book
from ledger.core.outcomes import Entry
from ledger.core.transactions import HoldPart, Transaction
from ledger.values.money import minor
from reports.run import LakeBook

Row = dict[str, Any]
Window = tuple[int, int | str, str]
"""A write-off limit's payer, subaccount (the payer itself for all that is drawn from it) or group, and period."""


@dataclass(frozen=True)
class Limits:
    """Limits to take instead of the book's: credit by account, amounts of write-off limits; None lifts one.

    The credit limits of the accounts in `factor_of` that `credit` does not name are multiplied.
    """

    credit: Mapping[int, Decimal]
    write_off: Mapping[Window, Decimal | None]
    credit_factor: Decimal = Decimal(1)
    factor_of: frozenset[int] = frozenset()

    @property
    def accounts(self) -> set[int]:
        """Return the accounts whose limits these are."""
        return {*self.credit, *self.factor_of, *(payer for payer, _, _ in self.write_off)}


AS_THEY_ARE = Limits({}, {})
NO_MATTER = 1_000_000


class Happened(NamedTuple):
    """A transaction of the lake, its entries, of a hold the parts first set aside, and groups by payer."""

    row: Row
    entries: tuple[Entry, ...]
    parts: tuple[HoldPart, ...]
    groups: dict[int, str]

    @property
    def key(self) -> str:
        """Return the key by which the core knows it."""
        return str(self.row["id"])

    def clients(self) -> list[Entry]:
        """Return the entries of client accounts."""
        return [entry for entry in self.entries if entry.version is not None]

    @property
    def gives_back(self) -> bool:
        """Return whether it released more than it took: a final capture."""
        return sum(entry.held - entry.amount for entry in self.clients()) < 0


class Past:
    """The transactions of some accounts, and of all who share any with them, up to the end of a month."""

    def __init__(self, lake: LakeBook, month: str, accounts: Iterable[int]) -> None:
        self.lake, self.month = lake, month
        self.accounts = {row["id"]: row for row in lake.accounts.collect().iter_rows(named=True)}
        self.brands = dict(lake.brands.select("id", "code").sort("id").collect().iter_rows())
        pairs = _pairs(lake, month)
        self.concerned = _concerned(pairs, self._relations(), accounts)
        self._ids = pairs.filter(pl.col("account_id").is_in(self.concerned))["id"].unique().to_list()

    def _relations(self) -> pl.DataFrame:
        links = self.lake.links.select(a="account_id", b="payer_id")
        points = self.lake.accounts.filter(pl.col("kind") == "bonus").select(a="id", b="money_account_id")
        return pl.concat([links, points]).collect()

    @cached_property
    def happened(self) -> list[Happened]:
        """Return what happened, in the order in which the ledger decided it."""
        posted = self.lake.transactions.filter(pl.col("month") <= self.month)
        rows = posted.filter(pl.col("id").is_in([*self._ids, *self._about(posted)])).sort("id").collect()
        ids = rows["id"].to_list()
        entries = self.lake.entries.filter(pl.col("month") <= self.month, pl.col("transaction_id").is_in(ids))
        legs = _by("transaction_id", _in_minor_units(entries.sort("transaction_id", "leg")))
        holds = self.lake.holds.filter(pl.col("hold_id").is_in(ids)).sort("hold_id", "part")
        parts = _by("hold_id", _in_minor_units(holds))
        return [
            Happened(
                _as_amended(row, parts.get(row["id"], ())),
                tuple(map(_entry, legs.get(row["id"], ()))),
                tuple(map(_part, parts.get(row["id"], ()))),
                {leg["account_id"]: leg["group_name"] for leg in legs.get(row["id"], ()) if leg["group_name"]},
            )
            for row in rows.iter_rows(named=True)
        ]

    def _about(self, posted: pl.LazyFrame) -> list[int]:
        """Return what the transactions are about: a payment that was allocated later moved no client itself."""
        about = posted.filter(pl.col("id").is_in(self._ids)).select(pl.col("refers_to").drop_nulls().unique())
        return about.collect()["refers_to"].to_list()

    def kind_of(self, account: int) -> str:
        """Return the kind of an account: money, bonus, or a brand's cash, revenue, …"""
        return str(self.accounts[account]["kind"])

    def brand_of(self, account: int) -> str | None:
        """Return the code of the brand of a brand's own or a bonus account."""
        return self.brands.get(self.accounts[account]["brand_id"])

    def book(self, limits: Limits = AS_THEY_ARE) -> Book:
        """Return an empty book of the accounts concerned, with their links and terms, and these limits."""
        # No answer depends on the numbers of the brands' own accounts, only on their being different.
        book = Book(zone=ZoneInfo(self.lake.cut.time_zone), system=defaultdict(count(1).__next__))
        book.late_days = NO_MATTER  # what was booked was not too late by the setting of then
        book.brands = {code: Brand(id_, code) for id_, code in self.brands.items()}
        own = (row for row in self.accounts.values() if row["party_id"] is None)
        book.own_accounts = {row["id"]: (row["brand_id"], row["kind"]) for row in own}
        names = dict(self.lake.parties.select("id", "name").collect().iter_rows())
        for number in sorted(self.concerned, key=lambda number: (self.accounts[number]["brand_id"] or 0, number)):
            row = self.accounts[number]
            of = row["party_id"], row["brand_id"], row["money_account_id"]
            name = names.get(row["party_id"]) or ""
            book.accounts[number] = Account(number, row["kind"], row["currency"], name, row["reference"], *of)
            # What is closed now was open when it moved, and a closed account has no links.
            book.status[number] = "frozen" if row["status"] == "frozen" else "open"
            book.balances[number] = Balance()
            if row["kind"] == "bonus":
                book.bonuses.setdefault(row["money_account_id"], []).append(number)
        self._add_links(book)
        self._add_terms(book, limits)
        self._add_limits(book, limits)
        return book

    def _mine(self, table: pl.LazyFrame, column: str = "account_id") -> Iterable[Row]:
        return table.filter(pl.col(column).is_in(self.concerned)).collect().iter_rows(named=True)

    def _add_links(self, book: Book) -> None:
        for row in self._mine(self.lake.links):
            brands, hours, services = (row[name] and json.loads(row[name]) for name in ("brands", "hours", "services"))
            share = row["share"] and minor(row["share"])
            rules = (brands, share, hours, services, row["group_name"])
            link = Link.stored((row["payer_id"], row["draw"], row["priority"], *rules))
            book.links.setdefault(row["account_id"], []).append(link)

    def _add_terms(self, book: Book, limits: Limits) -> None:
        for row in self._mine(self.lake.credit_terms.sort("id")):
            account, limit = row["account_id"], row["credit_limit"]
            limit = limits.credit.get(account, times(limit, limits.credit_factor if account in limits.factor_of else 1))
            terms = Terms(minor(limit), row["period_days"], row["valid_from"], row["valid_until"])
            book.terms.setdefault(account, []).append(terms)
        for account, limit in limits.credit.items():
            book.terms.setdefault(account, [Terms(minor(limit), None, date.min)])

    def _add_limits(self, book: Book, limits: Limits) -> None:
        found: dict[Window, tuple[Decimal | None, int | None]] = {
            (row["payer_id"], row["group_name"] or row["account_id"], row["period"]): (row["amount"], row["count"])
            for row in self._mine(self.lake.limits, "payer_id")
        }
        for window, amount in limits.write_off.items():
            found[window] = amount, found.get(window, (None, None))[1]
        for (payer, account, period), (amount, times) in sorted(found.items(), key=lambda f: PERIODS.index(f[0][2])):
            if amount is not None or times is not None:
                limit = Limit(account, period, None if amount is None else minor(amount), times)
                book.limits.setdefault(payer, {}).setdefault(account, []).append(limit)


def times(amount: Decimal, factor: Decimal | int) -> Decimal:
    """Return an amount times a factor, rounded to two decimals."""
    return (amount * factor).quantize(Decimal("0.01"), "ROUND_HALF_UP")


def recorded(book: Book, happened: Happened) -> Transaction:
    """Return the transaction as the book enters it, with the entries that the ledger made."""
    row = happened.row
    refers_to = book.transactions.get(str(row["refers_to"]))
    kind = row["kind"]
    return Transaction(
        key=happened.key,
        kind=kind,
        posted_at=row["posted_at"],
        day=row["business_date"],
        code=row["code"],
        account=row["account_id"],
        amount=None if row["amount"] is None else minor(row["amount"]),
        currency=row["currency"],
        refers_to=refers_to.id if refers_to else None,
        expires_at=row["expires_at"],
        due_on=row["due_on"],
        occurred_at=row["occurred_at"],
        entries=happened.entries,
        groups=happened.groups,
        # Each book's own parts: captures count them down.
        hold=[replace(part) for part in happened.parts] if kind == "hold" else None,
        takes=_takes(book, refers_to, happened) if kind == "capture" and refers_to else None,
        final=kind == "capture" and happened.gives_back,
    )


def _takes(book: Book, hold: Transaction, happened: Happened) -> list[tuple[int, int]]:
    places = {(part.line, part.source): place for place, part in enumerate(book.holds[hold.id].parts)}
    return [(places[entry.line or 0, entry.source or 0], entry.amount) for entry in happened.entries if entry.line]


def _pairs(lake: LakeBook, month: str) -> pl.DataFrame:
    """Return id, account_id: which transaction moved, or was requested for, which client account."""
    until = pl.col("month") <= month
    moved = lake.entries.filter(until, pl.col("version").is_not_null()).select("account_id", id="transaction_id")
    requested = lake.transactions.filter(until, pl.col("account_id").is_not_null()).select("account_id", "id")
    return pl.concat([moved, requested]).unique().collect()


def _concerned(pairs: pl.DataFrame, relations: pl.DataFrame, accounts: Iterable[int]) -> set[int]:
    """Return the accounts and all that are connected with them."""
    found = set(accounts)
    while True:
        ids = pairs.filter(pl.col("account_id").is_in(found))["id"].unique().to_list()
        near = relations.filter(pl.col("a").is_in(found) | pl.col("b").is_in(found))
        more = found.union(pairs.filter(pl.col("id").is_in(ids))["account_id"], near["a"], near["b"])
        if more == found:
            return found
        found = more


def _as_amended(row: Row, parts: Sequence[Row]) -> Row:
    """Return a hold's row with the time at which it ran out in the end: a pre-order may have been amended."""
    return {**row, "expires_at": parts[0]["expires_at"]} if parts else row


def _in_minor_units(frame: pl.LazyFrame) -> pl.DataFrame:
    money = pl.selectors.by_dtype(pl.Decimal(18, 2))
    return frame.with_columns((money * 100).cast(pl.Int64)).collect()


def _by(column: str, frame: pl.DataFrame) -> dict[int, list[Row]]:
    """Return the rows by a column they are sorted by."""
    return {key: list(rows) for key, rows in groupby(frame.iter_rows(named=True), key=lambda row: row[column])}


_IDS = {"account": "account_id", "subaccount": "subaccount_id", "source": "source_id"}
_COLUMN_OF = {name: _IDS.get(name, name) for name in Entry._fields if name not in ("vat_rate", "vat", "attributes")}


def _entry(row: Row) -> Entry:
    return Entry(**{name: row[column] for name, column in _COLUMN_OF.items()})


def _part(row: Row) -> HoldPart:
    """Return the part as it was when the hold was placed; no answer depends on its gross."""
    amount, what = row["amount"], (row["service"] or "", row["reference"] or "")
    return HoldPart(row["line"], row["source_id"], row["brand_id"], amount, amount, *what, gross=amount, discount=0)
