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


class Server:
    """`tiffin dashboard` on a free port of this machine, with settings; it may be killed and started again."""

    def __init__(self, port: int = 0, **environment: str) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            self.port: int = probe.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self.variables = {"TIFFIN_HOME": tempfile.mkdtemp(), **os.environ, **environment, "PYTHONPATH": str(ROOT)}
        self.page = Path(self.variables["TIFFIN_HOME"], f"dashboard-{self.port}.html")
        self.shown: set[str] = set()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        tiffin = "from reports.cli.dashboard import app; app()"
        command = [sys.executable, "-c", tiffin, "--port", str(self.port), "--no-browser"]
        self.process = subprocess.Popen(
            command, env=self.variables, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        _wait(self.process, self.address)

    def token(self) -> str:
        """Return the token for the next browser, as its owner reads it in the home."""
        found = self.page.read_text(encoding="utf-8").partition("?token=")[2].partition('"')[0]
        self.shown.add(found)
        return found

    def kill(self) -> None:
        """End it as a machine that goes down does."""
        self.process.kill()
        self._ended()

    def stop(self) -> None:
        """Stop it; nothing it wrote has a token in it."""
        self.process.send_signal(signal.SIGTERM)
        self._ended()

    def _ended(self) -> None:
        output, _ = self.process.communicate(timeout=30)
        assert not [token for token in self.shown if token in output], "a token is in the log"


_servers: dict[str, Server] = {}


def let_in(context: BrowserContext, address: str) -> None:
    """Show the browser's token, as whoever opens the address that was written last."""
    page = context.new_page()
    page.goto(f"{address}/?token={_servers[address].token()}", wait_until="commit")
    page.close()


def server_at(address: str) -> Server:
    """Return the server of an address."""
    return _servers[address]


@contextmanager
def served(port: int = 0, **environment: str) -> Iterator[str]:
    """Start `tiffin dashboard` with these settings and return its address; a browser started later is let in."""
    server = Server(port, **environment)
    server.start()
    if server.page.exists():  # with logins there is no token
        _servers[server.address] = server
    try:
        yield server.address
    finally:
        _servers.pop(server.address, None)
        server.stop()


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
        for address in _servers:
            let_in(context, address)
        yield context
        context.close()


def ready(page: Page) -> None:
    """Wait until a page that was just opened has been drawn."""
    page.wait_for_function(_STILL)


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
