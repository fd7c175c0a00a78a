"""Subaccounts, declines, services, corrections, changes of terms, client activity."""

import pytest

from tests.reports.standard.test_turnover import figures
from tests.reports.story import Story

MARCH = {"first_day": "2017-03-01", "last_day": "2017-03-31"}


@pytest.fixture
def lunch(story: Story) -> Story:
    """Return a company that pays its employee's lunches up to 500 a day and 2000 a month."""
    story.account("romashka", kind="legal_entity")
    story.account("anna")
    story.account("boris")
    story.link("anna", "romashka")
    story.link("boris", "romashka")
    story.limit("romashka", "anna", "day", 500)
    story.limit("romashka", "anna", "month", 2000)
    story.limit("romashka", "romashka", "total", 10_000)
    return story


def test_a_subaccounts_spending_stands_beside_its_limits(lunch: Story) -> None:
    """A refund gives back to the day of its debit; the period's spending and the windows are apart."""
    company = {"brand": "sushi", "source": "romashka"}
    lunch.debit("2017-02-20", "anna", {**company, "amount": 90})
    lunch.debit("2017-03-30", "anna", {**company, "amount": 300}, key="d1")
    lunch.debit("2017-03-31", "anna", {**company, "amount": 450})
    lunch.refund("2017-03-31", "d1", {**company, "amount": 100})
    lunch.decline("2017-03-31", "anna", 200, "write_off_limit_exceeded")
    result = lunch.book().report("subaccounts", **MARCH)
    names = ("reference", "period", "spent", "refunded", "drawn", "limit", "used", "left", "declines")
    assert figures(result.frame, *names) == [
        ("romashka", "total", "0.00", "0.00", "0.00", "10000.00", "740.00", "9260.00", 0),
        ("anna", "day", "750.00", "100.00", "650.00", "500.00", "450.00", "50.00", 1),
        ("anna", "month", "750.00", "100.00", "650.00", "2000.00", "650.00", "1350.00", 1),
        ("boris", None, "0.00", "0.00", "0.00", None, None, None, 0),
    ]
    assert result.holds


def test_a_hold_counts_when_placed_and_its_capture_adds_nothing(lunch: Story) -> None:
    """What is held on the 30th, captured and in part refunded on the 31st, is used on the 30th."""
    legs = [("romashka", 0, {"held": 80, "subaccount_id": lunch.accounts["anna"]["id"]})]
    hold = lunch._post("2017-03-30", "hold", legs, account="anna", amount=80)
    legs = [("romashka", -80, {"held": -80, "subaccount_id": lunch.accounts["anna"]["id"]})]
    capture = lunch._post("2017-03-31", "capture", legs, account="anna", amount=80, refers_to=hold)
    legs = [("romashka", 30, {"subaccount_id": lunch.accounts["anna"]["id"]})]
    lunch._post("2017-03-31", "refund", legs, account="anna", amount=30, refers_to=capture)
    for last_day, day, month in (("2017-03-30", "80.00", "80.00"), ("2017-03-31", "0.00", "50.00")):
        result = lunch.book().report("subaccounts", first_day="2017-03-01", last_day=last_day)
        assert figures(result.frame, "period", "used")[1:3] == [("day", day), ("month", month)]


def test_declines_by_code(story: Story) -> None:
    """Count, amount requested, accounts, first and last; a decline without an account has no currency."""
    story.account("anna")
    story.account("boris")
    for at, account in (("2017-03-02", "anna"), ("2017-03-05", "boris"), ("2017-03-09", "anna")):
        story.decline(at, account, 50, "insufficient_funds")
    story._post("2017-03-03", "debit", [], status="declined", code="account_not_found", amount=10)
    result = story.book().report("declines", **MARCH)
    assert figures(result.frame, "code", "currency", "count", "accounts", "asked") == [
        ("account_not_found", "", 1, 1, "10.00"),
        ("insufficient_funds", "RUB", 3, 2, "150.00"),
    ]
    assert [str(at)[:10] for at in result.frame.row(1)[-2:]] == ["2017-03-02", "2017-03-09"]
    assert result.holds


