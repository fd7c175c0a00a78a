"""What is unpaid of each aging item at the end of a day, and when it is due, from entries alone: the ledger's rule
(DECISIONS D31).

What is unpaid of an account is max(0, −balance), and it lies on its last aging items (by
due date, none last, then business date, then number), each net of its refunds and its
reversal. So what is unpaid of one is what the account owes, less the items after it, but no
more than itself.

An item's due date stands on its entry. One that has none there takes it from the terms that
were recorded first after it and have a period, once these are valid; an entry from before
there were due dates first by the terms that were recorded and in force when it arose.

Items of an account that was merged into another are the other's from that day on, with their dates; what one
transaction charged both is one item, due on the earlier date.

Days that were closed before there were due dates keep their figures: a reversal ages there
like a debit, items are in order of entry, and due by the terms that are in force on the day.
"""

from datetime import date

import narwhals as nw

from ledger.core.aging import AGING
from reports.core.engines import collected, reused
from reports.core.tables import (
    Frame,
    Tables,
    as_merged,
    days_since_epoch,
    in_currency,
    merges,
    of_clients,
    only,
    until,
    zero,
)

EPOCH = date(1970, 1, 1)
OLD = 1  # the rules of the days that were closed before there were due dates (DECISIONS D77)


def day_number(day: date) -> int:
    """Return the day as days since 1970-01-01, as the lake counts them."""
    return (day - EPOCH).days


def _entries(tables: Tables, as_of: date, currency: str | None) -> Frame:
    money = (nw.col("account_kind") == "money", until(as_of))
    return as_merged(tables, in_currency(tables.entries, currency).filter(of_clients(), *money), as_of)


def _owing(entries: Frame) -> Frame:
    """Return the entries of accounts below zero, with what each owes."""
    names = ("own_account_id", "account_id", "transaction_id", "version", "kind", "refers_to", "currency", "amount")
    entries = entries.select(*names, "business_date", "day_number", "due_on")
    sums = entries.group_by("account_id").agg(balance=nw.col("amount").sum()).filter(nw.col("balance") < 0)
    owed = sums.select("account_id", owed=zero() - nw.col("balance"))
    return entries.join(owed, on="account_id", how="inner")


def _undone(owing: Frame, *, by_old_rules: bool) -> Frame:
    """Return account_id, transaction_id, undone: what refunds and reversals took off an item."""
    if by_old_rules:
        back = owing.filter(nw.col("kind") == "refund", nw.col("amount") > 0).with_columns(of=nw.col("refers_to"))
    else:
        # The reversal of a reversal is about what that one reversed.
        reversals = owing.filter(nw.col("kind") == "reverse")
        roots = reversals.group_by("transaction_id").agg(root=nw.col("refers_to").max())
        back = (
            owing.filter(nw.col("kind").is_in(("refund", "reverse")))
            .join(roots.rename({"transaction_id": "refers_to"}), on="refers_to", how="left")
            .with_columns(of=nw.coalesce("root", "refers_to"))
        )
    sums = back.group_by("account_id", "of").agg(undone=nw.col("amount").sum())
    return sums.rename({"of": "transaction_id"})


def _by_terms(tables: Tables, undated: Frame, as_of: date) -> Frame:
    """Return own_account_id, transaction_id, due_by_terms (a day number or null) of items whose entries have no date.

    An entry written since there are due dates has none only where no period was in force. After a merge the terms of
    the successor count, as far as they are recorded later.
    """
    recorded = tables.credit_terms.select(
        "period_days", "valid_from", "valid_until", own_account_id="account_id", terms="id", known_at="recorded_at"
    )
    later_on = recorded.rename({"own_account_id": "into"}).join(merges(tables, as_of), on="into", how="inner")
    of_successors = later_on.filter(nw.col("known_at") > nw.col("merged_at")).with_columns(own_account_id="account_id")
    names = ("own_account_id", "period_days", "valid_from", "valid_until", "terms", "known_at")
    terms = nw.concat([side.select(*names) for side in (recorded, of_successors)])
    written = tables.transactions.select(transaction_id="id", written_at="recorded_at")
    known = nw.col("known_at") <= nw.col("written_at")
    ended = (nw.col("valid_until") < nw.col("business_date")).fill_null(False)
    in_force = known & (nw.col("valid_from") <= nw.col("business_date")) & ~ended
    later = ~known & ~nw.col("period_days").is_null()
    period = recorded.select("terms", "valid_from", days="period_days")
    return (
        undated.select("own_account_id", "transaction_id", "business_date", "day_number")
        .join(terms, on="own_account_id", how="inner")
        .join(written, on="transaction_id", how="inner")
        .group_by("own_account_id", "transaction_id", "day_number")
        .agg(
            first=nw.when(in_force).then(nw.col("terms")).max(),
            then=nw.when(later).then(nw.col("terms")).min(),
        )
        .join(period.select(first="terms", first_days="days"), on="first", how="left")
        .join(period.select(then="terms", then_days="days", then_from="valid_from"), on="then", how="left")
        .with_columns(then_days=nw.when(nw.col("then_from") <= as_of).then(nw.col("then_days")))
        .with_columns(due_by_terms=nw.col("day_number") + nw.coalesce("first_days", "then_days"))
        .select("own_account_id", "transaction_id", "due_by_terms")
    )


