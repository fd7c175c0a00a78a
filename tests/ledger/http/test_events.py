"""Events over HTTP: waited for, paged, and refused with the last common position after a restore."""

import threading
import time
from typing import Any

import psycopg

from ledger.postgres import feed
from tests.ledger.http.conftest import BOOK, Serve, Served, administer
from tests.ledger.http.test_commands import payment


def test_a_reader_waits_for_what_comes_and_is_woken(door: Served) -> None:
    """`wait=30` answers as soon as something was posted."""
    cursor = door.client.get("/v1/events", params={"after": "latest"}).json()["cursor"]
    assert door.client.get("/v1/events", params={"after": cursor}).json() == {"events": [], "cursor": cursor}
    threading.Timer(0.3, lambda: door.command(payment("p1"))).start()
    since = time.monotonic()
    found = door.client.get("/v1/events", params={"after": cursor, "wait": 30}).json()
    assert [event["data"]["key"] for event in found["events"]] == [f"p1{door.run}"]
    assert time.monotonic() - since < 10
    assert door.client.get("/v1/events", params={"after": found["cursor"]}).json()["events"] == []


def test_nonsense_is_refused(door: Served) -> None:
    """Cursors and numbers that are none."""
    wrong: list[dict[str, Any]] = [{"after": "x"}, {"wait": "soon"}, {"limit": 1001}]
    assert {door.client.get("/v1/events", params=asked).status_code for asked in wrong} == {400}


def test_an_old_cursor_gets_410_and_where_to_go_on(database_url: str, serve: Serve) -> None:
    """After `tiffin init --restored`."""
    administer(database_url, BOOK)
    door = serve(database_url, "--writers", "1")
    door.command(payment("p1"))
    old = door.client.get("/v1/events").json()["cursor"]
    with psycopg.connect(database_url, autocommit=True) as owner:
        feed.begin_incarnation(owner)
    door.command(payment("p2"))
    gone = door.client.get("/v1/events", params={"after": old})
    assert (gone.status_code, gone.json()["type"]) == (410, "urn:tiffin:problem:gone")
    rest = door.client.get("/v1/events", params={"after": gone.json()["cursor"]}).json()["events"]
    assert [event["data"]["key"] for event in rest] == ["p2"]
