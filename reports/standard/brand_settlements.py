"""Brand settlements: what our own legal entities owe one another.

What one brand received for an account that another holds, it owes the holder; what one
brand served on an account that another holds, the holder owes it; what it adjusted there
goes the same way, and money transferred between accounts, or merged, goes with its holder. Refunds,
payouts and reversals turn this round; money moved from brand to brand pays it. The holder
of an entry's own day counts; when a holder changes, the old one passes on the balance of
the day before. A bonus account is held by its brand; an account without a holder is
`unassigned`, which counts as a brand. Controls: all pairs sum to zero; and from the first
day on, what a brand's own accounts and the accounts it holds come to is what the others owe it.
"""

from collections.abc import Callable
from datetime import date

import narwhals as nw

from reports.core.contributions import Contributions, Source
from reports.core.engines import among, settled, values
from reports.core.leads import Row, to_entries
from reports.core.parameters import Movements, OfBrand, Period
from reports.core.pictures import Picture
from reports.core.report import Check, Column, Report
from reports.core.tables import (
    EVER,
    Frame,
    Tables,
    beside,
    brand_names,
    held_by,
    holders,
    in_currency,
    of_clients,
    only,
    taken,
    until,
    within,
    zero,
)

MOVES = ("received", "served", "transferred", "adjusted", "passed_on", "moved")
FIGURES = (*MOVES, "due")


class Parameters(Movements, OfBrand):
    """A period, and a brand to see from."""


def _entries(tables: Tables, p: Period) -> Frame:
    return in_currency(tables.entries, p.currency).filter(within(p.first_day, p.last_day))


def _figure() -> nw.Expr:
    kind = nw.col("account_kind")
    served = nw.when(kind == "revenue").then(nw.lit("served")).otherwise(nw.lit("adjusted"))
    return nw.when(kind.is_in(("cash", "unallocated"))).then(nw.lit("received")).otherwise(served)


def _legs(tables: Tables, p: Period) -> Frame:
    """Return the legs of brands' own accounts with `figure` and `brand`."""
    legs = _entries(tables, p).filter(~of_clients()).with_columns(figure=_figure())
    return legs.join(brand_names(tables).select("brand_id", "brand"), on="brand_id", how="left")


def _of_pair(tables: Tables, row: Row) -> Tables:
    """Return the tables with brands' own entries of the two brands of a row only; those of clients are all there."""
    codes = brand_names(tables).filter(nw.col("brand").is_in((row["brand"], row["other"])))
    of_them = nw.col("brand_id").is_in(values(codes.select("brand_id"))).fill_null(True) | of_clients()
    return tables.narrowed("entries", lambda entries: entries.filter(of_them))


def _named(tables: Tables, p: Period) -> Frame:
    """Return what brands' legs that name the client account they face come to: account_id, brand, figure, amount."""
    named = _legs(tables, p).filter(~nw.col("source_id").is_null(), nw.col("source_kind") != "cash").drop("account_id")
    return named.rename({"source_id": "account_id"}).select(*_FACED)


_ENTRY = ("transaction_id", "leg")
_FACED = (*_ENTRY, "account_id", "business_date", "currency", "brand", "figure", "amount")


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


def _unnamed(tables: Tables, p: Period) -> Frame:
    """Return the same of the legs that were written before they named an account: they meet in their order."""
    brands = settled(
        _legs(tables, p)
        .filter(nw.col("source_id").is_null())
        .group_by("transaction_id", "currency", "brand", "figure")
        .agg(amount=taken(~nw.col("amount").is_null()).sum(), place=nw.col("leg").min())
        .filter(nw.col("amount") != 0)
    )
    of_them = among(_entries(tables, p), "transaction_id", brands.select("transaction_id"))
    accounts = of_them.filter(of_clients()).with_columns(place=nw.col("leg"))
    clients = _spans(accounts, "leg", "account_id", "business_date")
    from_ = nw.max_horizontal("start", "start_right")
    till = nw.min_horizontal("end", "end_right")
    return (
        clients.join(_spans(brands, "brand", "figure"), on=["transaction_id", "currency"], how="inner")
        .with_columns(size=till - from_)
        .filter(nw.col("size") > 0)
        # What the client gained, the brand's leg lost.
        .with_columns(amount=nw.when(nw.col("amount") < 0).then(nw.col("size")).otherwise(zero() - nw.col("size")))
        .select(*_FACED)
    )


