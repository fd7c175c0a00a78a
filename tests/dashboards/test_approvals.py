"""Four eyes: what needs a second person waits for one, and is posted once, with both their names."""

from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from dashboards import access
from ledger.core.commands import parse, scope_of
from ledger.core.outcomes import Invalid, Posted
from ledger.errors import Failure
from ledger.food.postgres.post_orders import Desk as FoodDesk
from ledger.postgres import drafts, four_eyes, members
from ledger.postgres.database import connect
from ledger.postgres.post import Ledger
from reports.cli.desk import desk as cli
from tests.dashboards.conftest import APP, words
from tests.dashboards.test_desk import Desk, Sheet, balance, fill, press
from tests.dashboards.test_desk import book as book
from tests.dashboards.test_desk import desk as desk


@pytest.fixture(autouse=True)
def _rule(desk: Desk) -> None:
    """Let payouts and corrections from 100.00 on need a second person."""
    for kind in ("payout", "adjustment", "reverse"):
        done = CliRunner().invoke(cli, ["four-eyes", kind, "100.00"])
        assert done.exit_code == 0, done.output


def as_(monkeypatch: pytest.MonkeyPatch, login: str, role: members.Role) -> None:
    """Sit somebody else down at the screen."""
    monkeypatch.setattr(access, "person", lambda: access.Person(login, role))


def approvals() -> Any:
    """Open the page."""
    from streamlit.testing.v1 import AppTest

    app = AppTest.from_file(str(APP), default_timeout=60)
    app.session_state["language"] = "en"
    app.run()
    app.switch_page("screens/approvals.py").run()
    assert not app.exception, app.exception
    return app


def asked(desk: Desk, monkeypatch: pytest.MonkeyPatch, amount: str = "150") -> str:
    """Ask, as O. Petrova, for a payout to Anna, who has 300.00; return the draft's id."""
    as_(monkeypatch, "o.petrova", "accountant")
    app = press(fill(desk("payout", account="anna"), amount=amount), "Check", "Post")
    assert "Waits for another person" in words(app)
    return str(app.query_params["draft"])


