"""Trial balance: every account, the brands' own too, with debit and credit as accountants mean them.

What a client has is the company's debt, a credit; cash is a debit. Adjustments stand by their
code in the company's own chart. Each side is shown of its own, never netted between accounts.
Controls: debit equals credit, in each currency, of money and of points: what points paid of a
brand's revenue stands there beside the points.
"""

from typing import Literal

import narwhals as nw
from pydantic import Field

from reports.core.contributions import Contributions, Source
from reports.core.leads import Lead, Row, to_account, to_accounts_of, to_entries
from reports.core.parameters import Movements
from reports.core.report import Check, Column, Report
from reports.core.tables import (
    APART,
    MONEY,
    Frame,
    Tables,
    beside,
    brand_names,
    in_currency,
    money_or_bonus,
    only,
    taken,
    until,
    within,
    zero,
)

PAIRS = ("opening_debit", "opening_credit", "debit", "credit", "closing_debit", "closing_credit")
KEYS = {
    "kind": ("kind", "brand", "currency", "chart"),
    "account": ("kind", "brand", "currency", "account", "chart", "reference"),
}


class Parameters(Movements):
    """A period, and what to show a row for."""

    by: Literal["kind", "account"] = Field("kind", description="a row for each kind of account and brand, or account")


def balances(tables: Tables, p: Parameters) -> Frame:
    """Return one row per account, and code of the company's own chart, with the six figures."""
    now = within(p.first_day, p.last_day)
    facts = tables.accounts.join(brand_names(tables), on="brand_id", how="left")
    return (
        in_currency(tables.entries, p.currency)
        .filter(until(p.last_day))
        .with_columns(chart=nw.col("chart").fill_null(""))
        .group_by("account_id", "chart")
        .agg(
            opening=only(nw.col("business_date") < p.first_day).sum(),
            credit=only(now & (nw.col("amount") > 0)).sum(),
            closing=nw.col("amount").sum(),
        )
        .join(facts.rename({"id": "account_id"}), on="account_id", how="left")
        .with_columns(
            debit=nw.col("opening") + nw.col("credit") - nw.col("closing"),
            opening_debit=taken(nw.col("opening") < 0, "opening"),
            opening_credit=only(nw.col("opening") > 0, "opening"),
            closing_debit=taken(nw.col("closing") < 0, "closing"),
            closing_credit=only(nw.col("closing") > 0, "closing"),
        )
        .rename({"account_id": "account"})
    )


def trial_balance(tables: Tables, p: Parameters) -> Frame:
    """Return one row per account, or per kind of account and brand, that has or had anything."""
    key = KEYS[p.by]
    rows = balances(tables, p).group_by(*key).agg(*(nw.col(name).sum() for name in PAIRS))
    some = nw.any_horizontal(*(nw.col(name) != 0 for name in PAIRS), ignore_nulls=True)
    return rows.filter(some).sort(*key[:5]).select(*key, *PAIRS)


def pieces(tables: Tables, p: Parameters, row: Row) -> Frame:
    """Return the entries with what each adds to the figures: of an account, to the side on which its balance stands."""
    of = nw.col("account_id") == row["account"] if row.get("account") else nw.col("account_kind") == row["kind"]
    tables = tables.narrowed("entries", lambda entries: entries.filter(of))
    now, before = within(p.first_day, p.last_day), nw.col("business_date") < p.first_day
    opening, closing, gain = nw.col("opening"), nw.col("closing"), nw.col("amount") > 0
    stands = balances(tables, p).select(
        "account", "chart", "kind", "brand", "currency", "reference", "opening", "closing"
    )
    return (
        tables.entries.filter(until(p.last_day))
        .with_columns(chart=nw.col("chart").fill_null(""))
        .select("transaction_id", "leg", "business_date", "amount", "chart", account="account_id")
        .join(stands, on=["account", "chart"], how="inner")
        .with_columns(
            opening_debit=taken(before & (opening < 0)),
            opening_credit=only(before & (opening > 0)),
            debit=taken(now & ~gain),
            credit=only(now & gain),
            closing_debit=taken(closing < 0),
            closing_credit=only(closing > 0),
        )
    )


