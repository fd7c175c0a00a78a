"""The close of a month: each line as its records have it, what is beside it, and what is started from it."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest
import streamlit as st

from dashboards import access, long_work
from ledger.bank.core.read_file import read
from ledger.bank.postgres.import_statements import import_statements
from ledger.core.commands import parse as command
from ledger.postgres import desk_queries
from ledger.postgres.post import Ledger
from reports import month_close
from reports.lake.manifest import Cut
from tests.dashboards.conftest import opened, words
from tests.dashboards.test_desk import Desk, Sheet, fill, press
from tests.dashboards.test_desk import book as book
from tests.dashboards.test_desk import desk as desk
from tests.dashboards.test_many import pasted
from tests.ledger.bank import written
from tests.ledger.bank.test_reading import entry, stmt


def cut_of(closed_until: date | None) -> Cut:
    """Return a cut of 3 April 2017, Moscow."""
    return Cut(
        number=7,
        made_by="frequent",
        taken_at=datetime(2017, 4, 3, 21, tzinfo=UTC),
        last_transaction=9,
        last_change=0,
        closes=None,
        closed_until=closed_until,
        time_zone="Europe/Moscow",
    )


def test_the_month_to_close_is_the_oldest_that_is_over_and_open() -> None:
    """Else the last that was closed; midnight is the book's."""
    now = datetime(2017, 4, 30, 21, tzinfo=UTC)  # the first of May in Moscow
    begun = date(2017, 2, 11)
    assert month_close.to_close(begun, cut_of(None), now) == date(2017, 2, 1)
    assert month_close.to_close(begun, cut_of(date(2017, 3, 30)), now) == date(2017, 3, 1)
    assert month_close.to_close(begun, cut_of(date(2017, 3, 31)), now) == date(2017, 4, 1)
    assert month_close.to_close(begun, cut_of(date(2017, 4, 30)), now) == date(2017, 4, 1)
    assert month_close.months(begun, date(2017, 4, 2)) == [date(2017, month, 1) for month in (4, 3, 2)]


def test_a_night_that_found_problems_is_wrong_and_a_broken_file_is_none(tmp_path: Path) -> None:
    """With the first problem, and who ran it."""
    day, file = date(2017, 3, 31), tmp_path / "reports" / "2017-03-31" / "nightly.json"
    file.parent.mkdir(parents=True)
    for text, state, words_ in (
        (
            '{"by": "o", "steps": [{"name": "reports", "problems": [], "facts": {"written": ["a", "b"]}}]}',
            "done",
            "made",
        ),
        ('{"by": "o", "steps": [{"name": "reports", "problems": ["a differs"], "facts": {}}]}', "wrong", "problems"),
        ('{"by": "o"', "open", "no night"),
    ):
        file.write_text(text)
        step, *_ = month_close.in_home(tmp_path, day.replace(day=1), day, closed=True)
        assert (step.name, step.state, step.who) == ("reports", state, None if state == "open" else "o")
        assert words_ in step.words
    assert {step.state for step in month_close.in_home(tmp_path / "no", day, day, closed=False)} == {"later"}


def test_controls_that_differ_are_wrong() -> None:
    """By their number."""

    class Control:
        frame = pl.DataFrame({"state": ["holds", "differs"], "amount": [Decimal(1), Decimal(2)]})
        cut = cut_of(None)

    step = month_close.of_controls(Control())  # type: ignore[arg-type]
    assert (step.state, step.facts) == ("wrong", {"n": 1, "all": 2})


