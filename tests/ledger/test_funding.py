"""Who pays for a debit or hold: drawing order, payers, brands, bonuses, write-off limits."""

from tests.ledger.story import Story


def test_the_company_pays_up_to_its_limit_and_the_employee_the_rest(story: Story) -> None:
    """
    account romashka          credit 10000.00
    account anna              balance 300.00
    link    anna -> romashka  payer_first  500.00 a day

    debit   d1  anna  700.00   posted    romashka -500.00, anna -200.00
    debit   d2  anna  200.00   declined  write_off_limit_exceeded

    balance romashka  -500.00
    balance anna       100.00
    used    romashka for anna day 2024-03-04 500.00 1
    """
    story.holds()


def test_own_first_draws_from_the_payer_what_the_account_lacks(story: Story) -> None:
    """
    account romashka          balance 1000.00
    account anna              balance 300.00
    link    anna -> romashka  own_first

    debit   d1  anna  700.00   posted  anna -300.00, romashka -400.00
    revenue d1  1 sushi anna 300.00 300.00, 1 sushi romashka 400.00 400.00
    """
    story.holds()


def test_payers_are_asked_by_priority_and_the_account_between_them(story: Story) -> None:
    """
    account first     balance 10.00
    account second    balance 20.00
    account third     balance 400.00
    account anna      balance 30.00
    link    anna -> second  payer_first  priority 2
    link    anna -> first   payer_first  priority 1
    link    anna -> third   own_first    priority 0

    debit   d1  anna  100.00   posted  first -10.00, second -20.00, anna -30.00, third -40.00
    """
    story.holds()


def test_a_link_restricted_to_brands_pays_only_their_lines(story: Story) -> None:
    """
    account romashka          balance 1000.00
    account anna              balance 300.00
    link    anna -> romashka  payer_first  brands sushi

    debit   d1  anna  sushi 100.00 + pizza 50.00   posted  romashka -100.00, anna -50.00
    debit   d2  anna  pizza 300.00                 declined  insufficient_funds
    | insufficient funds on account anna: balance 250.00, held 0.00, this debit 300.00 RUB; short by 50.00
    facts   asked=300.00 offered=250.00
    """
    story.holds()


def test_each_source_pays_in_line_order_and_the_matrix_is_kept(story: Story) -> None:
    """
    account romashka          balance 70.00
    account anna              balance 100.00
    link    anna -> romashka  payer_first

    debit   d1  anna  sushi 50.00 of 80.00 + pizza 40.00 vat 20 + sushi 10.00   posted  romashka -70.00, anna -30.00
    revenue d1  1 sushi romashka 50.00 80.00, 2 pizza romashka 20.00 20.00 3.34, 2 pizza anna 20.00 20.00 3.33, 3 sushi anna 10.00 10.00
    """
    story.holds()


def test_greedy_is_the_rule_even_where_another_assignment_would_do(story: Story) -> None:
    """
    account romashka          balance 100.00
    account lotos             balance 100.00
    account anna
    link    anna -> romashka  payer_first  priority 1
    link    anna -> lotos     payer_first  priority 2  brands sushi

    debit   d1  anna  sushi 100.00 + pizza 100.00   declined  insufficient_funds
    """
    story.holds()


def test_a_frozen_or_closed_payer_gives_nothing(story: Story) -> None:
    """
    account romashka          balance 100.00
    account anna              balance 50.00
    link    anna -> romashka  payer_first
    status  romashka frozen

    debit   d1  anna  50.00   posted  anna -50.00
    debit   d2  anna  50.00   declined  account_frozen
    | account romashka is frozen
    facts   asked=50.00 offered=0.00
    """
    story.holds()


