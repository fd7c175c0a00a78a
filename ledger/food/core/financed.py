"""Discounts that another brand finances: its expense, the seller's income, posted with the order that they lower.

What is financed of a line goes with what is left of it: refunds take it back in proportion, by largest remainder
(DECISIONS D193).
"""

from collections.abc import Iterator
from decimal import Decimal

from ledger.core.book import Book
from ledger.core.outcomes import Entry
from ledger.food.core.order_status import left_by_line
from ledger.food.core.shop import Order, OrderLine
from ledger.values.money import decimal, share, split

EXPENSE, INCOME = "promotion_expense", "promotion_income"
"""Codes of the chart: what a brand gave for another's discounts, and what that one got."""


def vat_of(amount: int, financed: int, rate: Decimal) -> Decimal:
    """Return the VAT of a line: what another brand pays of it belongs to its price, too."""
    return (decimal(amount + financed) * rate / (100 + rate)).quantize(Decimal("0.01"), "ROUND_HALF_UP")


def financed_of(line: OrderLine, left: int, kept: int) -> int:
    """Return what other brands finance of a line, by how much of it is left; by how many, if it cost nothing."""
    whole = sum(amount for amount, _ in (line.financed or {}).values())
    return share(whole, min(left, line.net), line.net) if line.net else share(whole, kept, line.quantity)


def finance(book: Book, order: Order, transaction: int) -> None:
    """Add to a step's transaction what changes by it of what other brands finance of the order."""
    if order.main is None or not any(line.financed for line in order.lines):
        return
    step, left, codes = book.numbered[transaction], left_by_line(book, order), book.brands
    rates = {entry.line: entry.vat_rate for entry in book.transactions[order.main].revenue()}
    legs: list[Entry] = []
    for line in order.lines:
        for brand, amount in _changed(line, left.get(line.number, 0)):
            pair = _pair(book, codes[brand].id, codes[line.brand].id, step.currency or order.currency, amount)
            legs += (leg._replace(vat_rate=rates.get(line.number)) for leg in pair)
    step.entries = (*step.entries, *legs)


def _changed(line: OrderLine, left: int) -> Iterator[tuple[str, int]]:
    """Yield by how much what each brand finances of a line changes, and note it."""
    if not line.financed:
        return
    by_brand = sorted(line.financed.items())
    of = [whole for _, (whole, _) in by_brand]
    stands = split(financed_of(line, left, line.kept), of)
    for (brand, (whole, before)), amount in zip(by_brand, stands, strict=True):
        line.financed[brand] = whole, amount
        if amount != before:
            yield brand, amount - before


def _pair(book: Book, financer: int, seller: int, currency: str, amount: int) -> Iterator[Entry]:
    """Yield both legs: each names the other brand by its cash, as those of a move do."""
    for brand, other, sign, chart in ((financer, seller, -1, EXPENSE), (seller, financer, 1, INCOME)):
        own, cash = book.system[brand, "adjustments", currency], book.system[other, "cash", currency]
        yield Entry(own, sign * amount, source=cash, chart=chart)
