"""Turnover."""

from decimal import Decimal

import polars as pl
import pytest

from ledger.errors import Failure
from tests.reports.story import Story

MARCH = {"first_day": "2017-03-01", "last_day": "2017-03-31"}


def figures(frame: pl.DataFrame, *names: str) -> list[tuple[object, ...]]:
    """Return the rows with amounts as text."""
    return [tuple(str(v) if isinstance(v, Decimal) else v for v in row) for row in frame.select(*names).rows()]


@pytest.fixture
def month(story: Story) -> Story:
    """Return a month with something before, in and after it, in two currencies and in points."""
    story.account("anna", holder="sushi")
    story.account("boris", currency="USD")
    story.bonus_account("anna-points", of="anna", brand="sushi")
    story.payment("2017-02-20", "anna", 500, "sushi")
    story.debit("2017-03-05", "anna", ("sushi", "120.50"), ("pizza", 30))
    story.payment("2017-03-31T23:59:59", "boris", 10, "pizza")
    story.bonus("2017-03-06", "anna-points", 12)
    story.payment("2017-04-01T00:00:00", "anna", 1000, "sushi")
    return story


def test_each_account_has_opening_credits_debits_and_closing(month: Story) -> None:
    """What came before is opening, what came after is not there."""
    result = month.book().report("turnover", **MARCH)
    assert figures(result.frame, "reference", "kind", "currency", "opening", "credits", "debits", "closing") == [
        ("anna", "money", "RUB", "500.00", "0.00", "150.50", "349.50"),
        ("boris", "money", "USD", "0.00", "10.00", "0.00", "10.00"),
        ("anna-points", "bonus", "RUB", "0.00", "12.00", "0.00", "12.00"),
    ]
    assert result.holds
    assert {control.currency for control in result.controls} == {"RUB", "USD"}


def test_points_and_money_and_currencies_stay_apart_when_summed(month: Story) -> None:
    """By kind: a row for money in each currency, and one for points."""
    result = month.book().report("turnover", **MARCH, by="kind")
    assert figures(result.frame, "kind", "currency", "accounts", "closing") == [
        ("bonus", "RUB", 1, "12.00"),
        ("money", "RUB", 1, "349.50"),
        ("money", "USD", 1, "10.00"),
    ]
    assert result.holds


def test_by_brand_is_by_the_holder(month: Story) -> None:
    """Accounts without a holder are under no brand."""
    result = month.book().report("turnover", **MARCH, by="brand", currency="RUB")
    assert figures(result.frame, "brand", "kind", "closing") == [
        ("sushi", "bonus", "12.00"),
        ("sushi", "money", "349.50"),
    ]


def test_an_empty_period_is_a_typed_empty_frame(month: Story) -> None:
    """Before anything happened there is nothing, and the controls hold."""
    result = month.book().report("turnover", first_day="2012-02-29", last_day="2012-02-29")
    assert result.frame.height == 0
    assert result.frame.schema["closing"] == pl.Decimal(18, 2)
    assert result.holds
    assert [control.name for control in result.controls] == ["ledger_balance", "zero_sum"]


def test_a_wrong_running_balance_shows(month: Story) -> None:
    """A balance that the ledger wrote wrong makes the control fail by that much."""
    month.rows["entries"][0]["balance_after"] += 1
    month.rows["entries"][2]["balance_after"] += 1
    result = month.book().report("turnover", **MARCH)
    broken = [(c.name, c.currency, c.difference) for c in result.controls if not c.holds]
    assert broken == [("ledger_balance", "RUB", Decimal("-1.00"))]


def test_an_entry_without_its_other_side_shows(month: Story) -> None:
    """Money out of nothing is named by the zero-sum control."""
    month.rows["entries"][1]["amount"] += 7
    broken = [c for c in month.book().report("turnover", **MARCH).controls if not c.holds]
    assert [(c.name, c.difference) for c in broken] == [("zero_sum", Decimal("7.00"))]


def test_open_days_are_provisional(month: Story) -> None:
    """A period is final when its last day is closed."""
    month.close("2017-03-30")
    assert month.book().report("turnover", **MARCH).provisional
    month.close("2017-03-31")
    assert not month.book().report("turnover", **MARCH).provisional


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"first_day": "2017-04-01", "last_day": "2017-03-01"}, "from 2017-04-01 is after to 2017-03-01"),
        ({"from": "2017-02-30"}, "2017-02-30 is not a date: write YYYY-MM-DD"),
        ({"account": "nobody"}, "no account has the reference nobody"),
        ({"account": 1000012}, "1000012 is not an account number: its check digit is wrong"),
        ({"account": "79927398713"}, "there is no account 79927398713"),
        ({"brand": "sush"}, "there is no brand sush: did you mean sushi?"),
        ({"party": "ann"}, "there is no client ann: did you mean anna?"),
        ({"currency": "roubles"}, "currency roubles: string should match pattern '^[A-Z]{3}$'"),
        ({"by": "moon"}, "by moon: input should be 'account', 'party', 'kind' or 'brand'"),
        (
            {"colour": "red"},
            "turnover takes no parameter colour: it takes currency, brand, party, account, from, to, dated_by, "
            "booked_until, by",
        ),
    ],
)
def test_wrong_parameters_are_one_sentence(month: Story, parameters: dict[str, object], sentence: str) -> None:
    """Each says what is wrong."""
    with pytest.raises(Failure) as failure:
        month.book().report("turnover", **parameters)
    assert str(failure.value) == sentence


def test_an_unknown_report_suggests_names(month: Story) -> None:
    """A typing error is answered by what was meant."""
    with pytest.raises(Failure, match="there is no report turnovr: did you mean turnover"):
        month.book().report("turnovr")
