"""What clients have paid ahead by age, and after how many days they pay: figures worked out by hand."""

from tests.reports.standard.test_turnover import figures
from tests.reports.story import Story

BANDS = ("age_0_30", "age_31_60", "age_61_90", "age_91_365", "age_over_365", "total")


def test_money_ahead_is_as_old_as_the_last_credits_and_points_as_their_lots(story: Story) -> None:
    """
    Anna paid 100.00 on 10 January, 50.00 on 20 February, 30.00 on 15 March, and spent 120.00: of the 60.00 left,
    30.00 are of March (16 days on 31 March) and 30.00 of February (39 days). Boris owes, and is not here.
    """
    story.account("anna", holder="sushi")
    story.account("boris", holder="sushi")
    story.payment("2017-01-10", "anna", 100, "sushi")
    story.payment("2017-02-20", "anna", 50, "sushi")
    story.debit("2017-02-21", "anna", ("sushi", 120))
    story.payment("2017-03-15", "anna", 30, "sushi")
    story.debit("2017-03-16", "boris", ("sushi", 5))
    book = story.book()
    result = book.report("advances", as_of="2017-03-31")
    assert figures(result.frame, "reference", "kind", *BANDS) == [
        ("anna", "money", "30.00", "30.00", "0.00", "0.00", "0.00", "60.00")
    ]
    assert result.holds
    assert figures(book.report("advances", as_of="2018-12-31", by="party").frame, "party", *BANDS) == [
        ("anna", "0.00", "0.00", "0.00", "0.00", "60.00", "60.00")
    ]


def test_points_are_ahead_apart_from_money(story: Story) -> None:
    """20 points of 1 January, of which a debit spent 5, and 10 of 20 March; never added to money."""
    story.account("anna", holder="sushi")
    story.bonus_account("points", of="anna", brand="sushi")
    story.bonus("2017-01-01", "points", 20)
    story.debit("2017-01-05", "anna", {"brand": "sushi", "amount": 5, "source": "points"})
    story.bonus("2017-03-20", "points", 10)
    result = story.book().report("advances", as_of="2017-03-31")
    assert figures(result.frame, "kind", *BANDS) == [
        ("bonus", "10.00", "0.00", "15.00", "0.00", "0.00", "25.00"),
    ]
    assert result.holds


def test_days_sales_outstanding_are_what_is_owed_over_what_was_charged(story: Story) -> None:
    """In the 31 days of March 310.00 were charged less 10.00 back, 150.00 are owed: 150 / 300 × 31 = 15.50 days."""
    story.account("romashka", holder="sushi")
    story.terms("romashka", 1000, 30, "2017-01-01")
    story.debit("2017-03-02", "romashka", ("sushi", 200), ("pizza", 110), key="d")
    story.refund("2017-03-03", "d", ("sushi", 10))
    story.payment("2017-03-20", "romashka", 150, "sushi")
    story.account("anna", holder="pizza")
    result = story.book().report("dso", first_day="2017-03-01", last_day="2017-03-31")
    assert figures(result.frame, "brand", "charged", "owed", "days", "dso") == [("sushi", "300.00", "150.00", 31, 15.5)]
    assert result.holds
    april = story.book().report("dso", first_day="2017-04-01", last_day="2017-04-30")
    assert figures(april.frame, "charged", "owed", "dso") == [("0.00", "150.00", None)]
