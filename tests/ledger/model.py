"""A naive ledger: it keeps what happened in lists and adds everything up anew for each question.

It answers for one-currency money accounts what the rules say in the fewest words, so that
the real core, which keeps running figures, has something to be compared with.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple

Amounts = dict[str, int]


class Terms(NamedTuple):
    """Terms of credit as they were recorded."""

    limit: int
    period: int | None
    since: date
    until: date | None

    def valid(self, day: date) -> bool:
        return self.since <= day and (self.until is None or day <= self.until)


class Link(NamedTuple):
    """A payer's link: how much of a line in percent, and on which weekdays, from which hour until which."""

    draw: str
    priority: int
    brands: set[str] | None
    share: int | None = None
    when: tuple[tuple[int, ...], int, int] | None = None
    group: str | None = None

    def open(self, at: datetime) -> bool:
        if self.when is None:
            return True
        days, since, until = self.when
        hours = [n % 24 for n in range(since, until + (24 if until <= since else 0))]
        began = at - timedelta(hours=hours.index(at.hour)) if at.hour in hours else None
        return began is not None and began.weekday() in days


class Moved(NamedTuple):
    """What one transaction did to an account; `of` is what it refunds or reverses, `ages` whether it is to be paid.

    `due` is as agreed, `known` counts the terms that were recorded before it; `own` is the account that it was on
    before any merge, `number` its place among all.
    """

    key: str
    at: datetime
    day: date
    amount: int
    of: str | None
    ages: bool
    due: date | None
    known: int
    own: str = ""
    number: int = 0


@dataclass
class Charge:
    """A debit, or a hold with its captures: what is left drawn from each source; `day` is when it happened."""

    account: str
    day: date
    drawn: Amounts
    expires_at: datetime | None = None
    open: bool = False
    held: Amounts = field(default_factory=dict)
    due: date | None = None
    groups: dict[str, str | None] = field(default_factory=dict)

    def left(self, source: str, at: datetime) -> int:
        held = self.held.get(source, 0) if self.open and self.expires_at and self.expires_at > at else 0
        return self.drawn.get(source, 0) + held


@dataclass
class Undoable:
    """What may be reversed: what is left of it, by account and brand.

    `sign` tells whether the accounts gained it; `ends` are the accounts of a transfer, `put` what a move put into
    places of the brands' own, and `of` is what this reverses.
    """

    left: dict[tuple[str, str], int]
    sign: int = 1
    ends: tuple[str, str] | None = None
    put: dict[tuple[str, str], int] = field(default_factory=dict)
    of: str | None = None


