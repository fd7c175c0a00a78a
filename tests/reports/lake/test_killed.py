"""Killed anywhere, the next run completes the night, and nothing comes twice."""

import random
import signal
import subprocess
import sys
import time
from datetime import date

import pytest

from reports.lake.making import frequent_cut, nightly_cut, rebuild
from reports.lake.reading import open_lake
from reports.lake.verify import verify
from tests.reports.lake.conftest import NEW_YEARS_EVE
from tests.reports.lake.rows import add_transactions


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


@pytest.mark.parametrize("at", [0, 1, 2, 7, 14, 15, 16])
@pytest.mark.parametrize("after_a_cut", [False, True], ids=["first cut", "later cut"])
def test_a_night_killed_at_an_effect_is_completed(book: str, lake: str, at: int, after_a_cut: bool) -> None:
    """Before the n-th commit, write or rename: the cut before is what readers see, then all is there once."""
    if after_a_cut:
        frequent_cut(book, lake)
        add_transactions(book, 60, since=date(2026, 1, 1), days=3)
    process = start(book, lake, str(at))
    process.communicate(timeout=120)
    if process.returncode == 0:
        pytest.fail(f"the run has fewer than {at + 1} effects") if not after_a_cut else None
    else:
        assert process.returncode == -signal.SIGKILL
        if after_a_cut:
            assert open_lake(lake).cut.number == 1
            assert [check for subject, check in verify(book, lake) if subject == "lake" and not check.holds] == []
    opened, _ = nightly_cut(book, lake, NEW_YEARS_EVE)
    assert opened.cut.closed_until == NEW_YEARS_EVE
    assert_whole(book, lake)


@pytest.mark.soak
def test_a_night_killed_at_thirty_random_moments_is_completed(book: str, lake: str) -> None:
    """Thirty nights over a growing book, each killed at any time and run again."""
    rng = random.Random(20251231)
    frequent_cut(book, lake)
    took = 3.0
    for night in range(30):
        add_transactions(book, 200, since=date(2026, 1, 1 + night), days=1)
        process = start(book, lake)
        time.sleep(rng.uniform(0.5, took))
        process.kill()
        process.communicate(timeout=60)
        frequent_cut(book, lake)
        assert [check for _, check in verify(book, lake) if not check.holds] == []
    nightly_cut(book, lake, NEW_YEARS_EVE)
    assert_whole(book, lake)