WORDS = {
    "opening_debit": "entries before the first day, of the accounts whose balance was a debit then",
    "opening_credit": "entries before the first day, of the accounts whose balance was a credit then",
    "debit": "entries of the period that lowered a balance",
    "credit": "entries of the period that raised a balance",
    "closing_debit": "entries up to the last day, of the accounts whose balance is a debit then",
    "closing_credit": "entries up to the last day, of the accounts whose balance is a credit then",
}


def _paid_by_points(tables: Tables, p: Parameters, name: str) -> list[Frame]:
    """Return the revenue that points paid for, as a credit of points and not of money."""
    days = {"opening": nw.col("business_date") < p.first_day, "closing": until(p.last_day)}
    entries = in_currency(tables.entries, p.currency).filter(
        nw.col("account_kind") == "revenue",
        nw.col("source_kind") == "bonus",
        days.get(name, within(p.first_day, p.last_day)),
    )
    paid = entries.group_by("currency").agg(amount=nw.col("amount").sum())
    signs = {"bonus": nw.col("amount"), "money": zero() - nw.col("amount")}
    return [paid.select("currency", kind=nw.lit(kind), amount=amount.cast(MONEY)) for kind, amount in signs.items()]


def _sides(debit: str, credit: str) -> "Check":
    """Set debit beside credit: of money, and of points, with what these paid of the revenue."""
    name = debit.replace("_debit", "") if "_" in debit else "turnover"

    def frame(tables: Tables, p: Parameters, rows: Frame) -> Frame:
        apart = rows.with_columns(kind=money_or_bonus(nw.col("kind").is_in(("bonus", "bonus_expense"))))
        sides = [apart.select(*APART, amount=nw.col(credit).cast(MONEY)), *_paid_by_points(tables, p, name)]
        return beside(apart.select(*APART, amount=debit), nw.concat(sides), APART)

    russian = {"opening": "начальный", "turnover": "обороты:", "closing": "конечный"}[name]
    return Check(f"{name}_zero", f"{name}: debit = credit", f"{russian} дебет = кредит", frame)


def what_is_behind(row: Row) -> Lead | None:
    """Lead to a client's account, the turnover of such accounts, or the entries on a brand's own."""
    if row["kind"] not in ("money", "bonus"):
        return to_entries(row["kind"])(row)
    return to_account()(row) or to_accounts_of(row)


REPORT = Report(
    name="trial-balance",
    en="Trial balance",
    ru="Сводная оборотная ведомость по всем счетам",
    question="all accounts, the brands' own too",
    parameters=Parameters,
    columns=(
        Column("kind", "account_kind", "Kind", "Вид счёта"),
        Column("brand", "code", "Brand", "Бренд"),
        Column("currency", "currency", "Currency", "Валюта"),
        Column("chart", "code", "Code", "Статья"),
        Column("account", "account", "Account", "Счёт"),
        Column("reference", "code", "Reference", "Код счёта"),
        Column("opening_debit", "money", "Opening debit", "Начальный дебет", total=True),
        Column("opening_credit", "money", "Opening credit", "Начальный кредит", total=True),
        Column("debit", "money", "Debit", "Дебет", total=True),
        Column("credit", "money", "Credit", "Кредит", total=True),
        Column("closing_debit", "money", "Closing debit", "Конечный дебет", total=True),
        Column("closing_credit", "money", "Closing credit", "Конечный кредит", total=True),
    ),
    key=("kind", "brand", "currency", "chart", "account"),
    frame=trial_balance,
    checks=(
        _sides("opening_debit", "opening_credit"),
        _sides("debit", "credit"),
        _sides("closing_debit", "closing_credit"),
    ),
    leads_to=what_is_behind,
    contributions=Contributions(Source(pieces, WORDS)),
)
