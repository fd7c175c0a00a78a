"""The demo played into a real ledger: no basket is declined, the lunches show every refusal, twice is once."""

from collections import Counter

import polars as pl
import psycopg
import pytest

from ledger.food.postgres.post_orders import Desk
from ledger.postgres.post import Ledger
from reports.demo import complete_journey as journey
from reports.demo import lunches, play, year

pytestmark = pytest.mark.parametrize("database_url", [journey.TIME_ZONE], indirect=True)


def nothing(_: int) -> None:
    """Show no progress."""


def test_a_part_of_the_year_is_posted_whole_and_only_once(database_url: str) -> None:
    """Twenty households: every payment and basket is posted; played again, every answer is a replay."""
    till = journey.till_lines()
    brands = journey.brands(till)
    lines = journey.lines(till.filter(pl.col("household_id") <= 20), brands)
    baskets, households = journey.baskets(lines), journey.households(lines)
    desk = Desk(Ledger(database_url))
    for round_ in (1, 2):
        play.administer(desk, year.registry(brands, households), nothing)
        tally = play.post(desk, year.commands(baskets, households), nothing)
        assert tally.declined == Counter()
        assert tally.posted == baskets.height + baskets.filter(pl.col("top_up") > 0).height
        assert tally.replayed == (0 if round_ == 1 else tally.posted)
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT sum(gross), sum(discount), sum(amount) FROM entry WHERE line IS NOT NULL")
        assert row.fetchone() == lines.select(pl.col("gross", "discount", "amount").sum()).row(0)
        assert connection.execute("SELECT min(balance) >= 0, max(balance) < 5000 FROM balance").fetchone() == (
            True,
            True,
        )


def test_the_lunches_show_every_refusal_of_funds_credit_limits_and_codes(database_url: str) -> None:
    """Declined are orders only, by ten codes; holds end in every way; the points are those that the lots have."""
    desk = Desk(Ledger(database_url))
    play.administer(desk, lunches.registry(), nothing)
    commands = list(lunches.commands())
    tally = play.post(desk, commands, nothing)
    assert set(tally.declined) == {
        "write_off_limit_exceeded",
        "credit_expired",
        "credit_overdue",
        "credit_limit_exceeded",
        "insufficient_funds",
        "promo_below_minimum",
        "promo_expired",
        "promo_not_yet_valid",
        "promo_used_up",
        "promo_used_up_by_party",
    }
    assert tally.declined.total() < tally.posted / 5
    with psycopg.connect(database_url) as connection:
        kinds = connection.execute("SELECT DISTINCT kind FROM transaction WHERE status = 'declined' ORDER BY 1")
        assert [kind for (kind,) in kinds.fetchall()] == ["debit", "hold"]
        states = connection.execute("SELECT DISTINCT state FROM hold ORDER BY 1").fetchall()
        assert [state for (state,) in states] == ["captured", "expired", "open", "released"]
        gone = connection.execute("SELECT count(*) FROM transaction WHERE kind = 'bonus' AND reason = 'expired'")
        assert gone.fetchone() > (100,)
        points = connection.execute(
            "SELECT sum(balance) FILTER (WHERE a.kind = 'bonus'), (SELECT sum(points_left) FROM bonus_lot), "
            "sum(held) FILTER (WHERE a.kind = 'bonus') FROM balance b JOIN account a ON a.id = b.account_id"
        ).fetchone()
        assert points is not None and points[0] == points[1] + points[2] > 0
