"""March of three brands in which everything that employers, points, orders and write-offs know happens once.

Of 2 March 2026, a Monday, and the days after it. What each line does is what the comments say, worked out by hand.
"""

from collections.abc import Iterator
from typing import Any

Row = dict[str, Any]
CLIENTS = ("anna", "boris", "clara", "dana")
COMPANIES = {"romashka": "sushi", "vasilek": "pizza"}


def administration() -> Iterator[Row]:
    """Yield brands, clients, and what is agreed with them."""
    for brand in ("sushi", "pizza", "wok"):
        yield {"type": "brand", "code": brand, "name": brand.title(), "legal_name": f"{brand.title()} LLC"}
    for name in (*COMPANIES, *CLIENTS):
        kind = "legal_entity" if name in COMPANIES else "individual"
        holder = COMPANIES.get(name, "sushi")
        yield {"type": "party", "reference": name, "kind": kind, "name": name.title()}
        yield {"type": "account", "reference": name, "party": name, "currency": "RUB", "holder": holder}
    for name, limit in (("romashka", "20000.00"), ("vasilek", "1000.00")):
        yield {"type": "credit_terms", "account": name, "limit": limit, "period_days": 30, "valid_from": "2026-01-01"}
    lunches = {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "11:00", "to": "16:00"}
    rules = {"anna": {"share": "80", "when": lunches, "services": ["dish"], "group": "Kitchen"}}
    rules |= {"boris": {"group": "Kitchen"}, "clara": {"share": "50", "group": "Office"}}
    for name, rule in rules.items():
        yield {"type": "link", "account": name, "payer": "romashka", **rule}
    yield {"type": "write_off_limit", "payer": "romashka", "group": "Kitchen", "period": "month", "amount": "1000.00"}
    programme = {"accrue_percent": "10", "redeem_percent": "50", "expires_after_days": 60, "valid_from": "2026-01-01"}
    yield {"type": "bonus_program", "brand": "wok", **programme, "spend_at": ["pizza"]}
    ten = {"kind": "percent", "value": "10", "financed": [{"brand": "wok", "percent": "60"}]}
    yield {"type": "promotion", "code": "TEN", **ten}


def _item(price: str, vat_rate: str | None = "20", *, sku: str = "set", brand: str = "sushi", **more: Any) -> Row:
    return {"brand": brand, "sku": sku, "price": price, **({"vat_rate": vat_rate} if vat_rate else {}), **more}


def _said(kind: str, key: str, day: str, **fields: Any) -> Row:
    return {"type": kind, "key": key, "at": f"2026-{day}:00+03:00", **fields}


def _order(key: str, day: str, account: str, *items: Row, **more: Any) -> Row:
    return _said("order", key, day, account=account, items=[*items], **more)


def _paid(key: str, account: str, amount: str, brand: str, channel: str, day: str = "02-25T10:00") -> Row:
    return _said("payment", key, day, account=account, amount=amount, brand=brand, channel=channel)


BEFORE = [
    _paid("pa", "anna", "2000.00", "sushi", "card"),
    _paid("pb", "boris", "500.00", "sushi", "card"),
    _paid("pc", "clara", "500.00", "sushi", "bank"),
    _paid("pd", "dana", "1000.00", "sushi", "bank"),
]

_DELIVERY = {"brand": "sushi", "amount": "100.00", "vat_rate": "20"}

EMPLOYERS = [
    # Romashka 400.00 of the dish, Anna 100.00 of it and the delivery; in the evening she pays all.
    _order("e1", "03-02T12:00", "anna", _item("500.00"), delivery=_DELIVERY),
    _order("e2", "03-02T18:00", "anna", _item("300.00")),
    # 600.00 are left of the kitchen's budget, Boris pays 100.00; half of e1's dish gives it 200.00 back.
    _order("e3", "03-03T13:00", "boris", _item("700.00", "10")),
    _said("refund_items", "r1", "03-04T12:00", order="e1", items=[{"sku": "set", "amount": "250.00"}]),
    # A late fact: Friday's lunch, out of February's budget: Romashka 160.00.
    _order("e4", "03-05T12:00", "anna", _item("200.00"), occurred_at="2026-02-27T13:00:00+03:00"),
    _order("e5", "03-06T12:00", "clara", _item("200.00", brand="pizza")),
]
TOO_MUCH = _order("e6", "03-06T12:30", "boris", _item("900.00"))
"""200.00 are left of March's budget, and Boris has 400.00."""