def _dated(tables: Tables, items: Frame, as_of: date) -> Frame:
    """Return the items with due_day, a day number or null."""
    if tables.rules == OLD:
        terms = terms_on(tables, as_of).select("account_id", "period_days", with_terms=nw.lit(True))
        due = nw.col("day_number") + nw.col("period_days")
        due_day = nw.when(nw.col("with_terms").is_null()).then(nw.col("day_number")).otherwise(due)
        return items.join(terms, on="account_id", how="left").with_columns(due_day=due_day)
    by_terms = _by_terms(tables, items.filter(nw.col("due_on").is_null()), as_of)
    dated = items.join(by_terms, on=["own_account_id", "transaction_id"], how="left").with_columns(
        due_day=nw.coalesce(days_since_epoch("due_on"), "due_by_terms")
    )
    if collected(merges(tables, as_of).select("account_id").head(1)).is_empty():
        return dated
    same = ("account_id", "transaction_id", "kind", "currency", "business_date", "day_number", "owed")
    return dated.group_by(*same).agg(
        nw.col("amount").sum(), due_day=nw.col("due_day").min(), version=nw.col("version").max()
    )


def unpaid_items(tables: Tables, as_of: date, currency: str | None = None) -> Frame:
    """Return one row per unpaid aging item of an account.

    Columns: account_id, transaction_id, version, kind, currency, business_date, day_number,
    due_day (a day number; null: none), amount (what the account was charged, less what
    was refunded or reversed), unpaid.
    """
    old = tables.rules == OLD
    owing = reused(_owing(_entries(tables, as_of, currency)))
    ages = nw.lit(True) if old else nw.col("kind").is_in(tuple(sorted(AGING)))
    items = _dated(tables, owing.filter(nw.col("amount") < 0, ages), as_of)
    place = ("version",) if old else ("place", "day_number", "transaction_id")
    return (
        items.join(_undone(owing, by_old_rules=old), on=["account_id", "transaction_id"], how="left")
        .with_columns(
            amount=zero() - nw.col("amount") - nw.col("undone").fill_null(zero()),
            place=nw.col("due_day").fill_null(10**7),
        )
        # What a closed account paid may have come back here too: beyond the item that is a credit like any other.
        .with_columns(amount=only(nw.col("amount") > 0))
        .with_columns(
            reached=nw.col("amount").cum_sum().over("account_id", order_by=place),
            total=nw.col("amount").sum().over("account_id"),
        )
        .with_columns(over=nw.col("reached") - nw.col("total") + nw.col("owed"))
        .with_columns(
            unpaid=nw.when(nw.col("over") < nw.col("amount")).then(nw.col("over")).otherwise(nw.col("amount"))
        )
        .filter(nw.col("unpaid") > 0)
        .select(
            "account_id",
            "transaction_id",
            "version",
            "kind",
            "currency",
            "business_date",
            "day_number",
            "due_day",
            "amount",
            "unpaid",
        )
    )


def with_leg(tables: Tables, items: Frame) -> Frame:
    """Return the items with the `leg` of their entry."""
    return items.join(tables.entries.select("account_id", "version", "leg"), on=["account_id", "version"], how="inner")


def terms_on(tables: Tables, as_of: date) -> Frame:
    """Return one row per account whose credit ever began by that day.

    Columns: account_id, id, credit_limit, period_days, valid_until, in_force. Of the terms
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
    return terms.select("account_id", "id", "credit_limit", "period_days", "valid_until", "in_force")


def late(tables: Tables, as_of: date, currency: str | None = None) -> Frame:
    """Return the unpaid items with days_late (0 or less, or no due date: not late)."""
    days_late = (nw.lit(day_number(as_of)) - nw.col("due_day")).fill_null(0)
    return unpaid_items(tables, as_of, currency).with_columns(days_late=days_late)
