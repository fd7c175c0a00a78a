"""Decide what an order, a delivery, a cancel or a refund of items means. Nothing here reads a clock or writes.

Every command of an order system answers under its own key with one transaction of the
ledger: the debit, hold, capture, release or refund that it is, or a mark when it moves no
money. What comes with it (points given or taken back, a fee) has keys of the ledger's own.
Before an account is touched, its points that expired are booked, at their expiry.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from ledger.core import commands as c
from ledger.core.book import Account, Book
from ledger.core.decide import Answer, Seam, replay
from ledger.core.money import decimal, share
from ledger.core.outcomes import RANK, Facts, Invalid, Posted, shown
from ledger.food.core import commands as f
from ledger.food.core.bonuses import Program, accrued, in_force, midnight, redeemable
from ledger.food.core.order_status import left_by_line, money_of, said_of, say, shares
from ledger.food.core.outcomes import Ordered, ordered
from ledger.food.core.pricing import Line, Priced, lines_of, price, refusal
from ledger.food.core.shop import Accrual, Order, OrderLine, Said, Shop

Outcome = Answer | Ordered

_decimal = lru_cache(maxsize=65_536)(decimal)
"""A menu has few prices, which come again and again."""


def answer(shop: Shop, seam: Seam, command: c.Command) -> Outcome:
    """Return the outcome of a command of either level and enter what it does into book and shop."""
    known = replay(seam.book, command)
    if known is not None:
        return _repeated(shop, known)
    if not isinstance(command, f.Order):
        say(shop, seam.book)  # what it does to an order must not be told of the order's placing
    touched = _touched(shop, seam.book, command)
    at = command.at or seam.book.now
    if touched is not None and at <= seam.book.now:
        expire_points(shop, seam, touched, at)
    outcome: Outcome
    match command:
        case f.Order():
            outcome = _place(shop, seam, command)
        case f.Deliver() | f.Cancel() | f.RefundItems():
            outcome = _follow_up(shop, seam, command)
        case _:
            outcome = seam.decide(command)
    shop.follow(seam.book)
    return outcome


def _repeated(shop: Shop, known: Answer) -> Outcome:
    if isinstance(known, Posted) and known.transaction in shop.said:
        return ordered(known, shop.said[known.transaction])
    return known


def _touched(shop: Shop, book: Book, command: c.Command) -> int | None:
    """Return the account whose points a command may touch."""
    asked = getattr(command, "account", None)
    if asked is None:
        if isinstance(command, f.FollowUp):
            order = shop.orders.get(command.order)
            return order.account if order else None
        key = getattr(command, "debit", None) or getattr(command, "hold", None)
        of = book.transactions.get(key) if key else None
        return of.account if of else None
    number = book.references.get(asked) if isinstance(asked, str) else asked
    account = book.accounts.get(number) if number is not None else None
    return None if account is None else account.money_account or account.id


def expire_points(shop: Shop, seam: Seam, account: int, until: datetime) -> int:
    """Book the points of an account that expired at or before `until`, each at its own time; return how often.

    Holds of points that ran out come first: points that come back from them may have expired, too.
    """
    return sum(_expire(shop, seam, bonus, until) for bonus in seam.book.bonuses.get(account, ()))


def _expire(shop: Shop, seam: Seam, bonus: int, until: datetime) -> int:
    book, points, booked = seam.book, shop.points_of(bonus), 0
    while True:
        ran_out = min((hold.expires_at for hold in book.expired(bonus, until)), default=None)
        due = points.due(book.day(until))
        at = _bookable(book, bonus, due[0].gone_on) if due and due[0].gone_on else None
        if ran_out is not None and (at is None or ran_out <= at):
            seam.expire(bonus, ran_out)
        elif at is not None and at <= until:
            gone = sum(lot.left for lot in due if lot.gone_on == due[0].gone_on)
            seam.decide(
                c.Bonus(key="expiry", account=bonus, amount=decimal(-gone), reason="expired", at=at), until,
                own_key=f"points:{bonus}:{points.version + 1}",
            )  # fmt: skip
            booked += 1
        else:
            return booked
        before = points.version
        shop.follow(book)
        assert points.version > before, f"the expiry of bonus account {bonus} was not booked"


def _bookable(book: Book, bonus: int, gone_on: Any) -> datetime:
    """Return when an expiry is booked: at its midnight, but not before the latest entry nor on a closed day."""
    at = midnight(gone_on, book.zone)
    latest = book.balances[bonus].posted_at
    if latest is not None:
        at = max(at, latest)
    if book.closed_until is not None:
        at = max(at, midnight(book.closed_until + timedelta(days=1), book.zone))
    return at


# ---- placing an order


def _place(shop: Shop, seam: Seam, order: f.Order) -> Outcome:
    book = seam.book
    number = book.references.get(order.account) if isinstance(order.account, str) else order.account
    account = book.accounts.get(number) if number is not None else None
    lines = lines_of(order)
    if account is None or account.kind != "money":
        return seam.decide(_charge(shop, order, lines, book.day(order.at or book.now)), sent=order)
    at = order.at or max(book.now, book.balances[account.id].posted_at or book.now)
    if order.due_at is not None and order.due_at <= at:
        late = f"due_at: {shown(order.due_at)} is not after the booking time, {shown(at)}"
        return Invalid(key=order.key, message=late)
    refused = _refused(shop, book, order, account, lines, at)
    if refused is not None:
        return seam.refuse(_charge(shop, order, lines, book.day(at)), *refused, sent=order)
    named = [shop.promotions[code] for code in order.promo_codes]
    priced = price(lines, named) if named else Priced(lines, [])
    outcome = seam.decide(_charge(shop, order, priced.lines, book.day(at)), sent=order)
    if not isinstance(outcome, Posted):
        return outcome
    transaction = book.transactions[order.key]
    assert account.party is not None
    placed = Order(
        transaction.id, order.key, account.id, account.party, account.currency, transaction.posted_at, transaction.day,
        order.due_at,
        [
            OrderLine(
                place, line.brand, line.service, line.sku, line.name, line.quantity, line.price, line.gross,
                line.discount, line.net, line.quantity,
            )
            for place, line in enumerate(priced.lines, 1)
        ],
        [(promotion.id, promotion.code, taken) for promotion, taken in priced.applied],
        None if order.due_at else order.key,
    )  # fmt: skip
    shop.place(placed)
    return _step(shop, book, placed, order, outcome)


def _refused(
    shop: Shop, book: Book, order: f.Order, account: Account, lines: list[Line], at: datetime
) -> tuple[str, Facts] | None:
    """Return why a promotion code does not apply: of all codes' reasons the one that DECLINES names first."""
    reasons = []
    for code in order.promo_codes:
        promotion = shop.promotions.get(code)
        if promotion is None:
            reasons.append(("promo_unknown", {"promo": code}))
            continue
        assert account.party is not None
        client = shop.client(account.party, account.name, promotion)
        reason = refusal(promotion, lines, client, day=book.day(at), currency=account.currency)
        if reason is not None:
            reasons.append(reason)
    return min(reasons, key=lambda reason: RANK[reason[0]], default=None)


