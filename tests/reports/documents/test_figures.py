"""The figures of papers: the same as the reports', or no paper."""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from ledger.errors import Failure
from ledger.values.dates import month_days
from reports.documents.act_and_invoice import InvoicePage
from reports.documents.build_statement import statement
from reports.documents.embedded import as_json
from reports.documents.fetch_facts import groups, known
from reports.documents.language import language
from reports.documents.page import Page, paper_number
from reports.documents.papers import statement_of
from reports.documents.statement import Due, Statement
from reports.run import LakeBook
from tests.reports.story import Story

MARCH = month_days("2017-03")


@pytest.fixture
def march(story: Story) -> Story:
    """Return March of a client of Sushi House: lunches paid by a company and by herself."""
    story.account("anna", holder="sushi")
    story.account("romashka", holder="sushi", kind="legal_entity")
    story.bonus_account("points", of="anna", brand="sushi")
    story.terms("romashka", 1000, 10, "2017-01-01")
    story.payment("2017-02-10", "anna", 300, "sushi")
    debit = story.debit(
        "2017-03-02",
        "anna",
        {"brand": "sushi", "amount": 120, "gross": 150, "vat_rate": 20, "vat": 20, "reference": "A-1"},
        {"brand": "pizza", "amount": 50, "line": 2, "source": "romashka"},
    )
    story.bonus("2017-03-03", "points", 12, refers_to=debit)
    story.refund("2017-03-05", debit, ("sushi", 20))
    story.payout("2017-03-06", "anna", 40, "sushi")
    story.hold("2017-03-07", "anna", 30, "2017-04-05")
    story.payment("2017-03-08", "anna", 5, "sushi")
    return story


def closed(story: Story) -> LakeBook:
    """Return the story's book with March closed."""
    story.close("2017-03-31")
    return story.book()


def of(book: LakeBook, account: str) -> Statement:
    """Return the account's paper of March."""
    return statement_of(book, account, *MARCH)


def test_the_summary_leads_from_opening_to_closing(march):
    """Opening 300, services 150 less 30 discount, 20 back, 40 paid out, 5 paid in: 165."""
    summary = of(closed(march), "anna").summary
    assert (summary.opening, summary.charged, summary.discounts) == (300, 150, 30)
    assert (summary.refunds, summary.paid, summary.other) == (20, 5, (("payout", Decimal(-40)),))
    assert (summary.closing, summary.held, summary.to_pay) == (165, 30, 0)


def test_the_operations_are_the_rows_of_the_account_card(march):
    """Version, transaction, amount, balance and held of each are those that the report shows."""
    book = closed(march)
    card = book.report("account-card", account="anna", **{"from": MARCH[0], "to": MARCH[1]}).frame
    shown = [
        (one.version, one.transaction, one.kind, one.amount, one.balance, one.held)
        for one in of(book, "anna").operations
    ]
    rows = card.select("version", "transaction", "kind", pl.col("credit") - pl.col("debit"), "balance", "held").rows()
    assert shown == rows
    assert len(rows) == 5


def test_every_paper_opens_and_closes_as_turnover(march):
    """Each money account's opening and closing are the report's."""
    book = closed(march)
    rows = book.report("turnover", **{"from": MARCH[0], "to": MARCH[1]}).frame.filter(pl.col("kind") == "money")
    assert rows.height == 2
    for row in rows.iter_rows(named=True):
        summary = of(book, row["reference"]).summary
        assert (summary.opening, summary.closing) == (row["opening"], row["closing"])


def test_embedded_json_has_the_rows_of_the_account_card(march):
    """What a client's program reads is what the report gives."""
    book = closed(march)
    paper = json.loads(as_json(of(book, "anna"), "statement"))
    card = book.report("account-card", account="anna", **{"from": MARCH[0], "to": MARCH[1]}).frame
    assert [row["balance"] for row in paper["operations"]] == [str(value) for value in card["balance"]]
    assert paper["number"] == f"S-{paper['account']}-2017-03"
    assert paper["operations"][0]["lines"][0]["gross"] == "150.00"


