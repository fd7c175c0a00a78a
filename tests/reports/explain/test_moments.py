"""What a debtor owes or has available at two moments differs by parts that sum to it, changed terms among them."""

from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ledger.errors import Failure
from reports.cli.explain import app
from reports.explain.difference import Difference
from reports.explain.moments import FIGURES, difference
from reports.lake.reader import open_lake
from reports.run import LakeBook
from tests.reports.story import Story
from tests.reports.write_lake import write_lake


@pytest.fixture
def company(story: Story) -> Story:
    """
    terms   500.00 for 30 days; recorded on 5 March: 800.00 for 5 days from 6 March
    1 Feb   romashka 100.00, due 3 March
    10 Feb  romashka 200.00, due 12 March; 60.00 of it are given back on 8 March
    2 Mar   40.00 are set aside until May, 15.00 of it released on 9 March
    4 Mar   romashka pays 150.00
    7 Mar   romashka 90.00, due 12 March, by the old terms on 6 April
    10 Mar  an adjustment of −5.00
    """
    story.account("romashka", holder="sushi")
    story.account("anna", holder="sushi")
    story.terms("romashka", 500, 30, "2016-01-01")
    story.debit("2017-02-01", "romashka", ("sushi", 100))
    story.debit("2017-02-10", "romashka", ("sushi", 200), key="d2")
    story.hold("2017-03-02", "romashka", 40, "2017-05-01", key="h1")
    story.close("2017-02-28")
    story.payment("2017-03-04", "romashka", 150, "sushi")
    story.terms("romashka", 800, 5, "2017-03-06", recorded_at="2017-03-05")
    story.debit("2017-03-07", "romashka", ("sushi", 90))
    story.refund("2017-03-08", "d2", ("sushi", 60))
    story.release("2017-03-09", "h1", 15)
    story.adjustment("2017-03-10", "romashka", -5, "sushi")
    story.close("2017-03-31")
    return story


def made(said: Difference) -> dict[str, str]:
    """Return the parts that are not nothing."""
    return {part.name: str(part.amount) for part in said.parts if part.amount}


def against(story: Story, report: str, day: str, column: str, earlier: str) -> Difference:
    """Return the difference of a figure of romashka between two days."""
    book = story.book()
    return book.explain(book.report(report, as_of=day), {"reference": "romashka"}, column, against={"as_of": earlier})


def test_what_is_available_moved_by_each_kind_of_thing(company: Story) -> None:
    """
    200.00 = 500.00 − 300.00 at the end of February; on 11 March 590.00 = 800.00 − 185.00 − 25.00.

    dates     the 100.00 of 1 February are late, and credit does not count: nothing is available
    payments  150.00 pay them: 500.00 − 150.00 are available again
    """
    said = against(company, "credit-exposure", "2017-03-11", "available", "2017-02-28")
    assert (said.before, said.now, said.residual) == (Decimal(200), Decimal(590), 0)
    assert made(said) == {
        "dates": "-200.00",
        "payments": "350.00",
        "holds": "-25.00",
        "debits": "-90.00",
        "refunds": "60.00",
        "others": "-5.00",
        "terms": "300.00",
    }
    assert said.parts[-1].words == "changed terms"


def test_a_part_opens_what_moved(company: Story) -> None:
    """The entries on the account in these days; what fell late; of changed terms there are none."""
    book = company.book()
    credit = book.report("credit-exposure", as_of="2017-03-11")
    said = book.explain(credit, {"reference": "romashka"}, "available", against={"as_of": "2017-02-28"})
    moved = {part.name: book.part_rows(said, part.name).entries for part in said.parts}
    rows = {
        name: [(str(day), str(amount)) for day, amount in of["business_date", "amount"].iter_rows()]
        for name, of in moved.items()
    }
    assert rows == {
        "late_bookings": [],
        "dates": [("2017-02-01", "-100.00")],
        "payments": [("2017-03-04", "150.00")],
        "holds": [("2017-03-02", "0.00"), ("2017-03-09", "0.00")],
        "debits": [("2017-03-07", "-90.00")],
        "refunds": [("2017-03-08", "60.00")],
        "others": [("2017-03-10", "-5.00")],
        "terms": [],
    }
    assert moved["holds"]["held"].to_list() == [Decimal("40.00"), Decimal("-15.00")]
    assert book.part_rows(said, "payments").sum is None


def test_what_is_overdue_by_a_shorter_period_is_the_terms(company: Story) -> None:
    """
    On 13 March 185.00 are unpaid, of the items due last: 5.00 of 10 March, 90.00 of the 7th and 90.00 of February.
    By the new terms the last two were due on the 12th, 180.00; by the old ones 7 March is due in April.
    """
    said = against(company, "credit-exposure", "2017-03-13", "overdue", "2017-02-28")
    assert (said.before, said.residual) == (0, 0)
    assert made(said)["terms"] == "90.00"
    assert sum(part.amount for part in said.parts if part.name != "terms") == Decimal("90.00")


