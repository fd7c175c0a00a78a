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

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

import narwhals as nw
import polars as pl

from ledger.errors import Failure
from ledger.values.dates import read_date
from reports.core import orders
from reports.core.engines import collected
from reports.core.forms import Language
from reports.core.parameters import Movements, Parameters, of_piece
from reports.core.report import Report, near
from reports.core.result import Result
from reports.core.tables import Frame, Tables, only
from reports.explain.address import parameters_of
from reports.standard import brand_revenue

WORDS = {
    "late_bookings": ("late bookings", "поздние проводки"),
    "lost_clients": ("lost clients", "ушедшие клиенты"),
    "new_clients": ("new clients", "новые клиенты"),
    "orders": ("number of orders", "число заказов"),
    "mix": ("mix of brands", "соотношение брендов"),
    "average_order": ("average order", "средний чек"),
    "apart": ("lines of no order", "строки вне заказов"),
    "discounts": ("discounts", "скидки"),
    "refunds": ("refunds", "возвраты"),
    "bonuses": ("bonuses", "оплата баллами"),
}
OF_MOMENTS = {
    "dates": ("due dates and ends of credit", "сроки долга и кредита"),
    "payments": ("payments", "платежи"),
    "holds": ("money set aside", "резервы"),
    "debits": ("orders and other debits", "заказы и другие списания"),
    "others": ("other movements", "прочие движения"),
    "terms": ("changed terms", "изменение условий"),
}
"""The causes that only figures at two moments have (reports/explain/moments.py)."""
FIGURES: dict[str, tuple[str, ...]] = {"gross": (), "net": ("discount",), "kept": ("discount", "refunds", "bonus")}
"""The figures that are compared, and what lowers each of them beside the lines sold."""
PERIODS = ("day", "week", "month")
"""What a row may be of, and is compared as a period of its own."""
TablesFor = Callable[[Any], Tables]
Given = Callable[[Report, Mapping[str, Any]], Parameters]
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
        return self.label("en")

    def label(self, language: Language) -> str:
        """Return the cause in words of that language."""
        return (WORDS | OF_MOMENTS)[self.name][language == "ru"]


@dataclass(frozen=True)
class Difference:
    """Two figures, and what made the difference between them; `against` is what `before` was requested with."""

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

    def chart(self, language: Language = "en", ink: str = "#1b1b1b") -> Any:
        """Return an Altair chart: the figure before, each part as a step up or down, the figure now; amounts in ink."""
        from reports.explain.waterfall import waterfall

        return waterfall(self, language, ink)


@dataclass(frozen=True)
class Requested:
    """Revenue as it was requested: the tables as they were known, and the parameters."""

    tables: Tables
    p: Movements

    def lines(self) -> Frame:
        """Return the revenue entries with `order`, and what each adds to the figures."""
        lines = orders.with_order(self.tables, brand_revenue.lines(self.tables, self.p))
        return lines.with_columns(**brand_revenue.added())

    def with_client(self, rows: Frame) -> Frame:
        """Return rows of orders with `party_id`: the client for whom the order was placed."""
        placed = self.tables.transactions.filter(nw.col("kind").is_in(("debit", "hold")))
        parties = self.tables.accounts.select("party_id", account_id="id")
        rows = rows.drop("account_id", "party_id", strict=False).join(
            placed.select("account_id", order="id"), on="order", how="left"
        )
        return rows.join(parties, on="account_id", how="left")


@dataclass(frozen=True)
class Sides:
    """What is compared: now, and before; `first` is before as it was known at an earlier time, where less was known."""

    now: Requested
    before: Requested
    first: Requested | None
    one_brand: bool


def sides(
    parameters: Mapping[str, Any],
    row: Mapping[str, Any],
    against: Mapping[str, Any],
    *,
    then: TablesFor,
    now: TablesFor,
    given: Given,
) -> Sides:
    """Return the two sides of a difference; `then` and `now` give the tables of some parameters, at either cut."""
    requested = {**parameters, **row, "by": "total"}
    other = requested | {name: value for name, value in against.items() if name != "cut"}
    late = "cut" in against or other.get("booked_until") != requested.get("booked_until")

    def side_of(values: Mapping[str, Any], tables_for: TablesFor) -> Requested:
        p = given(brand_revenue.REPORT, values)
        assert isinstance(p, Movements)
        return Requested(tables_for(p), p)

    before = side_of({**other, "booked_until": requested.get("booked_until")}, now)
    first = side_of(other, then) if late else None
    return Sides(side_of(requested, now), before, first, requested.get("brand") != other.get("brand"))


