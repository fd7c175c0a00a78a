"""What is unpaid of an account: on which of its aging items it lies, and when these are due.

What is unpaid is max(0, −balance). It lies on the account's last aging items (debits,
captures, transfers out, payouts, negative adjustments; by due date, none last, then
business date, then number), each net of its refunds and its reversal. So of all items only
where the unpaid begins is kept, and moving that place forth (a credit) or back (a credit
undone) costs as many steps as items are settled or opened again, however long the history
(DECISIONS D75, due dates: DECISIONS D76).
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import InitVar, dataclass, field
from datetime import date, datetime

NEVER = date.max
"""The due date of an item that has none."""

AGING = frozenset(("debit", "capture", "transfer", "payout", "adjustment"))
"""Kinds of transaction whose negative entries on money accounts are aging items."""

Key = tuple[date, date, int]
FIRST: Key = (date.min, date.min, 0)
LAST: Key = (NEVER, NEVER, 2**63 - 1)

Fetch = Callable[[int, str, Key, int], list["AgingItem"]]
"""Gives more items of an account: at most a number from a key on (`later`), before it (`earlier`, last first), the one
of a transaction (`one`, the key's), all that wait for a due date (`ripening`) or have none and wait for none
(`undated`)."""


@dataclass(slots=True)
class AgingItem:
    """What an account was charged by one transaction, net of refunds and reversals.

    An item without a due date takes `later_due` when the terms recorded after it are valid.
    """

    transaction: int
    day: date
    due_on: date
    amount: int
    ripens_on: date = NEVER
    later_due: date = NEVER

    @property
    def key(self) -> Key:
        """Return the item's place among those of its account."""
        return self.due_on, self.day, self.transaction


@dataclass(slots=True)
class Balance:
    """The running state of a client account.

    `open_*` is the first aging item that is not wholly paid (0: none) and what is unpaid of it; `latest_due` is not
    before any item's due date; `ripens_on` is the next day on which items without a due date get one.
    """

    balance: int = 0
    held: int = 0
    version: int = 0
    posted_at: datetime | None = None
    open_due: date = NEVER
    open_day: date = NEVER
    open_item: int = 0
    open_unpaid: int = 0
    latest_due: date = date.min
    ripens_on: date = NEVER

    @property
    def place(self) -> tuple[date, date, int, date, date]:
        """Return where what is unpaid begins, and what that depends on as time goes by."""
        return self.open_due, self.open_day, self.open_item, self.latest_due, self.ripens_on


@dataclass(slots=True)
class Ages:
    """The aging items of one account, as far as they were needed.

    `items` has all that stand from `low` on and before `high`, and perhaps others; with `fetch`, more are kept
    elsewhere. `changed` are those that are new or other than there.
    """

    account: int
    state: Balance
    fetch: Fetch | None = None
    new: InitVar[Iterable[AgingItem]] = ()
    items: list[AgingItem] = field(default_factory=list)
    known: dict[int, AgingItem] = field(default_factory=dict)
    changed: dict[int, AgingItem] = field(default_factory=dict)
    low: Key = FIRST
    high: Key = LAST

    def __post_init__(self, new: Iterable[AgingItem]) -> None:
        if self.fetch is not None:
            self.low = self.high = self._place()
        for item in new:
            self._added(item)

    def move(self, amount: int, item: AgingItem | None = None, of: int | None = None) -> None:
        """Follow an entry that has just moved the balance by `amount`.

        It is a new aging item, or it changes the `item` of an earlier transaction that it refunds or reverses (or
        whose reversal it undoes), or neither.
        """
        state = self.state
        opened = max(0, amount - state.balance)
        if item is not None:
            opened += self._added(item)
        elif of is not None and (found := self._of(of)) is not None:
            # What a closed account paid may come back here too: that is a credit like any other.
            opened += self._changed(found, -min(amount, found.amount))
        unpaid = max(0, -state.balance)
        if not unpaid:
            self._begin(None)
        elif unpaid > opened:
            self._back(unpaid - opened)
        else:
            self._forth(opened - unpaid)

    def _added(self, item: AgingItem) -> int:
        """Take in a new item; return by how much it raises what is open."""
        state = self.state
        if not state.open_item and item.due_on >= state.latest_due:
            self.low = min(self.low, item.key)  # nothing stands after it
        state.latest_due = max(state.latest_due, item.due_on)
        self._keep(item)
        self.changed[item.transaction] = item
        return item.amount if state.open_item and item.key > self._place() else 0

    def _changed(self, item: AgingItem, by: int) -> int:
        """Change what an item comes to; return by how much that raises what is open."""
        state = self.state
        item.amount += by
        self.changed[item.transaction] = item
        if item.transaction == state.open_item:
            before, state.open_unpaid = state.open_unpaid, min(state.open_unpaid, item.amount)
            return state.open_unpaid - before
        return by if state.open_item and item.key > self._place() else 0

    def _forth(self, paid: int) -> None:
        state = self.state
        while paid or not state.open_unpaid:
            part = min(paid, state.open_unpaid)
            state.open_unpaid -= part
            paid -= part
            if not state.open_unpaid:
                item = self._from(_after(self._place()))
                assert item is not None
                self._begin(item, item.amount)

    def _back(self, more: int) -> None:
        state = self.state
        item = self._from(self._place()) if state.open_item else None
        while more:
            part = min(more, item.amount - state.open_unpaid) if item else 0
            state.open_unpaid += part
            more -= part
            if more:
                item = self._before(self._place())
                assert item is not None
                self._begin(item)

    def _begin(self, item: AgingItem | None, unpaid: int = 0) -> None:
        state = self.state
        if item is None and not state.open_item:
            return
        if item is None and self.fetch is not None:
            self.low = self.high = LAST
        place = (NEVER, NEVER, 0) if item is None else item.key
        state.open_due, state.open_day, state.open_item = place
        state.open_unpaid = unpaid

    def _place(self) -> Key:
        """Return the key of the first open item, or the end when nothing is open."""
        state = self.state
        return (state.open_due, state.open_day, state.open_item) if state.open_item else LAST

    def _from(self, key: Key) -> AgingItem | None:
        """Return the first item from a key on."""
        while True:
            place = bisect_left(self.items, key, key=_key)
            if place < len(self.items) and (self.high == LAST or self.items[place].key < self.high):
                return self.items[place]
            if self.high == LAST:
                return None
            self._take(self._more("later", self.high), later=True)

    def _before(self, key: Key) -> AgingItem | None:
        """Return the last item before a key that is not above `high`."""
        while True:
            place = bisect_left(self.items, key, key=_key) - 1
            if place >= 0 and self.items[place].key >= self.low:
                return self.items[place]
            if self.low == FIRST:
                return None
            self._take(self._more("earlier", self.low), later=False)

    def _more(self, which: str, key: Key) -> list[AgingItem]:
        assert self.fetch is not None
        return self.fetch(self.account, which, key, PAGE)

    def _take(self, items: list[AgingItem], *, later: bool) -> None:
        """Take in what was fetched from `high` on, or before `low`; fewer than a page are all there are."""
        for item in items:
            self._keep(item)
        if later:
            self.high = _after(items[-1].key) if len(items) >= PAGE else LAST
        else:
            self.low = items[-1].key if len(items) >= PAGE else FIRST

    @property
    def untouched(self) -> bool:
        """Return whether nothing was fetched from the first open item on."""
        return self.low == self.high

    def walked(self, items: list[AgingItem]) -> None:
        """Take in items in order, from the first open one on without a gap."""
        for item in items:
            self._keep(item)
        self.high = _after(items[-1].key)

    def _keep(self, item: AgingItem) -> None:
        # What is kept elsewhere may be older than what is known here.
        if item.transaction not in self.known:
            self.known[item.transaction] = item
            if self.items:
                insort(self.items, item, key=_key)
            else:
                self.items.append(item)

    def _of(self, transaction: int) -> AgingItem | None:
        if transaction not in self.known and self.fetch is not None:
            for item in self.fetch(self.account, "one", (NEVER, NEVER, transaction), 1):
                self._keep(item)
        return self.known.get(transaction)

    def ripen(self, day: date) -> None:
        """Give the items that wait for a due date theirs, when the terms it comes from are valid by that day."""
        state = self.state
        if day < state.ripens_on:
            return
        for item in self.fetch(self.account, "ripening", FIRST, 0) if self.fetch else ():
            self._keep(item)
            known = self.known[item.transaction]
            known.ripens_on, known.later_due = item.ripens_on, item.later_due
        waiting = [item for item in self.known.values() if item.due_on == NEVER and item.ripens_on < NEVER]
        state.ripens_on = min((item.ripens_on for item in waiting if item.ripens_on > day), default=NEVER)
        for item in waiting:
            if item.ripens_on <= day:
                del self.items[bisect_left(self.items, item.key, key=_key)]
                item.due_on = item.later_due
                insort(self.items, item, key=_key)
                self.changed[item.transaction] = item
        self._begin_anew()

    def _begin_anew(self) -> None:
        """Find the first open item from the last one on: others came, or their dates did."""
        state = self.state
        self._begin(None)
        if self.fetch is not None:
            self.low = self.high = LAST
        last = self._before(LAST)
        state.latest_due = last.due_on if last else date.min
        self._back(max(0, -state.balance))

    def take_over(self, other: "Ages") -> None:
        """Take over the items of an account that is merged into this one; what is kept elsewhere was moved there.

        Where one transaction charged both, its items become one, due on the earlier date (DECISIONS D182).
        """
        for item in other.items:
            known = self.known.get(item.transaction)
            if known is None:
                self._keep(item)
                continue
            del self.items[bisect_left(self.items, known.key, key=_key)]
            known.amount += item.amount
            known.due_on = min(known.due_on, item.due_on)
            waits = min((known.ripens_on, known.later_due), (item.ripens_on, item.later_due))
            known.ripens_on, known.later_due = waits
            insort(self.items, known, key=_key)
        other.items, other.known = [], {}
        self.state.ripens_on, other.state.ripens_on = min(self.state.ripens_on, other.state.ripens_on), NEVER
        other._begin_anew()
        self._begin_anew()

    def wait_for(self, valid_from: date, period_days: int) -> None:
        """Let the items without a due date that wait for none yet take it from terms, once these are valid."""
        for item in self.fetch(self.account, "undated", FIRST, 0) if self.fetch else ():
            self._keep(item)
        for item in self.items:
            if item.due_on == NEVER == item.ripens_on:
                item.ripens_on, item.later_due = valid_from, due_date(item.day, period_days)
                self.state.ripens_on = min(self.state.ripens_on, valid_from)

    def as_of(self, day: date) -> "Ages":
        """Return the ages as they stand on a day that is not before the latest entry's: unchanged, or a copy."""
        if day < self.state.ripens_on:
            return self
        ages = deepcopy(self)
        ages.ripen(day)
        return ages


PAGE = 32
"""How many items are fetched at a time."""


def due_date(day: date, period_days: int) -> date:
    """Return the last day to pay what arose on a day; the calendar ends on the day before NEVER."""
    last = NEVER.toordinal() - 1
    return date.fromordinal(min(day.toordinal() + period_days, last))


def _after(key: Key) -> Key:
    return key[0], key[1], key[2] + 1


def _key(item: AgingItem) -> Key:
    return item.key
