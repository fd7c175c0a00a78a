"""Changes of terms: who changed credit, links, limits, status, promotions and bonus programmes, when, to what.

Days are those on which the change was recorded. Control: the audit log has no gap:
what is listed and what is not comes to the numbers that were given out.
"""

import narwhals as nw

from reports.core.leads import to_account
from reports.core.parameters import OfAccount, Period
from reports.core.report import Check, Column, Report
from reports.core.tables import MONEY, Frame, Tables, beside, counted, within

KINDS = ("credit_terms", "link", "write_off_limit", "account_status", "merge", "promotion", "bonus_program")


class Parameters(Period, OfAccount):
    """A period and an account."""


def _chosen(tables: Tables, p: Parameters) -> nw.Expr:
    chosen = nw.col("kind").is_in(KINDS) & within(p.first_day, p.last_day)
    return chosen if p.account is None else chosen & (nw.col("account_id") == p.account)


def terms_changes(tables: Tables, p: Parameters) -> Frame:
    """Return one row per change, in order; before and after are JSON, before is null when it is new."""
    changed = tables.changes.filter(_chosen(tables, p)).rename({"account_id": "account", "id": "change"})
    return changed.select(*(column.name for column in REPORT.columns)).sort("change")


def as_audit_log(tables: Tables, p: Parameters, rows: Frame) -> Frame:
    """Set the number of lines of the audit log beside those listed and those left out."""
    log = tables.changes.with_columns(
        currency=nw.lit(""), one=nw.lit(1).cast(MONEY), other=counted(~_chosen(tables, p).fill_null(False)).cast(MONEY)
    )
    listed = rows.with_columns(currency=nw.lit(""), amount=nw.lit(1).cast(MONEY)).select("currency", "amount")
    others = log.select("currency", amount="other")
    return beside(log.select("currency", amount="one"), nw.concat([others, listed]))


REPORT = Report(
    name="terms-changes",
    en="Changes of terms",
    ru="Изменения условий",
    question="who changed limits, links, promotions and bonuses, when",
    parameters=Parameters,
    columns=(
        Column("change", "number", "No.", "№"),
        Column("recorded_at", "instant", "Time", "Время"),
        Column("business_date", "date", "Date", "Дата"),
        Column("kind", "word", "Kind", "Вид"),
        Column("subject", "code", "Subject", "Предмет"),
        Column("account", "account", "Account", "Счёт"),
        Column("before", "state", "Before", "Было"),
        Column("after", "state", "After", "Стало"),
        Column("by", "text", "By", "Кто"),
        Column("note", "text", "Note", "Примечание"),
    ),
    key=("change",),
    frame=terms_changes,
    checks=(Check("audit_log", "listed + others = audit log", "показано + прочее = журнал", as_audit_log),),
    leads_to=to_account(),
)
