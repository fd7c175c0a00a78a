"""A state machine of orders, deliveries, cancels and points, whatever happens in whatever order.

After every step, on the pure core and on PostgreSQL: money and points sum to zero, balances are
the sums of entries, lots agree with balances, each brand's bonus liability is the sum of its
clients' points, no use is lost; and both worlds answer and stand alike.
"""

from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ledger.food.core.order_status import shares
from ledger.food.postgres import post_orders
from tests.ledger.checks import check
from tests.ledger.food.shops import PostgresShop, PureShop, dish, moved
from tests.ledger.test_machine import CALM, twins
from tests.ledger.worlds import MOSCOW, Postgres, State

CLIENTS = ("anna", "boris")
BRANDS = ("sushi", "pizza")
SKUS = ("a", "b")
ODD = [{"brand": "sushi", "percent": "66.67"}]
EMPLOYED = {"share": "66.67", "when": {"days": ["mon", "tue", "wed"], "from": "10:00", "to": "20:00"}, "group": "hall"}


EXTRAS: list[dict[str, Any]] = [
    {"service": "tips", "brand": "sushi", "amount": "7.77"},
    {"service": "service_fee", "brand": "pizza", "amount": "10.01", "vat_rate": "20", "discountable": True},
]


class Shop(RuleBasedStateMachine):
    """Two clients, a company that pays for one up to 50.00 an order, for the other a share within hours and a budget.

    Two brands have programmes; points of sushi are spent at pizza, too.
    """

    def __init__(self) -> None:
        super().__init__()
        self.world = PureShop()

    def administer(self, **line: Any) -> None:
        self.world.administer(line)

    @initialize()
    def open(self) -> None:
        self.now = datetime(2024, 3, 4, 12, tzinfo=MOSCOW)
        self.keys = 0
        self.orders: list[str] = []
        for code in BRANDS:
            self.administer(type="brand", code=code)
        self.administer(type="promotion", code="TEN", kind="percent", value="10", max_uses=3)
        self.administer(type="promotion", code="ODD", kind="percent", value="33.33", brand="pizza", financed=ODD)
        for name in (*CLIENTS, "acme"):
            self.administer(type="party", reference=name, kind="individual", name=name.capitalize())
            self.administer(type="account", reference=name, party=name, currency="RUB")
            self.post(type="payment", account=name, amount="2000.00", brand="sushi")
        self.administer(type="link", account="anna", payer="acme", draw="payer_first")
        self.administer(type="write_off_limit", payer="acme", account="anna", period="order", amount="50.00")
        self.administer(type="link", account="boris", payer="acme", draw="payer_first", **EMPLOYED)
        self.administer(type="write_off_limit", payer="acme", group="hall", period="week", amount="400.00", count=5)
        for brand, accrue, redeem, days in (("sushi", "10", "50", 3), ("pizza", "7.77", "33.33", None)):
            self.administer(
                type="bonus_program",
                brand=brand,
                accrue_percent=accrue,
                redeem_percent=redeem,
                expires_after_days=days,
                valid_from="2024-01-01",
                spend_at=["pizza"] if brand == "sushi" else [],
            )

    def post(self, **line: Any) -> dict[str, Any]:
        self.keys += 1
        key = line.pop("key", f"k{self.keys}")
        return self.send({"key": key, "at": self.now.isoformat(), **line})

    def send(self, line: State) -> State:
        [said] = self.world.post([line])
        assert said["status"] in ("posted", "declined"), said
        return said

    @rule(
        account=st.sampled_from(CLIENTS),
        price=st.integers(1, 40_000),
        quantity=st.integers(1, 3),
        brands=st.lists(st.sampled_from(BRANDS), min_size=1, max_size=2, unique=True),
        points=st.integers(0, 9_000),
        codes=st.lists(st.sampled_from(("TEN", "ODD")), unique=True),
        later=st.booleans(),
        delivery=st.booleans(),
        extras=st.lists(st.sampled_from(EXTRAS), unique_by=lambda extra: str(extra["service"])),
        late=st.none() | st.none() | st.integers(0, 100),
    )
    def place(
        self,
        account: str,
        price: int,
        quantity: int,
        brands: list[str],
        points: int,
        codes: list[str],
        later: bool,
        delivery: bool,
        extras: list[dict[str, Any]],
        late: int | None,
    ) -> None:
        items = [dish(SKUS[place], f"{price / 100:.2f}", quantity, brand) for place, brand in enumerate(brands)]
        more: dict[str, Any] = {"due_at": (self.now + timedelta(hours=5)).isoformat()} if later else {}
        if delivery:
            more["delivery"] = {"brand": brands[0], "amount": "9.99"}
        if late is not None:
            more["occurred_at"] = (self.now - timedelta(hours=late)).isoformat()
        said = self.post(
            type="order",
            account=account,
            items=items,
            extras=extras,
            promo_codes=codes,
            bonus_at_most=f"{points / 100:.2f}",
            **more,
        )
        if said["status"] == "posted":
            self.orders.append(said["key"])

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), part=st.booleans(), weighed=st.none() | st.integers(0, 50_000))
    def deliver(self, data: st.DataObject, part: bool, weighed: int | None) -> None:
        came_to = {} if weighed is None else {"amount": f"{weighed / 100:.2f}"}
        items = [{"sku": "a", "quantity": 1, **came_to}] if part else None
        self.post(type="deliver", order=data.draw(st.sampled_from(self.orders)), items=items)

    @rule(account=st.sampled_from(CLIENTS), brand=st.sampled_from(BRANDS), amount=st.integers(1, 5_000))
    def give_points(self, account: str, brand: str, amount: int) -> None:
        """Points because the other brand was late, gone in two days."""
        other = BRANDS[1 - BRANDS.index(brand)]
        until = (self.now.date() + timedelta(days=2)).isoformat()
        given = {"brand": brand, "charge_to": other, "amount": f"{amount / 100:.2f}", "expires_on": until}
        said = self.post(type="bonus", account=account, reason="late", **given)
        assert said["status"] == "posted"

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), hours=st.sampled_from((1, 30, 80)))
    def amend(self, data: st.DataObject, hours: int) -> None:
        due_at = (self.now + timedelta(hours=hours)).isoformat()
        order, before = data.draw(st.sampled_from(self.orders)), self.stands()
        self.post(type="amend", order=order, due_at=due_at)
        assert self.stands() == before, "an amended order costs what it cost"

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), fee=st.sampled_from(("0.00", "5.00", "5000.00")))
    def cancel(self, data: st.DataObject, fee: str) -> None:
        order, before = data.draw(st.sampled_from(self.orders)), self.stands()
        said = self.post(type="cancel", order=order, fee=fee, fee_brand="pizza")
        assert said["status"] == "posted" or self.stands() == before, "something moved"

    def stands(self) -> State:
        """Return what a refused cancel must leave as it was; holds and points may run out by time alone."""
        book = self.world.book
        state = moved(self.world.state())
        return {**state, "balances": {a: b.balance for a, b in book.balances.items() if book.accounts[a].reference}}

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), sku=st.sampled_from(SKUS))
    def refund(self, data: st.DataObject, sku: str) -> None:
        order = data.draw(st.sampled_from(self.orders))
        self.post(type="refund_items", order=order, items=[{"sku": sku, "quantity": 1}])

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), extra=st.sampled_from(EXTRAS))
    def refund_extra(self, data: st.DataObject, extra: dict[str, Any]) -> None:
        self.post(type="refund_items", order=data.draw(st.sampled_from(self.orders)), extras=[extra["service"]])

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), amount=st.integers(1, 5_000))
    def refund_past_food(self, data: st.DataObject, amount: int) -> None:
        """Somebody of finance refunds an order's debit: it is the order's."""
        order = data.draw(st.sampled_from(self.orders))
        said = self.post(type="refund", debit=order, amount=f"{amount / 100:.2f}")
        placed = self.world.book.transactions[order]
        assert said["code"] == ("owned_by_order" if placed.kind == "debit" else "debit_not_found")

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), amount=st.integers(1, 5_000), whole=st.booleans())
    def refund_amount(self, data: st.DataObject, amount: int, whole: bool) -> None:
        order, back = data.draw(st.sampled_from(self.orders)), f"{amount / 100:.2f}"
        self.post(
            type="refund_items", order=order, **{"amount": back} if whole else {"items": [{"sku": "a", "amount": back}]}
        )

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
        agreed(self.world.state())
        ten = shop.promotions["TEN"]
        ran_out = sum(ten.id in p.promotions and p.until <= self.now for p in shop.pending.values())
        late = sum(order.late_at is not None for order in shop.orders.values())
        assert ten.used - ran_out - late <= 3
        for order in shop.orders.values():
            assert all(amount >= 0 for amount in shares(book, order).values())
            assert all(0 <= line.kept <= line.quantity for line in order.lines)
            for accrual in order.accruals.values():
                assert 0 <= accrual.taken_back + accrual.shortfall <= accrual.points


