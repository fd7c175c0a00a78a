"""What waits for another person, and what became of it."""

import streamlit as st

from dashboards.translations import as_markdown, sentence, tr
from ledger.postgres.drafts import ApprovalRequest


def show_state(request: ApprovalRequest) -> None:
    """Show whether a draft waits, or why it was not posted."""
    if request.state == "waiting" and request.decided_by is None:
        st.info(sentence("waits for another person to agree to it"), icon=":material/group:")
    elif request.state == "refused":
        note = tr(
            "refused by {who}: {why}", who=as_markdown(request.decided_by or ""), why=as_markdown(request.why or "–")
        )
        st.error(sentence(note), icon=":material/block:")
    elif request.state == "outdated":
        st.error(sentence(tr("outdated: {why}", why=as_markdown(request.why or "–"))), icon=":material/history:")
    elif request.state == "answered":
        st.success(
            sentence(tr("agreed to by {who}", who=as_markdown(request.decided_by or ""))), icon=":material/check:"
        )
    else:
        st.info(sentence("agreed to; it is not posted yet"), icon=":material/group:")
