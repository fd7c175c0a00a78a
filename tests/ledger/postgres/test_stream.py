"""A stream beside somebody who keeps an account locked: only what hangs on it fails, and may be sent again."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ledger.food.core.commands import parse
from ledger.food.postgres.post_orders import Desk
from ledger.postgres import database, embedded_server
from ledger.postgres.post import Ledger
from ledger.postgres.stream import Stream

Record = dict[str, Any]


class Caller:
    """One caller's stream, in batches."""

    def __init__(self, url: str) -> None:
        self.ledger = Ledger(url, lock_timeout_ms=300)
        self.stream = Stream(Desk(self.ledger), self.ledger)

    def send(self, *lines: Record) -> list[Record]:
        """Return what a batch is answered."""
        said = [parse(line) for line in lines]
        records = any(line["type"] in ("account", "party", "brand", "link", "credit_terms") for line in lines)
        answer = self.stream.administer if records else self.stream.post
        return [outcome.to_json() for outcome in answer(said)]  # type: ignore[arg-type]


@pytest.fixture
def caller(database_url: str) -> Caller:
    """Return a caller in a book where a company pays for Anna; Boris and Clara pay for themselves."""
    caller = Caller(database_url)
    caller.send({"type": "brand", "code": "sushi"})
    for name in ("anna", "boris", "clara", "acme"):
        caller.send(
            {"type": "party", "reference": name, "kind": "individual"},
            {"type": "account", "reference": name, "party": name, "currency": "RUB"},
        )
    caller.send({"type": "link", "account": "anna", "payer": "acme"})
    assert statuses(caller.send(payment("start", "clara"))) == ["posted"]
    return caller


@contextmanager
def locked(url: str, *references: str) -> Iterator[None]:
    """Keep the balances of accounts locked meanwhile."""
    with database.connect(url) as connection:
        connection.execute(
            "SELECT 1 FROM balance JOIN account a ON a.id = account_id WHERE a.reference = ANY(%s) FOR UPDATE OF balance",
            [list(references)],
        )
        yield
        connection.rollback()


def payment(key: str, account: str, amount: str = "100.00") -> Record:
    return {"type": "payment", "key": key, "account": account, "amount": amount, "brand": "sushi"}


def debit(key: str, account: str) -> Record:
    return {"type": "debit", "key": key, "account": account, "lines": [{"brand": "sushi", "amount": "30.00"}]}


def statuses(answers: list[Record]) -> list[str]:
    return [answer.get("code", answer["status"]) for answer in answers]


def test_one_locked_account_delays_nobody_else_for_long(caller: Caller) -> None:
    """Of a hundred lines one hangs on the lock: it fails by its key, all others are posted, within one wait or two."""
    lines = [payment(f"p{n}", "clara", "1.00") for n in range(100)]
    lines[50] = payment("p50", "boris")
    with locked(caller.ledger.url, "boris"):
        began = time.monotonic()
        answers = caller.send(*lines)
        assert time.monotonic() - began < 5
    assert [a["key"] for a in answers if a["status"] != "posted"] == ["p50"]
    failed = answers[50]
    assert failed == {"key": "p50", "status": "failed", "message": failed["message"]}
    assert "lock timeout" in failed["message"]
    assert failed["message"].endswith("; send it again")
    assert statuses(caller.send(payment("p50", "boris"))) == ["posted"]


def test_later_lines_that_hang_on_a_failed_one_fail_too_until_it_was_sent_again(caller: Caller) -> None:
    """Else Boris' lunch would be declined for ever for want of a payment that comes a moment later."""
    transfer = {"type": "transfer", "key": "t1", "account": "boris", "to": "anna", "amount": "50.00"}
    with locked(caller.ledger.url, "boris"):
        answers = caller.send(payment("p1", "boris"), transfer, debit("d1", "clara"), debit("d2", "anna"))
    assert statuses(answers) == ["failed", "failed", "posted", "failed"]
    assert answers[1]["message"] == "not tried, because it may depend on p1, which failed; send both again, in order"
    assert statuses(caller.send(debit("d3", "anna"), debit("d4", "clara"))) == ["failed", "posted"]
    # Sent again in the same stream, in order, in one batch or several.
    assert statuses(caller.send(debit("d2", "anna"))) == ["failed"]
    again = caller.send(payment("p1", "boris"), transfer, debit("d2", "anna"), debit("d3", "anna"))
    assert statuses(again) == ["posted", "posted", "posted", "insufficient_funds"]
    assert caller.stream.failed == {}


