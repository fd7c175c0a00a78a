"""Rows from a spreadsheet: each is checked and marked, the good ones are posted once, the others can be mended."""

import io
from collections.abc import Sequence
from datetime import date

import pytest
import xlsxwriter
from streamlit.testing.v1 import AppTest

from dashboards.forms import sheet_rows
from dashboards.forms.many import read_rows
from ledger.errors import Failure
from ledger.postgres import four_eyes
from tests.dashboards.conftest import words
from tests.dashboards.test_desk import Desk, Sheet, balance, press
from tests.dashboards.test_desk import book as book
from tests.dashboards.test_desk import desk as desk

BAD = {
    3: "vera\t1.00\tsushi",
    17: "anna\tten\tsushi",
    40: "anna\t1.005\tsushi",
    90: "anna\t-1.00\tsushi",
    120: "1000018\t1.00\tsushi",
    150: "anna\t1.00\tnoodles",
    199: "anna\t\tsushi",
}
"""No such account, no amounts, a wrong check digit, no such brand, no amount: seven rows of two hundred."""


def pasted(desk: Desk, kind: str, text: str, **about: str) -> AppTest:
    """Paste rows."""
    app = desk("many", kind=kind, **about)
    app.text_area(key=f"many {kind}/text").set_value(text).run()
    assert not app.exception, app.exception
    return app


def test_of_two_hundred_rows_seven_are_marked_and_the_rest_posted_once(desk: Desk, book: Sheet) -> None:
    """Each under its own key; a reload, and the same rows sent again, post nothing more; the seven can be mended."""
    rows = [BAD.get(number, f"anna\t{number / 100:.2f}\tsushi") for number in range(1, 201)]
    good = sum(number for number in range(1, 201) if number not in BAD)
    app = pasted(desk, "payment", "Account number or reference\tAmount\tBrand\n" + "\n".join(rows))
    bad, _ = (frame.value for frame in app.dataframe)
    assert list(bad["number"]) == list(BAD)
    assert all(bad["state"])
    assert book.execute("SELECT count(*) FROM transaction WHERE kind = 'payment'").fetchone() == (2,)
    press(app, "Post 193 rows")
    posted = "SELECT count(*), count(DISTINCT key), sum(amount)::bigint FROM transaction WHERE key LIKE 'desk-%'"
    assert book.execute(posted).fetchone() == (193, 193, good)
    assert balance(book, "anna") == 30000 + good
    assert "posted: 193" in words(app)
    again = desk("many", kind="payment", draft=app.query_params["draft"])
    assert "posted: 193" in words(again)
    assert not [button for button in again.button if button.label.startswith("Post")]
    press(again, "Mend the rows with a fault")
    text = again.text_area(key="many payment/text").value
    assert text.splitlines() == [f"{row}\t\t\t" for row in BAD.values()]
    press(again.text_area(key="many payment/text").set_value("anna\t1.00\tsushi").run(), "Post 1 rows")
    assert book.execute(posted).fetchone() == (194, 194, good + 100)


def test_the_same_rows_in_another_form_are_asked_about(desk: Desk, book: Sheet) -> None:
    """They may be meant: the button says that it is once more."""
    rows = "anna\t5.00\tsushi\nboris\t6.00\tsushi"
    press(pasted(desk, "payment", rows), "Post 2 rows")
    app = pasted(desk, "payment", rows)
    assert "the same rows a few minutes ago" in app.warning[0].value
    press(app, "Post 2 rows once more")
    assert (balance(book, "anna"), balance(book, "boris")) == (31000, 1200)


def test_a_payment_is_allocated_row_by_row_within_what_is_left(desk: Desk, book: Sheet) -> None:
    """The third row asks for more than the others leave: it alone is marked."""
    app = pasted(desk, "allocate", "p2;anna;400.00\np2;boris;300.00\np2;romashka;200.01")
    bad, good = (frame.value for frame in app.dataframe)
    assert list(bad["account"]) == ["romashka"]
    assert "over by 0.01" in bad["state"].iloc[0]
    assert list(good["account"]) == ["anna", "boris"]
    press(app, "Post 2 rows")
    assert (balance(book, "anna"), balance(book, "boris")) == (70000, 30000)