def _charge(shop: Shop, order: f.Order, lines: Sequence[Line], day: date) -> c.Debit | c.Hold:
    """Return the debit or hold that the priced lines are."""
    said: dict[str, Any] = {
        "key": order.key, "at": order.at, "value_date": order.value_date, "by": order.by, "note": order.note,
        "currency": order.currency, "account": order.account, "bonus_at_most": order.bonus_at_most,
        "lines": tuple(_line(line) for line in lines),
    }  # fmt: skip
    if order.bonus_at_most:
        said["bonus_by_brand"] = {
            program.brand: decimal(redeemable(program, lines)) for program in _programs(shop, order.brands, day)
        }
    if order.due_at is None:
        return c.trusted(c.Debit, **said)
    return c.trusted(c.Hold, **said, expires_at=order.due_at + shop.preorder_lives)


def _programs(shop: Shop, brands: Iterable[str], day: date) -> Iterator[Program]:
    """Yield the brands' programmes in force on a day."""
    for brand in brands:
        program = in_force(shop.programs.get(brand, ()), day)
        if program is not None:
            yield program


def _line(line: Line) -> c.Line:
    said: dict[str, Any] = {
        "brand": line.brand, "service": line.service, "reference": line.sku, "gross": _decimal(line.gross),
        "amount": _decimal(line.net),
    }  # fmt: skip
    if line.service == "dish":
        said["attributes"] = (
            {"name": line.name, "quantity": line.quantity} if line.name else {"quantity": line.quantity}
        )
    # A VAT rate is left to the ledger to work out.
    return c.trusted(c.Line, **said) if line.vat_rate is None else c.Line(**said, vat_rate=line.vat_rate)


