"""Random books on the lake, night after night: every control of every report holds, and closed days stay the same."""

import os
import random
from datetime import date, datetime, time, timedelta
from itertools import count
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ledger.postgres.database import initialise
from reports.core.report import REPORTS, Report
from reports.lake.publish_cut import nightly_cut
from reports.lake.verify import verify
from reports.run import LakeBook
from tests.conftest import made
from tests.reports.random_book import KINDS, Caller
from tests.reports.spark.compared import shapes
from tests.reports.standard.test_every_report import parameters_for

NIGHTS = (date(2025, 9, 6), date(2025, 9, 30), date(2025, 10, 3))
"""Each closes some days, of which the first two had something posted: what runs out does so before the next."""
NUMBERS = count(1)
# Nothing is gained by a smaller seed: what failed is not shrunk.
CALM = settings(deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.reuse, Phase.generate])
books = st.tuples(st.integers(0, 2**32), st.lists(st.integers(40, 60), min_size=len(NIGHTS), max_size=len(NIGHTS)))
"""A seed of all chances, and how many commands come before each night."""

Answers = dict[tuple[str, date, str], pl.DataFrame]


def answers(book: LakeBook, days: list[date], *, thorough: bool) -> Answers:
    """Run every report for each day, or its month up to it; all of it must be closed, and hold."""
    found = {}
    for day in days:
        for report in REPORTS.values():
            given_ = parameters_for(report, first_day=f"{day:%Y-%m}-01", last_day=day.isoformat())
            for shape in shapes(report) if thorough else [{}, *({"dated_by": "value"} for _ in dated(report))]:
                # By value date, and by the bank's days, a day is final only as far as it was booked then.
                by_bank = shape.get("dated_by") == "value" or report.name == "bank"
                final = {"booked_until": day} if by_bank else {}
                result = book.report(report.name, **given_, **shape, **final)
                assert [control for control in result.controls if not control.holds] == [], (report.name, day, shape)
                assert not result.provisional
                found[report.name, day, str(shape)] = result.frame
    return found


def dated(report: Report) -> list[str]:
    """Return the one parameter by which a report of movements goes by value date, if it is one."""
    return [name for name in report.parameters.model_fields if name == "dated_by"]


def play(url: str, lake: str, caller: Caller, commands: list[int], *, thorough: bool) -> None:
    """Go through the nights; what was answered about one must be the answer after all the others, too."""
    caller.open()
    earlier: Answers = {}
    for number, day in enumerate(NIGHTS):
        since = datetime.combine(day - timedelta(days=2), time(8), ZoneInfo("Europe/Moscow"))
        caller.change_holder("anna", ("pizza", None, "sushi")[number], day - timedelta(days=number))
        caller.change_holder("vega", ("pizza", "sushi", "pizza")[number], day - timedelta(days=1))
        caller.post(commands[number], since, since + timedelta(hours=36))
        days = list(NIGHTS[: number + 1]) if thorough else sorted({NIGHTS[0], day})
        answers_now = answers(LakeBook(nightly_cut(url, lake, day)[0]), days, thorough=thorough)
        for key, before in earlier.items():
            if key[0] != "control" and key[1] in days:  # which has checks of the cut itself
                assert answers_now[key].equals(before), key
        earlier = answers_now
        caller.administer(_other_terms(number))
    assert [check for _, check in verify(url, lake) if not check.holds] == []


def _other_terms(number: int) -> list[dict[str, Any]]:
    """Return what is changed after a night; reports of days closed before must not know."""
    since = {"valid_from": "2025-01-01", "valid_until": "2026-12-31"}
    return [
        {"type": "credit_terms", "account": "romashka", "limit": f"{number + 1}.00", "period_days": number, **since},
        {"type": "account", "reference": "boris", "holder": ("pizza", None, "sushi")[number]},
        {"type": "account", "reference": "dora", "holder": "pizza"},
        {"type": "credit_terms", "account": "anna", "limit": "500.00", "period_days": 1, **since},
        {
            "type": "bonus_program",
            "brand": "pizza",
            "accrue_percent": f"{number + 5}",
            "redeem_percent": "50",
            "expires_after_days": None,
            "valid_from": "2025-01-01",
        },
    ]


def played(server: str, template: str, calm: settings, *, thorough: bool = False) -> set[str]:
    """Play random books; return the kinds of commands that were posted in any of them."""
    kinds: set[str] = set()

    @calm
    @given(books)
    def random_book(drawn: tuple[int, list[int]]) -> None:
        seed, commands = drawn
        for url in made(server, f"tiffin_ever_{os.getpid()}_{next(NUMBERS)}", template):
            initialise(url, "Europe/Moscow")
            with TemporaryDirectory() as folder:
                caller = Caller(url, random.Random(seed))
                play(url, f"{folder}/lake", caller, commands, thorough=thorough)
            kinds.update(caller.posted)

    random_book()
    return kinds


def test_controls_hold_and_closed_days_never_change(server: str, template_database: str) -> None:
    """One book here, the same each time."""
    calm = settings(CALM, max_examples=1, derandomize=True)
    assert len(played(server, template_database, calm)) >= len(KINDS) - 3


@pytest.mark.soak
def test_controls_hold_and_closed_days_never_change_for_long(server: str, template_database: str) -> None:
    """Fifty books, other ones each time, and every shape of every report."""
    kinds = played(server, template_database, settings(CALM, max_examples=50), thorough=True)
    assert kinds == set(KINDS)
