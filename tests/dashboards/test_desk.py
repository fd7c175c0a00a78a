"""The desk over a real ledger: what is filled in is posted, once, by whoever says who he is."""

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
from streamlit.testing.v1 import AppTest

from ledger.core.commands import parse as command
from ledger.core.outcomes import Posted
from ledger.food.core import commands as food
from ledger.food.postgres.post_orders import Desk as FoodDesk
from ledger.postgres.database import connect
from ledger.postgres.post import Ledger
from tests.dashboards.conftest import opened, words

Sheet = psycopg.Connection[Any]
Desk = Callable[..., AppTest]


@pytest.fixture
def desk(database_url: str, worked: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Return a function that opens a form of the desk as O. Petrova; of Anna's 1000.00 there are 300.00 left."""
    shutil.copytree(worked[1], tmp_path / "lake")
    monkeypatch.setenv("TIFFIN_DATABASE_URL", database_url)
    monkeypatch.setenv("LOGNAME", "o.petrova")
    monkeypatch.setenv("TIFFIN_LAKE", str(tmp_path / "lake"))

    return lambda form, **about: opened("screens/desk.py", form=form, **about)


@pytest.fixture
def book(database_url: str) -> Sheet:
    """Return a connection to the ledger's own tables."""
    return connect(database_url, autocommit=True)


def fill(app: AppTest, **given: Any) -> AppTest:
    """Fill fields by their names in the ledger's JSON."""
    for name, value in given.items():
        fields = [
            field
            for kind in ("text_input", "selectbox", "multiselect", "date_input")
            for field in app.get(kind)
            if str(field.key).endswith(f"/{name.replace('__', ' ')}")
        ]
        fields[0].set_value(value)
    return app


def press(app: AppTest, *labels: str) -> AppTest:
    """Press buttons, one after another."""
    for label in labels:
        next(found for found in app.button if found.label == label).click().run()
        assert not app.exception, app.exception
    return app


def kept(book: Sheet, kind: str) -> list[Any]:
    """Return the transactions of a kind that the desk posted."""
    query = "SELECT status, amount, \"by\" FROM transaction WHERE kind = %s AND key LIKE 'desk-%%' ORDER BY id"
    return book.execute(query, [kind]).fetchall()


def balance(book: Sheet, reference: str) -> int:
    """Return what the ledger says an account has."""
    query = "SELECT balance FROM balance JOIN account a ON a.id = account_id WHERE a.reference = %s"
    row = book.execute(query, [reference]).fetchone()
    assert row is not None
    return int(row[0])


PAID = {"account": "anna", "amount": "120.50", "brand": "sushi"}


def test_a_payment_is_posted_with_who_made_it(desk: Desk, book: Sheet) -> None:
    """And its answer shows the balance."""
    app = press(fill(desk("payment"), **PAID), "Post")
    assert "balance after **420.50**" in words(app)
    assert kept(book, "payment") == [("posted", 12050, "o.petrova")]


def test_checking_posts_nothing(desk: Desk, book: Sheet) -> None:
    """It says what would happen."""
    assert "Would be posted" in "\n".join(part.value for part in press(fill(desk("payment"), **PAID), "Check").info)
    assert kept(book, "payment") == []


def test_another_payment_of_the_same_amount_is_another(desk: Desk, book: Sheet) -> None:
    """A new form is empty, and has a new key."""
    app = press(fill(desk("payment"), **PAID), "Post", "Another one")
    assert app.text_input(key="payment/amount").value == ""
    press(fill(app, **PAID), "Post", "Post once more")
    assert len(kept(book, "payment")) == 2


def test_a_payment_without_an_account_waits(desk: Desk, book: Sheet) -> None:
    """Until it is allocated."""
    press(fill(desk("payment"), amount="40", brand="pizza"), "Post")
    assert "rows: 2 · **940.00 RUB**" in words(desk("allocate"))
    assert kept(book, "payment") == [("posted", 4000, "o.petrova")]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({**PAID, "amount": "10.005"}, "10.005 has more than two decimals"),
        ({**PAID, "amount": "-1"}, "negative"),
        ({**PAID, "amount": "ten"}, "ten is not an amount"),
        ({"account": "anna", "amount": "5"}, "brand: is missing"),
        ({**PAID, "account": "vera"}, "no such account"),
        ({**PAID, "account": "1000018"}, "check digit"),
    ],
)
def test_what_cannot_be_posted_is_one_sentence(desk: Desk, book: Sheet, given: dict[str, str], sentence: str) -> None:
    """And no money moves."""
    app = press(fill(desk("payment"), **given), "Post")
    assert sentence in app.error[0].value
    assert balance(book, "anna") == 30000


