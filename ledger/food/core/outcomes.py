"""Food's own refusals, and the outcome of an order: the ledger's, with the priced order.

Among the ledger's refusals food's have these places: an order that does not exist is named
first, what is wrong with it and its promotion codes before what is wrong with money.
"""

from dataclasses import dataclass
from typing import Any

from ledger.core.outcomes import Posted
from ledger.values.refusals import LEDGER

NOT_FOUND = {"order_not_found": "no order with the key {key}"}

DECLINES = {
    "order_cancelled": "order {key} was cancelled",
    "order_delivered": "order {key} was delivered before",
    "order_not_delivered": "order {key} is not delivered yet: deliver fewer items, or cancel it",
    "order_not_ahead": "order {key} is no pre-order: it was charged when it was placed",
    "item_not_in_order": "there is no {item} in order {key}",
    "item_exceeds_order": "order {key} has {left} of {item} left, this {what} names {asked}",
    "promo_unknown": "no promotion has the code {promo}",
    "promo_not_yet_valid": "promotion {promo} is valid from {valid_from}, the order is of {day}",
    "promo_expired": "promotion {promo} was valid until {valid_until}, the order is of {day}",
    "promo_does_not_apply": "promotion {promo} does not apply: {why}",
    "promo_below_minimum": "promotion {promo} needs {minimum} of {what}, the order has {amount} {currency}; "
    "short by {short_by}",
    "promo_first_order_only": "promotion {promo} is for a first order only, {client} ordered {orders} times before",
    "promo_used_up": "promotion {promo} is used up: {used} of {most} uses",
    "promo_used_up_by_party": "promotion {promo} is used up by {client}: {used} of {most} uses",
}

REFUSALS = LEDGER.with_these(NOT_FOUND, before="account_not_found").with_these(DECLINES)
"""The refusals of both levels, in order of precedence."""


@dataclass(slots=True, kw_only=True)
class Ordered(Posted):
    """A step of an order that was carried out. `order` is the state of the order after it, amounts as strings."""

    order: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return the outcome as callers read it."""
        return {**Posted.to_json(self), "order": self.order}


def ordered(posted: Posted, order: dict[str, Any]) -> Ordered:
    """Return the ledger's outcome with the order."""
    return Ordered(
        key=posted.key,
        transaction=posted.transaction,
        posted_at=posted.posted_at,
        accounts=posted.accounts,
        replayed=posted.replayed,
        order=order,
    )
