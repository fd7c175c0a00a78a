"""Bonuses: programmes, and the lots that a bonus account's points lie in. Nothing here reads or writes.

Lots follow from the account's entries alone: points given make a lot, points spent, held
or taken come from the lots that expire first, points that come back return to the lots
they were of, with their original expiry; a lot whose points come back after it lives
`returned_live_days` longer, once. So whatever moved the account, the lots agree
with its balance (DECISIONS D16). Points given on day D that live N days are gone at the midnight that
ends day D + N (DECISIONS D19).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from ledger.core.outcomes import Entry
from ledger.food.core.pricing import PricedLine
from ledger.values.money import WHOLE, share

EXPIRED, OWED = "expired", "owed"
"""The reasons of the transactions that book expired points, and that take what is owed."""


class Program(NamedTuple):
    """A brand's bonus programme, both days included; percents in hundredths of a percent.

    Its points may be spent at brands of `spend_at`, too.
    """

    brand: str
    accrue: int
    redeem: int
    expires_after_days: int | None
    valid_from: date
    valid_until: date | None = None
    returned_live_days: int = 14
    spend_at: tuple[str, ...] = ()

    def gone_on(self, day: date) -> date | None:
        """Return the day at whose start points given on a day are gone; None for never."""
        return None if self.expires_after_days is None else day + timedelta(days=self.expires_after_days + 1)

    def returned_until(self, day: date) -> date:
        """Return the day at whose start points are gone that come back on a day, after their own was over."""
        return day + timedelta(days=self.returned_live_days + 1)


class Dates(NamedTuple):
    """What the programme in force sets for an entry's day: when points given on it are gone, and those that come back.

    `returned_until` is None where points that come back too late are lost.
    """

    day: date
    gone_on: date | None
    returned_until: date | None


def in_force(programs: Sequence[Program], day: date) -> Program | None:
    """Return the programme in force on a day: the last recorded of those valid on it."""
    for program in reversed(programs):
        if program.valid_from <= day and (program.valid_until is None or day <= program.valid_until):
            return program
    return None


def dates_of(programs: Sequence[Program], day: date) -> Dates:
    """Return when points are gone that are given on a day, or come back on it, by a brand's programmes."""
    program = in_force(programs, day)
    return Dates(day, program.gone_on(day), program.returned_until(day)) if program else Dates(day, None, None)


def redeemable(program: Program, lines: Iterable[PricedLine], brand: str | None = None) -> int:
    """Return how much of a brand's lines (delivery among them) points may pay, rounded down: by default its own."""
    return sum(line.net for line in lines if line.brand == (brand or program.brand)) * program.redeem // WHOLE


def accrued(money: int, percent: int) -> int:
    """Return the points for an amount of money, halves rounded up."""
    return share(money, percent, WHOLE)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return the instant at which a day starts."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


@dataclass(slots=True)
class Lot:
    """Points given by one transaction: how many, how many are left to spend, the day at whose start they are gone.

    `given_until` is that day as it was at first; `extended_by` the transaction that moved it, by giving points back
    too late; `given_by` the merge that brought it from another account. `lapsed` is what of `left` was gone by then,
    not yet booked; `expired` is what expired unspent (DECISIONS D72).
    """

    id: int
    amount: int
    left: int
    gone_on: date | None
    given_until: date | None
    lapsed: int = 0
    expired: int = 0
    extended_by: int | None = None
    given_by: int | None = None

    @property
    def order(self) -> tuple[date, int]:
        """Return what sorts lots: the first to expire first, those that never do last."""
        return self.gone_on or date.max, self.id

    def gone(self, day: date) -> int:
        """Return how many of the points left are gone when a day has begun."""
        return self.left if self.gone_on is not None and self.gone_on <= day else self.lapsed

    @property
    def next_gone_on(self) -> date | None:
        """Return the day at whose start the next points of it are gone."""
        return self.given_until if self.lapsed else self.gone_on