def test_an_overdue_or_expired_payer_gives_only_its_own_money(story: Story) -> None:
    """
    account romashka          credit 1000.00  10 days
    account lotos             credit 1000.00  until 2024-03-31
    account anna              balance 500.00
    account boris
    link    anna  -> romashka  payer_first
    link    boris -> lotos     payer_first
    payment p0  lotos 30.00   posted
    debit   d1  anna  100.00  posted  romashka -100.00
    at      2024-03-14
    debit   d2  anna  100.00  posted  romashka -100.00
    at      2024-03-15
    debit   d3  anna  100.00  posted  anna -100.00
    payment p1  romashka 100.00  posted
    debit   d4  anna  100.00  posted  romashka -100.00
    at      2024-04-01
    debit   d5  anna  350.00  posted  anna -350.00
    debit   d6  anna  100.00  declined  credit_overdue
    | credit overdue on account romashka: balance -200.00, held 0.00, this debit 100.00 RUB, unpaid since 2024-03-14, due on 2024-03-24; short by 300.00
    debit   d7  boris 40.00   declined  credit_expired
    | credit expired on account lotos: balance 30.00, held 0.00, this debit 40.00, credit was valid until 2024-03-31, RUB; short by 10.00
    debit   d8  boris 30.00   posted  lotos -30.00
    """
    story.holds()


def test_a_held_amount_is_not_own_money(story: Story) -> None:
    """
    account anna   balance 100.00
    hold    h1  anna  60.00  until 2024-03-10   posted  anna 0.00
    debit   d1  anna  50.00   declined  insufficient_funds
    | insufficient funds on account anna: balance 100.00, held 60.00, this debit 50.00 RUB; short by 10.00
    debit   d2  anna  40.00   posted  anna -40.00
    balance anna  60.00 held 60.00
    """
    story.holds()


def test_limits_hold_for_each_window_by_amount(story: Story) -> None:
    """
    account romashka  credit 100000.00
    account anna
    link    anna -> romashka  payer_first  400.00 an order  500.00 a day  800.00 a week  1000.00 a month  1100.00 in all

    debit   d1  anna  400.01   declined  write_off_limit_exceeded
    | write-off limit exceeded on account romashka for account anna: 400.00 RUB an order, used 0.00, this debit 400.01; short by 0.01
    debit   d2  anna  400.00   posted
    debit   d3  anna  100.01   declined  write_off_limit_exceeded
    | write-off limit exceeded on account romashka for account anna: 500.00 RUB a day, used 400.00, this debit 100.01; short by 0.01
    at      2024-03-10 23:59
    debit   d4  anna  400.00   posted
    debit   d5  anna  0.01     declined  write_off_limit_exceeded
    | write-off limit exceeded on account romashka for account anna: 800.00 RUB a week, used 800.00, this debit 0.01; short by 0.01
    at      2024-03-11 00:00
    debit   d6  anna  200.01   declined  write_off_limit_exceeded
    | write-off limit exceeded on account romashka for account anna: 1000.00 RUB a month, used 800.00, this debit 200.01; short by 0.01
    debit   d7  anna  200.00   posted
    at      2024-04-01 00:00
    debit   d8  anna  100.01   declined  write_off_limit_exceeded
    | write-off limit exceeded on account romashka for account anna: 1100.00 RUB in all, used 1000.00, this debit 100.01; short by 0.01
    debit   d9  anna  100.00   posted
    used    romashka for anna total 1100.00 4
    """
    story.holds()


def test_limits_hold_by_count_and_a_payer_drawn_for_nothing_counts_nothing(story: Story) -> None:
    """
    account romashka  balance 1000.00
    account anna      balance 100.00
    link    anna -> romashka  payer_first  2 orders a day

    debit   d1  anna  10.00   posted  romashka -10.00
    debit   d2  anna  10.00   posted  romashka -10.00
    debit   d3  anna  10.00   posted  anna -10.00
    debit   d4  anna  91.00   declined  write_off_limit_exceeded
    | write-off limit exceeded on account romashka for account anna: 2 orders a day, used 2 orders, this debit 91.00; short by 91.00
    refund  f1  d1  4.00      posted  romashka 4.00
    debit   d5  anna  91.00   declined  write_off_limit_exceeded
    refund  f2  d1            posted  romashka 6.00
    debit   d6  anna  91.00   posted  romashka -91.00
    """
    story.holds()


