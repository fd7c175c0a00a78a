"""Fields whose values live in the URL, so that a page can be shared, and a click can lead to a page that is filled in.

A field takes its value from the URL when the URL is new to it, else from the viewer, and
writes it back. Streamlit's own binding leaves default values out of the URL; here a shared
page names its days even when they are the default ones (DECISIONS D56).
"""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, TypeVar

import streamlit as st

from dashboards.translations import sentence, tr
from ledger.values.dates import date_or_none

T = TypeVar("T")


def get(name: str) -> str | None:
    """Return the value of that name in the URL; None where it is missing or blank."""
    return st.query_params.get(name) or None


def get_date(name: str) -> date | None:
    """Return the date of that name in the URL; None where it is missing or not a date."""
    return date_or_none(get(name) or "")


def arrive(page: str) -> None:
    """Note which page is drawn. After the browser's Back, the URL is put back as it was on that page.

    Streamlit goes back to the page, but with the URL's query of the page that was left.
    """
    state = st.session_state
    left, query = state.get("left", (page, {}))
    if page != left and query and st.query_params.to_dict() == query and page in state.get("queries", {}):
        st.query_params.from_dict(state["queries"][page])
    state.update(page=page, part="")


def leave() -> None:
    """Keep the URL of the page that was drawn, for those who come back to it."""
    state, query = st.session_state, st.query_params.to_dict()
    state["left"] = (state["page"], query)
    state.setdefault("queries", {})[state["page"]] = query


def is_own() -> bool:
    """Return whether this session's fields have written the URL, or it says nothing: no link has brought it.

    To be asked before a page's fields are drawn.
    """
    query = st.query_params.to_dict()
    return not query or _own(query) in st.session_state.get("own", ())


def _own(query: dict[str, str]) -> tuple[Any, ...]:
    return (st.session_state.get("page", ""), frozenset(query.items()))


def remember(name: str, value: object) -> None:
    """Write a value into the URL; None and blank take the name out."""
    written = "" if value is None else str(value)
    if written:
        if st.query_params.get(name) != written:
            st.query_params[name] = written
    elif name in st.query_params:
        del st.query_params[name]
    state = st.session_state
    state[f"url {_scope(name)}"] = written or None
    # Also of a run that is broken off: whoever changes two fields quickly, or asks for what there is not.
    state.setdefault("own", set()).add(_own(st.query_params.to_dict()))


def days(place: Any, default: tuple[date, date]) -> tuple[date, date]:
    """Draw a period of days, both included, and return it; while only its first day is chosen, the one before."""
    key = _scope("from")
    in_url = (get("from"), get("to"))
    default_days = (get_date("from") or default[0], get_date("to") or default[1])
    if key not in st.session_state or in_url != st.session_state.get(f"url {key} to"):
        st.session_state[key] = default_days if default_days[0] <= default_days[1] else default
    chosen = place.date_input(sentence("Period"), key=key, format="YYYY-MM-DD")
    since, until = chosen if isinstance(chosen, tuple) and len(chosen) == 2 else default_days
    remember("from", since)
    remember("to", until)
    st.session_state[f"url {key} to"] = (since.isoformat(), until.isoformat())
    return since, until


def day(place: Any, label: str, name: str, default: date) -> date:
    """Draw one day and return it."""
    key = _seeded(name, default, lambda text: date_or_none(text) or default)
    chosen = place.date_input(sentence(label), key=key, format="YYYY-MM-DD")
    assert isinstance(chosen, date)
    remember(name, chosen)
    return chosen


def text(place: Any, label: str, name: str, **options: Any) -> str:
    """Draw a line of text and return it, without blanks around it."""
    key = _seeded(name, "", str)
    written: str = place.text_input(sentence(label), key=key, **options).strip()
    remember(name, written)
    return written


def choice(
    place: Any,
    label: str,
    options: Sequence[str],
    name: str,
    *,
    default: str | None = None,
    shown: Callable[[str], str] = str,
) -> str | None:
    """Draw a choice of one of the options and return it; without a default, None stands for any."""
    options = list(options)
    key = _seeded(name, default, lambda text: text if text in options else default)
    if st.session_state[key] not in options:
        st.session_state[key] = default
    chosen: str | None = place.selectbox(
        sentence(label),
        options,
        index=None if default is None else options.index(default),
        key=key,
        placeholder=tr("any"),
        format_func=shown,
    )
    remember(name, chosen)
    return chosen


def one_of(place: Any, label: str, options: Sequence[str], name: str, *, shown: Callable[[str], str] = str) -> str:
    """Draw the options side by side, of which one is always chosen, at first the first; return it."""
    key = _seeded(name, options[0], lambda text: text if text in options else options[0])
    chosen: str = place.pills(
        sentence(label), options, key=key, required=True, format_func=shown, label_visibility="collapsed"
    )
    remember(name, chosen)
    return chosen


def several(
    place: Any,
    label: str,
    options: Sequence[str],
    name: str,
    *,
    default: Sequence[str] = (),
    shown: Callable[[str], str] = str,
) -> list[str]:
    """Draw a choice of any of the options and return them."""
    options = list(options)
    key = _seeded(name, list(default), lambda text: [part for part in text.split(",") if part in options])
    chosen: list[str] = place.multiselect(sentence(label), options, key=key, format_func=shown, placeholder=tr("any"))
    remember(name, ",".join(chosen))
    return chosen


def _scope(name: str) -> str:
    """Return the key of a field: fields of one name on two pages are two."""
    return f"{st.session_state.get('page', '')}/{st.session_state.get('part', '')}/{name}"


def _seeded(name: str, default: T, read: Callable[[str], T]) -> str:
    """Return the field's key, after taking over a new value from the URL."""
    key = _scope(name)
    in_url = get(name)
    if key not in st.session_state or in_url != st.session_state.get(f"url {key}"):
        st.session_state[key] = default if in_url is None else read(in_url)
    return key
