"""Who is let through to the dashboard: by host, origin and token; what every answer carries."""

import asyncio
import http.client
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from dashboards.guard import Guard
from ledger.errors import Failure
from reports.provider import Provider
from tests.dashboards.chromium import PATIENCE_SECONDS, ROOT, browsing, served, server_at
from tests.reports.story import Story
from tests.reports.write_lake import write_lake

TOKEN = "a-token"
LOCAL = "http://127.0.0.1:8501"
TEAM = "https://tiffin.example"


async def _inside(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
    else:
        answer = PlainTextResponse("figures")
        answer.set_cookie("session", "x")
        await answer(scope, receive, send)


def sent(guard: Guard, path: str = "/", *, kind: str = "http", query: str = "", **headers: str) -> list[Any]:
    """Send a request through a guard, and return what it answers."""
    messages: list[Any] = []

    async def send(message: Any) -> None:
        messages.append(message)

    async def receive() -> Any:
        return {"type": "http.request"}

    scope = {
        "type": kind,
        "method": "GET",
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    asyncio.run(guard(scope, receive, send))
    return messages


def status(messages: list[Any]) -> int:
    """Return the status of an HTTP answer."""
    return int(messages[0]["status"])


def header(messages: list[Any], name: str) -> str:
    """Return a header of an HTTP answer."""
    return "\n".join(value.decode() for key, value in messages[0]["headers"] if key.decode() == name)


@pytest.fixture
def local() -> Guard:
    """Guard a dashboard without logins."""
    return Guard(_inside, address=LOCAL, token=TOKEN)


@pytest.fixture
def team() -> Guard:
    """Guard a dashboard with logins, behind a proxy that ends TLS."""
    return Guard(_inside, address=TEAM)


def cookie(guard: Guard) -> str:
    """Return the cookie that the token is exchanged for."""
    answer = sent(guard, "/sql", query=f"q=SELECT+1&token={TOKEN}", host="127.0.0.1:8501")
    assert status(answer) == 303
    assert header(answer, "location") == "/sql?q=SELECT+1"
    given = header(answer, "set-cookie")
    assert "HttpOnly" in given
    assert "SameSite=lax" in given
    [morsel] = SimpleCookie(given).values()
    return f"{morsel.key}={morsel.value}"


def test_the_token_is_exchanged_for_a_cookie_and_leaves_the_address(local: Guard) -> None:
    """The cookie does not tell the token."""
    shown = cookie(local)
    assert TOKEN not in shown
    assert status(sent(local, host="127.0.0.1:8501", cookie=shown)) == 200
    assert status(sent(local, host="localhost:8501", cookie=shown)) == 200


def test_a_token_lets_one_browser_in(local: Guard) -> None:
    """The next browser needs the next token; one that is in may follow an old address, which uses nothing up."""
    told: list[str] = []
    local.announce = told.append
    here = {"host": "127.0.0.1:8501"}
    shown = cookie(local)
    refused = sent(local, query=f"token={TOKEN}", **here)
    assert status(refused) == 403
    assert b"was used before" in refused[1]["body"]
    assert told[0] not in str(refused)
    again = sent(local, "/sql", query=f"token={TOKEN}", cookie=shown, **here)
    assert (status(again), header(again, "location")) == (303, "/sql")
    assert len(told) == 1
    assert status(sent(local, query=f"token={told[0]}", **here)) == 303
    assert len(set(told)) == 2
    assert status(sent(local, query=f"token={told[0]}", **here)) == 403
    assert status(sent(Guard(_inside, address=LOCAL, token=TOKEN), cookie=shown, **here)) == 403  # started again


@pytest.mark.parametrize("path", ["/", "/sql", "/_stcore/stream", "/media/x", "/static/x.js", "/_stcore/host-config"])
def test_nothing_is_answered_without_it(local: Guard, path: str) -> None:
    """Not even a file of the program; the health of the server only."""
    for query in ("", "token=", "token=wrong", f"token={TOKEN}x"):
        assert status(sent(local, path, query=query, host="127.0.0.1:8501")) == 403
    assert status(sent(local, path, host="127.0.0.1:8501", cookie="tiffin_8501=wrong")) == 403
    assert status(sent(local, "/_stcore/health", host="127.0.0.1:8501")) == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8501", "127.0.0.1:9999", "127.0.0.1.evil.example:8501", ""]
)
def test_a_name_that_is_not_ours_is_refused(local: Guard, team: Guard, host: str) -> None:
    """DNS rebinding: the browser believes that evil.example is this machine, and sends what it has for it."""
    shown = cookie(local)
    for query in ("", f"token={TOKEN}"):
        assert status(sent(local, query=query, host=host, origin=f"http://{host}", cookie=shown)) == 403
    assert status(sent(team, host=host)) == 403
    answer = sent(local, "/_stcore/stream", kind="websocket", host=host, origin=f"http://{host}", cookie=shown)
    assert answer == [{"type": "websocket.close", "code": 1008}]


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "https://127.0.0.1:8501", "http://127.0.0.1:8502", "null", None]
)
def test_a_websocket_of_another_site_is_refused(local: Guard, team: Guard, origin: str | None) -> None:
    """Also one that names no origin: every browser does."""
    given = {} if origin is None else {"origin": origin}
    answer = sent(local, "/_stcore/stream", kind="websocket", host="127.0.0.1:8501", cookie=cookie(local), **given)
    assert answer == [{"type": "websocket.close", "code": 1008}]
    answer = sent(team, "/_stcore/stream", kind="websocket", host="tiffin.example", **given)
    assert answer == [{"type": "websocket.close", "code": 1008}]


