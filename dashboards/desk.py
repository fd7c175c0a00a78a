"""Desk: what the finance team does by hand: payments, limits, credit, status. It asks the ledger itself, not the lake.

A form has one key until it is answered, kept in the session: a second click, a rerun or a
broken connection sends the same key again, and the ledger replays its first answer.
"""

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import streamlit as st

from dashboards import asking, opened, screen
from dashboards.words import plain, say, sentence
from ledger import commands, queries, records
from ledger.database import connect, server_url
from ledger.money import decimal
from ledger.outcomes import Declined, Done, Invalid, Posted
from ledger.post import Ledger
from ledger.settings import Settings

CHANNELS = ("bank", "card", "cash", "other")
WINDOWS = ("order", "day", "week", "month", "total")
STATUSES = ("open", "frozen", "closed")
Given = dict[str, Any]
Outcome = Posted | Declined | Invalid | Done


def desk() -> None:
    """Draw the page."""
    st.title(sentence("Desk"))
    st.caption(say("What is posted here is seen in the figures after the next cut."))
    by = st.text_input(sentence("Who you are"), key="by", width=320).strip()
    if not by:
        st.info(sentence("write your name: every change says who made it"))
        return
    tabs = st.tabs([sentence(title) for title in _FORMS])
    for tab, (title, form) in zip(tabs, _FORMS.items(), strict=True):
        with tab:
            form(title, by)


def _payment(title: str, by: str) -> None:
    if _answered(title):
        return
    with st.form(title):
        left, middle, right = st.columns(3)
        given = {
            "type": "payment",
            "account": left.text_input(sentence("Account number or reference"), asking.asked("account") or ""),
            "amount": middle.text_input(sentence("Amount"), placeholder="1250.00"),
            "brand": right.selectbox(
                sentence("Brand"), opened.brands()["code"].to_list(), index=None, placeholder=say("choose")
            ),
            "channel": left.selectbox(sentence("Channel"), CHANNELS),
            "value_date": middle.date_input(sentence("Bank's date (if known)"), None, format="YYYY-MM-DD"),
            "note": right.text_input(sentence("Note")),
            "by": by,
        }
        check, post = st.columns([1, 8])
        checked = check.form_submit_button(sentence("Check"))
        posted = post.form_submit_button(sentence("Post"), type="primary")
    st.caption(say("Pressing twice, or again after a broken connection, posts once: "
                   "the form has one key until it is answered."))  # fmt: skip
    if checked or posted:
        _command(title, {**_filled(given), "key": _key(title)}, post=posted)


def _command(title: str, given: Given, *, post: bool) -> None:
    try:
        command = commands.parse(given)
    except ValueError as error:
        st.error(plain(error))
        return
    with _ledger() as ledger:
        (outcome,) = ledger.post([command]) if post else ledger.quote([command])
    if post:
        _keep(title, outcome)
    else:
        _show(outcome, quoted=True)


def _limit(title: str, by: str) -> None:
    with st.form(title):
        left, middle, right = st.columns(3)
        given: Given = {
            "type": "write_off_limit",
            "payer": left.text_input(sentence("Payer's account"), asking.asked("account") or ""),
            "account": middle.text_input(sentence("Subaccount (blank: all that the payer pays)")),
            "period": right.selectbox(sentence("Window"), WINDOWS, index=1, format_func=say),
            "amount": left.text_input(sentence("At most, amount"), placeholder=say("no limit")),
            "count": _number(middle.text_input(sentence("At most, times"), placeholder=say("no limit"))),
            "by": by,
            "note": right.text_input(sentence("Note")),
        }
        saved = st.form_submit_button(sentence("Save"), type="primary")
    if saved:
        # Both values are always said: what is left blank is no limit, not a limit left as it was.
        _record({**_filled(given), "amount": given["amount"].strip() or None, "count": given["count"]})


def _credit(title: str, by: str) -> None:
    with st.form(title):
        left, middle, right = st.columns(3)
        given = {
            "type": "credit_terms",
            "account": left.text_input(sentence("Account number or reference"), asking.asked("account") or ""),
            "limit": middle.text_input(sentence("Limit"), placeholder="10000.00"),
            "period_days": _number(right.text_input(sentence("Days to pay"))),
            "valid_from": left.date_input(sentence("Valid from"), None, format="YYYY-MM-DD"),
            "valid_until": middle.date_input(sentence("Valid until"), None, format="YYYY-MM-DD"),
            "note": right.text_input(sentence("Note")),
            "by": by,
        }
        saved = st.form_submit_button(sentence("Save"), type="primary")
    if saved:
        _record(_filled(given))


