"""How an order stands: what is left of it by line and source, who paid, and how it is described to callers."""

from functools import lru_cache

from ledger.core import commands as c
from ledger.core.book import Book
from ledger.core.outcomes import Posted
from ledger.food.core.outcomes import Ordered, ordered
from ledger.food.core.shop import Accrual, Description, Order, OrderLine, Shop
from ledger.values import money

plain = lru_cache(maxsize=65_536)(money.plain)
"""A menu has few prices, which come again and again: most amounts of an order have been written before."""

Shares = dict[tuple[int, int], int]
"""Amounts by line and source."""


def shares(book: Book, order: Order) -> Shares:
    """Return what each source has paid of each line and did not get back, or still sets aside for it."""
    if order.main is None:
        if order.status == "cancelled":
            return {}  # a hold that ran out may not be booked yet
        hold = book.holds[order.id]
        return {(part.line, part.source): part.held for part in hold.parts}
    paid = _paid(book, order.main)
    for key, amount in surplus_left(book, order).items():
        paid[key] = paid.get(key, 0) + amount
    return paid


def surplus_left(book: Book, order: Order) -> Shares:
    """Return what each source paid beyond the charge for each line, weighed goods, and did not get back."""
    charged = book.transactions.get(order.surplus_key)
    if charged is None or charged.code is not None:
        return {}
    lines = surplus_lines(book, order)
    return {(lines[line], source): amount for (line, source), amount in _paid(book, order.surplus_key).items()}


def surplus_lines(book: Book, order: Order) -> dict[int, int]:
    """Return the order's line of each line that was debited beyond its charge: the same dish of the same brand."""
    codes = {brand.id: code for code, brand in book.brands.items()}
    dishes = {(line.brand, line.sku): line.number for line in order.lines if line.service == "dish"}
    charged = book.transactions[order.surplus_key].revenue()
    return {e.line or 0: dishes[codes[book.own_account(e.account)[0]], e.reference or ""] for e in charged}


def _paid(book: Book, charge: str) -> Shares:
    paid: Shares = {}
    charged = book.transactions[charge]
    for transaction in (charged, *book.followed_by(charged, "refund")):
        for entry in transaction.revenue():
            assert entry.line is not None and entry.source is not None
            key = entry.line, entry.source
            paid[key] = paid.get(key, 0) + entry.amount
    return paid


def left_by_line(book: Book, order: Order) -> dict[int, int]:
    """Return what is paid of each line and not refunded."""
    left: dict[int, int] = {}
    for (line, _), amount in shares(book, order).items():
        left[line] = left.get(line, 0) + amount
    return left


def money_of(book: Book, order: Order, brand: str) -> int:
    """Return the money paid for a brand's dishes and not refunded, whoever paid; no points, no delivery."""
    dishes = {line.number for line in order.lines if line.service == "dish" and line.brand == brand}
    paid = shares(book, order)
    return sum(amount for (line, source), amount in paid.items() if line in dishes and _is_money(book, source))


def _is_money(book: Book, account: int) -> bool:
    return book.accounts[account].kind == "money"


def described(shop: Shop, book: Book, order: Order, command: c.Command, posted: Posted) -> Ordered:
    """Note a step of an order and return its outcome: the ledger's, with the order as it stands after the step."""
    shop.follow(book)
    description = description_of(book, order)
    if order.status == "cancelled":
        description["fee"] = _fee(book, order)
    shop.descriptions[posted.transaction] = description
    shop.steps.append((posted.transaction, order.id, command.kind))
    return ordered(posted, description)


def _fee(book: Book, order: Order) -> Description | None:
    """Return who keeps the fee of a cancelled order, and what of it was not refunded; None without a fee."""
    charged = book.transactions.get(order.fee_key)
    if charged is None or charged.code is not None:
        return None
    leg = next(iter(charged.revenue()))  # of one brand, whoever paid
    kept, _ = book.own_account(leg.account)
    brand = next(code for code, brand in book.brands.items() if brand.id == kept)
    return {"brand": brand, "amount": plain(sum(_paid(book, order.fee_key).values()))}


def description_of(book: Book, order: Order) -> Description:
    """Return the order as its caller receives it: priced lines, promotions, who paid, points. Amounts as strings."""
    paid, client = {"bonuses": 0, "payers": 0, "client": 0}, book.successor(order.account)
    for (_, source), amount in shares(book, order).items():
        if book.successor(source) == client:
            paid["client"] += amount
        else:
            paid["payers" if _is_money(book, source) else "bonuses"] += amount
    gross = sum([line.gross for line in order.lines])
    net = sum([line.net for line in order.lines])
    return {
        "key": order.key,
        "status": order.status,
        "gross": plain(gross),
        "discount": plain(gross - net),
        "net": plain(net),
        "lines": [_described(line) for line in order.lines],
        "promotions": [{"code": code, "discount": plain(taken)} for _, code, taken in order.promotions],
        "paid": {who: plain(amount) for who, amount in paid.items()},
        "bonuses": {
            **_points([*order.accruals.values()]),
            "brands": [{"brand": brand, **_points([accrual])} for brand, accrual in order.accruals.items()],
        },
    }


def _points(accruals: list[Accrual]) -> Description:
    return {
        "accrued": plain(sum([accrual.points for accrual in accruals])),
        "taken_back": plain(sum([accrual.taken_back for accrual in accruals])),
        "shortfall": plain(sum([accrual.shortfall for accrual in accruals])),
    }


def _described(line: OrderLine) -> Description:
    made: Description = {"line": line.number, "brand": line.brand, "service": line.service}
    if line.service == "dish":
        made["sku"], made["name"] = line.sku, line.name
    made["quantity"], made["kept"] = line.quantity, line.kept
    made["gross"], made["discount"], made["net"] = plain(line.gross), plain(line.discount), plain(line.net)
    if line.weighed is not None:
        made["weighed"] = plain(line.weighed)
    if line.financed and (by_others := {brand: plain(amount) for brand, (amount, _) in line.financed.items()}):
        made["financed"] = by_others
    return made