_GIFT = {"account": "dana", "brand": "wok", "amount": "300.00", "reason": "welcome", "charge_to": "sushi"}
_MARGHERITA = _item("400.00", sku="marg", brand="pizza")

POINTS = [
    # Sushi gives 300 of wok's points; 200 of them pay half of a pizza, 50 come back, 150 are gone on the 21st.
    _said("bonus", "g1", "03-03T10:00", **_GIFT, expires_on="2026-03-20"),
    _order("p1", "03-04T19:00", "dana", _MARGHERITA, bonus_at_most="300.00"),
    _said("refund_items", "r2", "03-10T12:00", order="p1", amount="100.00"),
]

_TIPS = {"service": "tips", "brand": "sushi", "amount": "50.00"}
_SERVICE = {"service": "service_fee", "brand": "pizza", "amount": "100.00", "vat_rate": "20", "discountable": True}
_SETS = _item("250.00", "10", quantity=2, discount="100.00")
_SAID = {"reference": "CC-17", "attributes": {"app": "ios"}}

ORDERS = [
    # Dishes 500.00 − 100.00 − 40.00, service 100.00 − 10.00, tips: 500.00; wok pays sushi 24.00 and pizza 6.00 of it.
    _order("q1", "03-12T12:00", "dana", _SETS, promo_codes=["TEN"], extras=[_TIPS, _SERVICE], **_SAID),
    # The sets weigh 20.00 more; tips go back.
    _said("deliver", "w1", "03-12T13:00", order="q1", items=[{"sku": "set", "quantity": 2, "amount": "380.00"}]),
    _said("refund_items", "r3", "03-13T12:00", order="q1", extras=["tips"]),
    # A pre-order that is due a day later than it was.
    _order("q2", "03-13T12:30", "dana", _item("100.00", None), due_at="2026-03-14T12:00:00+03:00"),
    _said("amend", "a1", "03-13T13:00", order="q2", due_at="2026-03-15T18:00:00+03:00"),
    _said("deliver", "w2", "03-15T17:00", order="q2"),
]

_CATERING = {"brand": "pizza", "service": "catering", "amount": "600.00", "vat_rate": "20"}
_PENALTY = {"amount": "-30.00", "brand": "pizza", "chart": "penalty", "due_on": "2026-04-10", "reason": "late again"}
_DISPUTED = {"reason": "chargeback", "amount": "120.00"}

NO_SALE = [
    # 600.00 are written off, 200.00 of them come after all; a penalty is due in April.
    _said("debit", "v1", "03-02T11:00", account="vasilek", lines=[_CATERING], due_on="2026-03-16"),
    _said(
        "adjustment",
        "v2",
        "03-20T12:00",
        account="vasilek",
        amount="600.00",
        brand="pizza",
        chart="bad_debt",
        reason="insolvent",
    ),
    _said("reverse", "v3", "03-24T12:00", transaction="v2", amount="200.00", reason="recovered"),
    _paid("v4", "vasilek", "200.00", "pizza", "bank", "03-24T12:00"),
    _said("adjustment", "v5", "03-25T12:00", account="vasilek", **_PENALTY),
    # A chargeback of a part, which is won.
    _said("reverse", "c1", "03-26T12:00", transaction="pb", **_DISPUTED),
    _said("reverse", "c2", "03-27T12:00", transaction="c1", reason="won"),
]
NOT_LENT = _said("debit", "v6", "03-25T13:00", account="vasilek", lines=[{"brand": "pizza", "amount": "1.00"}])

MOVES = [
    # The acquirer pays out less its fee, and sushi pays pizza what it owes.
    _said("move", "m1", "03-28T12:00", brand="sushi", **{"from": "card"}, to="bank", amount="2500.00", fee="37.50"),
    _said("move", "m2", "03-28T12:00", brand="sushi", **{"from": "bank"}, to="bank", to_brand="pizza", amount="440.00"),
]
