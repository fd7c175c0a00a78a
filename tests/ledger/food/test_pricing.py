"""What must be true of every price, whatever dishes and promotions there are."""

from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.food.core.commands import parse
from ledger.food.core.pricing import Promotion, lines_of, price
from ledger.values.money import decimal

Record = dict[str, Any]
BRANDS = ("sushi", "pizza")
brands = st.sampled_from(BRANDS)
amounts = st.integers(1, 300_000)
dishes = st.fixed_dictionaries(
    {
        "brand": brands,
        "sku": st.sampled_from("abcdef"),
        "price": amounts.map(decimal),
        "quantity": st.integers(1, 7),
    }
)
extras = st.none() | st.fixed_dictionaries({"brand": brands, "amount": st.integers(0, 50_000).map(decimal)})


@st.composite
def orders(draw: st.DrawFn) -> Record:
    items = draw(st.lists(dishes, min_size=1, max_size=6, unique_by=lambda item: (item["brand"], item["sku"])))
    extra = {"delivery": draw(extras), "packaging": draw(extras)}
    return {"type": "order", "key": "o1", "account": "anna", "items": items, **extra}


@st.composite
def promotions(draw: st.DrawFn) -> Promotion:
    kind = draw(st.sampled_from(("percent", "amount", "free_delivery")))
    value = draw(st.integers(1, 10_000) if kind == "percent" else amounts)
    return Promotion(
        0,
        "",
        kind,
        0 if kind == "free_delivery" else value,
        draw(st.none() | brands),
        max_discount=draw(st.none() | st.integers(0, 100_000)),
        stackable=draw(st.booleans()),
    )


@st.composite
def codes(draw: st.DrawFn) -> list[Promotion]:
    drawn = draw(st.lists(promotions(), max_size=4))
    for number, promotion in enumerate(drawn, 1):
        promotion.id, promotion.code = number, f"CODE{number}"
    return drawn


def gross_of(record: Record) -> Decimal:
    dishes = sum((item["price"] * item["quantity"] for item in record["items"]), Decimal(0))
    return dishes + sum((record[name]["amount"] for name in ("delivery", "packaging") if record[name]), Decimal(0))


@given(orders(), codes())
def test_lines_sum_to_the_order_and_none_is_below_zero(record: Record, named: list[Promotion]) -> None:
    """Gross less what the promotions took is what the lines cost, to the kopeck."""
    lines, applied = price(lines_of(parse(record)), named)  # type: ignore[arg-type]
    assert sum(line.gross for line in lines) == gross_of(record) * 100
    assert sum(line.net for line in lines) == gross_of(record) * 100 - sum(taken for _, taken in applied)
    assert all(0 <= line.net <= line.gross for line in lines)


@given(orders(), codes(), st.randoms())
def test_the_order_of_dishes_and_codes_does_not_matter(record: Record, named: list[Promotion], chance: Any) -> None:
    """The same lines at the same prices, and the same command: a retry that sorts its dishes is still a replay."""

    shuffled = {**record, "items": chance.sample(record["items"], len(record["items"]))}
    order, other = parse(record), parse(shuffled)
    assert order.fingerprint == other.fingerprint
    one = price(lines_of(order), named)  # type: ignore[arg-type]
    two = price(lines_of(other), chance.sample(named, len(named)))  # type: ignore[arg-type]
    assert one == two


@given(orders(), codes())
def test_a_promotion_touches_what_it_is_of_and_keeps_its_cap(record: Record, named: list[Promotion]) -> None:
    """Percents and amounts lower dishes of their brand, free delivery the delivery, packaging nobody."""
    lines = lines_of(parse(record))  # type: ignore[arg-type]
    for promotion in named:
        lowered, [(_, taken)] = price(lines, [promotion])
        assert promotion.max_discount is None or taken <= promotion.max_discount
        for line in lowered:
            own = line.service == ("delivery" if promotion.kind == "free_delivery" else "dish")
            assert not line.discount or (own and promotion.brand in (None, line.brand))


@given(orders(), codes())
def test_naming_more_codes_never_costs_more(record: Record, named: list[Promotion]) -> None:
    """The best for the client: no single code, nor the stack, would have been cheaper."""
    lines = lines_of(parse(record))  # type: ignore[arg-type]

    def net(codes: list[Promotion]) -> int:
        return sum(line.net for line in price(lines, codes).lines)

    together = net(named)
    assert all(together <= net([promotion]) for promotion in named if not promotion.stackable)
    assert together <= net([promotion for promotion in named if promotion.stackable])


@settings(deadline=None)
@given(orders(), codes(), st.randoms())
def test_giving_back_piece_by_piece_gives_back_everything(record: Record, named: list[Promotion], chance: Any) -> None:
    """In the pure core: dish by dish in any order, each source gets back what it paid, to the kopeck."""
    from tests.ledger.food.shops import PureShop

    world = PureShop()
    for code in BRANDS:
        world.administer({"type": "brand", "code": code})
    for name in ("anna", "romashka"):
        world.administer({"type": "account", "reference": name, "party": name, "currency": "RUB"})
        gift = {"type": "payment", "key": name, "account": name, "amount": "1000000.00", "brand": "sushi"}
        assert world.post([gift])[0]["status"] == "posted"
    world.administer({"type": "link", "account": "anna", "payer": "romashka", "draw": "payer_first"})
    world.administer(
        {"type": "write_off_limit", "payer": "romashka", "account": "anna", "period": "order", "amount": "777.77"}
    )
    world.shop.promotions = {promotion.code: promotion for promotion in named}
    before = {name: balance[:2] for name, balance in world.state()["balances"].items()}
    said = world.post([{**record, "promo_codes": [promotion.code for promotion in named]}])[0]
    if said["status"] == "declined":
        assert said["code"] == "promo_does_not_apply"
        return
    pieces = [
        {"items": [{"sku": line["sku"], "brand": line["brand"], "quantity": 1}]}
        for line in said["order"]["lines"]
        if line["service"] == "dish"
        for _ in range(line["quantity"])
    ]
    pieces += [{line["service"]: True} for line in said["order"]["lines"] if line["service"] != "dish"]
    chance.shuffle(pieces)
    for number, piece in enumerate(pieces):
        back = world.post([{"type": "refund_items", "key": f"r{number}", "order": "o1", **piece}])[0]
        assert back["status"] == "posted", back
    assert {name: balance[:2] for name, balance in world.state()["balances"].items()} == before
