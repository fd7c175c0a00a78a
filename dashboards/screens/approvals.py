"""Approvals: what waits for another person than the one who asked for it, each with its quote, then and now.

What is agreed to is posted under the one key of its draft; what the ledger would not post any more is outdated, and
why is kept with it.
"""

import streamlit as st

from dashboards import access, cached_book, display
from dashboards.forms import posting
from dashboards.translations import as_markdown, sentence, tr
from ledger.core.outcomes import Done, Posted
from ledger.postgres import desk_queries, drafts
from ledger.postgres.drafts import ApprovalRequest

SHOWN = (
    "account",
    "to",
    "amount",
    "limit",
    "period_days",
    "valid_from",
    "valid_until",
    "brand",
    "channel",
    "transaction",
    "debit",
    "order",
    "reason",
    "note",
)


def approvals() -> None:
    """Draw the page."""
    st.title(sentence("Approvals"))
    for outcome in st.session_state.pop("decided", ()):
        posting.show(outcome)
    with access.reading() as connection:
        waiting, before = drafts.waiting(connection), drafts.decided(connection)
    if not waiting:
        st.success(sentence("nothing waits for another person"), icon=":material/check:")
    for request in waiting:
        with st.container(border=True):
            _one(request)
    if before:
        st.markdown(f"**{sentence('decided last')}**")
        st.markdown("  \n".join(_decided(request, number) for request, number in before))


def _kind(request: ApprovalRequest) -> str:
    return sentence(request.line["type"]).replace("_", " ")


def _line_words(line: drafts.Json) -> str:
    """Return in words what somebody asks for."""
    parts = [f"{tr(name)} **{as_markdown(str(line[name]))}**" for name in SHOWN if line.get(name) is not None]
    return " · ".join(parts)


def _decided(request: ApprovalRequest, number: int | None) -> str:
    """Return in a line what was decided, by whom, and what became of it."""
    what = f"{_kind(request)} · {_line_words(request.line)} · "
    if request.state != "answered":
        became = "refused by {who}: {why}" if request.state == "refused" else "outdated: {why}"
        return what + tr(became, who=as_markdown(request.decided_by or ""), why=as_markdown(request.why or "–"))
    people = tr("asked for by {who}, agreed to by {other}", who=request.who, other=request.decided_by)
    return f"{what}{as_markdown(people)}" + (f" · {tr('posted as transaction {n}', n=number)}" if number else "")


def _one(request: ApprovalRequest) -> None:
    """Draw one draft: who asked for what and when, its quote then and now, and the two buttons."""
    at = display.local(request.made_at, cached_book.book().cut.time_zone)
    st.markdown(f"**{_kind(request)}** · {as_markdown(request.who)} · {at}")
    st.caption(_line_words(request.line))
    changed = _changed_since(request)
    if changed:
        st.warning(sentence(changed), icon=":material/history:")
    if request.who.lower() == access.person().login.lower():
        st.caption(tr("you asked for this: another person agrees to it"))
        return
    why = st.text_input(sentence("Reason of a refusal"), key=f"why {request.id}")
    with st.container(horizontal=True):
        agreed = st.button(sentence("Agree and post"), type="primary", key=f"agree {request.id}")
        refused = st.button(sentence("Refuse"), key=f"refuse {request.id}")
    if agreed:
        _agree(request)
    if refused:
        _decide(request, "refused", why or None)
    if agreed or refused:
        st.rerun()


def _changed_since(request: ApprovalRequest) -> str | None:
    """Draw what it would do now, or what was agreed so far; return what has changed since it was asked for."""
    if "terms" in request.quoted:
        with access.reading() as connection:
            terms = desk_queries.terms(connection, request.line["account"])
        st.markdown(f"{sentence('agreed so far')}: {_line_words(terms or {}) or tr('nothing')}")
        return "terms have changed since it was requested" if terms != request.quoted["terms"] else None
    now = posting.outcome_of(request.key, request.line, post=False)
    posting.show(now, quoted=True)
    changed = isinstance(now, Posted) and _balances(now.to_json()) != _balances(request.quoted)
    return "balances have changed since it was requested" if changed else None


def _balances(quote: drafts.Json) -> list[tuple[object, object]]:
    return [(moved["account"], moved["balance"]) for moved in quote["accounts"]]


def _agree(request: ApprovalRequest) -> None:
    """Post a draft under its key, or keep why it cannot be posted any more."""
    of_terms = "terms" in request.quoted
    now = None if of_terms else posting.outcome_of(request.key, request.line, post=False)
    if now is None or isinstance(now, Posted):
        _decide(request, "waiting", None)  # until it is posted: whoever is broken off here agrees once more
        if of_terms:
            [now] = posting.administered([dict(request.line)], action="approve")
        else:
            now = posting.outcome_of(request.key, request.line, post=True)
    if isinstance(now, Posted | Done):
        with access.writing() as connection:
            drafts.settle(connection, request.id, "answered")
    else:
        _decide(request, "outdated", now.to_json().get("message", ""))
    st.session_state["decided"] = [now]


def _decide(request: ApprovalRequest, state: drafts.State, why: str | None) -> None:
    access.require("approve")
    with access.writing() as connection:
        drafts.decide(connection, request.id, access.person().login, state, why)


if __name__ == "__main__":
    approvals()
