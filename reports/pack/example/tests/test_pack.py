"""`tiffin pack check` runs each `test_…` here over a small made-up book, which closed March 2025."""


def test_discounts_are_a_share_of_gross(book):
    """Of sushi 100.00 off 800.00, of both brands 100.00 off 1,250.00."""
    found = book.metric("discount_share", by="brand", first_day="2025-03-01", last_day="2025-03-31")
    assert dict(found.frame.select("brand", "discount_share").rows())["sushi"] == 0.125
    assert found.totals["discount_share"].to_list() == [0.08]


def test_large_debits_are_found(book):
    """One of 700.00."""
    found = book.report("large-debits", first_day="2025-03-01", last_day="2025-03-31")
    assert found.holds and [str(amount) for amount in found.frame["amount"]] == ["700.00"]