SOME = {"credit-exposure": ("available", "overdue"), "receivables-aging": ("late_1_30",)}


@pytest.mark.parametrize(
    ("report", "columns"), [*SOME.items(), *(pytest.param(*one, marks=pytest.mark.soak) for one in FIGURES.items())]
)
def test_every_difference_is_that_of_the_report_and_the_sum_of_its_parts(
    report: str, columns: tuple[str, ...], company: Story
) -> None:
    """Of some figures, in the soak of all; where terms did not change, there is no such part."""
    book = company.book()
    days = ("2017-02-28", "2017-03-05", "2017-03-13", "2017-04-02")
    figures = {
        day: book.report(report, as_of=day).frame.filter(reference="romashka").row(0, named=True) for day in days
    }
    for earlier, day in pairwise(days):
        for column in columns:
            said = against(company, report, day, column, earlier)
            assert (said.before, said.now) == (figures[earlier][column], figures[day][column]), (column, day)
            assert said.residual == 0
            if day in ("2017-03-05", "2017-04-02"):
                assert "terms" not in made(said)


def test_of_a_client_of_one_without_terms_and_of_a_frozen_account(company: Story) -> None:
    """One that had no terms counts as one without credit; credit given, and a status, are changed terms."""
    company.payment("2017-02-03", "anna", 30, "sushi")
    company.terms("anna", 70, 30, "2017-03-10", recorded_at="2017-03-10")
    book = company.book()
    aged = book.report("receivables-aging", as_of="2017-03-11", by="party")
    said = book.explain(aged, {"party": "romashka"}, "total", against={"as_of": "2017-02-28"})
    assert (said.before, said.now, said.residual) == (300, 185, 0)
    credit = book.report("credit-exposure", as_of="2017-03-11")
    anna = book.explain(credit, {"reference": "anna"}, "available", against={"as_of": "2017-02-28"})
    assert (anna.before, anna.now, made(anna)) == (30, 100, {"terms": "70.00"})
    company.change("2017-03-12", "account_status", "anna", {"status": "open"}, {"status": "frozen"})
    credit = company.book().report("credit-exposure", as_of="2017-03-13")
    frozen = company.book().explain(credit, {"reference": "anna"}, "available", against={"as_of": "2017-03-11"})
    assert (frozen.before, frozen.now, made(frozen)) == (100, 0, {"terms": "-100.00"})


def test_an_earlier_cut_did_not_hold_what_was_booked_since(company: Story, tmp_path: Path) -> None:
    """Of the same open day: late is what came, by the terms of then."""
    earlier = LakeBook(open_lake(str(write_lake(company, tmp_path))))
    company.debit("2017-04-01", "romashka", ("sushi", 11))
    now = company.book()
    result = now.report("receivables-aging", as_of="2017-04-02")
    row = result.frame.filter(reference="romashka").row(0, named=True)
    said = difference(result, row, "total", {"cut": 1}, then=earlier.tables_for, now=now.tables_for)
    assert (said.before, said.now, made(said)) == (185, 196, {"late_bookings": "11.00"})


WRONG = [
    ({"as_of": "2017-03-20"}, "available", "2017-03-20 is after 2017-03-11: explain the later figure against"),
    (
        {"brand": "pizza"},
        "available",
        "a figure of credit-exposure is compared with another as_of or cut, not another br",
    ),
    (
        {"as_of": "2017-02-28"},
        "share",
        "share of credit-exposure cannot be compared: balance, limit, used, held, availab",
    ),
]


@pytest.mark.parametrize(("other", "column", "sentence"), WRONG, ids=["later", "brand", "share"])
def test_what_cannot_be_compared(company: Story, other: dict[str, str], column: str, sentence: str) -> None:
    """Each is one sentence."""
    book = company.book()
    with pytest.raises(Failure) as caught:
        book.explain(
            book.report("credit-exposure", as_of="2017-03-11"), {"reference": "romashka"}, column, against=other
        )
    assert str(caught.value).startswith(sentence)


def test_the_command_takes_a_day(company: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A day after --against is an earlier day; the parts are listed in words."""
    monkeypatch.setenv("TIFFIN_LAKE", str(write_lake(company, tmp_path)))
    asked = "credit-exposure available --as-of 2017-03-11 --row reference=romashka --against 2017-02-28".split()
    lines = CliRunner().invoke(app, asked, catch_exceptions=False).output.splitlines()
    assert lines[0] == "available of credit-exposure: 200.00 → 590.00, +390.00 RUB"
    assert any("changed terms" in line and "300.00" in line for line in lines)
