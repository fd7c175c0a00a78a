"""Price an order: dishes, delivery, packaging and promotions to priced lines. Nothing here reads or writes.

Promotions that stack come off in one stated order: percents, then amounts, then free
delivery, each kind by code; each works on what those before it left. Those that do not
stack stand alone. The client gets whichever lowers the order most. What an order-level
discount takes is spread over its lines by largest remainder, so lines always sum to it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from ledger.food.core.commands import Order, OtherExtra
from ledger.values.money import WHOLE, minor, plain, share, split
from ledger.values.refusals import Facts

STACK = ("percent", "amount", "free_delivery")


@dataclass(slots=True)
class Promotion:
    """A code that lowers what an order costs.

    `value` is in hundredths of a percent or in minor units; both days of validity are included.
    `used` is counted while there is a limit of uses. `financed` are brands that pay the sellers shares of the discount,
    in hundredths of a percent.
    """

    id: int
    code: str
    kind: str
    value: int = 0
    brand: str | None = None
    min_order: int | None = None
    max_discount: int | None = None
    valid_from: date | None = None
    valid_until: date | None = None
    max_uses: int | None = None
    max_uses_per_party: int | None = None
    first_order_only: bool = False
    stackable: bool = False
    used: int = 0
    financed: tuple[tuple[str, int], ...] = ()


class PricedLine(NamedTuple):
    """One priced line. Amounts in minor units; `gross - discount` is what it costs.

    `financed` is what other brands pay of the discount, by brand.
    """

    brand: str
    service: str
    sku: str
    name: str
    quantity: int
    price: int
    gross: int
    discountable: bool = True
    attributes: dict[str, Any] | None = None
    reference: str | None = None
    discount: int = 0
    vat_rate: Any = None
    financed: dict[str, int] | None = None

    @property
    def net(self) -> int:
        """Return what the line costs."""
        return self.gross - self.discount


class Priced(NamedTuple):
    """An order's lines, and the promotions that lowered it with what each took off."""

    lines: list[PricedLine]
    applied: list[tuple[Promotion, int]]


def lines_of(order: Order) -> list[PricedLine]:
    """Return an order's lines before any promotion: dishes by brand and sku, delivery, packaging."""
    of_all, lines = order.attributes, []
    for item in order.items:
        each, own = minor(item.price), 0 if item.discount is None else minor(item.discount)
        attributes = {**of_all, **(item.attributes or {})} if of_all else item.attributes
        dish = item.brand, "dish", item.sku, item.name, item.quantity, each, each * item.quantity
        lines.append(PricedLine(*dish, True, attributes, item.reference, own, item.vat_rate))
    for service, extra in order.charges:
        amount, discountable = minor(extra.amount), isinstance(extra, OtherExtra) and bool(extra.discountable)
        charge = extra.brand, service, "", "", 1, amount, amount
        lines.append(PricedLine(*charge, discountable, of_all, None, 0, extra.vat_rate))
    return lines


def price(lines: Sequence[PricedLine], promotions: Sequence[Promotion]) -> Priced:
    """Return the lines lowered by those of the promotions that together are best for the client."""
    if len(promotions) == 1:
        return _lowered(lines, promotions)
    stack = sorted((p for p in promotions if p.stackable), key=lambda p: (STACK.index(p.kind), p.code))
    alone = sorted((p for p in promotions if not p.stackable), key=lambda p: p.code)
    ways = [_lowered(lines, way) for way in ([stack] if stack or not alone else []) + [[p] for p in alone]]
    # max keeps the first of equals: the stack, then by code.
    return max(ways, key=lambda way: sum(taken for _, taken in way.applied))