# ---- what becomes of an order


class _Refused(Exception):
    """Leaves a step with the decline it found; never leaves this module."""

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code)
        self.code, self.facts = code, facts


def _follow_up(shop: Shop, seam: Seam, command: f.FollowUp) -> Outcome:
    order = shop.orders.get(command.order)
    try:
        if order is None:
            raise _Refused("order_not_found", key=command.order)
        _in_time(seam.book, order, command)
        match command:
            case f.Deliver():
                return _deliver(shop, seam, order, command)
            case f.Cancel():
                return _cancel(shop, seam, order, command)
            case f.RefundItems():
                return _refund_items(shop, seam, order, command)
    except _Refused as refused:
        mark = _mark(command, order)
        return seam.refuse(mark, refused.code, refused.facts, sent=command)


def _said(command: f.FollowUp) -> dict[str, Any]:
    """Return what all of the ledger's commands take from a step of an order."""
    return {"key": command.key, "at": command.at, "value_date": command.value_date, "by": command.by,
            "note": command.note, "currency": command.currency}  # fmt: skip


def _mark(command: f.FollowUp, order: Order | None) -> c.Mark:
    # A step that moves no money has its transaction, too (DECISIONS D21).
    account = order.account if order else None
    return c.trusted(c.Mark, **_said(command), account=account, reason=f"{command.kind} {command.order}")


def _in_time(book: Book, order: Order, command: f.FollowUp) -> None:
    """Hold that no bonus account has a later entry: points must be able to follow the money."""
    for bonus in book.bonuses.get(order.account, ()):
        latest = book.balances[bonus].posted_at
        if command.at is not None and latest is not None and command.at < latest:
            subject = book.accounts[bonus].subject
            raise _Refused("out_of_order", at=shown(command.at), account=bonus, subject=subject, latest=shown(latest))


def _step(shop: Shop, book: Book, order: Order, command: c.Command, posted: Posted) -> Ordered:
    """Note a step of an order and return its outcome."""
    shop.follow(book)
    said: Said = {}
    if shop.unsaid is not None and isinstance(command, f.Order):
        shop.unsaid.append((order, said))
    else:
        said |= said_of(book, order)
    if isinstance(command, f.Cancel):
        brand = command.fee_brand or order.brands[0]
        said["fee"] = {"brand": brand, "amount": str(command.fee)} if command.fee else None
    shop.said[posted.transaction] = said
    shop.steps.append((posted.transaction, order.id, command.kind))
    return ordered(posted, said)


def _deliver(shop: Shop, seam: Seam, order: Order, command: f.Deliver) -> Outcome:
    """Deliver all, or only some items: those that are not cost nothing, and discounts and points go with them."""
    _not_cancelled(order)
    if order.status == "delivered":
        raise _Refused("order_delivered", key=order.key)
    kept = _delivered(order, command)
    outcome = _capture(seam, order, command, kept) if order.main is None else _give_back(seam, order, command, kept)
    if not isinstance(outcome, Posted):
        return outcome
    order.status, order.delivered_at = "delivered", outcome.posted_at
    if order.main is None:
        order.main = command.key
    _keep(shop, order, kept)
    _accrue(shop, seam, order, command)
    return _step(shop, seam.book, order, command, outcome)


