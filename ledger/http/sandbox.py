"""A throw-away book for those who try the door: a brand, two clients, and Anna has 1,000.00."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

from ledger.intake.json_lines import answered, good, read
from ledger.intake.levels import Level
from ledger.postgres import embedded_server
from ledger.postgres.database import initialise, migrate
from ledger.postgres.post import Ledger


@contextmanager
def book(level: Level) -> Iterator[str]:
    """Yield the URL of a book of its own, on a server of its own; both are gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="tiffin-sandbox-"))
    try:
        url = embedded_server.running(home)
        migrate(url)
        initialise(url)
        ledger = Ledger(url)
        shell = level.shell(ledger)
        lines = files("ledger.http").joinpath("sandbox.jsonl").read_text("utf-8").splitlines()
        items = [(number, read(line, number, level.parse)) for number, line in enumerate(lines, 1)]
        assert all(good(outcome) for outcome in answered(items, post=shell.post, administer=shell.administer))
        ledger.close()
        yield url
    finally:
        embedded_server.stop(home)
        shutil.rmtree(home, ignore_errors=True)