def test_money_is_moved_between_the_brands_own_accounts(desk: Desk, book: Sheet) -> None:
    """100 by card arrive at the bank less a fee, once the quote was seen."""
    given = {"brand": "sushi", "amount": "100", "fee": "1.50", "to": "bank"}
    app = press(fill(desk("move"), **given), "Check")
    assert kept(book, "move") == []
    press(app, "Post")
    assert "Posted as transaction" in words(app)
    assert kept(book, "move") == [("posted", 10000, "o.petrova")]


def test_a_payout_shows_the_own_money_and_is_confirmed(desk: Desk, book: Sheet) -> None:
    """Nothing is paid before the quote was seen; then once, however often the button is pressed."""
    app = press(fill(desk("payout", account="anna"), amount="100"), "Check")
    assert kept(book, "payout") == []
    assert "balance after **200.00**" in words(app)
    press(app, "Post")
    assert "Posted as transaction" in words(app)
    assert kept(book, "payout") == [("posted", 10000, "o.petrova")]


def test_a_second_click_on_a_confirmation_pays_once(desk: Desk, book: Sheet) -> None:
    """The answer of the first was lost; the second has the same key."""
    app = press(fill(desk("payout", account="anna"), amount="100"), "Check")
    draft = app.session_state["drafts"]["payout 1000017"]
    quoted = draft.stage["quoted"]
    press(app, "Post")
    draft.stage = {"quoted": quoted}
    press(app.run(), "Post")
    assert "nothing was posted twice" in words(app)
    assert balance(book, "anna") == 20000


def test_a_quote_may_be_changed(desk: Desk, book: Sheet) -> None:
    """The fields are as they were."""
    app = press(fill(desk("payout", account="anna"), amount="100", note="by his letter"), "Check", "Change")
    assert [field.value for field in app.text_input if str(field.key).endswith("/note")] == ["by his letter"]
    press(fill(app, amount="50"), "Check", "Post")
    assert kept(book, "payout") == [("posted", 5000, "o.petrova")]


@pytest.mark.parametrize(
    ("language", "sentence"), [("en", "short by 700.00"), ("ru", "недостаточно средств, счёт 1000017 (Anna K.)")]
)
def test_more_than_the_own_money_is_refused_in_the_readers_language(
    desk: Desk, book: Sheet, language: str, sentence: str
) -> None:
    """At the quote already: there is nothing to confirm."""
    app = fill(desk("payout", language=language, account="anna"), amount="1000")
    press(app, {"en": "Check", "ru": "Проверить"}[language])
    assert sentence in app.error[0].value
    assert not [button for button in app.button if button.label in ("Post", "Провести")]
    assert kept(book, "payout") == []


def test_money_gone_between_quote_and_confirmation_is_refused(desk: Desk, book: Sheet, database_url: str) -> None:
    """What the ledger says at last counts; the form is there again, with what was written."""
    app = press(fill(desk("payout", account="anna"), amount="300"), "Check")
    ledger = Ledger(database_url)
    ledger.post([command({"type": "payout", "key": "o", "account": "anna", "amount": "1.00", "brand": "sushi"})])
    ledger.close()
    press(app, "Post")
    assert "short by 1.00" in app.error[0].value
    assert [field.value for field in app.text_input if str(field.key).endswith("/amount")] == ["300"]
    assert balance(book, "anna") == 29900


