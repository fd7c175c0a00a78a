"""A command before the book: what it would do, and the guards that all commands share.

Guards are tried in the order of refusals.DECLINES; the first that fails leaves with
Refused, which `decide` turns into the decline.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from ledger.core import commands as c
from ledger.core.accounts import Account, Brand, Terms
from ledger.core.book import Book
from ledger.core.funding import free, short_of
from ledger.core.outcomes import Entry, shown
from ledger.core.transactions import Hold, HoldPart, Transaction
from ledger.values.money import plain
from ledger.values.refusals import Refused


class Move(NamedTuple):
    """A change of one client account."""

    account: int
    amount: int
    held: int = 0
    subaccount: int | None = None


@dataclass(slots=True)
class Case:
    """One command before the book, at its time."""

    book: Book
    command: c.Command
    at: datetime
    explicit: bool
    sent: c.Command | None = None

    @property
    def happened_at(self) -> datetime:
        """Return when it happened: at its booking, unless the command states otherwise."""
        return self.command.occurred_at or self.at


@dataclass(slots=True)
class Verdict:
    """What a posted command does: moves of clients, legs of brands, and what belongs to its kind."""

    account: Account | None
    amount: int
    currency: str
    moves: list[Move]
    legs: list[Entry]
    refers_to: int | None = None
    hold: list[HoldPart] | None = None
    takes: list[tuple[int, int]] | None = None
    final: bool = False
    terms: tuple[Terms | None, Terms] | None = None
    groups: dict[int, str] = field(default_factory=dict)


def merged(moves: Iterable[Move]) -> list[Move]:
    """Return one move an account, in order of first appearance."""
    merged: dict[int, Move] = {}
    for move in moves:
        if so_far := merged.get(move.account):
            move = so_far._replace(amount=so_far.amount + move.amount, held=so_far.held + move.held)
        merged[move.account] = move
    return list(merged.values())


def legs_of(legs: Iterable[Entry]) -> list[Entry]:
    """Return one leg for each place of a brand and account that it faces, in order of first appearance."""
    merged: dict[tuple[int, int | None, str | None, str | None], Entry] = {}
    for leg in legs:
        place = leg.account, leg.source, leg.channel, leg.chart
        so_far = merged.get(place)
        merged[place] = leg if so_far is None else leg._replace(amount=so_far.amount + leg.amount)
    return [leg for leg in merged.values() if leg.amount]


def account_of(case: Case, name: int | str, kind: str = "money") -> Account:
    """Return the account of that kind that a command names."""
    number = case.book.references.get(name) if isinstance(name, str) else name
    account = case.book.accounts.get(number) if number is not None else None
    if account is None or account.kind != kind:
        what = f"reference {name}" if isinstance(name, str) else f"number {name}"
        raise Refused("account_not_found", asked=what if kind == "money" else f"{kind} account, {what}")
    return account


def receiver(case: Case, name: int | str) -> Account:
    """Return the money account that gets what comes for the one named: itself, or the one it was merged into."""
    return case.book.accounts[case.book.successor(account_of(case, name).id)]


def closed(book: Book, account: Account) -> Refused:
    """Return the refusal of a closed account, which says where to turn if it was merged into another."""
    into = book.merged.get(account.id)
    return Refused("account_closed", **account.facts, **({} if into is None else {"merged_into": into}))


def brand_of(case: Case, code: str, *, closed: bool = False) -> Brand:
    """Return the brand that has the code, which must be open unless a `closed` one will do."""
    brand = case.book.brands.get(code)
    if brand is None or not (brand.open or closed):
        raise Refused("brand_not_found", brand=code if brand is None else f"{code} (closed)")
    return brand


def in_open_period(case: Case) -> None:
    """Check that the booking time is not on a closed day, and not too many days after what happened."""
    closed = case.book.closed_until
    if closed is not None and case.book.day(case.at) <= closed:
        day = case.book.day(case.at).isoformat()
        raise Refused("period_closed", day=day, closed_until=closed.isoformat())
    occurred_at, late_days = case.command.occurred_at, case.book.late_days
    if occurred_at is not None and (case.book.day(case.at) - case.book.day(occurred_at)).days > late_days:
        raise Refused("too_late", occurred_at=shown(occurred_at), late_days=late_days, at=shown(case.at))


def in_order(case: Case, account: Account) -> None:
    """Check that the account has no later entry; a default time is moved up instead."""
    latest = case.book.balances[account.id].posted_at
    if latest is None or case.at >= latest:
        return
    if case.explicit:
        raise Refused("out_of_order", at=shown(case.at), **account.facts, latest=shown(latest))
    case.at = latest


def usable(case: Case, *accounts: Account, spender: Account | None = None) -> None:
    """Hold the guards that concern accounts: order of time, status (of the one that spends too), currency."""
    in_open_period(case)
    for account in accounts:
        in_order(case, account)
    for account in accounts:
        if case.book.status[account.id] == "closed":
            raise closed(case.book, account)
    if spender is not None and case.book.status[spender.id] == "frozen":
        raise Refused("account_frozen", **spender.facts)
    wanted = case.command.currency or (accounts[0].currency if accounts else None)
    for account in accounts:
        if account.currency != wanted:
            raise Refused("currency_mismatch", **account.facts, currency=account.currency, asked=wanted)


def system(case: Case, brand: Brand | int, kind: str, currency: str) -> int:
    """Return the number of one of a brand's own accounts."""
    return case.book.system[brand if isinstance(brand, int) else brand.id, kind, currency]


def named(case: Case, key: str, kinds: tuple[str, ...], code: str, what: str) -> Transaction:
    """Return the posted transaction of one of `kinds` that has the key."""
    in_open_period(case)
    found = case.book.transactions.get(key)
    if found is None or found.kind not in kinds or found.code is not None:
        raise Refused(code, key=key, what=what)
    return found


def exceeds(code: str, target: Transaction | Hold, left: int, requested: int, /, **facts: Any) -> Refused:
    """Return the refusal of more than is left of an earlier transaction."""
    over_by = plain(requested - left)
    return Refused(code, key=target.key, **facts, asked=plain(requested), currency=target.currency, over_by=over_by)


def not_owned(case: Case, target: Transaction | Hold) -> None:
    """Check that a transaction, or a hold, is not a second level's, unless the command comes from there."""
    owner = case.book.owners.get(target.id)
    if owner is not None and case.sent is None:
        raise Refused("owned_by_order", key=target.key, order=owner)


def in_currency(case: Case, target: Transaction) -> None:
    """Check that a transaction is in the currency that the command names, if it names one."""
    wanted = case.command.currency
    if wanted not in (None, target.currency):
        subject = f"{target.kind} {target.key}"
        raise Refused("currency_mismatch", subject=subject, currency=target.currency, asked=wanted)


def own_money(case: Case, account: Account, amount: int) -> None:
    """Check that the account has this amount of its own, not held."""
    own = free(case.book, account.id, case.at)
    if own < amount:
        short = short_of(case.book, account, case.at, case.command.kind, amount, own)
        raise Refused("insufficient_funds", asked=plain(amount), offered=plain(max(0, own)), **short)
