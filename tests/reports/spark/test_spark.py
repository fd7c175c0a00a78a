"""Every standard report on Spark gives cell by cell what it gives on Polars. Only in make test-spark."""

from pathlib import Path

import pytest

import reports
from reports.registry import REPORTS
from tests.reports.published import published
from tests.reports.spark.compared import compared
from tests.reports.standard.test_every_report import asked
from tests.reports.story import Story

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the lake of two months in which everything happened, in two currencies."""
    story = Story()
    for brand in ("sushi", "pizza"):
        story.brand(brand)
    for reference, currency in (("anna", "RUB"), ("boris", "USD"), ("romashka", "RUB")):
        story.account(reference, currency=currency, holder="sushi")
        story.payment("2017-02-01", reference, 500, "pizza", channel="card", value_date="2017-01-31")
    story.bonus_account("points", of="anna", brand="sushi")
    story.terms("romashka", 1000, 30, "2017-01-01", "2017-12-31")
    story.link("anna", "romashka")
    story.limit("romashka", "anna", "day", 500)
    story.bonus("2017-03-01", "points", 30)
    sushi = {"brand": "sushi", "attributes": {"dish": "set 4"}}
    story.debit("2017-02-15", "romashka", {**sushi, "amount": 900}, key="d0")
    story.debit("2017-03-02", "anna", {**sushi, "amount": 70, "source": "romashka"}, ("pizza", 40),
                {**sushi, "amount": 5, "source": "points"}, key="d1")  # fmt: skip
    story.refund("2017-03-05", "d1", ("pizza", "13.33"))
    hold = story.hold("2017-03-06", "boris", 60, "2017-04-06")
    story.capture("2017-03-07", hold, ("pizza", 20))
    story.decline("2017-03-08", "anna", 999, "insufficient_funds")
    story.adjustment("2017-03-09", "anna", -3, "sushi", by="o.petrova")
    story.transfer("2017-03-09", "anna", "romashka", 7)
    story.change("2017-03-10", "link", "anna", None, {"payer": "romashka"})
    story.unknown_payment("2017-03-11", 70, "sushi")
    story.close("2017-03-31")
    return published(story, tmp_path_factory.mktemp("spark"))


@pytest.mark.parametrize("name", list(REPORTS))
def test_spark_says_what_polars_says(lake: Path, name: str) -> None:
    """The same rows in the same order, of the same types, and the same control totals."""
    polars, spark = (reports.open(str(lake), engine=engine) for engine in ("polars", "spark"))
    one = compared(polars, spark, name, **asked(REPORTS[name]))
    assert not one.differ
    assert one.result.frame.height > 0
    assert one.result.holds
