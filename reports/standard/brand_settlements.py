"""Brand settlements: what our own legal entities owe one another.

What one brand received for an account that another holds, it owes the holder; what one
brand served on an account that another holds, the holder owes it; money moved between
accounts goes with its holder. Refunds and reversals turn this round. Points are no money.
An account without a holder is `unassigned`. Control: all pairs sum to zero.
"""

import narwhals as nw

from reports.core.leads import to_entries
from reports.core.parameters import OfBrand, Period
from reports.core.report import Check, Column, Report
from reports.core.tables import (
    Frame,
    Tables,
    beside,
    brand_names,
    client_accounts,
    in_currency,
    only,
    taken,
    within,
    zero,
)
from reports.standard.brand_revenue import revenue

UNASSIGNED = "unassigned"
FIGURES = ("received", "served", "transferred", "due")


class Parameters(Period, OfBrand):
    """A period, and a brand to see from."""


def _holders(tables: Tables) -> Frame:
    """Return account_id and holder of each client account."""
    return client_accounts(tables).select(account_id="account", holder=nw.col("brand").fill_null(UNASSIGNED))


def _flow(frame: Frame, what: str) -> Frame:
    """Return flows `creditor`, `debtor`, `currency`, `amount` with the amount in the column named."""
    columns = {name: nw.col("amount") if name == what else zero() for name in FIGURES[:3]}
    flows = frame.filter(nw.col("creditor") != nw.col("debtor"))
    return flows.select("creditor", "debtor", "currency", **columns)


def served(tables: Tables, p: Parameters) -> Frame:
    """Return what holders owe brands for services on their accounts, less refunds."""
    query = Period(first_day=p.first_day, last_day=p.last_day, currency=p.currency)
    lines = revenue(tables, query).filter(nw.col("source_kind") == "money").drop("account_id")
    paid = lines.rename({"source_id": "account_id", "brand": "creditor"}).join(_holders(tables), on="account_id")
    return _flow(paid.rename({"holder": "debtor"}), "served")


def _spans(frame: Frame, *names: str) -> Frame:
    """Return parts of a transaction laid end to end: from, until and sign of each, in order of `place`."""
    size = nw.when(nw.col("amount") < 0).then(zero() - nw.col("amount")).otherwise(nw.col("amount"))
    return (
        frame.filter(nw.col("amount") != 0)
        .with_columns(size=size)
        .with_columns(end=nw.col("size").cum_sum().over("transaction_id", order_by="place"))
        .with_columns(start=nw.col("end") - nw.col("size"))
        .select("transaction_id", "currency", "amount", "start", "end", *names)
    )


def received(tables: Tables, p: Parameters) -> Frame:
    """Return what brands owe holders for money received for their accounts, less what was paid out.

    A payment split over several accounts and brands meets in the order of its parts.
    """
    entries = in_currency(tables.entries, p.currency).filter(within(p.first_day, p.last_day))
    brands = (
        entries.filter(nw.col("account_kind").is_in(("cash", "unallocated")))
        .join(brand_names(tables), on="brand_id", how="left")
        .group_by("transaction_id", "currency", "brand")
        .agg(amount=taken(~nw.col("amount").is_null()).sum(), place=nw.col("leg").min())
    )
    accounts = (
        entries.filter(nw.col("account_kind") == "money")
        .join(brands.select("transaction_id"), on="transaction_id", how="semi")
        .join(_holders(tables), on="account_id", how="inner")
    )
    clients = _spans(accounts.with_columns(place=nw.col("leg")), "holder")
    from_ = nw.max_horizontal("start", "start_right")
    till = nw.min_horizontal("end", "end_right")
    met = (
        clients.join(_spans(brands, "brand"), on=["transaction_id", "currency"], how="inner")
        .with_columns(size=till - from_)
        .filter(nw.col("size") > 0)
        .with_columns(amount=nw.when(nw.col("amount") < 0).then(zero() - nw.col("size")).otherwise(nw.col("size")))
    )
    return _flow(met.rename({"holder": "creditor", "brand": "debtor"}), "received")


def transferred(tables: Tables, p: Parameters) -> Frame:
    """Return what holders owe holders for money moved between their accounts."""
    entries = in_currency(tables.entries, p.currency).filter(
        within(p.first_day, p.last_day), nw.col("kind").is_in(("transfer", "reverse"))
    )
    sided = entries.filter(nw.col("party_id").is_null()).select("transaction_id")
    moves = entries.filter(nw.col("account_kind") == "money").join(sided, on="transaction_id", how="anti")
    held = moves.join(_holders(tables), on="account_id", how="inner")
    gave = held.filter(nw.col("amount") < 0).select("transaction_id", debtor="holder")
    got = held.filter(nw.col("amount") > 0).select("transaction_id", "currency", "amount", creditor="holder")
    return _flow(got.join(gave, on="transaction_id", how="inner"), "transferred")


def brand_settlements(tables: Tables, p: Parameters) -> Frame:
    """Return each pair of brands from both sides; due is what `other` owes `brand`, below zero what it is owed."""
    flows = nw.concat([served(tables, p), received(tables, p), transferred(tables, p)])
    own = flows.rename({"creditor": "brand", "debtor": "other"})
    turned = flows.select(
        "currency",
        brand="debtor",
        other="creditor",
        **{name: zero() - nw.col(name) for name in FIGURES[:3]},
    )
    sides = nw.concat([own.select("brand", "other", "currency", *FIGURES[:3]),
                       turned.select("brand", "other", "currency", *FIGURES[:3])])  # fmt: skip
    if p.brand is not None:
        sides = sides.filter(nw.col("brand") == p.brand)
    return (
        sides.group_by("brand", "other", "currency")
        .agg(*(nw.col(name).sum() for name in FIGURES[:3]))
        .with_columns(due=nw.col("received") + nw.col("served") + nw.col("transferred"))
        .sort("brand", "other", "currency")
        .select("brand", "other", "currency", *FIGURES)
    )


def sums_to_zero(tables: Tables, p: Parameters, rows: Frame) -> Frame:
    """Set what is due to all brands beside what all owe."""
    everyone = rows if p.brand is None else brand_settlements(tables, p.model_copy(update={"brand": None}))
    owed = everyone.select("currency", amount=taken(nw.col("due") < 0, "due"))
    return beside(owed, everyone.select("currency", amount=only(nw.col("due") > 0, "due")))


REPORT = Report(
    name="brand-settlements",
    en="Settlements between brands",
    ru="Расчёты между брендами",
    question="what our own legal entities owe one another",
    parameters=Parameters,
    columns=(
        Column("brand", "code", "Brand", "Бренд"),
        Column("other", "code", "Other brand", "Другой бренд"),
        Column("currency", "currency", "Currency", "Валюта"),
        Column("received", "money", "For money received", "За полученные деньги", total=True),
        Column("served", "money", "For services", "За услуги", total=True),
        Column("transferred", "money", "For transfers", "За переводы", total=True),
        Column("due", "money", "Due to brand", "Причитается бренду", total=True),
    ),
    key=("brand", "other", "currency"),
    frame=brand_settlements,
    checks=(Check("zero_sum", "due = owed", "причитается = должны", sums_to_zero),),
    leads_to=to_entries(),
)
