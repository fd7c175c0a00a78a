"""A form's life: filled in, quoted, confirmed, answered.

A form has one key until it is answered, kept in the session: a second click, a rerun or a
broken connection sends the same key again, and the ledger replays its first answer. Where
money would be gone for good, the ledger's quote is shown, and only what was quoted is posted (DECISIONS D59).
"""

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import streamlit as st
from psycopg import Connection

from dashboards import display
from dashboards.forms.fields import Fields, Given, forget
from dashboards.refusals import refusal, translated
from dashboards.translations import as_markdown, sentence, tr
from ledger.administration.records import Record
from ledger.core.commands import Command
from ledger.core.money import decimal
from ledger.core.outcomes import Declined, Done, Invalid, Posted
from ledger.food.core import commands
from ledger.food.postgres.post_orders import Desk
from ledger.postgres import desk_queries
from ledger.postgres.database import connect, server_url
from ledger.postgres.post import Ledger
from ledger.settings import Settings

Outcome = Posted | Declined | Invalid | Done
REPEATED = ("amount", "brand", "channel", "reason", "note")
"""What was written that the quote does not show by itself."""
Fill = Callable[[Fields], Given]


def connected() -> Connection[Any]:
    """Return a connection to the ledger's database, for `with`."""
    return connect(server_url(Settings()))


@contextmanager
def _desk() -> Iterator[Desk]:
    desk = Desk(Ledger(server_url(Settings())))
    try:
        yield desk
    finally:
        desk.close()


def command(kind: str, fill: Fill, *, about: object = "", sure: bool = False, columns: int = 3) -> None:
    """Draw the form of one command until it is answered; `fill` draws its fields and returns what they come to.

    Forms of one kind about different things are different forms. `sure`: it is posted after its quote was seen.
    """
    form = f"{kind} {about}".rstrip()
    if _answered(form) or _quoted(form):
        return
    with st.form(form):
        given = fill(Fields(form, columns))
        posted = False
        with st.container(horizontal=True):
            checked = st.form_submit_button(sentence("Check"), type="primary" if sure else "secondary")
            if not sure:
                posted = st.form_submit_button(sentence("Post"), type="primary")
    if not (checked or posted):
        return
    outcome = _outcome_of(form, {"type": kind, **given}, post=posted)
    if posted:
        _settle(form, outcome)
    elif sure and isinstance(outcome, Posted):
        _state(form)["quoted"] = {"type": kind, **given}, outcome
        st.rerun()
    _show(outcome, quoted=checked)


def _quoted(form: str) -> bool:
    """Show what was quoted, to be posted or changed; say whether it still waits for that."""
    state = _state(form)
    if "quoted" not in state:
        return False
    given, outcome = state["quoted"]
    with st.container(border=True):
        _show(outcome, quoted=True)
        written = [f"{translated(name)} **{as_markdown(given[name])}**" for name in REPEATED if name in given]
        st.caption(" · ".join([sentence(given["type"]), *written]))
        with st.container(horizontal=True):
            posted = st.button(sentence("Post"), type="primary", key=f"post {form}")
            changed = st.button(sentence("Change"), key=f"change {form}")
    if posted:
        outcome = _outcome_of(form, given, post=True)
        _settle(form, outcome)
        _show(outcome)
    if posted or changed:
        del state["quoted"]
        if changed:
            st.rerun()
    return not posted


def _outcome_of(form: str, given: Given, *, post: bool) -> Outcome:
    key = _state(form).setdefault("key", f"desk-{uuid.uuid4()}")
    try:
        parsed = commands.parse({**given, "key": key})
    except ValueError as error:
        return Invalid(message=str(error))
    assert isinstance(parsed, Command)
    with _desk() as desk:
        (outcome,) = desk.post([parsed]) if post else desk.quote([parsed])
    return outcome


def _settle(form: str, outcome: Outcome) -> None:
    """Keep a posting on the screen with its key; after a refusal the next attempt has a key of its own."""
    state = _state(form)
    if isinstance(outcome, Posted):
        state["answer"] = outcome
        state.pop("quoted", None)
        st.rerun()
    del state["key"]


def answered(kind: str, about: object) -> bool:
    """Return whether a form was answered, and its answer is still to be shown."""
    return "answer" in _state(f"{kind} {about}".rstrip())


def _answered(form: str) -> bool:
    outcome = _state(form).get("answer")
    if outcome is None:
        return False
    _show(outcome)
    if st.button(sentence("Another one"), key=f"another {form}"):
        del st.session_state[f"form {form}"]
        forget(form)
        st.rerun()
    return True


def _state(form: str) -> dict[str, Any]:
    """Return what is kept of a form: its key, what was quoted, the answer."""
    state: dict[str, Any] = st.session_state.setdefault(f"form {form}", {})
    return state


def terms(kind: str, fill: Callable[[Fields], Sequence[Given]], *, about: object = "", columns: int = 3) -> None:
    """Draw a form of terms; `fill` returns the administration lines to write, together.

    `about` names all that the fields start from, so that they start anew when it changes.
    """
    form = f"{kind} {about}".rstrip()
    with st.form(form):
        lines = fill(Fields(form, columns))
        saved = st.form_submit_button(sentence("Save"), type="primary")
    if saved:
        st.session_state[f"outcomes {kind}"] = _administered(lines)
        st.rerun()  # what stands above the form is what it set
    for outcome in st.session_state.pop(f"outcomes {kind}", ()):
        _show(outcome)


def _administered(lines: Sequence[Given]) -> list[Outcome]:
    try:
        parsed = [commands.parse(line) for line in lines]
    except ValueError as error:
        return [Invalid(message=str(error))]
    with _desk() as desk:
        outcomes = list(desk.administer([record for record in parsed if isinstance(record, Record)]))
    refused = [outcome for outcome in outcomes if not isinstance(outcome, Done)]
    return [*(refused or outcomes[:1])]


def _show(outcome: Outcome, *, quoted: bool = False) -> None:
    match outcome:
        case Posted():
            text = tr("would be posted") if quoted else tr("posted as transaction {n}", n=outcome.transaction)
            (st.info if quoted else st.success)(sentence(text), icon=":material/check:")
            if outcome.replayed:
                st.info(sentence("the answer of the first time: nothing was posted twice"))
            _moved(outcome)
        case Declined():
            st.error(as_markdown(refusal(outcome.code, outcome.named_facts)), icon=":material/block:")
        case Done():
            st.success(sentence("done"), icon=":material/check:")
        case _:
            st.error(as_markdown(translated(outcome.message)), icon=":material/error:")


def _moved(outcome: Posted) -> None:
    with connected() as connection:
        names = desk_queries.clients(connection, [moved.account for moved in outcome.accounts])
    for moved in outcome.accounts:
        change, balance = (display.money(decimal(part)) for part in (moved.amount, moved.balance))
        named = f"{sentence('Account')} **{moved.account}** {as_markdown(names.get(moved.account, ''))}"
        st.markdown(f"{named} · {change} · {tr('balance after')} **{balance}**")
        if moved.balance < 0 and moved.amount < 0:
            st.warning(sentence("the account is below zero after it"), icon=":material/trending_down:")
