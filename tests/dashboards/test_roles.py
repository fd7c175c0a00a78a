"""The table of roles in docs/dashboard.md, cell by cell: the page by its address, and the command behind it."""

import os
from typing import NoReturn

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege, ReadOnlySqlTransaction

from dashboards import access
from dashboards.forms import posting
from ledger.errors import Failure
from ledger.postgres import desk_queries, members
from ledger.postgres.database import AnyConnection
from tests.dashboards.conftest import Open
from tests.dashboards.test_desk import Desk, Sheet
from tests.dashboards.test_desk import book as book
from tests.dashboards.test_desk import desk as desk

PAGES: dict[access.Action, tuple[str, ...]] = {
    "figures": (
        "accounts",
        "today",
        "close",
        "overview",
        "transaction",
        "entries",
        "standard",
        "declined",
        "about",
        "behind",
    ),
    "questions": ("explore", "sql"),
    "post": ("desk", "bank", "reminders"),
    "approve": ("approvals",),
}
TABLE: dict[members.Role, tuple[bool, bool, bool, bool]] = {
    "viewer": (True, False, False, False),
    "analyst": (True, True, False, False),
    "accountant": (True, True, True, False),
    "approver": (True, True, False, True),
    "admin": (True, True, True, True),
}
"""What docs/dashboard.md says: figures, questions, posting, approving."""


@pytest.mark.parametrize("brands", [None, ("sushi",)], ids=["all brands", "one brand"])
@pytest.mark.parametrize("role", TABLE)
def test_a_role_has_its_pages_and_commands_and_no_others(
    role: members.Role, brands: tuple[str, ...] | None, screen: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By address, and by the function that asks the ledger; of some brands only, nobody posts or approves."""
    app = screen("screens/about.py")
    monkeypatch.setattr(access, "person", lambda: access.Person("somebody", role, brands))
    app.run()
    for (action, pages), may in zip(PAGES.items(), TABLE[role], strict=True):
        may = may and (brands is None or action in ("figures", "questions"))
        assert access.person().may(action) is may
        if not may:
            for page in pages:
                with pytest.raises(ValueError, match=page):
                    app.switch_page(f"screens/{page}.py").run()
            with pytest.raises(Failure, match=f"somebody is {role} here, who may not do this"):
                access.require(action)
        elif action in ("figures", "questions"):
            for page in pages[:3]:
                app.switch_page(f"screens/{page}.py").run()
                assert not app.exception
    if not access.person().may("post"):
        with pytest.raises(Failure, match="may not do this"):
            posting.outcome_of("desk-x", {"type": "payment", "amount": "1", "brand": "sushi"}, post=True, action="post")
    if not access.person().may("approve"):
        with pytest.raises(Failure, match="may not do this"):
            posting.outcome_of("desk-x", {"type": "payment", "amount": "1", "brand": "sushi"}, post=True)


def test_a_page_that_tries_to_write_is_refused_by_the_database(
    desk: Desk, book: Sheet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages read as one role, in a transaction that only reads; what writes drafts can write nothing else."""
    statements = (
        "INSERT INTO brand (code, name) VALUES ('x', 'x')",
        "UPDATE desk.draft SET who = 'x'",
        "DELETE FROM entry",
        "UPDATE balance SET balance = 1",
        "SELECT * FROM webhook",
    )
    for statement in statements:
        with access.reading() as connection:
            assert connection.execute("SELECT current_user").fetchone() == ("tiffin_reader",)
            with pytest.raises((ReadOnlySqlTransaction, InsufficientPrivilege)):
                connection.execute(statement)
        with access.reading() as connection:
            connection.read_only = False  # as somebody may who knows how
            with pytest.raises(InsufficientPrivilege):
                connection.execute(statement)
        if "draft" not in statement:
            with pytest.raises(InsufficientPrivilege), access.writing() as connection:
                connection.execute(statement)

    def writes(connection: AnyConnection, _: object) -> NoReturn:
        connection.execute("INSERT INTO brand (code, name) VALUES ('x', 'x')")
        raise AssertionError("it was written")

    monkeypatch.setattr(desk_queries, "account", writes)
    with pytest.raises(AssertionError, match="read-only transaction"):
        desk("payout", account="anna")
    assert book.execute("SELECT count(*) FROM brand WHERE code = 'x'").fetchone() == (0,)
    with pytest.raises(Failure, match="may not act as nobody: run tiffin init again"):
        access._connected(os.environ["TIFFIN_DATABASE_URL"], "nobody")


def test_pages_read_on_one_connection_as_long_as_it_lives(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that the server ended is replaced; what failed on one leaves nothing; drafts are written on another."""
    monkeypatch.setenv("TIFFIN_DATABASE_URL", database_url)

    def session() -> tuple[int, str]:
        with access.reading() as connection:
            row = connection.execute("SELECT pg_backend_pid(), current_user::text").fetchone()
        assert row is not None
        return row

    first = session()
    assert first[1] == "tiffin_reader"
    assert session() == first
    with access.writing() as connection:
        assert connection.execute("SELECT current_user::text").fetchone() == ("tiffin_desk",)
    with psycopg.connect(database_url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [first[0]])
    second = session()
    assert second != first
    with pytest.raises(ZeroDivisionError), access.reading():
        raise ZeroDivisionError
    assert session() != second


def test_a_book_of_an_older_release_is_one_sentence_on_every_page(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table or a column that it lacks is no error of the page's."""
    monkeypatch.setenv("TIFFIN_DATABASE_URL", database_url)
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0043'")
        connection.execute("DROP TABLE desk.note")
    for sql in ("SELECT count(*) FROM desk.note", "SELECT shoe_size FROM party"):
        with pytest.raises(Failure, match=r"an older Tiffin .* run tiffin init"), access.reading() as connection:
            connection.execute(sql)
