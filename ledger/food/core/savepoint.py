"""Put book and shop back as they stood: an order's cancel whose fee was declined did not happen either."""

from collections.abc import Callable, Iterable
from copy import copy, deepcopy
from typing import Any

from ledger.core.book import Book
from ledger.food.core.shop import Order, Shop


def savepoint(shop: Shop, book: Book, order: Order, sources: Iterable[int]) -> Callable[[], None]:
    """Return what puts lots and book back as they stand now, after an order's cancel and its fee."""
    client = book.successor(order.account)
    payers = (link.payer for link in book.links.get(client, ()))
    into = (book.successor(source) for source in (*sources, order.account))
    near = _sharing(book, {client, *book.bonuses.get(client, ()), *payers, *into})
    points = {**shop.points, **deepcopy({id_: shop.points[id_] for id_ in near & shop.points.keys()})}
    followed, put_back_book = shop.followed, _saved(book, near)

    def put_back() -> None:
        put_back_book()
        shop.points, shop.followed = points, followed

    return put_back


def _sharing(book: Book, accounts: Iterable[int]) -> set[int]:
    """Return the accounts and all that share an open hold with one: when it runs out they move together."""
    near, new = set[int](), set(accounts)
    while new:
        near |= new
        holds = [hold for account in new for hold in book.holding.get(account, {}).values()]
        new = {part.source for hold in holds for part in hold.parts} - near
    return near


def _saved(book: Book, near: set[int]) -> Callable[[], None]:
    """Return what puts the book back as it stands now, after commands that move only these accounts."""
    state: dict[str, dict[Any, Any]] = {
        "usage": {key: usage for key, usage in book.usage.items() if key[0] in near},
        "holds": {id_: hold for id_, hold in book.holds.items() if any(p.source in near for p in hold.parts)},
    }
    for name in ("balances", "ages", "paid_items", "holding", "terms"):
        state[name] = {account: found for account, found in getattr(book, name).items() if account in near}
    # Copied in one go: what two of them share must stay shared. Whatever is not near is not copied.
    state = {name: {**getattr(book, name), **copied} for name, copied in deepcopy(state).items()}
    state["followers"] = {id_: list(followers) for id_, followers in book.followers.items()}
    known = ("transactions", "numbered", "entered", "changed_holds", "changed_ages", "changed_usage", "places")
    found = {name: copy(getattr(book, name)) for name in known}

    def put_back() -> None:
        for name, value in {**state, **found}.items():
            setattr(book, name, value)

    return put_back
