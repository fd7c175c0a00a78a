"""Employers' rules on a link: share, hours, services, groups with shared budgets."""

from datetime import datetime

import pytest

from ledger.administration.administration_lines import parse
from ledger.core.accounts import Hours
from tests.ledger.story import Story


def test_the_company_pays_its_share_of_each_line_rounded_down_and_the_employee_the_rest(story: Story) -> None:
    """
    account romashka  balance 5000.00
    account anna      balance 500.00
    link    anna -> romashka  payer_first  share 80

    debit   d1  anna  333.33 + pizza 0.99   posted  romashka -267.45, anna -66.87
    revenue d1  1 sushi romashka 266.66 266.66, 1 sushi anna 66.67 66.67, 2 pizza romashka 0.79 0.79, 2 pizza anna 0.20 0.20
    debit   d2  anna  3000.00               declined  insufficient_funds
    facts   offered=2833.13 asked=3000.00 short_by=166.87
    refund  f1  d1                          posted  romashka 267.45, anna 66.87
    """
    story.holds()


def test_the_share_is_of_what_points_left_and_the_limit_still_holds(story: Story) -> None:
    """
    account romashka  balance 5000.00
    account anna      balance 900.00
    bonus   b1  anna 200.00   posted  anna.sushi 200.00
    link    anna -> romashka  payer_first  share 50  300.00 a day

    debit   d1  anna  1000.00 bonus 200.00   posted  anna.sushi -200.00, romashka -300.00, anna -500.00
    """
    story.holds()


def test_a_share_that_is_used_up_is_no_shortage_of_the_payer_but_a_limit_is(story: Story) -> None:
    """
    account romashka  balance 5000.00
    account anna      balance 10.00
    link    anna -> romashka  payer_first  share 80

    debit   d1  anna  100.00   declined  insufficient_funds
    | insufficient funds on account anna: balance 10.00, held 0.00, this debit 20.00 RUB; short by 10.00
    limit   romashka for anna  70.00 a day
    debit   d2  anna  100.00   declined  write_off_limit_exceeded
    facts   offered=80.00 short_by=10.00
    debit   d3  anna  50.00    posted  romashka -40.00, anna -10.00
    """
    story.holds()
    payers = story.pure.book.transactions["d1"].facts["payers"]  # type: ignore[index]
    assert payers == [{"account": story.pure.book.references["romashka"], "rule": "share", "share": "80.00"}]


def test_several_payers_each_pay_their_share_of_the_whole_line(story: Story) -> None:
    """
    account lotos     balance 5000.00
    account romashka  balance 5000.00
    account anna      balance 100.00
    link    anna -> lotos     payer_first  priority 1  share 50
    link    anna -> romashka  own_first    priority 2  share 30

    debit   d1  anna  1000.00   declined  insufficient_funds
    debit   d2  anna  400.00    posted  lotos -200.00, anna -100.00, romashka -100.00
    """
    story.holds()


def test_hours_are_asked_when_it_happened_in_the_books_zone(story: Story) -> None:
    """
    account romashka  balance 5000.00
    account anna      balance 100.00
    link    anna -> romashka  payer_first  when mon,tue,wed,thu,fri 11:00-16:00

    at      2024-03-05 10:59
    debit   d1  anna  10.00    posted  anna -10.00
    at      2024-03-05 11:00
    debit   d2  anna  10.00    posted  romashka -10.00
    hold    h1  anna  10.00 until 2024-03-10   posted  romashka 0.00
    at      2024-03-05 16:00
    debit   d3  anna  10.00    posted  anna -10.00
    debit   d4  anna  10.00 occurred 2024-03-05T15:59   posted  romashka -10.00
    capture c1  h1             posted  romashka -10.00
    at      2024-03-09 13:00
    debit   d5  anna  100.00   declined  insufficient_funds
    """
    story.holds()
    payers = story.pure.book.transactions["d5"].facts["payers"]  # type: ignore[index]
    assert payers == [{"account": story.pure.book.references["romashka"], "rule": "when", "at": "sat 13:00"}]


def test_services_beside_brands(story: Story) -> None:
    """
    account romashka  balance 5000.00
    account anna      balance 100.00
    link    anna -> romashka  payer_first  services lunch,coffee  brands sushi

    debit   d1  anna  10.00 as lunch + 5.00 as alcohol + pizza 3.00 as lunch   posted  romashka -10.00, anna -8.00
    """
    story.holds()


