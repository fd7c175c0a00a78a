"""Entries: what stands behind a figure, narrowed as the figure is; each leads to its transaction."""

from dataclasses import replace
from functools import partial
from typing import Any

import streamlit as st

from dashboards import cached_book, display, url_state
from dashboards.downloads import downloads
from dashboards.translations import sentence, tr
from reports.core.result import Result
from reports.journal import DATED, NARROWING, Parameters, entries_behind
from reports.pivot import OF


def entries() -> None:
    """Draw the page."""
    st.title(sentence("Entries"))
    result = _chosen()
    st.caption(display.facts(result))
    check = partial(cached_book.soon, ("control of the journal", result.parameters), lambda book: book.controls(result))
    controls = check()
    if controls is None:
        display.checking(check)
    else:
        display.control_status(replace(result, controls=controls))
    display.result_table(result, key="entries", hide_empty=True, without=("leg", "business_date", "key"), rows=18)
    st.caption(tr("Signs are the ledger's: plus raises what the client has."))
    if controls is not None:  # files have their control
        downloads(replace(result, controls=controls), key="entries")


def _chosen() -> Result:
    book = cached_book.book()
    columns = st.columns([2, 2, 2, 2, 1])
    first, last = url_state.days(columns[0], (book.last_day.replace(day=1), book.last_day))
    account = url_state.text(columns[3], "Account number or reference", "account")
    given: dict[str, Any] = {
        "kind": url_state.choice(columns[1], "Entries on accounts of this kind", OF, "kind", shown=tr),
        "brand": url_state.choice(columns[2], "Brand", cached_book.brands()["code"].to_list(), "brand"),
        "currency": url_state.choice(columns[4], "Currency", cached_book.currencies(), "currency"),
        "account": book.account(account) if account else None,
    }
    given |= {name: url_state.get(name) for name in NARROWING if name not in given}
    # As the figure was dated that they stand behind.
    given |= {name: url_state.get(name) for name in DATED if url_state.get(name)}
    parameters = Parameters.model_validate({"from": first, "to": last, **given})
    return cached_book.cached(
        ("journal", parameters), lambda opened_book: entries_behind(opened_book, parameters, controlled=False)
    )


if __name__ == "__main__":
    entries()
