"""The desk over a real ledger: what is filled in is posted, once, by whoever says who he is."""

from pathlib import Path
from typing import Any

import psycopg
import pytest
from streamlit.testing.v1 import AppTest

from ledger.database import connect
from ledger.outcomes import Done
from ledger.post import Ledger
from ledger.records import parse
from reports.lake.making import frequent_cut
from tests.dashboards.conftest import APP, words

BOOK: list[dict[str, Any]] = [
    {"type": "brand", "code": "sushi", "name": "Sushi House"},
    {"type": "party", "reference": "anna", "kind": "individual", "name": "Anna K."},
    {"type": "account", "reference": "anna", "party": "anna", "currency": "RUB"},
]
PAYMENT, LIMIT, TERMS, STATUS = "Register a payment", "Set a write-off limit", "Set credit terms", "Freeze"


@pytest.fixture
def desk(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """Open the desk of a book with one account, as O. Petrova."""
    ledger = Ledger(database_url)
    assert all(isinstance(outcome, Done) for outcome in ledger.administer([parse(line) for line in BOOK]))
    ledger.close()
    frequent_cut(database_url, str(tmp_path / "lake"))
    monkeypatch.setenv("TIFFIN_DATABASE_URL", database_url)
    monkeypatch.setenv("TIFFIN_LAKE", str(tmp_path / "lake"))
    app = AppTest.from_file(str(APP), default_timeout=60).run()
    app.switch_page("desk.py").run()
    app.text_input(key="by").set_value("o.petrova").run()
    assert not app.exception
    return app


@pytest.fixture
def book(database_url: str) -> psycopg.Connection[Any]:
    """Return a connection to the ledger's own tables."""
    return connect(database_url, autocommit=True)


def fill(app: AppTest, tab: str, **given: str) -> None:
    """Fill fields of a tab's form by their labels."""
    form = next(found for found in app.tabs if found.label.startswith(tab))
    fields = {field.label: field for kind in ("text_input", "selectbox") for field in form.get(kind)}
    for label, value in given.items():
        fields[label.replace("_", " ")].set_value(value)


def press(app: AppTest, tab: str, button: str) -> None:
    """Press a tab's button."""
    form = next(found for found in app.tabs if found.label.startswith(tab))
    next(found for found in form.button if found.label == button).click().run()
    assert not app.exception


ANNA = {"Account_number_or_reference": "anna"}
PAID = {**ANNA, "Amount": "120.50", "Brand": "sushi"}


def payments(book: psycopg.Connection[Any]) -> list[Any]:
    """Return the payments in the ledger."""
    return book.execute('SELECT key, amount, "by" FROM transaction WHERE kind = %s', ["payment"]).fetchall()


def test_a_payment_is_posted_with_who_made_it(desk: AppTest, book: psycopg.Connection[Any]) -> None:
    """And its answer shows the balance."""
    fill(desk, PAYMENT, **PAID)
    press(desk, PAYMENT, "Post")
    assert "120.50" in words(desk)
    ((key, amount, by),) = payments(book)
    assert (key.startswith("desk-"), amount, by) == (True, 12050, "o.petrova")


def test_checking_posts_nothing(desk: AppTest, book: psycopg.Connection[Any]) -> None:
    """It says what would happen."""
    fill(desk, PAYMENT, **PAID)
    press(desk, PAYMENT, "Check")
    assert "Would be posted" in words(desk)
    assert payments(book) == []


def test_pressing_again_after_a_lost_answer_posts_once(desk: AppTest, book: psycopg.Connection[Any]) -> None:
    """The form's key outlives the answer: the ledger replays, and the screen says so."""
    fill(desk, PAYMENT, **PAID)
    press(desk, PAYMENT, "Post")
    del desk.session_state[f"answer of {PAYMENT}"]  # as if the run had been broken off after the commit
    desk.run()
    fill(desk, PAYMENT, **PAID)
    press(desk, PAYMENT, "Post")
    assert "nothing was posted twice" in words(desk)
    assert len(payments(book)) == 1


def test_another_payment_of_the_same_amount_is_another(desk: AppTest, book: psycopg.Connection[Any]) -> None:
    """A new form has a new key."""
    for _ in range(2):
        fill(desk, PAYMENT, **PAID)
        press(desk, PAYMENT, "Post")
        press(desk, PAYMENT, "Another one")
    assert len(payments(book)) == 2


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({**PAID, "Amount": "10.005"}, "10.005 has more than two decimals"),
        ({**ANNA, "Amount": "5"}, "brand: is missing"),
        ({**PAID, "Account_number_or_reference": "vera"}, "no such account"),
        ({**PAID, "Account_number_or_reference": "1000018"}, "check digit"),
    ],
)
def test_what_cannot_be_posted_is_one_sentence(
    desk: AppTest, book: psycopg.Connection[Any], given: dict[str, str], sentence: str
) -> None:
    """And no money moves."""
    fill(desk, PAYMENT, **given)
    press(desk, PAYMENT, "Post")
    assert sentence in desk.error[0].value
    assert book.execute("SELECT count(*) FROM entry").fetchone() == (0,)


def test_terms_limits_and_status_are_set_by_somebody(desk: AppTest, book: psycopg.Connection[Any]) -> None:
    """Each is in the audit log under the name; a blank value of a limit is no limit."""
    fill(desk, TERMS, **ANNA, Limit="1000", Days_to_pay="30")
    press(desk, TERMS, "Save")
    fill(desk, LIMIT, **{"Payer's_account": "anna", "At_most,_times": "3"})
    press(desk, LIMIT, "Save")
    fill(desk, STATUS, **ANNA, Status="frozen")
    press(desk, STATUS, "Save")
    assert not desk.error
    assert book.execute("SELECT credit_limit, period_days FROM credit_terms").fetchall() == [(100000, 30)]
    assert book.execute('SELECT period, amount, "count" FROM write_off_limit').fetchall() == [("day", None, 3)]
    assert book.execute("SELECT status FROM account WHERE reference = 'anna'").fetchone() == ("frozen",)
    assert book.execute('SELECT DISTINCT "by" FROM change WHERE "by" IS NOT NULL').fetchall() == [("o.petrova",)]


def test_the_desk_sees_the_ledger_as_it_is_now(desk: AppTest) -> None:
    """The balance after a payment that no cut has yet."""
    fill(desk, PAYMENT, **PAID)
    press(desk, PAYMENT, "Post")
    desk.text_input(key="now").set_value("anna").run()
    assert "120.50" in words(desk)


def test_without_a_name_nothing_can_be_done(desk: AppTest) -> None:
    """Every change says who made it."""
    desk.text_input(key="by").set_value(" ").run()
    assert not desk.tabs
