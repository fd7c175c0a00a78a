"""Files are drawn beside the server: a long PDF is begun, the page says that it is being made, and hands it out."""

import json
import os
import time

import polars as pl
import pytest

from dashboards import downloads, file_workers
from dashboards.screens import account
from ledger.errors import Failure
from reports.core.result import Result
from tests.dashboards.conftest import Open, words
from tests.dashboards.test_desk import press
from tests.reports.story import Story

MARCH = {"from_": "2017-03-01", "to": "2017-03-31"}


def ended() -> None:
    """End the process without a word."""
    os._exit(7)


@pytest.fixture
def long(lake: Story) -> Result:
    """Return a report of 60 rows, without a picture."""
    result = lake.book().report("trial-balance", **{"from": "2017-02-01", "to": "2017-03-31"})
    rows = pl.concat([result.frame.head(1)] * 60)
    return Result(result.report, result.parameters, result.cut, rows, result.controls)


def test_a_long_pdf_costs_the_server_next_to_nothing(long: Result) -> None:
    """Its own processor time is that of handing rows over; a worker's is the paper."""
    file_workers.drawn(time.sleep, 0)  # the process from which workers are forked is there
    before = time.process_time()
    content = file_workers.file_of(long, "pdf", "en")
    own = time.process_time() - before
    assert content.startswith(b"%PDF")
    assert own < 0.3, own


def test_a_file_made_aside_is_the_file_made_here(long: Result) -> None:
    """What it is of, and its controls, go with it."""
    ours = file_workers.file_of(long, "json", "ru")
    assert ours == downloads._here(long, "json", "ru")
    assert json.loads(ours)["controls"]


def test_what_goes_wrong_aside_is_a_sentence(long: Result) -> None:
    """What the function raises is raised here; a process that ended is named."""
    too_long = Result(long.report, long.parameters, long.cut, pl.concat([long.frame] * 334), long.controls)
    with pytest.raises(Failure, match="20040 rows are too many for a PDF"):
        file_workers.file_of(too_long, "pdf", "en")
    with pytest.raises(Failure, match="ended with code 7"):
        file_workers.drawn(ended)


def test_a_long_pdf_is_begun_and_handed_out_when_it_is_there(screen: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Meanwhile the page says so; another session finds it made."""
    monkeypatch.setattr(downloads, "LONG_ROWS", 0)
    monkeypatch.setattr(file_workers, "_made", {})
    app = screen("screens/standard.py", report="control", **MARCH)
    assert len(app.get("download_button")) == len(downloads.FORMS) - 1
    press(app, "PDF")
    [making] = file_workers._made.values()
    file_workers.waited(making)
    other = screen("screens/standard.py", report="control", **MARCH)
    assert len(other.get("download_button")) == len(downloads.FORMS)
    assert "being made" not in words(other)


def test_papers_are_drawn_aside(screen: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the account's page."""
    drawn: list[object] = []
    real = file_workers.drawn
    monkeypatch.setattr(account.file_workers, "drawn", lambda *of: drawn.append(of[0]) or real(*of))
    press(screen("screens/account.py", account="anna", **MARCH), "Prepare")
    assert drawn == [account.pdf] * len(account.PAPERS)
