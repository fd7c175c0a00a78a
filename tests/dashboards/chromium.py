"""The screens as people have them: `tiffin dashboard` on a free port, and a headless Chromium that looks at it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from playwright.sync_api import BrowserContext, Page, sync_playwright

ROOT = Path(__file__).parents[2]
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_SECONDS = 40
_STILL = """() => {
  const app = document.querySelector('[data-testid="stApp"]');
  const busy = '[data-testid="stSkeleton"], [data-testid="stSpinner"], [data-stale="true"]';
  return app && app.getAttribute('data-test-script-state') === 'notRunning'
    && document.querySelector('h1') && !document.querySelector(busy);
}"""


_tokens: dict[str, str] = {}


def let_in(context: BrowserContext, address: str) -> None:
    """Show the browser's token, as whoever opens the address that was written at the start."""
    page = context.new_page()
    page.goto(f"{address}/?token={_tokens[address]}", wait_until="commit")
    page.close()


@contextmanager
def served(port: int = 0, **environment: str) -> Iterator[str]:
    """Start `tiffin dashboard` with these settings and return its address; a browser started later is let in."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
        port = probe.getsockname()[1]
    tiffin = "from reports.cli.dashboard import app; app()"
    command = [sys.executable, "-c", tiffin, "--port", str(port), "--no-browser"]
    variables = {"TIFFIN_HOME": tempfile.mkdtemp(), **os.environ, **environment, "PYTHONPATH": str(ROOT)}
    server = subprocess.Popen(
        command, env=variables, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(server, address)
        page = Path(variables["TIFFIN_HOME"], f"dashboard-{port}.html")
        if page.exists():  # with logins there is no token
            _tokens[address] = page.read_text(encoding="utf-8").partition("?token=")[2].partition('"')[0]
        yield address
    finally:
        token = _tokens.pop(address, None)
        server.send_signal(signal.SIGTERM)
        output, _ = server.communicate(timeout=30)
        assert token is None or token not in output, "the token is in the log"


def _wait(server: subprocess.Popen[str], address: str) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        try:
            with urlopen(f"{address}/_stcore/health", timeout=2) as answer:
                if answer.status == 200:
                    return
        except (URLError, OSError):
            if server.poll() is not None:
                raise AssertionError(f"the dashboard did not start: {server.communicate()[0]}") from None
            time.sleep(0.2)
    raise AssertionError("the dashboard did not answer")


@contextmanager
def browsing(profile: Path, *, width: int = 1440, height: int = 1000) -> Iterator[BrowserContext]:
    """Return an empty browser of that size."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile,
            executable_path=chromium,
            headless=True,
            args=list(ARGUMENTS),
            accept_downloads=True,
            viewport={"width": width, "height": height},
        )
        context.set_default_timeout(PATIENCE_SECONDS * 1000)
        for address in _tokens:
            let_in(context, address)
        yield context
        context.close()


def settled(page: Page) -> Page:
    """Return the page when it has nothing more to draw."""
    page.wait_for_timeout(300)
    page.wait_for_function(_STILL)
    page.wait_for_timeout(300)
    return page


def click_row(page: Page, number: int, *, table: int = 0) -> None:
    """Click a row of a table, from 1; the rows are drawn on a canvas, so they have no elements of their own."""
    found = page.locator('[data-testid="stDataFrame"]').nth(table)
    found.scroll_into_view_if_needed()
    box = found.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 60, box["y"] + 30 * number + 15)