@dataclass(slots=True)
class Points:
    """The lots of one bonus account after its entry of `version`, and what each transaction has of them.

    `changed_uses` is what changed of that by transaction, lot and the transaction whose entry changed it, with the day
    at whose start the points concerned are gone. `owed` is what could not be taken back: the next points pay it.
    `changed_owed` are its changes by order and transaction.
    """

    account: int
    version: int = 0
    lots: dict[int, Lot] = field(default_factory=dict)
    uses: dict[int, dict[int, int]] = field(default_factory=dict)
    holds: set[int] = field(default_factory=set)
    changed_lots: set[int] = field(default_factory=set)
    changed_uses: dict[tuple[int, int, int], tuple[int, date | None]] = field(default_factory=dict)
    owed: int = 0
    changed_owed: list[tuple[int | None, int, int]] = field(default_factory=list)

    @property
    def left(self) -> int:
        """Return the points that are not spent, held or gone."""
        return sum(lot.left for lot in self.lots.values())

    @property
    def held(self) -> int:
        """Return the points set aside by holds."""
        return sum(sum(self.uses.get(hold, {}).values()) for hold in self.holds)

    def owe(self, amount: int, *, order: int | None, by: int) -> None:
        """Note points that could not be taken back of an order, or, below zero, that what is owed was paid."""
        self.owed += amount
        self.changed_owed.append((order, by, amount))

    def take_over(self, other: "Points", *, by: int) -> None:
        """Take over the lots of an account merged into this one, what transactions have of them, and what is owed."""
        for lot in other.lots.values():
            self.lots[lot.id] = replace(lot, given_until=lot.gone_on, given_by=by)
            self.changed_lots.add(lot.id)
        for transaction, of in [*other.uses.items()]:
            for number, amount in of.items():
                if amount:
                    gone_on = other.lots[number].gone_on
                    self._use(transaction, number, amount, by=by, gone_on=gone_on)
                    other._use(transaction, number, -amount, by=by, gone_on=gone_on)
        for lot in other.lots.values():
            other._use(by, lot.id, lot.amount, by=by, gone_on=lot.gone_on)
            lot.left = lot.lapsed = 0
        self.holds, other.holds = self.holds | other.holds, set()
        if owed := other.owed:
            other.owe(-owed, order=None, by=by)
            self.owe(owed, order=None, by=by)

    def release(self, hold: int, dates: Dates) -> None:
        """Let what a hold still sets aside go back: it ran out."""
        self._give_back(hold, sum(self.uses.get(hold, {}).values()), by=hold, dates=dates)

    def due(self, day: date) -> list[Lot]:
        """Return the lots with points left that are gone when a day has begun, first to expire first."""
        due = [lot for lot in self.lots.values() if lot.gone(day)]
        return sorted(due, key=lambda lot: (lot.next_gone_on or date.max, lot.id))

    def enter(
        self, entry: Entry, *, transaction: int, kind: str, refers_to: int | None, dates: Dates, expired: bool = False
    ) -> None:
        """Follow one entry of the account; points taken back refer to the lot that they come off first."""
        assert entry.version == self.version + 1, f"bonus account {self.account}: entry {entry.version} is out of turn"
        self.version = entry.version
        if kind == "capture":
            assert refers_to is not None
            self._hand_over(refers_to, transaction, -entry.amount)
            self._give_back(refers_to, -entry.held + entry.amount, by=transaction, dates=dates)
        elif kind in ("release", "expiry"):
            assert refers_to is not None
            self._give_back(refers_to, -entry.held, by=transaction, dates=dates)
        elif kind == "refund":
            assert refers_to is not None
            self._give_back(refers_to, entry.amount, by=transaction, dates=dates)
        elif entry.amount > 0:
            self.lots[transaction] = Lot(transaction, entry.amount, entry.amount, dates.gone_on, dates.gone_on)
            self.changed_lots.add(transaction)
        else:
            self._take(transaction, entry.held - entry.amount, first=refers_to, expired=expired)
            if kind == "hold":
                self.holds.add(transaction)

    def _take(self, transaction: int, amount: int, *, first: int | None, expired: bool) -> None:
        lots = sorted(self.lots.values(), key=lambda lot: (lot.id != first, *lot.order))
        parts = [(lot, lot.lapsed, lot.given_until) for lot in lots if lot.lapsed]
        for lot, most, gone_on in (*parts, *((lot, lot.left, lot.gone_on) for lot in lots)):
            taken = min(amount, most, lot.left)
            if taken:
                lot.left -= taken
                lot.lapsed = max(0, lot.lapsed - taken)
                lot.expired += taken if expired else 0
                amount -= taken
                self._use(transaction, lot.id, taken, by=transaction, gone_on=gone_on)
        assert not amount, f"bonus account {self.account}: its lots have {amount} less than was taken"

    def _hand_over(self, hold: int, capture: int, amount: int) -> None:
        """Make what a hold set aside what its capture spent, first to expire first."""
        for lot in self._of(hold):
            part = min(amount, self.uses[hold][lot.id])
            if part:
                amount -= part
                self._use(hold, lot.id, -part, by=capture, gone_on=lot.gone_on)
                self._use(capture, lot.id, part, by=capture, gone_on=lot.gone_on)

    def _give_back(self, transaction: int, amount: int, *, by: int, dates: Dates) -> None:
        """Return points to their lots, last to expire first: the client keeps what lives longest."""
        for lot in reversed(self._of(transaction)):
            part = min(amount, self.uses[transaction][lot.id])
            if part:
                amount -= part
                late = lot.gone_on is not None and lot.gone_on <= dates.day and lot.extended_by is None
                if late and dates.returned_until is not None:
                    lot.gone_on, lot.lapsed, lot.extended_by = dates.returned_until, lot.left, by
                lot.left += part
                self._use(transaction, lot.id, -part, by=by, gone_on=lot.gone_on)
        assert not amount, f"bonus account {self.account}: {amount} more came back than transaction {transaction} took"

    def _of(self, transaction: int) -> list[Lot]:
        return sorted((self.lots[lot] for lot in self.uses.get(transaction, {})), key=lambda lot: lot.order)

    def _use(self, transaction: int, lot: int, amount: int, *, by: int, gone_on: date | None) -> None:
        of, change = self.uses.setdefault(transaction, {}), (transaction, lot, by)
        of[lot] = of.get(lot, 0) + amount
        self.changed_lots.add(lot)
        so_far, _ = self.changed_uses.get(change, (0, None))
        self.changed_uses[change] = so_far + amount, gone_on
