"""The shop: the facts that decisions about orders are made from, in memory, beside the ledger's book.

What changed is noted, so that the desk can write exactly that. Amounts are minor units.
"""

from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from ledger.core.book import Book
from ledger.food.core.bonuses import EXPIRED, Dates, Points, Program, dates_of
from ledger.food.core.pricing import Client, Promotion

Said = dict[str, Any]


@dataclass(slots=True)
class OrderLine:
    """A line as it was placed, and of how many the client still has it (not: undelivered or refunded)."""

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

    `main` is the key of the debit or capture that refunds go to; None until a pre-order is delivered.
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
    accruals: dict[str, Accrual] = field(default_factory=dict)

    @property
    def brands(self) -> list[str]:
        """Return the brands of its lines, each once."""
        return list(dict.fromkeys(line.brand for line in self.lines))


@dataclass(slots=True)
class Shop:
    """Everything that the decisions about one batch may read beside the book.

    `said` is how callers get an order described, by transaction. `by_client` are the transactions by which clients
    cancelled: points that they give back too late are lost.
    """

    preorder_lives: timedelta = timedelta(hours=24)
    promotions: dict[str, Promotion] = field(default_factory=dict)
    programs: dict[str, list[Program]] = field(default_factory=dict)
    points: dict[int, Points] = field(default_factory=dict)
    promotion_uses: dict[tuple[int, int], int] = field(default_factory=dict)
    orders_of: dict[int, int] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    said: dict[int, Said] = field(default_factory=dict)
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
                    dates = self.dates(book, entry.account, transaction.day)
                    if transaction.id in self.by_client:
                        dates = dates._replace(returned_until=None)
                    points.enter(
                        entry, id=transaction.id, kind=transaction.kind, refers_to=transaction.refers_to, dates=dates,
                        expired=transaction.reason == EXPIRED,
                    )  # fmt: skip
        self.followed = len(book.entered)

    def points_of(self, account: int) -> Points:
        """Return the lots of a bonus account; one that is not known yet has had no entry."""
        return self.points.setdefault(account, Points(account))

    def dates(self, book: Book, account: int, day: date) -> Dates:
        """Return when points are gone that a bonus account is given on a day, or gets back on it."""
        brand = book.accounts[account].brand
        code = next((code for code, known in book.brands.items() if known.id == brand), "")
        return dates_of(self.programs.get(code, ()), day)

    def client(self, party: int, name: str, promotion: Promotion) -> Client:
        """Return what a promotion asks about a party."""
        return Client(name, self.orders_of.get(party, 0), self.promotion_uses.get((promotion.id, party), 0))

    def place(self, order: Order) -> None:
        """Take a new order into the shop and count the promotions that it uses."""
        self.orders[order.key] = order
        self.new_orders.append(order)
        self.orders_of[order.party] = self.orders_of.get(order.party, 0) + 1
        self._use(order, 1)

    def cancel(self, order: Order, at: datetime) -> None:
        """Mark an order cancelled and give the uses of its promotions back."""
        order.status, order.cancelled_at = "cancelled", at
        self.changed_orders[order.id] = order
        self.orders_of[order.party] = self.orders_of.get(order.party, 0) - 1
        self._use(order, -1)

    def _use(self, order: Order, times: int) -> None:
        for number, code, _ in order.promotions:
            key = number, order.party
            self.promotion_uses[key] = self.promotion_uses.get(key, 0) + times
            promotion = self.promotions[code]
            promotion.used += times
            self.changed_promotions[number] = promotion

    def saved(self, book: Book, order: Order, sources: Iterable[int]) -> Callable[[], None]:
        """Return what puts lots and book back as they stand now, after an order's cancel and its fee."""
        payers = (link.payer for link in book.links.get(order.account, ()))
        near = book.sharing({order.account, *book.bonuses.get(order.account, ()), *payers, *sources})
        points = {**self.points, **deepcopy({id_: self.points[id_] for id_ in near & self.points.keys()})}
        followed, book_put_back = self.followed, book.saved(near)

        def put_back() -> None:
            book_put_back()
            self.points, self.followed = points, followed

        return put_back
