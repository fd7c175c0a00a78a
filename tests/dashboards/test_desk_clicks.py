"""The desk in a real browser: two clicks post once, and a click leads to the form filled in."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from ledger.administration.administration_lines import parse
from ledger.core.commands import parse as command
from ledger.core.outcomes import Done, Posted
from ledger.postgres.database import connect
from ledger.postgres.post import Ledger
from reports.lake.publish_cut import frequent_cut
from tests.dashboards.chromium import browsing, click_row, served, settled
from tests.dashboards.test_desk import BOOK, POSTED

pytestmark = pytest.mark.browser


@pytest.fixture
def page(database_url: str, tmp_path: Path) -> Iterator[Page]:
    """Return a page of the dashboard over the desk's book."""
    ledger = Ledger(database_url)
    assert all(isinstance(outcome, Done) for outcome in ledger.administer([parse(line) for line in BOOK]))
    assert all(isinstance(outcome, Posted) for outcome in ledger.post([command(line) for line in POSTED]))
    ledger.close()
    lake = str(tmp_path / "lake")
    frequent_cut(database_url, lake)
    settings = {"TIFFIN_DATABASE_URL": database_url, "TIFFIN_LAKE": lake, "TIFFIN_LANGUAGE": "en"}
    with served(**settings) as address, browsing(tmp_path / "profile") as context:
        page = context.new_page()
        page.goto(f"{address}/desk")
        settled(page)
        yield page


def press(page: Page, name: str, *, times: int = 1) -> None:
    """Press a button, and wait for what comes of it."""
    page.get_by_role("button", name=name).click(click_count=times)
    settled(page)


def desk_posted(database_url: str) -> list[Any]:
    """Return what the desk posted."""
    query = "SELECT kind, amount FROM transaction WHERE key LIKE 'desk-%' ORDER BY id"
    with connect(database_url) as connection:
        return connection.execute(query).fetchall()


def test_two_clicks_post_once(page: Page, database_url: str) -> None:
    """A payment's button, and the one that confirms a payout."""
    page.get_by_label("Account number or reference").fill("boris")
    page.get_by_label("Amount").fill("40")
    page.get_by_label("Brand").click()
    page.get_by_role("option", name="sushi").click()
    press(page, "Post", times=2)
    expect(page.get_by_text("Posted as transaction")).to_be_visible()
    page.get_by_text("Payout", exact=True).click()
    settled(page)
    page.get_by_label("Account number or reference").fill("anna")
    page.keyboard.press("Enter")
    settled(page)
    page.get_by_label("Amount").fill("25")
    press(page, "Check")
    press(page, "Post", times=2)
    expect(page.get_by_text("Posted as transaction")).to_be_visible()
    settled(page)
    assert desk_posted(database_url) == [("payment", 4000), ("payout", 2500)]


def test_a_transaction_leads_to_its_refund(page: Page, database_url: str) -> None:
    """By its link."""
    page.get_by_role("link", name="Transactions").click()
    settled(page)
    page.get_by_label("Number or key").fill("d1")
    page.keyboard.press("Enter")
    settled(page)
    page.get_by_role("link", name="Refund →").click()
    page.wait_for_url("**/desk?*")
    settled(page)
    press(page, "Check")
    press(page, "Post")
    expect(page.get_by_text("Posted as transaction")).to_be_visible()
    assert desk_posted(database_url) == [("refund", 70000)]


def test_a_row_of_what_waits_is_allocated(page: Page, database_url: str) -> None:
    """A click on the row fills in the payment; the account without an amount gets all of it."""
    page.get_by_text("Allocation", exact=True).click()
    settled(page)
    click_row(page, 1)
    page.wait_for_url("**payment=*")
    settled(page)
    page.get_by_label("Account number or reference").fill("boris")
    press(page, "Check")
    press(page, "Post")
    expect(page.get_by_text("Posted as transaction")).to_be_visible()
    assert desk_posted(database_url) == [("allocate", 90000)]