def _faced(tables: Tables, legs: Frame) -> Frame:
    """Return what holders owe brands for their legs: for money received below zero."""
    return held_by(legs, holders(tables)).rename({"brand": "creditor", "holder": "debtor"}).select(*_FLOW)


def _for_named(tables: Tables, p: Period) -> Frame:
    return _faced(tables, _named(tables, p))


def _for_unnamed(tables: Tables, p: Period) -> Frame:
    return _faced(tables, _unnamed(tables, p))


_FLOW = (*_ENTRY, "creditor", "debtor", "currency", "figure", "amount")


def _transferred(tables: Tables, p: Period) -> Frame:
    """Return what holders owe holders for money moved between their accounts."""
    few = _entries(tables, p).filter(nw.col("kind").is_in(("transfer", "merge", "reverse")))
    of = ("account_id", "account_kind", "version", "business_date", "currency", "amount")
    entries = settled(few.select(*_ENTRY, *of))
    sided = entries.filter(~of_clients()).select("transaction_id").unique()
    moves = entries.filter(of_clients(), nw.col("account_kind") == "money").join(sided, on="transaction_id", how="anti")
    held = held_by(moves, holders(tables))
    gave = held.filter(nw.col("amount") < 0).select("transaction_id", debtor="holder")
    got = held.filter(nw.col("amount") > 0).select(*_ENTRY, "currency", "amount", creditor="holder")
    pairs = got.join(gave, on="transaction_id", how="inner")
    return pairs.with_columns(figure=nw.lit("transferred")).select(*_FLOW)


def _moved(tables: Tables, p: Period) -> Frame:
    """Return what brands owe brands for money moved to them: the legs of one of the two, which face the other."""
    others = tables.accounts.join(brand_names(tables).select("brand_id", other="brand"), on="brand_id", how="inner")
    legs = _legs(tables, p).filter(nw.col("source_kind") == "cash")
    paired = legs.join(others.select("other", source_id="id"), on="source_id", how="inner")
    one_side = paired.filter(nw.col("brand") < nw.col("other")).with_columns(figure=nw.lit("moved"))
    return one_side.rename({"brand": "creditor", "other": "debtor"}).select(*_FLOW)


def _passed_on(tables: Tables, p: Period) -> Frame:
    """Return what old holders owe new ones: the balances of the day before."""
    changes = settled(
        holders(tables).filter(
            nw.col("since").is_between(p.first_day, p.last_day),
            nw.col("since") > EVER,
            nw.col("holder") != nw.col("old"),
        )
    )
    of_them = among(in_currency(tables.entries, p.currency), "account_id", changes.select("account_id"))
    balances = of_them.filter(of_clients(), until(p.last_day))
    before = balances.join(changes, on="account_id", how="inner").filter(nw.col("business_date") < nw.col("since"))
    passed = before.select(*_ENTRY, "currency", "amount", creditor="holder", debtor="old", figure=nw.lit("passed_on"))
    return passed.select(*_FLOW)


def _by_figure(owed: Frame, *kept: str) -> Frame:
    """Return `creditor`, `debtor`, `currency`, each figure of the period as a column, and the columns to be kept."""
    figures = {name: only(nw.col("figure") == name).alias(name) for name in MOVES}
    apart = owed.filter(nw.col("creditor") != nw.col("debtor"))
    return apart.select(*kept, "creditor", "debtor", "currency", *figures.values())


def _from_both_sides(owed: Frame, p: Parameters, *kept: str) -> Frame:
    own = owed.rename({"creditor": "brand", "debtor": "other"})
    minus = {name: zero() - nw.col(name) for name in MOVES}
    turned = owed.select(*kept, "currency", brand="debtor", other="creditor", **minus)
    sides = nw.concat([side.select(*kept, "brand", "other", "currency", *MOVES) for side in (own, turned)])
    return sides if p.brand is None else sides.filter(nw.col("brand") == p.brand)


OWED = (_for_named, _for_unnamed, _transferred, _passed_on, _moved)


def _source(owed: Callable[[Tables, Period], Frame], *figures: str) -> Source:
    """Return where some figures of a pair of brands come from."""
    # What is unnamed, transferred or passed on depends on the legs of third brands, too.
    alone = owed in (_for_named, _moved)

    def pieces(tables: Tables, p: Parameters, row: Row) -> Frame:
        flows = owed(_of_pair(tables, row) if alone else tables, p)
        return _from_both_sides(_by_figure(flows, *_ENTRY), p, *_ENTRY)

    return Source(pieces, {name: WORDS[name] for name in figures})


