"""What becomes of an order: it is delivered, cancelled, or some of its items are refunded."""

from collections.abc import Callable, Sequence
from typing import Any

from ledger.core import commands as c
from ledger.core.book import Book
from ledger.core.command_parts import Line, LineAmount
from ledger.core.decide import Answer
from ledger.core.outcomes import Invalid, Posted, shown
from ledger.food.core import commands as f
from ledger.food.core.financed import financed_of, vat_of
from ledger.food.core.order_status import described, left_by_line, shares
from ledger.food.core.outcomes import Ordered
from ledger.food.core.points_of_orders import accrue, points_again, take_back
from ledger.food.core.savepoint import savepoint
from ledger.food.core.shop import Order, OrderLine, Shop
from ledger.food.core.weighed import What, debit_surplus, parted, parted_amount
from ledger.seam import Seam
from ledger.values.money import decimal, minor, share
from ledger.values.refusals import Refused
from ledger.values.validation import unchecked

Outcome = Answer | Ordered


def follow_up(shop: Shop, seam: Seam, command: f.FollowUp) -> Outcome:
    """Return the outcome of what becomes of an order, and enter it into book and shop."""
    order = shop.orders.get(command.order)
    if isinstance(command, f.Amend) and command.due_at <= (at := command.at or seam.book.now):
        late = f"due_at: {shown(command.due_at)} is not after the booking time, {shown(at)}"
        return Invalid(key=command.key, message=late)
    try:
        if order is None:
            raise Refused("order_not_found", key=command.order)
        _in_time(seam.book, order, command)
        if isinstance(command, f.Deliver):
            return _deliver(shop, seam, order, command)
        if isinstance(command, f.Amend):
            return _amend(shop, seam, order, command)
        if isinstance(command, f.Cancel):
            return _cancel(shop, seam, order, command)
        assert isinstance(command, f.RefundItems)
        return _refund_items(shop, seam, order, command)
    except Refused as refused:
        mark = _mark(seam.book, command, order)
        return seam.refuse(mark, refused.code, refused.facts, sent=command)


def _fields(command: f.FollowUp) -> dict[str, Any]:
    """Return what all of the ledger's commands take from a step of an order."""
    carried = ("key", "at", "value_date", "by", "note", "currency", "occurred_at")
    return {name: getattr(command, name) for name in carried}


def _mark(book: Book, command: f.FollowUp, order: Order | None) -> c.Mark:
    # A step that moves no money has its transaction, too (DECISIONS D21).
    account = book.successor(order.account) if order else None
    return unchecked(c.Mark, **_fields(command), account=account, reason=f"{command.kind} {command.order}")


def _in_time(book: Book, order: Order, command: f.FollowUp) -> None:
    """Check that no bonus account has a later entry: points must be able to follow the money."""
    for bonus in book.bonuses.get(book.successor(order.account), ()):
        latest = book.balances[bonus].posted_at
        if command.at is not None and latest is not None and command.at < latest:
            subject = book.accounts[bonus].subject
            raise Refused("out_of_order", at=shown(command.at), account=bonus, subject=subject, latest=shown(latest))


def _deliver(shop: Shop, seam: Seam, order: Order, command: f.Deliver) -> Outcome:
    """Deliver all, or only some items: those that are not cost nothing, and discounts and points go with them."""
    _not_cancelled(order)
    if order.status == "delivered":
        raise Refused("order_delivered", key=order.key)
    kept = _delivered(order, command)
    items = {_line_of(order, item.sku, item.brand).number: item.amount for item in command.items or ()}
    weighed = {number: minor(amount) for number, amount in items.items() if amount is not None}
    late = order.main is None and _ran_out(seam.book, order, command)
    there = left_by_line(seam.book, order) if weighed and not late else {}
    dearer = {} if late else {n: amount - there[n] for n, amount in weighed.items() if amount > there[n]}
    put_back = _savepoint(shop, seam.book, order) if dearer else None
    if late:
        outcome = _debit_late(seam, order, command, kept, weighed)
    elif order.main is None:
        taken = {number: min(amount, there[number]) for number, amount in weighed.items()}
        outcome = _capture(seam, order, command, kept, taken)
    else:
        cheaper = {number: max(0, there[number] - amount) for number, amount in weighed.items()}
        outcome = _give_back(shop, seam, order, command, kept, cheaper)
    if not isinstance(outcome, Posted):
        return outcome
    if put_back is not None:
        beyond = debit_surplus(seam, order, command, order.main or command.key, dearer, _fields(command))
        if (invalid := _undone(beyond, put_back)) is not None:
            return invalid
    for number, amount in weighed.items():
        order.lines[number - 1].weighed, order.lines[number - 1].weighed_of = amount, kept[number - 1]
    shop.deliver(order, outcome.posted_at, late=late)
    if order.main is None:
        order.main = command.key
    _keep(shop, order, kept)
    accrue(shop, seam, order, command)
    return described(shop, seam.book, order, command, outcome)


