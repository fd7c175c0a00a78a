"""Every code by which food refuses: what brings it about, its sentence, its facts; and the one list of all codes.

Each story runs on the pure core and on PostgreSQL, and after a refusal nothing has moved.
"""

from typing import Any

import pytest

from ledger.food.core.outcomes import DECLINES, NOT_FOUND, REFUSALS
from ledger.values.refusals import DECLINES as OF_THE_LEDGER
from tests.ledger.food.shops import Food, dish

Step = dict[str, Any]
DUE = "2024-03-05T19:00:00+03:00"
EARLIER: Step = {"type": "order", "key": "o1", "items": [dish("roll", "150.00", 3)]}
ORDER: Step = {"type": "order", "key": "o2", "items": [dish("roll", "450.00")]}
DELIVER: Step = {"type": "deliver", "order": "o1"}


def coded(**given: Any) -> list[Step]:
    """Return a promotion X of 10 percent."""
    return [{"type": "promotion", "code": "X", "kind": "percent", "value": "10", **given}]


STORIES: dict[str, tuple[list[Step], Step, str, Step]] = {
    "order_not_found": (
        [], DELIVER, "no order with the key o1", {"key": "o1"},
    ),
    "order_cancelled": (
        [EARLIER, {"type": "cancel", "order": "o1"}], DELIVER, "order o1 was cancelled", {"key": "o1"},
    ),
    "order_delivered": (
        [EARLIER, DELIVER], DELIVER, "order o1 was delivered before", {"key": "o1"},
    ),
    "order_not_delivered": (
        [{**EARLIER, "due_at": DUE}],
        {"type": "refund_items", "order": "o1", "items": [{"sku": "roll", "quantity": 1}]},
        "order o1 is not delivered yet: deliver fewer items, or cancel it", {"key": "o1"},
    ),
    "order_not_ahead": (
        [EARLIER], {"type": "amend", "order": "o1", "due_at": DUE},
        "order o1 is no pre-order: it was charged when it was placed", {"key": "o1"},
    ),
    "item_not_in_order": (
        [EARLIER], {**DELIVER, "items": [{"sku": "soup", "quantity": 1}]},
        "there is no soup in order o1", {"key": "o1", "item": "soup"},
    ),
    "item_exceeds_order": (
        [EARLIER], {"type": "refund_items", "order": "o1", "items": [{"sku": "roll", "quantity": 4}]},
        "order o1 has 3 of roll left, this refund_items names 4",
        {"key": "o1", "item": "roll", "left": 3, "asked": 4, "what": "refund_items"},
    ),
    "promo_unknown": (
        [], ORDER, "no promotion has the code X", {"promo": "X"},
    ),
    "promo_not_yet_valid": (
        coded(valid_from="2024-03-05"), ORDER,
        "promotion X is valid from 2024-03-05, the order is of 2024-03-04",
        {"promo": "X", "valid_from": "2024-03-05", "day": "2024-03-04"},
    ),
    "promo_expired": (
        coded(valid_until="2024-03-03"), ORDER,
        "promotion X was valid until 2024-03-03, the order is of 2024-03-04",
        {"promo": "X", "valid_until": "2024-03-03", "day": "2024-03-04"},
    ),
    "promo_does_not_apply": (
        coded(brand="pizza"), ORDER,
        "promotion X does not apply: the order has no dish of pizza",
        {"promo": "X", "why": "the order has no dish of pizza"},
    ),
    "promo_below_minimum": (
        coded(brand="sushi", min_order="500.00"), ORDER,
        "promotion X needs 500.00 of dishes of sushi, the order has 450.00 RUB; short by 50.00",
        {"promo": "X", "minimum": "500.00", "what": "dishes of sushi", "amount": "450.00", "currency": "RUB",
         "short_by": "50.00"},
    ),
    "promo_first_order_only": (
        [*coded(first_order_only=True), EARLIER], ORDER,
        "promotion X is for a first order only, account anna ordered 1 times before",
        {"promo": "X", "client": "account anna", "orders": 1},
    ),
    "promo_used_up": (
        [*coded(max_uses=1), {**EARLIER, "account": "boris", "promo_codes": ["X"]}], ORDER,
        "promotion X is used up: 1 of 1 uses", {"promo": "X", "used": 1, "most": 1},
    ),
    "promo_used_up_by_party": (
        [*coded(max_uses_per_party=1), {**EARLIER, "promo_codes": ["X"]}], ORDER,
        "promotion X is used up by account anna: 1 of 1 uses", {"promo": "X", "client": "account anna", "used": 1, "most": 1},
    ),
}  # fmt: skip


def carry_out(food: Food, step: Step) -> Step:
    """Return what a line is answered; orders are Anna's unless they say whose."""
    if step["type"] == "promotion":
        food.record(**step)
        return {}
    fields = {name: value for name, value in step.items() if name not in ("type", "key")}
    if step["type"] == "order":
        fields.setdefault("account", "anna")
    return food.post(step["type"], step.get("key", ""), **fields)


@pytest.mark.parametrize("code", STORIES)
def test_a_refusal_says_which_rule_broke_with_every_figure(food: Food, code: str) -> None:
    """The code, the sentence to the letter, the facts and no others; asked again, the same answer."""
    before, line, sentence, facts = STORIES[code]
    for name in ("anna", "boris"):
        food.client(name, "1000.00")
    for step in before:
        assert carry_out(food, step).get("status", "posted") == "posted"
    line = {**line, "key": "refused"}
    if code.startswith("promo_"):
        line["promo_codes"] = ["X"]
    said = carry_out(food, line)
    assert (said["status"], said["code"]) == ("declined", code)
    assert said["message"] == sentence
    assert said["facts"] == facts
    assert carry_out(food, line) == {**said, "replayed": True}


def test_every_code_of_food_has_a_story() -> None:
    """Whoever adds a code to the list tells its story here, in the list's order."""
    assert list(STORIES) == [*NOT_FOUND, *DECLINES]


def test_both_levels_codes_are_one_ranked_list() -> None:
    """What is not found comes first, what is wrong with orders and codes before what is wrong with money."""
    place = list(OF_THE_LEDGER).index
    first, money = place("account_not_found"), place("write_off_limit_exceeded")
    ledgers = list(OF_THE_LEDGER)
    assert list(REFUSALS) == [*ledgers[:first], *NOT_FOUND, *ledgers[first:money], *DECLINES, *ledgers[money:]]
    assert [REFUSALS.rank[code] for code in REFUSALS] == list(range(len(REFUSALS)))
