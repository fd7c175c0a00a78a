"""Credit exposure: who is near or over a limit, whose credit ends, who is overdue.

Available is own money, and above it what credit in force leaves; nothing above own money
when a debt is overdue, and nothing at all of an account that is frozen or closed.
Controls: balances are turnover's, held is that of holds.
"""

from datetime import timedelta

import narwhals as nw
import polars as pl

from reports.core import aging
from reports.core.contributions import Contributions, Source
from reports.core.engines import collected
from reports.core.leads import Row, to_account
from reports.core.parameters import AsOf, OfBrand
from reports.core.report import Check, Column, Report
from reports.core.tables import (
    Frame,
    Tables,
    beside,
    days_since_epoch,
    latest_entries,
    of_accounts,
    of_clients,
    of_row,
    only,
    taken,
    until,
    zero,
)
from reports.standard import holds, turnover

NEAR = 0.8  # part of the limit from which an account is near it
FEW = 4  # accounts have credit where it is one in so many, or fewer
SOON = 14  # days before the end of credit


class Parameters(AsOf, OfBrand):
    """A day, and whose accounts (by holder)."""


def _turnover(p: Parameters) -> turnover.Parameters:
    return turnover.Parameters(first_day=p.as_of, last_day=p.as_of, currency=p.currency, brand=p.brand)


def _state(p: Parameters) -> nw.Expr:
    """Return the first of the states that applies, the worst first."""
    states = {
        "overdue": nw.col("overdue_days") > 0,
        "expired": ~nw.col("in_force"),
        "over": nw.col("drawn") > nw.col("limit"),
        "closed": nw.col("status") == "closed",
        "frozen": nw.col("status") == "frozen",
        "near": nw.col("share") >= NEAR,
        "expiring": nw.col("valid_until") <= p.as_of + timedelta(days=SOON),
    }
    state = nw.lit("ok")
    for name, applies in reversed(states.items()):
        state = nw.when(applies).then(nw.lit(name)).otherwise(state)
    return state


def _status(tables: Tables, p: Parameters) -> Frame:
    """Return account_id, status at the day's end, of accounts whose status was ever changed: all are opened open.

    Days that were closed by the old rules did not look at it.
    """
    known = nw.lit(tables.rules != aging.OLD)
    changes = tables.changes.filter(nw.col("kind") == "account_status", until(p.as_of), known)
    latest = changes.group_by("account_id").agg(id=nw.col("id").max())
    status = nw.lit("open")
    for word in ("frozen", "closed"):
        status = nw.when(nw.col("after").str.contains(f'"{word}"', literal=True)).then(nw.lit(word)).otherwise(status)
    return changes.join(latest, on=["account_id", "id"], how="inner").select("account_id", status=status)


def _of_credit(tables: Tables, p: Parameters) -> Tables:
    """Return the tables with the entries of accounts that have or had credit; on Spark, which spills, as they are.

    The entries are kept in memory, so they are narrowed only where few accounts have credit.
    """
    terms = aging.terms_on(tables, p.as_of).select("account_id")
    if not isinstance(terms.to_native(), pl.LazyFrame):
        return tables
    own = collected(terms)["account_id"].to_list()
    every = collected(tables.accounts.select(count=nw.len())).item()
    return of_accounts(tables, own) if len(own) * FEW <= every else tables


def credit_exposure(tables: Tables, p: Parameters) -> Frame:
    """Return one row per account that has, or ever had, terms of credit; share is used and held of the limit."""
    own_tables = _of_credit(tables, p)
    kept = latest_entries(own_tables.entries.filter(of_clients(), until(p.as_of)))
    overdue = (
        aging.late(own_tables, p.as_of, p.currency)
        .filter(nw.col("days_late") > 0)
        .group_by("account_id")
        .agg(overdue_days=nw.col("days_late").max(), overdue=nw.col("unpaid").sum())
    )
    own = nw.col("balance") - nw.col("held")
    return (
        aging.terms_on(tables, p.as_of)
        .join(kept.select("account_id", "balance_after", "held_after"), on="account_id", how="left")
        .join(overdue, on="account_id", how="left")
        .join(_status(tables, p), on="account_id", how="left")
        .rename({"account_id": "account"})
        .join(turnover.chosen(tables, _turnover(p)), on="account", how="inner")
        .with_columns(
            balance=nw.col("balance_after").fill_null(zero()),
            held=nw.col("held_after").fill_null(zero()),
            overdue=nw.col("overdue").fill_null(zero()),
            limit=nw.when(nw.col("in_force")).then(nw.col("credit_limit")).otherwise(zero()),
            days_left=nw.when(nw.col("in_force")).then(days_since_epoch("valid_until") - aging.day_number(p.as_of)),
        )
        .with_columns(
            used=taken(nw.col("balance") < 0, "balance"),
            own=nw.when(own > 0).then(own).otherwise(zero()),
            left=nw.col("limit") + own,
        )
        .with_columns(drawn=nw.col("limit") - nw.col("left"))
        .with_columns(
            status=nw.col("status").fill_null("open"),
            available=nw.when((nw.col("overdue_days") > 0) | (nw.col("left") < nw.col("own")))
            .then(nw.col("own"))
            .otherwise(nw.col("left")),
            share=nw.when(nw.col("limit") > 0).then(
                nw.when(nw.col("drawn") > 0).then(nw.col("drawn")).otherwise(zero()).cast(nw.Float64)
                / nw.col("limit").cast(nw.Float64)
            ),
        )
        .with_columns(
            available=nw.when(nw.col("status") == "open").then(nw.col("available")).otherwise(zero()),
            state=_state(p),
        )
        .sort("account")
        .select(*(column.name for column in REPORT.columns))
    )