def test_a_limit_may_be_set_before_the_link_and_outlives_it(story: Story) -> None:
    """
    account romashka  balance 1000.00
    account anna
    limit   romashka for anna  50.00 a month
    link    anna -> romashka  payer_first

    debit   d1  anna  50.01   declined  write_off_limit_exceeded
    debit   d2  anna  30.00   posted  romashka -30.00
    unlink  anna -> romashka
    debit   d3  anna  1.00    declined  insufficient_funds
    link    anna -> romashka  payer_first
    debit   d4  anna  20.01   declined  write_off_limit_exceeded
    debit   d5  anna  20.00   posted  romashka -20.00
    """
    story.holds()


def test_a_limit_on_the_payer_as_a_whole_counts_all_that_is_drawn_from_it(story: Story) -> None:
    """
    account romashka  balance 1000.00
    account anna
    account boris
    link    anna  -> romashka  payer_first  80.00 a day
    link    boris -> romashka  payer_first
    limit   romashka  100.00 a day

    debit   d1  anna      80.00   posted
    debit   d2  romashka  10.00   posted  romashka -10.00
    debit   d3  boris     11.00   declined  write_off_limit_exceeded
    | write-off limit exceeded on account romashka: 100.00 RUB a day, used 90.00, this debit 11.00; short by 1.00
    debit   d4  boris     10.00   posted
    debit   d5  romashka  1.00    declined  write_off_limit_exceeded
    at      2024-03-05
    debit   d6  romashka  1.00    posted
    """
    story.holds()


def test_a_limit_set_later_counts_what_was_drawn_before(story: Story) -> None:
    """
    account romashka  balance 1000.00
    account anna
    link    anna -> romashka  payer_first
    debit   d1  anna  80.00   posted
    refund  f1  d1  30.00     posted
    hold    h1  anna  20.00  until 2024-03-06   posted
    hold    h2  anna  15.00  until 2024-03-06   posted
    release r2  h2   posted
    debit   d2  anna  5.00    posted
    refund  f2  d2            posted
    payout  o1  romashka 100.00  posted
    limit   romashka for anna  100.00 a day  3 orders a week  100.00 a month
    limit   romashka  1000.00 in all
    used    romashka for anna day 2024-03-04 70.00 2
    used    romashka for anna week 2024-03-04 70.00 2
    used    romashka total 70.00 2
    debit   d3  anna  30.01   declined  write_off_limit_exceeded
    debit   d4  anna  30.00   posted
    debit   d5  anna  0.01    declined  write_off_limit_exceeded
    limit   romashka for anna  none a day
    debit   d6  anna  1.00    declined  write_off_limit_exceeded
    | write-off limit exceeded on account romashka for account anna: 3 orders a week, used 3 orders, this debit 1.00; short by 1.00
    """
    story.holds()


def test_transfers_payouts_reversals_and_adjustments_are_outside_limits(story: Story) -> None:
    """
    account romashka  balance 1000.00
    account anna
    limit   romashka  1.00 in all
    payout     o1  romashka 100.00           posted
    transfer   t1  romashka -> anna 100.00   posted
    adjustment a1  romashka -100.00          posted
    reverse    v1  t1                        posted
    used    romashka total 0.00 0
    """
    story.holds()


def test_release_expiry_and_refund_give_back_to_the_window_of_the_hold(story: Story) -> None:
    """
    account romashka  balance 1000.00
    account anna
    link    anna -> romashka  payer_first  100.00 a day  3 orders a day

    hold    h1  anna  60.00  until 2024-03-05T12:00   posted
    hold    h2  anna  40.00  until 2024-03-05T18:00   posted
    debit   d1  anna  0.01   declined  write_off_limit_exceeded
    at      2024-03-05 11:00
    debit   d2  anna  100.00  posted
    capture c1  h1  25.00     posted  romashka -25.00
    used    romashka for anna day 2024-03-04 100.00 2
    release r1  h1            posted
    used    romashka for anna day 2024-03-04 65.00 2
    used    romashka for anna day 2024-03-05 100.00 1
    refund  f1  c1  20.00     posted
    used    romashka for anna day 2024-03-04 45.00 2
    refund  f2  c1            posted
    used    romashka for anna day 2024-03-04 40.00 1
    at      2024-03-05 18:00
    payment p1  romashka 1.00   posted
    used    romashka for anna day 2024-03-04 0.00 0
    used    romashka for anna day 2024-03-05 100.00 1
    """
    story.holds()


