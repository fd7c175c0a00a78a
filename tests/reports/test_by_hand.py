"""Reports of a small book that went through the ledger itself, beside SQL by hand and an independent accountant."""

from pathlib import Path

import psycopg
import pytest

from reports.lake.publish_cut import nightly_cut
from reports.run import LakeBook
from tests.benchmarks.check_hledger import agreed
from tests.benchmarks.check_sql import by_hand
from tests.reports.random_book import FIRST, LAST, post_at_random


@pytest.fixture
def posted(database_url: str) -> str:
    """Return the URL of a book of three months of random commands."""
    statuses = post_at_random(database_url, 300)
    assert statuses.count("posted") > 150
    assert statuses.count("declined") > 20
    assert "invalid" not in statuses
    return database_url


def test_three_reports_equal_sql_over_the_ledgers_own_tables(posted: str, tmp_path: Path) -> None:
    """Turnover and brand-revenue by month, ages in the middle and at the end of each; some debts are late."""
    book = LakeBook(nightly_cut(posted, str(tmp_path / "lake"), LAST)[0])
    with psycopg.connect(posted) as connection:
        compared = list(by_hand(book, connection, FIRST, LAST))
    assert [(one.what, one.differ) for one in compared if one.differ] == []
    assert len(compared) == 12
    assert all(one.rows for one in compared)
    aged = book.report("receivables-aging", as_of=LAST).frame
    assert aged["total"].sum() > 0
    assert (aged["late_1_30"] + aged["late_31_60"] + aged["late_61_90"]).sum() > 0
    revenue = book.report("brand-revenue", first_day=FIRST, last_day=LAST).frame
    assert revenue["refunds"].sum() > 0
    assert revenue["bonus"].sum() > 0


def test_an_independent_accountant_agrees(posted: str, tmp_path: Path) -> None:
    """hledger finds the journal sound, and its balances at each month's end are those of trial-balance."""
    book = LakeBook(nightly_cut(posted, str(tmp_path / "lake"), LAST)[0])
    found = agreed(book, FIRST, LAST, tmp_path)
    assert found.wrong == []
    assert found.months == 3
    assert found.balances > 30