def test_an_unknown_account_is_said_before_the_form(desk: Desk) -> None:
    """In the reader's language."""
    assert [error.value for error in desk("payout", account="vera").error] == ["no such account: reference vera"]
    assert "нет такого счёта" in desk("transfer", language="ru", account="vera").error[0].value


def test_a_transfer_moves_own_money(desk: Desk, book: Sheet) -> None:
    """The confirmation names whose accounts they are."""
    app = press(fill(desk("transfer", account="anna"), to="boris", amount="30"), "Check")
    assert "Boris K." in words(app)
    press(app, "Post")
    assert (balance(book, "anna"), balance(book, "boris")) == (27000, 3000)


def test_an_adjustment_needs_a_reason_and_may_go_below_zero(desk: Desk, book: Sheet) -> None:
    """It warns of that."""
    app = press(fill(desk("adjustment", account="boris"), amount="-5"), "Check")
    assert "reason: is missing" in app.error[0].value
    press(fill(app, reason="a broken cup", chart="penalty", due_on=date(2030, 12, 31)), "Check")
    assert "below zero" in app.warning[0].value
    press(app, "Post")
    assert balance(book, "boris") == -500
    assert book.execute("SELECT due_on::text, unpaid FROM open_debit").fetchall() == [("2030-12-31", 500)]


def test_points_are_given_until_a_day_at_another_brands_expense(desk: Desk, book: Sheet) -> None:
    """They are quoted first; the bonus account comes into being."""
    app = desk("bonus", account="boris")
    last = date(2030, 12, 31)
    press(fill(app, amount="300", brand="sushi", expires_on=last, charge_to="pizza", reason="late"), "Check")
    assert book.execute("SELECT count(*) FROM account WHERE kind = 'bonus'").fetchone() == (0,)
    press(app, "Post")
    lots = "SELECT amount, gone_on::text FROM bonus_lot"
    assert book.execute(lots).fetchall() == [(30000, "2031-01-01")]


def test_a_debit_is_refunded_by_line(desk: Desk, book: Sheet) -> None:
    """What is left of each line is shown, and so it is afterwards."""
    app = desk("refund", transaction="d1")
    assert "Left to refund: **700.00 RUB**" in words(app)
    press(fill(app, lines=[2], amount="50", reason="late"), "Check", "Post")
    assert "Left to refund: **650.00 RUB**" in words(app)
    assert [float(left) for left in app.dataframe[0].value["left"]] == [500, 150]
    assert balance(book, "anna") == 35000


def test_all_that_is_left_is_refunded_without_an_amount(desk: Desk, book: Sheet) -> None:
    """And then there is nothing more to refund."""
    press(desk("refund", transaction="d1"), "Check", "Post")
    assert balance(book, "anna") == 100000
    app = press(desk("refund", transaction="d1", language="ru"), "Проверить")
    assert "возврат больше списания d1: сумма 700,00, возвращено 700,00" in app.error[0].value


def test_the_refund_of_an_orders_charge_is_the_orders(desk: Desk, book: Sheet, database_url: str) -> None:
    """An amount leaves the dishes to the client, no amount gives all of them back. A plain debit is no order's."""
    order = {
        "type": "order",
        "key": "o1",
        "account": "anna",
        "items": [{"brand": "sushi", "sku": "roll", "quantity": 1, "price": "50.00"}],
    }
    assert not any("order" in info.value for info in desk("refund", transaction="d1").info)
    ledger = Ledger(database_url)
    (placed,) = FoodDesk(ledger).post([food.parse(order)])
    ledger.close()
    assert isinstance(placed, Posted)
    app = desk("refund", transaction=placed.transaction)
    assert "charges for order o1" in app.info[0].value
    press(fill(app, amount="20.00"), "Check", "Post")
    assert [amount for _, amount, _ in kept(book, "refund")] == [2000]
    press(desk("refund", transaction=placed.transaction), "Check", "Post")
    assert [amount for _, amount, _ in kept(book, "refund")] == [2000, 3000]