WORDS = {
    "received": "what the other brand received for accounts of this one, less what this one received for the other's",
    "served": "what this brand served on accounts that the other holds, less what the other served on this one's",
    "transferred": "money moved from accounts that the other brand holds to this one's, less what was moved back",
    "adjusted": "what this brand adjusted on accounts that the other holds, with its sign turned, and the other way",
    "passed_on": "balances of accounts that this brand took over from the other, less those that it passed on",
    "moved": "money moved from this brand to the other, less what came back",
}


def brand_settlements(tables: Tables, p: Parameters) -> Frame:
    """Return each pair of brands from both sides; due is what `other` owes `brand`, below zero what it is owed."""
    pair = ("creditor", "debtor", "currency", "figure")
    # Settled: the two sides would else be two plans, and all entries in one frame cost half as much again.
    sums = nw.concat([settled(owed(tables, p).group_by(*pair).agg(nw.col("amount").sum())) for owed in OWED])
    return (
        _from_both_sides(_by_figure(sums), p)
        .group_by("brand", "other", "currency")
        .agg(*(nw.col(name).sum() for name in MOVES))
        .with_columns(due=nw.sum_horizontal(*MOVES))
        .sort("brand", "other", "currency")
        .select("brand", "other", "currency", *FIGURES)
    )


def sums_to_zero(tables: Tables, p: Parameters, rows: Frame) -> Frame:
    """Set what is due to all brands beside what all owe."""
    everyone = rows if p.brand is None else brand_settlements(tables, p.model_copy(update={"brand": None}))
    owed = everyone.select("currency", amount=taken(nw.col("due") < 0, "due"))
    return beside(owed, everyone.select("currency", amount=only(nw.col("due") > 0, "due")))


def position(tables: Tables, last_day: date, currency: str | None = None) -> Frame:
    """Return brand, currency, amount: its own accounts and the client accounts it holds at the end of that day."""
    entries = in_currency(tables.entries, currency).filter(until(last_day))
    own = entries.filter(~of_clients()).join(brand_names(tables).select("brand_id", "brand"), on="brand_id", how="left")
    clients = entries.filter(of_clients()).with_columns(business_date=nw.lit(last_day).cast(nw.Date))
    held = held_by(clients, holders(tables)).rename({"holder": "brand"})
    sides = nw.concat([side.select("brand", "currency", "amount") for side in (own, held.drop("brand_id"))])
    return sides.group_by("brand", "currency").agg(nw.col("amount").sum())


def positions_are_owed(tables: Tables, p: Parameters, rows: Frame) -> Frame:
    """Set the differences of all brands, from the first day on, none taken off another, beside zero."""
    ever = p.model_copy(update={"brand": None, "first_day": EVER})
    due = brand_settlements(tables, ever).select("brand", "currency", amount=zero() - nw.col("due"))
    both = nw.concat([position(tables, p.last_day, p.currency).select("brand", "currency", "amount"), due])
    apart = both.group_by("brand", "currency").agg(nw.col("amount").sum())
    if p.brand is not None:
        apart = apart.filter(nw.col("brand") == p.brand)
    wrong = nw.when(nw.col("amount") < 0).then(zero() - nw.col("amount")).otherwise(nw.col("amount"))
    return beside(apart.select("currency", amount=zero()), apart.select("currency", amount=wrong))


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
        Column("adjusted", "money", "For adjustments", "За корректировки", total=True),
        Column("passed_on", "money", "Passed on with accounts", "Передано со счетами", total=True),
        Column("moved", "money", "Moved between brands", "Перемещено между брендами", total=True),
        Column("due", "money", "Due to brand", "Причитается бренду", total=True),
    ),
    key=("brand", "other", "currency"),
    frame=brand_settlements,
    checks=(
        Check("zero_sum", "due = owed", "причитается = должны", sums_to_zero),
        Check(
            "positions",
            "own accounts + accounts held = owed by others, from the first day",
            "собственные счета + счета клиентов = долг других, с первого дня",
            positions_are_owed,
        ),
    ),
    leads_to=to_entries(),
    contributions=Contributions(
        *(_source(owed, "received", "served", "adjusted") for owed in (_for_named, _for_unnamed)),
        _source(_transferred, "transferred"),
        _source(_passed_on, "passed_on"),
        _source(_moved, "moved"),
        made={"due": dict.fromkeys(MOVES, 1)},
    ),
    picture=Picture(("due",), ("brand",), by="other"),
)
