"""`POST /v1/commands` of a real door: what is answered with which status, once for each key."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from tests.ledger.http.conftest import BOOK, Serve, Served, administer


def payment(key: str | None, amount: Any = "300.00", account: str = "anna", **more: Any) -> dict[str, Any]:
    given = {} if key is None else {"key": key}
    return {"type": "payment", **given, "account": account, "amount": amount, "brand": "sushi", **more}


def debit(key: str, amount: str, account: str = "anna", brand: str = "sushi") -> dict[str, Any]:
    lines = [{"brand": brand, "service": "order", "reference": key, "amount": amount}]
    return {"type": "debit", "key": key, "account": account, "lines": lines}


def test_posted_and_declined_are_answers_and_a_replay_repeats_the_first(door: Served) -> None:
    """200 for both; the same key and content again returns the first answer, marked."""
    paid = door.command(payment("p1"))
    assert (paid.status_code, paid.json()["status"], paid.json()["replayed"]) == (200, "posted", False)
    declined = door.command(debit("d1", "700.00"))
    assert (declined.status_code, declined.json()["code"]) == (200, "insufficient_funds")
    again = door.command(debit("d1", "700.00"))
    assert again.json() == {**declined.json(), "replayed": True}


def test_what_breaks_a_rule_of_form_is_a_problem_that_points_to_the_field(door: Served) -> None:
    """400 as RFC 9457 has it; nothing is kept, so the key may be used for what was meant."""
    wrong = door.command(debit("d2", "10.005"))
    assert wrong.status_code == 400
    assert wrong.headers["content-type"] == "application/problem+json"
    assert wrong.json()["errors"] == [
        {"pointer": "/lines/0/amount", "detail": "lines.0.amount: 10.005 has more than two decimals"}
    ]
    assert door.command(debit("d2", "0.50")).json()["status"] == "declined"


def test_what_is_no_command_is_invalid(door: Served) -> None:
    """Whatever comes, the answer is a problem of the caller's and never of the server's."""
    for body in (b"", b"[]", b"{", b'{"type": "payment"}', b"\xff\xfe", b'{"type": "nothing"}', b"1", b'"\\ud800"'):
        answer = door.client.post("/v1/commands", content=body, headers={"content-type": "application/json"})
        assert (answer.status_code, answer.json()["type"]) == (400, "urn:tiffin:problem:invalid"), body


def test_a_key_with_other_content_is_422(door: Served) -> None:
    """A key is one command for ever."""
    door.command(payment("p1"))
    reused = door.command(payment("p1", "301.00"))
    assert (reused.status_code, reused.json()["code"]) == (422, "key_reused")


def test_the_idempotency_key_is_the_commands_key(door: Served) -> None:
    """Quoted, as the IETF draft has it; equal to `key` where both are given."""
    first = door.command(payment(None), **{"Idempotency-Key": '"p7"'})
    assert (first.status_code, first.json()["key"]) == (200, "p7")
    assert door.client.post("/v1/commands", json=door.own(payment(None)) | {"key": "p7"}).json()["replayed"] is True
    other = door.command(payment("p7"), **{"Idempotency-Key": '"p8"'})
    assert (other.status_code, other.json()["errors"][0]["pointer"]) == (400, "/key")
    assert door.command(payment(None)).json()["errors"][0]["pointer"] == "/key"


def test_administration_lines_come_the_same_way(door: Served) -> None:
    """A client, an account and what is paid into it, one request each."""
    party = door.command({"type": "party", "reference": "olga", "kind": "individual", "name": "Olga"})
    assert (party.status_code, party.json()["status"]) == (200, "done")
    account = door.command({"type": "account", "reference": "olga", "party": "olga", "currency": "RUB"})
    assert (account.status_code, account.json()["status"]) == (200, "done")
    assert door.command(payment("p9", account="olga")).json()["status"] == "posted"


@pytest.mark.parametrize("writers", ["1", "2"])
def test_a_stream_is_answered_line_by_line_in_order(database_url: str, serve: Serve, writers: str) -> None:
    """Administration, commands, nonsense and a decline in one stream; each line sees what the lines before it did."""
    door = serve(database_url, "--writers", writers)
    said = [*BOOK, payment("p0", "1000.00"), payment("q0", "1000.00", "boris")]
    for n in range(300):
        said.append(debit(f"d{n}", "1.00", "anna" if n % 2 else "boris"))
        if n % 100 == 50:
            said.append({"type": "transfer", "key": f"t{n}", "account": "anna", "to": "boris", "amount": "5.00"})
    said += [{"type": "nonsense"}, {"type": "account_status", "account": "anna", "status": "frozen"}]
    said += [debit("late", "1.00")]
    outcomes = door.stream(said)
    assert [o["status"] for o in outcomes[:6]] == ["done"] * 6
    assert {o["status"] for o in outcomes[6:-3]} == {"posted"}
    assert [o.get("key") for o in outcomes[6:-3]] == [line["key"] for line in said[6:-3]]
    assert (outcomes[-3]["status"], outcomes[-3]["line"]) == ("invalid", len(said) - 2)
    assert outcomes[-2]["status"] == "done"
    assert outcomes[-1]["code"] == "account_frozen"
    again = door.stream(said)
    assert all(outcome["replayed"] for outcome in again[6:-3])
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT count(*) FROM transaction WHERE status = 'posted'").fetchone()
        assert row == (305,)


def test_hundreds_of_callers_share_batches_and_each_gets_its_own_answer(door: Served) -> None:
    """400 debits of two clients by 40 threads: the balances are what the answers say."""
    door.command(payment("p1", "1000.00"))
    door.command(payment("p2", "1000.00", "boris"))

    def one(n: int) -> Any:
        return door.command(debit(f"d{n}", "1.00", "anna" if n % 2 else "boris")).json()

    with ThreadPoolExecutor(40) as threads:
        answers = list(threads.map(one, range(400)))
    assert {(a["key"], a["status"]) for a in answers} == {(f"d{n}{door.run}", "posted") for n in range(400)}
    assert sorted(a["accounts"][0]["version"] for a in answers[1::2]) == list(range(2, 202))
    metrics = door.client.get("/metrics").text
    [count] = re.findall(r'tiffin_commands_total{code="",status="posted",type="debit"} (\d+)', metrics)
    assert int(count) >= 400
    [batches] = re.findall(r"tiffin_batch_lines_count (\d+)", metrics)
    assert int(batches) < 300


def test_sigterm_answers_every_accepted_command_and_then_ends(database_url: str, serve: Serve) -> None:
    """Commands under way at the signal have their answer, the process ends with 0, and what was posted is there."""
    administer(database_url, BOOK)
    door = serve(database_url, "--writers", "1")
    door.command(payment("p1", "1000.00"))
    answers: list[dict[str, Any]] = []
    sender = threading.Thread(target=lambda: answers.extend(door.stream(debit(f"d{n}", "0.01") for n in range(3000))))
    sender.start()
    while not door.client.get("/v1/accounts/anna/history?limit=2&after=2").json()["entries"]:
        pass
    door.process.send_signal(signal.SIGTERM)
    sender.join(60)
    assert [answer["status"] for answer in answers] == ["posted"] * 3000
    assert door.process.wait(30) == 0


def test_a_writer_that_is_killed_is_started_again(database_url: str, serve: Serve) -> None:
    """What was under way is answered 503, to be sent again; nothing is lost or done twice."""
    administer(database_url, BOOK)
    door = serve(database_url, "--writers", "1")
    door.command(payment("p1", "1000.00"))
    import psutil

    [writer] = [
        child for child in psutil.Process(door.process.pid).children() if "writer_process" in str(child.cmdline())
    ]
    writer.kill()
    answers = [door.command(debit("d1", "1.00")) for _ in range(2)]
    assert answers[-1].json()["status"] == "posted"
    assert {answer.status_code for answer in answers} <= {200, 503}


def test_too_large_slow_and_foreign_requests_are_refused(door: Served) -> None:
    """Size, media type, Host and method each have their problem."""
    big = door.client.post("/v1/commands", content=b" " * 1_000_001, headers={"content-type": "application/json"})
    assert big.status_code == 413
    assert door.client.post("/v1/commands", content=b"a=1", headers={"content-type": "text/csv"}).status_code == 415
    assert door.client.get("/healthz", headers={"host": "evil.example"}).status_code == 421
    for origin in ("https://evil.example", "null", "http://127.0.0.1", "http://[", ""):
        page = door.client.post("/v1/commands", content=b"{}", headers={"origin": origin})
        assert page.status_code == 403, origin
    own = door.client.get("/healthz", headers={"origin": str(door.client.base_url).rstrip("/")})
    assert own.status_code == 200
    assert door.client.get("/v1/commands").status_code == 405
    assert door.client.get("/v2").status_code == 404
    assert door.client.get("/healthz").json() == {"status": "alive"}


def test_requests_are_logged_with_their_id_and_the_trace_goes_on(door: Served) -> None:
    """The caller's x-request-id and traceparent come back and stand in the log."""
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    answer = door.command(payment("p1"), **{"x-request-id": "shop-17", "traceparent": trace})
    assert (answer.headers["x-request-id"], answer.headers["traceparent"]) == ("shop-17", trace)
    [line] = [line for line in door.lines() if line.get("request") == "shop-17"]
    assert (line["status"], line["path"], line["trace"]) == (200, "/v1/commands", trace)


