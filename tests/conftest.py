"""A real PostgreSQL for each test run, and a fresh book for each test that asks for `database_url`.

The book is a clone of a migrated template database, which takes hundredths of a second. Under
xdist each worker has a server of its own. TIFFIN_TEST_DATABASE_URL names another server to use.
"""

import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest

from ledger.postgres import database, embedded_server

_numbers = count(1)
MEMORY = Path("/dev/shm")
ROOM = 6 << 30
"""Bytes: with less of them free, test servers keep their data where temporary files go, and tests take longer."""
QUICK = (
    "fsync = off",  # no test pulls the plug of the machine
    "full_page_writes = off",
    "file_copy_method = clone",  # by the file system, where it can
    "autovacuum = off",  # a book lives for less than a second
    "checkpoint_timeout = '1h'",
    "bgwriter_lru_maxpages = 0",
)


def pytest_collection_finish() -> None:
    """Let the collector of garbage leave alone what lives until the end: modules, tests, and all that they name."""
    gc.collect()
    gc.freeze()


def server_folder(prefix: str) -> Path:
    """Return a new folder for a server's data: in memory, where there is room, for each test copies a database."""
    roomy = MEMORY.is_dir() and min(shutil.disk_usage(MEMORY).free, psutil.virtual_memory().available) > ROOM
    return Path(tempfile.mkdtemp(prefix=prefix, dir=MEMORY if roomy else None))


@pytest.fixture
def home() -> Iterator[Path]:
    """Return an empty home; its server is stopped and it is removed after the test.

    Not under pytest's own folder, which is closed to the user that the server runs as when we are root.
    """
    home = server_folder("tiffin-home-")
    yield home
    embedded_server.stop(home)
    shutil.rmtree(home)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """Return the URL of a database on the test server, from which others may be made."""
    given = os.environ.get("TIFFIN_TEST_DATABASE_URL")
    if given:
        yield given
        return
    home = server_folder("tiffin-tests-")
    url = embedded_server.running(home)
    with psycopg.connect(url, autocommit=True) as connection:
        for setting in QUICK:
            connection.execute(f"ALTER SYSTEM SET {setting}")
        connection.execute("SELECT pg_reload_conf()")
    yield url
    embedded_server.stop(home)
    shutil.rmtree(home)


@pytest.fixture(scope="session")
def template_database(server: str) -> Iterator[str]:
    """Return the name of a migrated database without a book."""
    name = f"tiffin_template_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    database.migrate(on(server, name))
    yield name
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def empty_database_url(server: str) -> Iterator[str]:
    """Return the URL of a database with nothing in it; dropped after the test."""
    yield from made(server, f"tiffin_empty_{os.getpid()}_{next(_numbers)}", "template1")


@pytest.fixture
def database_url(request: pytest.FixtureRequest, server: str, template_database: str) -> Iterator[str]:
    """Return the URL of a fresh book, in Europe/Moscow unless parametrised; dropped after the test."""
    for url in made(server, f"tiffin_test_{os.getpid()}_{next(_numbers)}", template_database):
        database.initialise(url, getattr(request, "param", "Europe/Moscow"))
        yield url


def on(server: str, name: str) -> str:
    """Return the URL of another database on the same server."""
    return urlsplit(server)._replace(path=f"/{name}").geturl()


def made(server: str, name: str, template: str) -> Iterator[str]:
    administrator = _administrator(server)
    administrator.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    yield on(server, name)
    administrator.execute(f"DROP DATABASE {name} WITH (FORCE)")


@cache
def _administrator(server: str) -> psycopg.Connection[Any]:
    return psycopg.connect(server, autocommit=True)
