"""A lake knows which ledger it was made from, and nothing is published or closed that was not verified."""

import os
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import polars as pl
import psycopg
import pytest

from ledger.core.commands import Payment
from ledger.errors import Failure
from ledger.postgres.post import Ledger
from reports.lake import delta, manifest
from reports.lake.manifest import PinnedTable
from reports.lake.publish_cut import frequent_cut, nightly_cut, rebuild
from reports.lake.reader import Lake, open_lake
from reports.lake.schema import Table
from reports.lake.storage import Place
from reports.lake.verify import verify
from tests.conftest import made
from tests.reports.lake.conftest import NEW_YEARS_EVE
from tests.reports.lake.rows import add_transactions

NEW_YEARS_DAY = date(2026, 1, 1)


def changed(url: str, sql: str) -> None:
    """Change a database behind its guards."""
    with psycopg.connect(url) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(sql)


def book_of(url: str) -> tuple[date | None, date | None]:
    """Return up to which day the book is closed, and is being closed."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT closed_until, closing FROM book").fetchone()
    assert row is not None
    return row


@pytest.fixture
def restored(server: str, book: str) -> Iterator[str]:
    """Return the book as it stood at New Year's Eve: what a point-in-time restore brings back."""
    yield from made(server, f"tiffin_restored_{os.getpid()}", urlsplit(book).path.strip("/"))


def test_a_restored_ledger_with_other_transactions_is_refused(book: str, restored: str, lake: str) -> None:
    """
    601 to 660 are in the lake and lost by the restore; other commands take their numbers, up to 680.

    A cut would add 661 to 680 to a lake of the other past. It is refused, and rebuilding says what differs.
    """
    add_transactions(book, 60, since=NEW_YEARS_DAY, days=1)
    opened, _ = nightly_cut(book, lake, NEW_YEARS_EVE)
    add_transactions(restored, 80, since=NEW_YEARS_DAY, days=1)
    changed(restored, "UPDATE transaction SET key = 'again-' || id WHERE id > 600")
    changed(restored, "UPDATE book SET incarnation = 'that of the other'")
    with pytest.raises(Failure) as refused:
        nightly_cut(restored, lake, NEW_YEARS_DAY)
    assert str(refused.value) == (
        f"the ledger is not the one that cut {opened.cut.number} of the lake at {lake} was made from: transaction 660 "
        "has key again-660, not key-660; no cut was made: restore the database further, or run tiffin lake rebuild "
        "to export what the ledger has now and to see where it differs"
    )
    with pytest.raises(Failure, match="not the one that cut"):
        frequent_cut(restored, lake)
    assert book_of(restored) == (None, None)
    assert open_lake(lake).cut == opened.cut

    anew, unlike = rebuild(restored, lake)
    assert anew.cut.last_transaction == 680
    assert {sentence.partition(":")[0] for sentence in unlike} >= {f"transactions, id {id_}" for id_ in (601, 660)}
    closed, _ = nightly_cut(restored, lake, NEW_YEARS_DAY)
    assert closed.cut.closed_until == NEW_YEARS_DAY


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            "DELETE FROM transaction WHERE id = 600",
            "the cut has transactions up to 600, key-600, the ledger has no 600 and ends at 599",
        ),
        (
            "UPDATE transaction SET fingerprint = '\\x01' WHERE id = 600",
            "transaction 600, key-600, has fingerprint 01, not 00",
        ),
        ("UPDATE book SET incarnation = 'b'", "it is incarnation b of the book, not [-0-9a-f]{36}: it was restored"),
    ],
)
def test_each_way_of_being_another_ledger_is_named(book: str, lake: str, change: str, sentence: str) -> None:
    """The last transaction lost, or another one under its key; another incarnation of the same book."""
    frequent_cut(book, lake)
    changed(book, change)
    with pytest.raises(Failure, match=sentence):
        nightly_cut(book, lake, NEW_YEARS_EVE)
    assert book_of(book) == (None, None)


def test_a_lake_of_an_earlier_release_is_known_by_the_key_of_its_last_transaction(book: str, lake: str) -> None:
    """Its manifest pins no ledger; the lake itself has the key."""
    frequent_cut(book, lake)
    latest = manifest.current(Place(lake))
    assert latest is not None
    manifest.publish(Place(lake), latest.manifest.model_copy(update={"ledger": None}))
    changed(book, "UPDATE transaction SET key = 'other' WHERE id = 600")
    with pytest.raises(Failure, match="transaction 600 has key other, not key-600"):
        nightly_cut(book, lake, NEW_YEARS_EVE)
    changed(book, "UPDATE transaction SET key = 'key-600' WHERE id = 600")
    assert nightly_cut(book, lake, NEW_YEARS_EVE)[1]


