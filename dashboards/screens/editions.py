"""Editions: what notebooks showed after each closed period, as it was kept; newest first."""

from base64 import b64encode
from pathlib import Path

import streamlit as st

from dashboards import cached_book, url_state
from dashboards.guard import APPS
from dashboards.translations import sentence, tr
from ledger.errors import Failure
from ledger.settings import Settings
from reports.editions.facts import FORMATS
from reports.editions.kept import Edition, facts_of, kept
from reports.editions.run import paths

HEIGHT = 900
MIMES = {"html": "text/html", "pdf": "application/pdf", "md": "text/markdown"}


def editions() -> None:
    """Draw the page: a choice of notebook and period, and the edition, whose page runs nothing."""
    st.title(sentence("Editions"))
    if not cached_book.book().whole:
        raise Failure("editions are of all brands: they are for those who may see them all")
    links = [f"[{name.replace('_', ' ')}]({APPS}?file={path.name})" for name, path in paths().items()]
    st.caption(f"{sentence('live')}: {' · '.join(links)}")
    found = kept(Settings().home.resolve())
    if not found:
        st.info(sentence("no edition is kept yet: list notebooks in editions.toml, and the next night makes them"))
        return
    left, right = st.columns(2)
    notebooks = sorted({one.notebook for one in found})
    notebook = url_state.choice(left, "Notebook", notebooks, "notebook", default=notebooks[0])
    periods = {one.period: one for one in reversed(found) if one.notebook == notebook}
    period = url_state.choice(right, "Period", list(periods), "period", default=next(iter(periods), None))
    if period in periods:
        _edition(periods[period])


def _edition(one: Edition) -> None:
    facts = facts_of(one)
    closed = facts.closed_until or "–"
    st.subheader(facts.title)
    st.caption(tr("cut {number}, closed until {day}", number=facts.cut, day=closed))
    files = [path for form in FORMATS if (path := one.folder / f"{one.notebook}.{form}").exists()]
    with st.container(horizontal=True):
        for path in files:
            _download(path)
    page = next((path for path in files if path.suffix == ".html"), None)
    if page is not None:
        # As an address of its own kind a page has another origin: whatever is in it cannot reach the dashboard.
        st.iframe(f"data:text/html;base64,{b64encode(page.read_bytes()).decode()}", height=HEIGHT)
    elif (text := one.folder / f"{one.notebook}.md") in files:
        st.markdown(text.read_text(encoding="utf-8"))


def _download(path: Path) -> None:
    form = path.suffix[1:]
    label = form.upper()
    st.download_button(label, path.read_bytes(), path.name, MIMES[form], on_click="ignore", key=f"edition {form}")


if __name__ == "__main__":
    editions()