def test_extras_go_back_with_their_order_and_a_surplus_leads_to_it(desk: Desk, book: Sheet, database_url: str) -> None:
    """A roll of 50.00 came to 55.00, with a free gift and tips of 10.00: by the surplus tips go back, then all."""
    gift = {"brand": "sushi", "sku": "gift", "price": "30.00", "discount": "30.00"}
    items = [gift, {"brand": "sushi", "sku": "roll", "price": "50.00"}]
    extras = [{"service": "tips", "brand": "sushi", "amount": "10.00"}]
    came = [{"sku": "gift", "quantity": 1}, {"sku": "roll", "quantity": 1, "amount": "55.00"}]
    food_desk = FoodDesk(Ledger(database_url))
    posted = food_desk.post(
        [
            food.parse({"type": "order", "key": "o1", "account": "anna", "items": items, "extras": extras}),
            food.parse({"type": "deliver", "key": "d2", "order": "o1", "items": came}),
        ]
    )
    food_desk.close()
    assert [outcome.to_json()["status"] for outcome in posted] == ["posted", "posted"]
    assert balance(book, "anna") == 23500
    beyond = book.execute("SELECT max(id) FROM transaction WHERE kind = 'debit' AND refers_to IS NOT NULL").fetchone()
    assert beyond is not None
    app = desk("refund", transaction=beyond[0])
    press(fill(app, lines=[3]), "Check", "Post")
    assert balance(book, "anna") == 24500
    press(desk("refund", transaction=beyond[0]), "Check", "Post")
    assert balance(book, "anna") == 30000


@pytest.mark.parametrize(("amount", "sentence"), [("700.01", "over by 0.01"), ("0", "is zero"), ("x", "not an amount")])
def test_a_refund_of_nonsense_is_refused(desk: Desk, book: Sheet, amount: str, sentence: str) -> None:
    """And nothing moves."""
    app = press(fill(desk("refund", transaction="d1"), amount=amount), "Check")
    assert sentence in app.error[0].value
    assert kept(book, "refund") == []


def test_a_part_of_a_payment_is_reversed(desk: Desk, book: Sheet) -> None:
    """A chargeback of 10 leaves the rest."""
    press(fill(desk("reverse", transaction="p1"), amount="10", reason="chargeback"), "Check", "Post")
    assert kept(book, "reverse") == [("posted", 1000, "o.petrova")]


def test_a_part_of_what_is_in_several_places_is_reversed_place_by_place(desk: Desk, book: Sheet) -> None:
    """Of 900.00 anna got 250.00, the rest waits: 50.00 of hers and 100.00 of nobody's, then all that is left."""
    press(fill(desk("allocate", payment="p2"), account__0="anna", amount__0="250"), "Check", "Post")
    app = desk("reverse", transaction="p2")
    labels = [field.label for field in app.text_input if "/amount" in str(field.key)]
    assert labels == ["Amount: Anna K., pizza, left 250.00", "Amount: unallocated, pizza, left 650.00"]
    press(fill(app, amount__0="50", amount__1="100", reason="sent back in part"), "Check", "Post")
    assert (kept(book, "reverse"), balance(book, "anna")) == ([("posted", 15000, "o.petrova")], 50000)
    press(fill(desk("reverse", transaction="p2"), reason="sent back"), "Check", "Post")
    assert ([amount for _, amount, _ in kept(book, "reverse")], balance(book, "anna")) == ([15000, 75000], 30000)


def test_a_payment_is_reversed_with_a_reason(desk: Desk, book: Sheet) -> None:
    """The quote warns that the account goes below zero; the second time it was reversed before."""
    app = desk("reverse", transaction="p1")
    press(app, "Check")
    assert "reason: is missing" in app.error[0].value
    press(fill(app, reason="chargeback"), "Check")
    assert "below zero" in app.warning[0].value
    press(app, "Post")
    assert balance(book, "anna") == -70000
    assert "Reversed before" in desk("reverse", transaction="p1").warning[0].value


