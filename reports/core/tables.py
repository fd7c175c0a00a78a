"""The lake's tables as lazy frames that run on Polars and on Spark, and what reports often need of them.

Only what both engines have is used: no date differences (there are day numbers), no
JSON, no as-of joins, no filters inside an aggregation (`only` takes their place).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from copy import copy
from datetime import date, datetime
from typing import Any

import narwhals as nw

from reports.core.engines import collected, settled

Frame = nw.LazyFrame[Any]
MONEY = nw.Decimal(18, 2)
APART = ("currency", "kind")  # how figures are added up where points are among them
EVER = date(1900, 1, 1)  # before any business date; Spark knows no year 1
DATED = ("entries", "transactions")
OTHER_DATES = {"value": "value_date", "occurred": "occurred_on"}
KNOWN_WHEN = ("holders", "credit_terms", "changes")  # dated rows: what was recorded later was not known then


class Tables:
    """The lake's tables by name: `tables.entries` is a lazy frame.

    `scan` gives a table in the engine's own kind of lazy frame. `known_at` is when the
    report's last day was closed: holders, terms and changes recorded later are left out, so
    that a report of closed days stays as it was then; `rules` are those by which
    that was (see the lake's `closings`). By value (DECISIONS D87) the bank's date, or
    the day on which it occurred, stands in place of the business date; entries and transactions
    may be limited to those booked up to a day.
    """

    def __init__(
        self,
        scan: Callable[[str], Any],
        *,
        known_at: datetime | None = None,
        rules: int | None = None,
        dated_by: str = "booking",
        booked_until: date | None = None,
    ) -> None:
        self._scan = scan
        self._known_at = known_at
        self.rules = rules
        self._dated_by = dated_by
        self._booked_until = booked_until
        self._kept: dict[str, Frame] | None = None

    def keeping(self) -> "Tables":
        """Return the same tables, which find out only once who held each account."""
        keeping = copy(self)
        keeping._kept = {}
        return keeping

    def kept(self, name: str, find: Callable[[], Frame]) -> Frame:
        """Return what is found by that name; of tables that keep it, it is run once."""
        if self._kept is None:
            return find()
        if name not in self._kept:
            self._kept[name] = settled(find())
        return self._kept[name]

    def scan(self, name: str) -> Any:
        """Return a table as it is stored, in the engine's own kind of lazy frame."""
        return self._scan(name)

    def narrowed(self, name: str, to: Callable[[Frame], Frame]) -> "Tables":
        """Return the same tables with one of them narrowed, as it is stored."""

        def scan(table: str) -> Any:
            return to(nw.from_native(self._scan(table))).to_native() if table == name else self._scan(table)

        narrowed = copy(self)
        narrowed._scan = scan
        if name in ("accounts", "brands", "holders"):
            narrowed._kept = None
        return narrowed

    def __getattr__(self, name: str) -> Frame:
        if name.startswith("_"):
            raise AttributeError(name)
        frame: Frame = nw.from_native(self._scan(name))
        if self._known_at is not None and name in KNOWN_WHEN:
            return frame.filter(nw.col("recorded_at") <= self._known_at)
        return self._dated(frame) if name in DATED else frame

    def _dated(self, frame: Frame) -> Frame:
        if self._booked_until is not None:
            frame = frame.filter(nw.col("business_date") <= self._booked_until)
        if self._dated_by == "booking":
            return frame
        day = nw.col("business_date")
        frame = frame.with_columns(business_date=nw.coalesce(OTHER_DATES[self._dated_by], "business_date"))
        return frame.with_columns(day_number=days_since_epoch("business_date"), month=day.dt.to_string("%Y-%m"))


def zero() -> nw.Expr:
    """Return nothing, as money."""
    return nw.lit(0).cast(MONEY)


def only(condition: nw.Expr, column: str = "amount") -> nw.Expr:
    """Return the money column where the condition holds, else zero; to be summed."""
    return nw.when(condition).then(nw.col(column)).otherwise(zero())


def taken(condition: nw.Expr, column: str = "amount") -> nw.Expr:
    """Return the money column with its sign turned where the condition holds, else zero; to be summed."""
    return nw.when(condition).then(zero() - nw.col(column)).otherwise(zero())


def counted(condition: nw.Expr) -> nw.Expr:
    """Return 1 where the condition holds, else 0; to be summed."""
    return nw.when(condition).then(nw.lit(1)).otherwise(nw.lit(0))


def days_since_epoch(column: str) -> nw.Expr:
    """Return a date column as days since 1970-01-01, in arithmetic that every engine has.

    The formula is Howard Hinnant's days_from_civil.
    """
    date_ = nw.col(column).dt
    early = nw.when(date_.month() <= 2).then(nw.lit(1)).otherwise(nw.lit(0)).cast(nw.Int64)
    year = date_.year().cast(nw.Int64) - early
    of_year = (153 * (date_.month().cast(nw.Int64) - 3 + 12 * early) + 2) // 5 + date_.day().cast(nw.Int64) - 1
    return 365 * year + year // 4 - year // 100 + year // 400 + of_year - 719_468


def monday(day_number: nw.Expr) -> nw.Expr:
    """Return the Monday of a day's week, both as days since 1970-01-01, a Thursday.

    Through Narwhals neither engine truncates to weeks, and Spark's Sunday is weekday 0, Polars' 7.
    """
    return day_number - (day_number + 3) % 7


def of_clients() -> nw.Expr:
    """Return whether an entry is on a client's account, not on a brand's own."""
    return nw.col("version").is_null() == nw.lit(False)


def of_points() -> nw.Expr:
    """Return whether an entry moves points: on a bonus account, or the other side of one."""
    on_them = nw.col("account_kind").is_in(("bonus", "bonus_expense"))
    return on_them | (nw.col("source_kind") == "bonus").fill_null(False)


def money_or_bonus(of_points: nw.Expr) -> nw.Expr:
    """Return the kind that a figure is added up under."""
    return nw.when(of_points).then(nw.lit("bonus")).otherwise(nw.lit("money"))


def within(first_day: date, last_day: date) -> nw.Expr:
    """Return whether a row's business date is in the period, both days included."""
    return nw.col("business_date").is_between(first_day, last_day)


def until(last_day: date) -> nw.Expr:
    """Return whether a row's business date is not after that day."""
    return nw.col("business_date") <= last_day


def in_currency(frame: Frame, currency: str | None) -> Frame:
    """Return the rows in that currency, or all."""
    return frame if currency is None else frame.filter(nw.col("currency") == currency)


def client_accounts(tables: Tables) -> Frame:
    """Return client accounts with account, reference, kind, currency, party, client, brand, brand_name.

    The brand is the holder of a money account, as known when the days were closed, and the programme of a bonus
    account.
    """
    latest = tables.holders.group_by("account_id").agg(id=nw.col("id").max())
    holders = tables.holders.join(latest, on=["account_id", "id"]).select(id="account_id", holder="holder_id")
    parties = tables.parties.select(party_id="id", party="reference", client="name")
    return (
        tables.accounts.filter(~nw.col("party_id").is_null())
        .join(holders, on="id", how="left")
        .with_columns(brand_id=nw.when(nw.col("kind") == "bonus").then(nw.col("brand_id")).otherwise(nw.col("holder")))
        .join(parties, on="party_id", how="left")
        .join(brand_names(tables), on="brand_id", how="left")
        .select("reference", "kind", "currency", "party", "client", "brand", "brand_name", account="id")
    )


def merges(tables: Tables, as_of: date) -> Frame:
    """Return account_id, into, transaction_id, merged_at: each time an account was merged into another by a day.

    Where the other is merged in its turn, accounts merged into it before have a row of that, too.
    """
    made = tables.transactions.filter(nw.col("kind") == "merge")
    of = made.select(into="account_id", transaction_id="id", merged_at="recorded_at")
    moved = tables.entries.filter(nw.col("kind") == "merge", nw.col("account_kind") == "money", until(as_of))
    return (
        moved.select("account_id", "transaction_id")
        .join(of, on="transaction_id", how="inner")
        .filter(nw.col("account_id") != nw.col("into"))
    )


def as_merged(tables: Tables, entries: Frame, as_of: date) -> Frame:
    """Return entries of clients' money as those of the accounts that theirs were merged into by a day.

    The account moved is `own_account_id`; what merges themselves moved is left out: it meets there.
    """
    known = merges(tables, as_of)
    last = known.group_by("account_id").agg(transaction_id=nw.col("transaction_id").max())
    successors = known.join(last, on=["account_id", "transaction_id"], how="inner").select("account_id", "into")
    return (
        entries.filter(nw.col("kind") != "merge")
        .join(successors, on="account_id", how="left")
        .with_columns(own_account_id="account_id", account_id=nw.coalesce("into", "account_id"))
        .drop("into")
    )


def of_row(tables: Tables, row: Mapping[str, Any]) -> Tables:
    """Return the tables with what is on a row's account, or those of its client, only; else all of them."""
    of = [nw.col(name) == row[name] for name in ("account", "party") if row.get(name)]
    if not of:
        return tables
    parties = tables.parties.select(party_id="id", party="reference")
    named = tables.accounts.join(parties, on="party_id", how="inner").select("party", account="id")
    return of_accounts(tables, collected(named.filter(*of))["account"].to_list())


AGED = """
    transaction_id leg kind refers_to business_date value_date occurred_on day_number month account_id account_kind
    party_id brand_id currency amount held version balance_after held_after due_on
""".split()


def of_accounts(tables: Tables, accounts: list[int]) -> Tables:
    """Return the tables with the entries of accounts, and of what was merged into them, only.

    They are read once, for aging goes through them many times; without what it does not look at.
    """
    merged = (nw.col("kind") == "merge", nw.col("account_id").is_in(accounts))
    into = collected(tables.transactions.filter(*merged).select("id"))["id"].to_list()
    if into:
        moved = tables.entries.filter(nw.col("transaction_id").is_in(into), ~nw.col("party_id").is_null())
        accounts = accounts + collected(moved.select("account_id").unique())["account_id"].to_list()
    # A filter by numbers is carried into the files, which a join is not: most rows are never made.
    entries = settled(nw.from_native(tables.scan("entries")).filter(nw.col("account_id").is_in(accounts)).select(*AGED))
    return tables.narrowed("entries", lambda all_: entries)


UNASSIGNED = "unassigned"


def holders(tables: Tables) -> Frame:
    """Return account_id, holder (a brand's code), old (the one before), since, before: who held an account when.

    A holder counts from the start of the day `since` to the start of the day `before` (null: for good). The first
    holds the account from EVER; of several recorded on one day the last counts. A bonus account is its brand's.
    """
    return tables.kept("holders", lambda: _holders(tables))


def _holders(tables: Tables) -> Frame:
    clients = tables.accounts.filter(~nw.col("party_id").is_null())
    bonus = nw.when(nw.col("kind") == "bonus").then(nw.col("brand_id"))
    # Numbers of changes rise; an account's own comes before any of them.
    opened = clients.select(account_id="id", id=nw.lit(-(2**62)), brand_id=bonus, since=nw.lit(EVER).cast(nw.Date))
    changes = tables.holders.select("account_id", "id", brand_id="holder_id", since=nw.col("since").fill_null(EVER))
    dated = nw.concat([frame.select("account_id", "id", "brand_id", "since") for frame in (opened, changes)])
    latest = dated.group_by("account_id", "since").agg(id=nw.col("id").max())
    day, holder = nw.col("since"), nw.col("holder")
    rows = (
        dated.join(latest, on=["account_id", "since", "id"], how="inner")
        .join(brand_names(tables), on="brand_id", how="left")
        .with_columns(holder=nw.col("brand").fill_null(UNASSIGNED))
    )
    # Looking at the row before costs as much as all the rest: most accounts have none.
    handed_on = changes.filter(nw.col("since") > EVER).select("account_id").unique()
    alone = rows.join(handed_on, on="account_id", how="anti")
    moved = rows.join(handed_on, on="account_id", how="semi")
    both = [
        alone.with_columns(before=nw.lit(None).cast(nw.Date), old=nw.lit(UNASSIGNED)),
        moved.with_columns(
            before=day.shift(-1).over("account_id", order_by="since"),
            old=holder.shift(1).over("account_id", order_by="since").fill_null(UNASSIGNED),
        ),
    ]
    return nw.concat([side.select("account_id", "holder", "old", "since", "before") for side in both])


def held_by(frame: Frame, holders: Frame) -> Frame:
    """Return the frame with `holder`: who held the row's account_id on its business_date."""
    day = nw.col("business_date")
    return (
        frame.join(holders, on="account_id", how="inner")
        .filter(day >= nw.col("since"), nw.col("before").is_null() | (day < nw.col("before")))
        .drop("old", "since", "before")
    )


def brand_names(tables: Tables) -> Frame:
    """Return brand_id, brand (the code), brand_name."""
    return tables.brands.select(brand_id="id", brand="code", brand_name="name")


def with_channel(tables: Tables, entries: Frame) -> Frame:
    """Return the entries with their `channel`, blank for none.

    Older entries have their transaction's; those of a reversal or an allocation have that of what it is about.
    """
    with_channel = tables.transactions.filter(~nw.col("channel").is_null())
    own = with_channel.select(transaction_id="id", own="channel")
    theirs = with_channel.select(refers_to="id", theirs="channel")
    named = entries.join(own, on="transaction_id", how="left").join(theirs, on="refers_to", how="left")
    return named.with_columns(channel=nw.coalesce("channel", "own", "theirs").fill_null("")).drop("own", "theirs")


def with_root(tables: Tables, entries: Frame) -> Frame:
    """Return the entries with `root`: the kind of the transaction, or of what a reversal (of a reversal) undid."""
    kinds = tables.transactions.select("id", "kind", "refers_to")
    undone = kinds.rename({"id": "refers_to", "kind": "undone", "refers_to": "of"})
    first = kinds.select(of="id", first="kind")
    reverse = nw.lit("reverse")
    return (
        entries.join(undone, on="refers_to", how="left")
        .join(first, on="of", how="left")
        .with_columns(undone=nw.when(nw.col("undone") == reverse).then(nw.col("first")).otherwise(nw.col("undone")))
        .with_columns(root=nw.when(nw.col("kind") == reverse).then(nw.col("undone")).otherwise(nw.col("kind")))
        .drop("undone", "of", "first")
    )


def ledgers_closing(tables: Tables, last_day: date, *, dated_by: str = "booking") -> Frame:
    """Return account_id, closing: by the running balance that the ledger wrote, which is in order of booking.

    By another date it is the last balance of all, less what is dated later.
    """
    if dated_by == "booking":
        return latest_entries(tables.entries.filter(until(last_day))).select("account_id", closing="balance_after")
    last = latest_entries(tables.entries).select("account_id", "balance_after")
    later = tables.entries.filter(of_clients()).group_by("account_id").agg(later=only(~until(last_day)).sum())
    both = last.join(later, on="account_id", how="inner")
    return both.select("account_id", closing=nw.col("balance_after") - nw.col("later"))


def moving() -> nw.Expr:
    """Select the entries that move something: all but the end of a free hold.

    Earlier releases booked it at its expiry, before the dates of entries of lower versions; all others are in order.
    """
    idle = (nw.col("kind") == "expiry") & (nw.col("amount") == zero()) & (nw.col("held") == zero())
    return ~idle


def latest_entries(entries: Frame) -> Frame:
    """Return the last of each client account's entries."""
    last = entries.filter(of_clients(), moving()).group_by("account_id").agg(version=nw.col("version").max())
    return entries.join(last, on=["account_id", "version"], how="inner")


def beside(expected: Frame, actual: Frame, by: Sequence[str] = ("currency",)) -> Frame:
    """Return a check's frame: two frames of `amount`, summed by currency (and kind), side by side."""
    keep = _entries_of if _apart.get() else (lambda side: {})
    left = expected.select(*by, expected=nw.col("amount"), actual=zero(), **keep(expected))
    right = actual.select(*by, expected=zero(), actual=nw.col("amount"), **keep(actual))
    sides = nw.concat([side.with_columns(nw.col("expected", "actual").cast(MONEY)) for side in (left, right)])
    if _apart.get():
        return sides
    return sides.group_by(*by).agg(nw.col("expected").sum(), nw.col("actual").sum()).sort(*by)


_apart = ContextVar("_apart", default=False)


@contextmanager
def rows_apart() -> Iterator[None]:
    """Let checks give their rows before they are added up, each with its entry where it has one."""
    token = _apart.set(True)
    try:
        yield
    finally:
        _apart.reset(token)


def _entries_of(side: Frame) -> dict[str, nw.Expr]:
    known = side.collect_schema().names()
    of_entry = "transaction_id" in known and "leg" in known
    return {n: (nw.col(n) if of_entry else nw.lit(None)).cast(nw.Int64) for n in ("transaction_id", "leg")}