def _savepoint(shop: Shop, book: Book, order: Order) -> Callable[[], None]:
    return savepoint(shop, book, order, (source for _, source in shares(book, order)))


def _undone(second: Answer, put_back: Callable[[], None]) -> Invalid | None:
    """Put back what came first where what belongs to it was refused; leave with the refusal, or return the invalid."""
    if isinstance(second, Posted):
        return None
    put_back()
    if isinstance(second, Invalid):
        return second
    raise Refused(second.code, **second.facts)


def _not_cancelled(order: Order) -> None:
    if order.status == "cancelled":
        raise Refused("order_cancelled", key=order.key)


def _amend(shop: Shop, seam: Seam, order: Order, command: f.Amend) -> Outcome:
    """Let a pre-order that stands be due, and its hold run out, at another time."""
    book = seam.book
    _not_cancelled(order)
    if order.status == "delivered":
        raise Refused("order_delivered", key=order.key)
    if order.main is not None:
        raise Refused("order_not_ahead", key=order.key)
    if _ran_out(book, order, command):
        raise Refused("hold_expired", key=order.key, expires_at=shown(book.holds[order.id].expires_at))
    outcome = seam.decide(_mark(book, command, order), sent=command, owner=order.key)
    if not isinstance(outcome, Posted):
        return outcome
    expires_at = command.due_at + shop.preorder_lives
    seam.prolong(order.id, expires_at, by=command.key)
    shop.postpone(order, command.due_at, expires_at)
    return described(shop, book, order, command, outcome)


def _delivered(order: Order, command: f.Deliver) -> list[int]:
    """Return how many of each line are delivered; delivery and packaging always are."""
    if command.items is None:
        return [line.kept for line in order.lines]
    named = _named(order, command.items, command.kind)
    return [named.get(line.number, 0) if line.service == "dish" else line.kept for line in order.lines]


def _named(order: Order, items: Sequence[f.Some], what: str) -> dict[int, int]:
    """Return how many of which line are named. Leaves with the decline for what the order has not."""
    named: dict[int, int] = {}
    for item in items:
        line = _line_of(order, item.sku, item.brand)
        if item.quantity > line.kept:
            raise Refused(
                "item_exceeds_order", key=order.key, item=item.sku, left=line.kept, asked=item.quantity, what=what
            )
        named[line.number] = item.quantity
    return named


def _line_of(order: Order, sku: str, brand: str | None) -> OrderLine:
    """Return the one dish of an order that a sku, and if need be a brand, names."""
    found = [line for line in order.lines if line.service == "dish" and line.sku == sku and brand in (None, line.brand)]
    if len(found) != 1:
        several = " (of several brands)" if found else ""
        raise Refused("item_not_in_order", key=order.key, item=f"{sku}{several}")
    return found[0]


def _keep(shop: Shop, order: Order, kept: Sequence[int]) -> None:
    for line, left in zip(order.lines, kept, strict=True):
        line.kept = left
    shop.changed_orders[order.id] = order


def _worth(line: OrderLine, kept: int) -> int:
    """Return what a number of pieces of a line cost, in proportion, as placed (DECISIONS D20) or as weighed."""
    if line.weighed is not None and line.weighed_of:
        return share(line.weighed, kept, line.weighed_of)
    return share(line.net, kept, line.quantity)


