"""Large debits on a page of the dashboard: a Streamlit script, run anew for each reader and each click."""

import streamlit as st

from dashboards import cached_book, display, url_state
from dashboards.translations import language

TITLE = {"en": "Large debits", "ru": "Крупные списания"}  # in the menu, under the company's name
NEEDS = "figures"  # or "questions", "post", "approve": what a reader must be allowed to do

st.title(TITLE[language()])
last = cached_book.book().last_day  # the book as this reader may see it
first, last = url_state.days(st, (last.replace(day=1), last))
result = cached_book.report("large-debits", first_day=first, last_day=last)
st.caption(display.facts(result))
display.control_status(result)
display.result_table(result, key="large debits")
