"""The demo's year has the data set's own figures, to the cent."""

from datetime import UTC, datetime

import polars as pl
import pytest

from reports.demo import complete_journey as journey


@pytest.fixture(scope="module")
def till() -> pl.DataFrame:
    """Return the data set itself."""
    return journey.till_lines()


@pytest.fixture(scope="module")
def lines(till: pl.DataFrame) -> pl.DataFrame:
    """Return the lines of the year's debits."""
    return journey.lines(till, journey.brands(till))


@pytest.fixture(scope="module")
def baskets(lines: pl.DataFrame) -> pl.DataFrame:
    """Return the year's debits."""
    return journey.baskets(lines)


def test_the_lines_add_up_to_the_data_sets_own_figures(lines: pl.DataFrame) -> None:
    """Gross 5,392,232.87, discount 796,193.29, net 4,596,039.58, in 384,024 lines, 34 of them free."""
    assert lines.select(pl.col("gross", "discount", "amount").sum()).row(0) == (
        5_392_232_87,
        796_193_29,
        4_596_039_58,
    )
    assert lines.height == 384_024
    assert lines.filter(pl.col("amount") == 0).height == 34
    assert lines.filter(pl.col("gross") - pl.col("discount") != pl.col("amount")).is_empty()


def test_every_basket_is_a_debit_or_has_nothing_in_it(till: pl.DataFrame, baskets: pl.DataFrame) -> None:
    """155,848 baskets are 155,383 debits, 13 of them free, and 465 with nothing in them."""
    empty = till.group_by("basket_id").agg(
        (pl.col("sales_value") + pl.col("retail_disc") + pl.col("coupon_match_disc")).sum()
    )
    assert till["basket_id"].n_unique() == 155_848
    assert baskets.height == baskets["basket_id"].n_unique() == 155_383
    assert baskets.filter(pl.col("amount") == 0).height == 13
    assert empty.filter(pl.col("sales_value") < 0.005).height == 465


def test_the_brands_are_the_ten_largest_departments_and_the_rest(till: pl.DataFrame, lines: pl.DataFrame) -> None:
    """The largest department is GROCERY; what has no department is OTHER."""
    brands = journey.brands(till)["brand"].to_list()
    assert brands[:3] == ["GROCERY", "DRUG-GM", "FUEL"]
    assert set(lines["brand"].unique()) == {*brands, "OTHER"}
    assert len(brands) == 10


def test_top_ups_cover_each_basket_and_no_more_than_they_must(baskets: pl.DataFrame) -> None:
    """Played one by one: pay in the shortfall rounded up to the next 50.00, and only when there is one."""
    balances: dict[int, int] = {}
    for household, amount, top_up in baskets.select("household_id", "amount", "top_up").iter_rows():
        balance = balances.get(household, 0)
        shortfall = max(0, amount - balance)
        assert top_up == -(-shortfall // 50_00) * 50_00
        balances[household] = balance + top_up - amount
        assert 0 <= balances[household] < 50_00
    assert len(balances) == 2_469


def test_debits_are_in_order_of_time_and_within_the_year(baskets: pl.DataFrame) -> None:
    """The last basket is of the small hours of 1 January 2018, New York time."""
    assert baskets["at"].is_sorted()
    assert baskets["at"].null_count() == 0
    assert baskets["at"].max() == datetime(2018, 1, 1, 9, 1, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("clock", "utc"),
    [
        (datetime(2017, 1, 1, 11, 53, 26), datetime(2017, 1, 1, 16, 53, 26, tzinfo=UTC)),  # noqa: DTZ001  # a wall clock
        (datetime(2017, 3, 12, 2, 30), datetime(2017, 3, 12, 7, 30, tzinfo=UTC)),  # noqa: DTZ001
        (datetime(2017, 11, 5, 1, 30), datetime(2017, 11, 5, 5, 30, tzinfo=UTC)),  # noqa: DTZ001
    ],
    ids=["winter", "skipped-by-summer-time", "twice-in-november"],
)
def test_every_wall_clock_time_becomes_one_instant(clock: datetime, utc: datetime) -> None:
    """The hour that March skips counts as the one after it; of November's two the first counts."""
    frame = pl.DataFrame({"clock": [clock]}).select(journey._instant("clock"))
    assert frame.item() == utc


def test_each_household_has_one_holder_among_the_brands(lines: pl.DataFrame) -> None:
    """The brand that had the most of its first paid basket."""
    households = journey.households(lines)
    first = lines.filter((pl.col("household_id") == 900) & (pl.col("amount") > 0)).row(0, named=True)
    assert households.height == households["household_id"].n_unique() == 2_469
    assert households.filter(pl.col("household_id") == 900).item(0, "holder") == first["brand"]