def test_post_shares_the_intake_of_the_door(database_url: str) -> None:
    """`tiffin post - --writers 2` answers what one writer answers, in order, and a line at a time when asked so."""
    command = [sys.executable, "-m", "tests.ledger.http.tiffin", "post", "-", "--writers", "2"]
    environment = {**os.environ, "TIFFIN_DATABASE_URL": database_url}
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdin is not None
    assert process.stdout is not None
    said = [*BOOK, payment("p0", "100.00"), payment("q0", "100.00", "boris")]
    said += [debit(f"d{n}", "1.00", "anna" if n % 2 else "boris") for n in range(200)]
    for line in said[:3]:  # a caller that writes a line and waits
        process.stdin.write(json.dumps(line) + "\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["status"] == "done"
    rest, _ = process.communicate("\n".join(json.dumps(line) for line in [*said[3:], {"type": "nonsense"}]))
    outcomes = [json.loads(line) for line in rest.splitlines()]
    assert [outcome.get("key") for outcome in outcomes[3:-1]] == [line["key"] for line in said[6:]]
    assert {outcome["status"] for outcome in outcomes[3:-1]} == {"posted"}
    assert (outcomes[-1]["status"], outcomes[-1]["line"]) == ("invalid", len(said) + 1)
    assert process.returncode == 1
