"""A small book full of rows, and a lake beside it."""

from datetime import date
from pathlib import Path

import pytest

from tests.reports.lake.rows import add_accounts, add_transactions

NEW_YEARS_EVE = date(2025, 12, 31)


@pytest.fixture
def lake(tmp_path: Path) -> str:
    """Return the address of a lake that is not there yet."""
    return str(tmp_path / "lake")


@pytest.fixture
def book(database_url: str) -> str:
    """Return the URL of a book of 20 accounts and 600 transactions in October, November, December 2025."""
    add_accounts(database_url, 20)
    add_transactions(database_url, 600, since=date(2025, 10, 1), days=92)
    return database_url
