"""Place an order: price it, and debit what it costs, or hold it for a pre-order."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from ledger.core import commands as c
from ledger.core.accounts import Account
from ledger.core.book import Book
from ledger.core.command_parts import Line as ServiceLine
from ledger.core.decide import Answer
from ledger.core.outcomes import Invalid, Posted, shown
from ledger.food.core import commands as f
from ledger.food.core.bonuses import redeemable
from ledger.food.core.financed import vat_of
from ledger.food.core.order_status import described
from ledger.food.core.outcomes import REFUSALS, Ordered
from ledger.food.core.points_of_orders import programs_on
from ledger.food.core.pricing import Priced, PricedLine, lines_of, price, refusal
from ledger.food.core.shop import Order, OrderLine, Shop
from ledger.seam import Seam
from ledger.values.money import decimal
from ledger.values.refusals import Facts
from ledger.values.validation import unchecked

_decimal = lru_cache(maxsize=65_536)(decimal)
"""A menu has few prices, which come again and again."""


def place(shop: Shop, seam: Seam, order: f.Order) -> Answer | Ordered:
    """Return the outcome of an order, and enter what it does into book and shop."""
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
    outcome = seam.decide(_charge(shop, order, priced.lines, book.day(at)), sent=order, owner=order.key)
    if not isinstance(outcome, Posted):
        return outcome
    transaction = book.transactions[order.key]
    assert account.party is not None
    who, when = (account.id, account.party, account.currency), (transaction.posted_at, transaction.day, order.due_at)
    placed = Order(
        transaction.id,
        order.key,
        *who,
        *when,
        [_kept_line(place, *pair) for place, pair in enumerate(zip(priced.lines, lines, strict=True), 1)],
        [(promotion.id, promotion.code, taken) for promotion, taken in priced.applied],
        None if order.due_at else order.key,
        void_at=order.due_at + shop.preorder_lives if order.due_at else None,
        reference=order.reference,
        attributes=order.attributes,
    )
    shop.place(placed)
    return described(shop, book, placed, order, outcome)


def _kept_line(place: int, line: PricedLine, before: PricedLine) -> OrderLine:
    """Return a line as the order keeps it; `before` is the line before promotions."""
    # Taken apart in one go: each name of a field would cost as much as the field.
    brand, service, sku, name, quantity, price, gross, _, attributes, reference, discount, _, financed = line
    dish, amounts = (brand, service, sku, name, quantity, price), (gross, discount, gross - discount)
    kept = OrderLine(place, *dish, *amounts, quantity, reference, attributes, before.discount)
    if financed:
        kept.financed = {brand: (amount, 0) for brand, amount in financed.items()}
    return kept


def _refused(
    shop: Shop, book: Book, order: f.Order, account: Account, lines: list[PricedLine], at: datetime
) -> tuple[str, Facts] | None:
    """Return why a promotion code does not apply: of all codes' reasons the one that DECLINES names first."""
    reasons = []
    for code in order.promo_codes:
        promotion = shop.promotions.get(code)
        if promotion is None:
            reasons.append(("promo_unknown", {"promo": code}))
            continue
        assert account.party is not None
        client = shop.client(account.party, account.subject, promotion, at)
        reason = refusal(promotion, lines, client, day=book.day(order.occurred_at or at), currency=account.currency)
        if reason is not None:
            reasons.append(reason)
    return min(reasons, key=lambda reason: REFUSALS.rank[reason[0]], default=None)


def _charge(shop: Shop, order: f.Order, lines: Sequence[PricedLine], day: date) -> c.Debit | c.Hold:
    """Return the debit or hold that the priced lines are."""
    fields: dict[str, Any] = {
        "key": order.key,
        "at": order.at,
        "value_date": order.value_date,
        "by": order.by,
        "note": order.note,
        "currency": order.currency,
        "occurred_at": order.occurred_at,
        "account": order.account,
        "bonus_at_most": order.bonus_at_most,
        "lines": tuple([_line(line) for line in lines]),
    }
    if order.bonus_at_most:
        own = {program.brand: program for program in programs_on(shop, order.brands, day)}
        fields["bonus_by_brand"] = {brand: decimal(redeemable(program, lines)) for brand, program in own.items()}
        # (DECISIONS D132)
        fields["bonus_elsewhere"] = {
            program.brand: {
                brand: decimal(redeemable(own.get(brand, program), lines, brand))
                for brand in program.spend_at
                if brand in order.brands and brand != program.brand
            }
            for program in programs_on(shop, shop.programs, day)
            if program.spend_at
        }
    if order.due_at is None:
        return unchecked(c.Debit, **fields)
    return unchecked(c.Hold, **fields, expires_at=order.due_at + shop.preorder_lives)


def _line(line: PricedLine) -> ServiceLine:
    brand, service, sku, name, quantity, _, gross, _, attributes, _, discount, vat_rate, financed = line
    if not attributes and vat_rate is None:
        return _usual_line(brand, service, sku, name, quantity, gross, discount)
    return _any_line(brand, service, sku, name, quantity, gross, discount, attributes, vat_rate, financed)


def _any_line(
    brand: str,
    service: str,
    sku: str,
    name: str,
    quantity: int,
    gross: int,
    discount: int,
    attributes: dict[str, Any] | None = None,
    vat_rate: Decimal | None = None,
    financed: dict[str, int] | None = None,
) -> ServiceLine:
    if service == "dish":
        dish = {"name": name, "quantity": quantity} if name else {"quantity": quantity}
        attributes = {**attributes, **dish} if attributes else dish
    fields: dict[str, Any] = {
        "brand": brand,
        "service": service,
        "reference": sku,
        "gross": _decimal(gross),
        "amount": _decimal(gross - discount),
    }
    if attributes:
        fields["attributes"] = attributes
    if vat_rate is None:
        return unchecked(ServiceLine, **fields)
    if financed:
        vat = vat_of(gross - discount, sum(financed.values()), vat_rate)
        return unchecked(ServiceLine, **fields, vat_rate=vat_rate, vat=vat)
    return ServiceLine(**fields, vat_rate=vat_rate)  # the VAT is left to the ledger to work out


_usual_line = lru_cache(maxsize=4096)(_any_line)
"""A menu has few dishes, and a batch of orders most of them many times."""
