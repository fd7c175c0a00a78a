"""Control."""

import pytest

from tests.reports.story import Story

MARCH = {"first_day": "2017-03-01", "last_day": "2017-03-31"}


@pytest.fixture
def day(story: Story) -> Story:
    """Return a book with a payment, a debit and a hold in two currencies."""
    story.account("anna")
    story.account("boris", currency="USD")
    story.payment("2017-03-01", "anna", 300, "sushi")
    story.debit("2017-03-02", "anna", ("sushi", 100), ("pizza", 20))
    story.payment("2017-03-01", "boris", 30, "pizza")
    story.hold("2017-03-03", "anna", 50, "2017-04-03")
    return story


def differing(story: Story) -> list[tuple[str, str]]:
    """Return source and name of the checks that differ."""
    rows = story.book().report("control", **MARCH).frame.rows(named=True)
    return [(row["source"], row["check"]) for row in rows if row["state"] == "differs"]


def test_a_sound_book_holds(day: Story) -> None:
    """Every check is listed and none differs."""
    result = day.book().report("control", **MARCH)
    assert result.holds
    assert {"ledger", "turnover", "brand-revenue"} <= set(result.frame["source"])
    assert set(result.frame["currency"]) == {"RUB", "USD"}


def test_an_empty_book_holds(story: Story) -> None:
    """Nothing is nothing, and no error."""
    assert story.book().report("control", **MARCH).holds


@pytest.mark.parametrize(
    ("table", "column", "expected"),
    [
        ("accounts", "balance", [("ledger", "balances")]),
        ("accounts", "held", [("ledger", "held"), ("ledger", "holds")]),
        ("holds", "held", [("ledger", "holds")]),
    ],
)
def test_what_differs_is_named(day: Story, table: str, column: str, expected: list[tuple[str, str]]) -> None:
    """One changed figure of the ledger's own tables breaks the checks that compare it."""
    row = day.accounts["anna"] if table == "accounts" else day.rows[table][0]
    row[column] += 1
    assert differing(day) == expected


def test_a_lost_entry_is_named_by_every_report_that_counts_it(day: Story) -> None:
    """Without one revenue entry the book no longer sums to zero anywhere."""
    lost = next(row for row in day.rows["entries"] if row["account_kind"] == "revenue")
    day.rows["entries"].remove(lost)
    named = differing(day)
    assert {
        ("brand-revenue", "clients_paid"),
        ("ledger", "unbalanced_transactions"),
        ("turnover", "zero_sum"),
    } <= set(named)
