"""What is unpaid of each debit at the end of a day, from entries alone, as the ledger's rule has it (DECISIONS D31).

A refund lowers the debit it refunds; every other credit settles the oldest debit first;
whatever else takes money ages like a debit. Credits settle debits in their order, so what
is unpaid of one is what the debits up to it come to, less all credits, but no more than
itself; refunds may be counted as if the debit had been smaller from the start. The unpaid
of an account is always max(0, −balance).
"""

from datetime import date

import narwhals as nw

from reports.core.tables import Frame, Tables, in_currency, of_clients, only, taken, until, zero

EPOCH = date(1970, 1, 1)


def day_number(day: date) -> int:
    """Return the day as days since 1970-01-01, as the lake counts them."""
    return (day - EPOCH).days


def _entries(tables: Tables, as_of: date, currency: str | None) -> Frame:
    money = (nw.col("account_kind") == "money", until(as_of))
    return in_currency(tables.entries, currency).filter(of_clients(), *money)


def _debtors(entries: Frame) -> Frame:
    """Return the accounts below zero and all that was credited to them save refunds."""
    pool = (nw.col("amount") > 0) & (nw.col("kind") != "refund")
    sums = entries.group_by("account_id").agg(balance=nw.col("amount").sum(), credits=only(pool).sum())
    return sums.filter(nw.col("balance") < 0).select("account_id", "credits")


def unpaid_debits(tables: Tables, as_of: date, currency: str | None = None) -> Frame:
    """Return a row an unpaid debit of an account.

    Columns: account_id, transaction_id, version, kind, currency, business_date, day_number,
    amount (what the account was charged, less refunds), unpaid.
    """
    entries = _entries(tables, as_of, currency)
    owing = entries.join(_debtors(entries), on="account_id", how="inner")
    refunds = (
        owing.filter(nw.col("kind") == "refund", nw.col("amount") > 0)
        .group_by("account_id", "refers_to")
        .agg(refunded=nw.col("amount").sum())
        .rename({"refers_to": "transaction_id"})
    )
    return (
        owing.filter(nw.col("amount") < 0)
        .group_by("account_id", "transaction_id", "kind", "currency", "business_date", "day_number", "credits")
        .agg(version=nw.col("version").min(), charged=taken(nw.col("amount") < 0).sum())
        .join(refunds, on=["account_id", "transaction_id"], how="left")
        .with_columns(amount=nw.col("charged") - nw.col("refunded").fill_null(zero()))
        .with_columns(reached=nw.col("amount").cum_sum().over("account_id", order_by="version"))
        .with_columns(over=nw.col("reached") - nw.col("credits"))
        .filter(nw.col("over") > 0)
        .with_columns(
            unpaid=nw.when(nw.col("over") < nw.col("amount")).then(nw.col("over")).otherwise(nw.col("amount"))
        )
        .filter(nw.col("unpaid") > 0)
        .drop("credits", "charged", "refunded", "reached", "over")
    )


def terms_on(tables: Tables, as_of: date) -> Frame:
    """Return a row an account whose credit ever began by that day.

    Columns: account_id, credit_limit, period_days, valid_until, in_force. Of the terms
    valid on the day the last recorded counts; if none is valid, the last recorded that began.
    """
    begun = tables.credit_terms.filter(nw.col("valid_from") <= as_of).with_columns(
        in_force=nw.col("valid_until").is_null() | (nw.col("valid_until") >= as_of)
    )
    chosen = (
        begun.group_by("account_id")
        .agg(
            valid=nw.when(nw.col("in_force")).then(nw.col("id")).max(),
            latest=nw.col("id").max(),
        )
        .select("account_id", id=nw.coalesce("valid", "latest"))
    )
    terms = begun.join(chosen, on=["account_id", "id"], how="inner")
    return terms.select("account_id", "credit_limit", "period_days", "valid_until", "in_force")


def late(tables: Tables, as_of: date, currency: str | None = None) -> Frame:
    """Return the unpaid debits with due_day (a day number) and days_late (0 or less: not due yet).

    Without terms a debt is due at once; terms without a period never make it late (DECISIONS D32).
    """
    terms = terms_on(tables, as_of).select("account_id", "period_days", with_terms=nw.lit(True))
    due = nw.col("day_number") + nw.col("period_days")
    return (
        unpaid_debits(tables, as_of, currency)
        .join(terms, on="account_id", how="left")
        .with_columns(due_day=nw.when(nw.col("with_terms").is_null()).then(nw.col("day_number")).otherwise(due))
        .with_columns(days_late=(nw.lit(day_number(as_of)) - nw.col("due_day")).fill_null(0))
        .drop("period_days", "with_terms")
    )
