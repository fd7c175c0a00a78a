"""Subaccounts: who spends the payer's money, against which limit.

Drawn is for the period. Used is for the limit's own window that holds the last day, and
counts as the ledger does: holds when placed, what is given back in the window it came
from, by when things happened. Limits are those in the book at the cut, as in the ledger's own rules. A limit
on the payer as a whole, or on one of its groups, stands on a row of its own, with the payer as its subaccount.
Control: what is drawn is what the payer's entries for each subaccount come to.
"""

from datetime import date, timedelta
from typing import Literal

import narwhals as nw
from pydantic import Field

from reports.core.contributions import Contributions, Source
from reports.core.leads import Row, to_account
from reports.core.parameters import Movements
from reports.core.report import Check, Column, Report
from reports.core.tables import (
    EVER,
    Frame,
    Tables,
    beside,
    client_accounts,
    counted,
    in_currency,
    of_clients,
    only,
    taken,
    until,
    within,
    zero,
)

DRAWS = ("debit", "hold", "capture", "release", "expiry", "refund")
PAIR = ("payer", "subaccount")
LIMITED = (*PAIR, "group")
_MONEY_MOVES = ("debit", "capture", "refund")


class Parameters(Movements):
    """A period, a payer, and what to show a row for: by group, the limits are those of groups."""

    account: int | None = Field(None, description="only this payer: number or reference")
    by: Literal["subaccount", "group"] = Field("subaccount", description="a row for each of these and its limits")


def windows(last_day: date) -> dict[str, date]:
    """Return the first day of each window that holds the day."""
    return {
        "day": last_day,
        "week": last_day - timedelta(days=last_day.weekday()),
        "month": last_day.replace(day=1),
        "total": EVER,
    }


def _of_payers(tables: Tables, p: Parameters) -> Frame:
    """Return the entries that draw on money accounts, or give back, up to the last day."""
    entries = in_currency(tables.entries, p.currency).filter(
        of_clients(), until(p.last_day), nw.col("kind").is_in(DRAWS), nw.col("account_kind") == "money"
    )
    chosen = entries if p.account is None else entries.filter(nw.col("account_id") == p.account)
    return chosen.rename({"account_id": "payer", "subaccount_id": "subaccount"})


def _since(last_day: date) -> nw.Expr:
    """Return the first day of the window of a limit's period; for single orders the last day itself."""
    first = nw.lit(last_day)
    for period, since in windows(last_day).items():
        first = nw.when(nw.col("period") == period).then(nw.lit(since)).otherwise(first)
    return first


def _begun(tables: Tables, p: Parameters) -> Frame:
    """Return what was drawn from payers with limits, with `begun`, the day of the debit or hold that it belongs to.

    That is null where it came before the payer's longest window: nothing of it counts.
    """
    starts = tables.limits.with_columns(since=_since(p.last_day)).group_by("payer_id").agg(since=nw.col("since").min())
    kind, itself, cause = nw.col("kind"), nw.col("transaction_id"), nw.col("refers_to")
    begins = kind.is_in(("debit", "hold"))
    taken_or_given_back = nw.when(kind == "refund").then(cause).otherwise(itself)
    return (
        _of_payers(tables, p)
        .join(starts.rename({"payer_id": "payer"}), on="payer", how="inner")
        .filter(nw.col("business_date") >= nw.col("since"))  # nothing of a window comes before it
        .select(
            *PAIR,
            "transaction_id",
            "leg",
            drawn=nw.col("held") - nw.col("amount"),
            group=nw.col("group_name").fill_null(""),
            day=nw.when(begins).then(nw.coalesce("occurred_on", "business_date")),
            root=nw.when(begins).then(itself).otherwise(cause),
            hold=nw.when(kind == "capture").then(cause),
            capture=taken_or_given_back,
        )
        .with_columns(root=nw.coalesce(nw.col("hold").max().over("capture"), "root"))  # a refund's capture's hold
        .select(*LIMITED, "transaction_id", "leg", "drawn", begun=nw.col("day").max().over("root"))
    )


