"""What made the difference between two revenue figures: of two periods, two brands, or of what was booked when.

The parts sum to the difference exactly, in this order, each what those before it have left (DECISIONS D199):

1. late bookings: what was booked later of the figure that is compared with, where less of it was known then;
2. lost clients, new clients: what those who ordered on one side only came to, before discounts;
3. number of orders: of clients on both sides, how many more, at the average order of all of them before;
4. mix of brands: the same number of orders by other brands, at each brand's average order before;
5. average order: what is left of the orders of these clients, so that no kopeck is lost to rounding;
6. lines of no order: tips, fees, penalties; then discounts, refunds and bonuses, each turned, for it lowers the figure.

An order that several brands shared is one of each. A brand without orders before has the average order of all.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

import narwhals as nw
import polars as pl

from ledger.errors import Failure
from reports.core import orders
from reports.core.engines import collected
from reports.core.parameters import Movements
from reports.core.report import near
from reports.core.result import Result
from reports.core.tables import Tables, only
from reports.standard import brand_revenue

WORDS = {
    "late_bookings": "late bookings",
    "lost_clients": "lost clients",
    "new_clients": "new clients",
    "orders": "number of orders",
    "mix": "mix of brands",
    "average_order": "average order",
    "apart": "lines of no order",
    "discounts": "discounts",
    "refunds": "refunds",
    "bonuses": "bonuses",
}
OF_MOMENTS = {
    "dates": "due dates and ends of credit",
    "payments": "payments",
    "holds": "money set aside",
    "debits": "orders and other debits",
    "others": "other movements",
    "terms": "changed terms",
}
"""The causes that only figures at two moments have (reports/explain/moments.py)."""
FIGURES: dict[str, tuple[str, ...]] = {"gross": (), "net": ("discount",), "kept": ("discount", "refunds", "bonus")}
"""The figures that are compared, and what lowers each of them beside the lines sold."""
_LOWERED_BY = {"discount": "discounts", "refunds": "refunds", "bonus": "bonuses"}


@dataclass(frozen=True)
class Side:
    """One of the two figures: its lines by client and brand, and what they come to.

    `clients` has party_id, brand, orders and gross of the orders sold.
    """

    clients: pl.DataFrame
    apart: Decimal
    discount: Decimal
    refunds: Decimal
    bonus: Decimal

    def figure(self, column: str) -> Decimal:
        """Return the figure that the lines make."""
        gross = self.apart + _sum(self.clients["gross"])
        lowered: list[Decimal] = [getattr(self, name) for name in FIGURES[column]]
        return (gross - sum(lowered)).quantize(Decimal("0.01"))


@dataclass(frozen=True)
class Part:
    """What one cause adds to the difference."""

    name: str
    amount: Decimal

    @property
    def words(self) -> str:
        """Return the cause in words."""
        return (WORDS | OF_MOMENTS)[self.name]


@dataclass(frozen=True)
class Difference:
    """Two figures, and what made the difference between them; `against` is what was asked for otherwise of `before`."""

    report: str
    parameters: dict[str, Any]
    against: dict[str, Any]
    row: dict[str, Any]
    column: str
    before: Decimal
    now: Decimal
    parts: list[Part]

    @property
    def currency(self) -> str:
        """Return what the figures are in."""
        return str(self.row["currency"])

    @property
    def residual(self) -> Decimal:
        """Return what the parts lack of the difference: 0.00, or a defect."""
        return self.now - self.before - sum((part.amount for part in self.parts), Decimal(0))

    @property
    def frame(self) -> pl.DataFrame:
        """Return the parts as a frame: part, words, amount; from and until, where the step stands in a waterfall."""
        rows, reached = [], self.before
        for part in self.parts:
            rows.append((part.name, part.words, part.amount, reached, reached + part.amount))
            reached += part.amount
        money = pl.Decimal(18, 2)
        schema = {"part": pl.String(), "words": pl.String(), "amount": money, "from": money, "until": money}
        return pl.DataFrame(rows, schema=schema, orient="row")

    def chart(self) -> Any:
        """Return an Altair chart: the figure before, each part as a step up or down, the figure now."""
        from reports.explain.waterfall import waterfall

        return waterfall(self)


def compared_row(result: Result, row: Mapping[str, Any], column: str) -> dict[str, Any]:
    """Return the currency and the brand, if it is one, of a figure that is compared; Raises Failure where none is."""
    if result.report.name != brand_revenue.REPORT.name or column not in FIGURES:
        raise Failure(
            f"{column} of {result.report.name} cannot be compared: {', '.join(FIGURES)} of brand-revenue can, and what "
            "is owed or available in credit-exposure and receivables-aging"
        )
    pieces = [name for name in (*brand_revenue.PIECES,) if name in row]
    if pieces:
        raise Failure(f"figures of whole periods are compared, not of a {pieces[0]}: ask for that one from and to")
    unknown = next((name for name in row if name not in ("brand", "brand_name", "currency")), None)
    if unknown is not None and unknown not in result.frame.columns:
        raise Failure(f"a row that is compared is a brand and a currency: {unknown} is neither")
    codes, currencies = (sorted(result.frame[name].unique().to_list()) for name in ("brand", "currency"))
    if row.get("brand") and row["brand"] not in codes:
        raise Failure(f"brand-revenue has no brand {row['brand']}{near(str(row['brand']), codes)}")
    if not row.get("currency") and len(currencies) != 1:
        raise Failure(f"the figures are in {' and '.join(currencies) or 'no currency'}: choose one")
    brand = {"brand": row["brand"]} if row.get("brand") else {}
    return brand | {"currency": row.get("currency") or currencies[0]}


def side(tables: Tables, p: Movements, *, one_brand: bool) -> Side:
    """Return one of the two figures by its lines; with `one_brand` their brands are not told apart."""
    lines = orders.with_order(tables, brand_revenue.lines(tables, p)).with_columns(**brand_revenue.added())
    of_order, sold = orders.of_an_order(), orders.sold()
    sums = collected(
        lines.select(
            apart=only(sold & ~of_order, "gross").sum(),
            discount=nw.col("discount").sum(),
            refunds=nw.col("refunds").sum(),
            bonus=nw.col("bonus").sum(),
        )
    ).row(0, named=True)
    placed = tables.transactions.filter(nw.col("kind").is_in(("debit", "hold"))).select("account_id", order="id")
    parties = tables.accounts.select("party_id", account_id="id")
    clients = (
        lines.filter(of_order, sold)
        .select("order", "brand_id", "gross")
        .with_columns(brand_id=nw.lit(0) if one_brand else nw.col("brand_id"))
        .group_by("order", "brand_id")
        .agg(nw.col("gross").sum())
        .join(placed, on="order", how="left")
        .join(parties, on="account_id", how="left")
        .group_by("party_id", "brand_id")
        .agg(nw.col("gross").sum(), orders=nw.len())
    )
    return Side(collected(clients), **{name: amount or Decimal(0) for name, amount in sums.items()})


def parts(before: Side, now: Side, column: str, *, known_then: Side | None = None) -> list[Part]:
    """Return what makes the difference; `known_then` is `before` as it was known at an earlier time."""
    made: dict[str, Decimal] = {}
    if known_then is not None:
        made["late_bookings"] = before.figure(column) - known_then.figure(column)
    made |= _orders(before.clients, now.clients)
    made["apart"] = now.apart - before.apart
    made |= {_LOWERED_BY[name]: getattr(before, name) - getattr(now, name) for name in FIGURES[column]}
    return [Part(name, amount.quantize(Decimal("0.01"))) for name, amount in made.items()]


def _orders(before: pl.DataFrame, now: pl.DataFrame) -> dict[str, Decimal]:
    lost, left = _parted(before, now)
    new, right = _parted(now, before)
    orders_before, orders_now = (sum(orders_ for orders_, _ in one.values()) for one in (left, right))
    gross_before, gross_now = (sum((gross for _, gross in one.values()), Decimal(0)) for one in (left, right))
    average = Fraction(gross_before) / orders_before if orders_before else Fraction(0)
    averages = {brand: Fraction(gross) / orders_ for brand, (orders_, gross) in left.items()}
    more = _kopecks((orders_now - orders_before) * average)
    mixed = sum((orders_ * averages.get(brand, average) for brand, (orders_, _) in right.items()), Fraction(0))
    mix = _kopecks(mixed - orders_now * average)
    return {
        "lost_clients": -lost,
        "new_clients": new,
        "orders": more,
        "mix": mix,
        "average_order": gross_now - gross_before - more - mix,
    }


def _parted(one: pl.DataFrame, other: pl.DataFrame) -> tuple[Decimal, dict[int, tuple[int, Decimal]]]:
    """Return what clients of one side only came to; and by brand, of those of both, their orders and these' gross."""
    alone = one.join(other, on="party_id", how="anti", nulls_equal=True)
    both = one.join(other, on="party_id", how="semi", nulls_equal=True)
    by_brand = both.group_by("brand_id").agg(pl.col("orders").sum(), pl.col("gross").sum()).rows()
    return _sum(alone["gross"]), {brand: (count, gross) for brand, count, gross in by_brand}


def _sum(amounts: pl.Series) -> Decimal:
    return Decimal(amounts.sum() or 0)


def _kopecks(amount: Fraction) -> Decimal:
    exact = Decimal(amount.numerator) / Decimal(amount.denominator)
    return exact.quantize(Decimal("0.01"), ROUND_HALF_UP)