def _lowered(lines: Sequence[PricedLine], promotions: Sequence[Promotion]) -> Priced:
    discounts = [line.discount for line in lines]
    applied = []
    financed: dict[int, dict[str, int]] = {}
    for promotion in promotions:
        touched = _touched(lines, promotion)
        nets = [lines[index].gross - discounts[index] for index in touched]
        taken = _taken(promotion, sum(nets))
        for index, part in zip(touched, split(taken, nets), strict=True):
            discounts[index] += part
            if promotion.financed:
                _finance(financed.setdefault(index, {}), promotion, lines[index].brand, part)
        applied.append((promotion, taken))
    lowered = [
        # All but the discount as it was; _replace would take three times as long.
        line if line.discount == discount else PricedLine(*line[:-3], discount, line.vat_rate, financed.get(index))
        for index, (line, discount) in enumerate(zip(lines, discounts, strict=True))
    ]
    return Priced(lowered, applied)


def _finance(by_brand: dict[str, int], promotion: Promotion, seller: str, taken: int) -> None:
    """Add what other brands than the seller pay of what a promotion takes off a line."""
    shares = [percent for _, percent in promotion.financed]
    for (brand, _), part in zip(promotion.financed, split(taken, [*shares, WHOLE - sum(shares)]), strict=False):
        if part and brand != seller:
            by_brand[brand] = by_brand.get(brand, 0) + part


def _touched(lines: Sequence[PricedLine], promotion: Promotion) -> list[int]:
    """Return the lines that a promotion lowers, of its brand if it has one: dishes and some extras, or delivery."""
    free = promotion.kind == "free_delivery"
    return [
        index
        for index, line in enumerate(lines)
        if (line.service == "delivery" if free else line.discountable) and promotion.brand in (None, line.brand)
    ]


def _taken(promotion: Promotion, net: int) -> int:
    taken = net
    if promotion.kind == "percent":
        taken = share(net, promotion.value, WHOLE)
    elif promotion.kind == "amount":
        taken = min(net, promotion.value)
    return taken if promotion.max_discount is None else min(taken, promotion.max_discount)


class Client(NamedTuple):
    """What a promotion needs to know of who orders: name, orders before, uses of that promotion, and all uses of it."""

    name: str
    orders: int
    used: int
    used_by_all: int = 0


def refusal(
    promotion: Promotion, lines: Sequence[PricedLine], client: Client, *, day: date, currency: str
) -> tuple[str, Facts] | None:
    """Return why a promotion does not apply to an order of a business date: the first rule that it breaks."""
    p, facts = promotion, {"promo": promotion.code}
    if p.valid_from is not None and day < p.valid_from:
        return "promo_not_yet_valid", {**facts, "valid_from": p.valid_from.isoformat(), "day": day.isoformat()}
    if p.valid_until is not None and day > p.valid_until:
        return "promo_expired", {**facts, "valid_until": p.valid_until.isoformat(), "day": day.isoformat()}
    of = f" of {p.brand}" if p.brand else ""
    if not _touched(lines, p):
        what = "delivery" if p.kind == "free_delivery" else "dish"
        return "promo_does_not_apply", {**facts, "why": f"the order has no {what}{of}"}
    if p.min_order is not None:
        dishes = sum(line.gross for line in lines if line.service == "dish" and p.brand in (None, line.brand))
        if dishes < p.min_order:
            return "promo_below_minimum", {
                **facts,
                "minimum": plain(p.min_order),
                "what": f"dishes{of}",
                "amount": plain(dishes),
                "currency": currency,
                "short_by": plain(p.min_order - dishes),
            }
    if p.first_order_only and client.orders:
        return "promo_first_order_only", {**facts, "client": client.name, "orders": client.orders}
    if p.max_uses is not None and client.used_by_all >= p.max_uses:
        return "promo_used_up", {**facts, "used": client.used_by_all, "most": p.max_uses}
    if p.max_uses_per_party is not None and client.used >= p.max_uses_per_party:
        most = p.max_uses_per_party
        return "promo_used_up_by_party", {**facts, "client": client.name, "used": client.used, "most": most}
    return None
