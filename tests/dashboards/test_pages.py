"""Every page over a small lake: it shows what the reports give, and says in words what it cannot do."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from threading import Event

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from dashboards import cached_book, display
from dashboards.screens import overview
from reports.core.forms import FORMS
from reports.core.report import REPORTS, Column
from tests.dashboards.conftest import Open, run_query, words
from tests.reports.story import Story
from tests.reports.write_lake import write_lake

PAGES = (
    "overview",
    "today",
    "accounts",
    "transaction",
    "entries",
    "standard",
    "editions",
    "explore",
    "sql",
    "about",
    "declined",
)
MARCH = {"from_": "2017-03-01", "to": "2017-03-31"}


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_in_both_languages(screen: Open, page: str, language: str) -> None:
    """No page fails, with nothing in its URL."""
    app = screen(f"screens/{page}.py", language=language)
    assert not app.error
    assert app.title or page == "transaction"


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_desk_without_a_book_is_a_sentence(screen: Open, language: str) -> None:
    """A lake alone has nothing to post to."""
    app = screen("screens/desk.py", language=language)
    assert [error.value for error in app.error] != []
    assert all("tiffin init" in error.value for error in app.error)


def test_the_overview_shows_the_reports_totals_of_one_currency(screen: Open, lake: Story) -> None:
    """Figures of roubles alone, dollars being another choice, and the controls in green."""
    app = screen("screens/overview.py", currency="RUB", **MARCH)
    shown = words(app)
    result = lake.book().report("brand-revenue", **{"from": "2017-03-01", "to": "2017-03-31", "currency": "RUB"})
    assert result.frame["net"].sum() == 700
    assert "700.00" in shown
    assert "712.50" not in shown
    assert "controls hold" in shown
    assert "will not change" in shown
    assert app.selectbox[0].options == ["RUB", "USD"]


@pytest.mark.parametrize(
    ("page", "address", "there", "checked"),
    [
        ("overview", {"currency": "RUB", **MARCH}, "700.00", "controls hold"),
        ("close", {"month": "2017-03"}, "Days closed", "checks hold"),
        ("entries", {"currency": "RUB", **MARCH}, "Signs are the ledger's", "rest of the same transactions"),
    ],
)
def test_a_page_does_not_wait_for_the_checks_of_the_book(
    screen: Open, monkeypatch: pytest.MonkeyPatch, page: str, address: dict[str, str], there: str, checked: str
) -> None:
    """They are made beside the page, which is drawn anew when they are done."""
    monkeypatch.setattr(cached_book, "PATIENCE_SECONDS", 0)
    free = Event()
    cached_book._beside.submit(free.wait)
    app = screen(f"screens/{page}.py", **address)
    shown = words(app)
    assert "checking the book" in shown and there in shown and checked not in shown
    free.set()
    monkeypatch.setattr(cached_book, "PATIENCE_SECONDS", 60)
    shown = words(app.run())
    assert checked in shown and "checking the book" not in shown


def test_the_brands_of_the_overview_are_those_of_the_report(screen: Open, lake: Story) -> None:
    """Days or months come to what the report has for the whole period, orders too."""
    march = {"from": "2017-03-01", "to": "2017-03-31"}
    total = lake.book().report("brand-revenue", by="total", **march)
    for piece in ("day", "month"):
        whole = overview._in_all(lake.book().report("brand-revenue", by=piece, **march))
        columns = ["brand", "currency", *overview.BRANDS]
        assert whole.frame.select(columns).rows() == total.frame.select(columns).rows()
        assert whole.parameters == total.parameters


def test_a_table_of_many_rows_has_the_first_of_them(screen: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """And says how many there are; sums and files are of all."""
    monkeypatch.setattr(display, "MOST_ROWS", 1)
    app = screen("screens/entries.py", brand="pizza", kind="revenue", currency="RUB", **MARCH)
    rows, total = (frame.value for frame in app.dataframe)
    assert (len(rows), [float(amount) for amount in total["amount"]]) == (1, [180])
    assert "the first 1 of 2, files have them all" in words(app)


def test_open_days_are_marked_provisional(screen: Open) -> None:
    """April is not closed."""
    app = screen("screens/overview.py", from_="2017-03-01", to="2017-04-05")
    assert "PROVISIONAL" in words(app)


def test_a_control_that_differs_is_red(
    story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, screen: Open
) -> None:
    """A balance that is not the sum of its entries is shown as an error, on the overview and on the report."""
    frames = story.lake().frames
    accounts = frames["accounts"].with_columns(
        balance=pl.when(pl.col("reference") == "anna").then(pl.lit(1)).otherwise(pl.col("balance"))
    )
    broken = replace(story.lake(), frames={**frames, "accounts": accounts.cast(frames["accounts"].schema)})
    monkeypatch.setattr(story, "lake", lambda: broken)
    (tmp_path / "broken").mkdir()
    monkeypatch.setenv("TIFFIN_LAKE", str(write_lake(story, tmp_path / "broken")))
    assert "controls DIFFER" in words(screen("screens/overview.py", **MARCH))
    assert any("DIFFER" in error.value for error in screen("screens/standard.py", report="control", **MARCH).error)


def test_accounts_are_found_by_name_number_and_status(screen: Open, lake: Story) -> None:
    """Part of a name, the beginning of a number; nothing found is reported."""
    assert list(screen("screens/accounts.py", q="ann").dataframe[0].value["reference"]) == ["anna"]
    number = lake.accounts["boris"]["id"]
    assert list(screen("screens/accounts.py", q=number).dataframe[0].value["reference"]) == ["boris"]
    assert "Nothing was found" in words(screen("screens/accounts.py", status="frozen"))


def test_an_account_shows_its_card_terms_and_limits(screen: Open, lake: Story) -> None:
    """Anna's March, and who pays for her."""
    app = screen("screens/account.py", account="anna", **MARCH)
    card, *rest = (frame.value for frame in app.dataframe)
    assert list(card["transaction"]) == [4, 6]
    assert any("payer_name" in frame.columns and "Romashka" in list(frame["payer_name"]) for frame in rest)
    assert [month for box in app.selectbox for month in box.options if month == "2017-03"]


