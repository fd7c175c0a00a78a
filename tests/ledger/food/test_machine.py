"""A state machine of orders, deliveries, cancels and points on the pure core, whatever happens in whatever order.

After every step: money and points sum to zero, lots agree with balances, each brand's bonus
liability is the sum of its clients' points, no use is lost, and what each order says was
paid is what its sources gave.
"""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ledger.food.standing import shares
from tests.ledger.food.shops import PureShop, dish
from tests.ledger.worlds import MOSCOW

CLIENTS = ("anna", "boris")
BRANDS = ("sushi", "pizza")
SKUS = ("a", "b")


class Shop(RuleBasedStateMachine):
    """Two clients, a company that pays up to 50.00 an order for one of them, two brands with programmes."""

    @initialize()
    def open(self) -> None:
        self.world = PureShop()
        self.now = datetime(2024, 3, 4, 12, tzinfo=MOSCOW)
        self.keys = 0
        self.orders: list[str] = []
        for code in BRANDS:
            self.world.administer({"type": "brand", "code": code})
        for name in (*CLIENTS, "acme"):
            self.world.administer({"type": "account", "reference": name, "party": name, "currency": "RUB"})
            self.post(type="payment", account=name, amount="2000.00", brand="sushi")
        self.world.administer({"type": "link", "account": "anna", "payer": "acme", "draw": "payer_first"})
        self.world.administer(
            {"type": "write_off_limit", "payer": "acme", "account": "anna", "period": "order", "amount": "50.00"}
        )
        for brand, accrue, redeem, days in (("sushi", "10", "50", 3), ("pizza", "7.77", "33.33", None)):
            self.world.administer({
                "type": "bonus_program", "brand": brand, "accrue_percent": accrue, "redeem_percent": redeem,
                "expires_after_days": days,
            })  # fmt: skip
        for code, given in (("TEN", {"value": "10", "max_uses": 3}), ("ODD", {"value": "33.33", "brand": "pizza"})):
            self.world.administer({"type": "promotion", "code": code, "kind": "percent", **given})

    def post(self, **line: Any) -> dict[str, Any]:
        self.keys += 1
        key = line.pop("key", f"k{self.keys}")
        [said] = self.world.post([{"key": key, "at": self.now.isoformat(), **line}])
        assert said["status"] in ("posted", "declined"), said
        return said

    @rule(
        account=st.sampled_from(CLIENTS), price=st.integers(1, 40_000), quantity=st.integers(1, 3),
        brands=st.lists(st.sampled_from(BRANDS), min_size=1, max_size=2, unique=True), points=st.integers(0, 9_000),
        codes=st.lists(st.sampled_from(("TEN", "ODD")), unique=True), later=st.booleans(), delivery=st.booleans(),
    )  # fmt: skip
    def place(self, account: str, price: int, quantity: int, brands: list[str], points: int, codes: list[str],
              later: bool, delivery: bool) -> None:  # fmt: skip
        items = [dish(SKUS[place], f"{price / 100:.2f}", quantity, brand) for place, brand in enumerate(brands)]
        more: dict[str, Any] = {"due_at": (self.now + timedelta(hours=5)).isoformat()} if later else {}
        if delivery:
            more["delivery"] = {"brand": brands[0], "amount": "9.99"}
        said = self.post(
            type="order", account=account, items=items, promo_codes=codes, bonus_at_most=f"{points / 100:.2f}", **more
        )
        if said["status"] == "posted":
            self.orders.append(said["key"])

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), part=st.booleans())
    def deliver(self, data: st.DataObject, part: bool) -> None:
        items = [{"sku": "a", "quantity": 1}] if part else None
        self.post(type="deliver", order=data.draw(st.sampled_from(self.orders)), items=items)

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), fee=st.sampled_from(("0.00", "5.00", "5000.00")))
    def cancel(self, data: st.DataObject, fee: str) -> None:
        self.post(type="cancel", order=data.draw(st.sampled_from(self.orders)), fee=fee, fee_brand="pizza")

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), sku=st.sampled_from(SKUS))
    def refund(self, data: st.DataObject, sku: str) -> None:
        order = data.draw(st.sampled_from(self.orders))
        self.post(type="refund_items", order=order, items=[{"sku": sku, "quantity": 1}])

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), amount=st.integers(1, 5_000))
    def refund_past_food(self, data: st.DataObject, amount: int) -> None:
        """Somebody of finance refunds an order's debit."""
        order = data.draw(st.sampled_from(self.orders))
        self.post(type="refund", debit=order, amount=f"{amount / 100:.2f}")

    @rule(hours=st.sampled_from((1, 7, 24, 60)))
    def wait(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule()
    def expire(self) -> None:
        self.world.expire(self.now)
        assert not any(points.due(self.now.date()) for points in self.world.shop.points.values())

    @invariant()
    def everything_agrees(self) -> None:
        book, shop = self.world.book, self.world.shop
        for transaction in book.numbered.values():
            assert sum(entry.amount for entry in transaction.entries) == 0
        for points in shop.points.values():
            balance = book.balances[points.account]
            assert balance.balance >= 0
            assert (points.left, points.held, points.version) == (
                balance.balance - balance.held, balance.held, balance.version,
            )  # fmt: skip
        for brand in book.brands.values():
            bonus = {a.id for a in book.accounts.values() if a.kind == "bonus" and a.brand == brand.id}
            expense = book.system[brand.id, "bonus_expense", "RUB"]
            entries = [entry for t in book.numbered.values() for entry in t.entries]
            owed = -sum(entry.amount for entry in entries if entry.account == expense or entry.source in bonus)
            assert sum(book.balances[account].balance for account in bonus) == owed, f"what {brand.code} owes in points"
        alive = [order for order in shop.orders.values() if order.status != "cancelled"]
        for promotion in shop.promotions.values():
            assert promotion.used == sum(n == promotion.id for order in alive for n, _, _ in order.promotions)
        assert shop.promotions["TEN"].used <= 3
        for order in shop.orders.values():
            assert all(amount >= 0 for amount in shares(book, order).values())
            assert all(0 <= line.kept <= line.quantity for line in order.lines)
            for accrual in order.accruals.values():
                assert 0 <= accrual.taken_back + accrual.shortfall <= accrual.points


TestShop = Shop.TestCase
TestShop.settings = settings(max_examples=300, stateful_step_count=50, deadline=None)
