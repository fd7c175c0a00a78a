"""Weighed goods: what a delivery came to by weight, and what of it goes beyond the order's charge (DECISIONS D187)."""

from collections.abc import Sequence
from typing import Any

from ledger.core import commands as c
from ledger.core.book import Book
from ledger.core.command_parts import Line, LineAmount
from ledger.core.decide import Answer
from ledger.food.core import commands as f
from ledger.food.core.order_status import surplus_left, surplus_lines
from ledger.food.core.shop import Order
from ledger.seam import Seam
from ledger.values.money import decimal
from ledger.values.validation import unchecked

What = dict[str, Any]
"""What a refund gives back: `lines`, or an `amount`; empty for nothing."""


def debit_surplus(
    seam: Seam, order: Order, command: f.Deliver, main: str, dearer: dict[int, int], fields: What
) -> Answer:
    """Debit what lines came to beyond the charge with the key `main`: to whom it belongs, no points."""
    charged = {entry.line: entry for entry in seam.book.transactions[main].revenue()}
    lines = []
    for number, amount in dearer.items():
        line, of = order.lines[number - 1], charged.get(number)
        attributes = {n: value for n, value in ((of and of.attributes) or {}).items() if n != "quantity"}
        lines.append(
            Line(
                brand=line.brand,
                service=line.service,
                reference=line.sku,
                amount=decimal(amount),
                vat_rate=of.vat_rate if of else None,
                attributes=attributes or None,
            )
        )
    account = seam.book.successor(order.account)
    debit = unchecked(c.Debit, **fields, account=account, lines=tuple(lines))
    own_key = order.surplus_key.partition(":")[2]
    return seam.decide(debit, sent=command, own_key=own_key, owner=order.key, beyond=order.id)


def of_lines(amounts: dict[int, int]) -> What:
    """Return a refund of amounts by line."""
    some = [(number, amount) for number, amount in amounts.items() if amount > 0]
    lines = [unchecked(LineAmount, line=number, amount=decimal(amount)) for number, amount in some]
    return {"lines": tuple(lines)} if lines else {}


def parted(book: Book, order: Order, over: dict[int, int]) -> tuple[What, What]:
    """Return what of amounts by line is refunded of the surplus, as far as that is there, and of the charge."""
    left: dict[int, int] = {}
    for (line, _), amount in surplus_left(book, order).items():
        left[line] = left.get(line, 0) + amount
    beyond = {line: min(amount, left.get(line, 0)) for line, amount in over.items()}
    own = {of: line for line, of in surplus_lines(book, order).items()} if left else {}
    rest = {line: amount - beyond[line] for line, amount in over.items()}
    return of_lines({own[line]: amount for line, amount in beyond.items() if amount}), of_lines(rest)


def parted_amount(book: Book, order: Order, amount: int) -> tuple[What, What]:
    """Return the same of one amount for the whole order."""
    beyond = min(amount, sum(surplus_left(book, order).values()))
    parts: Sequence[int] = (beyond, amount - beyond)
    of_surplus, of_charge = ({"amount": decimal(part)} if part else {} for part in parts)
    return of_surplus, of_charge
