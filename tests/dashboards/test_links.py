"""A click leads to what is behind the row, and only to what is."""

from datetime import date
from typing import Any

import pytest

from dashboards import links
from tests.reports.story import Story

MARCH = {"from": "2017-03-01", "to": "2017-03-31"}
DAYS = {"from": date(2017, 3, 1), "to": date(2017, 3, 31)}


def led(story: Story, name: str, row: int = 0, **parameters: Any) -> links.Target | None:
    """Return where the row of a report leads."""
    dates = {"as_of": "2017-03-31"} if name in ("receivables-aging", "credit-exposure", "open-items") else MARCH
    result = story.book().report(name, **{**dates, **parameters})
    return links.target_of(result, result.frame.row(row, named=True))


def test_revenue_leads_to_its_lines(story: Story) -> None:
    """The brand, the currency, the days of the row: a month, or a week cut off by the period."""
    wanted = {"kind": "revenue", "brand": "pizza", "service": None, "channel": None, "currency": "RUB"}
    assert led(story, "brand-revenue") == links.Target("screens/entries.py", {**DAYS, **wanted})
    days = {"from": date(2017, 3, 1), "to": date(2017, 3, 5)}
    assert led(story, "brand-revenue", by="week") == links.Target("screens/entries.py", {**days, **wanted})


def test_receipts_lead_to_the_cash(story: Story) -> None:
    """Day, brand and channel of the row."""
    target = led(story, "receipts")
    assert target is not None
    assert target.query["from"] == target.query["to"] == date(2017, 3, 1)
    assert (target.page, target.query["kind"], target.query["channel"]) == ("screens/entries.py", "cash", "bank")


@pytest.mark.parametrize(
    ("name", "parameters", "page"),
    [
        ("account-card", {"account": "anna"}, "screens/transaction.py"),
        ("corrections", {}, "screens/transaction.py"),
        ("turnover", {}, "screens/account.py"),
        ("turnover", {"by": "party"}, "screens/accounts.py"),
        ("turnover", {"by": "brand"}, "screens/standard.py"),
        ("trial-balance", {}, "screens/entries.py"),
        ("receivables-aging", {}, "screens/account.py"),
        ("open-items", {}, "screens/transaction.py"),
        ("credit-exposure", {}, "screens/account.py"),
        ("subaccounts", {}, "screens/account.py"),
        ("declines", {}, "screens/declined.py"),
        ("services", {}, "screens/entries.py"),
        ("brand-settlements", {}, "screens/entries.py"),
        ("control", {"currency": "RUB"}, "screens/standard.py"),
    ],
)
def test_every_kind_of_row_leads_somewhere(story: Story, name: str, parameters: dict[str, Any], page: str) -> None:
    """The page where the row's figure can be taken apart."""
    target = led(story, name, **parameters)
    assert target is not None
    assert target.page == page


def test_cohorts_lead_to_their_figures_only(story: Story) -> None:
    """There is no list behind a row, and one behind each of its amounts."""
    result = story.book().report("client-activity", **MARCH)
    row = result.frame.row(0, named=True)
    assert {links.target_of(result, row)} == {None}
    money = next(column.name for column in result.columns if column.kind == "money")
    target = links.cell(result, row, money)
    assert target is not None
    assert (target.page, target.query["column"]) == (links.BEHIND, money)