def difference(
    result: Result,
    row: Mapping[str, Any],
    column: str,
    against: Mapping[str, Any],
    *,
    then: TablesFor,
    now: TablesFor,
    given: Given,
) -> Difference:
    """Return what made the difference of a figure of brand-revenue from what `against` asks for otherwise.

    `given` makes the parameters of a report. Raises Failure where the figure is none that is compared.
    """
    of = compared_row(result, row, column)
    requested = {**parameters_of(result), **period(result, row)}
    both = sides(requested, of, against, then=then, now=now, given=given)
    reached, before = (side(one, one_brand=both.one_brand) for one in (both.now, both.before))
    known_then = None if both.first is None else side(both.first, one_brand=both.one_brand)
    return Difference(
        report=result.report.name,
        parameters=requested,
        against=dict(against),
        row=of,
        column=column,
        before=(known_then or before).figure(column),
        now=reached.figure(column),
        parts=parts(before, reached, column, known_then=known_then),
    )


def is_compared(report: str, column: str) -> bool:
    """Return whether figures of that column of brand-revenue are compared."""
    return report == brand_revenue.REPORT.name and column in FIGURES


def compared_row(result: Result, row: Mapping[str, Any], column: str) -> dict[str, Any]:
    """Return the currency and the brand, if it is one, of a figure that is compared; Raises Failure where none is."""
    if not is_compared(result.report.name, column):
        raise Failure(
            f"{column} of {result.report.name} cannot be compared: {', '.join(FIGURES)} of brand-revenue can, and what "
            "is owed or available in credit-exposure and receivables-aging"
        )
    hours = next((name for name in ("hour", "weekday") if row.get(name) is not None), None)
    if hours is not None:
        raise Failure(f"figures of periods are compared, not of one {hours}: ask for days, weeks, months or a total")
    known = ("brand", "brand_name", "currency", *PERIODS)
    unknown = next((name for name in row if name not in known), None)
    if unknown is not None and unknown not in result.frame.columns:
        raise Failure(f"a row that is compared is a brand and a currency: {unknown} is neither")
    codes, currencies = (sorted(result.frame[name].unique().to_list()) for name in ("brand", "currency"))
    if row.get("brand") and row["brand"] not in codes:
        raise Failure(f"brand-revenue has no brand {row['brand']}{near(str(row['brand']), codes)}")
    if row.get("currency") and currencies and row["currency"] not in currencies:
        raise Failure(f"brand-revenue has no currency {row['currency']}{near(str(row['currency']), currencies)}")
    if not row.get("currency") and len(currencies) != 1:
        raise Failure(f"the figures are in {' and '.join(currencies) or 'no currency'}: choose one")
    brand = {"brand": row["brand"]} if row.get("brand") else {}
    return brand | {"currency": row.get("currency") or currencies[0]}


def period(result: Result, row: Mapping[str, Any]) -> dict[str, str]:
    """Return the days of a row that is of a day, week or month."""
    assert isinstance(result.parameters, Movements)
    given = {name: row[name] for name in PERIODS if row.get(name)}
    days = {
        name: value if name == "month" or isinstance(value, date) else read_date(str(value))
        for name, value in given.items()
    }
    first, last = of_piece(result.parameters, days).days
    return {"from": first.isoformat(), "to": last.isoformat()}


def side(requested: Requested, *, one_brand: bool) -> Side:
    """Return one of the two figures by its lines; with `one_brand` their brands are not told apart."""
    of_order, sold, lines = orders.of_an_order(), orders.sold(), requested.lines()
    sums = collected(
        lines.select(
            apart=only(sold & ~of_order, "gross").sum(),
            discount=nw.col("discount").sum(),
            refunds=nw.col("refunds").sum(),
            bonus=nw.col("bonus").sum(),
        )
    ).row(0, named=True)
    placed = (
        lines.filter(of_order, sold)
        .select("order", "brand_id", "gross")
        .with_columns(brand_id=nw.lit(0) if one_brand else nw.col("brand_id"))
        .group_by("order", "brand_id")
        .agg(nw.col("gross").sum())
    )
    clients = requested.with_client(placed).group_by("party_id", "brand_id").agg(nw.col("gross").sum(), orders=nw.len())
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
