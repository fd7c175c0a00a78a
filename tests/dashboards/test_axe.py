"""Every page as its readers have it: no serious fault that axe finds, light and dark, and no code where a word belongs.

One server and one browser; `make test` has the pages that are built most differently, `make soak` all of them.
"""

import re
from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Locator, Page

from tests.dashboards.chromium import Server, settled
from tests.dashboards.test_gestures import browser as browser
from tests.dashboards.test_gestures import dashboard as dashboard
from tests.dashboards.test_gestures import url as url

pytestmark = pytest.mark.browser
ALWAYS = ("overview", "client?party=anna", "close", "desk?form=limits&account=romashka")
PAGES = (
    "today",
    "accounts",
    "account?account=anna",
    "transaction",
    "transaction?transaction=p1",
    "entries",
    "declined",
    "reports",
    "reports?report=terms-changes",
    "difference?report=brand-revenue&column=kept&by=total&row.currency=RUB&against.from=2017-01-01&against.to=2017-01-31",
    "explore",
    "sql",
    "desk",
    "desk?form=payout&account=anna",
    "desk?form=many&kind=payment",
    "desk?form=credit&account=romashka",
    "desk?form=client&client=anna",
    "desk?form=promotion&promotion=LUNCH",
    "desk?form=program&brand=sushi",
    "reminders",
    "approvals",
    "bank",
    "about",
)
CODES = re.compile(r"(?<![\w/.@-])(?:[a-z]+_[a-z_]+|--[a-z][a-z-]+)(?![\w.])")
"""A name of the code, or an option of the command line."""
TYPED = "code, pre, [data-testid='stCode'], [data-testid='stExpander'], textarea"
"""Where names belong: in commands and queries."""


def faults(page: Page) -> list[tuple[str, str, str]]:
    """Return what axe finds seriously wrong on a page: impact, rule, element."""
    found: list[dict[str, Any]] = Axe().run(page).response["violations"]
    return [
        (each["impact"], each["id"], node["html"][:200])
        for each in found
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]


def codes(page: Page) -> list[str]:
    """Return the codes that a page shows outside commands and queries, its tables included."""
    text: str = page.evaluate(
        """typed => {
            const copy = document.querySelector('[data-testid="stMain"]').cloneNode(true);
            copy.querySelectorAll(`style, script, ${typed}`).forEach(part => part.remove());
            return copy.textContent;
        }""",
        TYPED,
    )
    return CODES.findall(text)


@pytest.mark.parametrize("path", [*ALWAYS, *(pytest.param(path, marks=pytest.mark.soak) for path in PAGES)])
def test_a_page_has_no_serious_fault_in_light_or_dark(path: str, dashboard: Server, browser: BrowserContext) -> None:
    """Nor a code; nothing is cut off at 1,280 pixels, or on a telephone."""
    page = browser.new_page()
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{dashboard.address}/{path}")
    settled(page)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.wait_for_timeout(300)
        assert faults(page) == [], scheme
    assert codes(page) == []
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(200)
        over = page.evaluate(
            "Math.max(...['stMain', 'stApp'].map(id => document.querySelector(`[data-testid=${id}]`))"
            ".map(part => part.scrollWidth - part.clientWidth))"
        )
        assert over <= 0, width
    page.close()


OPENED: dict[str, tuple[str, Callable[[Page], Locator]]] = {
    "a form": ("sql", lambda page: page.get_by_role("button", name="Saved")),
    "a list": ("sql", lambda page: page.get_by_role("button", name="History")),
    "options": ("explore", lambda page: page.get_by_role("combobox", name="Rows")),
    "one option": ("entries", lambda page: page.get_by_role("combobox", name="Brand")),
    "a calendar": ("explore", lambda page: page.locator("[data-testid=stDateInput] button:visible").first),
}
"""What opens above pages: where, and what is pressed for it."""


@pytest.mark.parametrize("name", ["a form", *(pytest.param(name, marks=pytest.mark.soak) for name in list(OPENED)[1:])])
def test_what_opens_above_a_page_has_no_serious_fault(name: str, dashboard: Server, browser: BrowserContext) -> None:
    """Forms, lists and calendars, in light and dark."""
    path, pressed = OPENED[name]
    page = browser.new_page()
    page.goto(f"{dashboard.address}/{path}")
    settled(page)
    pressed(page).click()
    page.wait_for_selector("[role=dialog], [role=listbox]")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.wait_for_timeout(300)
        assert page.locator("[role=dialog], [role=listbox]").count(), scheme
        assert faults(page) == [], scheme
    page.close()
