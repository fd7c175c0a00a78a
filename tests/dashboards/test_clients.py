"""Clients, brands and what is agreed with them, on screen: what is saved is what the ledger has."""

from datetime import UTC, datetime, timedelta

from tests.dashboards.conftest import words
from tests.dashboards.test_desk import Desk, Sheet, fill, press
from tests.dashboards.test_desk import book as book
from tests.dashboards.test_desk import desk as desk


def test_a_client_is_made_with_an_account_and_changed(desk: Desk, book: Sheet) -> None:
    """One form: who it is, and the contract; what is emptied later is taken away."""
    app = desk("client", client="vera")
    assert "there is no such client yet" in words(app)
    given = {"name": "Vera P.", "phone": "+7 916 555", "email": "vera@example.org", "account": "vera-1"}
    press(fill(app, **given, holder="sushi", contract_number="D-1"), "Save")
    assert "Done" in words(app)
    party = "SELECT kind, name, phone, email FROM party WHERE reference = 'vera'"
    assert book.execute(party).fetchall() == [("individual", "Vera P.", "+7 916 555", "vera@example.org")]
    account = "SELECT currency, contract_number, b.code FROM account a JOIN brand b ON b.id = holder_id "
    assert book.execute(f"{account} WHERE a.reference = 'vera-1'").fetchall() == [("RUB", "D-1", "sushi")]
    app = desk("client", client="vera")
    assert (
        app.text_input(key=next(str(f.key) for f in app.text_input if str(f.key).endswith("/name"))).value == "Vera P."
    )
    press(fill(app, phone="", name="Vera K."), "Save")
    assert book.execute(party).fetchall() == [("individual", "Vera K.", None, "vera@example.org")]


def test_a_brand_is_added_and_closed(desk: Desk, book: Sheet) -> None:
    """Its tax number is checked as anywhere."""
    app = press(fill(desk("brand", brand="wok"), name="Wok", tax_id="123"), "Save")
    assert "is not a tax number of RU" in app.error[0].value
    press(fill(app, tax_id="7707083893", colour="#c0392b"), "Save")
    brand = "SELECT name, tax_id, colour, status FROM brand WHERE code = 'wok'"
    assert book.execute(brand).fetchall() == [("Wok", "7707083893", "#c0392b", "open")]
    press(fill(desk("brand", brand="wok"), status="closed"), "Save")
    assert book.execute(brand).fetchall() == [("Wok", "7707083893", "#c0392b", "closed")]


def test_saving_what_is_so_already_is_not_done(desk: Desk, book: Sheet) -> None:
    """Of every form of terms: nothing is written, and the page says so, or says what is missing."""
    for form, about in (
        ("status", {"account": "anna"}),
        ("client", {"client": "anna"}),
        ("brand", {"brand": "sushi"}),
        ("limits", {"account": "romashka"}),
    ):
        app = press(desk(form, **about), "Save")
        assert "Nothing was changed" in words(app), form
        assert "Done" not in words(app), form
    assert "limit: may not be null" in press(desk("credit", account="anna"), "Save").error[0].value
    assert book.execute('SELECT count(*) FROM change WHERE "by" IS NOT NULL').fetchone() == (0,)


def test_credit_shows_what_is_in_force_and_what_is_not_yet(desk: Desk) -> None:
    """The fields start from what was agreed last; terms that begin later are saved, and said not to be in force."""
    app = desk("credit", account="anna")
    assert "no credit was agreed yet" in words(app)
    press(fill(app, limit="1000", period_days="30"), "Save")
    assert "Done" in words(app)
    assert list(app.dataframe[0].value["state"]) == ["in force"]
    app = desk("credit", account="anna")
    key = next(str(field.key) for field in app.text_input if str(field.key).endswith("/limit"))
    assert app.text_input(key=key).value == "1000.00"
    later = datetime.now(UTC).date() + timedelta(days=40)
    press(fill(app, limit="2000", valid_from=later), "Save")
    assert f"not in force yet: it begins on {later}" in app.warning[0].value
    assert list(app.dataframe[0].value["state"]) == ["begins later", "in force"]
