"""Logins by OpenID Connect, against a provider of our own: who is let in, as what, and until when."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import oidc_provider_mock
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from ledger.postgres import members
from ledger.postgres.database import connect
from tests.conftest import made
from tests.dashboards.chromium import browsing, served, settled

pytestmark = pytest.mark.browser
PEOPLE: dict[str, dict[str, Any]] = {
    "vera": {"tiffin_role": "viewer"},
    "nobody": {},
    "other": {"tiffin_role": "admin", "aud": "another-program"},
    "late": {"tiffin_role": "admin", "exp": 1_500_000_000},
    "alien": {"tiffin_role": "admin", "iss": "https://another.example"},
}


@pytest.fixture(scope="module")
def url(server: str, worked: tuple[str, Path]) -> Iterator[str]:
    """Return a copy of the desk's book."""
    yield from made(server, f"tiffin_login_{os.getpid()}", worked[0])


@pytest.fixture(scope="module")
def address(url: str, worked: tuple[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the dashboard with logins; a login is the name that was typed at the provider."""
    users = [
        oidc_provider_mock.User(sub=name, claims={"email": f"{name}@example.com", **claims})
        for name, claims in PEOPLE.items()
    ]
    with oidc_provider_mock.run_server_in_thread(user_claims=users) as provider:
        settings = {
            "TIFFIN_DATABASE_URL": url,
            "TIFFIN_LAKE": str(worked[1]),
            "TIFFIN_LANGUAGE": "en",
            "TIFFIN_HOME": str(tmp_path_factory.mktemp("home")),
            "TIFFIN_OIDC_METADATA_URL": f"http://localhost:{provider.server_port}/.well-known/openid-configuration",
            "TIFFIN_OIDC_CLIENT_ID": "tiffin",
            "TIFFIN_OIDC_CLIENT_SECRET": "secret",
        }
        with served(**settings) as address:
            yield address


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """Return a browser."""
    with browsing(tmp_path_factory.mktemp("profile")) as context:
        yield context


@pytest.fixture
def page(browser: BrowserContext) -> Iterator[Page]:
    """Return a page of a browser in which nobody is logged in."""
    page = browser.new_page()
    yield page
    page.close()
    browser.clear_cookies()


def log_in(page: Page, address: str, name: str) -> None:
    """Press Log in, and say who one is at the provider."""
    page.goto(address)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/oauth2/authorize*")
    page.locator('input[name="sub"]').first.fill(name)
    page.get_by_role("button", name="Authorize").first.click()
    page.wait_for_url(f"{address}/*")


def log_out(page: Page, address: str) -> None:
    """Press Log out, and come back."""
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url(lambda url: not url.startswith(address) or "logout" in url)
    page.goto(address)
    expect(page.get_by_role("button", name="Log in")).to_be_visible()


def test_roles_come_from_claims_and_end_with_the_login(
    page: Page, browser: BrowserContext, address: str, url: str
) -> None:
    """A viewer has figures; an accountant the desk, under the login's name; who has no role has nothing."""
    page.goto(f"{address}/sql?q=SELECT+1")
    expect(page.get_by_role("button", name="Log in")).to_be_visible()
    assert not page.get_by_role("link", name="Accounts").count()
    log_in(page, address, "vera")
    settled(page)
    expect(page.get_by_text("vera@example.com · viewer")).to_be_visible()
    assert not page.get_by_role("link", name="Desk").count()
    page.goto(f"{address}/desk")
    expect(page.get_by_text("Page not found")).to_be_visible()
    assert page.request.get(f"{address}/live/health").status == 200
    page.goto(address)
    settled(page)
    cookies = browser.cookies()
    log_out(page, address)
    assert page.request.get(f"{address}/live/health").text() == "log in to the dashboard first"
    browser.add_cookies(cookies)  # as if somebody had kept them
    page.goto(address)
    expect(page.get_by_text("your login is over")).to_be_visible()
    assert page.request.get(f"{address}/live/health").text() == "your login is over: log out, and in again"
    log_out(page, address)
    log_in(page, address, "nobody")
    expect(page.get_by_text("nobody has given you a role yet")).to_be_visible()
    with connect(url) as connection:
        members.grant(connection, members.Member("nobody@example.com", "accountant", None))
    page.wait_for_timeout(6000)  # a role is looked up every five seconds
    page.goto(f"{address}/desk")
    settled(page)
    expect(page.get_by_text("Every change is marked nobody")).to_be_visible()


@pytest.mark.parametrize("name", ["other", "late", "alien"])
def test_a_token_for_others_or_of_the_past_lets_nobody_in(page: Page, address: str, name: str) -> None:
    """One for another program, one whose hour is over, one that another provider signed for."""
    log_in(page, address, name)
    page.goto(address)
    expect(page.get_by_role("button", name="Log in")).to_be_visible()
    assert not page.get_by_role("link", name="Accounts").count()