def test_services_and_any_attribute(story: Story) -> None:
    """A line that two sources paid is one line; a line without the attribute is counted too."""
    story.account("romashka")
    story.account("anna")
    set_4 = {"brand": "sushi", "attributes": {"dish": "set 4"}, "line": 1}
    story.debit(
        "2017-03-01",
        "anna",
        {**set_4, "amount": 60, "source": "romashka"},
        {**set_4, "amount": 40},
        {"brand": "sushi", "amount": 9, "service": "delivery", "line": 2},
    )
    result = story.book().report("services", **MARCH)
    assert figures(result.frame, "service", "count", "net") == [("delivery", 1, "9.00"), ("order", 1, "100.00")]
    assert result.holds
    dishes = story.book().report("services", **MARCH, attribute="dish")
    assert figures(dishes.frame, "service", "value", "net") == [("delivery", "", "9.00"), ("order", "set 4", "100.00")]
    assert dishes.holds


def test_corrections_name_what_they_correct(story: Story) -> None:
    """Refunds and reversals are paired with their causes; who and why stand beside them."""
    story.account("anna")
    story.payment("2017-03-01", "anna", 300, "sushi", key="p1")
    story.debit("2017-03-01", "anna", ("sushi", 100), key="d1")
    story.refund("2017-03-02", "d1", ("sushi", 30))
    story.reverse("2017-03-03", "p1", reason="chargeback", by="o.petrova")
    story.adjustment("2017-03-04", "anna", -5, "sushi", reason="typing error", by="o.petrova")
    story.payout("2017-03-05", "anna", 1, "sushi")
    result = story.book().report("corrections", **MARCH)
    assert figures(result.frame, "kind", "change", "of_document", "by", "reference") == [
        ("refund", "30.00", "d1", None, "anna"),
        ("reverse", "-300.00", "p1", "o.petrova", "anna"),
        ("adjustment", "-5.00", None, "o.petrova", "anna"),
        ("payout", "-1.00", None, None, "anna"),
    ]
    assert result.holds
    assert story.book().report("corrections", **MARCH, account="anna").holds


def test_an_orphan_correction_shows(story: Story) -> None:
    """A refund whose debit is not there breaks the pairing."""
    story.account("anna")
    story.debit("2017-03-01", "anna", ("sushi", 100), key="d1")
    story.refund("2017-03-02", "d1", ("sushi", 30))
    story.rows["transactions"][1]["refers_to"] = 99
    broken = [c.name for c in story.book().report("corrections", **MARCH).controls if not c.holds]
    assert broken == ["paired"]


def test_a_payment_of_nobody_that_is_undone_is_a_correction_that_moved_no_client(story: Story) -> None:
    """It stands in its own currency, and the controls of the month hold."""
    story.unknown_payment("2017-03-01", 75, "sushi", key="p1")
    story.reverse("2017-03-02", "p1", currency="RUB", amount=75, reason="sent back")
    result = story.book().report("corrections", **MARCH)
    assert figures(result.frame, "kind", "currency", "change", "of_document") == [("reverse", "RUB", "0.00", "p1")]
    assert result.holds


def test_changes_of_terms_say_who_when_and_from_what(story: Story) -> None:
    """Names of parties are not terms; before is blank when it is new."""
    story.account("anna")
    story.change("2017-03-01", "party", "anna", None, {"name": "Anna"})
    story.change("2017-03-02", "credit_terms", "anna", None, {"limit": "100.00"}, by="o.petrova")
    story.change("2017-04-02", "credit_terms", "anna", {"limit": "100.00"}, {"limit": "200.00"})
    result = story.book().report("terms-changes", **MARCH)
    assert figures(result.frame, "change", "before", "after", "by") == [(2, None, '{"limit": "100.00"}', "o.petrova")]
    assert result.holds
    assert [control.expected for control in result.controls] == [3]


