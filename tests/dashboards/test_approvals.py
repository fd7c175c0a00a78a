"""Four eyes: what needs a second person waits for one, and is posted once, with both their names."""

import json
import os
import re
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from dashboards import access
from ledger.administration.administration_lines import parse as record
from ledger.cli import post, shared
from ledger.core.commands import parse, scope_of
from ledger.core.outcomes import Done, Invalid, Posted
from ledger.errors import Failure
from ledger.food.cli import level
from ledger.food.core import commands as food
from ledger.food.postgres.post_orders import Desk as FoodDesk
from ledger.postgres import drafts, four_eyes, members
from ledger.postgres.database import connect
from ledger.postgres.post import Ledger
from reports.cli.desk import desk as cli
from tests.dashboards.conftest import opened, words
from tests.dashboards.test_desk import Desk, Sheet, balance, fill, press
from tests.dashboards.test_desk import book as book
from tests.dashboards.test_desk import desk as desk


@pytest.fixture(autouse=True)
def _rule(desk: Desk) -> None:
    """Let what moves 100.00 or more need a second person, and credit from 1000.00 on."""
    for kind, amount in (
        ("payout", "100"),
        ("adjustment", "100"),
        ("reverse", "100"),
        ("refund", "100"),
        ("credit_terms", "1000"),
    ):
        done = CliRunner().invoke(cli, ["four-eyes", kind, amount, "RUB"])
        assert done.exit_code == 0, done.output


def as_(monkeypatch: pytest.MonkeyPatch, login: str, role: members.Role) -> None:
    """Sit somebody else down at the screen."""
    monkeypatch.setattr(access, "person", lambda: access.Person(login, role))


def approvals() -> Any:
    """Open the page."""
    return opened("screens/approvals.py")


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
    with access.writing() as connection, pytest.raises(Failure, match="another person has to approve it"):
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
    payout = {**payout_of("150.00"), "key": "o1"}
    small = {**payout, "key": "o2", "amount": "10.00"}
    back = {"type": "reverse", "key": "v1", "transaction": "p1", "reason": "chargeback"}
    ledger = Ledger(database_url)
    for shell in (ledger, FoodDesk(ledger)):
        first, second, third = shell.post(
            [parse(payout), parse({**small, "key": f"o-{type(shell).__name__}"}), parse(back)]
        )
        assert isinstance(first, Invalid)
        assert first.message == "payout: from 100.00 RUB on it needs a second person, who agrees to it at the desk"
        assert isinstance(second, Posted)
        assert isinstance(third, Invalid)
    command = parse(payout)
    with connect(database_url) as connection, ledger.posting(connection, scope_of([command])) as posting:
        assert isinstance(posting.decide(command), Invalid)
        posting.book.held_back = None  # as a program of somebody's own may
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
        assert four_eyes.rules(connection)["payout", "RUB"] == 10000
        for statement in (
            "DELETE FROM desk.four_eyes",
            "UPDATE desk.draft SET decided_by = 'x'",
            "INSERT INTO desk.member (login, role) VALUES ('x', 'admin')",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)


def test_refunds_of_every_kind_are_money_too(desk: Desk, database_url: str) -> None:
    """Of a debit without an amount, of dishes, by a cancel, of what was not delivered; a small one is not."""
    items = [{"brand": "sushi", "sku": sku, "quantity": 1, "price": "60.00"} for sku in ("roll", "soup")]
    shop = FoodDesk(Ledger(database_url))

    def answers(*lines: dict[str, Any]) -> list[str]:
        outcomes = shop.post([food.parse(line) for line in lines])  # type: ignore[misc]
        return ["alone" if isinstance(o, four_eyes.Alone) else o.to_json()["status"] for o in outcomes]

    tea = {"brand": "sushi", "sku": "tea", "quantity": 1, "price": "5.00"}
    order = {"type": "order", "key": "o1", "account": "anna", "items": [*items, tea]}
    later = {"type": "order", "key": "o2", "account": "anna", "items": items[:1]}
    assert answers(order, later) == ["posted", "posted"]
    assert answers(
        {"type": "refund", "key": "f1", "debit": "d1"},
        {"type": "refund", "key": "f2", "debit": "d1", "amount": "99.99"},
        {"type": "refund_items", "key": "f3", "order": "o1", "amount": "120.00"},
        {"type": "cancel", "key": "f4", "order": "o1"},
        {"type": "deliver", "key": "f5", "order": "o1", "items": [{"sku": "tea", "quantity": 1}]},
        {"type": "cancel", "key": "f6", "order": "o2"},
        {"type": "refund_items", "key": "f7", "order": "o1", "items": [{"sku": "soup", "quantity": 1}]},
        {"type": "cancel", "key": "f8", "order": "o1", "fee": "10.00"},
    ) == ["alone", "posted", "alone", "alone", "alone", "posted", "posted", "posted"]
    shop.close()


