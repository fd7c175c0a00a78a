"""Money in the doors that analysts use: exact where it is summed, with all digits where it is divided."""

from decimal import Decimal

import altair as alt
import polars as pl
import pytest

import reports
from reports.core.result import Result
from tests.reports.story import Story


@pytest.fixture
def result(story: Story) -> Result:
    """Return the revenue of one line: 67.89 of 799.50 was given as a discount."""
    story.account("anna", holder="sushi")
    story.debit("2017-03-03", "anna", {"brand": "sushi", "amount": "731.61", "gross": "799.50"})
    return story.book().report("brand-revenue", first_day="2017-03-01", last_day="2017-03-31", by="total")


def test_the_frame_is_exact_money(result: Result) -> None:
    """Sums of decimals: what the ledger has."""
    assert result.frame["net"].sum() == Decimal("731.61")


def test_ratios_keep_their_digits(result: Result) -> None:
    """0.0849, not 0.08, in Polars, eager and lazy, and in pandas."""
    ratio = pl.col("discount") / pl.col("gross")
    assert result.numbers.select(ratio).item() == pytest.approx(67.89 / 799.5)
    assert reports.numbers(result.frame.lazy()).select(ratio).collect().item() == pytest.approx(67.89 / 799.5)
    frame = result.to_pandas()
    assert (frame.discount / frame.gross).item() == pytest.approx(67.89 / 799.5)


def test_pandas_describes_money_as_figures(result: Result) -> None:
    """Mean and deviation, not a count of objects."""
    described = result.to_pandas()[["gross", "net"]].describe()
    assert described.loc["mean", "net"] == pytest.approx(731.61)


def test_altair_draws_money(result: Result) -> None:
    """As numbers in its JSON, on a quantitative axis."""
    chart = alt.Chart(result.numbers).mark_bar().encode(x="brand", y="net")
    assert '"net": 731.61' in chart.to_json()
    assert chart.to_dict()["encoding"]["y"]["type"] == "quantitative"