def test_a_locked_payer_fails_the_lunches_that_it_pays_for(caller: Caller) -> None:
    """Anna's lunch hangs on the company, and so does what captures the hold that failed."""
    hold = {**debit("h1", "anna"), "type": "hold", "expires_at": "2999-01-01T00:00:00Z"}
    capture = {"type": "capture", "key": "c1", "hold": "h1"}
    caller.send(payment("p0", "acme"))
    with locked(caller.ledger.url, "acme"):
        answers = caller.send(hold, capture, debit("d1", "clara"))
    assert statuses(answers) == ["failed", "failed", "posted"]
    assert statuses(caller.send(payment("p2", "acme"))) == ["failed"]
    assert statuses(caller.send(hold, capture, payment("p2", "acme"))) == ["posted"] * 3


def test_a_failed_administration_line_holds_up_what_hangs_on_it(caller: Caller) -> None:
    """Credit that could not be given yet is no reason to decline a debit for ever."""
    terms = {"type": "credit_terms", "account": "boris", "limit": "100.00"}
    with locked(caller.ledger.url, "boris"):
        [failed] = caller.send(terms)
    assert failed == {"type": "credit_terms", "status": "failed", "message": failed["message"]}
    assert statuses(caller.send(debit("d1", "boris"), debit("d2", "clara"))) == ["failed", "posted"]
    assert statuses(caller.send(terms)) == ["done"]
    assert statuses(caller.send(debit("d1", "boris"))) == ["posted"]


def test_a_statement_that_takes_too_long_fails_its_line_alone(caller: Caller) -> None:
    """Whatever the server gives up is narrowed down by halves."""
    connection = caller.ledger.connection()
    connection.execute(
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS "
        "$$BEGIN IF new.note = 'slow' THEN PERFORM pg_sleep(9); END IF; RETURN new; END$$"
    )
    connection.execute("CREATE TRIGGER slow BEFORE INSERT ON transaction FOR EACH ROW EXECUTE FUNCTION slow()")
    connection.commit()
    caller.ledger.close()
    caller.ledger.statement_timeout_ms = 300
    slow = {**payment("slow", "boris"), "note": "slow"}
    answers = caller.send(*(payment(f"p{n}", "clara", "1.00") for n in range(10)), slow, payment("after", "anna"))
    assert [a["key"] for a in answers if a["status"] != "posted"] == ["slow"]
    assert "statement timeout" in answers[10]["message"]


def test_nothing_but_outcomes_is_on_standard_output_while_the_server_restarts(home: Path) -> None:
    """A caller's parser lives through it; what was tried again stands on standard error, as JSON if asked for."""
    url = embedded_server.running(home)
    database.migrate(url)
    database.initialise(url, "Europe/Moscow")
    caller = Caller(url)
    caller.send(
        {"type": "brand", "code": "sushi"},
        {"type": "party", "reference": "anna", "kind": "individual"},
        {"type": "account", "reference": "anna", "party": "anna", "currency": "RUB"},
    )
    caller.ledger.close()
    command = [sys.executable, "-c", "from reports.cli.main import main; main()", "post", "-"]
    environment = {**os.environ, "TIFFIN_DATABASE_URL": url, "TIFFIN_LOG": "json"}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, text=True
    ) as process:
        assert process.stdin and process.stdout and process.stderr

        def ask(key: str) -> Record:
            assert process.stdin and process.stdout
            process.stdin.write(json.dumps(payment(key, "anna")) + "\n")
            process.stdin.flush()
            answer: Record = json.loads(process.stdout.readline())
            return answer

        assert ask("p1")["status"] == "posted"
        embedded_server.stop(home)
        assert embedded_server.running(home) == url
        with psycopg.connect(url) as connection:
            connection.execute("SELECT 1")
        assert ask("p2")["status"] == "posted"
        process.stdin.close()
        assert process.stdout.read() == ""
        logged = [json.loads(line) for line in process.stderr.read().splitlines()]
        assert process.wait(30) == 0
    assert {line["event"] for line in logged} == {"retry"}
