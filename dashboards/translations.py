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
    """Return the language that the viewer chose, at first that of the settings."""
    return cast(Language, st.session_state.get("language") or Settings().language)


def tr(text: str, **values: object) -> str:
    """Return a sentence of the screen, or a word of the ledger, in the viewer's language, with its values filled in."""
    translated = russian().get(text) or code_name(text, "ru") if language() == "ru" else text
    return translated.format(**values) if values else translated


def sentence(text: str, **values: object) -> str:
    """Return it with a capital first letter."""
    translated = tr(text, **values)
    return translated[:1].upper() + translated[1:]
