"""`tiffin dashboard`: the finance team's screens on this machine, until they are stopped.

This process becomes Streamlit's own, so whatever stops it stops the screens, too.
"""

import os
import socket
import sys
from pathlib import Path
from typing import Annotated

import typer

from ledger.errors import Failure
from ledger.settings import Settings

app = typer.Typer()

HOST = "127.0.0.1"
APP = Path(__file__).resolve().parents[2] / "dashboards" / "app.py"


@app.command()
def dashboard(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on this machine.")] = 8501,
    browser: Annotated[bool, typer.Option(help="Open a browser.")] = True,
) -> None:
    """Show the figures in a browser: overview, accounts, reports, papers, SQL, the finance desk."""
    import reports

    settings = Settings()
    cut = reports.open().cut
    _free(port)
    print(
        f"cut {cut.number}, days closed until {cut.closed_until}: http://{HOST}:{port}  (Ctrl-C stops it)", flush=True
    )
    # The program is this interpreter and the arguments are ours: no shell, nothing of the user's in them.
    os.execve(sys.executable, _command(port, browser=browser), _environment(settings))


def _free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise Failure(f"port {port} cannot be used ({reason}): give another one with --port") from None


def _command(port: int, *, browser: bool) -> list[str]:
    options = {
        "server.address": HOST,
        "server.port": port,
        "server.headless": "false" if browser else "true",
        "server.showEmailPrompt": "false",
        "browser.serverAddress": HOST,
        "logger.level": "error",
        # Streamlit's advertisements for developers are not for finance people.
        "logger.hideWelcomeMessage": "true",
    }
    given = [f"--{name}={value}" for name, value in options.items()]
    return [sys.executable, "-m", "streamlit", "run", str(APP), *given]


def _environment(settings: Settings) -> dict[str, str]:
    """Return the environment of the screens: the same book, the same packages, wherever they are started from."""
    paths = [str(APP.parents[1]), os.environ.get("PYTHONPATH", "")]
    variables = {
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "TIFFIN_HOME": str(settings.home.resolve()),
        "TIFFIN_LAKE": settings.lake_url,
    }
    return {**os.environ, **variables}