def _capture(seam: Seam, order: Order, command: f.Deliver, kept: Sequence[int], weighed: dict[int, int]) -> Answer:
    """Capture what is delivered of a pre-order; the ledger releases the rest."""
    lines = [
        unchecked(LineAmount, line=line.number, amount=decimal(weighed.get(line.number, _worth(line, left))))
        for line, left in zip(order.lines, kept, strict=True)
        if left
    ]
    whole = not weighed and all(left == line.quantity for line, left in zip(order.lines, kept, strict=True))
    capture = unchecked(
        c.Capture, **_fields(command), hold=order.key, lines=None if whole else tuple(lines), final=True
    )
    return seam.decide(capture, sent=command, owner=order.key)


def _ran_out(book: Book, order: Order, command: f.FollowUp) -> bool:
    """Return whether a pre-order's hold ran out before a step of it."""
    hold = book.holds[order.id]
    return hold.state == "expired" or (hold.state == "open" and hold.expires_at <= (command.at or book.now))


def _debit_late(seam: Seam, order: Order, command: f.Deliver, kept: Sequence[int], weighed: dict[int, int]) -> Answer:
    """Debit what is delivered of a pre-order whose hold ran out: its prices, money and limits as of the delivery.

    Points pay again at most what they had set aside for it.
    """
    parts, accounts = seam.book.holds[order.id].parts, seam.book.accounts
    codes = {brand.id: code for code, brand in seam.book.brands.items()}
    lines = []
    for line, left in zip(order.lines, kept, strict=True):
        if left:
            of = next(part for part in parts if part.line == line.number)
            worth = _worth(line, left)
            amount = weighed.get(line.number, worth)
            gross = share(line.gross, left, line.quantity) - worth + amount
            vat = None if of.vat_rate is None else vat_of(amount, financed_of(line, amount, left), of.vat_rate)
            lines.append(
                unchecked(
                    Line,
                    brand=line.brand,
                    amount=decimal(amount),
                    gross=decimal(gross),
                    vat_rate=of.vat_rate,
                    vat=vat,
                    service=of.service,
                    reference=of.reference,
                    attributes=of.attributes,
                )
            )
    paid = (
        (codes[accounts[part.source].brand or 0], codes[part.brand], part.amount)
        for part in parts
        if accounts[part.source].kind == "bonus"
    )
    account = seam.book.successor(order.account)
    debit = unchecked(c.Debit, **_fields(command), account=account, lines=tuple(lines), **points_again(paid))
    return seam.decide(debit, sent=command, owner=order.key)


def _give_back(
    shop: Shop,
    seam: Seam,
    order: Order,
    command: f.FollowUp,
    kept: Sequence[int],
    amounts: dict[int, int] | None = None,
) -> Answer:
    """Refund what of each line exceeds a quantity, or an amount of it; a mark when that is no money.

    Pieces come back at what they cost, the last ones at all that amounts given back before
    have left (DECISIONS D74).
    """
    left = left_by_line(seam.book, order)
    over = dict(amounts or {})
    for line, many in zip(order.lines, kept, strict=True):
        still = left.get(line.number, 0)
        if line.number not in over and (many < line.kept or not many):
            over[line.number] = min(still, _worth(line, line.kept) - _worth(line, many)) if many else still
    if not any(amount > 0 for amount in over.values()):
        return seam.decide(_mark(seam.book, command, order), sent=command, owner=order.key)
    return _refund_both(shop, seam, order, command, *parted(seam.book, order, over))


def _refund_both(shop: Shop, seam: Seam, order: Order, command: f.FollowUp, beyond: What, charged: What) -> Answer:
    """Refund what was debited beyond the charge, and of the charge: both, or neither."""
    assert order.main is not None
    if not beyond or not charged:
        return _refund(seam, order.surplus_key if beyond else order.main, command, **(beyond or charged))
    put_back = _savepoint(shop, seam.book, order)
    outcome = _refund(seam, order.main, command, **charged)
    if not isinstance(outcome, Posted):
        return outcome
    second = _refund(seam, order.surplus_key, command, own_key=f"surplus:{command.key}", **beyond)
    return _undone(second, put_back) or outcome


def _refund(seam: Seam, charge: str, command: f.FollowUp, *, own_key: str = "", **what: Any) -> Answer:
    """Refund of an order's debit or capture, or of its fee, some lines or an amount."""
    reason = getattr(command, "reason", None) or f"{command.kind} {command.order}"
    closed_to = getattr(command, "closed_to", None)
    refund = unchecked(c.Refund, **_fields(command), debit=charge, reason=reason, closed_to=closed_to, **what)
    return seam.decide(refund, sent=command, own_key=own_key, owner=command.order)


