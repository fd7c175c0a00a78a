"""Questions by HTTP: they answer what the queries answer, and say as of which transaction."""

import math
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from ledger.postgres import balances
from reports.lake.publish_cut import frequent_cut
from tests.ledger.http.conftest import BOOK, Serve, Served, administer
from tests.ledger.http.test_commands import debit, payment


def paid(door: Served) -> int:
    """Pay in, spend and hold; return the last transaction."""
    door.command(payment("p1", "300.00"))
    door.command(debit("d1", "120.00"))
    lines = [{"brand": "sushi", "service": "preorder", "reference": "A-2", "amount": "50.00"}]
    hold = {"type": "hold", "key": "h1", "account": "anna", "lines": lines, "expires_at": "2998-01-01T00:00:00Z"}
    return int(door.command(hold).json()["transaction"])


def test_an_account_is_what_its_balance_is(door: Served) -> None:
    """By reference and by number; points are there, too."""
    last = paid(door)
    found = door.client.get(f"/v1/accounts/anna{door.run}").json()
    assert (found["balance"], found["held"], found["available"]) == ("180.00", "50.00", "130.00")
    assert found["as_of_transaction"] >= last
    assert found["bonuses"] == []
    assert door.client.get(f"/v1/accounts/{found['account']}").json() == found
    assert door.client.get("/v1/accounts/nobody").status_code == 404
    assert door.client.get(f"/v1/accounts/{found['account'] + 1}").status_code == 400


def test_many_balances_are_one_question(door: Served) -> None:
    """One answer per account, in order, null where there is none; also at a past moment."""
    before = datetime.now(UTC).isoformat()
    paid(door)
    asked = {"accounts": [f"boris{door.run}", "nobody", f"anna{door.run}"]}
    now = door.client.post("/v1/balances", json=asked).json()["balances"]
    assert [found and found["balance"] for found in now] == ["0.00", None, "180.00"]
    then = door.client.post("/v1/balances", json={**asked, "at": before}).json()["balances"]
    assert [found and found["balance"] for found in then] == ["0.00", None, "0.00"]
    wrong = door.client.post("/v1/balances", json={"accounts": ["anna", 1.5]})
    assert (wrong.status_code, wrong.json()["detail"]) == (
        400,
        "accounts.1: is neither an account number nor a reference",
    )


def test_history_comes_in_pages_without_gaps(door: Served) -> None:
    """`after` the last version that was seen; the last page has no next."""
    paid(door)
    path = f"/v1/accounts/anna{door.run}/history"
    first = door.client.get(path, params={"limit": 2}).json()
    assert [entry["version"] for entry in first["entries"]] == [1, 2]
    rest = door.client.get(path, params={"limit": 2, "after": first["next_after"]}).json()
    assert [(entry["version"], entry["kind"]) for entry in rest["entries"]] == [(3, "hold")]
    assert rest["next_after"] is None
    assert door.client.get(path, params={"since": "2998-01-01T00:00:00Z"}).json()["entries"] == []
    assert door.client.get(path, params={"limit": 1001}).status_code == 400


def test_limits_are_told_with_what_is_left(door: Served) -> None:
    """A limit that the company set for Anna."""
    link: list[dict[str, Any]] = [
        {"type": "link", "account": "anna", "payer": "boris", "draw": "payer_first"},
        {"type": "write_off_limit", "payer": "boris", "account": "anna", "period": "day", "amount": "500.00"},
    ]
    for line in link:
        own = door.own(line) | ({"payer": f"boris{door.run}"})
        assert door.client.post("/v1/commands", json=own).json()["status"] == "done"
    [limit] = door.client.get(f"/v1/accounts/anna{door.run}/limits").json()["limits"]
    assert (limit["period"], limit["left"]) == ("day", "500.00")


def test_a_key_tells_what_became_of_it(door: Served) -> None:
    """The first answer, posted or declined, for a client who lost it."""
    first = door.command(payment("p1", "300.00")).json()
    found = door.client.get(f"/v1/transactions/p1{door.run}").json()
    assert {name: found[name] for name in first} == first
    declined = door.command(debit("d1", "700.00")).json()
    found = door.client.get(f"/v1/transactions/d1{door.run}").json()
    assert (found["code"], found["facts"], found["type"]) == (declined["code"], declined["facts"], "debit")
    assert door.client.get("/v1/transactions/never").status_code == 404


def test_a_quote_answers_and_writes_nothing(door: Served) -> None:
    """Lines of a stream build on one another; afterwards nothing moved."""
    alone = door.client.post("/v1/quotes", json=door.own(debit("d1", "1.00"))).json()
    assert alone["code"] == "insufficient_funds"
    both = door.stream([door.own(payment("p1", "10.00")), door.own(debit("d1", "4.00"))], "/v1/quotes")
    assert [line["status"] for line in both] == ["posted", "posted"]
    assert both[1]["accounts"][0]["balance"] == "6.00"
    assert door.client.get(f"/v1/accounts/anna{door.run}").json()["version"] == 0
    assert door.client.post("/v1/quotes", json=BOOK[0]).status_code == 400


def test_a_replica_that_is_behind_is_passed_over(database_url: str, empty_database_url: str, serve: Serve) -> None:
    """Who has just paid is not told that he has not: `min_transaction` goes to the primary when the replica lags."""
    administer(database_url, BOOK)
    with psycopg.connect(database_url, autocommit=True) as connection:
        name = psycopg.conninfo.conninfo_to_dict(empty_database_url)["dbname"]
        here = connection.info.dbname
    with psycopg.connect(empty_database_url.replace(f"/{name}", "/template1"), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}"')
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{here}"')
    import os

    os.environ["TIFFIN_REPLICA_URL"] = empty_database_url  # as it was before the payment
    try:
        door = serve(database_url, "--writers", "1")
    finally:
        del os.environ["TIFFIN_REPLICA_URL"]
    number = door.command(payment("p1", "300.00")).json()["transaction"]
    behind = door.client.get("/v1/accounts/anna").json()
    assert (behind["balance"], behind["as_of_transaction"]) == ("0.00", 0)
    seen = door.client.get("/v1/accounts/anna", params={"min_transaction": number}).json()
    assert (seen["balance"], seen["as_of_transaction"]) == ("300.00", number)


def test_metrics_have_the_age_of_the_latest_cut(database_url: str, serve: Serve, tmp_path: Path) -> None:
    """Before the first cut there is none; then it is that of the cut, whoever makes it."""
    administer(database_url, BOOK)
    door = serve(database_url, "--writers", "1")

    def age() -> float:
        [seconds] = re.findall(r"^tiffin_cut_age_seconds (\S+)$", door.client.get("/metrics").text, re.MULTILINE)
        return float(seconds)

    assert math.isnan(age())
    frequent_cut(database_url, str(tmp_path / "lake"))
    assert 0 <= age() < 60
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE book SET cut_at = cut_at - interval '1 hour'")
    assert 3600 <= age() < 3660


def test_many_balances_agree_with_one_at_a_time(database_url: str) -> None:
    """The set-based statement and the single question are one."""
    administer(database_url, BOOK)
    with psycopg.connect(database_url) as connection:
        both = balances.balances(connection, ["boris", "anna"])
        connection.rollback()
        assert both == [balances.balance(connection, "boris"), balances.balance(connection, "anna")]
