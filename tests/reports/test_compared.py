"""Figures beside the period before and a year ago are those that the reports of these periods give."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import product

import polars as pl
import pytest

from reports.compared import Compared, compared, earlier, needed_since, share
from reports.daily_figures import days_of
from reports.run import LakeBook
from tests.reports.standard.test_every_report import busy
from tests.reports.story import Story

__all__ = ["busy"]


def beside(book: LakeBook, first: date, last: date) -> dict[str, Compared]:
    """Return the figures of a period, compared."""
    return compared(days_of(book, "RUB", needed_since(first, last)), first, last)


@pytest.mark.parametrize(
    ("first", "last", "before", "ago"),
    [
        ("2017-03-01", "2017-03-31", ("2017-02-01", "2017-02-28"), ("2016-03-01", "2016-03-31")),
        ("2017-01-01", "2017-12-31", ("2016-01-01", "2016-12-31"), ("2016-01-01", "2016-12-31")),
        ("2017-02-01", "2017-02-28", ("2017-01-01", "2017-01-31"), ("2016-02-01", "2016-02-29")),
        ("2017-03-11", "2017-03-20", ("2017-03-01", "2017-03-10"), ("2016-03-11", "2016-03-20")),
        ("2016-02-29", "2016-02-29", ("2016-02-28", "2016-02-28"), ("2015-02-28", "2015-02-28")),
    ],
)
def test_periods_before_are_as_long(first: str, last: str, before: tuple[str, str], ago: tuple[str, str]) -> None:
    """Whole months are followed by whole months, whatever their length."""
    found = earlier(date.fromisoformat(first), date.fromisoformat(last))
    assert [tuple(map(str, days)) for days in found] == [before, ago]


@pytest.mark.parametrize(("first", "last"), [("2017-03-01", "2017-03-31"), ("2017-03-03", "2017-03-09")])
def test_each_figure_is_that_of_the_reports(busy: Story, first: str, last: str) -> None:
    """Of this period and of the one before; a year ago there was no book."""
    book, days = busy.book(), (date.fromisoformat(first), date.fromisoformat(last))
    found = beside(book, *days)
    for since, until in (days, earlier(*days)[0]):
        of = {"from": since, "to": until, "currency": "RUB"}
        revenue = book.report("brand-revenue", by="total", **of).frame
        balances = book.report("turnover", by="kind", **of).frame
        reported = {
            "closing": sum(row["closing"] for row in balances.rows(named=True) if row["kind"] == "money"),
            "owed": book.report("receivables-aging", as_of=until, currency="RUB").frame["total"].sum(),
            "received": book.report("receipts", by="total", **of).frame["received"].sum(),
            **{name: revenue[name].sum() for name in ("net", "refunds", "kept")},
        }
        for name, figure in reported.items():
            then = found[name].now if (since, until) == days else found[name].before
            assert then is None or then == (figure or 0), (name, since)
    assert {figure.year_ago for figure in found.values()} == {None}


def test_a_year_ago_counts_from_the_books_beginning(story: Story) -> None:
    """Of 100 in March 2016 and 150 in March 2017 the course has every month between; the change is a half."""
    story.account("anna", holder="sushi")
    story.payment("2016-03-01", "anna", 1000, "sushi")
    story.debit("2016-03-31", "anna", ("sushi", 100))
    story.debit("2017-02-28", "anna", ("sushi", 120))
    story.debit("2017-03-05", "anna", ("sushi", 150))
    net = beside(story.book(), date(2017, 3, 1), date(2017, 3, 31))["net"]
    assert (net.now, net.before, net.year_ago) == (150, 120, 100)
    assert net.months == (*[Decimal(0)] * 10, Decimal(120), Decimal(150))
    assert (share(net.now, Decimal(100)), share(net.now, Decimal(0))) == (Decimal("50.0"), None)


def test_days_come_to_what_the_reports_give(busy: Story) -> None:
    """Of any period by day or month: rows, their controls, what is behind them; a balance that is spent is owed."""
    busy.debit("2017-02-20", "anna", ("sushi", 900))
    busy.payment("2017-03-20", "anna", 150, "pizza", channel="cash")
    book = busy.book()
    days = days_of(book, "RUB", date(2017, 1, 1))
    for first, last in (("2017-01-01", "2017-03-31"), ("2017-03-02", "2017-03-12"), ("2017-03-05", "2017-03-05")):
        since, until = date.fromisoformat(first), date.fromisoformat(last)
        of = {"from": since, "to": until, "currency": "RUB"}
        for found, by in product((days.revenue, days.receipts), ("day", "month")):
            reported = book.report(found.report.name, by=by, **of)
            ours = days.of(found, since, until, by)  # type: ignore[arg-type]
            assert ours.frame.equals(reported.frame.drop("average", strict=False)), (found.report.name, by, of)
            assert ours.parameters == reported.parameters
            assert book.controls(ours) == reported.controls and reported.controls
        owed = book.report("receivables-aging", as_of=until, currency="RUB").frame["total"].sum()
        assert days.owed.until(until) == owed
    assert [days.owed.until(date(2017, 2, day)) for day in (19, 20)] == [0, 400]
    later = days_of(book, "RUB", date(2017, 3, 10))
    assert later.owed.until(date(2017, 3, 10)) == days.owed.until(date(2017, 3, 10)) and later.began == days.began


def test_controls_are_of_the_rows_that_are_shown(busy: Story) -> None:
    """A kopeck that the reports have not is found."""
    book = busy.book()
    days = days_of(book, "RUB", date(2017, 1, 1))
    more = days.revenue.frame.with_columns(net=pl.col("net") + Decimal("0.01"))
    shown = days.of(replace(days.revenue, frame=more), date(2017, 3, 1), date(2017, 3, 31), "day")
    assert {control.name for control in book.controls(shown) if not control.holds} >= {"revenue_entries", "net"}
