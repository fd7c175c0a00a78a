"""Races of real processes: of those who want the last one exactly one gets it."""

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import pytest

from ledger.food.core.commands import parse
from ledger.food.postgres.post_orders import LEAST, Desk
from ledger.postgres.post import Ledger
from tests.ledger.food.shops import PostgresShop, dish

WRITERS = 6


@pytest.fixture
def shop(database_url: str) -> Any:
    """Return a shop in PostgreSQL with six funded clients."""
    shop = PostgresShop(database_url)
    for code in ("sushi", "pizza"):
        shop.administer({"type": "brand", "code": code})
    for number in range(WRITERS):
        client(shop, f"client{number}", f"client{number}")
    yield shop
    shop.ledger.close()


def client(shop: PostgresShop, party: str, account: str) -> None:
    shop.administer({"type": "party", "reference": party, "kind": "individual", "name": party})
    shop.administer({"type": "account", "reference": account, "party": party, "currency": "RUB"})
    gift = {"type": "payment", "key": f"gift {account}", "account": account, "amount": "1000.00", "brand": "sushi"}
    assert shop.post([gift])[0]["status"] == "posted"


Answers = list[list[Any]]
Race = Callable[[list[list[dict[str, Any]]]], Answers]


def post(url: str, batch: list[dict[str, Any]], start: Any) -> list[Any]:
    """Post a batch as one of several processes, when all are ready."""
    ledger = Ledger(url)
    try:
        ledger.connection()
        commands: list[Any] = [parse(line) for line in batch]
        start.wait()
        return [outcome.to_json() for outcome in Desk(ledger).post(commands)]
    finally:
        ledger.close()


@pytest.fixture(scope="module")
def writers() -> Iterator[tuple[Any, ProcessPoolExecutor]]:
    """Return processes that are used race after race, and what makes the barriers they start from."""
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, ProcessPoolExecutor(WRITERS, mp_context=context) as pool:
        yield manager, pool


@pytest.fixture
def race(database_url: str, writers: tuple[Any, ProcessPoolExecutor]) -> Race:
    """Return what posts each batch from a process of its own, all at once."""
    manager, pool = writers

    def run(batches: list[list[dict[str, Any]]]) -> Answers:
        start = manager.Barrier(len(batches))
        running = [pool.submit(post, database_url, batch, start) for batch in batches]
        return [each.result(timeout=120) for each in running]

    return run


def order(key: str, account: str, **fields: Any) -> dict[str, Any]:
    return {"type": "order", "key": key, "account": account, "items": [dish("a", "100.00")], **fields}


@pytest.mark.parametrize("limit", ["max_uses", "max_uses_per_party", "first_order_only"])
def test_of_racing_orders_one_gets_the_last_use(shop: PostgresShop, race: Race, limit: str) -> None:
    """Six clients want the one use; or six accounts of one client want his one use, his first order."""
    given: dict[str, Any] = {limit: True if limit == "first_order_only" else 1}
    shop.administer({"type": "promotion", "code": "LAST", "kind": "percent", "value": "10", **given})
    accounts = [f"client{number}" for number in range(WRITERS)]
    if limit != "max_uses":
        accounts = [f"anna{number}" for number in range(WRITERS)]
        for account in accounts:
            client(shop, "anna", account)
    answers = race([[order(f"o {a}", a, promo_codes=["LAST"])] for a in accounts])
    statuses = sorted(said["status"] for [said] in answers)
    assert statuses == ["declined"] * (WRITERS - 1) + ["posted"]
    code = {"max_uses": "promo_used_up", "max_uses_per_party": "promo_used_up_by_party"}.get(limit, f"promo_{limit}")
    assert {said["code"] for [said] in answers if said["status"] == "declined"} == {code}
    assert shop.rows("SELECT count(*) FROM promotion_use WHERE given_back_at IS NULL") == [(1,)]


