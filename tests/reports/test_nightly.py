"""The nightly run: every step told and timed, nothing done twice, what is missing made."""

import json
from datetime import date
from pathlib import Path

import psycopg
import pytest

from ledger.settings import Settings
from reports.core.report import REPORTS
from reports.nightly import Step, nightly
from tests.reports.lake.conftest import NEW_YEARS_EVE
from tests.reports.lake.rows import add_accounts, add_transactions


@pytest.fixture
def book(database_url: str) -> str:
    """Return the URL of a book with three months of rows."""
    add_accounts(database_url, 20)
    add_transactions(database_url, 600, since=date(2025, 10, 1), days=92)
    return database_url


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return settings with a home of its own."""
    return Settings(home=tmp_path)


def test_a_night_is_done_once_and_what_is_missing_is_made_again(book: str, settings: Settings) -> None:
    """Run, run again, lose one report: the second run makes nothing, the third that report."""
    told: list[Step] = []
    first = nightly(settings, book, NEW_YEARS_EVE, statements=2, tell=told.append)
    assert first.problems == []
    assert [step.name for step in told] == ["cut", "verify", "reports", "statements"]
    assert all(step.seconds > 0 for step in told)
    folder = settings.home / "reports" / "2025-12-31"
    run = [name for name in REPORTS if name != "account-card"]
    assert {path.name for path in folder.iterdir()} == {
        f"{name}.{form}" for name in run for form in ("xlsx", "csv")
    } | {"nightly.json"}
    assert len(list((settings.home / "statements" / "2025-12").glob("*.pdf"))) == 2
    written = json.loads((folder / "nightly.json").read_text())
    assert written["complete"] is True
    assert written["steps"][2]["facts"]["left_out"] == ["account-card (asked by account)"]

    before = (folder / "turnover.csv").read_bytes()
    (folder / "turnover.csv").unlink()
    again = nightly(settings, book, NEW_YEARS_EVE, statements=2)
    facts = {step.name: step.facts for step in again.steps}
    assert facts["cut"]["made"] is False
    assert facts["reports"]["written"] == ["turnover"]
    assert (facts["statements"]["written"], facts["statements"]["found"]) == (0, 2)
    assert (folder / "turnover.csv").read_bytes() == before


def test_papers_are_held_back_when_figures_do_not_agree(book: str, settings: Settings) -> None:
    """A ledger changed behind its guards: the night says so, and no statement is made."""
    with psycopg.connect(book) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE entry SET balance_after = balance_after + 1 WHERE transaction_id = 30 AND leg = 1")
    done = nightly(settings, book, NEW_YEARS_EVE, statements=None)
    assert not done.complete
    assert any("transaction 30" in problem for problem in done.problems)
    assert done.steps[-1].done == "held back, because figures do not agree"
    assert not (settings.home / "statements").exists()


def test_a_day_within_a_month_makes_no_statements(book: str, settings: Settings) -> None:
    """The night of the 30th: cut, verification, reports."""
    done = nightly(settings, book, date(2025, 12, 30), statements=None)
    assert [step.name for step in done.steps] == ["cut", "verify", "reports"]
    assert done.complete
