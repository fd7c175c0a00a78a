"""Killed anywhere, the next run completes the night, and nothing comes twice."""

import json
import os
import random
import signal
import subprocess
import sys
import time
import zipfile
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from ledger.errors import Failure
from reports.core.report import REPORTS
from reports.formats import rendered
from reports.lake import manifest
from reports.lake.publish_cut import frequent_cut, nightly_cut, rebuild
from reports.lake.reader import open_lake
from reports.lake.storage import Place
from reports.lake.verify import verify
from reports.run import LakeBook
from tests.reports.lake.conftest import NEW_YEARS_EVE
from tests.reports.lake.rows import add_transactions
from tests.reports.standard.test_every_report import parameters_for

NIGHTS = 30


def start(url: str, lake: str, *at: str) -> subprocess.Popen[str]:
    """Start a nightly run in a process of its own."""
    command = [sys.executable, "-m", "tests.reports.lake.killed", url, lake, NEW_YEARS_EVE.isoformat(), *at]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def assert_whole(url: str, lake: str) -> None:
    """Check the lake against the ledger, and against a lake made anew."""
    assert [check for _, check in verify(url, lake) if not check.holds] == []
    last = open_lake(lake).cut
    made, unlike = rebuild(url, lake)
    assert unlike == []
    assert made.cut.last_transaction == last.last_transaction


@pytest.mark.parametrize("at", [pytest.param(1, marks=pytest.mark.soak), 15])
def test_a_first_night_killed_at_an_effect_is_completed(book: str, lake: str, at: int) -> None:
    """Before the second table, before the pointer: there is no cut, then all is there once."""
    process = start(book, lake, str(at))
    process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL
    with pytest.raises(Failure, match="no cut yet"):
        open_lake(lake)
    nightly_cut(book, lake, NEW_YEARS_EVE)
    assert_whole(book, lake)


@pytest.mark.parametrize("at", [pytest.param(3, marks=pytest.mark.soak), 8])
def test_a_later_night_killed_at_an_effect_is_completed(book: str, lake: str, at: int) -> None:
    """After an append, between tables, before the manifest, before the pointer: readers see the cut before."""
    frequent_cut(book, lake)
    add_transactions(book, 60, since=date(2026, 1, 1), days=3)
    process = start(book, lake, str(at))
    process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL
    assert open_lake(lake).cut.number == 1
    opened, made = nightly_cut(book, lake, NEW_YEARS_EVE)
    assert made
    assert opened.cut.closed_until == NEW_YEARS_EVE
    assert_whole(book, lake)


def nightly(url: str, lake: str, day: date) -> subprocess.Popen[str]:
    """Start `tiffin nightly` for a day: cut, verification, reports and, at the month's end, statements."""
    given = {"TIFFIN_DATABASE_URL": url, "TIFFIN_LAKE": lake, "TIFFIN_HOME": str(Path(lake).parent)}
    command = [str(Path(sys.executable).with_name("tiffin")), "nightly", "--date", day.isoformat(), "--json"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **given})


@pytest.mark.soak
def test_a_night_killed_at_thirty_random_moments_is_completed(book: str, lake: str) -> None:
    """Thirty nights of January over a growing book, each killed somewhere before its end and run again."""
    rng, days = random.Random(20251231), [date(2026, 1, 2) + timedelta(days=number) for number in range(NIGHTS)]
    started = time.monotonic()
    assert json.loads(nightly(book, lake, NEW_YEARS_EVE).communicate(timeout=120)[0])["complete"] is True
    took, killed = time.monotonic() - started, 0
    for day in days:
        add_transactions(book, 200, since=day, days=1)
        process = nightly(book, lake, day)
        time.sleep(rng.uniform(0, took))
        process.kill()
        killed += process.wait(timeout=60) == -signal.SIGKILL
        again = nightly(book, lake, day)
        assert json.loads(again.communicate(timeout=120)[0])["complete"] is True
        assert open_lake(lake).cut.closed_until == day
    assert killed >= NIGHTS * 2 // 3  # a night may end before it is struck: the first, a cold one, takes longest
    place, home = Place(lake), Path(lake).parent
    latest = manifest.current(place)
    assert latest is not None
    cuts = [published.manifest.cut for published in manifest.chain(place, latest)]
    assert [cut.closes for cut in cuts] == [*reversed(days), NEW_YEARS_EVE]
    for day in days:
        assert_reports_whole(LakeBook(open_lake(lake)), home / "reports" / day.isoformat(), day)
    for month in (home / "statements").iterdir():
        papers = [json.loads(line) for line in (month / "manifest.jsonl").read_text().splitlines()]
        found = {paper["file"]: sha256((month / paper["file"]).read_bytes()).hexdigest() for paper in papers}
        assert found == {paper["file"]: paper["sha256"] for paper in papers}
        assert len(found) == len(list(month.glob("*.pdf"))) > 15
    assert_whole(book, lake)


def assert_reports_whole(book: LakeBook, folder: Path, day: date) -> None:
    """Check a night's files: each workbook can be read to its end, each list has the rows that it would have today."""
    assert not list(folder.glob(".*"))
    assert len(list(folder.glob("*.csv"))) == len(list(folder.glob("*.xlsx"))) == len(REPORTS) - 1
    for path in folder.glob("*.xlsx"):
        with zipfile.ZipFile(path) as workbook:
            assert workbook.testzip() is None
    for path in folder.glob("*.csv"):
        if path.stem != "control":  # which has checks of its cut
            days = parameters_for(REPORTS[path.stem], first_day=f"{day:%Y-%m}-01", last_day=day.isoformat())
            today = rendered(book.report(path.stem, **days), "csv").decode()
            assert rows_of(path.read_text()) == rows_of(today)


def rows_of(csv: str) -> list[str]:
    """Return the lines of a list, without those on parameters, cut and controls."""
    return [line for line in csv.splitlines() if not line.startswith("#")]
