"""Desk: what the finance team does by hand. It reads the ledger itself, not the lake.

One form is on the page at a time; the URL names it and its subject.
"""

import streamlit as st

from dashboards import access, url_state
from dashboards.forms import FORMS
from dashboards.translations import as_markdown, sentence, tr


def desk() -> None:
    """Draw the page."""
    st.title(sentence("Desk"))
    by = access.person().login
    seen = tr("What is posted here is seen in the figures after the next cut.")
    once = tr("Pressing twice, reloading or a second tab posts once: a draft has one key until it is answered.")
    st.caption(f"{seen} {once} {tr('Every change is marked {who}.', who=as_markdown(by))}")
    name = url_state.one_of(st, "What to do", list(FORMS), "form", shown=lambda name: sentence(FORMS[name][0]))
    _, form = FORMS[name]
    form(by)


if __name__ == "__main__":
    desk()
