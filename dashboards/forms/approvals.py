"""What waits for another person, and what became of it."""

import streamlit as st

from dashboards.translations import as_markdown, sentence, tr
from ledger.postgres.drafts import Asked


def show_state(asked: Asked) -> None:
    """Show whether a draft waits, or why it was not posted."""
    if asked.state == "waiting" and asked.decided_by is None:
        st.info(sentence("waits for another person to agree to it"), icon=":material/group:")
    elif asked.state == "refused":
        note = tr("refused by {who}: {why}", who=as_markdown(asked.decided_by or ""), why=as_markdown(asked.why or "–"))
        st.error(sentence(note), icon=":material/block:")
    elif asked.state == "outdated":
        st.error(sentence(tr("outdated: {why}", why=as_markdown(asked.why or "–"))), icon=":material/history:")
    elif asked.state == "answered":
        st.success(sentence(tr("agreed to by {who}", who=as_markdown(asked.decided_by or ""))), icon=":material/check:")
    else:
        st.info(sentence("agreed to; it is not posted yet"), icon=":material/group:")
