"""A payment in a real browser, broken off in every way: it is posted once, and the page says so."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from ledger.administration.records import parse
from ledger.core.commands import parse as command
from ledger.postgres.database import connect
from ledger.postgres.post import Ledger
from reports.lake.publish_cut import frequent_cut
from tests.dashboards.chromium import browsing, let_in, served, settled
from tests.dashboards.test_desk import BOOK, POSTED

pytestmark = pytest.mark.browser
expect.set_options(timeout=30_000)
RELOADS_MS = (50, 150, 400, 1000)


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> dict[str, str]:
    """Return the settings of the desk's book."""
    ledger = Ledger(database_url)
    ledger.administer([parse(line) for line in BOOK])
    ledger.post([command(line) for line in POSTED])
    ledger.close()
    frequent_cut(database_url, str(tmp_path / "lake"))
    return {
        "TIFFIN_DATABASE_URL": database_url,
        "TIFFIN_LAKE": str(tmp_path / "lake"),
        "TIFFIN_LANGUAGE": "en",
        "TIFFIN_HOME": str(tmp_path),
    }


@pytest.fixture
def context(tmp_path: Path) -> Iterator[BrowserContext]:
    """Return an empty browser."""
    with browsing(tmp_path / "profile") as browser:
        yield browser


def fill(page: Page, amount: str) -> None:
    """Fill in a payment of Boris's."""
    page.get_by_label("Account number or reference").fill("boris")
    page.get_by_label("Amount").fill(amount)
    page.get_by_label("Brand").click()
    page.get_by_role("option", name="sushi").click()


def opened(context: BrowserContext, address: str, query: str = "") -> Page:
    """Open the form of a payment; its address names its draft."""
    page = context.new_page()
    page.goto(f"{address}/desk?form=payment{query}")
    settled(page)
    page.wait_for_url("**draft=*")
    return page


def posted(database_url: str) -> list[int]:
    """Return the amounts that the desk posted, in order."""
    query = "SELECT amount FROM transaction WHERE key LIKE 'desk-%' AND status = 'posted' ORDER BY id"
    with connect(database_url) as connection:
        return [amount for (amount,) in connection.execute(query).fetchall()]


def finish(page: Page, amount: str) -> None:
    """Do what the page asks for: nothing if it was posted, else send what stands there, or type it again."""
    settled(page)
    if not page.get_by_text("Posted as transaction").count():
        if not page.get_by_text("Not posted yet").count():
            fill(page, amount)
        page.get_by_role("button", name="Post", exact=True).click()
    expect(page.get_by_text("Posted as transaction")).to_be_visible()


def test_whatever_breaks_it_off_it_is_posted_once(
    settings: dict[str, str], context: BrowserContext, database_url: str
) -> None:
    """Reloaded after 50 to 1,000 ms, two clicks, Back, a second tab, the server ended and started again."""
    expected = []
    with served(**settings) as address:
        let_in(context, address)
        for number, after_ms in enumerate(RELOADS_MS, start=1):
            page = opened(context, address)
            fill(page, f"{number}0")
            page.get_by_role("button", name="Post", exact=True).click()
            page.wait_for_timeout(after_ms)
            page.reload()
            finish(page, f"{number}0")
            expected.append(number * 1000)
            assert posted(database_url) == expected
        page = opened(context, address)
        fill(page, "60")
        page.get_by_role("button", name="Post", exact=True).dblclick()
        expect(page.get_by_text("Posted as transaction")).to_be_visible()
        draft = page.url
        page.get_by_role("link", name="Accounts").click()
        page.wait_for_url("**/accounts*")
        page.go_back()
        expect(page.get_by_text("Posted as transaction")).to_be_visible()
        expected.append(6000)
        first = opened(context, address)
        second = context.new_page()
        second.goto(first.url)
        settled(second)
        for tab in (first, second):
            fill(tab, "70")
        for tab in (first, second):
            tab.get_by_role("button", name="Post", exact=True).click()
            expect(tab.get_by_text("Posted as transaction")).to_be_visible()
        expected.append(7000)
        assert posted(database_url) == expected
        page = opened(context, address)
        fill(page, "80")
        page.get_by_role("button", name="Post", exact=True).click()
        broken = page.url
        assert broken != draft
    expected.append(8000)
    with served(int(address.rpartition(":")[2]), **settings) as address:
        let_in(context, address)
        page = context.new_page()
        page.goto(broken)
        finish(page, "80")
        assert posted(database_url) == expected