def _not_cancelled(order: Order) -> None:
    if order.status == "cancelled":
        raise _Refused("order_cancelled", key=order.key)


def _delivered(order: Order, command: f.Deliver) -> list[int]:
    """Return how many of each line are delivered; delivery and packaging always are."""
    if command.items is None:
        return [line.kept for line in order.lines]
    named = _named(order, command.items, command.kind)
    return [
        named.get(line.number, 0) if line.service == "dish" else line.kept for line in order.lines
    ]  # fmt: skip


def _named(order: Order, items: Sequence[f.Some], what: str) -> dict[int, int]:
    """Return how many of which line are named. Leaves with the decline for what the order has not."""
    named: dict[int, int] = {}
    for item in items:
        found = [
            line for line in order.lines
            if line.service == "dish" and line.sku == item.sku and item.brand in (None, line.brand)
        ]  # fmt: skip
        if len(found) != 1:
            several = " (of several brands)" if found else ""
            raise _Refused("item_not_in_order", key=order.key, item=f"{item.sku}{several}")
        [line] = found
        if item.quantity > line.kept:
            raise _Refused(
                "item_exceeds_order", key=order.key, item=item.sku, left=line.kept, asked=item.quantity, what=what
            )
        named[line.number] = item.quantity
    return named


def _keep(shop: Shop, order: Order, kept: Sequence[int]) -> None:
    for line, left in zip(order.lines, kept, strict=True):
        line.kept = left
    shop.changed_orders[order.id] = order


def _worth(line: OrderLine, kept: int) -> int:
    """Return what a number of pieces of a line cost, in proportion, as placed (DECISIONS D20)."""
    return share(line.net, kept, line.quantity)


def _capture(seam: Seam, order: Order, command: f.Deliver, kept: Sequence[int]) -> Answer:
    """Capture what is delivered of a pre-order; the ledger releases the rest."""
    lines = [
        c.trusted(c.LineAmount, line=line.number, amount=decimal(_worth(line, left)))
        for line, left in zip(order.lines, kept, strict=True) if left
    ]  # fmt: skip
    whole = all(left == line.quantity for line, left in zip(order.lines, kept, strict=True))
    capture = c.trusted(c.Capture, **_said(command), hold=order.key, lines=None if whole else tuple(lines), final=True)
    return seam.decide(capture, sent=command)


def _give_back(seam: Seam, order: Order, command: f.FollowUp, kept: Sequence[int]) -> Answer:
    """Refund what of each line goes beyond so many; a mark when that is no money."""
    left = left_by_line(seam.book, order)
    over = {
        line.number: left.get(line.number, 0) - (_worth(line, many) if many else 0)
        for line, many in zip(order.lines, kept, strict=True) if many < line.kept or not many
    }  # fmt: skip
    lines = tuple(
        c.trusted(c.LineAmount, line=number, amount=decimal(amount)) for number, amount in over.items() if amount > 0
    )
    if not lines:
        return seam.decide(_mark(command, order), sent=command)
    assert order.main is not None
    reason = getattr(command, "reason", None) or f"{command.kind} {command.order}"
    refund = c.trusted(c.Refund, **_said(command), debit=order.main, lines=lines, reason=reason)
    return seam.decide(refund, sent=command)


def _cancel(shop: Shop, seam: Seam, order: Order, command: f.Cancel) -> Outcome:
    """Give everything back, take its points back, and debit the fee; without the fee, none of it (DECISIONS D23)."""
    _not_cancelled(order)
    if command.fee and command.fee_brand is None and len(order.brands) > 1:
        return Invalid(key=command.key, message="fee_brand: is missing; the order is of several brands")
    sources = (source for _, source in shares(seam.book, order))
    put_back = shop.saved(seam.book, order, sources) if command.fee else None
    outcome = _undo(seam, order, command)
    if not isinstance(outcome, Posted):
        return outcome
    if put_back is not None:
        charged = seam.decide(_fee(order, command), sent=command, own_key=f"fee:{order.id}")
        if not isinstance(charged, Posted):
            put_back()
            if isinstance(charged, Invalid):
                return charged
            raise _Refused(charged.code, **charged.facts)
    _keep(shop, order, [0] * len(order.lines))
    _take_back(shop, seam, order, command)
    shop.cancel(order, outcome.posted_at)
    return _step(shop, seam.book, order, command, outcome)


