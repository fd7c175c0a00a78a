"""The feed: nothing lost and nothing twice, however writers overlap and readers are cut off."""

import threading
from collections.abc import Iterator
from datetime import date
from typing import Any

import psycopg
import pytest

from ledger.core.commands import parse
from ledger.errors import Failure
from ledger.postgres import feed
from ledger.postgres.post import Ledger
from ledger.values.refusals import LEDGER
from tests.ledger.http.conftest import BOOK, administer
from tests.ledger.http.test_commands import debit, payment


@pytest.fixture
def book(database_url: str) -> str:
    administer(database_url, BOOK)
    return database_url


def post(ledger: Ledger, *records: dict[str, Any]) -> None:
    ledger.post([parse(record) for record in records])


def read(url: str, after: str | None = None, *, most: int = feed.MOST) -> tuple[list[Any], str]:
    with psycopg.connect(url) as connection:
        return feed.events(connection, after, LEDGER, most=most)


def walked(url: str, after: str | None = None, *, most: int) -> Iterator[Any]:
    """Yield all events, by pages of `most`."""
    while True:
        found, after = read(url, after, most=most)
        yield from found
        if not found:
            return


@pytest.mark.parametrize("most", [1, 3, 1000])
def test_every_change_and_transaction_is_an_event_in_order(book: str, most: int) -> None:
    """Brands, clients and accounts, then what was posted and declined, whatever the size of the pages."""
    ledger = Ledger(book)
    post(ledger, payment("p1"), debit("d1", "700.00"), debit("d2", "100.00"))
    ledger.close()
    found = list(walked(book, most=most))
    types = [event["type"] for event in found]
    assert types[:6] == [f"tiffin.change.{line['type']}" for line in BOOK]
    assert types[6:] == ["tiffin.transaction.posted", "tiffin.transaction.declined", "tiffin.transaction.posted"]
    assert len({event["id"] for event in found}) == len(found) == 9
    declined = found[7]["data"]
    assert (declined["key"], declined["code"], declined["message"][:18]) == (
        "d1",
        "insufficient_funds",
        "insufficient funds",
    )
    [moved] = found[8]["data"]["accounts"]
    assert (moved["reference"], moved["amount"], moved["balance_after"], moved["version"]) == (
        "anna",
        "-100.00",
        "200.00",
        2,
    )


def test_what_commits_late_is_not_lost(book: str) -> None:
    """A writer that took its number before another and commits after it: the reader waits for it, and misses neither."""
    _, cursor = read(book, "latest")
    ledger = Ledger(book)
    with psycopg.connect(book) as late:
        late.execute(
            "INSERT INTO change (kind, subject, after, business_date) VALUES ('brand', 'late', '{}', %s)",
            [date(2026, 3, 2)],
        )
        post(ledger, payment("p1"))
        before, cursor = read(book, cursor)
        assert before == []
    found, cursor = read(book, cursor)
    assert [event["type"] for event in found] == ["tiffin.change.brand", "tiffin.transaction.posted"]
    assert read(book, cursor)[0] == []
    ledger.close()


def test_readers_that_are_cut_off_see_all_of_busy_writers_once(book: str) -> None:
    """Four writers on two accounts, one reader: every version of an account once, in order; so, too, from the start."""
    _, cursor = read(book, "latest")

    def write(name: int) -> None:
        ledger = Ledger(book)
        for n in range(25):
            post(ledger, payment(f"p{name}.{n}", "1.00", "anna" if n % 2 else "boris"))
            post(
                ledger, {"type": "transfer", "key": f"t{name}.{n}", "account": "anna", "to": "boris", "amount": "0.01"}
            )
        ledger.close()

    writers = [threading.Thread(target=write, args=(name,)) for name in range(4)]
    for writer in writers:
        writer.start()
    seen: list[Any] = []
    while True:
        busy = any(writer.is_alive() for writer in writers)
        found, following = read(book, cursor, most=7)
        if len(seen) % 3:  # the reader is killed before it has kept what it read, and reads it again
            again, _ = read(book, cursor, most=7)
            assert [event["id"] for event in again[: len(found)]] == [event["id"] for event in found] or len(again) == 7
        seen += found
        cursor = following
        if not busy and not found:
            break
    posted = [event for event in seen if event["data"].get("status") == "posted"]
    assert len({event["id"] for event in seen}) == len(seen) == 200
    versions: dict[int, list[int]] = {}
    for event in posted:
        for moved in event["data"]["accounts"]:
            versions.setdefault(moved["account"], []).append(moved["version"])
    assert all(of_one == list(range(1, len(of_one) + 1)) for of_one in versions.values())
    assert len(list(walked(book, most=50))) == 206


def test_a_cursor_of_before_a_restore_gets_the_last_common_position(book: str) -> None:
    """Numbers of a lost tail are used again: the old cursor is refused, and the new one tells what is new."""
    ledger = Ledger(book)
    post(ledger, payment("p1"), payment("p2"))
    _, early = read(book, most=7)
    _, old = read(book)
    with psycopg.connect(book, autocommit=True) as owner:
        feed.begin_incarnation(owner)
    post(ledger, payment("p3"))
    ledger.close()
    for cursor, rest in ((old, ["p3"]), (early, ["p2", "p3"])):
        with pytest.raises(feed.Gone) as gone:
            read(book, cursor)
        assert [event["data"]["key"] for event in walked(book, gone.value.cursor, most=1)] == rest
    with psycopg.connect(book, autocommit=True) as owner:
        feed.begin_incarnation(owner)
    with pytest.raises(feed.Gone) as gone:
        read(book, old)
    assert [event["data"]["key"] for event in walked(book, gone.value.cursor, most=1)] == ["p3"]
    assert len(list(walked(book, most=2))) == 9


def test_rows_of_before_the_feed_come_first(book: str) -> None:
    """An upgraded book has rows without a place: they are told too, once, before all others."""
    ledger = Ledger(book)
    post(ledger, payment("p1"))
    with psycopg.connect(book, autocommit=True) as owner:
        owner.execute("SET session_replication_role = replica")
        owner.execute("UPDATE transaction SET xid = NULL")
        owner.execute("UPDATE change SET xid = NULL, place = NULL")
    post(ledger, payment("p2"))
    ledger.close()
    for most in (1, 4, 1000):
        assert [event["data"].get("key") for event in walked(book, most=most)] == [None] * 6 + ["p1", "p2"]


@pytest.mark.parametrize("text", ["", "x", "a.w.1.2", "a.w.1.2.x", "a.q.1.2.3", "a.w.1.2.3.4", "a.w.-1.2.3"])
def test_what_is_no_cursor_is_refused(text: str) -> None:
    """In one sentence."""
    with pytest.raises(Failure, match="not a cursor"):
        feed.Cursor.read(text)
