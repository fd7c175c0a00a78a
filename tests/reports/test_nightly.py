"""The nightly run: every step reported and timed, nothing done twice, what is missing made."""

import errno
import json
import os
from datetime import date
from pathlib import Path

import psycopg
import pytest

from ledger.errors import Failure
from ledger.settings import Settings
from reports.core.report import REPORTS
from reports.formats import excel
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
    finished: list[Step] = []
    first = nightly(settings, book, NEW_YEARS_EVE, statements=2, finished=finished.append)
    assert first.problems == []
    assert [step.name for step in finished] == ["cut", "verify", "reports", "statements"]
    assert all(step.seconds > 0 for step in finished)
    folder = settings.home / "reports" / "2025-12-31"
    run = [name for name in REPORTS if name != "account-card"]
    assert {path.name for path in folder.iterdir()} == {
        f"{name}.{form}" for name in run for form in ("xlsx", "csv")
    } | {"nightly.json"}
    assert len(list((settings.home / "statements" / "2025-12").glob("*.pdf"))) == 2
    written = json.loads((folder / "nightly.json").read_text())
    assert written["complete"] is True
    assert written["steps"][2]["facts"]["left_out"] == ["account-card (needs account)"]

    before = (folder / "turnover.csv").read_bytes()
    (folder / "turnover.csv").unlink()
    again = nightly(settings, book, NEW_YEARS_EVE, statements=2)
    facts = {step.name: step.facts for step in again.steps}
    assert facts["cut"]["made"] is False
    assert facts["reports"]["written"] == ["turnover"]
    assert (facts["statements"]["written"], facts["statements"]["found"]) == (0, 2)
    assert (folder / "turnover.csv").read_bytes() == before


def test_a_night_ends_where_figures_do_not_agree(book: str, settings: Settings) -> None:
    """A ledger changed behind its guards: the night says so; nothing is published, no report and no statement made."""
    with psycopg.connect(book) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE entry SET balance_after = balance_after + 1 WHERE transaction_id = 30 AND leg = 1")
    done = nightly(settings, book, NEW_YEARS_EVE, statements=None)
    assert not done.complete
    assert any("transaction 30" in problem for problem in done.problems)
    assert [step.name for step in done.steps] == ["cut", "verify"]
    assert not (settings.home / "lake" / "current.json").exists()
    assert not (settings.home / "statements").exists()
    assert [path.name for path in done.folder.iterdir()] == ["nightly.json"]


def test_papers_are_held_back_when_figures_stop_agreeing(book: str, settings: Settings) -> None:
    """The cut was published, then the ledger was changed behind its guards: run again, no statement is made."""
    nightly(settings, book, NEW_YEARS_EVE, statements=0)
    with psycopg.connect(book) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE entry SET balance_after = balance_after + 1 WHERE transaction_id = 30 AND leg = 1")
    done = nightly(settings, book, NEW_YEARS_EVE, statements=None)
    assert done.steps[-1].done == "held back, because figures do not agree"
    assert not (settings.home / "statements").exists()


def test_a_day_within_a_month_makes_no_statements(book: str, settings: Settings) -> None:
    """The night of the 30th: cut, verification, reports."""
    done = nightly(settings, book, date(2025, 12, 30), statements=None)
    assert [step.name for step in done.steps] == ["cut", "verify", "reports"]
    assert done.complete


def test_a_report_that_a_workbook_cannot_hold_is_written_as_parquet(
    book: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The night says that the workbook was left out, and goes on; run again, it does not try again."""
    monkeypatch.setattr(excel, "MOST_ROWS", 10)
    done = nightly(settings, book, date(2025, 12, 30), statements=None)
    assert done.complete
    folder = done.folder
    assert {path.name for path in folder.glob("turnover.*")} == {"turnover.csv", "turnover.parquet"}
    (step,) = (step for step in done.steps if step.name == "reports")
    assert "turnover.xlsx: 20 rows are too many for Excel" in step.done
    again = nightly(settings, book, date(2025, 12, 30), statements=None)
    assert again.steps[2].facts["written"] == []


def test_a_full_disk_is_one_sentence_and_the_next_run_completes(
    book: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing half written stays behind."""

    def full(self: Path, content: bytes) -> int:
        if self.name == ".turnover.csv.making":
            with self.open("wb") as file:
                file.write(content[:10])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return len(content) if open(self, "wb").write(content) else 0

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(Failure, match=r"cannot write .*turnover\.csv: no space left on device"):
            nightly(settings, book, date(2025, 12, 30), statements=None)
    folder = settings.home / "reports" / "2025-12-30"
    assert not list(folder.glob(".*"))
    assert nightly(settings, book, date(2025, 12, 30), statements=None).complete
    assert (folder / "turnover.csv").exists()
