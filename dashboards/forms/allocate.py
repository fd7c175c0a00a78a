"""The form that gives money without an account its accounts, under the list of what still waits.

A payment waits when nobody knew whose it is, a refund when the account that had paid is closed.
"""

import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

import polars as pl
import streamlit as st

from dashboards import display
from dashboards.forms import drafts, subjects
from dashboards.forms.fields import Fields, Given
from dashboards.forms.money import named
from dashboards.forms.posting import answered, command, connected
from dashboards.translations import as_markdown, sentence, tr
from ledger.postgres import desk_queries
from ledger.values.money import decimal
from reports.core.report import Column

WAITING = (
    Column("brand", "code", "Brand", "Бренд"),
    Column("posted_at", "instant", "Time", "Время"),
    Column("id", "number", "Transaction", "Операция"),
    Column("kind", "word", "Kind", "Вид"),
    Column("left", "money", "Unallocated", "Не разнесено"),
    Column("currency", "currency", "Currency", "Валюта"),
    Column("amount", "money", "Amount", "Сумма"),
    Column("note", "text", "Note", "Примечание"),
    Column("channel", "code", "Channel", "Канал"),
    Column("value_date", "date", "Value date", "Дата банка"),
    Column("key", "code", "Key", "Ключ"),
)
MOST_PARTS = 50


def allocate(by: str) -> None:
    """Draw what still waits, by brand, and the form that allocates one of them; posted after its quote was seen."""
    with connected() as connection:
        waiting = desk_queries.unallocated(connection)
    if not waiting:
        st.success(sentence("no money waits for its account"), icon=":material/check:")
    else:
        _totals(waiting)
        subjects.rows(waiting, WAITING, key="waiting", leads=("payment=id",))
        st.caption(f"{tr('rows: {n}', n=display.count(len(waiting)))} · {tr('click a row to allocate it')}")
    found = subjects.transaction("Payment or refund: number or key", "payment")
    if found is not None:
        _one(found, by)


def _totals(waiting: Sequence[subjects.Row]) -> None:
    sums = pl.DataFrame(waiting, infer_schema_length=None).group_by("brand", "currency", maintain_order=True)
    facts = (
        f"{as_markdown(brand)} · {tr('rows: {n}', n=count)} · **{display.money(decimal(left), currency)}**"
        for brand, currency, left, count in sums.agg(pl.col("left").sum(), pl.len().alias("n")).iter_rows()
    )
    st.markdown("  \n".join(facts))


def _one(found: desk_queries.Earlier, by: str) -> None:
    number, left = found.facts["id"], decimal(found.waiting)
    if not left and not answered("allocate", number):
        st.info(sentence("nothing of this transaction waits for an account"))
        return
    if found.moves:
        subjects.moves(found)
    drafts.of(f"allocate {number}")  # what was typed before a reload is back, however many parts it has
    written = re.compile(rf"allocate {number}/account (\d+)")
    found_parts = [int(match[1]) for name in st.session_state if (match := written.fullmatch(str(name)))]
    parts = max(1 + max(found_parts, default=0), st.session_state.get(f"parts of {number}", 1))

    def fill(fields: Fields) -> Given:
        split = [_part(fields, part) for part in range(parts)]
        fields.text("note", "Note")
        return {"payment": found.facts["key"], "split": _with_rest(split, left), "by": by} | _note(fields)

    command("allocate", fill, about=number, sure=True, columns=2)
    if left and parts < MOST_PARTS and st.button(sentence("One more account"), icon=":material/add:"):
        st.session_state[f"parts of {number}"] = parts + 1
        st.rerun()


def _part(fields: Fields, part: int) -> Given:
    account = fields.text(f"account {part}", "Account number or reference")
    amount = fields.amount(f"amount {part}", "Amount", blank="the rest")
    return ({"account": named(account)} if account else {}) | ({"amount": amount} if amount else {})


def _with_rest(split: list[Given], left: Decimal) -> list[Given]:
    """Return the parts that name anything; the one without an amount has what the others leave."""
    split = [part for part in split if part]
    blank = [part for part in split if "amount" not in part]
    try:
        rest = left - sum(Decimal(part["amount"]) for part in split if "amount" in part)
    except InvalidOperation:  # the ledger reports which amount is none
        rest = left
    if len(blank) == 1 and rest > 0:
        blank[0]["amount"] = f"{rest:.2f}"
    return split


def _note(fields: Fields) -> Given:
    return {"note": fields.given["note"]} if "note" in fields.given else {}