def test_the_form_says_that_a_closed_day_stays(desk: Desk, book: Sheet) -> None:
    """And until then that it is booked today all the same."""
    assert "this is booked today" in words(desk("reverse", transaction="p1"))
    book.execute("UPDATE book SET closed_until = (SELECT max(business_date) FROM transaction)")
    assert "is closed and stays as it is" in words(desk("reverse", transaction="p1"))


def test_what_the_other_form_undoes_leads_there(desk: Desk) -> None:
    """A debit is refunded, a payment reversed; a transaction that is not there is one sentence."""
    assert "refunded, not reversed" in desk("reverse", transaction="d1").info[0].value
    assert "reversed, not refunded" in desk("refund", transaction="p1").info[0].value
    assert "no transaction has the number or key x9" in desk("refund", transaction="x9").error[0].value


def test_a_payment_without_an_account_is_split_over_accounts(desk: Desk, book: Sheet) -> None:
    """The account without an amount gets the rest; the list is empty then."""
    app = desk("allocate", payment="p2")
    assert "pizza · rows: 1 · **900.00 RUB**" in words(app)
    press(app, "One more account")
    fill(app, account__0="anna", amount__0="250", account__1="boris")
    press(app, "Check")
    assert (balance(book, "anna"), balance(book, "boris")) == (30000, 0)
    press(app, "Post")
    assert (balance(book, "anna"), balance(book, "boris")) == (55000, 65000)
    assert "No money waits for its account" in words(app)
    assert "Posted as transaction" in words(app)


def test_a_part_may_be_allocated_and_the_rest_later(desk: Desk, book: Sheet) -> None:
    """What is left is what waits."""
    press(fill(desk("allocate", payment="p2"), account__0="anna", amount__0="250"), "Check", "Post")
    app = desk("allocate", payment="p2")
    assert "**650.00 RUB**" in words(app)
    press(fill(app, account__0="boris", amount__0="650.01"), "Check")
    assert "over by 0.01" in app.error[0].value
    press(fill(app, account__0="boris", amount__0=""), "Check", "Post")
    assert balance(book, "boris") == 65000


def test_nothing_but_what_waits_is_allocated(desk: Desk) -> None:
    """Not a payment with an account, nor one that was reversed."""
    assert "Nothing of this transaction waits" in desk("allocate", payment="p1").info[0].value
    press(fill(desk("reverse", transaction="p2"), reason="not ours"), "Check", "Post")
    app = desk("allocate", payment="p2")
    assert "No money waits" in app.success[0].value
    assert "Nothing of this transaction waits" in app.info[0].value


def test_a_link_is_set_with_its_limits_and_ended(desk: Desk, book: Sheet) -> None:
    """The fields are as the ledger has it; what is left blank is no limit."""
    app = desk("limits", account="romashka", for_="anna")
    press(fill(app, day__amount="500", day__count="2", brands=["sushi"]), "Save")
    assert "day 500.00, left 500.00; 2 times, left 2" in list(app.dataframe[0].value["limits"])
    assert book.execute("SELECT draw, priority FROM link").fetchall() == [("payer_first", 1)]
    assert book.execute('SELECT period, amount, "count" FROM write_off_limit').fetchall() == [("day", 50000, 2)]
    press(fill(app, day__count="", draw="own_first"), "Save")
    assert book.execute('SELECT period, amount, "count" FROM write_off_limit').fetchall() == [("day", 50000, None)]
    assert book.execute("SELECT draw FROM link").fetchall() == [("own_first",)]
    press(fill(app, day__amount="", draw="no link"), "Save")
    assert book.execute("SELECT count(*) FROM link").fetchone() == (0,)
    assert book.execute("SELECT count(*) FROM write_off_limit").fetchone() == (0,)
    assert book.execute('SELECT DISTINCT "by" FROM change WHERE "by" IS NOT NULL').fetchall() == [("o.petrova",)]