def _status(title: str, by: str) -> None:
    with st.form(title):
        left, middle, right = st.columns(3)
        given = {
            "type": "account_status",
            "account": left.text_input(sentence("Account number or reference"), asking.asked("account") or ""),
            "status": middle.selectbox(sentence("Status"), STATUSES, index=1, format_func=say),
            "note": right.text_input(sentence("Note")),
            "by": by,
        }
        saved = st.form_submit_button(sentence("Save"), type="primary")
    if saved:
        _record(_filled(given))


def _now(title: str, by: str) -> None:
    asked = st.text_input(sentence("Account number or reference"), asking.asked("account") or "", key="now", width=320)
    if not asked.strip():
        return
    with connect(server_url(Settings())) as connection:
        standing = queries.balance(connection, _account(asked)).to_json()
    figures = {"Balance": "balance", "Held": "held", "credit limit": "credit_limit", "available": "available"}
    screen.tiles([(label, screen.read(standing[name]), "") for label, name in figures.items()], standing["currency"])
    if standing["overdue"]:
        st.error(f"{sentence('overdue')}: {standing['unpaid_since']}")


_FORMS: dict[str, Callable[[str, str], None]] = {
    "Register a payment": _payment,
    "Set a write-off limit": _limit,
    "Set credit terms": _credit,
    "Freeze or open an account": _status,
    "Now": _now,
}


def _filled(given: Mapping[str, Any]) -> Given:
    """Return what was filled in, as a line of the ledger's JSON; digits are an account's number."""
    stripped = {name: value.strip() if isinstance(value, str) else value for name, value in given.items()}
    filled = {name: value for name, value in stripped.items() if value not in (None, "")}
    for name in ("account", "payer"):
        if name in filled:
            filled[name] = _account(filled[name])
    return filled


def _account(text: str) -> int | str:
    text = text.strip()
    return int(text) if text.isdecimal() and len(text) < 19 else text


def _number(text: str) -> int | str | None:
    text = text.strip()
    return int(text) if text.isdecimal() and len(text) < 10 else text or None


@contextmanager
def _ledger() -> Iterator[Ledger]:
    ledger = Ledger(server_url(Settings()))
    try:
        yield ledger
    finally:
        ledger.close()


def _key(title: str) -> str:
    key: str = st.session_state.setdefault(f"key of {title}", f"desk-{uuid.uuid4()}")
    return key


def _keep(title: str, outcome: Outcome) -> None:
    """Keep a posting on the screen with its key; a refusal is told, and the next attempt has a key of its own."""
    if isinstance(outcome, Posted):
        st.session_state[f"answer of {title}"] = outcome
        st.rerun()
    del st.session_state[f"key of {title}"]
    _show(outcome)


def _answered(title: str) -> bool:
    outcome = st.session_state.get(f"answer of {title}")
    if outcome is None:
        return False
    _show(outcome)
    if st.button(sentence("Another one")):
        for name in ("answer", "key"):
            st.session_state.pop(f"{name} of {title}", None)
        st.rerun()
    return True


def _record(given: Given) -> None:
    try:
        record = records.parse(given)
    except ValueError as error:
        st.error(plain(error))
        return
    with _ledger() as ledger:
        (outcome,) = ledger.administer([record])
    _show(outcome)


def _show(outcome: Outcome, *, quoted: bool = False) -> None:
    match outcome:
        case Posted():
            said = say("would be posted") if quoted else say("posted as transaction {n}", n=outcome.transaction)
            st.success(sentence(said), icon=":material/check:")
            if outcome.replayed:
                st.info(sentence("the answer of the first time: nothing was posted twice"))
            for moved in outcome.accounts:
                change, balance = (screen.money(decimal(part)) for part in (moved.amount, moved.balance))
                named = f"{sentence('Account')} **{moved.account}** {plain(moved.reference or '')}"
                st.markdown(f"{named} · {change} · {say('balance after')} **{balance}**")
        case Declined():
            st.error(plain(outcome.message), icon=":material/block:")
        case Done():
            st.success(sentence("done"), icon=":material/check:")
        case _:
            st.error(plain(outcome.message), icon=":material/error:")


if __name__ == "__main__":
    desk()
