"""The page of bank statements: what a file would do is seen, then posted, once, by whoever says who he is."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from playwright.sync_api import expect
from streamlit.testing.v1 import AppTest

from ledger.administration.administration_lines import parse
from ledger.core.commands import parse as command
from ledger.core.outcomes import Done
from ledger.postgres.database import connect
from ledger.postgres.post import Ledger
from reports.lake.publish_cut import frequent_cut
from tests.dashboards.chromium import browsing, served, settled
from tests.dashboards.conftest import opened, words
from tests.ledger.bank import written
from tests.ledger.bank.test_reading import entry, stmt

BOOK: list[dict[str, Any]] = [
    {"type": "brand", "code": "sushi", "bank_details": {"account": "40702810000000074935"}},
    {"type": "party", "reference": "romashka", "kind": "legal_entity", "name": "Romashka", "tax_id": "7736050003"},
    {"type": "account", "reference": "romashka-01", "party": "romashka", "currency": "RUB", "holder": "sushi"},
]
GOOD = written.one_c(
    stmt(entry("500.00", tax_id="7736050003", name="ООО Ромашка"), entry("75.00", text="thanks"), entry("-7.00"))
).encode("cp866")


@pytest.fixture
def book(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[psycopg.Connection[Any]]:
    """Return a connection to a book of one company, which has a cut."""
    ledger = Ledger(database_url)
    assert all(isinstance(outcome, Done) for outcome in ledger.administer([parse(line) for line in BOOK]))
    ledger.close()
    frequent_cut(database_url, str(tmp_path / "lake"))
    monkeypatch.setenv("TIFFIN_DATABASE_URL", database_url)
    monkeypatch.setenv("LOGNAME", "o.petrova")
    monkeypatch.setenv("TIFFIN_LAKE", str(tmp_path / "lake"))
    with connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def page(book: psycopg.Connection[Any]) -> AppTest:
    """Open the page as O. Petrova."""
    return opened("screens/bank.py")


def upload(page: AppTest, content: bytes, name: str = "march.txt") -> None:
    """Put a file in."""
    page.file_uploader(key="statements").set_value([(name, content, "text/plain")]).run()
    assert not page.exception


def posted(book: psycopg.Connection[Any]) -> list[Any]:
    """Return the payments: amount, account, who."""
    return book.execute('SELECT amount, account_id, "by" FROM transaction ORDER BY amount').fetchall()


def results(page: AppTest) -> list[tuple[str, str]]:
    """Return the result and the rule or reason of each line on the screen."""
    table = page.dataframe[1].value
    return list(zip(table["result"], table["why"], strict=True))


def test_a_file_is_shown_first_and_posted_when_asked(page: AppTest, book: psycopg.Connection[Any]) -> None:
    """Afterwards everything is there already, and nothing is left to post."""
    upload(page, GOOD)
    assert results(page) == [
        ("would be posted", "tax number"),
        ("would be posted", "no account is named, no tax number given"),
        ("not imported", "money out"),
    ]
    assert posted(book) == []
    page.button(key="post statements").click().run()
    assert "Payments posted: 2" in words(page)
    assert posted(book) == [(7500, None, "o.petrova"), (50000, 1000017, "o.petrova")]
    page.run()
    assert [result for result, _ in results(page)] == ["there already", "there already", "not imported"]
    assert page.button(key="post statements").disabled


def test_a_file_that_is_none_is_one_sentence(page: AppTest, book: psycopg.Connection[Any]) -> None:
    """And nothing can be posted."""
    upload(page, b"%PDF-1.7", "scan.pdf")
    assert page.error[0].value.startswith("scan.pdf: is not a bank statement in MT940, MT942, ")
    assert not page.button


def test_a_statement_of_an_unknown_account_asks_for_the_brand(page: AppTest, book: psycopg.Connection[Any]) -> None:
    """And is taken once it is chosen."""
    upload(page, GOOD.replace(b"40702810000000074935", b"40702810000000000001"))
    assert "no brand has that account in the bank details" in page.error[0].value
    page.selectbox[0].set_value("sushi").run()
    assert not page.error
    assert [result for result, _ in results(page)] == ["would be posted", "would be posted", "not imported"]


@pytest.mark.browser
def test_a_file_goes_through_a_real_browser(book: psycopg.Connection[Any], database_url: str, tmp_path: Path) -> None:
    """Chosen, seen, posted."""
    (tmp_path / "march.txt").write_bytes(GOOD)
    settings = {"TIFFIN_DATABASE_URL": database_url, "TIFFIN_LAKE": str(tmp_path / "lake"), "TIFFIN_LANGUAGE": "en"}
    with served(**settings) as address, browsing(tmp_path / "profile") as context:
        page = context.new_page()
        page.goto(f"{address}/bank")
        settled(page)
        page.locator('input[type="file"]').set_input_files(tmp_path / "march.txt")
        page.get_by_role("button", name="Post payments: 2").click()
        expect(page.get_by_text("Payments posted: 2")).to_be_visible()
    assert posted(book) == [(7500, None, "o.petrova"), (50000, 1000017, "o.petrova")]


def test_the_bank_stands_beside_the_ledger_and_payers_are_revoked(page: AppTest, book: psycopg.Connection[Any]) -> None:
    """What came in is matched or waits, nothing differs; a payer that the desk taught is shown, and forgotten."""
    payer = "40702810000000000888"
    upload(page, written.one_c(stmt(entry("75.00", text="thanks", account=payer))).encode("cp1251"))
    page.button(key="post statements").click().run()
    days = page.dataframe[2].value
    assert [list(map(str, row)) for row in days[["waiting", "difference"]].to_numpy()] == [
        ["75.00", "0.00"],
        ["0.00", "0.00"],
    ]
    ledger = Ledger(os.environ["TIFFIN_DATABASE_URL"])
    (key,) = book.execute("SELECT key FROM transaction").fetchone() or ()
    ledger.post(
        [
            command(
                {
                    "type": "allocate",
                    "key": "a",
                    "payment": key,
                    "split": [{"account": "romashka-01", "amount": "75.00"}],
                }
            )
        ]
    )
    ledger.close()
    page.run()
    shown = page.dataframe[3].value
    assert list(shown["payer"]) == [payer]
    page.selectbox[1].set_value(f"{payer} → 1000017 Romashka").run()
    page.button(key="revoke payer").click().run()
    assert not page.exception
    assert book.execute("SELECT revoked_by FROM bank_payer").fetchall() == [("o.petrova",)]


def test_what_came_back_is_undone_with_one_click(page: AppTest, book: psycopg.Connection[Any]) -> None:
    """The payout is named on the button."""
    ledger = Ledger(os.environ["TIFFIN_DATABASE_URL"])
    ledger.post(
        [
            command({"type": kind, "key": kind, "account": "romashka-01", "amount": "7.00", "brand": "sushi"})
            for kind in ("payment", "payout")
        ]
    )
    ledger.close()
    today = book.execute("SELECT max(business_date) FROM transaction").fetchone() or ()
    back = entry("7.00", booked_on=today[0], value_date=today[0], reversal=True)
    upload(page, written.mt940(stmt(back, number="9")).encode(), "back.sta")
    [(payout,)] = book.execute("SELECT id FROM transaction WHERE kind = 'payout'").fetchall()
    assert page.button(key="undo returned").label == f"Undo what came back: {payout}"
    page.button(key="undo returned").click().run()
    assert not page.exception
    assert book.execute("SELECT refers_to FROM transaction WHERE kind = 'reverse'").fetchall() == [(payout,)]


def test_an_acquirer_made_known_moves_our_own_money(page: AppTest, book: psycopg.Connection[Any]) -> None:
    """Nonsense is one sentence; then 985.00 less 1.5 % are offered as our own, posted as a move, and forgotten."""
    payer = "40702810000000000888"
    for key, value in (("depositor", payer), ("depositor channel", "bank"), ("depositor fee", "1,5")):
        page.text_input(key=key).set_value(value)
    page.selectbox(key="depositor brand").set_value("sushi").run()
    page.button(key="make depositor known").click().run()
    assert page.error[0].value == "channel: bank is not where money waits for the bank"
    page.text_input(key="depositor channel").set_value("card").run()
    page.button(key="make depositor known").click().run()
    assert not page.error
    upload(page, written.one_c(stmt(entry("985.00", text="cards", account=payer))).encode("cp1251"))
    assert [list(row) for row in page.dataframe[1].value[["party", "why"]].to_numpy()] == [
        ["our own, from card", "known depositor"]
    ]
    page.button(key="post statements").click().run()
    assert book.execute("SELECT kind, amount FROM transaction").fetchall() == [("move", 100000)]
    page.selectbox[-1].set_value(f"{payer} → sushi, card").run()
    page.button(key="revoke depositor").click().run()
    assert book.execute("SELECT revoked_by FROM bank_depositor").fetchall() == [("o.petrova",)]


CSV = b"""Kontoauszug;;;
Buchungstag;Zweck;Betrag;Saldo
02.03.2026;ACC romashka-01;500,00;500,00
03.03.2026;fee;-7,00;493,00
"""


def test_the_columns_of_a_csv_are_chosen_seen_and_kept(page: AppTest, book: psycopg.Connection[Any]) -> None:
    """What lacks is one sentence; a preview; kept, the file is offered as any other; then it can be changed."""
    upload(page, CSV, "march.csv")
    assert page.warning[0].value == "a layout needs the column of the date"
    assert page.button(key="keep layout").disabled
    page.text_input(key="csv account").set_value("40702810000000074935")
    page.text_input(key="csv currency").set_value("RUB")
    for what, header in (("date", "Buchungstag"), ("text", "Zweck"), ("amount", "Betrag"), ("balance", "Saldo")):
        page.selectbox(key=f"column {what}").set_value(header)
    page.run()
    assert not page.warning
    assert [f"{amount:.2f}" for amount in page.dataframe[0].value["amount"]] == ["500.00", "-7.00"]
    assert "Entries: 2; balances agree" in words(page)
    page.button(key="keep layout").click().run()
    assert not page.exception
    assert book.execute('SELECT bank_account, "by" FROM bank_csv').fetchall() == [("40702810000000074935", "o.petrova")]
    page.button(key="post statements").click().run()
    assert posted(book) == [(50000, 1000017, "o.petrova")]
    page.selectbox(key="column amount").set_value("Saldo").run()
    assert "balances" in page.warning[0].value
    assert page.button(key="keep layout").disabled