def test_a_cut_that_does_not_hold_is_neither_published_nor_closed(book: str, lake: str) -> None:
    """One kopeck behind the guards: the pointer stays, the day stays open. Put right, the night goes through."""
    frequent_cut(book, lake)
    add_transactions(book, 20, since=NEW_YEARS_EVE, days=1)
    changed(book, "UPDATE entry SET amount = amount + 1 WHERE transaction_id = 610 AND leg = 1")
    with pytest.raises(Failure, match=r"nothing was published and no day closed.*transaction 610"):
        nightly_cut(book, lake, NEW_YEARS_EVE)
    assert open_lake(lake).cut.number == 1
    assert book_of(book) == (None, None)
    changed(book, "UPDATE entry SET amount = amount - 1 WHERE transaction_id = 610 AND leg = 1")
    opened, _ = nightly_cut(book, lake, NEW_YEARS_EVE)
    assert book_of(book) == (NEW_YEARS_EVE, None)
    assert opened.scan("closings").collect()["closed_until"].to_list() == [NEW_YEARS_EVE]
    assert [check for _, check in verify(book, lake) if not check.holds] == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("UPDATE entry SET amount = amount + 1 WHERE transaction_id = 610 AND leg = 1", "transaction 610: its entries"),
        (
            "UPDATE entry SET balance_after = balance_after + 1 WHERE transaction_id = 610 AND leg = 1",
            r"account \d+, version \d+, transaction 610: it does not follow",
        ),
        (
            "UPDATE balance SET balance = balance + 1 WHERE account_id = (SELECT account_id FROM transaction "
            "WHERE id = 610)",
            r"account \d+: balance and version are not those",
        ),
    ],
)
def test_a_frequent_cut_of_a_ledger_that_does_not_hold_is_not_published(
    book: str, lake: str, change: str, sentence: str
) -> None:
    """What is new since the cut before is tried: sums, histories, balances. Before, only the night tried them."""
    frequent_cut(book, lake)
    add_transactions(book, 20, since=NEW_YEARS_EVE, days=1)
    changed(book, change)
    with pytest.raises(Failure, match=f"nothing was published.*{sentence}"):
        frequent_cut(book, lake)
    assert open_lake(lake).cut.number == 1


@pytest.mark.parametrize(("name", "sentence"), [("entries", "entries, transaction_id "), ("accounts", "accounts: ")])
def test_a_cut_whose_files_are_not_what_the_ledger_has_is_not_published(
    book: str, lake: str, name: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row is lost on the way into a table, whether it grows or is written whole; a rebuilt lake is tried as well."""
    frequent_cut(book, lake)
    add_transactions(book, 20, since=NEW_YEARS_EVE, days=1)
    write = delta.write

    def losing(place: Place, table: Table, frames: Iterator[pl.DataFrame], **how: Any) -> PinnedTable:
        kept = (frame.head(-1) for frame in frames) if table.name == name else frames
        return write(place, table, kept, **how)

    monkeypatch.setattr(delta, "write", losing)
    for make in (frequent_cut, rebuild):
        with pytest.raises(Failure, match=f"nothing was published.*: {sentence}"):
            make(book, lake)
    assert open_lake(lake).cut.number == 1
    monkeypatch.undo()
    assert frequent_cut(book, lake)[1]
    assert [check for _, check in verify(book, lake) if not check.holds] == []


def test_while_a_cut_is_verified_its_day_takes_no_more_transactions(book: str, lake: str) -> None:
    """A payment of New Year's Eve comes in between: it is refused. If the cut does not hold, the next one is taken."""
    answers = []

    def pay(key: str) -> str:
        at = datetime(2025, 12, 31, 20, 59, tzinfo=UTC)
        ledger = Ledger(book)
        number = open_account(book)
        [outcome] = ledger.post([Payment(key=key, account=number, amount=Decimal("1.00"), brand="sushi", at=at)])
        ledger.close()
        return getattr(outcome, "code", None) or "posted"

    def broken(url: str, exported: Lake, closing: bool) -> None:
        answers.append(pay("during"))
        raise Failure("it does not hold")

    with pytest.raises(Failure, match="does not hold"):
        nightly_cut(book, lake, NEW_YEARS_EVE, check=broken)
    answers.append(pay("after"))
    assert answers == ["period_closed", "posted"]


def open_account(url: str) -> int:
    """Return an account in roubles."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT min(id) FROM account WHERE kind = 'money' AND currency = 'RUB'").fetchone()
    assert row is not None
    number: int = row[0]
    return number


def test_the_manifest_names_the_ledger(book: str, lake: str) -> None:
    """Key and fingerprint of the last transaction, and the incarnation of the book."""
    opened, _ = frequent_cut(book, lake)
    pinned = opened.manifest.ledger
    assert pinned is not None
    assert (pinned.key, pinned.fingerprint, len(pinned.incarnation)) == ("key-600", "00", 36)
    assert '"incarnation"' in (Path(lake) / manifest.name_of(1)).read_text()