def test_each_line_says_how_it_stands_and_a_cut_shows_what_was_posted(
    desk: Desk, book: Sheet, database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The bank is behind, a payment waits, two things were posted since the cut; after `Cut now` the cut has them."""
    monkeypatch.setenv("TIFFIN_HOME", str(tmp_path / "home"))
    statement = written.one_c(stmt(entry("75.00", text="thanks")))
    book.execute("UPDATE brand SET bank_details = '{\"account\": \"40702810000000074935\"}' WHERE code = 'sushi'")
    ledger = Ledger(database_url)
    import_statements(ledger, [*read(statement.encode("cp866"), "march.txt")], brand="sushi", by="i.sidorov")
    ledger.post([command({"type": "payment", "key": "p9", "account": "anna", "amount": "5", "brand": "sushi"})])
    ledger.close()
    app = opened("screens/close.py")
    shown = words(app)
    assert "steps done" in shown.lower() and "next: Bank imported" in shown
    assert "only to 2024-03-31" in shown and "i.sidorov" in shown, shown[:3000]
    assert "payments without an account: 2, that came back: 0" in shown
    assert "posted on its days since cut" in shown
    assert not [button for button in app.button if button.label == "Close for good"], "the month is not over"
    press(app, "Cut now")
    work = long_work.latest()
    assert work is not None and work.who == "o.petrova"
    assert long_work.start(("nightly",), "x") is work, "one at a time"
    assert work.process.wait(60) == 0, work.lines()
    st.cache_data.clear()  # a new cut is seen within seconds
    monkeypatch.setattr(access, "person", lambda: access.Person("v", "viewer"))
    app.session_state["language"] = app.session_state["chosen language"] = "ru"
    app.run()
    assert not app.button
    assert "tiffin lake cut" in [code.value for code in app.code]
    shown = words(app)
    expected = ("Закрытие", "Банк загружен", "только по 2024-03-31", "следующий", "сделано: `tiffin lake cut`")
    assert all(each in shown for each in expected)
    assert "проведено его днями" not in shown


@pytest.mark.soak
def test_a_month_from_a_new_company_to_the_closed_month(
    desk: Desk, book: Sheet, database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Client, employees and limits on screen; orders of last month; bank, allocation, cut, close, papers, letters."""
    today = datetime.now(ZoneInfo("Europe/Moscow")).date()
    last = today.replace(day=1) - timedelta(days=1)
    month, noon = f"{last:%Y-%m}", f"{last.replace(day=9)}T12:00:00+03:00"
    monkeypatch.setenv("TIFFIN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TIFFIN_SENDER", "bills@example.org")

    def worked(command_: str, person: str = "o.petrova") -> None:
        work = long_work.latest()
        assert work is not None and " ".join(work.command).startswith(command_) and work.who == person
        assert work.process.wait(120) == 0, work.lines()
        st.cache_data.clear()

    app = fill(desk("client", client="lotos"), kind="legal_entity", name="Lotos", email="lotos@example.com")
    press(fill(app, account="lotos", holder="sushi"), "Save")
    press(fill(desk("credit", account="lotos"), limit="5000", valid_from=last.replace(day=1)), "Save")
    press(pasted(desk, "employee", "lotos;gleb;Gleb S.;500.00;day\nlotos;vera;Vera P.;300.00;day"), "Post 2 rows")
    ledger = Ledger(database_url)
    lines = [
        {"type": "debit", "key": f"o-{who}", "account": who, "at": noon, "lines": [{"brand": "sushi", "amount": "250"}]}
        for who in ("gleb", "vera")
    ]
    assert [type(outcome).__name__ for outcome in ledger.post([command(line) for line in lines])] == ["Posted"] * 2
    book.execute("UPDATE brand SET bank_details = '{\"account\": \"40702810000000074935\"}' WHERE code = 'sushi'")
    paid = entry("500.00", booked_on=last, value_date=last, text="account lotos")
    file = written.one_c(stmt(paid, since=last.replace(day=1), until=last))
    import_statements(ledger, [*read(file.encode("cp866"), "bank.txt")], brand="sushi", by="o.petrova")
    ledger.close()
    for waiting in desk_queries.unallocated(book):
        press(fill(desk("allocate", payment=waiting["id"]), account__0="lotos"), "Check", "Post")

    app = press(opened("screens/close.py"), "Cut now")
    worked("lake cut")
    app.query_params["month"] = month
    app.run()
    assert "cut 2 has all of the month" in words(app) or "has all of the month" in words(app)
    press(app, "Close for good")
    worked(f"nightly --date {last}")
    assert book.execute("SELECT closed_until FROM book").fetchone() == (last,)
    press(app.run(), "Write the letters")
    worked(f"statements --month {month} --outbox")
    app.run()
    assert "everything of the month is done" in words(app).lower(), words(app)
    letters = [*(tmp_path / "home" / "outbox" / month).glob("*.eml")]
    assert any(b"lotos@example.com" in letter.read_bytes() for letter in letters)