def _cancel(shop: Shop, seam: Seam, order: Order, command: f.Cancel) -> Outcome:
    """Give everything back, take its points back, and debit the fee; without the fee, none of it (DECISIONS D23)."""
    _not_cancelled(order)
    if command.fee and command.fee_brand is None and len(order.brands) > 1:
        return Invalid(key=command.key, message="fee_brand: is missing; the order is of several brands")
    put_back = _savepoint(shop, seam.book, order) if command.fee else None
    outcome = _undo(shop, seam, order, command)
    if not isinstance(outcome, Posted):
        return outcome
    if command.by_client:
        shop.by_client.add(outcome.transaction)
    if put_back is not None:
        charged = seam.decide(_fee(seam.book, order, command), sent=command, own_key=f"fee:{order.id}", owner=order.key)
        if (invalid := _undone(charged, put_back)) is not None:
            return invalid
    _keep(shop, order, [0] * len(order.lines))
    take_back(shop, seam, order, command)
    shop.cancel(order, outcome.posted_at)
    return described(shop, seam.book, order, command, outcome)


def _undo(shop: Shop, seam: Seam, order: Order, command: f.Cancel) -> Answer:
    if order.main is not None:
        return _give_back(shop, seam, order, command, [0] * len(order.lines))
    hold = seam.book.holds[order.id]
    at = command.at or seam.book.now
    if hold.state == "open" and hold.expires_at > at:
        release = unchecked(c.Release, **_fields(command), hold=order.key)
        return seam.decide(release, sent=command, owner=order.key)
    return seam.decide(_mark(seam.book, command, order), sent=command, owner=order.key)


def _fee(book: Book, order: Order, command: f.Cancel) -> c.Debit:
    brand = command.fee_brand or order.brands[0]
    line = Line(
        brand=brand, service="cancel_fee", reference=order.key, amount=command.fee, vat_rate=command.fee_vat_rate
    )
    return c.Debit(**_fields(command), account=book.successor(order.account), lines=(line,))


def _refund_items(shop: Shop, seam: Seam, order: Order, command: f.RefundItems) -> Outcome:
    """Give back items by what they cost when placed; points that they brought are taken back in proportion."""
    if command.amount is None or order.fee_key not in seam.book.transactions:
        _not_cancelled(order)
    if order.status == "cancelled":
        outcome = _refund(seam, order.fee_key, command, amount=command.amount)
        return described(shop, seam.book, order, command, outcome) if isinstance(outcome, Posted) else outcome
    if order.main is None:
        raise Refused("order_not_delivered", key=order.key)
    if command.amount is not None:
        # Spread over its lines by what is left of each; the items stay.
        parts = parted_amount(seam.book, order, minor(command.amount))
        outcome = _refund_both(shop, seam, order, command, *parts)
        return _given_back(shop, seam, order, command, [line.kept for line in order.lines], outcome)
    pieces = [f.Some(sku=i.sku, quantity=i.quantity, brand=i.brand) for i in command.items if i.quantity is not None]
    named = _named(order, pieces, command.kind)
    amounts = {
        _line_of(order, item.sku, item.brand).number: minor(item.amount)
        for item in command.items
        if item.amount is not None
    }
    for service in command.services:
        lines = [line for line in order.lines if line.service == service and line.kept]
        if service == "dish" or not lines:
            raise Refused("item_not_in_order", key=order.key, item=service)
        named |= {line.number: 1 for line in lines}
    kept = [line.kept - named.get(line.number, 0) for line in order.lines]
    outcome = _give_back(shop, seam, order, command, kept, amounts)
    return _given_back(shop, seam, order, command, kept, outcome)


def _given_back(
    shop: Shop, seam: Seam, order: Order, command: f.RefundItems, kept: Sequence[int], outcome: Answer
) -> Outcome:
    """Let the order and its points follow what was refunded of it."""
    if not isinstance(outcome, Posted):
        return outcome
    _keep(shop, order, kept)
    take_back(shop, seam, order, command)
    if not any(line.kept for line in order.lines if line.service == "dish"):
        shop.end(order, outcome.posted_at)
    return described(shop, seam.book, order, command, outcome)
