"""Orders, promotions and points in the lake: they agree with the ledger, and verification names what does not."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from ledger.food.core.commands import parse
from ledger.food.postgres.post_orders import Desk
from ledger.postgres.post import Ledger
from reports.lake.publish_cut import frequent_cut
from reports.lake.verify import verify
from tests.reports.lake.test_verify import superuser, wrong

LINES: list[dict[str, Any]] = [
    {"type": "brand", "code": "sushi"},
    {"type": "party", "reference": "anna", "kind": "individual", "name": "Anna"},
    {"type": "account", "reference": "anna", "party": "anna", "currency": "RUB"},
    {"type": "promotion", "code": "TEN", "kind": "percent", "value": "10", "max_uses": 5},
    {"type": "promotion", "code": "OFF", "kind": "amount", "value": "5.00", "brand": "sushi"},
    {
        "type": "bonus_program",
        "brand": "sushi",
        "accrue_percent": "10",
        "redeem_percent": "50",
        "expires_after_days": 10,
        "valid_from": "2024-01-01",
    },
]
POSTS: list[dict[str, Any]] = [
    {"type": "payment", "key": "p1", "account": "anna", "amount": "1000.00", "brand": "sushi"},
    {
        "type": "order",
        "key": "o1",
        "account": "anna",
        "promo_codes": ["TEN"],
        "items": [{"brand": "sushi", "sku": "set", "price": "100.00", "quantity": 2}],
    },
    {"type": "deliver", "key": "d1", "order": "o1"},
    {
        "type": "order",
        "key": "o2",
        "account": "anna",
        "promo_codes": ["OFF"],
        "bonus_at_most": "8.00",
        "items": [{"brand": "sushi", "sku": "roll", "price": "50.00"}],
    },
    {
        "type": "order",
        "key": "o3",
        "account": "anna",
        "promo_codes": ["TEN"],
        "items": [{"brand": "sushi", "sku": "roll", "price": "50.00"}],
    },
    {"type": "cancel", "key": "c3", "order": "o3"},
]


@pytest.fixture
def shop(database_url: str) -> Iterator[str]:
    """Return the URL of a book with three orders, some days ago."""
    ledger = Ledger(database_url)
    desk = Desk(ledger)
    administered: list[Any] = [parse(line) for line in LINES]
    assert all(outcome.to_json()["status"] == "done" for outcome in desk.administer(administered))
    at = datetime.now(UTC) - timedelta(days=20)
    posted: list[Any] = [parse({**line, "at": at.isoformat()}) for line in POSTS]
    assert [outcome.to_json()["status"] for outcome in desk.post(posted)] == ["posted"] * len(POSTS)
    ledger.close()
    return database_url


def test_orders_promotions_and_points_are_in_the_lake(shop: str, tmp_path: Any) -> None:
    """A cut books what expired before it: of 18.00 points 8.00 were spent, and 10.00 are gone."""
    lake, _ = frequent_cut(shop, str(tmp_path / "lake"))
    orders = lake.scan("orders").sort("id").collect()
    assert orders["status"].to_list() == ["delivered", "placed", "cancelled"]
    assert orders["net"].to_list() == [Decimal("180.00"), Decimal("45.00"), Decimal("45.00")]
    lines = lake.scan("order_lines").sort("order_id").collect()
    assert lines["kept"].to_list() == [2, 1, 0]
    promotions = lake.scan("promotions").sort("id").select("code", "percent", "amount").collect().rows()
    assert promotions == [("TEN", Decimal("10.00"), None), ("OFF", None, Decimal("5.00"))]
    uses = lake.scan("promotion_uses").sort("order_id").collect()
    assert uses["discount"].to_list() == [Decimal("20.00"), Decimal("5.00"), Decimal("5.00")]
    assert uses["given_back_at"].is_null().to_list() == [True, True, False]
    [program] = lake.scan("bonus_programs").select("accrue_percent", "valid_from").collect().rows()
    assert program == (Decimal("10.00"), date(2024, 1, 1))
    assert lake.scan("bonus_lots").select("amount", "points_left").collect().rows() == [
        (Decimal("18.00"), Decimal("0.00"))
    ]
    changes = lake.scan("lot_changes").sort("transaction_id").select("amount", "gone_on").collect()
    assert changes["amount"].to_list() == [Decimal("18.00"), Decimal("-8.00"), Decimal("-10.00")]
    assert changes["gone_on"].n_unique() == 1
    expired = lake.scan("transactions").filter(pl.col("reason") == "expired").collect()
    assert expired["amount"].to_list() == [Decimal("10.00")]
    assert [check.name for _, check in verify(shop, str(tmp_path / "lake")) if not check.holds] == []


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (
            "UPDATE order_line SET price = price + 1, gross = price + 1, net = price + 1 - discount WHERE sku = 'roll'",
            "orders",
        ),
        ("UPDATE order_step SET order_id = 999 WHERE kind = 'order'", "order-steps"),
        ("UPDATE promotion SET used = used + 1 WHERE code = 'TEN'", "promotion-uses"),
        ("UPDATE promotion_use SET given_back_at = NULL", "promotion-uses"),
        ("UPDATE bonus_lot SET points_left = points_left - 1", "bonus-lots"),
        ("UPDATE bonus_lot_use SET amount = amount + 1", "bonus-lot-uses"),
    ],
)
def test_what_is_changed_behind_the_guards_is_found(shop: str, tmp_path: Any, change: str, name: str) -> None:
    """Each way of changing orders, uses or points breaks the check that is for it."""
    assert wrong(shop, str(tmp_path / "lake")).keys() <= {"pointer"}, "there is no cut yet"
    with superuser(shop) as connection:
        connection.execute(change)
    assert name in wrong(shop, str(tmp_path / "lake"))


def test_the_lakes_changes_of_lots_are_held_to_the_ledgers(shop: str, tmp_path: Any) -> None:
    """What is changed in the ledger after a cut shows, though no new cut was made."""
    lake = str(tmp_path / "lake")
    frequent_cut(shop, lake)
    with superuser(shop) as connection:
        connection.execute("UPDATE bonus_lot_use SET amount = amount + 1")
    assert "lot_changes" in {check.name for _, check in verify(shop, lake) if not check.holds}
