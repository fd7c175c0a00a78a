"""Logins by OpenID Connect, against a provider of our own: who is let in, as what, and until when."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import oidc_provider_mock
import pytest
from playwright.sync_api import Page, expect

from ledger.administration.administration_lines import parse
from ledger.core.commands import parse as command
from ledger.postgres import members
from ledger.postgres.database import connect
from ledger.postgres.post import Ledger
from reports.lake.publish_cut import frequent_cut
from tests.dashboards.chromium import browsing, served, settled
from tests.dashboards.conftest import BOOK, POSTED

pytestmark = pytest.mark.browser
PEOPLE: dict[str, dict[str, Any]] = {
    "vera": {"tiffin_role": "viewer"},
    "nobody": {},
    "other": {"tiffin_role": "admin", "aud": "another-program"},
    "late": {"tiffin_role": "admin", "exp": 1_500_000_000},
    "alien": {"tiffin_role": "admin", "iss": "https://another.example"},
}


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> dict[str, str]:
    """Return the settings of the desk's book."""
    ledger = Ledger(database_url)
    ledger.administer([parse(line) for line in BOOK])
    ledger.post([command(line) for line in POSTED])
    ledger.close()
    lake = str(tmp_path / "lake")
    frequent_cut(database_url, lake)
    return {
        "TIFFIN_DATABASE_URL": database_url,
        "TIFFIN_LAKE": lake,
        "TIFFIN_LANGUAGE": "en",
        "TIFFIN_HOME": str(tmp_path),
    }


@contextmanager
def team(settings: dict[str, str]) -> Iterator[str]:
    """Serve the dashboard with logins; a login is the name that was typed at the provider."""
    users = [
        oidc_provider_mock.User(sub=name, claims={"email": f"{name}@example.com", **claims})
        for name, claims in PEOPLE.items()
    ]
    with oidc_provider_mock.run_server_in_thread(user_claims=users) as provider:
        oidc = {
            "TIFFIN_OIDC_METADATA_URL": f"http://localhost:{provider.server_port}/.well-known/openid-configuration",
            "TIFFIN_OIDC_CLIENT_ID": "tiffin",
            "TIFFIN_OIDC_CLIENT_SECRET": "secret",
        }
        with served(**settings, **oidc) as address:
            yield address


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


def test_roles_come_from_claims_and_end_with_the_login(settings: dict[str, str], tmp_path: Path) -> None:
    """A viewer has figures; an accountant the desk, under the login's name; who has no role has nothing."""
    with team(settings) as address, browsing(tmp_path / "profile") as context:
        page = context.new_page()
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
        cookies = context.cookies()
        log_out(page, address)
        assert page.request.get(f"{address}/live/health").text() == "log in to the dashboard first"
        context.add_cookies(cookies)  # as if somebody had kept them
        page.goto(address)
        expect(page.get_by_text("your login is over")).to_be_visible()
        assert page.request.get(f"{address}/live/health").text() == "your login is over: log out, and in again"
        log_out(page, address)
        log_in(page, address, "nobody")
        expect(page.get_by_text("nobody has given you a role yet")).to_be_visible()
        with connect(settings["TIFFIN_DATABASE_URL"]) as connection:
            members.grant(connection, members.Member("nobody@example.com", "accountant", None))
        page.wait_for_timeout(6000)  # a role is looked up every five seconds
        page.goto(f"{address}/desk")
        settled(page)
        expect(page.get_by_text("Every change is marked nobody")).to_be_visible()


@pytest.mark.parametrize("name", ["other", "late", "alien"])
def test_a_token_for_others_or_of_the_past_lets_nobody_in(settings: dict[str, str], tmp_path: Path, name: str) -> None:
    """One for another program, one whose hour is over, one that another provider signed for."""
    with team(settings) as address, browsing(tmp_path / "profile") as context:
        page = context.new_page()
        log_in(page, address, name)
        page.goto(address)
        expect(page.get_by_role("button", name="Log in")).to_be_visible()
        assert not page.get_by_role("link", name="Accounts").count()
