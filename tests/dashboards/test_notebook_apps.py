"""The notebooks as live apps in the dashboard: behind its token or login, and a broken connection away from it."""

import json
import time
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from playwright.sync_api import expect
from streamlit.web.server.starlette import starlette_websocket
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value

from dashboards import access, notebook_apps
from ledger.errors import Failure
from tests.dashboards.chromium import PATIENCE_SECONDS, browsing, served, settled
from tests.reports.story import Story

PATIENCE = PATIENCE_SECONDS * 1000
ADDRESS = "https://tiffin.example"


@pytest.mark.soak  # without a browser tests/dashboards/test_login.py goes the same way
@pytest.mark.browser
def test_an_app_runs_behind_the_dashboards_door(lake: Story, tmp_path: Path) -> None:
    """Editions leads to it; it draws what it is asked for in its form; without the token nobody comes near it."""
    with served() as address:
        with pytest.raises(HTTPError, match="403"):
            urlopen(f"{address}/live/")
        with browsing(tmp_path / "profile") as context:
            page = context.new_page()
            page.goto(f"{address}/editions")
            settled(page)
            with context.expect_page() as opened:
                page.get_by_role("link", name="brands", exact=True).click()
            app = opened.value
            expect(app.get_by_text("Sushi House").first).to_be_visible(timeout=PATIENCE)
            app.get_by_label("Month", exact=True).select_option("February 2017")
            expect(app).to_have_url(f"{address}/live/?file=brands.py&month=2017-02", timeout=PATIENCE)
            assert not [one["name"] for one in context.cookies() if "session" in one["name"]]


CLAIMS = {"is_logged_in": True, "email": "vera@example.com", "tiffin_role": "viewer", "origin": ADDRESS}


@pytest.mark.parametrize(
    ("secret", "claims", "sentence"),
    [
        ("ours", {}, ""),
        ("ours", {"tiffin_brands": ["sushi"]}, "notebooks are for those who may see all brands"),
        (
            "ours",
            {"tiffin_role": "gardener"},
            "nobody has given you a role yet: an administrator runs tiffin desk grant",
        ),
        ("ours", {"iat": 1_000}, "your login is over: log out, and in again"),
        ("ours", {"origin": "https://other.example"}, "log in to the dashboard first"),
        ("theirs", {}, "log in to the dashboard first"),
    ],
    ids=["viewer", "brands", "role", "old", "origin", "signature"],
)
def test_the_cookie_of_a_login_says_who_may(
    secret: str, claims: dict[str, object], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is signed by us, for this address, not too old, of somebody with a role who may see all brands."""
    for name in ("METADATA_URL", "CLIENT_ID", "CLIENT_SECRET"):
        monkeypatch.setenv(f"TIFFIN_OIDC_{name}", "x")
    monkeypatch.setattr(starlette_websocket, "get_cookie_secret", lambda: "ours")
    monkeypatch.setattr(access, "_known", lambda login: (None, None))
    text = json.dumps({"iat": time.time(), **CLAIMS, **claims})
    cookies = {"_streamlit_user": create_signed_value(secret, "_streamlit_user", text).decode()}
    apps = notebook_apps.NotebookApps(lambda *_: None, address=ADDRESS)  # type: ignore[arg-type,return-value]
    assert apps.refused(cookies) == sentence
    with pytest.raises(Failure, match="log in to the dashboard first"):
        notebook_apps.person({}, ADDRESS)
