"""Approvals: what waits for another person than the one who asked for it, each with its quote, then and now.

What is agreed to is posted under the one key of its draft; what the ledger would not post any more is outdated, and
why is kept with it.
"""

import streamlit as st

from dashboards import access, cached_book, display
from dashboards.forms import posting
from dashboards.translations import as_markdown, sentence, tr
from ledger.core.outcomes import Posted
from ledger.postgres import drafts
from ledger.postgres.drafts import Asked

SHOWN = ("account", "to", "amount", "brand", "channel", "transaction", "reason", "note")


def approvals() -> None:
    """Draw the page."""
    st.title(sentence("Approvals"))
    for outcome in st.session_state.pop("decided", ()):
        posting.show(outcome)
    with access.reading() as connection:
        waiting = drafts.waiting(connection)
    if not waiting:
        st.success(sentence("nothing waits for another person"), icon=":material/check:")
    for asked in waiting:
        with st.container(border=True):
            _one(asked)


def _one(asked: Asked) -> None:
    """Draw one draft: who asked for what and when, its quote then and now, and the two buttons."""
    at = display.local(asked.made_at, cached_book.book().cut.time_zone)
    st.markdown(f"**{sentence(asked.line['type'])}** · {as_markdown(asked.who)} · {at}")
    parts = [f"{tr(name)} **{as_markdown(str(asked.line[name]))}**" for name in SHOWN if name in asked.line]
    st.caption(" · ".join(parts))
    now = posting.outcome_of(asked.key, asked.line, post=False)
    posting.show(now, quoted=True)
    if isinstance(now, Posted) and _balances(now.to_json()) != _balances(asked.quoted):
        st.warning(sentence("balances have changed since it was requested"), icon=":material/history:")
    if asked.who.lower() == access.person().login.lower():
        st.caption(tr("you asked for this: another person agrees to it"))
        return
    why = st.text_input(sentence("Reason of a refusal"), key=f"why {asked.id}")
    with st.container(horizontal=True):
        agreed = st.button(sentence("Agree and post"), type="primary", key=f"agree {asked.id}")
        refused = st.button(sentence("Refuse"), key=f"refuse {asked.id}")
    if agreed:
        _agree(asked)
    if refused:
        _decide(asked, "refused", why or None)
    if agreed or refused:
        st.rerun()


def _balances(quote: drafts.Json) -> list[tuple[object, object]]:
    return [(moved["account"], moved["balance"]) for moved in quote["accounts"]]


def _agree(asked: Asked) -> None:
    """Post a draft under its key, or keep why it cannot be posted any more."""
    now = posting.outcome_of(asked.key, asked.line, post=False)
    if not isinstance(now, Posted):
        _decide(asked, "outdated", now.to_json().get("message", ""))
        st.session_state["decided"] = [now]
        return
    _decide(asked, "waiting", None)  # until it is posted: whoever is broken off here agrees once more
    outcome = posting.outcome_of(asked.key, asked.line, post=True)
    with access.writing() as connection:
        drafts.settle(connection, asked.id, "answered")
    st.session_state["decided"] = [outcome]


def _decide(asked: Asked, state: drafts.State, why: str | None) -> None:
    access.require("approve")
    with access.writing() as connection:
        drafts.decide(connection, asked.id, access.person().login, state, why)


if __name__ == "__main__":
    approvals()
