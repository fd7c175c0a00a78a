"""`tiffin dashboard`: the finance team's screens, until they are stopped: on this machine, or on a network with logins.

This process becomes the server's own, so whatever stops it stops the screens, too.
"""

import os
import secrets
import socket
import sys
import webbrowser
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from ledger.errors import Failure, reason
from ledger.settings import Settings

app = typer.Typer()

HOST = "127.0.0.1"
ROOT = Path(__file__).resolve().parents[2]


@app.command()
def dashboard(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8501,
    host: Annotated[str, typer.Option(help="Address to listen on; another than this machine needs logins.")] = HOST,
    browser: Annotated[bool, typer.Option(help="Open a browser.")] = True,
) -> None:
    """Show the figures in a browser: overview, accounts, reports, papers, SQL, the finance desk."""
    import reports
    from reports.provider import LOOPBACK, Provider

    settings, provider = Settings(), Provider()
    if not provider.is_set and host not in LOOPBACK:
        raise Failure(
            f"--host {host} would let anybody on the network in: set TIFFIN_OIDC_METADATA_URL, TIFFIN_OIDC_CLIENT_ID, "
            "TIFFIN_OIDC_CLIENT_SECRET and TIFFIN_DASHBOARD_URL (docs/dashboard.md)"
        )
    if provider.is_set and host not in LOOPBACK and not provider.dashboard_url:
        raise Failure(
            "with --host, TIFFIN_DASHBOARD_URL must be the address that people type, such as https://tiffin.example"
        )
    if not provider.is_set and provider.dashboard_url:
        raise Failure("TIFFIN_DASHBOARD_URL serves a network, which needs logins: set TIFFIN_OIDC_METADATA_URL, too")
    cut = reports.open().cut
    _free(host, port)
    address = provider.address(port)
    token = None if provider.is_set else secrets.token_urlsafe(32)
    print(f"cut {cut.number}, days closed until {cut.closed_until}: {address}  (Ctrl-C stops it)", flush=True)
    opened = announce(settings.home, address, token).as_uri() if token else address
    if browser:
        webbrowser.open(opened)
    # The program is this interpreter and the arguments are ours: no shell, nothing of the user's in them.
    command = [sys.executable, "-m", "dashboards.server"]
    os.execve(sys.executable, command, _environment(settings, host, port, token))


def _free(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Failure(f"port {port} cannot be used ({reason(error)}): give another one with --port") from None


def announce(home: Path, address: str, token: str) -> Path:
    """Write the address with a token, which works once, where only its owner reads it; on a terminal show it, too.

    What is not a terminal is a log, and a browser that is given an address shows it to everybody in its arguments.
    """
    page = home.expanduser().resolve() / f"dashboard-{urlsplit(address).port}.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.unlink(missing_ok=True)
    shown = f"{address}/?token={token}"
    with os.fdopen(os.open(page, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(f'<meta http-equiv="refresh" content="0; url={shown}"><a href="{shown}">{shown}</a>\n')
    print(f"open {shown}" if sys.stdout.isatty() else f"the address with its token is in {page}", flush=True)
    return page


def _environment(settings: Settings, host: str, port: int, token: str | None) -> dict[str, str]:
    """Return the environment of the screens: the same book, the same packages, wherever they are started from."""
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    variables = {
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "TIFFIN_HOME": str(settings.home.resolve()),
        "TIFFIN_LAKE": settings.lake_url,
        "TIFFIN_DASHBOARD_HOST": host,
        "TIFFIN_DASHBOARD_PORT": str(port),
        **({"TIFFIN_DASHBOARD_TOKEN": token} if token else {}),
    }
    return {**os.environ, **variables}
