"""Desk: what the finance team does by hand. It asks the ledger itself, not the lake.

One form is on the page at a time; the URL says which, and what it is about.
"""

import streamlit as st

from dashboards import url_state
from dashboards.forms import FORMS
from dashboards.translations import sentence, tr


def desk() -> None:
    """Draw the page."""
    head, who = st.columns([3, 1], vertical_alignment="bottom")
    head.title(sentence("Desk"))
    by = url_state.who(who)
    seen = tr("What is posted here is seen in the figures after the next cut.")
    once = tr(
        "Pressing twice, or again after a broken connection, posts once: the form has one key until it is answered."
    )
    st.caption(f"{seen} {once}")
    name = url_state.one_of(st, "What to do", list(FORMS), "form", shown=lambda name: sentence(FORMS[name][0]))
    if not by:
        st.info(sentence("write your name: every change says who made it"))
        return
    _, form = FORMS[name]
    form(by)


if __name__ == "__main__":
    desk()