def test_employees_come_with_account_link_and_limit(desk: Desk, book: Sheet) -> None:
    """A row a person; saving the same list again changes nothing."""
    rows = "romashka\tgleb\tGleb S.\t500.00\tday\t+7 916\nromashka\tvera\tVera P.\t300.00\tmonth"
    press(pasted(desk, "employee", rows), "Post 2 rows")
    linked = (
        "SELECT a.reference, p.name, w.period, w.amount FROM link l JOIN account a ON a.id = l.account_id "
        "JOIN party p ON p.id = a.party_id JOIN write_off_limit w ON w.account_id = a.id ORDER BY 1"
    )
    employees = [("gleb", "Gleb S.", "day", 50000), ("vera", "Vera P.", "month", 30000)]
    assert book.execute(linked).fetchall() == employees
    press(pasted(desk, "employee", rows), "Post 2 rows once more")
    assert book.execute(linked).fetchall() == employees


def test_rows_of_terms_that_the_ledger_refuses_are_named_and_the_others_saved(desk: Desk, book: Sheet) -> None:
    """A payer that there is not: its row is named, the other limit is in force."""
    app = pasted(desk, "write_off_limit", "romashka;anna;day;500.00\nnobody;anna;day;500.00")
    press(app, "Post 2 rows")
    assert "rows saved: 1" in " ".join(one.value for one in app.success).lower()
    refused = app.dataframe[-1].value
    assert list(refused["number"]) == [2]
    assert "nobody" in refused["state"].iloc[0]
    assert book.execute("SELECT count(*) FROM write_off_limit").fetchone() == (1,)


def test_rows_that_need_another_person_are_named(desk: Desk, book: Sheet) -> None:
    """The correction within what one may do alone is posted, the other one waits for its own form."""
    four_eyes.set_rule(book, "adjustment", "RUB", 10000)
    app = pasted(desk, "adjustment", "anna;5.00;sushi;mistake\nanna;200.00;sushi;mistake")
    press(app, "Post 2 rows")
    assert "ows 2 need another person" in app.warning[0].value
    assert balance(book, "anna") == 30500


def test_a_row_keeps_its_key_whatever_stands_around_it() -> None:
    """Its place does not matter, its repetition does; days and amounts may be written as people do."""
    first = read_rows("payment", "anna\t5\tsushi\tbank\t31.12.2026\nanna\t5\tsushi\nanna\t5\tsushi", "desk-x", "o")
    later = read_rows("payment", "anna\t5\tsushi", "desk-x", "o")
    assert first[0].sends[0]["value_date"] == "2026-12-31"
    assert later[0].key == first[1].key != first[2].key


def sheet(rows: Sequence[Sequence[object]]) -> bytes:
    """Return a workbook of these rows."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content) as book:
        page, day = book.add_worksheet(), book.add_format({"num_format": "dd.mm.yyyy"})
        for number, row in enumerate(rows):
            for place, cell in enumerate(row):
                page.write(number, place, cell, day if isinstance(cell, date) else None)
    return content.getvalue()


def test_an_uploaded_spreadsheet_of_two_hundred_rows_is_posted_but_for_the_seven(desk: Desk, book: Sheet) -> None:
    """Numbers, days and blank lines as a spreadsheet has them; what is no spreadsheet is one sentence."""
    rows: list[list[object]] = [["Account number or reference", "Amount", "Brand", "Bank's date (if known)"], []]
    good = 0
    for number in range(1, 201):
        if number in BAD:
            rows.append(BAD[number].split("\t"))
        else:
            rows.append(["anna", number / 100 if number % 2 else f"{number / 100:.2f}", "sushi", date(2026, 3, 2)])
            good += number
    app = desk("many", kind="payment")
    app.file_uploader[0].set_value(("march.xlsx", sheet(rows), "application/octet-stream")).run()
    assert list(app.dataframe[0].value["number"]) == list(BAD)
    press(app, "Post 193 rows")
    posted = "SELECT count(*), sum(amount)::bigint, min(value_date) FROM transaction WHERE key LIKE 'desk-%'"
    assert book.execute(posted).fetchone() == (193, good, date(2026, 3, 2))
    assert "posted: 193" in words(desk("many", kind="payment", draft=app.query_params["draft"]))
    app = desk("many", kind="payment")
    app.file_uploader[0].set_value(("march.xlsx", b"hello", "application/octet-stream")).run()
    assert "march.xlsx is not a spreadsheet" in app.error[0].value.replace("\\", "").replace("\u2060", "")


def test_a_spreadsheet_that_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it is read; so is a large file. Text is read in the encoding that it has."""
    monkeypatch.setattr(sheet_rows, "MOST_UNPACKED_BYTES", 1000)
    with pytest.raises(Failure, match="unpacks to more than"):
        sheet_rows.rows_of("a.xlsx", sheet([["x"]]))
    with pytest.raises(Failure, match="larger than 10 MB"):
        sheet_rows.rows_of("a.csv", b" " * 10_000_001)
    assert sheet_rows.rows_of("a.csv", "Анна;5".encode("cp1251")) == "Анна;5"