def test_our_own_websocket_is_accepted(local: Guard, team: Guard) -> None:
    """With the cookie; where there are logins, these say who it is."""
    opened = [{"type": "websocket.accept"}]
    own = {"host": "127.0.0.1:8501", "origin": LOCAL}
    assert sent(local, "/_stcore/stream", kind="websocket", cookie=cookie(local), **own) == opened
    assert sent(local, "/_stcore/stream", kind="websocket", **own) != opened
    assert sent(team, "/_stcore/stream", kind="websocket", host="tiffin.example", origin=TEAM) == opened


def test_a_form_of_another_site_is_refused(team: Guard) -> None:
    """A request that names its origin comes from ours."""
    assert status(sent(team, host="tiffin.example", origin="https://evil.example")) == 403
    assert status(sent(team, host="tiffin.example", origin=TEAM)) == 200
    assert status(sent(team, host="tiffin.example")) == 200


def test_nobody_frames_a_page_and_no_script_of_others_runs(local: Guard, team: Guard) -> None:
    """Refusals carry it, too; a cookie that came over TLS goes back over TLS only."""
    for answer in (sent(local, host="127.0.0.1:8501"), sent(team, host="tiffin.example")):
        policy = header(answer, "content-security-policy")
        assert "frame-ancestors 'none'" in policy
        assert "default-src 'self'" in policy
        assert header(answer, "x-frame-options") == "DENY"
        assert header(answer, "referrer-policy") == "no-referrer"
        assert header(answer, "x-content-type-options") == "nosniff"
    assert "Secure" in header(sent(team, host="tiffin.example"), "set-cookie")