def _used(tables: Tables, p: Parameters) -> Frame:
    """Return payer, subaccount (the payer itself: of a group, or as a whole), group, and what each window used."""
    since = windows(p.last_day).items()
    sums = {period: only(nw.col("begun") >= first, "drawn").sum() for period, first in since}
    return nw.concat([frame.group_by(*LIMITED).agg(**sums) for frame in _by_limit(_begun(tables, p))])


def _by_limit(begun: Frame) -> tuple[Frame, ...]:
    """Return what was drawn as limits of pairs, of groups and of a payer as a whole see it."""
    none = nw.lit("")
    by_pair = begun.filter(~nw.col("subaccount").is_null()).with_columns(group=none)
    whole = begun.with_columns(subaccount=nw.col("payer"), group=none)
    by_group = begun.filter(nw.col("group") != none).with_columns(subaccount=nw.col("payer"))
    return by_pair, by_group, whole


def used(tables: Tables, p: Parameters, row: Row) -> Frame:
    """Return the entries that count in the limit's own window, by when what they belong to happened."""
    drawn = nw.concat(
        [frame.select(*LIMITED, "transaction_id", "leg", "drawn", "begun") for frame in _by_limit(_begun(tables, p))]
    )
    first = windows(p.last_day)[row["period"]]
    return drawn.with_columns(used=only(nw.col("begun") >= first, "drawn"))


def limits(tables: Tables, p: Parameters, row: Row) -> Frame:
    """Return the write-off limits."""
    renamed = {"payer_id": "payer", "account_id": "subaccount", "group_name": "group"}
    limits = tables.limits.rename(renamed).with_columns(nw.col("group").fill_null(""))
    return limits.with_columns(limit="amount", account_id="subaccount", kind="period")


def _of_window() -> nw.Expr:
    """Return what the limit's own window has used; null for a limit of single orders."""
    used: nw.Expr = nw.when(nw.lit(False)).then(zero())
    for period in windows(EVER):
        used = nw.when(nw.col("period") == period).then(nw.col(period).fill_null(zero())).otherwise(used)
    return used


def pieces(tables: Tables, p: Parameters, row: Row) -> Frame:
    """Return the entries by which each subaccount, or group, drew in the period: spent, given back, and set aside."""
    kind, now = nw.col("kind"), within(p.first_day, p.last_day)
    drawn = _of_payers(tables, p).filter(~nw.col("subaccount").is_null(), now)
    if p.by == "group":
        drawn = drawn.with_columns(subaccount=nw.col("payer"), group=nw.col("group_name").fill_null(""))
    else:
        drawn = drawn.with_columns(group=nw.lit(""))
    return drawn.with_columns(spent=taken(kind.is_in(("debit", "capture"))), refunded=only(kind == "refund"))


def _drawn(tables: Tables, p: Parameters) -> Frame:
    return pieces(tables, p, {}).group_by(*LIMITED).agg(nw.col("spent", "refunded", "held").sum())


WORDS = {
    "spent": "debits and captures of the period that the payer paid for the subaccount",
    "refunded": "what refunds of the period gave back to the payer",
    "held": "what the payer's entries of the period set aside, less what was taken of it or given free",
}