def test_a_hold_that_ran_out_gives_its_limit_back_by_time_alone(story: Story) -> None:
    """
    account romashka  balance 1000.00
    account anna
    link    anna -> romashka  payer_first  100.00 a day  1 orders a week
    hold    h1  anna  60.00  until 2024-03-04T13:00   posted
    at      2024-03-04 12:59
    debit   d1  anna  10.00  declined  write_off_limit_exceeded
    at      2024-03-04 13:00
    debit   d2  anna  100.00  posted  romashka -100.00
    used    romashka for anna day 2024-03-04 100.00 1
    versions romashka  romashka-opening, h1, expiry of h1, d2
    """
    story.holds()


def test_the_first_source_that_could_not_give_all_names_the_rule(story: Story) -> None:
    """
    account romashka  credit 100.00
    account anna      balance 10.00
    account lotos     credit 50.00
    link    anna -> romashka  payer_first
    link    anna -> lotos     own_first
    debit   d1  anna  161.00   declined  credit_limit_exceeded
    | credit limit exceeded on account romashka: balance 0.00, held 0.00, this debit 161.00, credit limit 100.00 RUB; short by 61.00
    facts   asked=161.00 offered=160.00
    debit   d2  anna  160.00   posted  romashka -100.00, anna -10.00, lotos -50.00
    """
    story.holds()


def test_of_several_rules_broken_alone_the_first_in_the_list_is_named(story: Story) -> None:
    """
    account romashka  credit 100.00  until 2024-03-01
    account anna
    link    anna -> romashka  payer_first  50.00 a day
    debit   d1  anna  60.00    declined  write_off_limit_exceeded
    debit   d2  anna  50.00    declined  credit_expired
    | credit expired on account romashka: balance 0.00, held 0.00, this debit 50.00, credit was valid until 2024-03-01, RUB; short by 50.00
    """
    story.holds()


def test_bonus_accounts_pay_first_each_for_its_own_brand_and_never_more_than_asked(story: Story) -> None:
    """
    account anna  balance 100.00
    bonus   b1  anna 30.00 sushi   posted  anna.sushi 30.00
    bonus   b2  anna 50.00 pizza   posted  anna.pizza 50.00
    debit   d1  anna  20.00                              posted  anna -20.00
    debit   d2  anna  sushi 20.00 + pizza 60.00  bonus 40.00   posted  anna.sushi -20.00, anna.pizza -20.00, anna -40.00
    revenue d2  1 sushi anna.sushi 20.00 20.00, 2 pizza anna.pizza 20.00 20.00, 2 pizza anna 40.00 40.00
    refund  f1  d2  line 2                               posted  anna.pizza 20.00, anna 40.00
    bonus   b3  anna -51.00 pizza                        declined  insufficient_funds
    bonus   b4  anna -50.00 pizza                        posted  anna.pizza -50.00
    """
    story.holds()


def test_a_hold_may_set_points_aside(story: Story) -> None:
    """
    account anna  balance 100.00
    bonus   b1  anna 30.00   posted
    hold    h1  anna  50.00  bonus 30.00  until 2024-03-06   posted  anna.sushi 0.00, anna 0.00
    debit   d1  anna  10.00  bonus 10.00   posted  anna -10.00
    capture c1  h1  10.00   posted  anna.sushi -6.00, anna -4.00
    release r1  h1          posted
    balance anna  86.00
    """
    story.holds()
