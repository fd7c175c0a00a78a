"""The dashboard's frame: pages, language, how fresh the figures are. Streamlit runs it before every page.

`tiffin dashboard` starts it. A page is a file in `screens`: Streamlit would serve a folder called `pages` by itself,
without this frame; what a page cannot do is one sentence.
"""

import gc
from functools import partial
from pathlib import Path

import streamlit as st
from streamlit import runtime

from dashboards import access, cached_book, display, url_state
from dashboards.refusals import on_screen
from dashboards.translations import as_markdown, choose_language, language, sentence, tr
from ledger.errors import Failure
from ledger.settings import Settings
from reports.explain import address
from reports.lake import faults
from reports.pack import current
from reports.pack.files import Page, draw

HERE = Path(__file__).parent
PAGES = {
    "Figures": ("overview", "today", "close", "accounts", "transaction", "entries", "standard", "editions"),
    "Questions": ("explore", "sql"),
    "Work": ("desk", "approvals", "bank", "about"),
}
TITLES = {
    "overview": ("Overview", ":material/insights:"),
    "today": ("Today", ":material/checklist:"),
    "close": ("Close", ":material/event_available:"),
    "accounts": ("Accounts", ":material/group:"),
    "entries": ("Entries", ":material/receipt_long:"),
    "standard": ("Reports", ":material/table_chart:"),
    "editions": ("Editions", ":material/newsstand:"),
    "explore": ("Explore", ":material/pivot_table_chart:"),
    "sql": ("SQL", ":material/terminal:"),
    "desk": ("Desk", ":material/edit_note:"),
    "approvals": ("Approvals", ":material/group:"),
    "bank": ("Bank statements", ":material/account_balance:"),
    "about": ("About", ":material/info:"),
    "account": ("Account", ":material/person:"),
    "client": ("Client", ":material/badge:"),
    "transaction": ("Transactions", ":material/receipt:"),
    "reminders": ("Reminders", ":material/mail:"),
    "declined": ("Declined", ":material/block:"),
    "behind": ("What it is made of", ":material/functions:"),
    "difference": ("What made the difference", ":material/waterfall_chart:"),
}
BEHIND = ("account", "client", "declined", "behind", "difference", "reminders")
PATHS = {"standard": "reports", "behind": address.PATH}


def _page(name: str, *, hidden: bool = False) -> st.Page:
    title, icon = TITLES[name]
    return st.Page(
        f"screens/{name}.py",
        title=sentence(title),
        icon=icon,
        url_path=PATHS.get(name, name),
        default=name == "overview",
        visibility="hidden" if hidden else "visible",
    )


def _own_page(name: str, page: Page) -> st.Page:
    """Return a page of the pack; the menu has it under its title, or the name of its file."""
    title = page.title.get(language()) or sentence(name.replace("_", " "))
    address = f"own-{name.replace('_', '-')}"
    return st.Page(partial(draw, page), title=title, icon=":material/article:", url_path=address)


def _sidebar() -> None:
    with st.sidebar:
        display.freshness(cached_book.book().cut)
        if cached_book.of_demo():
            st.page_link("screens/about.py", label=f":gray[{tr('demo: partly derived')}]")
        choose_language()


@st.cache_resource(show_spinner=False)
def _begun() -> None:
    """Take what the first page has loaded, which lives as long as the server, out of what Python collects from."""
    gc.collect()
    gc.freeze()


def app() -> None:
    """Draw the frame, and the page in it; a Failure is shown as the sentence that it is."""
    st.set_page_config(page_title="Tiffin", page_icon=str(HERE / "icon.svg"), layout="wide")
    st.logo(str(HERE / "logo.svg"), size="large")
    access.let_in()
    who = access.person()
    sections = {
        sentence(title): [_page(name) for name in names if who.may(access.NEEDS.get(name, "figures"))]
        for title, names in PAGES.items()
    }
    behind = [name for name in BEHIND if who.may(access.NEEDS.get(name, "figures"))]
    sections[sentence("Figures")] += [_page(name, hidden=True) for name in behind]
    pack = current()
    company = pack.names.get("company", {}).get("name", {}).get(language()) or sentence("Company")
    sections[company] = [_own_page(name, one) for name, one in pack.pages.items() if who.may(one.needs)]
    page = st.navigation({title: pages for title, pages in sections.items() if pages}, expanded=True)
    url_state.arrive(page.url_path)
    display.apply_style()
    try:
        _sidebar()
        page.run()
        url_state.leave()
        if runtime.exists():
            _begun()
    except Failure as failure:
        st.error(as_markdown(on_screen(failure)), icon=":material/error:")
    except faults.UNREADABLE as error:
        st.error(as_markdown(faults.sentence(error, Settings().lake_url)), icon=":material/error:")


if __name__ == "__main__":
    app()