def test_an_unknown_account_is_one_sentence(screen: Open) -> None:
    """No traceback."""
    assert [error.value for error in screen("screens/account.py", account="vera").error] == [
        "no account has the reference vera"
    ]


def test_a_transaction_shows_all_it_did(screen: Open) -> None:
    """Entries that sum to zero, lines with who paid them, and the refund that came later."""
    app = screen("screens/transaction.py", transaction="d1")
    legs, lines, later = (frame.value for frame in app.dataframe)
    assert [float(amount) for amount in legs["amount"]] == [-500, -200, 500, 200]
    assert list(lines["payer"]) == ["Romashka", "Anna"]
    assert list(later["kind"]) == ["refund"]
    assert "sum to zero" in words(app)


def test_the_last_transactions_are_listed_where_none_is_named(screen: Open) -> None:
    """The latest first, with whom each was for."""
    listed = screen("screens/transaction.py").dataframe[0].value
    assert list(listed["transaction"]) == [7, 6, 5, 4, 3, 2, 1]
    assert list(listed["client"])[-3:] == ["Romashka", "Boris", "Anna"]


def test_a_transaction_leads_to_the_form_that_undoes_it(screen: Open) -> None:
    """A debit to its refund, a payment to its reversal, filled in; what cannot be undone to none."""
    assert _desks(screen("screens/transaction.py", transaction="d1")) == ["form=refund&transaction=4"]
    assert _desks(screen("screens/transaction.py", transaction="p1")) == ["form=reverse&transaction=1"]
    assert _desks(screen("screens/transaction.py", transaction=7)) == []


def _desks(app: AppTest) -> list[str]:
    return [link.proto.query_string for link in app.get("page_link") if link.proto.page == "desk"]


def test_an_account_leads_to_the_desks_forms(screen: Open, lake: Story) -> None:
    """About this account."""
    number = lake.accounts["anna"]["id"]
    links = [f"form={form}&account={number}" for form in ("payout", "transfer", "limits")]
    assert _desks(screen("screens/account.py", account="anna", **MARCH)) == links


def test_readers_of_russian_see_the_ledgers_words_and_sentences(screen: Open) -> None:
    """Kinds in tables and titles, and why a command was declined."""
    app = screen("screens/transaction.py", language="ru", transaction="d1")
    assert app.title[0].value == "Списание 4"
    assert list(app.dataframe[2].value["kind"]) == ["возврат"]
    refused = "недостаточно средств, счёт 1 (Anna): остаток 120,00, в резерве 0,00, списание 900,00 RUB"
    assert refused in screen("screens/transaction.py", language="ru", transaction=7).error[0].value.replace("\\", "")
    listed = screen("screens/declined.py", language="ru", **MARCH).dataframe[0].value
    assert refused in listed["sentence"].iloc[0]
    assert list(listed["kind"]) == ["списание"]


def test_a_declined_transaction_says_the_ledgers_sentence(screen: Open) -> None:
    """The sentence, and that nothing moved."""
    app = screen("screens/transaction.py", transaction=7)
    assert "short by 780.00" in app.error[0].value
    assert not app.dataframe
    assert list(screen("screens/declined.py", **MARCH).dataframe[0].value["code"]) == ["insufficient_funds"]


