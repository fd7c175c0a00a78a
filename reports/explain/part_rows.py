"""The rows of a part of a difference: the entries that add up to it, or what it was found from.

Late bookings, lost and new clients, lines of no order, discounts, refunds and bonuses are entries of either side, each
with what it adds to the part: +, now; −, before. Number, mix and average of orders are no sum of entries: they are
found from orders and their gross by brand, of clients on both sides. What moved a debtor's figure are entries on its
accounts; what they change in it is found by its rule.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import narwhals as nw
import polars as pl

from ledger.errors import Failure
from reports.core import orders
from reports.core.engines import all_collected, collected
from reports.core.report import named, near
from reports.core.tables import Frame, Tables, only, zero
from reports.explain import FACTS, SIZE, moments, page_of
from reports.explain.difference import FIGURES, Difference, Given, Part, Requested, Sides, TablesFor, side, sides

BY_BRAND = ("orders", "mix", "average_order")
"""The parts that are found from orders and their gross by brand."""
_ADDS = {
    "apart": lambda: only(orders.sold() & ~orders.of_an_order(), "gross"),
    "discounts": lambda: zero() - nw.col("discount"),
    "refunds": lambda: zero() - nw.col("refunds"),
    "bonuses": lambda: zero() - nw.col("bonus"),
}
_KEY = ("transaction_id", "leg")


@dataclass(frozen=True)
class PartRows:
    """What is behind a part of a difference.

    `entries` is a page of `count`, as of an explanation, with `held` where they set money aside; their `adds` come to
    `sum`, the part's amount. Where no entry adds an amount of its own, `sum` is None. `brands` are what number, mix
    and average of orders were found from: brand, brand_name; of clients on both sides orders, gross and average, and
    the same before.
    """

    part: Part
    count: int
    sum: Decimal | None
    entries: pl.DataFrame
    brands: pl.DataFrame | None = None

    @property
    def residual(self) -> Decimal:
        """Return what the entries lack of the part, where they are to come to it."""
        return Decimal(0) if self.sum is None else self.part.amount - self.sum


def part_rows(
    difference: Difference, name: str, *, then: TablesFor, now: TablesFor, given: Given, page: int = 1
) -> PartRows:
    """Return what is behind a part of a difference; `then`, `now` and `given` as of `difference`.

    Raises Failure where it has no such part.
    """
    part = next((one for one in difference.parts if one.name == name), None)
    if part is None:
        names = [one.name for one in difference.parts]
        raise Failure(f"the difference has no part {name}{near(name, names)}: it has {', '.join(names)}")
    none = pl.DataFrame(schema=FACTS)
    if difference.report in moments.FIGURES:
        p = given(named(difference.report), difference.parameters)
        earlier, later = moments.moments(difference.report, p, difference.against, then=then, now=now)
        return _moved(part, moments.movements(name, difference.row, earlier, later), later.tables, page)
    both = sides(difference.parameters, difference.row, difference.against, then=then, now=now, given=given)
    if name in BY_BRAND:
        return PartRows(part, 0, None, none, _by_brand(both))
    made = _made(both, difference.column, name)
    first = (page - 1) * SIZE
    sums, rows = all_collected(
        made.select(count=nw.len(), sum=nw.col("adds").sum()), made.sort(*_KEY).head(first + SIZE)
    )
    entries = page_of(both.now.tables, "entries", rows[first:])
    return PartRows(part, sums.item(0, 0), Decimal(sums.item(0, 1) or 0).quantize(Decimal("0.01")), entries)


def _moved(part: Part, entries: pl.DataFrame, tables: Tables, page: int) -> PartRows:
    first = (page - 1) * SIZE
    shown = entries.sort("business_date", *_KEY).select(*_KEY, "held")[first : first + SIZE]
    facts = page_of(tables, "entries", shown.drop("held")).drop("adds")
    return PartRows(part, entries.height, None, facts.with_columns(shown["held"].replace(Decimal(0), None)))


def _made(both: Sides, column: str, name: str) -> Frame:
    """Return transaction_id, leg and adds of the entries that come to a part; what both sides have adds nothing."""
    if name in ("lost_clients", "new_clients"):
        one, other = (both.before, both.now) if name == "lost_clients" else (both.now, both.before)
        gross = nw.col("gross") if name == "new_clients" else zero() - nw.col("gross")
        return _alone(one, other).select(*_KEY, adds=gross).filter(nw.col("adds") != zero())
    if name == "late_bookings":
        assert both.first is not None
        lowered: Any = nw.col("gross")
        for figure in FIGURES[column]:
            lowered = lowered - nw.col(figure)
        pair = [(both.before, lowered), (both.first, zero() - lowered)]
    else:
        adds = _ADDS[name]()
        pair = [(both.now, adds), (both.before, zero() - adds)]
    rows = nw.concat([one.lines().select(*_KEY, adds=adds) for one, adds in pair])
    return rows.group_by(*_KEY).agg(nw.col("adds").sum()).filter(nw.col("adds") != zero())


def _alone(one: Requested, other: Requested) -> Frame:
    """Return the lines sold of orders of the clients of one side only."""
    sold = (orders.of_an_order(), orders.sold())
    mine, theirs = (requested.with_client(requested.lines().filter(*sold)) for requested in (one, other))
    known = collected(theirs.select("party_id").unique())["party_id"]
    nobody = nw.lit(known.null_count() > 0)
    is_known = (
        nw.when(nw.col("party_id").is_null())
        .then(nobody)
        .otherwise(nw.col("party_id").is_in(known.drop_nulls().to_list()))
    )
    return mine.filter(~is_known)


def _by_brand(both: Sides) -> pl.DataFrame:
    clients = [side(one, one_brand=both.one_brand).clients for one in (both.now, both.before)]
    shared = pl.Series(list({*clients[0]["party_id"]} & {*clients[1]["party_id"]}), dtype=pl.Int64)
    sums = [
        one.filter(pl.col("party_id").is_in(shared.implode(), nulls_equal=True))
        .group_by("brand_id")
        .agg(pl.col("orders").sum().cast(pl.Int64), pl.col("gross").sum())
        for one in clients
    ]
    both_sides = sums[0].join(sums[1], on="brand_id", how="full", coalesce=True, suffix="_before")
    names = collected(both.now.tables.brands.select(brand_id="id", brand="code", brand_name="name"))
    found = both_sides.join(names, on="brand_id", how="left").sort("brand", nulls_last=True)
    averages = {f"average{at}": pl.col(f"gross{at}").cast(pl.Float64) / pl.col(f"orders{at}") for at in ("", "_before")}
    figures = [f"{name}{at}" for at in ("_before", "") for name in ("orders", "gross", "average")]
    return found.with_columns(**averages).select("brand", "brand_name", *figures)
