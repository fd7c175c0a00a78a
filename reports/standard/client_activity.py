"""Client activity: who came, stayed and left, by month of first order.

An order belongs to the client it was orders_of for, whoever paid; an order captured in parts
counts in the month of its first. Control: orders are the distinct orders of brand-revenue.
"""

import narwhals as nw

from reports.core.parameters import Movements, OfBrand
from reports.core.report import Check, Column, Report
from reports.core.tables import EVER, MONEY, Frame, Tables, beside, client_accounts, counted, only
from reports.standard import brand_revenue


class Parameters(Movements, OfBrand):
    """A period and a brand; first orders are looked for in all that came before, too."""


def _orders(tables: Tables, p: Parameters) -> Frame:
    """Return a row an order up to the last day: party, currency, month, business_date, net."""
    from_ever = p.model_copy(update={"first_day": EVER})
    orders_of = tables.transactions.filter(nw.col("kind").is_in(("debit", "hold"))).select("account_id", order="id")
    clients = client_accounts(tables).select("party", account_id="account")
    return (
        brand_revenue.lines(tables, from_ever)
        .filter(brand_revenue.sold())
        .select("currency", "month", "business_date", "amount", order=brand_revenue.order())
        .group_by("order", "currency")
        .agg(month=nw.col("month").min(), business_date=nw.col("business_date").min(), net=nw.col("amount").sum())
        .join(orders_of, on="order", how="inner")
        .join(clients, on="account_id", how="inner")
    )


def client_activity(tables: Tables, p: Parameters) -> Frame:
    """Return a row a cohort, month and currency: of the clients who came then, how many ordered in the month.

    Share is of the cohort. Average is net by order.
    """
    now, cohort = nw.col("business_date") >= p.first_day, ("cohort", "currency")
    return (
        _orders(tables, p)
        .group_by("party", "currency", "month")
        .agg(orders=counted(now).sum(), net=only(now, "net").sum())
        .with_columns(cohort=nw.col("month").min().over("party", "currency"))
        .group_by(*cohort, "month")
        .agg(
            nw.col("orders", "net").sum(),
            clients=counted(nw.col("orders") > 0).sum(),
            came=counted(nw.col("month") == nw.col("cohort")).sum(),
        )
        .with_columns(cohort_clients=nw.col("came").sum().over(*cohort))
        .filter(nw.col("clients") > 0)
        .with_columns(
            share=nw.col("clients").cast(nw.Float64) / nw.col("cohort_clients").cast(nw.Float64),
            average=nw.col("net").cast(nw.Float64) / nw.col("orders").cast(nw.Float64),
        )
        .sort("cohort", "month", "currency")
        .select(*(column.name for column in REPORT.columns))
    )


def as_revenue(tables: Tables, p: Parameters, rows: Frame) -> Frame:
    """Set the orders beside the distinct orders that begin in the period's revenue."""
    sold = brand_revenue.lines(tables, p).filter(brand_revenue.sold())
    orders = sold.with_columns(order=brand_revenue.order()).select("currency", "order").unique()
    begun = tables.entries.filter(nw.col("kind") == "capture", nw.col("business_date") < p.first_day)
    earlier = begun.select(order="refers_to").unique()
    return beside(
        orders.join(earlier, on="order", how="anti").select("currency", amount=nw.lit(1).cast(MONEY)),
        rows.select("currency", amount=nw.col("orders").cast(MONEY)),
    )


REPORT = Report(
    name="client-activity",
    en="Client activity",
    ru="Активность клиентов",
    question="who came, stayed, left: cohorts, orders, average check",
    parameters=Parameters,
    columns=(
        Column("cohort", "month", "First order", "Первый заказ"),
        Column("month", "month", "Month", "Месяц"),
        Column("currency", "currency", "Currency", "Валюта"),
        Column("cohort_clients", "count", "Came", "Пришло"),
        Column("clients", "count", "Ordered", "Заказали"),
        Column("share", "share", "Share of those who came", "Доля пришедших"),
        Column("orders", "count", "Orders", "Заказов", total=True),
        Column("net", "money", "Net", "Со скидками", total=True),
        Column("average", "average", "Average check", "Средний чек"),
    ),
    key=("cohort", "month", "currency"),
    frame=client_activity,
    checks=(Check("orders", "orders = brand-revenue", "заказы = выручка брендов", as_revenue),),
)
