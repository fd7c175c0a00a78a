"""Services: what was sold, by service, or by any attribute of the lines.

A line that two sources paid is one line. Controls: net and refunds are brand-revenue's.
"""

from datetime import date

import narwhals as nw
from pydantic import Field

from reports.core.contributions import Contributions, Source
from reports.core.engines import by_months, months
from reports.core.leads import Row, to_entries
from reports.core.orders import sold
from reports.core.parameters import Movements, OfBrand
from reports.core.pictures import Picture
from reports.core.report import Check, Column, Report
from reports.core.tables import Frame, Tables, beside, counted
from reports.standard import brand_revenue

FIGURES = ("gross", "discount", "net", "refunds")
LINES = 2**15  # more than the lines of a transaction: the ledger numbers them in two bytes


class Parameters(Movements, OfBrand):
    """A period, a brand, and the attribute that parts lines beside their service."""

    attribute: str | None = Field(None, description="name of an attribute of service lines")


def _lines(tables: Tables, p: Parameters) -> Frame:
    lines = brand_revenue.revenue(tables, p).with_columns(service=nw.col("service").fill_null(""))
    if p.attribute is None:
        return lines
    values = tables.attributes.filter(nw.col("name") == p.attribute).select("transaction_id", "leg", "value")
    lines = lines.join(values, on=["transaction_id", "leg"], how="left")
    return lines.with_columns(value=nw.col("value").fill_null(""))


def services(tables: Tables, p: Parameters) -> Frame:
    """Return one row per brand, service, currency (and value of the attribute; null where a line has none)."""
    key = ["brand", "brand_name", "service", "currency", *(["value"] if p.attribute is not None else [])]

    def part(since: date, until: date) -> Frame:
        return _counted(tables, p.model_copy(update={"first_day": since, "last_day": until}), key)

    return (
        by_months(months(tables.entries, p.first_day, p.last_day), part)
        .group_by(*key)
        .agg(nw.col("count", *FIGURES).sum())
        .sort(*(name for name in key if name != "brand_name"))
        .select(*(column.name for column in REPORT.columns if column.name in (*key, "count", *FIGURES)))
    )


def _counted(tables: Tables, p: Parameters, key: list[str]) -> Frame:
    lines = _lines(tables, p)
    line = nw.col("transaction_id") * LINES + nw.col("line")
    figures = {name: sum_ for name, sum_ in brand_revenue.figures().items() if name in FIGURES}
    return (
        lines.with_columns(whole=nw.when(sold()).then(line))
        .group_by(*key)
        .agg(**figures, distinct=nw.col("whole").n_unique(), blank=counted(~sold()).max())
        .with_columns(count=nw.col("distinct").cast(nw.Int64) - nw.col("blank"))  # on refunds it is null
        .select(*key, "count", *FIGURES)
    )


def pieces(tables: Tables, p: Parameters, row: Row) -> Frame:
    """Return the revenue entries with what each adds to the figures."""
    return _lines(tables, p).with_columns(**brand_revenue.added())


def _as_revenue(figure: str) -> Check:
    def frame(tables: Tables, p: Parameters, rows: Frame) -> Frame:
        query = brand_revenue.Parameters(
            first_day=p.first_day, last_day=p.last_day, currency=p.currency, brand=p.brand, by="total"
        )
        revenue = brand_revenue.sums(tables, query)
        return beside(revenue.select("currency", amount=figure), rows.select("currency", amount=figure))

    russian = {"net": "со скидками", "refunds": "возвраты"}[figure]
    return Check(figure, f"{figure} = brand-revenue", f"{russian} = выручка брендов", frame)


REPORT = Report(
    name="services",
    en="Services",
    ru="Услуги",
    question="what was sold, by service, any attribute",
    parameters=Parameters,
    columns=(
        Column("brand", "code", "Brand code", "Код бренда"),
        Column("brand_name", "text", "Brand", "Бренд"),
        Column("service", "code", "Service", "Услуга"),
        Column("value", "text", "Value", "Значение"),
        Column("currency", "currency", "Currency", "Валюта"),
        Column("count", "count", "Lines", "Строк", total=True),
        Column("gross", "money", "Gross", "Без скидок", total=True),
        Column("discount", "money", "Discount", "Скидки", total=True),
        Column("net", "money", "Net", "Со скидками", total=True),
        Column("refunds", "money", "Refunds", "Возвраты", total=True),
    ),
    key=("brand", "service", "currency", "value"),
    frame=services,
    checks=(_as_revenue("net"), _as_revenue("refunds")),
    leads_to=to_entries("revenue"),
    contributions=Contributions(Source(pieces, {name: brand_revenue.WORDS[name] for name in FIGURES})),
    picture=Picture(("net",), ("value", "service"), by="brand_name"),
)
