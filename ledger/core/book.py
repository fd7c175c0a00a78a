"""The book: the facts that decisions are made from, in memory, and how a transaction changes them.

A book holds whole accounts and nothing half: the shell loads what a batch can touch,
the tests build one by hand. `enter` is the only thing that changes it, and it notes
what it changed, so that the shell can write exactly that. Amounts are minor units.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from zoneinfo import ZoneInfo

from ledger.core.accounts import Account, Brand, Limit, Link, Terms, Usage, window
from ledger.core.aging import AGING, NEVER, Ages, AgingItem, Balance, Fetch, due_date
from ledger.core.outcomes import Declined, Entry, Invalid, Moved, Posted
from ledger.core.transactions import Hold, Transaction
from ledger.values.refusals import LEDGER, Refusals

END_OF_TIME = datetime.max.replace(tzinfo=UTC)


@dataclass(slots=True)
class Book:
    """Everything that the decisions about one batch may read.

    `merged` are accounts with the ones that they were merged into, in the end. `paid_items` are new aging items that
    were paid as they arose, of accounts whose `ages` nothing has needed yet; `changed_ages` the accounts of whose items
    another is the first open one or the last due. `places` are where what is unpaid begins from a version of an account
    on, each with the account and its entry.
    `second_person` says from which amount on a kind needs one, by currency; `held_back`, what is not posted without.
    """

    zone: ZoneInfo
    now: datetime = END_OF_TIME
    currency: str = "RUB"
    closed_until: date | None = None
    late_days: int = 7
    refusals: Refusals = field(default_factory=lambda: LEDGER)
    brands: dict[str, Brand] = field(default_factory=dict)
    system: dict[tuple[int, str, str], int] = field(default_factory=dict)
    own_accounts: dict[int, tuple[int, str]] = field(default_factory=dict)
    accounts: dict[int, Account] = field(default_factory=dict)
    references: dict[str, int] = field(default_factory=dict)
    status: dict[int, str] = field(default_factory=dict)
    merged: dict[int, int] = field(default_factory=dict)
    bonuses: dict[int, list[int]] = field(default_factory=dict)
    balances: dict[int, Balance] = field(default_factory=dict)
    terms: dict[int, list[Terms]] = field(default_factory=dict)
    links: dict[int, list[Link]] = field(default_factory=dict)
    limits: dict[int, dict[int | str, list[Limit]]] = field(default_factory=dict)
    usage: dict[tuple[int, int | str, str, date], Usage] = field(default_factory=dict)
    ages: dict[int, Ages] = field(default_factory=dict)
    paid_items: dict[int, list[AgingItem]] = field(default_factory=dict)
    fetch_items: Fetch | None = None
    holds: dict[int, Hold] = field(default_factory=dict)
    holding: dict[int, dict[int, Hold]] = field(default_factory=dict)
    transactions: dict[str, Transaction] = field(default_factory=dict)
    numbered: dict[int, Transaction] = field(default_factory=dict)
    followers: dict[int, list[Transaction]] = field(default_factory=dict)
    owners: dict[int, str] = field(default_factory=dict)
    second_person: Mapping[tuple[str, str], int | None] = field(default_factory=dict)
    held_back: Callable[[Transaction], Invalid | None] | None = None
    ids: Iterator[int] = field(default_factory=lambda: count(1))
    entered: list[Transaction] = field(default_factory=list)
    changed_usage: set[tuple[int, int | str, str, date]] = field(default_factory=set)
    changed_holds: set[int] = field(default_factory=set)
    changed_ages: set[int] = field(default_factory=set)
    places: list[tuple[int, int, int, date, date, int, date, date]] = field(default_factory=list)
    days: dict[datetime, date] = field(default_factory=dict)

    def day(self, at: datetime) -> date:
        """Return the business date of an instant."""
        day = self.days.get(at)
        if day is None:
            day = self.days[at] = at.astimezone(self.zone).date()
        return day

    def ends(self, day: date) -> datetime:
        """Return the instant at which a business date is over."""
        return datetime.combine(day + timedelta(1), time(), self.zone).astimezone(UTC)

    def happened_on(self, transaction: Transaction) -> date:
        """Return the day in whose windows a transaction counts."""
        return transaction.day if transaction.occurred_at is None else self.day(transaction.occurred_at)

    def own_account(self, number: int) -> tuple[int, str]:
        """Return the brand that an own account belongs to, and the account's kind."""
        found = self.own_accounts.get(number)
        if found is None:
            found = next((brand, kind) for (brand, kind, _), own in self.system.items() if own == number)
            if number > 0:  # a quote's are placeholders
                self.own_accounts[number] = found
        return found

    def successor(self, account: int) -> int:
        """Return the account that an account was merged into, or itself."""
        return self.merged.get(account, account)

    def keep(self, hold: Hold) -> None:
        """Take a hold into the book and index it by source."""
        self.holds[hold.id] = hold
        if hold.state == "open":
            for part in hold.parts:
                self.holding.setdefault(part.source, {})[hold.id] = hold

    def followed_by(self, transaction: Transaction, kind: str) -> list[Transaction]:
        """Return the posted transactions of a kind that refer to a transaction."""
        return [t for t in self.followers.get(transaction.id, ()) if t.kind == kind and t.code is None]

    def know(self, transaction: Transaction) -> None:
        """Let the transaction be found by its key, its number and what it refers to."""
        self.transactions[transaction.key] = transaction
        self.numbered[transaction.id] = transaction
        if transaction.refers_to is not None:
            self.followers.setdefault(transaction.refers_to, []).append(transaction)

    def expired(self, account: int, at: datetime) -> list[Hold]:
        """Return the holds that ran out by `at`, not yet booked, that still hold something on the account."""
        return [
            hold
            for hold in self.holding.get(account, {}).values()
            if hold.expires_at <= at and any(part.held for part in hold.parts if part.source == account)
        ]

    def held(self, account: int, at: datetime) -> int:
        """Return what is held on an account, not counting holds that ran out."""
        if account not in self.holding:
            return self.balances[account].held
        gone = sum(part.held for hold in self.expired(account, at) for part in hold.parts if part.source == account)
        return self.balances[account].held - gone

    def terms_on(self, account: int, day: date) -> Terms | None:
        """Return the credit terms in force on a day: the last recorded of those valid on it."""
        for terms in reversed(self.terms.get(account, ())):
            if terms.valid_from <= day and (terms.valid_until is None or day <= terms.valid_until):
                return terms
        return None

    def record_terms(self, account: int, terms: Terms) -> None:
        """Let terms be recorded: of items without a due date those that wait for none yet take it from them."""
        self.terms.setdefault(account, []).append(terms)
        if terms.period_days is not None:
            self.changed_ages.add(account)
            self.aging(account).wait_for(terms.valid_from, terms.period_days)

    def aging(self, account: int) -> Ages:
        """Return the aging items of an account."""
        ages = self.ages.get(account)
        if ages is None:
            new = self.paid_items.pop(account, [])
            ages = self.ages[account] = Ages(account, self.balances[account], self.fetch_items, new)
        return ages

    def first_unpaid(self, account: int, day: date) -> tuple[date, date] | None:
        """Return the due date and the business date of the first item that is not wholly paid, as of a day."""
        if self.balances[account].balance >= 0:
            return None
        state = self.aging(account).as_of(day).state
        return state.open_due, state.open_day

    def due_on(self, account: int, transaction: Transaction) -> date | None:
        """Return the due date of what a transaction charges an account: its own, or by the terms in force."""
        if transaction.kind not in AGING or self.accounts[account].kind != "money":
            return None
        hold = self.numbered.get(transaction.refers_to or 0) if transaction.kind == "capture" else None
        explicit = hold.due_on if hold else transaction.due_on
        if explicit is not None or account not in self.terms:
            return explicit
        terms = self.terms_on(account, transaction.day)
        return due_date(transaction.day, terms.period_days) if terms and terms.period_days is not None else None

    def limits_of(self, payer: int, account: int, group: str | None = None) -> list[Limit]:
        """Return the limits that a draw from `payer` for `account` must keep, narrowest first (DECISIONS D2)."""
        limits = self.limits.get(payer)
        if limits is None:
            return []
        of: list[int | str] = [account, payer] if group is None else [account, group, payer]
        return [limit for who in dict.fromkeys(of) for limit in limits.get(who, ())]

    def used(self, payer: int, limit: Limit, at: datetime, day: date) -> Usage:
        """Return what is drawn in the limit's window that holds `day`; nothing for a single order.

        Holds that ran out by `at` no longer count, whether or not that was booked.
        """
        if limit.period == "order":
            return Usage()
        since = window(limit.period, day)
        used = self.usage.get((payer, limit.account, limit.period, since)) or Usage()
        if payer not in self.holding:
            return used
        ran_out = [
            hold
            for hold in self.expired(payer, at)
            if window(limit.period, hold.day) == since
            and limit.account in (hold.account, hold.groups.get(payer), payer)
        ]
        back = [sum(part.held for part in hold.parts if part.source == payer) for hold in ran_out]
        ended = sum(hold.drawn_from(payer) == amount > 0 for hold, amount in zip(ran_out, back, strict=True))
        return Usage(used.amount - sum(back), used.count - ended)

    def enter(self, transaction: Transaction) -> None:
        """Make the transaction part of the book: number it, move balances, ages, usage and holds."""
        for expiry in transaction.expiries:
            self.enter(expiry)
        transaction.id = next(self.ids)
        self.entered.append(transaction)
        self.know(transaction)
        if transaction.code is not None:
            return
        if transaction.owner is not None:
            self.owners[transaction.id] = transaction.owner
        for entry in transaction.clients():
            self._move(transaction, entry)
        if transaction.terms is not None and transaction.account is not None:
            self.record_terms(transaction.account, transaction.terms[1])
        if transaction.kind in _FOLLOW_UP:
            _FOLLOW_UP[transaction.kind](self, transaction)

    def _move(self, transaction: Transaction, entry: Entry) -> None:
        assert entry.version is not None and entry.balance_after is not None and entry.held_after is not None
        balance = self.balances[entry.account]
        # A merge hands over the items themselves.
        ages = entry.amount and self.accounts[entry.account].kind == "money" and transaction.kind != "merge"
        before = balance.place if ages and balance.balance < 0 else None
        if ages and transaction.day >= balance.ripens_on:
            self.aging(entry.account).ripen(transaction.day)
        balance.balance, balance.held, balance.version = entry.balance_after, entry.held_after, entry.version
        balance.posted_at = transaction.posted_at
        if ages:
            self._age(transaction, entry, balance)
            if balance.balance < 0 and balance.place != before:
                self.places.append((entry.account, entry.version, transaction.id, *balance.place))

    def _age(self, transaction: Transaction, entry: Entry, balance: Balance) -> None:
        item = of = None
        if entry.amount < 0 and transaction.kind in AGING:
            item = AgingItem(transaction.id, transaction.day, entry.due_on or NEVER, -entry.amount)
        else:
            of = self._undone(transaction)
        if balance.open_item or balance.balance < 0 or of is not None or entry.account in self.ages:
            self.changed_ages.add(entry.account)
            self.aging(entry.account).move(entry.amount, item, of)
        elif item is not None:
            if item.due_on > balance.latest_due:
                balance.latest_due = item.due_on
                self.changed_ages.add(entry.account)
            self.paid_items.setdefault(entry.account, []).append(item)

    def _undone(self, transaction: Transaction) -> int | None:
        """Return the transaction that a refund or reversal, or the reversal of one, is about in the end."""
        of = transaction.refers_to if transaction.kind in ("refund", "reverse") else None
        while of is not None and (target := self.numbered.get(of)) is not None and target.kind == "reverse":
            of = target.refers_to
        return of

    def _use(self, source: int, of: Transaction | Hold, day: date, amount: int, times: int) -> None:
        assert of.account is not None
        for limit in self.limits_of(source, of.account, of.groups.get(source)):
            if limit.period == "order":
                continue
            key = (source, limit.account, limit.period, window(limit.period, day))
            usage = self.usage.get(key)
            if usage is None:
                usage = self.usage[key] = Usage()
            usage.amount += amount
            usage.count += times
            self.changed_usage.add(key)

    def _draw(self, transaction: Transaction) -> None:
        if not self.limits:
            return
        for entry in transaction.clients():
            drawn = entry.held - entry.amount
            if drawn and entry.account in self.limits:
                beyond = transaction.refers_to  # of a debit it is the charge that it goes beyond
                again = beyond is not None and self.drawn_by(beyond, entry.account) > drawn
                self._use(entry.account, transaction, self.happened_on(transaction), drawn, not again)

    def _hold(self, t: Transaction) -> None:
        self._draw(t)
        assert t.hold is not None and t.account is not None and t.currency is not None and t.expires_at is not None
        day = self.happened_on(t)
        self.keep(Hold(t.id, t.key, t.account, t.currency, day, t.expires_at, t.hold, groups=t.groups))
        self.changed_holds.add(t.id)

    def _capture(self, transaction: Transaction) -> None:
        hold = self._of(transaction)
        for index, taken in transaction.takes or ():
            part = hold.parts[index]
            part.held -= taken
            part.captured = (part.captured or 0) + taken
        used_up = all(part.held == 0 and part.captured is not None for part in hold.parts)
        if transaction.final or used_up:
            self._end(hold, "captured")

    def _of(self, transaction: Transaction) -> Hold:
        assert transaction.refers_to is not None
        self.changed_holds.add(transaction.refers_to)
        return self.holds[transaction.refers_to]

    def _end(self, hold: Hold, state: str) -> None:
        """Close a hold; what it still set aside goes back to its sources and to their limits."""
        back: dict[int, int] = {}
        for part in hold.parts:
            back[part.source] = back.get(part.source, 0) + part.held
            part.held = 0
        for source, amount in back.items():
            if amount and source in self.limits:
                self._use(source, hold, hold.day, -amount, -(hold.drawn_from(source) == 0))
        hold.state = state
        for source in back:
            self.holding.get(source, {}).pop(hold.id, None)

    def _release(self, transaction: Transaction) -> None:
        self._end(self._of(transaction), "released")

    def _expire(self, transaction: Transaction) -> None:
        self._end(self._of(transaction), "expired")

    def _refund(self, transaction: Transaction) -> None:
        """Give back to the window of the debit, or of the hold that it captured."""
        assert transaction.refers_to is not None
        debit = self.numbered[transaction.refers_to]
        assert debit.account is not None
        hold = self.holds[debit.refers_to] if debit.kind == "capture" and debit.refers_to is not None else None
        if hold is not None:
            self.changed_holds.add(hold.id)
            for entry in transaction.revenue():
                part = next(p for p in hold.parts if (p.line, p.source) == (entry.line, entry.source))
                part.refunded -= entry.amount
        # By the lines: what a closed account paid may have gone to another.
        back: dict[int, int] = {}
        for entry in transaction.revenue():
            if entry.source is not None and entry.source in self.limits:
                back[entry.source] = back.get(entry.source, 0) + entry.amount
        for source, amount in back.items():
            charge = debit.refers_to if hold or debit.refers_to is not None else debit.id
            left = self.drawn_by(charge or debit.id, source)
            self._use(source, debit, hold.day if hold else self.happened_on(debit), amount, -(left == 0))

    def drawn_by(self, charge: int, source: int) -> int:
        """Return what a debit or hold, and what was debited beyond it, leave drawn from a source."""
        hold, beyond = self.holds.get(charge), (t for t in self.followers.get(charge, ()) if t.kind == "debit")
        own = hold.drawn_from(source) if hold else self.left_of(self.numbered[charge], source)
        return own + sum(self.left_of(t, source) for t in beyond if t.code is None)

    def left_of(self, debit: Transaction, source: int) -> int:
        """Return what of a debit's draw from a source is not refunded."""
        all_of_it = (debit, *self.followed_by(debit, "refund"))
        return sum(entry.amount for t in all_of_it for entry in t.revenue() if entry.source == source)

    def name_of(self, account: int) -> str | None:
        """Return the name of an account's client, if the book has it."""
        known = self.accounts.get(account)
        return known.name if known else None

    def outcome(self, t: Transaction, *, replayed: bool = False) -> Posted | Declined:
        """Return the transaction as its caller gets it."""
        if t.code is not None:
            facts, refusals, name_of = t.facts or {}, self.refusals, self.name_of
            return Declined(key=t.key, code=t.code, facts=facts, replayed=replayed, refusals=refusals, name_of=name_of)
        moved = [
            Moved(e.account, self.accounts[e.account].reference, e.amount, e.balance_after, e.held_after, e.version)
            for e in t.entries
            if e.version is not None and e.balance_after is not None and e.held_after is not None
        ]
        return Posted(key=t.key, transaction=t.id, posted_at=t.posted_at, accounts=tuple(moved), replayed=replayed)


_FOLLOW_UP = {
    "debit": Book._draw,
    "hold": Book._hold,
    "capture": Book._capture,
    "release": Book._release,
    "expiry": Book._expire,
    "refund": Book._refund,
}