def test_two_people_and_an_approver_work_a_payout_through(
    desk: Desk, book: Sheet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One asks, another who may not approve has no such page, the approver agrees: posted once, both are named."""
    draft = asked(desk, monkeypatch)
    assert balance(book, "anna") == 30000
    as_(monkeypatch, "i.sidorov", "accountant")
    with pytest.raises(ValueError, match="approvals"):
        approvals()
    as_(monkeypatch, "d.director", "approver")
    page = approvals()
    assert "o.petrova" in words(page)
    assert "balance after **150.00**" in words(page)
    assert "Posted as transaction" in words(press(page, "Agree and post"))
    assert balance(book, "anna") == 15000
    assert book.execute("SELECT \"by\", key FROM transaction WHERE kind = 'payout'").fetchall() == [
        ("o.petrova", f"desk-{draft}")
    ]
    who = book.execute("SELECT who, decided_by, state FROM desk.draft WHERE id = %s", [draft]).fetchone()
    assert who == ("o.petrova", "d.director", "answered")
    assert "Nothing waits" in words(approvals())
    as_(monkeypatch, "o.petrova", "accountant")
    assert "Posted as transaction" in words(desk("payout", account="anna", draft=draft))


def test_nobody_agrees_to_what_he_asked_for(desk: Desk, book: Sheet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not on the page, not by the function behind it, not in SQL: the table itself refuses it."""
    draft = asked(desk, monkeypatch)
    as_(monkeypatch, "O.Petrova", "admin")
    page = approvals()
    assert "You asked for this" in words(page).replace("you asked", "You asked")
    assert not [button for button in page.button if button.label == "Agree and post"]
    with access.writing() as connection, pytest.raises(Failure, match="another person agrees to it"):
        drafts.decide(connection, drafts.waiting(connection)[0].id, "O.Petrova", "waiting")
    with pytest.raises(psycopg.errors.CheckViolation):
        book.execute("UPDATE desk.draft SET decided_by = 'o.petrova' WHERE id = %s", [draft])
    assert balance(book, "anna") == 30000


def test_below_the_amount_nobody_else_is_needed(desk: Desk, book: Sheet, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a payment never needs one."""
    as_(monkeypatch, "o.petrova", "accountant")
    assert "Posted as" in words(press(fill(desk("payout", account="anna"), amount="99.99"), "Check", "Post"))
    assert balance(book, "anna") == 20001


def test_a_refusal_says_why_and_stays_unposted(desk: Desk, book: Sheet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asked finds it where it was asked."""
    draft = asked(desk, monkeypatch)
    as_(monkeypatch, "d.director", "approver")
    page = approvals()
    next(box for box in page.text_input if str(box.key).startswith("why")).set_value("paid already")
    press(page, "Refuse")
    as_(monkeypatch, "o.petrova", "accountant")
    assert "paid already" in words(desk("payout", account="anna", draft=draft))
    assert balance(book, "anna") == 30000


def test_what_cannot_be_posted_any_more_is_outdated(desk: Desk, book: Sheet, monkeypatch: pytest.MonkeyPatch) -> None:
    """The money went elsewhere meanwhile: agreeing posts nothing, and why is kept."""
    draft = asked(desk, monkeypatch)
    press(fill(desk("transfer", account="anna"), to="boris", amount="200"), "Check", "Post")
    as_(monkeypatch, "d.director", "approver")
    press(approvals(), "Agree and post")
    as_(monkeypatch, "o.petrova", "accountant")
    assert "insufficient funds" in words(desk("payout", account="anna", draft=draft))
    assert balance(book, "anna") == 10000
    assert book.execute("SELECT count(*) FROM transaction WHERE kind = 'payout'").fetchone() == (0,)


def test_no_other_way_in_walks_around_it(
    desk: Desk, book: Sheet, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    """The shells of both levels answer invalid and keep nothing; the seam below them is stopped by the database."""
    payout = {"type": "payout", "key": "o1", "account": "anna", "amount": "150.00", "brand": "sushi", "channel": "bank"}
    small = {**payout, "key": "o2", "amount": "10.00"}
    back = {"type": "reverse", "key": "v1", "transaction": "p1", "reason": "chargeback"}
    ledger = Ledger(database_url)
    for shell in (ledger, FoodDesk(ledger)):
        first, second, third = shell.post(
            [parse(payout), parse({**small, "key": f"o-{type(shell).__name__}"}), parse(back)]
        )
        assert isinstance(first, Invalid)
        assert first.message == "payout: from 100.00 on it needs a second person, who agrees to it at the desk"
        assert isinstance(second, Posted)
        assert isinstance(third, Invalid)
    command = parse(payout)
    with connect(database_url) as connection, ledger.posting(connection, scope_of([command])) as posting:
        posting.decide(command)
        with pytest.raises(psycopg.errors.RestrictViolation, match="second person"):
            posting.write()
    draft = asked(desk, monkeypatch, "140")
    with access.writing() as connection:
        drafts.decide(connection, drafts.waiting(connection)[0].id, "d.director", "waiting")
    other = {**payout, "key": f"desk-{draft}", "by": "o.petrova"}
    [outcome] = ledger.post([parse(other)])  # agreed to was another amount
    assert isinstance(outcome, Invalid)
    ledger.close()
    assert balance(book, "anna") == 28000


def test_an_order_systems_login_neither_asks_nor_agrees(desk: Desk, database_url: str) -> None:
    """It may post, and read which rules there are."""
    with connect(database_url, autocommit=True) as connection:
        connection.execute("SET ROLE tiffin_writer")
        assert four_eyes.rules(connection)["payout"] == 10000
        for statement in (
            "DELETE FROM desk.four_eyes",
            "UPDATE desk.draft SET decided_by = 'x'",
            "INSERT INTO desk.member (login, role) VALUES ('x', 'admin')",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
