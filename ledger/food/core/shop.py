"""The shop: the facts that decisions about orders are made from, in memory, beside the ledger's book.

What changed is noted, so that the desk can write exactly that. Amounts are minor units.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from ledger.core.book import Book
from ledger.food.core.bonuses import EXPIRED, Dates, Points, Program, dates_of
from ledger.food.core.pricing import Client, Promotion
from ledger.values.field_types import OWN_KEYS

Description = dict[str, Any]


@dataclass(slots=True)
class OrderLine:
    """A line as it was placed, and of how many the client still has it (not: undelivered or refunded).

    `weighed` is what `weighed_of` pieces came to when they were delivered by weight. `financed` is what other brands
    pay of the discount as placed, and what is posted of that, by brand.
    """

    number: int
    brand: str
    service: str
    sku: str
    name: str
    quantity: int
    price: int
    gross: int
    discount: int
    net: int
    kept: int
    reference: str | None = None
    attributes: dict[str, Any] | None = None
    own_discount: int = 0
    weighed: int | None = None
    weighed_of: int | None = None
    financed: dict[str, tuple[int, int]] | None = None


@dataclass(slots=True)
class Accrual:
    """Points that an order brought for one brand. `percent` in hundredths of a percent.

    `lot` is the transaction that gave them. What expired of them unspent is `expired`, counted as taken back, too.
    """

    account: int
    percent: int
    points: int
    taken_back: int = 0
    shortfall: int = 0
    lot: int | None = None
    expired: int = 0


@dataclass(slots=True)
class Order:
    """An order: the transaction of the same id debited or held it.

    `main` is the key of the debit or capture that refunds go to; None until a pre-order is delivered. From `void_at` on
    it is no order any more: cancelled, all its dishes refunded, or, by time alone, not delivered when its hold ran out.
    `late_at` is when it was delivered after that all the same. `reference` and `attributes`, as those of its lines, are
    written when it is placed and not loaded again.
    """

    id: int
    key: str
    account: int
    party: int
    currency: str
    placed_at: datetime
    day: date
    due_at: datetime | None
    lines: list[OrderLine]
    promotions: list[tuple[int, str, int]]
    main: str | None
    status: str = "placed"
    delivered_at: datetime | None = None
    cancelled_at: datetime | None = None
    void_at: datetime | None = None
    late_at: datetime | None = None
    accruals: dict[str, Accrual] = field(default_factory=dict)
    reference: str | None = None
    attributes: dict[str, Any] | None = None

    @property
    def fee_key(self) -> str:
        """Return the key of the fee that its cancel debits, if there is one."""
        return f"{OWN_KEYS}fee:{self.id}"

    @property
    def surplus_key(self) -> str:
        """Return the key of what its delivery debits beyond its charge, if there is such."""
        return f"{OWN_KEYS}surplus:{self.id}"

    @property
    def charges(self) -> list[str]:
        """Return the keys of what refunds of it go to, of which some may not be there."""
        more = [self.fee_key] if self.status == "cancelled" else []
        more += [self.surplus_key] if any(line.weighed is not None for line in self.lines) else []
        return more if self.main is None else [self.main, *more]

    @property
    def brands(self) -> list[str]:
        """Return the brands of its lines, each once."""
        return list(dict.fromkeys(line.brand for line in self.lines))


class Pending(NamedTuple):
    """A pre-order not delivered yet: whose, with which promotions (numbers), and when it runs out."""

    party: int
    promotions: tuple[int, ...]
    until: datetime


@dataclass(slots=True)
class Shop:
    """Everything that the decisions about one batch may read beside the book.

    `descriptions` are the orders as callers received them, by transaction. `by_client` are the transactions by which
    clients cancelled: points that they give back too late are lost. `orders_of` and uses count pre-orders that ran out,
    too: these are in `pending`.
    """

    preorder_lives: timedelta = timedelta(hours=24)
    promotions: dict[str, Promotion] = field(default_factory=dict)
    programs: dict[str, list[Program]] = field(default_factory=dict)
    points: dict[int, Points] = field(default_factory=dict)
    promotion_uses: dict[tuple[int, int], int] = field(default_factory=dict)
    orders_of: dict[int, int] = field(default_factory=dict)
    pending: dict[int, Pending] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    descriptions: dict[int, Description] = field(default_factory=dict)
    new_orders: list[Order] = field(default_factory=list)
    changed_orders: dict[int, Order] = field(default_factory=dict)
    changed_promotions: dict[int, Promotion] = field(default_factory=dict)
    steps: list[tuple[int, int, str]] = field(default_factory=list)
    by_client: set[int] = field(default_factory=set)
    followed: int = 0

    def follow(self, book: Book) -> None:
        """Let the lots follow what was entered into the book since the last time."""
        for transaction in book.entered[self.followed :]:
            for entry in transaction.clients():
                if book.accounts[entry.account].kind == "bonus":
                    points = self.points_of(entry.account)
                    if transaction.kind == "merge":
                        points.version = entry.version or 0
                        if entry.account in book.merged:
                            self.points_of(book.successor(entry.account)).take_over(points, by=transaction.id)
                        continue
                    dates = self.dates(book, entry.account, transaction.day)
                    if transaction.expires_at is not None and transaction.kind == "bonus":
                        dates = dates._replace(gone_on=book.day(transaction.expires_at))
                    if transaction.id in self.by_client:
                        dates = dates._replace(returned_until=None)
                    points.enter(
                        entry,
                        transaction=transaction.id,
                        kind=transaction.kind,
                        refers_to=transaction.refers_to,
                        dates=dates,
                        expired=transaction.reason == EXPIRED,
                    )
        self.followed = len(book.entered)

    def points_of(self, account: int) -> Points:
        """Return the lots of a bonus account; one that is not known yet has had no entry."""
        return self.points.setdefault(account, Points(account))

    def dates(self, book: Book, account: int, day: date) -> Dates:
        """Return when points are gone that a bonus account is given on a day, or gets back on it."""
        brand = book.accounts[account].brand
        code = next((code for code, known in book.brands.items() if known.id == brand), "")
        return dates_of(self.programs.get(code, ()), day)

    def client(self, party: int, name: str, promotion: Promotion, at: datetime) -> Client:
        """Return what a promotion needs to know of a party, and its uses in all, at a time."""
        ran_out = [pending for pending in self.pending.values() if pending.until <= at]
        of_it = [pending.party for pending in ran_out if promotion.id in pending.promotions]
        return Client(
            name,
            self.orders_of.get(party, 0) - sum(pending.party == party for pending in ran_out),
            self.promotion_uses.get((promotion.id, party), 0) - of_it.count(party),
            promotion.used - len(of_it),
        )

    def place(self, order: Order) -> None:
        """Take a new order into the shop and count the promotions that it uses."""
        self.orders[order.key] = order
        self.new_orders.append(order)
        self.orders_of[order.party] = self.orders_of.get(order.party, 0) + 1
        self._use(order, 1)
        if order.void_at is not None:
            numbers = tuple(number for number, _, _ in order.promotions)
            self.pending[order.id] = Pending(order.party, numbers, order.void_at)

    def deliver(self, order: Order, at: datetime, *, late: bool) -> None:
        """Mark an order delivered; one that had run out counts again, and so do its promotions."""
        order.status, order.delivered_at = "delivered", at
        order.late_at = at if late else None
        if self.pending.pop(order.id, None) is not None:
            order.void_at = None
        self.changed_orders[order.id] = order

    def postpone(self, order: Order, due_at: datetime, until: datetime) -> None:
        """Let a pre-order be due, and run out, at another time."""
        order.due_at, order.void_at = due_at, until
        self.pending[order.id] = self.pending[order.id]._replace(until=until)
        self.changed_orders[order.id] = order

    def cancel(self, order: Order, at: datetime) -> None:
        """Mark an order cancelled and give the uses of its promotions back."""
        order.status, order.cancelled_at = "cancelled", at
        self.end(order, at)

    def end(self, order: Order, at: datetime) -> None:
        """Let an order no longer count from now on, nor the uses of its promotions."""
        self.changed_orders[order.id] = order
        pending = self.pending.pop(order.id, None)
        if pending is None and order.void_at is not None:
            return
        order.void_at = min(at, pending.until) if pending else at
        self.orders_of[order.party] = self.orders_of.get(order.party, 0) - 1
        self._use(order, -1)

    def _use(self, order: Order, times: int) -> None:
        for number, code, _ in order.promotions:
            key = number, order.party
            self.promotion_uses[key] = self.promotion_uses.get(key, 0) + times
            promotion = self.promotions[code]
            promotion.used += times
            self.changed_promotions[number] = promotion
