"""DSO: after how many days clients pay, by the brand that holds their accounts.

Days sales outstanding = what is owed at the end of the period / what was charged in it, less refunds × its days.
Charged is all that left the accounts for services, paid ahead or not: a brand whose clients pay ahead has few days.
Control: what is owed is the total of receivables-aging.
"""

from datetime import date

import narwhals as nw

from reports.core import aging
from reports.core.contributions import Contributions, Source
from reports.core.engines import collected, values
from reports.core.leads import Row, to_accounts_of
from reports.core.parameters import OfBrand, Period
from reports.core.pictures import Picture
from reports.core.report import Check, Column, Report
from reports.core.tables import Frame, Tables, beside, held_by, holders, in_currency, of_accounts, until, within, zero
from reports.standard import receivables_aging

KEY = ("brand", "currency")


class Parameters(Period, OfBrand):
    """A period, and a brand whose contracts the accounts are."""


def _charged(tables: Tables, p: Parameters) -> Frame:
    """Return the entries by which services cost the accounts of each holder, less refunds, in the period."""
    entries = in_currency(tables.entries, p.currency).filter(
        nw.col("account_kind") == "money",
        nw.col("kind").is_in(("debit", "capture", "refund")),
        within(p.first_day, p.last_day),
    )
    return held_by(entries, holders(tables)).with_columns(brand="holder", charged=zero() - nw.col("amount"))


def _owed(tables: Tables, p: Parameters) -> Frame:
    """Return the items that are owed on the accounts of each holder at the end of the period."""
    unpaid = aging.late(tables, p.last_day, p.currency).rename({"unpaid": "owed"})
    dated = unpaid.with_columns(business_date=nw.lit(p.last_day).cast(nw.Date))
    return held_by(dated, holders(tables)).rename({"holder": "brand"})


def charged(tables: Tables, p: Parameters, row: Row) -> Frame:
    """Return the entries with what each adds to what was charged."""
    of_brand = _held(tables, row, p.first_day, p.last_day)
    return _charged(tables.narrowed("entries", lambda entries: entries.filter(of_brand)), p)


def _held(tables: Tables, row: Row, first_day: date, last_day: date) -> nw.Expr:
    """Return whether an entry is on an account that the row's brand held on one of these days."""
    later = nw.col("before").is_null() | (nw.col("before") > first_day)
    held = holders(tables).filter(nw.col("holder") == row["brand"], nw.col("since") <= last_day, later)
    return nw.col("account_id").is_in(values(held.select("account_id")))


def owed(tables: Tables, p: Parameters, row: Row) -> Frame:
    """Return the entries with what is owed of each."""
    of_brand = _held(tables, row, p.last_day, p.last_day)
    money = tables.entries.filter(of_brand, until(p.last_day), nw.col("account_kind") == "money")
    sums = money.group_by("account_id").agg(balance=nw.col("amount").sum())
    owing = collected(sums.filter(nw.col("balance") < zero()))
    tables = of_accounts(tables, owing["account_id"].to_list())
    return aging.with_leg(tables, _owed(tables, p))


def dso(tables: Tables, p: Parameters) -> Frame:
    """Return one row per holder and currency that charged or is owed something."""
    days, none = (p.last_day - p.first_day).days + 1, zero()
    both = [
        _charged(tables, p).group_by(*KEY).agg(nw.col("charged").sum()).with_columns(owed=none),
        _owed(tables, p).group_by(*KEY).agg(nw.col("owed").sum()).with_columns(charged=none),
    ]
    turned = nw.col("owed").cast(nw.Float64) / nw.col("charged").cast(nw.Float64) * days
    rows = nw.concat([side.select(*KEY, "charged", "owed") for side in both]).group_by(*KEY)
    summed = rows.agg(nw.col("charged", "owed").sum()).filter((nw.col("charged") != none) | (nw.col("owed") != none))
    chosen = summed if p.brand is None else summed.filter(nw.col("brand") == p.brand)
    return (
        chosen.with_columns(days=nw.lit(days), dso=nw.when(nw.col("charged") > none).then(turned))
        .sort(*KEY)
        .select(*KEY, "charged", "owed", "days", "dso")
    )


def as_aging(tables: Tables, p: Parameters, rows: Frame) -> Frame:
    """Set what is owed beside the total of receivables-aging."""
    query = receivables_aging.Parameters(as_of=p.last_day, currency=p.currency, brand=p.brand)
    aged = receivables_aging.receivables_aging(tables, query)
    return beside(aged.select("currency", amount="total"), rows.select("currency", amount="owed"))


REPORT = Report(
    name="dso",
    en="Days sales outstanding",
    ru="Оборачиваемость дебиторской задолженности",
    question="after how many days clients pay",
    parameters=Parameters,
    columns=(
        Column("brand", "code", "Brand code", "Код бренда"),
        Column("currency", "currency", "Currency", "Валюта"),
        Column("charged", "money", "Charged", "Начислено", total=True),
        Column("owed", "money", "Owed at the end", "Долг на конец", total=True),
        Column("days", "number", "Days", "Дней"),
        Column("dso", "average", "DSO, days", "Оборот, дней"),
    ),
    key=KEY,
    frame=dso,
    checks=(Check("aging", "owed = receivables-aging", "долг = дебиторская задолженность", as_aging),),
    leads_to=to_accounts_of,
    contributions=Contributions(
        Source(charged, {"charged": "debits of the period on accounts that the brand held, less refunds"}),
        Source(owed, {"owed": "what is unpaid of debits at the end of the period"}),
        ratios={"dso": ("owed", "charged", "days")},
    ),
    picture=Picture(("dso",), ("brand",)),
)
