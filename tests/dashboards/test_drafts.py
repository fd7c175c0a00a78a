"""A form is a draft until it is answered: whatever happens to the browser or the server, it is posted once."""

from typing import Any

import pytest

from dashboards import access
from ledger.food.core import commands
from ledger.food.postgres.post_orders import Desk as FoodDesk
from ledger.postgres.drafts import SIMILAR_MINUTES
from ledger.postgres.post import Ledger
from tests.dashboards.conftest import words
from tests.dashboards.test_desk import Desk, Sheet, fill, press
from tests.dashboards.test_desk import book as book
from tests.dashboards.test_desk import desk as desk

FORMS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "payment": ({}, {"account": "anna", "amount": "120.50", "brand": "sushi"}, "payment"),
    "payout": ({"account": "anna"}, {"amount": "25"}, "payout"),
    "transfer": ({"account": "anna"}, {"to": "boris", "amount": "20"}, "transfer"),
    "adjustment": ({"account": "anna"}, {"amount": "-5", "reason": "slip"}, "adjustment"),
    "move": ({}, {"brand": "sushi", "amount": "10"}, "move"),
    "refund": ({"transaction": "d1"}, {"amount": "30"}, "refund"),
    "reverse": ({"transaction": "p1"}, {"amount": "40", "reason": "chargeback"}, "reverse"),
    "allocate": ({"payment": "p2"}, {"account__0": "boris"}, "allocate"),
}
ALL = pytest.mark.parametrize("form", FORMS)


def pressed(desk: Desk, form: str, *labels: str, **about: Any) -> Any:
    """Fill a form in, and press buttons."""
    given, typed, _ = FORMS[form]
    return press(fill(desk(form, **given, **about), **typed), *labels)


def buttons(form: str) -> tuple[str, ...]:
    """Return what posts a form."""
    return ("Post",) if form == "payment" else ("Check", "Post")


def once(book: Sheet, form: str) -> bool:
    """Return whether the desk posted exactly one transaction, of this form."""
    rows = book.execute("SELECT kind FROM transaction WHERE key LIKE 'desk-%' AND status = 'posted'").fetchall()
    return rows == [(FORMS[form][2],)]


@ALL
def test_after_a_reload_the_form_says_as_what_it_was_posted(desk: Desk, book: Sheet, form: str) -> None:
    """A new session knows nothing but the address; it shows the answer, and nothing to press again."""
    app = pressed(desk, form, *buttons(form))
    draft = app.query_params["draft"]
    [number] = book.execute("SELECT id FROM transaction WHERE key = %s", [f"desk-{draft}"]).fetchall()[0]
    again = desk(form, **FORMS[form][0], draft=draft)
    assert f"Posted as transaction {number}" in words(again)
    assert not [button for button in again.button if button.label in ("Post", "Check")]
    assert once(book, form)


@ALL
def test_what_was_typed_and_not_posted_is_there_again(desk: Desk, book: Sheet, form: str) -> None:
    """And is posted from there, once."""
    app = pressed(desk, form, "Check")
    again = desk(form, **FORMS[form][0], draft=app.query_params["draft"])
    assert "Not posted yet" in words(again)
    assert not once(book, form)
    press(again, *buttons(form))
    assert "Posted as transaction" in words(again)
    assert once(book, form)


@ALL
def test_a_server_killed_after_the_commit_had_posted(desk: Desk, book: Sheet, form: str, database_url: str) -> None:
    """The answer never came; the address tells it, and the same typed into it again is the same."""
    app = pressed(desk, form, "Check")
    draft = app.query_params["draft"]
    [line] = book.execute("SELECT lines -> 0 FROM desk.draft WHERE id = %s", [draft]).fetchall()[0]
    shell = FoodDesk(Ledger(database_url))
    shell.post([commands.parse({**line, "key": f"desk-{draft}"})])  # type: ignore[list-item]
    shell.close()
    assert "nothing was posted twice" in words(press(app, *buttons(form)[-1:]))
    assert "Posted as transaction" in words(desk(form, **FORMS[form][0], draft=draft))
    assert once(book, form)


