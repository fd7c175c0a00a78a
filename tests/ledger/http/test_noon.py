"""A noon by a real client, in Node: each key has one answer, whatever is killed and restarted in between."""

import json
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ledger.postgres import database, embedded_server
from reports.lake.verify_ledger import verify_ledger
from tests.ledger.http.conftest import BOOK, Served, administer
from tests.ledger.http.test_commands import payment

CLIENT = Path(__file__).parent / "client"
CLIENTS = 50


def lines(path: Path) -> list[dict[str, Any]]:
    """Return the whole lines of a file so far."""
    text = path.read_text() if path.exists() else ""
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]


def wait_for(what: Callable[[], bool], process: subprocess.Popen[bytes], seconds: float = 600) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert process.poll() in (None, 0), "the client failed"
        assert time.monotonic() < until, "it took too long"
        time.sleep(0.05)


def noon(home: Path, tmp_path: Path, *, orders: int, callers: int) -> None:
    """
    given  fifty clients with 100.00 each, and two addresses of one book
    when   callers place orders, and the door is killed, PostgreSQL restarted, the door replaced by another;
           the reader of events is killed twice
    then   each key has one answer, which is in the book; the book holds by its rules; every transaction was told once,
           each account's in order
    """
    node = shutil.which("node")
    assert node, "Node is needed for the tests of the door: install it, or run bin/setup test"
    url = embedded_server.running(home)
    database.migrate(url)
    database.initialise(url)
    clients = [{"type": "party", "reference": f"c{n}", "kind": "individual", "name": f"C {n}"} for n in range(CLIENTS)]
    accounts = [{"type": "account", "reference": f"c{n}", "party": f"c{n}", "currency": "RUB"} for n in range(CLIENTS)]
    administer(url, [*BOOK, *clients, *accounts])
    first = Served(url, tmp=tmp_path).wait_until_ready()
    other = Served(url, tmp=tmp_path).wait_until_ready()
    addresses = [str(door.client.base_url) for door in (first, other)]
    assert {
        line["status"] for line in first.stream(payment(f"start-{n}", "100.00", f"c{n}") for n in range(CLIENTS))
    } == {"posted"}
    answers, told = tmp_path / "answers.jsonl", tmp_path / "told.jsonl"
    doors = [first, other]

    def read() -> subprocess.Popen[bytes]:
        return subprocess.Popen([node, str(CLIENT / "reader.mjs"), str(told), *addresses])

    reader = read()
    client = subprocess.Popen([node, str(CLIENT / "noon.mjs"), str(orders), str(callers), str(answers), *addresses])
    try:
        wait_for(lambda: len(lines(answers)) > orders * 0.15, client)
        first.process.send_signal(signal.SIGKILL)
        reader.kill()
        reader = read()
        doors.append(Served(url, "--listen", addresses[0].removeprefix("http://"), tmp=tmp_path))
        wait_for(lambda: len(lines(answers)) > orders * 0.4, client)
        embedded_server.stop(home)
        embedded_server.running(home)
        wait_for(lambda: len(lines(answers)) > orders * 0.6, client)
        assert other.stop() == 0  # drained: what it accepted is answered
        doors.append(Served(url, "--listen", addresses[1].removeprefix("http://"), tmp=tmp_path))
        reader.kill()
        reader = read()
        assert client.wait(900) == 0
        last = doors[-1].wait_until_ready()
        assert last.command(payment("the-end", account="c0")).json()["status"] == "posted"
        assert reader.wait(120) == 0
    finally:
        for process in (client, reader):
            process.kill()
        for door in doors:
            door.stop(signal.SIGKILL)
    given = {line["key"]: line["answer"] for line in lines(answers)}
    assert len(given) == len(lines(answers)) == orders
    assert {answer["status"] for answer in given.values()} == {"posted", "declined"}
    with psycopg.connect(url) as connection:
        kept = connection.execute("SELECT key, status, id FROM transaction WHERE key LIKE 'noon-%'").fetchall()
        every = {number for (number,) in connection.execute("SELECT id FROM transaction")}
    of_keys = {key: status for key, status, _ in kept if key in given}
    assert of_keys == {key: answer["status"] for key, answer in given.items()}
    assert [check for check in verify_ledger(url) if not check.holds] == []
    events = [event for page in lines(told) for event in page["events"]]
    told_ids = Counter(event["data"]["transaction"] for event in events if "transaction" in event["data"])
    assert {*told_ids} == every
    assert {*told_ids.values()} == {1}
    versions: dict[int, list[int]] = {}
    for event in events:
        for moved in event["data"].get("accounts", ()):
            versions.setdefault(moved["account"], []).append(moved["version"])
    assert all(of_one == list(range(1, len(of_one) + 1)) for of_one in versions.values())


def test_a_short_noon(home: Path, tmp_path: Path) -> None:
    """Two hundred orders by ten callers."""
    noon(home, tmp_path, orders=200, callers=10)


@pytest.mark.soak
def test_a_whole_noon(home: Path, tmp_path: Path) -> None:
    """Twenty thousand orders by two hundred callers."""
    noon(home, tmp_path, orders=20_000, callers=200)
