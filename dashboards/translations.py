"""The words of the screens: English in the code, Russian from russian.toml. Reports and papers have their own."""

import re
import tomllib
from functools import cache
from html import escape
from pathlib import Path
from typing import cast

import streamlit as st

from ledger.settings import Settings
from ledger.values.text import readable
from reports.core.forms import Language
from reports.formats.code_names import code_name

_MARKS = re.compile(r"([\\`*_\[\]$~<>&|])|(?<![^ ])([#+\-=]+(?= ))|((?<=^\d)[.)])")
_LINKS = re.compile(r"(?<![0-9]:)(?<=[:@])(?=\S)|(?<=www)(?=\.)|(?<=[-<=>~])(?=[-<=>~])", re.IGNORECASE)
"""Where Streamlit makes a link of an address, an icon of :name: and an arrow of two signs."""
LANGUAGES = ("en", "ru")
COOKIE = "tiffin_language"
RUSSIAN = Path(__file__).with_name("russian.toml")


@cache
def russian() -> dict[str, str]:
    """Return the Russian sentences by the English ones."""
    return cast(dict[str, str], tomllib.loads(RUSSIAN.read_text(encoding="utf-8")))


def as_markdown(text: object) -> str:
    """Return text of others as one line that stands for itself where Streamlit reads Markdown: no mark, link or icon.

    Word joiners, which nobody sees, break up what Streamlit would make something of even where it is escaped.
    """
    line = " ".join(readable(str(text)).split())
    return _MARKS.sub(lambda found: f"\\{found[0]}", _LINKS.sub("\N{WORD JOINER}", line))


def as_html(text: object) -> str:
    """Return text of others as the inside of an HTML element."""
    return escape(readable(str(text)))


def language() -> Language:
    """Return the language that the viewer chose, now or in this browser before; at first that of the settings."""
    kept = st.context.cookies.get(COOKIE)
    chosen = st.session_state.get("language") or (kept if kept in LANGUAGES else None)
    return cast(Language, chosen or Settings().language)


def choose_language() -> None:
    """Draw the choice of the language, which this browser keeps."""
    chosen = st.segmented_control(
        sentence("Language"), LANGUAGES, default=language(), key="chosen language", label_visibility="collapsed"
    )
    if chosen and chosen != language():
        st.session_state["language"] = chosen
        st.rerun()
    cookie = f"document.cookie = '{COOKIE}={language()}; path=/; max-age=31536000; samesite=lax'"
    page = f"document.documentElement.lang = '{language()}'"
    st.html(f"<script>{cookie}; {page}; {_NAVIGATION}</script>", unsafe_allow_javascript=True)


_NAVIGATION = """
if (!window.tiffinNavigation) {
  const list = '[data-testid="stSidebarNavItems"]';
  const plain = () => document.querySelectorAll(`${list}, ${list} li`)
    .forEach(part => part.setAttribute('role', 'presentation'));
  window.tiffinNavigation = new MutationObserver(plain);
  window.tiffinNavigation.observe(document.body, {childList: true, subtree: true});
  plain();
}
"""
"""Streamlit's list of pages has headings between its items, which no list may have: to a reader they are links."""


def tr(text: str, **values: object) -> str:
    """Return a sentence of the screen, or a word of the ledger, in the viewer's language, with its values filled in."""
    now = language()
    translated = (russian().get(text) if now == "ru" else None) or code_name(text, now)
    return translated.format(**values) if values else translated


def sentence(text: str, **values: object) -> str:
    """Return it with a capital first letter."""
    translated = tr(text, **values)
    return translated[:1].upper() + translated[1:]
