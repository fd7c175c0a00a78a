"""A naive ledger: it keeps what happened in lists and adds everything up anew for each question.

It answers for one-currency money accounts what the rules say in the fewest words, so that
the real core, which keeps running figures, has something to be compared with.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

Amounts = dict[str, int]


@dataclass
class Charge:
    """A debit, or a hold with its captures: what is left drawn from each source."""

    account: str
    day: date
    drawn: Amounts
    expires_at: datetime | None = None
    open: bool = False
    held: Amounts = field(default_factory=dict)

    def left(self, source: str, at: datetime) -> int:
        held = self.held.get(source, 0) if self.open and self.expires_at and self.expires_at > at else 0
        return self.drawn.get(source, 0) + held


@dataclass
class Model:
    """What is known of accounts, and what happened to them."""

    status: dict[str, str] = field(default_factory=dict)
    terms: dict[str, list[tuple[int, int | None, date | None]]] = field(default_factory=lambda: defaultdict(list))
    links: dict[tuple[str, str], tuple[str, int, set[str] | None]] = field(default_factory=dict)
    limits: dict[tuple[str, str, str], tuple[int | None, int | None]] = field(default_factory=dict)
    moves: dict[str, list[tuple[str, str | None, date, int]]] = field(default_factory=lambda: defaultdict(list))
    charges: dict[str, Charge] = field(default_factory=dict)
    takes: dict[str, tuple[str, Amounts]] = field(default_factory=dict)

    def balance(self, account: str) -> int:
        return sum(amount for *_, amount in self.moves[account])

    def held(self, account: str, at: datetime) -> int:
        return sum(c.left(account, at) - c.drawn.get(account, 0) for c in self.charges.values())

    def own(self, account: str, at: datetime) -> int:
        return self.balance(account) - self.held(account, at)

    def owed(self, account: str) -> list[tuple[str, date, int]]:
        """Return what is unpaid of each debit, oldest first: a refund lowers its own, all else the oldest."""
        balance, debits = 0, dict[str, list[int]]()
        days = {}
        for key, refunded, day, amount in self.moves[account]:
            before, balance = balance, balance + amount
            change = max(0, -balance) - max(0, -before)
            if change > 0:
                debits[key], days[key] = [change], day
            for debit in [refunded, *list(debits)]:
                if change < 0 and debit in debits:
                    paid = min(-change, debits[debit][0])
                    change, debits[debit] = change + paid, [debits[debit][0] - paid]
                    if debits[debit] == [0]:
                        del debits[debit]
        return [(key, days[key], unpaid) for key, [unpaid] in debits.items()]

    def used(self, payer: str, account: str, period: str, at: datetime, day: date) -> tuple[int, int]:
        left = [
            charge.left(payer, at) for charge in self.charges.values()
            if account in (payer, charge.account) and same_window(period, charge.day, day)
        ]  # fmt: skip
        return sum(left), sum(amount > 0 for amount in left)

    def can_give(self, source: str, account: str, at: datetime, day: date) -> int:
        can = self.own(source, at)
        in_force = [terms for terms in self.terms[source] if terms[2] is None or day <= terms[2]]
        for limit, period, _ in in_force[-1:]:
            owed = self.owed(source)
            overdue = period is not None and owed and owed[0][1] + timedelta(period) < day
            can += 0 if overdue else limit
        for (payer, of, period), (amount, times) in self.limits.items():
            if payer == source and of in (account, payer):
                used, count = self.used(payer, of, period, at, day) if period != "order" else (0, 0)
                can = min(can, can if amount is None else amount - used)
                can = 0 if times is not None and count >= times else can
        return 0 if source != account and self.status[source] != "open" else max(0, can)

    def fund(self, account: str, lines: list[tuple[str, int]], at: datetime, day: date) -> Amounts | None:
        """Return what each source pays, or None."""
        links = sorted((rank, payer) for (of, payer), (_, rank, _) in self.links.items() if of == account)
        first = [payer for _, payer in links if self.links[account, payer][0] == "payer_first"]
        last = [payer for _, payer in links if payer not in first]
        left, drawn = [amount for _, amount in lines], Amounts()
        for source in [*first, account, *last]:
            brands = None if source == account else self.links[account, source][2]
            mine = [i for i, (brand, _) in enumerate(lines) if brands is None or brand in brands]
            can = self.can_give(source, account, at, day)
            for i in mine:
                taken = min(left[i], can)
                left[i], can = left[i] - taken, can - taken
                drawn[source] = drawn.get(source, 0) + taken
        return None if any(left) else {source: amount for source, amount in drawn.items() if amount}


def same_window(period: str, one: date, other: date) -> bool:
    """Tell whether two days are in one window."""
    if period == "week":
        return one.isocalendar()[:2] == other.isocalendar()[:2]
    return {"day": one == other, "month": (one.year, one.month) == (other.year, other.month), "total": True}[period]
