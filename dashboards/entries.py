"""Entries: what stands behind a figure, narrowed as the figure is; each leads to its transaction."""

from typing import Any

import streamlit as st

from dashboards import asking, opened, screen
from dashboards.words import say, sentence
from reports.journal import NARROWING, Parameters, entries_behind
from reports.pivot import OF
from reports.run import Result


def entries() -> None:
    """Draw the page."""
    st.title(sentence("Entries"))
    result = _asked()
    st.caption(screen.facts(result))
    screen.trust(result)
    screen.result_table(result, key="entries", hide_empty=True, without=("leg", "business_date", "key"), rows=18)
    st.caption(say("Signs are the ledger's: plus raises what the client has."))
    screen.downloads(result, key="entries")


def _asked() -> Result:
    book = opened.book()
    columns = st.columns([2, 2, 2, 2, 1])
    first, last = asking.days(columns[0], (book.last_day.replace(day=1), book.last_day))
    account = asking.text(columns[3], "Account number or reference", "account")
    given: dict[str, Any] = {
        "kind": asking.choice(columns[1], "Entries on accounts of this kind", OF, "kind", shown=say),
        "brand": asking.choice(columns[2], "Brand", opened.brands()["code"].to_list(), "brand"),
        "currency": asking.choice(columns[4], "Currency", opened.currencies(), "currency"),
        "account": book.account(account) if account else None,
    }
    given |= {name: asking.asked(name) for name in NARROWING if name not in given}
    parameters = Parameters.model_validate({"from": first, "to": last, **given})
    return opened.made(("journal", parameters), lambda opened_book: entries_behind(opened_book, parameters))


if __name__ == "__main__":
    entries()
