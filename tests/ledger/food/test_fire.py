"""Writers of orders and their server killed at random moments: no order is half there, none is there twice."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.ledger.food.shops import PostgresShop, PureShop, dish
from tests.ledger.food.test_machine import agreed
from tests.ledger.postgres.test_fire import ACCOUNTS, Fire, Record, burn_servers, burn_writers, home, opening
from tests.ledger.worlds import MOSCOW

__all__ = ["home"]


def orders(number: int, seed: int) -> list[Record]:
    """Return payments, orders and what becomes of them, in order of time; some will be declined."""
    chance = random.Random(seed)
    at = datetime(2024, 1, 1, tzinfo=MOSCOW)
    said: list[Record] = []
    placed = ["none"]
    for n in range(number):
        at += timedelta(minutes=chance.choice((0, 1, 120)))
        kind = chance.choice(("payment", "order", "order", "order", "deliver", "deliver", "cancel", "refund_items"))
        record: Record = {"type": kind, "key": f"{kind}-{n}", "at": at.isoformat()}
        if kind == "payment":
            record |= {"account": chance.choice(ACCOUNTS), "amount": "200.00", "brand": "sushi"}
        elif kind == "order":
            brands = ("sushi", "pizza")[: chance.randint(1, 2)]
            record |= {
                "account": chance.choice(ACCOUNTS),
                "bonus_at_most": f"{chance.randint(0, 9)}.00",
                "items": [dish("a", f"{chance.randint(1, 9000) / 100:.2f}", 2, brand) for brand in brands],
                "promo_codes": chance.choice(([], ["TEN"])),
                "due_at": chance.choice((None, (at + timedelta(hours=20)).isoformat())),
            }
            placed.append(record["key"])
        else:
            record["order"] = chance.choice(placed[-10:])
            if kind == "refund_items":
                record["items"] = [{"sku": "a", "brand": "sushi", "quantity": 1}]
        said.append(record)
    return said


def shop() -> Iterator[Record]:
    """Yield what is there before the fire: the ledger's accounts, a second brand, a promotion, programmes."""
    yield from opening()
    yield {"type": "brand", "code": "pizza"}
    yield {"type": "promotion", "code": "TEN", "kind": "percent", "value": "10", "max_uses": 100_000}
    for brand, days in (("sushi", 3), ("pizza", None)):
        yield {
            "type": "bonus_program",
            "brand": brand,
            "accrue_percent": "10",
            "redeem_percent": "50",
            "expires_after_days": days,
            "valid_from": "2024-01-01",
        }


class FoodFire(Fire):
    """The same for a shop: orders, uses and lots agree with the money afterwards."""

    worlds = (PureShop, PostgresShop)
    commands = staticmethod(orders)
    opening = staticmethod(shop)

    def compare(self, pure: Record, postgres: Record) -> None:
        """Hold of the shop, too, what its state machine holds; the ledger's own keys have other numbers in them."""
        agreed(postgres)
        for state in (pure, postgres):  # of an account without points one world has a 0, the other no row
            state["followed"] = {account: version for account, version in state["followed"].items() if version}
        for name in ("balances", "owed", "usage", "holds", "lots", "orders", "used", "counted", "followed"):
            assert pure[name] == postgres[name], name
        assert len(pure["transactions"]) == len(postgres["transactions"])


def test_a_killed_writer_of_orders_loses_none(database_url: str, tmp_path: Path) -> None:
    """Twice here, thirty times in soak."""
    burn_writers(FoodFire(database_url, tmp_path, 1000), kills=2)


@pytest.mark.soak
def test_thirty_killed_writers_of_orders_lose_none(database_url: str, tmp_path: Path) -> None:
    """kill -9 at random moments of one long run."""
    burn_writers(FoodFire(database_url, tmp_path, 8_000), kills=30)


def test_a_killed_server_costs_no_order(home: Path, tmp_path: Path) -> None:  # the fixture
    """Twice here, ten times in soak; the writer itself waits and goes on."""
    burn_servers(home, tmp_path, 1000, kills=2, kind=FoodFire)


@pytest.mark.soak
def test_ten_killed_servers_cost_no_order(home: Path, tmp_path: Path) -> None:  # the fixture
    """kill -9 and immediate stops at random moments of one long run."""
    burn_servers(home, tmp_path, 10_000, kills=10, kind=FoodFire)