@dataclass
class Model:
    """What is known of accounts, and what happened to them."""

    status: dict[str, str] = field(default_factory=dict)
    terms: dict[str, list[Terms]] = field(default_factory=lambda: defaultdict(list))
    links: dict[tuple[str, str], Link] = field(default_factory=dict)
    limits: dict[tuple[str, str, str], tuple[int | None, int | None]] = field(default_factory=dict)
    moves: dict[str, list[Moved]] = field(default_factory=lambda: defaultdict(list))
    charges: dict[str, Charge] = field(default_factory=dict)
    takes: dict[str, tuple[str, Amounts]] = field(default_factory=dict)
    into: dict[str, str] = field(default_factory=dict)
    merges: dict[str, list[tuple[str, int, datetime]]] = field(default_factory=lambda: defaultdict(list))
    undoable: dict[str, Undoable] = field(default_factory=dict)
    own_places: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))

    def put(self, places: dict[tuple[str, str], int]) -> None:
        """Let money come to places of the brands' own."""
        for place, amount in places.items():
            self.own_places[place] += amount

    def left(self, key: str) -> dict[tuple[str, str], int]:
        """Return what is left to reverse, where it is by now: an account's is its successor's."""
        there: dict[tuple[str, str], int] = defaultdict(int)
        for (account, brand), amount in self.undoable[key].left.items():
            there[self.into.get(account, account), brand] += amount
        return {place: amount for place, amount in there.items() if amount}

    def root(self, key: str) -> str:
        """Return what was reversed first, in a chain of reversals."""
        of = self.undoable[key].of
        return key if of is None else self.root(of)

    def reverse(self, key: str, by: str, taken: dict[tuple[str, str], int]) -> dict[str, int]:
        """Let so much of something be reversed; return what that moves, by account."""
        target, amount = self.undoable[key], sum(taken.values())
        left = self.left(key)
        target.left = {place: left[place] - taken.get(place, 0) for place in left}
        if target.of is not None:  # what a reversal had taken is there again
            again = self.undoable[target.of].left
            again |= {place: again.get(place, 0) + much for place, much in taken.items()}
        back: dict[tuple[str, str], int] = {}
        for sign in (1, -1):  # what left one place and what came to others, each by largest remainder
            mine = {place: much for place, much in target.put.items() if much * sign > 0}
            back |= {place: -sign * part for place, part in shared(amount, mine).items()}
        self.put(back)
        for undone in filter(None, (target, self.undoable.get(target.of or ""))):
            undone.put = {place: much + back[place] for place, much in undone.put.items()}
        ends = target.ends and (target.ends[1], target.ends[0])
        self.undoable[by] = Undoable(taken, -target.sign, ends, back, key)
        moved: dict[str, int] = defaultdict(int)
        for account, sign in zip(ends or (), (-1, 1), strict=False):
            moved[self.into.get(account, account)] += sign * amount
        if not target.ends and not target.put:
            for (account, _), much in taken.items():
                moved[account] -= target.sign * much
        return moved

    def merge(self, account: str, into: str, at: datetime) -> None:
        """Let all that happened to an account have happened to another; of its terms those recorded later count."""
        self.moves[into] = sorted(self.moves.pop(account, []) + self.moves[into], key=lambda moved: moved.number)
        for own in (account, *(old for old, new in self.into.items() if new == account)):
            self.into[own] = into
            self.merges[own].append((into, len(self.terms[into]), at))
        self.status[account] = "closed"

    def moved(self, account: str, at: datetime | None = None) -> list[Moved]:
        """Return what moved an account, and by then those merged into it, in order."""
        if at is None:
            return self.moves[account]

        def keeper(own: str) -> str:
            return next((into for into, _, merged_at in reversed(self.merges[own]) if merged_at <= at), own)

        every = (moved for moves in self.moves.values() for moved in moves)
        theirs = (moved for moved in every if moved.at <= at and keeper(moved.own) == account)
        return sorted(theirs, key=lambda moved: moved.number)

    def balance(self, account: str, at: datetime | None = None) -> int:
        return sum(moved.amount for moved in self.moved(account, at))

    def held(self, account: str, at: datetime) -> int:
        return sum(c.left(account, at) - c.drawn.get(account, 0) for c in self.charges.values())

    def own(self, account: str, at: datetime) -> int:
        return self.balance(account) - self.held(account, at)

    def in_force(self, account: str, day: date, known: int | None = None) -> Terms | None:
        """Return the last recorded of the terms valid on a day, of those known by then or all."""
        return next((terms for terms in reversed(self.terms[account][:known]) if terms.valid(day)), None)

    def due(self, account: str, item: Moved, day: date, at: datetime | None = None) -> date | None:
        """Return when an item is to be paid, as of a day."""
        account = item.own or account
        terms = self.in_force(account, item.day, item.known)
        if item.due or (terms and terms.period is not None):
            return item.due or item.day + timedelta(terms.period or 0 if terms else 0)
        recorded = self.terms[account][item.known :]
        merges = ((into, known) for into, known, merged_at in self.merges[account] if at is None or merged_at <= at)
        recorded += [terms for into, known in merges for terms in self.terms[into][known:]]
        later = [terms for terms in recorded if terms.period is not None][:1]
        return next((item.day + timedelta(t.period or 0) for t in later if t.since <= day), None)

    def owed(self, account: str, day: date, at: datetime | None = None) -> list[tuple[str, date, date | None, int]]:
        """Return what is unpaid, by key, day, due date: what the balance is below zero, on the last items by due date.

        An item is net of what refunded or reversed it.
        """
        moves = self.moved(account, at)
        items: list[Moved] = []
        dated: dict[str, date | None] = {}
        for item in (moved for moved in moves if moved.ages):
            due, twin = self.due(account, item, day, at), next((i for i in items if i.key == item.key), None)
            if twin:  # one transaction charged both of two accounts that are one by now
                items[items.index(twin)] = twin._replace(amount=twin.amount + item.amount)
                due = min(filter(None, (due, dated[item.key])), default=None)
            else:
                items.append(item)
            dated[item.key] = due
        unpaid, owed = max(0, -self.balance(account, at)), []
        for item in sorted(items, key=lambda i: (dated[i.key] or date.max, i.day, items.index(i)), reverse=True):
            net = -item.amount - sum(moved.amount for moved in moves if moved.of == item.key)
            part = min(net, unpaid)
            unpaid -= part
            if part:
                owed.insert(0, (item.key, item.day, dated[item.key], part))
        return owed

    def overdue(self, account: str, day: date, at: datetime | None = None) -> bool:
        return any(due and due < day for _, _, due, _ in self.owed(account, day, at))

    def used(self, payer: str, account: str, period: str, at: datetime, day: date) -> tuple[int, int]:
        left = [
            charge.left(payer, at)
            for charge in self.charges.values()
            if account in (payer, charge.account, charge.groups.get(payer)) and same_window(period, charge.day, day)
        ]
        return sum(left), sum(amount > 0 for amount in left)

    def can_give(self, source: str, account: str, at: datetime, day: date, happened: date) -> int:
        can = self.own(source, at)
        terms = self.in_force(source, day)
        if terms and not self.overdue(source, day):
            can += terms.limit
        for (payer, of, period), (amount, times) in self.limits.items():
            if payer == source and of in (account, payer, self.group(payer, account)):
                used, count = self.used(payer, of, period, at, happened) if period != "order" else (0, 0)
                can = min(can, can if amount is None else amount - used)
                can = 0 if times is not None and count >= times else can
        return 0 if source != account and self.status[source] != "open" else max(0, can)

    def group(self, payer: str, account: str) -> str | None:
        return self.links[account, payer].group if (account, payer) in self.links else None

    def groups(self, account: str) -> dict[str, str | None]:
        """Return in which group each payer has an account."""
        return {payer: link.group for (of, payer), link in self.links.items() if of == account}

    def fund(
        self, account: str, lines: list[tuple[str, int]], at: datetime, day: date, happened: datetime
    ) -> Amounts | None:
        """Return what each source pays, or None. Credit goes by the day, limits and hours by when it happened."""
        links = sorted((link.priority, payer) for (of, payer), link in self.links.items() if of == account)
        first = [payer for _, payer in links if self.links[account, payer].draw == "payer_first"]
        last = [payer for _, payer in links if payer not in first]
        left, drawn = [amount for _, amount in lines], Amounts()
        for source in [*first, account, *last]:
            link = Link("", 0, None) if source == account else self.links[account, source]
            mine = [i for i, (brand, _) in enumerate(lines) if link.brands is None or brand in link.brands]
            can = self.can_give(source, account, at, day, happened.date()) if link.open(happened) else 0
            for i in mine:
                taken = min(left[i], can, lines[i][1] * (link.share or 100) // 100)
                left[i], can = left[i] - taken, can - taken
                drawn[source] = drawn.get(source, 0) + taken
        return None if any(left) else {source: amount for source, amount in drawn.items() if amount}


def shared(amount: int, weights: dict[tuple[str, str], int]) -> dict[tuple[str, str], int]:
    """Return an amount in proportion to weights, by largest remainder, of equal ones the first."""
    whole = sum(map(abs, weights.values()))
    parts = {place: divmod(amount * abs(weight), whole) for place, weight in weights.items()}
    rest = amount - sum(part for part, _ in parts.values())
    more = sorted(parts, key=lambda place: -parts[place][1])[:rest]
    return {place: part + (place in more) for place, (part, _) in parts.items()}


def same_window(period: str, one: date, other: date) -> bool:
    """Return whether two days are in one window."""
    if period == "week":
        return one.isocalendar()[:2] == other.isocalendar()[:2]
    return {"day": one == other, "month": (one.year, one.month) == (other.year, other.month), "total": True}[period]
