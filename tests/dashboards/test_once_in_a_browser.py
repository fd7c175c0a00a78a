"""What is no form, broken off in a real browser: a cut, a dunning round; and the desk's main forms by keyboard only."""

import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from ledger.administration.administration_lines import parse
from ledger.core.commands import parse as command
from ledger.core.outcomes import Done, Posted
from ledger.postgres.post import Ledger
from reports.lake.publish_cut import frequent_cut
from tests.dashboards.chromium import Server, ready, settled
from tests.dashboards.test_gestures import FORMS, GESTURES, PERSON, Work, another, let_in, times_done
from tests.dashboards.test_gestures import browser as browser
from tests.dashboards.test_gestures import url as url

pytestmark = pytest.mark.browser
_keys = count(1)
DEBTOR = [
    {"type": "party", "reference": "gleb", "kind": "individual", "name": "Gleb S.", "email": "gleb@example.com"},
    {"type": "account", "reference": "gleb", "party": "gleb", "currency": "RUB", "holder": "sushi"},
    {"type": "credit_terms", "account": "gleb", "limit": "500", "period_days": 20, "valid_from": "2024-01-01"},
]
OWED = {"type": "debit", "account": "gleb", "lines": [{"brand": "sushi", "amount": "90"}], "at": "2024-02-10T12:00:00Z"}


def post(url: str, line: dict[str, object]) -> None:
    """Post a command."""
    ledger = Ledger(url)
    [outcome] = ledger.post([command({**line, "key": f"more {next(_keys)}"})])
    ledger.close()
    assert isinstance(outcome, Posted), outcome


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the home of the dashboard."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def dashboard(url: str, home: Path) -> Iterator[Server]:
    """Serve the book, of which Gleb has owed 90 since 2024, to O. Petrova."""
    ledger = Ledger(url)
    assert all(isinstance(outcome, Done) for outcome in ledger.administer([parse(line) for line in DEBTOR]))
    ledger.close()
    post(url, OWED)
    frequent_cut(url, str(home / "lake"))
    settings = {"TIFFIN_LAKE": str(home / "lake"), "TIFFIN_HOME": str(home), "TIFFIN_SENDER": "bills@example.org"}
    server = Server(TIFFIN_DATABASE_URL=url, TIFFIN_LANGUAGE="en", LOGNAME=PERSON, **settings)
    server.start()
    yield server
    server.stop()


def broken_off(gesture: str, pages: list[Page], button: str, dashboard: Server, browser: BrowserContext) -> None:
    """Press a button on a page, or on two, as the gesture has it, and come back to the page."""
    first = pages[0].get_by_role("button", name=button).last
    match gesture.split():
        case ["double", "click"]:
            first.dblclick()
        case ["reload", after_ms]:
            first.click()
            pages[0].wait_for_timeout(int(after_ms))
            pages[0].reload()
        case ["back"]:
            first.click()
            pages[0].get_by_role("link", name="Accounts").click()
            pages[0].wait_for_url("**/accounts*")
            pages[0].go_back()
        case ["two", "tabs"]:
            for page in pages:
                page.get_by_role("button", name=button).last.click()
        case ["kill"]:
            first.click()
            pages[0].wait_for_timeout(300)
            dashboard.kill()
            dashboard.start()
            let_in(browser, dashboard)
            pages[0].goto(pages[0].url)


def opened(browser: BrowserContext, address: str, gesture: str) -> list[Page]:
    """Open a page in a tab, or in two."""
    pages = [browser.new_page() for _ in range(2 if gesture == "two tabs" else 1)]
    for page in pages:
        page.goto(address)
        ready(page)
    return pages


def gestures(sample: str) -> list[object]:
    """Return every gesture, of which `make test` has one."""
    return [pytest.param(one, marks=() if one == sample else pytest.mark.soak) for one in GESTURES]


@pytest.mark.parametrize("gesture", gestures("double click"))
def test_a_cut_is_taken_once(gesture: str, url: str, home: Path, dashboard: Server, browser: BrowserContext) -> None:
    """One number more, which every page shows, whatever became of the tab that asked for it."""
    post(url, {"type": "payment", "account": "boris", "amount": "1", "brand": "sushi"})

    def number() -> int:
        return int(json.loads((home / "lake" / "current.json").read_text())["number"])

    before, pages = number(), opened(browser, f"{dashboard.address}/close", gesture)
    broken_off(gesture, pages, "Cut now", dashboard, browser)
    facts = pages[0].locator(".tiffin-facts").first
    for _ in range(10):
        if f"Cut {before + 1}" in facts.inner_text():
            break
        pages[0].wait_for_timeout(1500)
        pages[0].reload()
        settled(pages[0])
    expect(facts).to_contain_text(f"Cut {before + 1}", use_inner_text=True)
    assert number() == before + 1
    for page in pages:
        page.close()


@pytest.mark.parametrize("gesture", gestures("reload 50"))
def test_a_debtor_is_written_to_once(gesture: str, home: Path, dashboard: Server, browser: BrowserContext) -> None:
    """One letter in the outbox, and the page says on which day."""
    outbox = home / "outbox" / "reminders"
    for letter in outbox.glob("*"):
        letter.unlink()
    [page, *others] = opened(browser, f"{dashboard.address}/reminders", gesture)
    expect(page.get_by_role("button", name="Write 1 letters")).to_be_enabled()
    broken_off(gesture, [page, *others], "Write 1 letters", dashboard, browser)
    settled(page)
    again = page.get_by_role("button", name="Write 1 letters")
    if again.count():  # broken off before it was written
        again.click()
    expect(page.get_by_role("button", name="Write 0 letters")).to_be_disabled()
    assert len([*outbox.glob("*.eml")]) == 1
    for tab in (page, *others):
        tab.close()


_FOCUSED = (
    "() => { const e = document.activeElement; return (e.getAttribute('aria-label') || e.innerText || '').trim() }"
)


def tab_to(page: Page, name: str) -> None:
    """Press Tab until what has this name has the focus."""
    for _ in range(150):
        page.keyboard.press("Tab")
        if name in str(page.evaluate(_FOCUSED)):
            return
    raise AssertionError(f"{name} is not reached by the keyboard")


@pytest.mark.parametrize(
    "name", ["payment", *(pytest.param(one, marks=pytest.mark.soak) for one in ("allocate", "adjustment", "refund"))]
)
def test_a_form_is_filled_in_and_posted_by_keyboard_only(
    name: str, url: str, dashboard: Server, browser: BrowserContext
) -> None:
    """Tab to each field, a choice by its first letters, Enter on each button."""
    work = Work(name, another(url, name), browser.new_page(), dashboard.address)
    before, page = times_done(url, name), work.page
    work.open()
    for label, value in FORMS[name].typed.items():
        tab_to(page, label)
        page.keyboard.type(value.format(work.amount))
    for label, value in FORMS[name].chosen.items():
        tab_to(page, label)
        page.keyboard.type(value)
        page.keyboard.press("Enter")
    for button in FORMS[name].buttons:
        expect(page.get_by_role("button", name=button, exact=True)).to_be_visible()
        settled(page)
        tab_to(page, button)
        page.keyboard.press("Enter")
    work.told(page)
    assert times_done(url, name) == before + 1
    page.close()