@ALL
def test_two_tabs_of_one_form_post_once(desk: Desk, book: Sheet, form: str) -> None:
    """The second is told what the first did, also when something else was typed into it."""
    draft = desk(form, **FORMS[form][0]).query_params["draft"]
    first, second = (pressed(desk, form, draft=draft) for _ in range(2))
    press(first, *buttons(form))
    if form == "payment":
        fill(second, amount="77")
    press(second, buttons(form)[0])
    assert "nothing was posted twice" in words(second)
    assert once(book, form)


def test_another_persons_draft_stays_theirs(desk: Desk, book: Sheet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its address shows nothing of it, and posts under another key."""
    draft = pressed(desk, "payment", "Check").query_params["draft"]
    monkeypatch.setenv("LOGNAME", "i.sidorov")
    assert access.person().login == "i.sidorov"
    app = desk("payment", draft=draft)
    assert app.query_params["draft"] != draft
    assert app.text_input(key="payment/amount").value == ""
    press(fill(app, **FORMS["payment"][1]), "Post")
    [posted] = book.execute("SELECT key, \"by\" FROM transaction WHERE key LIKE 'desk-%'").fetchall()
    assert posted[0] != f"desk-{draft}"
    assert posted[1] == "i.sidorov"


@ALL
def test_the_same_again_within_minutes_is_asked_about(desk: Desk, book: Sheet, form: str) -> None:
    """A new form, the same account and amount: the button says that it is once more; later, it does not."""
    if form in ("allocate", "reverse"):
        return  # the ledger has nothing left to do it with, or it is another thing: the next test
    pressed(desk, form, *buttons(form))
    again = pressed(desk, form, buttons(form)[0])
    assert "is this another one?" in words(again)
    assert once(book, form)
    press(again, "Post once more")
    assert not once(book, form)
    book.execute("UPDATE desk.draft SET changed_at = changed_at - make_interval(mins => %s)", [SIMILAR_MINUTES + 1])
    assert "is this another one?" not in words(pressed(desk, form, "Check"))


def test_what_another_person_posted_is_not_the_same(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two cashiers may take the same sum."""
    pressed(desk, "payment", "Post")
    monkeypatch.setenv("LOGNAME", "i.sidorov")
    assert "Posted as transaction" in words(pressed(desk, "payment", "Post"))


def test_a_refusal_leaves_what_was_typed_and_gives_a_new_key(desk: Desk, book: Sheet) -> None:
    """The ledger keeps a refusal for ever under its key; the next attempt is another command."""
    app = press(fill(desk("payout", account="anna"), amount="300"), "Check")
    draft = app.query_params["draft"]
    press(fill(desk("payout", account="anna"), amount="200"), "Check", "Post")
    press(app, "Post")
    assert "insufficient funds" in words(app).lower()
    assert app.query_params["draft"] != draft
    assert app.text_input(key="payout 1000017/amount").value == "300"
    press(fill(app, amount="50"), "Check", "Post")
    rows = book.execute("SELECT status, amount FROM transaction WHERE kind = 'payout' ORDER BY id").fetchall()
    assert rows == [("posted", 20000), ("declined", 30000), ("posted", 5000)]


@pytest.mark.parametrize(
    ("form", "about", "typed"),
    [
        ("credit", {"account": "anna"}, {"limit": "500", "valid_from": None}),
        ("status", {"account": "anna"}, {"status": "frozen"}),
    ],
)
def test_terms_are_drafts_too(desk: Desk, book: Sheet, form: str, about: Any, typed: Any) -> None:
    """What was saved is answered, and the next change is another draft."""
    app = desk(form, **about)
    draft = app.query_params["draft"]
    press(fill(app, **{name: value for name, value in typed.items() if value}), "Save")
    rows = book.execute("SELECT who, state FROM desk.draft").fetchall()
    assert rows in ([("o.petrova", "answered")], [("o.petrova", "open")])
    if rows[0][1] == "answered":
        assert app.query_params["draft"] != draft
    else:
        assert "Not saved yet" in words(desk(form, **about, draft=draft))