def test_of_racing_orders_one_spends_the_last_point(shop: PostgresShop, race: Race) -> None:
    """Anna has 10.00 points; six orders may each spend 10.00; one does, the others pay money."""
    shop.administer({"type": "bonus_program", "brand": "sushi", "accrue_percent": "10", "redeem_percent": "50"})
    assert [
        said["status"]
        for said in shop.post(
            [
                order("o1", "client0"),
                {"type": "deliver", "key": "d1", "order": "o1"},
            ]
        )
    ] == ["posted", "posted"]
    batches = [[order(f"r{number}", "client0", bonus_at_most="10.00")] for number in range(WRITERS)]
    spent = sorted(said["order"]["paid"]["bonuses"] for [said] in race(batches))
    assert spent == ["0.00"] * (WRITERS - 1) + ["10.00"]
    assert shop.rows("SELECT balance FROM balance JOIN account ON id = account_id WHERE kind = 'bonus'") == [(0,)]
    assert shop.rows("SELECT sum(points_left)::int FROM bonus_lot") == [(0,)]


def test_an_order_is_delivered_once(shop: PostgresShop, race: Race) -> None:
    """Six deliveries of one pre-order under six keys: one captures, and brings its points once."""
    shop.administer({"type": "bonus_program", "brand": "sushi", "accrue_percent": "10", "redeem_percent": "50"})
    shop.post([order("o1", "client0", due_at="2999-01-01T12:00:00Z")])
    batches = [[{"type": "deliver", "key": f"d{number}", "order": "o1"}] for number in range(WRITERS)]
    answers = race(batches)
    assert sorted(said["status"] for [said] in answers) == ["declined"] * (WRITERS - 1) + ["posted"]
    assert {said["code"] for [said] in answers if said["status"] == "declined"} == {"order_delivered"}
    assert shop.rows("SELECT sum(amount)::int FROM bonus_lot") == [(1000,)]


def test_batches_that_share_clients_and_promotions_all_get_through(shop: PostgresShop, race: Race) -> None:
    """Each writer orders for all clients with both codes, in an order of its own: uses come out exact."""
    shop.administer({"type": "bonus_program", "brand": "pizza", "accrue_percent": "10", "redeem_percent": "50"})
    for code in ("ONE", "TWO"):
        shop.administer(
            {
                "type": "promotion",
                "code": code,
                "kind": "amount",
                "value": "1.00",
                "max_uses": 20,
                "stackable": True,
            }
        )
    batches = []
    for writer in range(WRITERS):
        numbers = list(range(WRITERS)) if writer % 2 else list(reversed(range(WRITERS)))
        codes = ["ONE", "TWO"] if writer % 3 else ["TWO"]
        batches.append(
            [
                order(f"{writer}-{n}", f"client{n}", promo_codes=codes) | {"items": [dish("a", "2.00", brand="pizza")]}
                for n in numbers
            ]
        )
    answers = [said for batch in race(batches) for said in batch]
    assert sum(said["status"] == "posted" for said in answers) == 20
    for code, used in shop.rows("SELECT code, used FROM promotion"):
        counted = shop.rows(
            f"SELECT count(*) FROM promotion_use JOIN promotion p ON p.id = promotion_id WHERE code = '{code}'"
        )
        assert counted == [(used,)]
    assert dict(shop.rows("SELECT code, used FROM promotion"))["TWO"] == 20


@pytest.mark.parametrize("shared", [True, False])
def test_batches_with_the_same_keys_post_each_once(shop: PostgresShop, race: Race, shared: bool) -> None:
    """Two parts of a batch and more, backwards for every other writer: who comes second is told so, whoever he is.

    Of one client's account the others hear the first answer; with accounts of their own they wait for each
    other's keys crosswise, and say something else under them.
    """
    keys = [f"o{number}" for number in range(LEAST + 10)]
    batches = []
    for writer in range(WRITERS):
        account = "client0" if shared else f"client{writer}"
        orders = [order(key, account, items=[dish("a", "1.00")]) for key in keys]
        batches.append(orders[::-1] if writer % 2 else orders)
    answers = [said for batch in race(batches) for said in batch]
    first = [said for said in answers if said["status"] == "posted" and not said["replayed"]]
    assert sorted(said["key"] for said in first) == sorted(keys)
    others = [said for said in answers if said not in first]
    assert {said["code"] if said["status"] == "declined" else "replayed" for said in others} == {
        "replayed" if shared else "key_reused"
    }
    assert shop.rows("SELECT count(*), count(DISTINCT key) FROM food_order") == [(len(keys), len(keys))]
