"""What holds for every report of the registry."""

import re
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from reports.core.parameters import AsOf
from reports.core.report import REPORTS, Report
from tests.reports.story import Story

ALL = pytest.mark.parametrize("report", REPORTS.values(), ids=list(REPORTS))


def parameters_for(report: Report, *, first_day: str = "2017-03-01", last_day: str = "2017-03-31") -> dict[str, Any]:
    """Return parameters that the report can be run with."""
    days = (
        {"as_of": last_day} if issubclass(report.parameters, AsOf) else {"first_day": first_day, "last_day": last_day}
    )
    return days | (
        {"account": "anna"}
        if report.parameters.model_fields.get("account", None) is not None
        and report.parameters.model_fields["account"].is_required()
        else {}
    )


@pytest.fixture
def busy(story: Story) -> Story:
    """Return a book in which everything happened, in two currencies."""
    for reference, currency in (("anna", "RUB"), ("boris", "USD"), ("romashka", "RUB")):
        story.account(reference, currency=currency, holder="sushi")
        story.payment("2017-02-01", reference, 500, "pizza", channel="card")
    story.bonus_account("points", of="anna", brand="sushi")
    story.terms("romashka", 1000, 30, "2017-01-01")
    story.link("anna", "romashka")
    story.limit("romashka", "anna", "day", 500)
    story.bonus("2017-03-01", "points", 30)
    story.debit(
        "2017-03-02",
        "anna",
        {"brand": "sushi", "amount": 700, "source": "romashka"},
        ("pizza", 40),
        {"brand": "sushi", "amount": 5, "source": "points"},
        key="d1",
    )
    story.refund("2017-03-05", "d1", ("pizza", 15))
    hold = story.hold("2017-03-06", "boris", 60, "2017-04-06")
    story.capture("2017-03-07", hold, ("pizza", 20))
    story.decline("2017-03-08", "anna", 999, "insufficient_funds")
    story.adjustment("2017-03-09", "anna", -3, "sushi", by="o.petrova")
    story.change("2017-03-10", "link", "anna", None, {"payer": "romashka"})
    story.bank("2017-03-11", story.unknown_payment("2017-03-11", 70, "sushi", channel="bank"), "sushi")
    story.order("2017-03-12", "o1", "anna", 90, code="TEN", discount=10)
    return story


@ALL
def test_columns_are_declared_with_labels_and_rows_are_unique_by_the_key(report: Report, busy: Story) -> None:
    """The frame has its declared types, and its key, where shown, names each row once."""
    result = busy.book().report(report.name, **parameters_for(report))
    assert result.frame.height > 0
    assert result.holds
    assert all(column.en and column.ru and column.en != column.ru for column in report.columns if column.en != "No.")
    assert all(re.search("[а-яёА-ЯЁ№]", column.ru) for column in report.columns)
    key = [name for name in report.key if name in result.frame.columns]
    assert not result.frame.select(key).is_duplicated().any()


@ALL
def test_an_empty_period_and_an_empty_book_are_typed_and_hold(report: Report, story: Story) -> None:
    """No rows, the same columns and types, every control named."""
    story.account("anna")
    filled = parameters_for(report, first_day="2016-02-29", last_day="2016-02-29")
    result = story.book().report(report.name, **filled)
    assert result.frame.height == 0 or report.name == "control"
    assert result.holds
    assert len(result.controls) >= len(report.checks)
    assert pl.Null not in result.frame.dtypes


def on_a_strange_day(story: Story, *times: str) -> Story:
    """Let the same happen at each time, in two currencies; one account never moves, one brand never sells."""
    story.brand("idle")
    for reference, currency in (("anna", "RUB"), ("boris", "USD"), ("still", "RUB")):
        story.account(reference, currency=currency, holder="sushi")
    for at in times:
        for reference in ("anna", "boris"):
            story.payment(at, reference, 10, "pizza", channel="card")
            story.debit(at, reference, ("sushi", 30))
    return story


@pytest.mark.parametrize(
    ("day", "times"),
    [
        ("2016-02-29", ("2016-02-29T00:00:00", "2016-02-29T23:59:59")),
        ("2017-11-05", ("2017-11-05T01:30:00-04:00", "2017-11-05T01:30:00-05:00")),
    ],
    ids=["leap day", "repeated hour"],
)
@ALL
def test_strange_days_idle_accounts_and_two_currencies(report: Report, day: str, times: tuple[str, ...]) -> None:
    """Every report holds, and what it adds up it adds up by currency: the same figure in each."""
    story = Story(time_zone="America/New_York")
    for brand in ("sushi", "pizza"):
        story.brand(brand)
    on_a_strange_day(story, *times)
    result = story.book().report(report.name, **parameters_for(report, first_day=day, last_day=day))
    assert result.holds
    if "currency" in result.frame.columns and report.name != "account-card":
        money = [column.name for column in result.columns if column.kind == "money"]
        sums = result.frame.filter(pl.col("currency") != "").group_by("currency").agg(pl.col(money).sum())
        assert sums.select(money).unique().height <= 1
        assert sums.height in (0, 2)
    closing = story.book().report("turnover", first_day=day, last_day=day, by="account").frame
    assert closing["account"].len() == 2
    assert set(closing["closing"]) == {Decimal("-40.00")}


@ALL
def test_a_money_column_never_stands_without_a_currency(report: Report) -> None:
    """So nothing can be added across currencies without showing it."""
    if any(column.kind == "money" for column in report.columns):
        assert any(column.kind == "currency" for column in report.columns)
        assert (
            "currency" in report.key
            or "account" in report.key
            or report.name == "account-card"
            or "payer" in report.key
        )
