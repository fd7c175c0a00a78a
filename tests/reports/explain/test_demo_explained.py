"""Every money cell, average and share of every report of the demo is explained."""

from pathlib import Path

import pytest

import reports
from reports.core.parameters import AsOf
from reports.core.report import REPORTS
from tests.reports.demo.test_demo import demo
from tests.reports.explain.test_explain import EXPLAINED, explained


@pytest.mark.soak
def test_every_cell_of_the_demo_is_the_sum_of_its_entries(home: Path) -> None:
    """Of its last closed month, or at the end of it; of control, each of whose rows runs a report, every eighth."""
    demo(home)
    book, seen = reports.open(home / "lake"), 0
    busiest = book.report("turnover", by="account").frame.sort("credits").row(-1, named=True)["account"]
    for name, report in REPORTS.items():
        columns = [column.name for column in report.columns if column.kind in EXPLAINED]
        of = {"account": busiest} if name == "account-card" else {}
        days = {"as_of": book.last_day} if issubclass(report.parameters, AsOf) else {}
        result = book.report(name, **days, **of)
        rows = range(result.frame.height)
        if name == "control":
            rows = range(0, result.frame.height, 8)
        for row in rows:
            for column in columns:
                explained(book, result, row, column)
                seen += 1
    assert seen > 1_000