def test_a_group_shares_a_budget_which_goes_with_captures_refunds_and_expiries(story: Story) -> None:
    """
    account romashka  balance 5000.00
    account anna
    account boris
    account clara
    link    anna -> romashka   payer_first  group kitchen
    link    boris -> romashka  payer_first  group kitchen
    link    clara -> romashka  payer_first
    limit   romashka for group kitchen  500.00 a month  3 orders a month

    debit   d1  anna   200.00   posted  romashka -200.00
    debit   d2  boris  301.00   declined  write_off_limit_exceeded
    | write-off limit exceeded on account romashka for group kitchen: 500.00 RUB a month, used 200.00, this debit 301.00; short by 1.00
    debit   d3  clara  301.00   posted  romashka -301.00
    hold    h1  boris  300.00 until 2024-03-06   posted  romashka 0.00
    debit   d4  anna   0.01     declined  write_off_limit_exceeded
    capture c1  h1  100.00      posted  romashka -100.00
    debit   d5  anna   0.01     declined  write_off_limit_exceeded
    used    romashka for kitchen month 2024-03-01 500.00 2
    at      2024-03-07
    debit   d6  anna   50.00    posted  romashka -50.00
    used    romashka for kitchen month 2024-03-01 350.00 3
    refund  f1  d1              posted  romashka 200.00
    used    romashka for kitchen month 2024-03-01 150.00 2
    link    boris -> romashka  payer_first  group hall
    refund  f2  c1              posted  romashka 100.00
    used    romashka for kitchen month 2024-03-01 50.00 1
    debit   d7  boris  600.00   posted  romashka -600.00
    used    romashka for kitchen month 2024-03-01 50.00 1
    limit   romashka for group hall  700.00 a month
    used    romashka for hall month 2024-03-01 600.00 1
    limit   romashka for group kitchen  none a month
    debit   d8  anna   900.00   posted  romashka -900.00
    """
    story.holds()


@pytest.mark.parametrize(
    ("when", "inside", "outside"),
    [
        (
            {"from": "11:00", "to": "16:00"},
            ["2024-03-04T11:00", "2024-03-10T15:59"],
            ["2024-03-04T10:59", "2024-03-04T16:00"],
        ),
        (
            {"days": ["fri"], "from": "22:00", "to": "02:00"},
            ["2024-03-08T22:00", "2024-03-09T01:59"],
            ["2024-03-08T01:00", "2024-03-09T22:00", "2024-03-09T02:00"],
        ),
        (
            {"days": ["sun"], "from": "23:00", "to": "01:00"},
            ["2024-03-11T00:59"],
            ["2024-03-10T00:59", "2024-03-11T23:30"],
        ),
        ({"days": ["mon"]}, ["2024-03-04T00:00", "2024-03-04T23:59"], ["2024-03-05T00:00", "2024-03-03T23:59"]),
        (
            {"from": "16:00", "to": "16:00", "days": ["mon"]},
            ["2024-03-04T16:00", "2024-03-05T15:59"],
            ["2024-03-04T15:59"],
        ),
    ],
)
def test_hours_past_midnight_belong_to_the_day_on_which_they_began(
    when: dict[str, object], inside: list[str], outside: list[str]
) -> None:
    """`from` ≤ time < `to`."""
    hours = Hours.stored(when)
    assert all(hours.include(datetime.fromisoformat(at)) for at in inside)
    assert not any(hours.include(datetime.fromisoformat(at)) for at in outside)


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ({"share": "0"}, "share: is zero; end the link instead"),
        ({"share": "100.01"}, "share: 100.01 is not a rate from 0 to 100 percent"),
        ({"when": {}}, "when: has no hours: give days, or from and to"),
        ({"when": {"from": "24:00"}}, "when.from: 24:00 is not a time of day such as 11:30"),
        ({"when": {"days": ["monday"]}}, "when.days.0: should be 'mon', 'tue', 'wed', 'thu', 'fri', 'sat' or 'sun'"),
        ({"services": []}, "services: there are none; end the link instead"),
    ],
)
def test_rules_that_are_none_are_one_sentence(rule: dict[str, object], why: str) -> None:
    """And nothing is changed."""
    with pytest.raises(ValueError, match=":") as error:
        parse({"type": "link", "account": "anna", "payer": "romashka", **rule})
    assert str(error.value) == why


def test_a_limit_is_of_an_account_or_of_a_group() -> None:
    """Not of both."""
    with pytest.raises(ValueError, match="group: cannot be combined with account"):
        parse(
            {"type": "write_off_limit", "payer": "r", "account": "a", "group": "g", "period": "day", "amount": "1.00"}
        )
