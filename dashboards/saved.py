"""Questions kept under a name, above Explore and SQL, for oneself or for roles; and the queries that one ran."""

from typing import Any, get_args
from zoneinfo import ZoneInfo

import streamlit as st
from psycopg import Error

from dashboards import access, cached_book
from dashboards.refusals import on_screen
from dashboards.translations import as_markdown, sentence, tr
from ledger.errors import Failure
from ledger.postgres import saved_queries
from ledger.postgres.members import Role
from ledger.postgres.saved_queries import Page, SavedQuery

ROLES: tuple[Role, ...] = tuple(role for role in get_args(Role) if "questions" in access.MAY[role])
SHOWN_LETTERS = 60


def draw(place: Any, page: Page, query: dict[str, str]) -> None:
    """Draw what is kept, and a form that keeps this page's query; what was opened waits for Run, as from an address."""
    who = access.person()
    try:
        with access.reading() as connection:
            known = saved_queries.known_to(connection, page, who.login, who.role)
    except Failure:  # a lake alone, without the ledger that it is of
        return
    with place.popover(sentence("Saved"), icon=":material/bookmark:", width="stretch"):
        if not known:
            st.caption(sentence("nothing is saved yet: give this question a name"))
        for number, each in enumerate(known):
            _one(page, number, each, is_own=each.who == who.login)
        with st.form(f"save {page}", clear_on_submit=True, border=False):
            st.text_input(sentence("Name"), key=f"{page} name", max_chars=100)
            st.multiselect(
                sentence("Share with"), ROLES, key=f"{page} roles", format_func=tr, placeholder=tr("nobody else")
            )
            st.form_submit_button(sentence("Save"), on_click=_save, args=(page, query))
        if problem := st.session_state.pop("not saved", None):
            st.error(as_markdown(problem))


def _one(page: Page, number: int, saved: SavedQuery, *, is_own: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            as_markdown(saved.name), key=f"open {page} {number}", on_click=_open, args=(page, saved), type="tertiary"
        )
        st.caption(", ".join(map(tr, saved.roles)) if is_own else as_markdown(saved.who))
        if is_own:
            st.button("✕", key=f"drop {page} {number}", help=sentence("Forget"), on_click=_drop, args=(page, saved))


def note(query: str) -> None:
    """Keep a query of SQL among those that the person at the screen ran."""
    try:
        with access.writing() as connection:
            saved_queries.note_run(connection, access.person().login, query)
    except (Failure, Error, UnicodeError):  # a lake alone, an older book, or no text, which the answer says
        return


def draw_history(place: Any) -> None:
    """Draw the queries of SQL that the person at the screen ran, the latest first."""
    try:
        with access.reading() as connection:
            runs = saved_queries.runs_of(connection, access.person().login)
    except Failure:
        return
    zone = cached_book.book().cut.time_zone
    with place.popover(sentence("History"), icon=":material/history:", width="stretch"):
        if not runs:
            st.caption(sentence("what you run is kept here: the last {n} queries", n=saved_queries.MOST_RUNS))
        for number, (at, query) in enumerate(runs):
            line = " ".join(query.split())
            shown = as_markdown(line if len(line) <= SHOWN_LETTERS else line[:SHOWN_LETTERS] + "…")
            with st.container(horizontal=True, vertical_alignment="center"):
                st.button(shown, key=f"run {number}", on_click=_fill, args=(query,), type="tertiary")
                st.caption(f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}")


def _fill(query: str) -> None:
    st.query_params["q"] = st.session_state["query"] = query


def _open(page: Page, saved: SavedQuery) -> None:
    st.query_params.from_dict(saved.query)
    if page == "sql":
        _fill(saved.query.get("q", ""))


def _save(page: Page, query: dict[str, str]) -> None:
    access.require("questions")
    name, roles = st.session_state[f"{page} name"], st.session_state[f"{page} roles"]
    try:
        with access.writing() as connection:
            saved_queries.save(connection, page, SavedQuery(access.person().login, name, roles, query))
    except Failure as failure:
        st.session_state["not saved"] = on_screen(failure)


def _drop(page: Page, saved: SavedQuery) -> None:
    access.require("questions")
    with access.writing() as connection:
        saved_queries.drop(connection, page, access.person().login, saved.name)
