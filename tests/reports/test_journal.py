"""The journal: entries behind a figure, and a control that knows when some are missing."""

from typing import Any

import narwhals as nw
import pytest

from reports.core.result import Result
from reports.journal import JOURNAL, Parameters, entries_behind
from tests.reports.story import Story


@pytest.fixture
def story(story: Story) -> Story:
    """Two brands, two months; money in and back, a sale and a refund of it."""
    story.account("anna", holder="sushi")
    story.payment("2017-02-27", "anna", 300, "sushi", key="p1", channel="card")
    story.payment("2017-03-01", "anna", 100, "pizza", key="p2", channel="bank")
    story.debit("2017-03-02", "anna", ("sushi", 50), {"brand": "pizza", "amount": 20, "line": 2}, key="d1")
    story.refund("2017-03-03", "d1", {"brand": "pizza", "amount": 5, "line": 2})
    story.reverse("2017-03-04", "p2")
    return story


def rows(story: Story, **given: Any) -> Result:
    """Return the entries of March."""
    return entries_behind(story.book(), Parameters.model_validate({"from": "2017-03-01", "to": "2017-03-31", **given}))


def test_a_brands_revenue_is_taken_apart(story: Story) -> None:
    """Sale and refund, each with the client's account, and the sum of the report."""
    result = rows(story, kind="revenue", brand="pizza")
    assert result.frame.select("transaction", "operation", "amount").rows() == [(3, "debit", 20), (4, "refund", -5)]
    assert result.frame["account"].unique().to_list() == [story.accounts["anna"]["id"]]
    assert result.holds
    revenue = story.book().report("brand-revenue", **{"from": "2017-03-01", "to": "2017-03-31", "brand": "pizza"})
    assert result.frame["amount"].sum() == revenue.frame["net"].sum() - revenue.frame["refunds"].sum()


def test_receipts_are_taken_apart_by_channel(story: Story) -> None:
    """A reversal is in the channel of what it reverses."""
    assert rows(story, kind="cash", channel="bank").frame["amount"].to_list() == [-100, 100]
    assert rows(story, kind="cash", channel="card").frame.height == 0


def test_an_account_is_shown_with_all_its_legs(story: Story) -> None:
    """The client's own entries and the revenue it paid for."""
    result = rows(story, account=story.accounts["anna"]["id"], operation="debit")
    assert result.frame["amount"].to_list() == [-70, 50, 20]


def test_the_control_misses_an_entry_that_is_gone(story: Story) -> None:
    """Half of a transaction cannot pass for the whole of it."""
    story.rows["entries"] = [row for row in story.rows["entries"] if (row["transaction_id"], row["leg"]) != (3, 1)]
    assert not rows(story, kind="revenue").holds


def test_the_journal_gives_what_it_declares(story: Story) -> None:
    """Every declared column, in the declared order, one row per entry."""
    frame = rows(story).frame
    assert frame.columns == [column.name for column in JOURNAL.columns]
    assert not nw.from_native(frame).select(*JOURNAL.key).is_duplicated().any()