def agreed(state: State) -> None:
    """Hold what must be true of either world at any time."""
    check(state)
    balances = state["balances"]
    for account, lots in state["lots"].items():
        balance, held, version = balances[account]
        if state["followed"][account] == version:  # else lots have yet to follow what food was not told
            assert sum(left for *_, left in lots) == balance - held >= 0, f"the lots of {account}"
    entries = [entry for transaction in state["transactions"].values() for entry in transaction[5]]
    for brand in BRANDS:
        bonus = {account for account in balances if account.endswith(f".{brand}")}
        owed = -sum(e[1] for e in entries if e[7] in bonus)  # whichever brand is charged for them
        assert sum(balances[account][0] for account in bonus) == owed, f"what {brand} owes in points"
    assert state["counted"]["TEN"] == state["used"]["TEN"]


UNLIKE = """
SELECT account_id, transaction_id FROM bonus_lot l WHERE points_left <> amount - (
    SELECT coalesce(sum(amount), 0) FROM bonus_lot_use u
    WHERE u.account_id = l.account_id AND lot_id = l.transaction_id)
"""


class Twin(Shop):
    """The same, and PostgreSQL beside it: commands one by one, or a few in a batch, must be answered alike."""

    def __init__(self, postgres: Postgres) -> None:
        super().__init__()
        self.postgres = PostgresShop(postgres.ledger.url)
        self.together = 1
        self.batch: list[State] = []
        self.answers: list[State] = []

    @initialize(together=st.sampled_from((1, 1, 5)))
    def gather(self, together: int) -> None:
        self.together = together

    def administer(self, **line: Any) -> None:
        self.flush()
        super().administer(**line)
        self.postgres.administer(line)

    def send(self, line: State) -> State:
        said = super().send(line)
        self.batch.append(line)
        self.answers.append(said)
        if len(self.batch) >= self.together:
            self.flush()
        return said

    def flush(self) -> None:
        """Post what was gathered as one batch: outcomes and all that is kept must be the same."""
        batch, answers, self.batch, self.answers = self.batch, self.answers, [], []
        if batch:
            assert self.postgres.post(batch) == answers
            self.compare()

    def compare(self) -> None:
        pure, postgres = self.world.state(), self.postgres.state()
        agreed(postgres)
        assert self.postgres.rows(UNLIKE) == [], "a lot is not what its uses leave"
        for name in ("balances", "owed", "usage", "holds", "orders", "used", "counted"):
            assert pure[name] == postgres[name], name
        for account, version in postgres["followed"].items():
            if version == pure["followed"][account]:
                assert pure["lots"].get(account) == postgres["lots"].get(account), f"the lots of {account}"

    @rule()
    def expire(self) -> None:
        self.flush()
        super().expire()
        self.postgres.expire(self.now)
        self.compare()
        followed = self.postgres.state()["followed"]
        assert all(followed.get(account, 0) == version for account, version in self.world.state()["followed"].items())

    @rule()
    def go_on_in_another_process(self) -> None:
        """What a process remembers must not matter."""
        self.flush()
        self.postgres.ledger.close()
        self.postgres = PostgresShop(self.postgres.ledger.url)

    def teardown(self) -> None:
        self.flush()
        self.postgres.ledger.close()


