"""Holds: set aside, captured in parts, released, expired by time alone."""

from tests.ledger.story import Story


def test_a_hold_is_captured_in_parts_until_it_is_used_up(story: Story) -> None:
    """
    account anna   balance 100.00
    hold    h1  anna  60.00  until 2024-03-10   posted  anna 0.00
    balance anna  100.00 held 60.00
    capture c1  h1  20.00   posted  anna -20.00
    balance anna  80.00 held 40.00
    capture c2  h1  40.01   declined  capture_exceeds_hold
    | capture exceeds hold h1: amount 60.00, left 40.00, this capture 40.01 RUB; over by 0.01
    facts   amount=60.00 left=40.00 asked=40.01 over_by=0.01
    capture c3  h1          posted  anna -40.00
    balance anna  40.00 held 0.00
    capture c4  h1          declined  hold_not_open
    | hold h1 is not open: it was captured
    release r1  h1          declined  hold_not_open
    """
    story.holds()


def test_a_line_that_is_used_up_is_not_captured_again(story: Story) -> None:
    """
    account anna   balance 100.00
    hold    h1  anna  sushi 30.00 + pizza 20.00  until 2024-03-10   posted
    capture c1  h1  line 1   posted  anna -30.00
    capture c2  h1  line 1   declined  capture_exceeds_hold
    | capture exceeds hold h1: line 1 30.00, left 0.00, this capture 30.00 RUB; over by 30.00
    capture c3  h1  line 1 + line 2   posted  anna -20.00
    """
    story.holds()


def test_a_final_capture_releases_the_rest(story: Story) -> None:
    """
    account anna   balance 100.00
    hold    h1  anna  sushi 30.00 + pizza 20.00  until 2024-03-10   posted
    capture c1  h1  line 1 25.00  final   posted  anna -25.00
    balance anna  75.00
    revenue c1  1 sushi anna 25.00 25.00
    capture c2  h1   declined  hold_not_open
    """
    story.holds()


def test_nothing_of_a_line_is_taken_beyond_what_was_held_for_it(story: Story) -> None:
    """
    account anna   balance 100.00
    hold    h1  anna  sushi 30.00 + pizza 20.00  until 2024-03-10   posted
    capture c1  h1  line 2 20.01   declined  capture_exceeds_hold
    | capture exceeds hold h1: line 2 20.00, left 20.00, this capture 20.01 RUB; over by 0.01
    capture c2  h1  line 3         declined  capture_exceeds_hold
    capture c3  h1  line 2         posted  anna -20.00
    capture c4  h1  line 2 0.01    declined  capture_exceeds_hold
    | capture exceeds hold h1: line 2 20.00, left 0.00, this capture 0.01 RUB; over by 0.01
    """
    story.holds()


def test_a_hold_is_released_whole(story: Story) -> None:
    """
    account anna   balance 100.00
    hold    h1  anna  60.00  until 2024-03-10   posted
    capture c1  h1  20.00   posted
    release r1  h1          posted  anna 0.00
    balance anna  80.00
    release r2  h1          declined  hold_not_open
    | hold h1 is not open: it was released
    capture c2  h1          declined  hold_not_open
    """
    story.holds()


def test_from_its_moment_on_an_expired_hold_holds_nothing_and_can_be_neither_captured_nor_released(
    story: Story,
) -> None:
    """
    account anna   balance 100.00
    hold    h1  anna  60.00  until 2024-03-05T10:00   posted
    at      2024-03-05 09:59
    debit   d1  anna  50.00   declined  insufficient_funds
    at      2024-03-05 10:00
    capture c1  h1            declined  hold_expired
    | hold h1 expired at 2024-03-05T07:00:00Z
    release r1  h1            declined  hold_expired
    balance anna  100.00 held 60.00
    debit   d2  anna  50.00   posted  anna -50.00
    balance anna  50.00 held 0.00
    versions anna  anna-opening, h1, expiry of h1, d2
    capture c3  h1            declined  hold_expired
    """
    story.holds()


def test_an_expiry_moves_all_the_sources_of_its_hold(story: Story) -> None:
    """
    account romashka  balance 50.00
    account anna      balance 100.00
    account boris     balance 10.00
    link    anna  -> romashka  payer_first
    link    boris -> romashka  own_first
    hold    h1  anna   80.00  until 2024-03-05   posted  romashka 0.00, anna 0.00
    hold    h2  anna   30.00  until 2024-03-04T20:00   posted  anna 0.00
    at      2024-03-06
    debit   d1  boris  60.00   posted  boris -10.00, romashka -50.00
    balance anna  100.00 held 0.00
    versions romashka  romashka-opening, h1, expiry of h1, d1
    versions anna  anna-opening, h1, h2, expiry of h2, expiry of h1
    """
    story.holds()


def test_captures_take_from_the_holds_own_sources_whatever_links_say_now(story: Story) -> None:
    """
    account romashka  balance 50.00
    account lotos     balance 500.00
    account anna      balance 100.00
    link    anna -> romashka  payer_first
    hold    h1  anna  80.00  until 2024-03-10   posted
    unlink  anna -> romashka
    link    anna -> lotos  payer_first
    capture c1  h1  40.00  posted  romashka -25.00, anna -15.00
    capture c2  h1         posted  romashka -25.00, anna -15.00
    """
    story.holds()


def test_captures_are_never_declined_for_limits_credit_or_a_freeze(story: Story) -> None:
    """
    account romashka  credit 50.00  5 days
    account anna
    link    anna -> romashka  payer_first  50.00 a day
    hold    h1  anna  50.00  until 2024-05-10   posted
    limit   romashka for anna  1.00 a day  1.00 an order
    terms   romashka  credit 0.00
    status  romashka frozen
    status  anna frozen
    at      2024-05-01
    capture c1  h1  10.00  posted  romashka -10.00
    release r1  h1         posted
    """
    story.holds()


def test_a_free_line_is_captured_once(story: Story) -> None:
    """
    account anna   balance 100.00
    hold    h1  anna  sushi 30.00 + pizza 0.00 of 20.00  until 2024-03-10   posted
    capture c1  h1  10.00    posted  anna -10.00
    revenue c1  1 sushi anna 10.00 10.00
    capture c2  h1           posted  anna -20.00
    revenue c2  1 sushi anna 20.00 20.00, 2 pizza anna 0.00 20.00
    capture c3  h1           declined  hold_not_open
    """
    story.holds()


def test_gross_and_vat_of_captures_sum_to_the_holds(story: Story) -> None:
    """
    account anna   balance 100.00
    hold    h1  anna  10.00 of 10.01 vat 20  until 2024-03-10   posted
    capture c1  h1  3.33   posted
    capture c2  h1  3.33   posted
    capture c3  h1  3.34   posted
    revenue c1  1 sushi anna 3.33 3.33 0.56
    revenue c2  1 sushi anna 3.33 3.34 0.55
    revenue c3  1 sushi anna 3.34 3.34 0.56
    """
    story.holds()


def test_a_hold_that_ends_before_it_begins_is_invalid(story: Story) -> None:
    """
    account anna   balance 100.00
    hold    h1  anna  10.00  until 2024-03-04   invalid
    | expires_at: 2024-03-03T21:00:00Z is not after the booking time, 2024-03-04T09:00:00Z
    hold    h2  anna  10.00  until 2024-03-04T12:00   invalid
    """
    story.holds()