def _undo(seam: Seam, order: Order, command: f.Cancel) -> Answer:
    if order.main is not None:
        return _give_back(seam, order, command, [0] * len(order.lines))
    hold = seam.book.holds[order.id]
    at = command.at or seam.book.now
    if hold.state == "open" and hold.expires_at > at:
        return seam.decide(c.trusted(c.Release, **_said(command), hold=order.key), sent=command)
    return seam.decide(_mark(command, order), sent=command)


def _fee(order: Order, command: f.Cancel) -> c.Debit:
    brand = command.fee_brand or order.brands[0]
    line = c.Line(brand=brand, service="cancel_fee", reference=order.key, amount=command.fee)
    return c.Debit(**_said(command), account=order.account, lines=(line,))


def _refund_items(shop: Shop, seam: Seam, order: Order, command: f.RefundItems) -> Outcome:
    """Give back items by what they cost when placed; points that they brought are taken back in proportion."""
    _not_cancelled(order)
    if order.main is None:
        raise _Refused("order_not_delivered", key=order.key)
    named = _named(order, command.items, command.kind)
    for service, asked in (("delivery", command.delivery), ("packaging", command.packaging)):
        line = next((line for line in order.lines if line.service == service), None)
        if asked and (line is None or not line.kept):
            raise _Refused("item_not_in_order", key=order.key, item=service)
        if asked and line is not None:
            named[line.number] = 1
    kept = [line.kept - named.get(line.number, 0) for line in order.lines]
    outcome = _give_back(seam, order, command, kept)
    if not isinstance(outcome, Posted):
        return outcome
    _keep(shop, order, kept)
    _take_back(shop, seam, order, command)
    return _step(shop, seam.book, order, command, outcome)


# ---- points that follow the money


def _accrue(shop: Shop, seam: Seam, order: Order, command: f.Deliver) -> None:
    """Give the points that the money paid for each brand's dishes brings (DECISIONS D18)."""
    book = seam.book
    accounts = {book.accounts[bonus].brand: bonus for bonus in book.bonuses.get(order.account, ())}
    for program in _programs(shop, order.brands, book.transactions[command.key].day):
        points = accrued(money_of(book, order, program.brand), program.accrue)
        if not points:
            continue
        account = accounts[book.brands[program.brand].id]
        _give(seam, order, command, account, points)
        order.accruals[program.brand] = Accrual(account, program.accrue, points)


def _take_back(shop: Shop, seam: Seam, order: Order, command: f.FollowUp) -> None:
    """Take back the points that money no longer paid had brought; what the client has not got is noted as shortfall."""
    shop.follow(seam.book)
    for brand, accrual in order.accruals.items():
        stays = accrued(money_of(seam.book, order, brand), accrual.percent)
        due = accrual.points - stays - accrual.taken_back - accrual.shortfall
        taken = min(due, shop.points_of(accrual.account).left)
        if taken > 0:
            _give(seam, order, command, accrual.account, -taken)
            accrual.taken_back += taken
        accrual.shortfall += max(0, due - max(0, taken))
        shop.follow(seam.book)


def _give(seam: Seam, order: Order, command: f.FollowUp, account: int, points: int) -> None:
    said = {**_said(command), "currency": None, "value_date": None}
    reason = f"{command.kind} {order.key}"
    given = c.trusted(c.Bonus, **said, account=account, amount=decimal(points), reason=reason)
    outcome = seam.decide(given, sent=command, own_key=f"bonus:{command.key}:{account}")
    assert isinstance(outcome, Posted), outcome