def run(server: str, template: str, **size: Any) -> None:
    machines = twins(server, template, Twin)  # type: ignore[arg-type]
    # A batch of five is then decided in three parts, each while the server writes the one before.
    with patch.object(post_orders, "LEAST", 1):
        run_state_machine_as_test(lambda: next(machines), settings=settings(CALM, **size))  # type: ignore
    machines.close()


TestShop = Shop.TestCase
TestShop.settings = settings(max_examples=30, stateful_step_count=40, deadline=None)


def test_postgresql_agrees_with_the_core_about_orders(server: str, template_database: str) -> None:
    """What is loaded, decided and written, alone or in a batch, is what the pure core answered one by one."""
    run(server, template_database, max_examples=6)


@pytest.mark.soak
def test_postgresql_agrees_with_the_core_about_orders_for_long(server: str, template_database: str) -> None:
    """The same, for 1,000 longer runs, other ones each time."""
    run(server, template_database, max_examples=1_000, stateful_step_count=50, derandomize=False)


@pytest.mark.soak
def test_the_shop_agrees_with_itself_for_long() -> None:
    """The pure core, for 5,000 runs, other ones each time."""
    wild = settings(CALM, max_examples=5_000, stateful_step_count=50, derandomize=False)
    run_state_machine_as_test(Shop, settings=wild)  # type: ignore[no-untyped-call]
