"""A company pays lunches: 200 employees, 500.00 a day and 20 orders a month each, one brand, credit of 30 days.

January is paid for in time. February's bill is paid late: from its thirty-first day on the
company pays nothing and the employees pay themselves, until the money comes. PostgreSQL, in
batches as an order system sends them.
"""

from datetime import date, datetime, timedelta
from itertools import count
from typing import Any

from tests.ledger.food.shops import PostgresShop, dish
from tests.ledger.worlds import MOSCOW

PEOPLE = 200
STAFF = [f"employee{number}" for number in range(PEOPLE)]
_keys = count(1)


def opened(url: str) -> PostgresShop:
    """Return the shop with the company, its people, its terms."""
    shop = PostgresShop(url)
    lines: list[dict[str, Any]] = [{"type": "brand", "code": code} for code in ("lunch", "sushi")]
    for name, kind in (("acme", "legal_entity"), *((name, "individual") for name in STAFF)):
        lines.append({"type": "party", "reference": name, "kind": kind, "name": name})
        lines.append({"type": "account", "reference": name, "party": name, "currency": "RUB"})
    lines.append(
        {
            "type": "credit_terms",
            "account": "acme",
            "limit": "9000000.00",
            "period_days": 30,
            "valid_from": "2024-01-01",
        }
    )
    for name in STAFF:
        lines.append({"type": "link", "account": name, "payer": "acme", "draw": "payer_first", "brands": ["lunch"]})
        limit = {"type": "write_off_limit", "payer": "acme", "account": name}
        lines.append({**limit, "period": "day", "amount": "500.00"})
        lines.append({**limit, "period": "month", "count": 20})
    from ledger.food.core.commands import parse

    outcomes = shop.desk.administer([parse(line) for line in lines])  # type: ignore[misc]
    assert {outcome.to_json()["status"] for outcome in outcomes} == {"done"}
    pay(shop, STAFF, "5000.00", noon(date(2024, 1, 9)))
    return shop


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=MOSCOW)


def pay(shop: PostgresShop, names: list[str], amount: str, at: datetime) -> None:
    post(shop, [{"type": "payment", "account": name, "amount": amount, "brand": "lunch", "at": at} for name in names])


def post(shop: PostgresShop, lines: list[dict[str, Any]], status: str = "posted") -> list[dict[str, Any]]:
    """Post lines in one batch, each under a key of its own, and hold that all are answered so."""
    said = shop.post([{"key": f"k{next(_keys)}", **line, "at": line["at"].isoformat()} for line in lines])
    assert {answer["status"] for answer in said} == {status}, next(a for a in said if a["status"] != status)
    return said


def lunch(shop: PostgresShop, day: date, price: str = "600.00", names: list[str] = STAFF, brand: str = "lunch") -> Any:
    """Let everybody have lunch; return (payer, own) of each: what the company and the employee paid."""
    said = post(
        shop,
        [
            {"type": "order", "account": name, "items": [dish("set", price, brand=brand)], "at": noon(day)}
            for name in names
        ],
    )
    return {(answer["order"]["paid"]["payers"], answer["order"]["paid"]["client"]) for answer in said}


def owed(shop: PostgresShop) -> str:
    [[balance]] = shop.rows("SELECT balance FROM balance JOIN account a ON a.id = account_id WHERE reference = 'acme'")
    return f"{balance / 100:.2f}"


def test_a_company_pays_lunches_late_is_blocked_and_unblocked(database_url: str) -> None:
    """
    10 Jan   200 lunches of 600.00: acme 500.00 each, the employees 100.00; a second lunch is the employee's
    10 Jan   sushi is not acme's to pay
    1-21 Feb one employee has 20 lunches on acme and pays the twenty-first himself; in March acme pays again
    20 Mar   February's first lunches are overdue: everybody pays himself, one without money is told why
    21 Mar   acme pays its bill: from then on it pays lunches again
    """
    shop = opened(database_url)
    january = date(2024, 1, 10)
    assert lunch(shop, january) == {("500.00", "100.00")}
    assert owed(shop) == "-100000.00"
    assert lunch(shop, january, "80.00", STAFF[:5]) == {("0.00", "80.00")}
    assert lunch(shop, january, "80.00", STAFF[5:10], brand="sushi") == {("0.00", "80.00")}
    pay(shop, ["acme"], "100000.00", noon(date(2024, 1, 31)))

    first = date(2024, 2, 1)
    for number in range(20):
        assert lunch(shop, first + timedelta(days=number), "100.00", STAFF[:1]) == {("100.00", "0.00")}
    assert lunch(shop, first + timedelta(days=20), "100.00", STAFF[:1]) == {("0.00", "100.00")}
    assert lunch(shop, first + timedelta(days=20), "450.00", STAFF[1:]) == {("450.00", "0.00")}
    assert lunch(shop, date(2024, 3, 1), "100.00", STAFF[:1]) == {("100.00", "0.00")}

    blocked = date(2024, 3, 20)
    assert lunch(shop, blocked, "300.00") == {("0.00", "300.00")}
    poor, order = STAFF[1], {"type": "order", "items": [dish("set", "500.00", brand="lunch")], "at": noon(blocked)}
    post(shop, [{"type": "payout", "account": poor, "amount": "4500.00", "brand": "lunch", "at": noon(blocked)}])
    [said] = post(shop, [{**order, "account": poor}], "declined")
    assert (said["code"], said["facts"]["unpaid_since"]) == ("credit_overdue", "2024-02-01")

    debt = owed(shop)
    pay(shop, ["acme"], debt.removeprefix("-"), noon(date(2024, 3, 21)))
    pay(shop, [poor], "4500.00", noon(date(2024, 3, 21)))
    assert owed(shop) == "0.00"
    assert lunch(shop, date(2024, 3, 21)) == {("500.00", "100.00")}
    assert owed(shop) == "-100000.00"
    revenue = shop.rows(
        "SELECT sum(e.amount)::bigint FROM entry e JOIN account a ON a.id = e.account_id WHERE a.kind = 'revenue'"
    )
    orders = shop.rows("SELECT sum(net)::bigint FROM order_line")
    assert revenue == orders
    shop.ledger.close()
