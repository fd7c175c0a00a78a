"""Account card."""

from tests.reports.standard.test_turnover import figures
from tests.reports.story import Story

MARCH = {"first_day": "2017-03-01", "last_day": "2017-03-31"}


def test_the_card_runs_from_the_opening_to_the_closing(story: Story) -> None:
    """Each row carries what it was for and the balance after it."""
    story.account("anna")
    story.payment("2017-02-01", "anna", 300, "sushi")
    lines = [
        {"brand": "sushi", "amount": 100, "reference": "A-1"},
        {"brand": "pizza", "amount": 20, "service": "delivery", "reference": "A-1", "line": 2},
    ]
    story.debit("2017-03-02", "anna", *lines, key="d1")
    story.payment("2017-03-03", "anna", 50, "pizza", channel="card", value_date="2017-03-02")
    story.refund("2017-03-04", "d1", ("sushi", 40))
    result = story.book().report("account-card", account="anna", **MARCH)
    assert figures(result.frame, "key", "brand", "service", "number", "credit", "debit", "balance") == [
        ("d1", "pizza +1", "delivery +1", "A-1", "0.00", "120.00", "180.00"),
        ("payment-3", "pizza", None, None, "50.00", "0.00", "230.00"),
        ("refund-4", "sushi", "order", None, "40.00", "0.00", "270.00"),
    ]
    assert result.frame["refers_to"].to_list() == [None, None, 2]
    assert result.holds


def test_a_payers_card_shows_only_what_it_paid(story: Story) -> None:
    """Of a debit of two sources the card lists the payer's lines, and for whom it paid."""
    anna = story.account("anna")
    story.account("romashka", kind="legal_entity")
    story.debit(
        "2017-03-02",
        "anna",
        {"brand": "sushi", "amount": 100, "source": "romashka"},
        {"brand": "pizza", "amount": 0},
    )
    result = story.book().report("account-card", account="romashka", **MARCH)
    assert figures(result.frame, "paid_for", "brand", "debit", "balance") == [(anna, "sushi", "100.00", "-100.00")]
    assert result.holds


def test_an_account_without_movement_has_an_empty_card(story: Story) -> None:
    """Its balance from before is no row, and the controls hold."""
    story.account("anna")
    story.payment("2017-02-01", "anna", 300, "sushi")
    result = story.book().report("account-card", account="anna", **MARCH)
    assert result.frame.height == 0
    assert result.holds


def test_a_changed_amount_breaks_the_running_balance(story: Story) -> None:
    """The card adds up for itself, and so differs from a balance that was written otherwise."""
    story.account("anna")
    story.payment("2017-03-01", "anna", 300, "sushi")
    story.rows["entries"][0]["amount"] += 1
    result = story.book().report("account-card", account="anna", **MARCH)
    assert [control.name for control in result.controls if not control.holds] == ["ledger_balance"]
