"""A small book full of rows, and a lake beside it; made once, and copied for each test."""

import os
import shutil
from collections.abc import Iterator
from datetime import date
from itertools import count
from pathlib import Path
from typing import NamedTuple

import pytest

from ledger.postgres import database
from reports.lake.publish_cut import frequent_cut, nightly_cut
from tests.conftest import made
from tests.reports.lake.rows import add_accounts, add_transactions

NEW_YEARS_EVE = date(2025, 12, 31)
_numbers = count(1)


class Closed(NamedTuple):
    """A book whose year is closed, by its URL, and the address of its lake with the night's cut."""

    book: str
    lake: str


@pytest.fixture
def lake(tmp_path: Path) -> str:
    """Return the address of a lake that is not there yet."""
    return str(tmp_path / "lake")


@pytest.fixture(scope="session")
def full_template(server: str, template_database: str) -> Iterator[str]:
    """Return the name of a database with 20 accounts and 600 transactions in October, November, December 2025."""
    name = f"tiffin_full_{os.getpid()}"
    for url in made(server, name, template_database):
        database.initialise(url, "Europe/Moscow")
        add_accounts(url, 20)
        add_transactions(url, 600, since=date(2025, 10, 1), days=92)
        yield name


@pytest.fixture(scope="session")
def closed_template(server: str, full_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Closed]:
    """Return the name of such a database after New Year's Eve's night, and its lake."""
    name, lake = f"tiffin_closed_{os.getpid()}", str(tmp_path_factory.mktemp("closed") / "lake")
    for url in made(server, name, full_template):
        nightly_cut(url, lake, NEW_YEARS_EVE)
        yield Closed(name, lake)


@pytest.fixture(scope="session")
def january_template(
    server: str, closed_template: Closed, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Closed]:
    """Return the name of such a database after four frequent cuts of January, and its lake."""
    name, lake = f"tiffin_january_{os.getpid()}", str(tmp_path_factory.mktemp("january") / "lake")
    shutil.copytree(closed_template.lake, lake)
    for url in made(server, name, closed_template.book):
        for day in range(1, 5):
            add_transactions(url, 30, since=date(2026, 1, day), days=1)
            frequent_cut(url, lake)
        yield Closed(name, lake)


@pytest.fixture
def january(server: str, january_template: Closed, lake: str) -> Iterator[Closed]:
    """Return such a book and its lake: a nightly cut of 2025 and four frequent ones of January."""
    shutil.copytree(january_template.lake, lake)
    for url in made(server, f"tiffin_january_{os.getpid()}_{next(_numbers)}", january_template.book):
        yield Closed(url, lake)


@pytest.fixture
def book(server: str, full_template: str) -> Iterator[str]:
    """Return the URL of a book of 20 accounts and 600 transactions in October, November, December 2025."""
    yield from made(server, f"tiffin_book_{os.getpid()}_{next(_numbers)}", full_template)


@pytest.fixture
def closed(server: str, closed_template: Closed, lake: str) -> Iterator[Closed]:
    """Return such a book and its lake after New Year's Eve's night."""
    shutil.copytree(closed_template.lake, lake)
    for url in made(server, f"tiffin_closed_{os.getpid()}_{next(_numbers)}", closed_template.book):
        yield Closed(url, lake)