def test_a_payer_sees_for_whom_it_paid_and_what_is_overdue(march):
    """The company owes 50 since 2 March with ten days to pay: overdue on the 31st, so no credit is left."""
    paper = of(closed(march), "romashka")
    assert paper.operations[0].subaccount_name == "Anna"
    assert (paper.overdue, paper.dues) == (50, (Due(date(2017, 3, 12), Decimal(50), 19),))
    assert paper.credit is not None
    assert (paper.credit.limit, paper.credit.available) == (1000, 0)
    assert [age.amount for age in paper.ages] == [0, 50, 0, 0, 0, 0]


def test_an_invoice_leads_from_the_debt_before_the_period_to_what_is_to_pay(march):
    """Owed 32,345.67 before, 5,000 paid, a penalty of 10 and services of 40: each row is what its name says."""
    march.account("vera", holder="sushi", kind="legal_entity")
    march.terms("vera", 50000, 40, "2017-01-01")
    march.debit("2017-02-10", "vera", ("sushi", "32345.67"))
    march.payment("2017-03-10", "vera", 5000, "sushi")
    march.adjustment("2017-03-11", "vera", -10, "sushi", reason="penalty")
    march.debit("2017-03-12", "vera", ("sushi", 40))
    page = InvoicePage(of(closed(march), "vera"), "invoice", language("en"))
    assert page.account_rows == [
        ("Debt from before the period", Decimal("32345.67")),
        ("Services of the period, less refunds", 40),
        ("Paid in the period", -5000),
        ("Adjustment", 10),
    ]
    assert page.to_pay == Decimal("27395.67")


def test_a_brand_that_served_for_the_holder_is_the_principal(march):
    """Pizza's line, paid by the company whose account Sushi House holds, is Pizza's on the company's papers."""
    paper = of(closed(march), "romashka")
    assert [one.code for one in paper.principals] == ["pizza"]
    assert [line.brand_code for line in paper.operations[0].lines] == ["pizza"]
    (section,) = InvoicePage(paper, "invoice", language("en")).sections
    assert (section.principal, section.seller, section.amount) == (True, paper.principals[0], 50)


def test_what_is_due_stands_by_its_own_day(march):
    """Lunches of 2 and 20 March at ten days' credit, a penalty without a date: no day before the end on what waits."""
    march.debit("2017-03-20", "romashka", ("sushi", 70))
    march.adjustment("2017-03-21", "anna", -1000, "sushi", reason="penalty")
    book = closed(march)
    page = Page(of(book, "romashka"), "invoice", language("en"))
    assert [(due.label, due.amount, due.late) for due in page.dues] == [
        ("Was due by 12 Mar 2017", 50, True),
        ("Was due by 30 Mar 2017", 70, True),
    ]
    assert sum(due.amount for due in page.dues) == page.to_pay
    (none,) = Page(of(book, "anna"), "invoice", language("en")).dues
    assert (none.label, none.late) == ("No due date was agreed", False)


def test_a_sum_that_is_not_yet_due_has_its_day_after_the_period(march):
    """A debit of 25 March is due on 4 April, whatever is overdue beside it."""
    march.debit("2017-03-25", "romashka", ("sushi", 70))
    dues = of(closed(march), "romashka").dues
    assert [(due.due_on, due.amount, due.days_late) for due in dues] == [
        (date(2017, 3, 12), 50, 19),
        (date(2017, 4, 4), 70, 0),
    ]


def test_an_invoice_whose_rows_do_not_make_what_is_owed_is_refused(march):
    """The sum of the rows is a control of its own."""
    paper = of(closed(march), "romashka")
    wrong = replace(paper, summary=replace(paper.summary, paid=Decimal(1)))
    with pytest.raises(Failure, match=r"the rows of the invoice add up to 49\.00, but the client owes 50\.00"):
        _ = InvoicePage(wrong, "invoice", language("en")).account_rows


def test_expired_credit_is_no_credit_and_says_when_it_ended(march):
    """Terms that ended in February leave nothing in March."""
    march.account("late", holder="sushi")
    march.terms("late", 500, None, "2017-01-01", "2017-02-15")
    march.debit("2017-02-01", "late", ("sushi", 70))
    credit = of(closed(march), "late").credit
    assert credit is not None
    assert (credit.limit, credit.available, credit.expired_on) == (0, 0, date(2017, 2, 15))


