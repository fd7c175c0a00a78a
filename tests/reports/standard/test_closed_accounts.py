"""Refunds of what a closed account paid: to its payer, or to nobody yet."""

from typing import Any

import pytest

from reports.core.report import REPORTS
from tests.reports.standard.test_every_report import parameters_for
from tests.reports.standard.test_turnover import figures
from tests.reports.story import Story


@pytest.fixture
def closed(story: Story) -> Story:
    """
    Anna paid 200 of 700, her company the rest; closed since. 50 of hers came back to the company, 30 to nobody.
    """
    story.account("romashka", holder="sushi")
    story.account("anna", holder="pizza")
    story.payment("2017-03-01", "romashka", 1000, "sushi")
    story.payment("2017-03-01", "anna", 200, "sushi")
    story.debit("2017-03-02", "anna", {"brand": "sushi", "amount": 500, "source": "romashka"}, ("pizza", 200), key="d1")
    unallocated, revenue = story._system("pizza", "unallocated", "RUB"), story._system("pizza", "revenue", "RUB")
    faces = {name: {"source_id": story.accounts[name]["id"], "source_kind": "money"} for name in ("anna", "romashka")}
    for amount, payer in ((50, "romashka"), (30, None)):
        line = {"line": 2, "service": "order", "gross": -amount, "discount": 0, **faces["anna"]}
        legs: list[Any] = [(revenue, -amount, line), (unallocated, amount, faces["anna"])]
        if payer:
            paid_for = {"subaccount_id": story.accounts["anna"]["id"]}
            legs = [(payer, amount, paid_for), *legs, (unallocated, -amount, faces[payer])]
        story._post("2017-03-03", "refund", legs, refers_to="d1", account="anna", amount=amount)
    return story


@pytest.mark.parametrize("report", REPORTS.values(), ids=list(REPORTS))
def test_every_control_holds(report: Any, closed: Story) -> None:
    """Money that came back to another, or to nobody, is missing nowhere."""
    result = closed.book().report(report.name, **parameters_for(report))
    assert result.holds, [control for control in result.controls if not control.holds]


def test_the_brand_owes_what_came_back_to_nobody_to_nobody(closed: Story) -> None:
    """Sushi took anna's 200 for pizza, who holds her; pizza gave 50 back to sushi's company and keeps 30."""
    result = closed.book().report("brand-settlements", first_day="2017-03-01", last_day="2017-03-31")
    assert figures(result.frame, "brand", "other", "due") == [
        ("pizza", "sushi", "150.00"),
        ("sushi", "pizza", "-150.00"),
    ]