def test_the_entries_behind_a_figure_come_to_the_figure(screen: Open) -> None:
    """Pizza's revenue of March in roubles: the sale less the refund, and its control."""
    app = screen("screens/entries.py", brand="pizza", kind="revenue", currency="RUB", **MARCH)
    rows, total = (frame.value for frame in app.dataframe)
    assert [float(amount) for amount in rows["amount"]] == [200, -20]
    assert [float(amount) for amount in total["amount"]] == [180]
    assert not app.error


@pytest.mark.parametrize("name", list(REPORTS))
def test_every_report_is_drawn_from_its_parameters(screen: Open, name: str) -> None:
    """A form, the controls, its picture, the rows; a report that needs an account asks for it."""
    app = screen("screens/standard.py", report=name, account="anna", **MARCH)
    assert not app.error
    assert app.selectbox[0].value == name
    assert "controls hold" in "\n".join(part.label for part in app.expander)
    assert len(app.get("download_button")) == len(FORMS)
    assert len(app.get("vega_lite_chart")) <= (REPORTS[name].picture is not None)
    assert name != "brand-revenue" or app.get("vega_lite_chart")


def test_a_pivot_never_adds_up_across_currencies(screen: Open) -> None:
    """Pizza sold in roubles and in dollars: two rows, two totals."""
    app = run_query(screen("screens/explore.py", rows="brand", across="nothing across", of="revenue", **MARCH), "Run")
    rows, totals = (frame.value for frame in app.dataframe)
    assert list(zip(rows["brand"], rows["currency"], map(float, rows["total"]), strict=True)) == [
        ("pizza", "RUB", 180.0),
        ("pizza", "USD", 12.5),
        ("sushi", "RUB", 500.0),
    ]
    assert list(totals["currency"]) == ["RUB", "USD"]


def test_sql_answers_and_says_what_is_wrong(screen: Open) -> None:
    """Rows and how many; one sentence for a mistake, and for anything but reading."""
    app = run_query(screen("screens/sql.py", q="SELECT reference FROM parties ORDER BY 1"))
    assert list(app.dataframe[0].value["reference"]) == ["anna", "boris", "romashka"]
    assert "rows: 3, all of them" in words(app)
    assert "syntax error" in run_query(screen("screens/sql.py", q="SELEC 1")).error[0].value
    assert "more rows than the 1,000 shown" in words(run_query(screen("screens/sql.py", q="SELECT * FROM range(1001)")))


def test_a_query_in_an_address_waits_for_a_person(screen: Open) -> None:
    """Whoever sends a link does not choose what the reader's login asks; another text is another question."""
    app = screen("screens/sql.py", q="SELECT error('it ran')")
    assert "this query came with the address" in words(app).lower()
    assert not app.error
    assert "it ran" in run_query(app).error[0].value
    app = run_query(screen("screens/sql.py", q="SELECT 1 AS a"))
    app.query_params["q"] = "SELECT error('it ran')"
    assert not app.run().error


def test_without_a_lake_there_is_one_sentence(screen: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The way out is in it."""
    monkeypatch.setenv("TIFFIN_LAKE", str(tmp_path / "nowhere"))
    shown = screen("screens/overview.py").error[0].value.replace("\\", "")  # Markdown's own signs are escaped
    assert f"no cut yet in the lake {tmp_path / 'nowhere'}" in shown


def test_what_the_url_says_is_kept_through_a_run(screen: Open) -> None:
    """A choice of the viewer is written into the URL; a shared URL is read."""
    app = screen("screens/explore.py", **MARCH)
    app.multiselect[0].set_value(["client"]).run()
    app.run()
    assert app.query_params["rows"] == "client"
    assert app.multiselect[0].value == ["client"]
    assert app.query_params["from"] == "2017-03-01"


def test_a_figure_in_a_row_that_is_not_measured_is_not_cut_off() -> None:
    """Of twenty rows the twelfth is the longest: its column is as wide as it needs; the first one would be measured."""
    money = Column("amount", "money", "Amount", "Сумма")
    short = [Decimal("5.00")] * 20
    longer = [*short[:11], Decimal("-1234567.00"), *short[12:]]
    assert display._hidden_width(pl.Series(short, dtype=pl.Decimal(18, 2)), money) is None
    assert display._hidden_width(pl.Series(longer, dtype=pl.Decimal(18, 2)), money) == 13 * 8 + 20
    assert display._hidden_width(pl.Series(longer[11:] + short, dtype=pl.Decimal(18, 2)), money) is None
    name = Column("name", "text", "Name", "Имя")
    assert display._hidden_width(pl.Series(["x"] * 11 + ["y" * 500, "x"]), name) == display.WIDEST_PIXELS