def test_points_stand_apart_from_money(march):
    """Twelve points accrued are on the paper, and in none of its sums of money."""
    paper = of(closed(march), "anna")
    assert [(bonus.brand, bonus.accrued, bonus.closing) for bonus in paper.bonuses] == [("Sushi House", 12, 12)]


def test_a_closed_month_has_the_same_paper_whatever_is_posted_later(march):
    """April's postings and a later cut change nothing in March's paper."""
    before = of(closed(march), "anna")
    march.payment("2017-04-02", "anna", 999, "sushi")
    march.close("2017-04-30")
    assert of(march.book(number=2), "anna") == before


def test_an_open_month_is_provisional(march):
    """Until its last day is closed a paper says that it may change."""
    paper = of(march.book(), "anna")
    assert paper.provisional
    assert paper.cut == 1


def test_the_end_of_a_free_hold_that_was_booked_late_disturbs_no_figure(march):
    """It is dated in February, behind entries of March: opening, closing and controls are as without it."""
    without = of(closed(march), "anna").summary
    free = march.hold("2017-03-09", "anna", 0, "2017-02-12")
    march.release("2017-02-12", free, 0, kind="expiry")
    book = closed(march)
    assert of(book, "anna").summary == without
    for name, more in (("turnover", {}), ("account-card", {"account": "anna"}), ("holds", {}), ("control", {})):
        result = book.report(name, **{"from": MARCH[0], "to": MARCH[1]}, **more)
        assert result.holds, [control for control in result.controls if not control.holds]


def test_an_act_opens_with_the_closing_of_the_one_before(march):
    """Over the months of a year, for every account."""
    book = closed(march)
    for account in ("anna", "romashka"):
        closing = Decimal(0)
        for month in ("2017-01", "2017-02", "2017-03"):
            paper = statement_of(book, account, *month_days(month))
            assert paper.summary.opening == closing
            closing = paper.summary.closing


def test_a_control_that_does_not_hold_stops_a_single_paper_too(march):
    """A service line that was changed behind the ledger's back: turnover's entries sum to zero no more."""
    changed(march)
    with pytest.raises(Failure, match=r"control zero_sum of turnover does not hold: expected 0\.00, actual 1"):
        of(closed(march), "anna")


def test_a_statement_whose_lines_do_not_make_its_entry_is_refused(march):
    """Should every control miss it, the paper itself names the transaction and both figures."""
    changed(march)
    book = closed(march)
    number = march.accounts["anna"]["id"]
    ((_, facts),) = groups(book, [number], since=MARCH[0], until=MARCH[1])
    sentence = f"account {number}: the lines of transaction 2 make -121.00, the entry has -120.00"
    with pytest.raises(Failure, match=sentence):
        statement(facts, number, since=MARCH[0], until=MARCH[1], known=known(book, MARCH[1]))


def changed(story: Story) -> None:
    """Add 1.00 to a service line behind the ledger's back."""
    row = next(row for row in story.rows["entries"] if row.get("service") and row["amount"] == 120)
    row["amount"] = Decimal(121)


@pytest.mark.parametrize(
    ("month", "sentence"),
    [("2017-13", "2017-13 is not a month: write YYYY-MM"), ("March", "March is not a month: write YYYY-MM")],
)
def test_a_month_that_is_none_is_named(month, sentence):
    """The sentence shows what was typed and what to type."""
    with pytest.raises(Failure, match=sentence):
        month_days(month)


def test_a_month_that_has_not_begun_is_refused(march):
    """There is no paper of the future."""
    with pytest.raises(Failure, match="the lake ends on 2017-03-31: a period from 2018-01-01 has not begun"):
        statement_of(closed(march), "anna", *month_days("2018-01"))


def test_a_bonus_account_has_no_paper_of_its_own(march):
    """Its points are on the statement of the money account."""
    with pytest.raises(Failure, match="keeps bonus points"):
        of(closed(march), "points")


def test_numbers_of_papers_name_kind_account_and_period(march):
    """The same paper always has the same number."""
    paper = of(closed(march), "anna")
    assert paper_number(paper, "act") == f"A-{paper.account}-2017-03"
    longer = replace(paper, until=date(2017, 4, 15))
    assert paper_number(longer, "invoice") == f"I-{paper.account}-20170301-20170415"
