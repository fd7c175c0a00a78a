"""What an analyst finds without the documentation: completion, what columns are, names like the one that was typed."""

import pytest

from ledger.errors import Failure
from tests.reports.story import Story


def test_the_book_shows_its_tables_and_says_what_columns_are(story: Story) -> None:
    """Completion offers tables; a table has types, meanings with units and examples, a report what it adds up."""
    story.account("anna", holder="sushi")
    story.payment("2017-03-01", "anna", 12.5, "sushi")
    book = story.book()
    assert {"entries", "report", "describe", "reports"} <= set(dir(book))
    entries = {row["column"]: row for row in book.describe("entries").rows(named=True)}
    assert entries["amount"]["type"] == "money"
    assert entries["amount"]["meaning"].endswith("in the currency of the row")
    assert entries["amount"]["example"] == "12.50"
    assert entries["line"]["example"] is None
    revenue = {row["column"]: row["meaning"] for row in book.describe("brand-revenue").rows(named=True)}
    assert revenue["kept"] == "kept = net − refunds − bonus; in the currency of the row"
    assert revenue["average"] == "average = of_orders / orders"
    assert revenue["brand"] == "Brand code"
    assert "brand-revenue" in book.reports["name"].to_list()


def test_a_value_like_one_that_is_there_is_suggested(story: Story) -> None:
    """In whichever case it was typed, of parameters, tables and rows."""
    story.brand("GROCERY")
    story.account("anna", holder="sushi")
    story.debit("2017-03-01", "anna", ("GROCERY", 5))
    book = story.book()
    with pytest.raises(Failure, match=r"there is no brand grocery: did you mean GROCERY\?"):
        book.report("brand-revenue", brand="grocery")
    with pytest.raises(AttributeError, match=r"no table entrys: did you mean entries"):
        book.entrys  # noqa: B018  # asked for its name only
    with pytest.raises(Failure, match="no table or report entrys: did you mean entries"):
        book.describe("entrys")
    result = book.report("brand-revenue", **{"from": "2017-03-01", "to": "2017-03-31"})
    with pytest.raises(Failure, match=r"0 rows of brand-revenue match: no brand is grocery: did you mean GROCERY\?"):
        book.explain(result, {"brand": "grocery"}, "net")
