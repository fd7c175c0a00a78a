"""The main paths in a real browser: from a total down to a transaction, a report to a file, an account to its paper."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.dashboards.chromium import browsing, click_row, let_in, served, settled
from tests.reports.story import Story
from tests.reports.write_lake import write_lake

pytestmark = pytest.mark.browser


@pytest.fixture
def address(story: Story, tmp_path: Path) -> Iterator[str]:
    """Serve the small lake."""
    with served(TIFFIN_LAKE=str(write_lake(story, tmp_path)), TIFFIN_HOME=str(tmp_path), TIFFIN_LANGUAGE="en") as url:
        yield url


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[BrowserContext]:
    """Return an empty browser."""
    with browsing(tmp_path / "profile") as context:
        yield context


@pytest.fixture
def page(browser: BrowserContext, address: str) -> Iterator[Page]:
    """Return a page that asks nobody but our own server."""
    let_in(browser, address)
    page = browser.new_page()
    strangers: list[str] = []
    own = (address, address.replace("http", "ws"), "data:", "blob:")
    page.on("request", lambda request: None if request.url.startswith(own) else strangers.append(request.url))
    yield page
    assert strangers == []


def downloaded(page: Page, name: str) -> tuple[str, bytes]:
    """Press a download button; return the file's name and content."""
    with page.expect_download() as waiting:
        page.get_by_role("button", name=name, exact=True).click()
    file = waiting.value
    return file.suggested_filename, Path(file.path()).read_bytes()


def test_from_a_total_down_to_a_transaction_and_back(page: Page, address: str) -> None:
    """Overview, a brand's total, its entries, one transaction; Back finds the entries as they were."""
    page.goto(address)
    settled(page)
    expect(page.get_by_text("controls hold")).to_be_visible()
    expect(page.get_by_text("700.00").first).to_be_visible()
    click_row(page, 1)
    page.wait_for_url("**/entries?*")
    settled(page)
    entries = page.url
    assert "brand=pizza" in entries
    assert "kind=revenue" in entries
    click_row(page, 1)
    page.wait_for_url("**/transaction?*")
    settled(page)
    expect(page.get_by_role("heading", name="debit 4")).to_be_visible()
    expect(page.get_by_text("the entries sum to zero")).to_be_visible()
    page.go_back()
    page.wait_for_url(entries)
    settled(page)


def test_a_bar_of_the_chart_leads_to_its_entries(page: Page, address: str) -> None:
    """March of the only month with sales."""
    page.goto(f"{address}/?from=2017-03-01&to=2017-03-31")
    settled(page)
    bars: Any = page.locator('[data-testid="stVegaLiteChart"]').first.bounding_box()
    page.mouse.click(bars["x"] + 0.4 * bars["width"], bars["y"] + 0.75 * bars["height"])
    page.wait_for_url("**/entries?*")
    assert "brand=sushi" in page.url


def test_an_account_is_searched_and_its_paper_downloaded(page: Page, address: str) -> None:
    """A name, a click, the statement of March as PDF."""
    page.goto(f"{address}/accounts")
    settled(page)
    page.get_by_label("Name, reference").fill("anna")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=anna*")
    settled(page)
    click_row(page, 1)
    page.wait_for_url("**/account?*")
    settled(page)
    expect(page.get_by_role("heading", name="Anna", exact=True)).to_be_visible()
    page.get_by_role("tab", name="Papers").click()
    page.get_by_role("button", name="Prepare").click()
    settled(page)
    name, content = downloaded(page, "Statement (PDF)")
    assert name.endswith("-2017-03.pdf")
    assert content.startswith(b"%PDF")


def test_a_report_is_run_and_downloaded_in_every_form(page: Page, address: str) -> None:
    """The same figures on the screen and in the files."""
    page.goto(f"{address}/reports?report=brand-revenue&from=2017-03-01&to=2017-03-31&currency=RUB")
    settled(page)
    expect(page.get_by_role("heading", name="Brand revenue")).to_be_visible()
    starts = {"CSV": b"brand,", "JSON": b"{", "PARQUET": b"PAR1", "XLSX": b"PK", "HTML": b"<!DOCTYPE", "PDF": b"%PDF"}
    files = {form: downloaded(page, form)[1] for form in starts}
    for form, start in starts.items():
        assert files[form][: len(start)].lower() == start.lower(), form
    rows = list(csv.DictReader(io.StringIO(files["CSV"].decode())))
    assert [(row["brand"], row["net"]) for row in rows[:2]] == [("pizza", "200.00"), ("sushi", "500.00")]


def test_the_language_is_switched(page: Page, address: str) -> None:
    """Every word of the page, and the figures' separators."""
    page.goto(address)
    settled(page)
    page.get_by_text("ru", exact=True).click()
    expect(page.get_by_role("heading", name="Обзор")).to_be_visible()
    settled(page)
    expect(page.get_by_text("700,00").first).to_be_visible()
