"""The annex of a company's papers: what each employee or department was charged."""

import json
from decimal import Decimal

import pytest

from ledger.errors import Failure
from ledger.settings import Settings
from ledger.values.dates import month_days
from reports.documents.design import Design, design_of
from reports.documents.embedded import as_json
from reports.documents.papers import statement_of
from reports.documents.render import html
from reports.run import LakeBook
from tests.reports.story import Story

MARCH = month_days("2017-03")


@pytest.fixture
def lunches(story: Story) -> LakeBook:
    """
    Romashka paid 300.00 for Anna of sales (VAT 50.00), of which 60.00 (10.00) came back, 200.00 for Boris of the
    office, and 70.00 of her own.
    """
    for name in ("anna", "boris"):
        story.account(name, holder="sushi")
    story.account("romashka", holder="sushi", kind="legal_entity")
    story.payment("2017-02-10", "romashka", 1000, "sushi")
    line = {"brand": "sushi", "vat_rate": 20, "source": "romashka"}
    debit = story.debit("2017-03-02", "anna", {**line, "amount": 300, "vat": 50})
    story.debit("2017-03-03", "boris", {**line, "amount": 200, "vat": "33.33"})
    story.debit("2017-03-04", "romashka", {"brand": "sushi", "amount": 70})
    story.refund("2017-03-05", debit, {**line, "amount": 60, "vat": 10})
    of = {story.accounts["anna"]["id"]: "Sales", story.accounts["boris"]["id"]: "Office"}
    for row in story.rows["entries"]:
        if row["account_id"] == story.accounts["romashka"]["id"]:
            row["group_name"] = of.get(row.get("subaccount_id"))
    story.close("2017-03-31")
    return story.book()


def test_an_annex_sums_to_the_services_of_the_period(lunches: LakeBook) -> None:
    """By employee: Romashka itself 70.00, Anna 240.00 of one lunch, Boris 200.00; by department the same sums."""
    paper = statement_of(lunches, "romashka", *MARCH, by="subaccount")
    rows = [(part.name.lower(), part.charges, str(part.vat), str(part.amount)) for part in paper.parts]
    assert rows == [("", 1, "0.00", "70.00"), ("anna", 1, "40.00", "240.00"), ("boris", 1, "33.33", "200.00")]
    by_group = statement_of(lunches, "romashka", *MARCH, by="group").parts
    assert [(part.name, str(part.amount)) for part in by_group] == [
        ("", "70.00"),
        ("Office", "200.00"),
        ("Sales", "240.00"),
    ]
    net = paper.summary.charged - paper.summary.discounts - paper.summary.refunds
    assert sum(part.amount for part in by_group) == net == Decimal("510.00")


@pytest.mark.parametrize("kind", ["invoice", "services", "act"])
@pytest.mark.parametrize(("language", "heading"), [("en", "period by department"), ("ru", "по подразделениям")])
def test_the_annex_is_on_the_papers_that_bind(lunches: LakeBook, kind: str, language: str, heading: str) -> None:
    """With each department and the sum; without being asked for, there is none, nor a word of it in the data."""
    design = Design(kind, language)  # type: ignore[arg-type]
    plain = statement_of(lunches, "romashka", *MARCH)
    assert heading not in html(plain, design)
    assert "parts" not in json.loads(as_json(plain, design.kind))
    paper = statement_of(lunches, "romashka", *MARCH, by="group")
    drawn = html(paper, design)
    for text in (heading, "Sales", "Office", "240"):
        assert text in drawn
    assert len(json.loads(as_json(paper, design.kind))["parts"]) == 3


def test_a_statement_has_no_annex() -> None:
    """It names who each charge is for."""
    with pytest.raises(Failure, match="--by goes with an act, an invoice or an act of services"):
        design_of(Settings(), "statement", "en", "group")