def test_changes_of_promotions_and_programmes_are_changes_of_terms(story: Story) -> None:
    """They are of no account: narrowed to one, they are left out, and the audit log still has no gap."""
    story.account("anna")
    story.change("2017-03-01", "promotion", "TEN", None, {"value": "10.00"}, by="o.petrova")
    story.change("2017-03-02", "promotion", "TEN", {"value": "10.00"}, {"value": "15.00"}, by="o.petrova")
    story.change("2017-03-03", "bonus_program", "sushi", None, {"accrue_percent": "5"})
    result = story.book().report("terms-changes", **MARCH)
    assert figures(result.frame, "kind", "subject", "account") == [
        ("promotion", "TEN", None),
        ("promotion", "TEN", None),
        ("bonus_program", "sushi", None),
    ]
    assert result.holds
    of_anna = story.book().report("terms-changes", **MARCH, account="anna")
    assert of_anna.frame.is_empty()
    assert of_anna.holds


def test_cohorts_are_by_month_of_first_order(story: Story) -> None:
    """Anna came in February and stayed, Boris came in March; a company's payment is still her order."""
    for account in ("anna", "boris", "romashka"):
        story.account(account)
    story.debit("2017-02-01", "anna", ("sushi", 10))
    story.debit("2017-03-01", "anna", {"brand": "sushi", "amount": 30, "source": "romashka"}, ("pizza", 10))
    story.debit("2017-03-02", "boris", ("sushi", 20))
    story.debit("2017-03-03", "boris", ("sushi", 40))
    result = story.book().report("client-activity", **MARCH)
    assert figures(result.frame, "cohort", "month", "cohort_clients", "clients", "share", "orders", "average") == [
        ("2017-02", "2017-03", 1, 1, 1.0, 1, 40.0),
        ("2017-03", "2017-03", 1, 1, 1.0, 2, 30.0),
    ]
    assert result.holds


def test_a_payers_money_by_group_and_what_is_left_of_each_budget(story: Story) -> None:
    """
    Anna and Boris are of sales, whose week's budget is 1,000.00; carla of nobody. In the week of Monday 27 March: Anna
    300.00, Boris 200.00 less 50.00 back, carla 70.00; Anna's 400.00 of 2 March are of another week.
    """
    story.account("romashka", holder="sushi", kind="legal_entity")
    story.payment("2017-02-01", "romashka", 5000, "sushi")
    for name in ("anna", "boris", "carla"):
        story.account(name, holder="sushi")
        story.link(name, "romashka")
    story.limit("romashka", "romashka", "week", 1000)
    story.rows["limits"][-1]["group_name"] = "sales"
    paid = {"brand": "sushi", "source": "romashka"}
    story.debit("2017-03-02", "anna", {**paid, "amount": 400})
    story.debit("2017-03-28", "anna", {**paid, "amount": 300})
    boris = story.debit("2017-03-29", "boris", {**paid, "amount": 200})
    story.debit("2017-03-30", "carla", {**paid, "amount": 70})
    story.refund("2017-03-31", boris, {**paid, "amount": 50})
    sales = {story.accounts[name]["id"] for name in ("anna", "boris")}
    for row in (*story.rows["entries"], *story.rows["links"]):
        if row.get("subaccount_id") in sales or ("payer_id" in row and row["account_id"] in sales):
            row["group_name"] = "sales"
    result = story.book().report("subaccounts", **MARCH, by="group")
    assert figures(result.frame, "group", "spent", "refunded", "drawn", "period", "limit", "used", "left") == [
        ("", "70.00", "0.00", "70.00", None, None, None, None),
        ("sales", "900.00", "50.00", "850.00", "week", "1000.00", "450.00", "550.00"),
    ]
    assert result.holds
    by_employee = story.book().report("subaccounts", **MARCH)
    assert by_employee.frame["drawn"].sum() == result.frame["drawn"].sum()
    assert by_employee.holds
