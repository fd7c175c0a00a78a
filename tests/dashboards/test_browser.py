"""The main paths in a real browser: from a total down to a transaction, a report to a file, an account to its paper."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from tests.dashboards.chromium import browsing, click_row, served, settled
from tests.dashboards.conftest import small_book
from tests.reports.write_lake import write_lake

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the small lake."""
    home = tmp_path_factory.mktemp("home")
    lake = str(write_lake(small_book(), home))
    with served(TIFFIN_LAKE=lake, TIFFIN_HOME=str(home), TIFFIN_LANGUAGE="en") as url:
        yield url


@pytest.fixture(scope="module")
def browser(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """Return a browser that was let in."""
    with browsing(tmp_path_factory.mktemp("profile")) as context:
        yield context


@pytest.fixture
def page(browser: BrowserContext, address: str) -> Iterator[Page]:
    """Return a page that asks nobody but our own server, misses nothing there, and says nothing in the console."""
    page = browser.new_page()
    strangers: list[str] = []
    wrong: list[str] = []
    own = (address, address.replace("http", "ws"), "data:", "blob:")
    page.on("request", lambda request: None if request.url.startswith(own) else strangers.append(request.url))
    page.on("response", lambda answer: wrong.append(answer.url) if answer.status >= 400 else None)
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    yield page
    browser.clear_cookies(name="tiffin_language")
    page.close()
    assert (strangers, wrong) == ([], [])


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
    assert "brand=sushi" in entries  # of which most was kept
    assert "kind=revenue" in entries
    click_row(page, 1)
    page.wait_for_url("**/transaction?*")
    settled(page)
    expect(page.get_by_role("heading", name="debit 4")).to_be_visible()
    expect(page.get_by_text("the entries sum to zero")).to_be_visible()
    page.go_back()
    page.wait_for_url(entries)
    settled(page)


FIGURES = {"account": 0.31, "accounts": 0.14}
"""Where in a page's first table figures are, if not on the right."""


def difference(page: Page) -> None:
    """Hold that the rows of a figure come to it."""
    settled(page)
    tile = page.locator(".st-key-tiles > div", has_text="Difference").locator(".figure")
    expect(tile).to_have_text("0.00")


WALKED = {
    "overview": "?currency=RUB&from=2017-02-01&to=2017-03-31",
    "accounts": "accounts",
    "account": "account?account=anna&from=2017-03-01&to=2017-03-31",
    "transaction": "transaction?transaction=d1",
    "reports": "reports?report=brand-revenue&from=2017-03-01&to=2017-03-31&by=month",
    "ageing": "reports?report=receivables-aging&as_of=2017-03-31",
    "trial balance": "reports?report=trial-balance&from=2017-03-01&to=2017-03-31",
    "explore": "explore",
}
SAMPLE = (("account", 1), ("ageing", 1), ("explore", 1))


def cells(page: Page, first: float) -> list[tuple[int, float, float]]:
    """Return places in the tables of a page: table, and where in it; most from the right, where figures are."""
    tables = page.locator('[data-testid="stDataFrame"]')
    places = []
    for table in range(tables.count()):
        box: Any = tables.nth(table).bounding_box()
        if box is None:
            continue  # in a tab that is not open
        rows = int((box["height"] - 8) // 30) - 1
        across = [first, 0.8, 0.67, 0.54]
        places += [(table, box["width"] * x, 30.0 * row + 15) for x in across for row in range(1, min(rows, 3) + 1)]
    return places


@pytest.mark.parametrize(
    ("name", "most"),
    [
        pytest.param(name, most, marks=() if (name, most) in SAMPLE else pytest.mark.soak)
        for name in WALKED
        for most in (1, 20)
    ],
)
def test_cells_of_a_page_open_their_rows(page: Page, address: str, name: str, most: int) -> None:
    """A figure opens rows that come to it; Back finds the page as it was."""
    page.goto(f"{address}/{WALKED[name]}")
    settled(page)
    before, figures = page.url, 0
    for table, x, y in cells(page, FIGURES.get(name, 0.93)):
        if figures == most:
            break
        found = page.locator('[data-testid="stDataFrame"]').nth(table)
        found.scroll_into_view_if_needed()
        box: Any = found.bounding_box()
        page.mouse.click(box["x"] + x, box["y"] + y)
        try:
            page.wait_for_function("old => location.pathname !== old", arg=urlsplit(before).path, timeout=15000)
        except PlaywrightTimeoutError:
            continue  # a blank cell
        settled(settled(page))  # also what the page fills into its address
        if "/explanation?" in page.url:
            difference(page)
            figures += 1
        page.go_back()
        page.wait_for_url(before)
        settled(page)
    assert figures, "no cell was a figure"


def test_a_tile_opens_its_rows_down_to_a_transaction(page: Page, address: str) -> None:
    """What clients owe: a debtor, what is unpaid, its transaction; three times Back is the overview."""
    page.goto(f"{address}/{WALKED['overview']}")
    settled(page)
    start = page.url
    page.get_by_role("link", name="100.00").first.click()
    page.wait_for_url("**/explanation?*")
    difference(page)
    click_row(page, 1)
    page.wait_for_url("**row.account=*")
    expect(page.get_by_text("What is unpaid")).to_be_visible()
    difference(page)
    click_row(page, 1)
    page.wait_for_url("**/transaction?*")
    settled(page)
    expect(page.get_by_text("the entries sum to zero")).to_be_visible()
    for back in ("**row.account=*", "**/explanation?*", start):
        page.go_back()
        page.wait_for_url(back)
        settled(page)
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def test_a_bar_of_the_chart_leads_to_its_entries(page: Page, address: str) -> None:
    """March is the only month with sales; three months are drawn by month, and have a course beside each tile."""
    page.goto(f"{address}/?from=2017-02-01&to=2017-04-30")
    settled(page)
    expect(page.get_by_role("img", name="twelve months: from 0.00 to 680.00").first).to_be_visible()
    bars: Any = page.locator('[data-testid="stVegaLiteChart"]').first.bounding_box()
    page.mouse.click(bars["x"] + 0.4 * bars["width"], bars["y"] + 0.75 * bars["height"])
    page.wait_for_url("**/explanation?*")
    assert "row.brand=sushi" in page.url
    difference(page)


def test_an_account_is_searched_and_its_paper_downloaded(page: Page, address: str) -> None:
    """A name, the client, its account, the statement of March as PDF."""
    page.goto(f"{address}/accounts")
    settled(page)
    page.get_by_label("Name, number").fill("anna")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=anna*")
    settled(page)
    click_row(page, 1)
    page.wait_for_url("**/client?party=anna")
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
    """Every word of the page, and the figures' separators; a reload keeps it."""
    page.goto(address)
    settled(page)
    page.get_by_text("ru", exact=True).click()
    expect(page.get_by_role("heading", name="Обзор")).to_be_visible()
    settled(page)
    expect(page.get_by_text("700,00").first).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Обзор")).to_be_visible()
    settled(page)


def test_the_overviews_own_name_is_an_address(page: Page, address: str) -> None:
    """With what the address says beside it."""
    page.goto(f"{address}/overview?currency=USD")
    settled(page)
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    assert page.url.startswith(f"{address}/?currency=USD")