def subaccounts(tables: Tables, p: Parameters) -> Frame:
    """Return one row per payer, subaccount (or group) and limit; one that drew without a limit has one row, too."""
    clients = client_accounts(tables)
    payers = clients.select("currency", payer="account", payer_reference="reference", payer_client="client")
    names = clients.select(subaccount="account", reference="reference", client="client")
    group = nw.col("group_name").fill_null("")
    limits = tables.limits.select("period", "amount", "count", payer="payer_id", subaccount="account_id", group=group)
    if p.by == "group":
        limits = limits.filter(nw.col("group") != nw.lit(""))
        linked = tables.links.select(payer="payer_id", subaccount="payer_id", group=group)
    else:
        linked = tables.links.select(payer="payer_id", subaccount="account_id", group=nw.lit(""))
    pairs = nw.concat([linked, _drawn(tables, p).select(*LIMITED), limits.select(*LIMITED)]).unique()
    blocked = tables.transactions.filter(nw.col("code") == "write_off_limit_exceeded", within(p.first_day, p.last_day))
    declines = blocked.group_by("account_id").agg(declines=counted(~nw.col("id").is_null()).sum())
    rows = (
        pairs.join(_drawn(tables, p), on=list(LIMITED), how="left")
        .join(limits, on=list(LIMITED), how="left")
        .join(_used(tables, p), on=list(LIMITED), how="left")
        .join(payers, on="payer", how="inner")
        .join(names, on="subaccount", how="left")
        .join(declines.rename({"account_id": "subaccount"}), on="subaccount", how="left")
    )
    if p.account is not None:
        rows = rows.filter(nw.col("payer") == p.account)
    limited = ~nw.col("amount").is_null()
    return (
        in_currency(rows, p.currency)
        .with_columns(
            *(nw.col(name).fill_null(zero()) for name in ("spent", "refunded", "held")),
            used=_of_window(),
            declines=nw.col("declines").fill_null(0),
            whole=nw.col("payer") == nw.col("subaccount"),
        )
        .with_columns(
            drawn=nw.col("spent") - nw.col("refunded"),
            left=nw.when(limited).then(nw.col("amount") - nw.col("used")),
        )
        .rename({"amount": "limit", "count": "limit_count"})
        .sort("payer", "subaccount", "group", "period", nulls_last=True)
        .select(*(column.name for column in REPORT.columns))
    )


def as_entries(tables: Tables, p: Parameters, rows: Frame) -> Frame:
    """Set what is drawn beside the payer's entries that name a subaccount."""
    entries = _of_payers(tables, p).filter(
        within(p.first_day, p.last_day), ~nw.col("subaccount").is_null(), nw.col("kind").is_in(_MONEY_MOVES)
    )
    # A row for each limit: what was drawn is on all of them.
    pairs = rows.select(*(LIMITED if p.by == "group" else PAIR), "currency", "drawn").unique()
    return beside(entries.with_columns(amount=zero() - nw.col("amount")), pairs.select("currency", amount="drawn"))


REPORT = Report(
    name="subaccounts",
    en="Subaccounts",
    ru="Субсчета и лимиты списания",
    question="who spends the payer's money against which limit",
    parameters=Parameters,
    columns=(
        Column("payer", "account", "Payer", "Плательщик"),
        Column("payer_reference", "code", "Payer's reference", "Код плательщика"),
        Column("payer_client", "text", "Payer's name", "Имя плательщика"),
        Column("subaccount", "account", "Subaccount", "Субсчёт"),
        Column("reference", "code", "Reference", "Код субсчёта"),
        Column("client", "text", "Name", "Имя"),
        Column("group", "text", "Group", "Группа"),
        Column("currency", "currency", "Currency", "Валюта"),
        Column("spent", "money", "Spent", "Потрачено"),
        Column("refunded", "money", "Refunded", "Возвращено"),
        Column("drawn", "money", "Drawn", "Итого списано"),
        Column("held", "money", "Held (change)", "Резерв (изменение)"),
        Column("period", "word", "Limit by", "Лимит за"),
        Column("limit", "money", "Limit", "Лимит"),
        Column("limit_count", "count", "Limit, times", "Лимит, раз"),
        Column("used", "money", "Used", "Использовано"),
        Column("left", "money", "Left", "Осталось"),
        Column("declines", "count", "Declines by limit", "Отказов по лимиту"),
    ),
    key=("payer", "subaccount", "group", "period"),
    frame=subaccounts,
    checks=(Check("entries", "drawn = payer's entries", "списано = проводки плательщика", as_entries),),
    leads_to=to_account("subaccount", "payer"),
    contributions=Contributions(
        Source(pieces, WORDS),
        Source(used, {"used": "what was drawn in the limit's own window, less what was given back of it"}),
        Source(limits, {"limit": "the write-off limit at the cut"}, "limits"),
        made={"drawn": {"spent": 1, "refunded": -1}, "left": {"limit": 1, "used": -1}},
    ),
)