def test_a_refund_waits_at_the_desk_and_is_posted_once_agreed(
    desk: Desk, book: Sheet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that is left, without an amount: the quote says how much; so it is with an order's dishes."""
    shop = FoodDesk(Ledger(str(os.environ["TIFFIN_DATABASE_URL"])))
    items = [{"brand": "sushi", "sku": "roll", "quantity": 1, "price": "150.00"}]
    [placed] = shop.post([food.parse({"type": "order", "key": "o1", "account": "anna", "items": items})])  # type: ignore[list-item]
    shop.close()
    assert isinstance(placed, Posted)
    for transaction in ("d1", placed.transaction):
        as_(monkeypatch, "o.petrova", "accountant")
        assert "Waits for another person" in words(press(desk("refund", transaction=transaction), "Check", "Post"))
        as_(monkeypatch, "d.director", "approver")
        page = press(approvals(), "Agree and post")
        assert "Posted as transaction" in words(page)
        assert "asked for by o.petrova, agreed to by d.director · posted as transaction" in words(page)
    assert balance(book, "anna") == 100000


def test_credit_terms_wait_for_another_person(desk: Desk, book: Sheet, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the limit on; what was agreed so far is shown beside it, and that it changed meanwhile."""
    kept = 'SELECT credit_limit, "by" FROM credit_terms ORDER BY id'
    as_(monkeypatch, "o.petrova", "accountant")
    assert "Done" in words(press(fill(desk("credit", account="anna"), limit="999.99"), "Save"))
    app = press(fill(desk("credit", account="anna"), limit="5000"), "Save")
    assert "Waits for another person" in words(app)
    assert book.execute(kept).fetchall() == [(99999, "o.petrova")]
    as_(monkeypatch, "d.director", "approver")
    page = approvals()
    assert "limit **5000**" in words(page)
    assert "Agreed so far: limit **999.99**" in words(page)
    assert "terms have changed" not in words(page)
    as_(monkeypatch, "i.sidorov", "accountant")
    press(fill(desk("credit", account="anna"), limit="500"), "Save")
    as_(monkeypatch, "d.director", "approver")
    page = approvals()
    assert "Terms have changed since it was requested" in words(page)
    assert "Done" in words(press(page, "Agree and post"))
    assert book.execute(kept).fetchall()[-1] == (500000, "o.petrova")
    as_(monkeypatch, "o.petrova", "accountant")
    assert "Agreed to by d.director" in words(desk("credit", account="anna", draft=app.query_params["draft"]))


def test_credit_terms_are_held_wherever_they_enter(
    desk: Desk, book: Sheet, monkeypatch: pytest.MonkeyPatch, database_url: str, tmp_path: Path
) -> None:
    """The ledger's shell, the command line, SQL; what was agreed to is this very line, once."""
    big = {"type": "credit_terms", "account": "anna", "limit": "5000.00"}
    ledger = Ledger(database_url)
    [outcome] = ledger.administer([record(big)])
    assert isinstance(outcome, four_eyes.Alone)
    assert outcome.message.startswith("credit_terms: from 1000.00 RUB on it needs a second person")
    monkeypatch.setattr(shared, "level", level)
    sent = tmp_path / "lines.jsonl"
    sent.write_text(json.dumps(big) + "\n" + json.dumps({**payout_of("200.00"), "key": "o1"}) + "\n")
    done = CliRunner().invoke(post.app, ["post", str(sent)])
    assert done.output.count("needs a second person") == 2
    with pytest.raises(psycopg.errors.RestrictViolation, match="second person"):
        book.execute(
            "INSERT INTO credit_terms (account_id, credit_limit, valid_from) "
            "SELECT id, 500000, '2020-01-01' FROM account WHERE reference = 'anna'"
        )
    as_(monkeypatch, "o.petrova", "accountant")
    press(fill(desk("credit", account="anna"), limit="5000"), "Save")
    with access.writing() as connection:
        drafts.decide(connection, drafts.waiting(connection)[0].id, "d.director", "waiting")
    assert isinstance(ledger.administer([record({**big, "limit": "5000.01", "by": "o.petrova"})])[0], four_eyes.Alone)
    assert isinstance(ledger.administer([record({**big, "limit": "999.00"})])[0], Done)
    ledger.close()
    assert book.execute("SELECT credit_limit FROM credit_terms").fetchall() == [(99900,)]


def test_amounts_are_of_a_currency(desk: Desk, book: Sheet, database_url: str) -> None:
    """100 dollars are not 100 roubles: a currency without an amount of its own always needs a second person."""
    ledger = Ledger(database_url)
    ledger.administer([record({"type": "account", "reference": "dollars", "party": "boris", "currency": "USD"})])
    paid = {"type": "payment", "key": "u1", "account": "dollars", "amount": "500.00", "brand": "sushi"}
    assert isinstance(ledger.post([parse(paid)])[0], Posted)

    def answer(key: str, amount: str, account: str = "dollars") -> str:
        [outcome] = ledger.post([parse({**payout_of(amount), "key": key, "account": account})])
        return outcome.message if isinstance(outcome, Invalid) else outcome.to_json()["status"]

    assert answer("u2", "1.00").startswith("payout: from 0.00 USD on")
    assert answer("r2", "99.99", "anna") == "posted"
    assert CliRunner().invoke(cli, ["four-eyes", "payout", "2.00", "USD"]).exit_code == 0
    assert answer("u3", "1.99") == "posted"
    assert answer("u4", "2.00").startswith("payout: from 2.00 USD on")
    assert CliRunner().invoke(cli, ["four-eyes", "payout", "never", "USD"]).exit_code == 0
    assert answer("u5", "300.00") == "posted"
    assert answer("r5", "100.00", "anna").startswith("payout: from 100.00 RUB on")
    listed = CliRunner().invoke(cli, ["list"]).output
    assert re.search(r"payout +RUB +from 100.00\npayout +USD +never", listed)
    assert CliRunner().invoke(cli, ["four-eyes", "payout", "never"]).exit_code == 0
    assert answer("r6", "100.00", "anna") == "posted"
    ledger.close()


def payout_of(amount: str) -> dict[str, Any]:
    """Return a payout to Anna, without its key."""
    return {"type": "payout", "account": "anna", "amount": amount, "brand": "sushi", "channel": "bank"}