def test_a_payer_as_a_whole_has_limits_too(desk: Desk, book: Sheet) -> None:
    """Without a subaccount there is no link to set."""
    app = press(fill(desk("limits", account="romashka"), month__amount="9000"), "Save")
    assert "All that the payer pays: month 9,000.00" in words(app)
    assert book.execute("SELECT account_id = payer_id FROM write_off_limit").fetchall() == [(True,)]


def test_a_link_has_its_employers_rules_and_a_group_its_budget(desk: Desk, book: Sheet) -> None:
    """Share, hours, services and group start from what the ledger has; blank is no rule."""
    app = desk("limits", account="romashka", for_="anna")
    rules = {"days": ["mon", "fri"], "from": "11:00", "to": "16:00", "services": "lunch, coffee", "group": "kitchen"}
    press(fill(app, share="80", **rules), "Save")
    [agreed] = app.dataframe[0].value["rules"]
    assert agreed == "80.00 % · Monday, Friday 11:00–16:00 · coffee, lunch · group kitchen"
    kept = "SELECT share, hours, services, group_name FROM link"
    hours = {"days": ["mon", "fri"], "from": "11:00", "to": "16:00"}
    assert book.execute(kept).fetchall() == [(8000, hours, ["coffee", "lunch"], "kitchen")]
    press(fill(app, share="", days=[], **{"from": "", "to": "", "services": ""}), "Save")
    assert book.execute(kept).fetchall() == [(None, None, None, "kitchen")]
    app = desk("limits", account="romashka")
    app.selectbox(key="limits group").select("kitchen").run()
    press(fill(app, month__amount="9000"), "Save")
    assert "Group kitchen: month 9,000.00" in words(app)
    assert book.execute("SELECT group_name, amount FROM write_off_limit").fetchall() == [("kitchen", 900000)]


def test_a_link_that_may_not_be_is_refused_in_words(desk: Desk) -> None:
    """Nobody pays for himself."""
    assert "nobody pays for himself" in press(desk("limits", account="anna", for_="anna"), "Save").error[0].value


def test_terms_and_status_are_set_by_somebody(desk: Desk, book: Sheet) -> None:
    """Each is in the audit log under the name."""
    press(fill(desk("credit", account="anna"), limit="1000", period_days="30"), "Save")
    press(fill(desk("status", account="anna"), status="frozen"), "Save")
    assert book.execute("SELECT credit_limit, period_days FROM credit_terms").fetchall() == [(100000, 30)]
    assert book.execute("SELECT status FROM account WHERE reference = 'anna'").fetchone() == ("frozen",)
    assert book.execute('SELECT DISTINCT "by" FROM change WHERE "by" IS NOT NULL').fetchall() == [("o.petrova",)]


def test_the_desk_sees_the_ledger_as_it_is_now(desk: Desk) -> None:
    """The balance after a payment that no cut has yet."""
    press(fill(desk("payment"), **PAID), "Post")
    assert "420.50" in words(desk("now", account="anna"))


@pytest.mark.parametrize(
    ("written", "language", "read"),
    [
        ("1 250,50", "ru", "1250.50"),
        ("1\u00a0250", "ru", "1250"),
        ("\u22125,00", "ru", "-5.00"),
        ("1,250", "ru", "1,250"),
        ("12,5x", "ru", "12,5x"),
        ("1 250.50", "en", "1250.50"),
        ("12,50", "en", "12,50"),
    ],
)
def test_amounts_are_read_as_people_write_them(
    monkeypatch: pytest.MonkeyPatch, written: str, language: str, read: str
) -> None:
    """What might be read in two ways is left as it is, for the ledger to refuse."""
    from dashboards.forms import fields

    monkeypatch.setattr(fields, "language", lambda: language)
    assert fields.plain_amount(written) == read