def test_a_redirect_stays_here(local: Guard) -> None:
    """A path that looks like another site's is one of ours."""
    answer = sent(local, "//evil.example/x", query=f"token={TOKEN}", host="127.0.0.1:8501")
    assert header(answer, "location") == "/evil.example/x"


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"TIFFIN_OIDC_CLIENT_ID": "x"}, "needs TIFFIN_OIDC_METADATA_URL"),
        ({"TIFFIN_DASHBOARD_URL": "http://tiffin.example"}, "others on the network could read"),
        ({"TIFFIN_DASHBOARD_URL": "ftp://tiffin.example"}, "expected https://name"),
        ({"TIFFIN_DASHBOARD_URL": "https://tiffin.example/sub"}, "without a path"),
    ],
)
def test_half_a_provider_and_an_open_address_are_refused(
    settings: dict[str, str], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one sentence, before anything is served."""
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(Failure, match=re.escape(sentence)):
        _served_by(Provider())


def _served_by(provider: Provider) -> None:
    if not provider.is_set:
        provider.address(8501)


@pytest.fixture
def settings(story: Story, tmp_path: Path) -> dict[str, str]:
    """Return the settings of a small lake."""
    return {"TIFFIN_LAKE": str(write_lake(story, tmp_path)), "TIFFIN_HOME": str(tmp_path), "TIFFIN_LANGUAGE": "en"}


def test_without_a_provider_no_network_is_served(settings: dict[str, str]) -> None:
    """The sentence names what to set."""
    code = "from reports.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "dashboard", "--host", "0.0.0.0", "--no-browser"],
        capture_output=True,
        text=True,
        env={**os.environ, **settings, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.returncode == 1
    assert "would let anybody on the network in: set TIFFIN_OIDC_METADATA_URL" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.fixture
def address(settings: dict[str, str]) -> Iterator[str]:
    """Serve the small lake."""
    with served(**settings) as url:
        yield url


def answer_of(address: str, request: str) -> str:
    """Send a request as it is written, and return the first line of the answer."""
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(request.replace("\n", "\r\n").encode())
        return connection.recv(4096).decode("latin-1").splitlines()[0]


def test_the_server_itself_refuses_what_the_guard_refuses(address: str, tmp_path: Path) -> None:
    """Host and origin of another site, with the token or without."""
    own = address.removeprefix("http://")
    token = server_at(address).token()
    upgrade = "\n".join(
        (
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version: 13",
        )
    )
    for host in ("evil.example", f"evil.example:{own.split(':')[1]}"):
        assert " 403 " in answer_of(address, f"GET /?token={token} HTTP/1.1\nHost: {host}\nConnection: close\n\n")
        shaken = f"GET /_stcore/stream HTTP/1.1\nHost: {host}\nOrigin: http://{host}\n{upgrade}\n\n"
        assert " 403 " in answer_of(address, shaken)
    assert " 403 " in answer_of(address, f"GET / HTTP/1.1\nHost: {own}\nConnection: close\n\n")
    assert " 303 " in answer_of(address, f"GET /?token={token} HTTP/1.1\nHost: {own}\nConnection: close\n\n")
    shaken = f"GET /_stcore/stream HTTP/1.1\nHost: {own}\nOrigin: http://evil.example\n{upgrade}\n\n"
    assert " 403 " in answer_of(address, shaken)
    connection = http.client.HTTPConnection(own)
    connection.request("GET", "/", headers={"Cookie": "x"})
    assert connection.getresponse().getheader("Content-Security-Policy")
    page = next(tmp_path.glob("dashboard-*.html"))
    assert page.stat().st_mode & 0o777 == 0o600


@pytest.mark.browser
def test_the_page_in_the_home_lets_a_browser_in_once(address: str, tmp_path: Path) -> None:
    """Its address is followed, and rewritten for the next browser; the old one is of no use, and in no log."""
    server = server_at(address)
    with browsing(tmp_path / "profile") as context:
        context.clear_cookies()
        used = server.token()
        page = context.new_page()
        page.goto(server.page.as_uri())
        page.wait_for_url(f"{address}/**")
        expect(page.get_by_role("link", name="Overview")).to_be_visible(timeout=PATIENCE_SECONDS * 1000)
        assert used not in page.url
        assert server.token() != used
        context.clear_cookies()
        page.goto(f"{address}/?token={used}")
        expect(page.get_by_text("was used before")).to_be_visible()