def _left(row: Row) -> bool:
    """Return whether credit counts in what a row has available."""
    return bool(row["available"] == row["limit"] + row["balance"] - row["held"])


def pieces(tables: Tables, p: Parameters, row: Row) -> Frame:
    """Return the account's entries with what each adds to the row's figures."""
    entries = tables.entries.filter(of_clients(), until(p.as_of), nw.col("account_id") == row["account"])
    own = row["balance"] - row["held"]
    free = nw.lit(_left(row) or (row["available"] == own and own > 0))
    drawn = nw.col("held") - nw.col("amount")
    return entries.with_columns(
        account="account_id",
        balance="amount",
        used=taken(nw.lit(row["balance"] < 0)),
        available=nw.when(free).then(zero() - drawn).otherwise(zero()),
        drawn=nw.when(nw.lit(own < 0)).then(drawn).otherwise(zero()),
    )


def limits(tables: Tables, p: Parameters, row: Row) -> Frame:
    """Return the credit terms in force."""
    terms = aging.terms_on(tables, p.as_of).filter(nw.col("in_force"), nw.col("account_id") == row["account"])
    limit = terms.with_columns(account="account_id", amount="credit_limit", limit="credit_limit")
    return limit.with_columns(available=only(nw.lit(_left(row)), "limit"))


def overdue(tables: Tables, p: Parameters, row: Row) -> Frame:
    """Return the account's items that are late."""
    tables = of_row(tables, {"account": row["account"]})
    late = aging.late(tables, p.as_of, p.currency).filter(nw.col("days_late") > 0)
    return aging.with_leg(tables, late).with_columns(account="account_id", overdue="unpaid")


AVAILABLE = "own money not set aside, and the limit in force; without the limit while a debt is overdue"
WORDS = {
    "balance": "all entries of the account up to the day",
    "used": "all entries of the account up to the day, with their sign turned, where the balance is below zero",
    "held": "what entries of the account set aside, less what was taken of it or given free",
    "available": AVAILABLE,
    "drawn": "what is used and set aside beyond own money",
}


def as_turnover(tables: Tables, p: Parameters, rows: Frame) -> Frame:
    """Set the balances beside turnover's closings of the same accounts."""
    closing = turnover.movements(tables, _turnover(p)).join(rows.select("account"), on="account", how="inner")
    return beside(closing.select("currency", amount="closing"), rows.select("currency", amount="balance"))


def as_holds(tables: Tables, p: Parameters, rows: Frame) -> Frame:
    """Set what is held beside the closing of holds of the same accounts."""
    query = holds.Parameters(first_day=p.as_of, last_day=p.as_of, currency=p.currency)
    held = holds.holds(tables, query).join(rows.select("account"), on="account", how="inner")
    return beside(held.select("currency", amount="closing"), rows.select("currency", amount="held"))


REPORT = Report(
    name="credit-exposure",
    en="Credit exposure",
    ru="Кредитные лимиты",
    question="who is near or over a limit, whose credit ends",
    parameters=Parameters,
    columns=(
        Column("account", "account", "Account", "Счёт"),
        Column("reference", "code", "Reference", "Код счёта"),
        Column("client", "text", "Client", "Клиент"),
        Column("currency", "currency", "Currency", "Валюта"),
        Column("balance", "money", "Balance", "Остаток", total=True),
        Column("limit", "money", "Limit", "Лимит", total=True),
        Column("used", "money", "Used", "Использовано", total=True),
        Column("held", "money", "Held", "В резерве", total=True),
        Column("available", "money", "Available", "Доступно", total=True),
        Column("share", "share", "Share used", "Доля лимита"),
        Column("valid_until", "date", "Valid until", "Действует до"),
        Column("days_left", "number", "Days left", "Осталось дней"),
        Column("overdue", "money", "Overdue", "Просрочено", total=True),
        Column("overdue_days", "number", "Days overdue", "Дней просрочки"),
        Column("state", "word", "State", "Состояние"),
    ),
    key=("account",),
    frame=credit_exposure,
    checks=(
        Check("turnover", "balance = turnover", "остаток = оборотная ведомость", as_turnover),
        Check("holds", "held = holds", "резерв = отчёт о резервах", as_holds),
    ),
    leads_to=to_account(),
    contributions=Contributions(
        Source(pieces, WORDS),
        Source(limits, {"limit": "the limit of the credit terms in force", "available": AVAILABLE}, "credit_terms"),
        Source(overdue, {"overdue": "what is unpaid of debits that are late"}),
        ratios={"share": ("drawn", "limit")},
    ),
)
