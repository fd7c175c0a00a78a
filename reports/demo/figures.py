"""The year's figures twice: as the data set has them, and as the lake does."""

from dataclasses import dataclass
from decimal import Decimal

import polars as pl

from reports.demo.lunches import BRAND
from reports.run import LakeBook

FIRST_DAY, LAST_DAY = "2017-01-01", "2018-01-01"


@dataclass(frozen=True)
class Figure:
    """One figure of the year in both places."""

    name: str
    data_set: Decimal | int
    lake: Decimal | int

    @property
    def same(self) -> bool:
        """Return whether they agree."""
        return self.data_set == self.lake


def figures(lines: pl.DataFrame, book: LakeBook) -> list[Figure]:
    """Return the year's figures: of the data set's lines (see complete_journey), and of the lake without LUNCH.

    Money comes from the report `brand-revenue`, counts from the entries.
    """
    given = {"from": FIRST_DAY, "to": LAST_DAY, "by": "total"}
    report = book.report("brand-revenue", **given).frame.filter(pl.col("brand") != BRAND)
    lunch = book.brands.filter(pl.col("code") == BRAND).select(brand_id="id")
    sold = book.entries.filter(kind="debit", account_kind="revenue").join(lunch, on="brand_id", how="anti")
    counted = sold.select(
        debits=pl.col("transaction_id").n_unique(),
        lines=pl.len(),
        free=pl.col("amount").eq(0).sum(),
    ).collect()
    return [
        *(
            Figure(name, Decimal(lines[column].sum()).scaleb(-2), report.select(pl.col(name).sum()).item())
            for name, column in (("gross", "gross"), ("discount", "discount"), ("net", "amount"))
        ),
        Figure("debits", lines["basket_id"].n_unique(), counted.item(0, "debits")),
        Figure("lines", lines.height, counted.item(0, "lines")),
        Figure("free lines", lines.filter(pl.col("amount") == 0).height, counted.item(0, "free")),
    ]
