"""Homes with servers of their own, which may be lost."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from ledger.core.commands import parse
from ledger.postgres import database, embedded_server
from ledger.postgres.post import Ledger
from ledger.settings import Settings
from tests.conftest import server_folder
from tests.ledger.http.conftest import BOOK, administer

MAIN = "from reports.cli.main import main; main()"
Homes = Callable[[str], Path]
RECEIVERS: list[subprocess.Popen[bytes]] = []


@pytest.fixture
def homes() -> Iterator[Homes]:
    """Return a maker of empty homes by name; their servers are stopped and they are removed after the test."""
    yield from makes_homes()


def makes_homes() -> Iterator[Homes]:
    made: list[Path] = []

    def home(name: str) -> Path:
        made.append(server_folder(f"tiffin-{name}-"))
        return made[-1]

    try:
        yield home
    finally:
        for process in RECEIVERS:
            process.kill()
            process.wait()
        RECEIVERS.clear()
    for path in made:
        embedded_server.stop(path)
        shutil.rmtree(path, ignore_errors=True)


def opened(home: Path) -> str:
    """Return the URL of a book without accounts on a new server under a home."""
    url = embedded_server.running(home)
    database.migrate(url)
    database.initialise(url, "Europe/Moscow")
    return url


def with_anna(home: Path) -> str:
    """Return the URL of a new book with Anna's account."""
    url = opened(home)
    administer(url, BOOK)
    return url


def pay(url: str, *keys: str, at: str | None = "2026-03-02T09:00:00+03:00") -> None:
    """Post a payment of 1.00 for each key."""
    ledger = Ledger(url)
    record: dict[str, Any] = {"type": "payment", "account": "anna", "amount": "1.00", "brand": "sushi", "at": at}
    try:
        ledger.post([parse(record | {"key": key}) for key in keys])
    finally:
        ledger.close()


def keys(url: str) -> list[str]:
    """Return the keys of all transactions, in order."""
    with psycopg.connect(url) as connection:
        return [key for (key,) in connection.execute("SELECT key FROM transaction ORDER BY id")]


def settings(home: Path) -> Settings:
    """Return the settings of a home, whatever the environment says."""
    return Settings(home=home, database_url=None, lake=None)


def environment(home: Path) -> dict[str, str]:
    """Return an environment in which `tiffin` has this home."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("TIFFIN_")}
    return {**plain, "TIFFIN_HOME": str(home)}


def tiffin(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Return what a command said, with the server of a home."""
    return subprocess.run(
        [sys.executable, "-c", MAIN, *words], env=environment(home), capture_output=True, text=True, check=False
    )


def receiver(home: Path, folder: Path) -> subprocess.Popen[bytes]:
    """Return a running `tiffin backup --wal`; from now on the server acknowledges nothing that it has not received."""
    started = subprocess.Popen([sys.executable, "-c", MAIN, "backup", str(folder), "--wal"], env=environment(home))
    RECEIVERS.append(started)
    with psycopg.connect(embedded_server.running(home), autocommit=True) as connection:
        while connection.execute("SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'").fetchone() is None:
            assert started.poll() is None
            time.sleep(0.05)
        connection.execute("ALTER SYSTEM SET synchronous_standby_names = 'pg_receivewal'")
        connection.execute("SELECT pg_reload_conf()")
    return started


def lose(home: Path) -> None:
    """Kill everything of a home's server at once, and all of its disk with it."""
    first = psutil.Process(int((home / "postgres" / "postmaster.pid").read_text().split("\n")[0]))
    processes = [first, *first.children()]
    for process in processes:
        process.kill()
    psutil.wait_procs(processes, timeout=30)
    shutil.rmtree(home / "postgres")
