"""`tiffin post`, `quote`, `balance` and `schema` speak food, in one stream with everything else."""

import json
from typing import Any

from tests import typed

LINES = """
{"type": "brand", "code": "sushi", "name": "Sushi House"}
{"type": "brand", "code": "pizza", "name": "Pizza"}
{"type": "party", "reference": "anna", "kind": "individual", "name": "Anna K."}
{"type": "account", "reference": "anna", "party": "anna", "currency": "RUB"}
{"type": "payment", "key": "p1", "account": "anna", "amount": "5000.00", "brand": "sushi"}
{"type": "promotion", "code": "LUNCH10", "kind": "percent", "value": "10", "brand": "sushi", "min_order": "500.00", \
"max_discount": "200.00", "valid_from": "2000-01-01", "valid_until": "2999-12-31", "max_uses": 1000, \
"max_uses_per_party": 1, "first_order_only": false, "stackable": false}
{"type": "bonus_program", "brand": "sushi", "accrue_percent": "5", "redeem_percent": "30", "expires_after_days": 90, \
"valid_from": "2000-01-01"}
{"type": "order", "key": "o1", "account": "anna", "items": [{"brand": "sushi", "sku": "set-4", "name": "Set 4", \
"quantity": 2, "price": "450.00"}, {"brand": "pizza", "sku": "marg", "name": "Margherita", "quantity": 1, \
"price": "520.00"}], "delivery": {"brand": "sushi", "amount": "99.00"}, "promo_codes": ["LUNCH10"], \
"bonus_at_most": "100.00", "due_at": null}
{"type": "deliver", "key": "o1-delivered", "order": "o1", "items": null}
{"type": "order", "key": "o2", "account": "anna", "items": []}
{"type": "cancel", "key": "o1-cancelled", "order": "o1", "fee": "0.00"}
""".strip()


def tiffin(url: str, *words: str, said: str = "") -> tuple[int, list[Any]]:
    """Type the command; return its exit code and the JSON of its lines."""
    done = typed.tiffin(url, *words, said=said)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"')]


def test_orders_go_through_the_same_stream(database_url: str) -> None:
    """Administration, money, orders: one outcome per line, in order; a malformed one spoils nothing but the exit code."""
    code, said = tiffin(database_url, "post", "-", said=LINES)
    assert code == 1
    assert (
        [line["status"] for line in said]
        == """
        done done done done posted done done posted posted invalid posted
    """.split()
    )
    assert said[7]["order"]["net"] == "1429.00"
    assert said[8]["order"]["bonuses"]["accrued"] == "40.50"
    assert said[9] == {
        "line": 10,
        "key": "o2",
        "status": "invalid",
        "message": "items: there are 0, 1 to 998 are allowed",
    }
    assert said[10]["order"]["bonuses"]["taken_back"] == "40.50"
    _, [balance] = tiffin(database_url, "balance", "anna", "--json")
    assert (balance["balance"], balance["bonuses"][0]["balance"]) == ("5000.00", "0.00")


def test_a_balance_tells_points_and_a_quote_posts_nothing(database_url: str) -> None:
    """What a quote says costs is what it would cost; the balance and the points stay as they are."""
    tiffin(database_url, "post", "-", said="\n".join(LINES.splitlines()[:9]))
    order = {
        "type": "order",
        "key": "q1",
        "account": "anna",
        "items": [{"brand": "sushi", "sku": "a", "price": "10.00"}],
    }
    code, [quoted] = tiffin(database_url, "quote", "-", said=json.dumps(order))
    assert (code, quoted["transaction"], quoted["order"]["net"]) == (0, None, "10.00")
    _, [balance] = tiffin(database_url, "balance", "anna", "--json")
    assert balance["balance"] == "3571.00"
    [points] = balance["bonuses"]
    assert (points["brand"], points["balance"], len(points["expiring"])) == ("sushi", "40.50", 1)
    assert points["expiring"][0]["amount"] == "40.50"
