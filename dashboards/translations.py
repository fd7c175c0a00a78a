"""The words of the screens: English in the code, Russian from russian.toml. Reports and papers have their own."""

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import cast

import streamlit as st

from ledger.settings import Settings
from reports.core.forms import Language
from reports.formats.code_names import code_name

_MARKS = re.compile(r"([\\`*_\[\]$~<])")
RUSSIAN = Path(__file__).with_name("russian.toml")


@cache
def russian() -> dict[str, str]:
    """Return the Russian sentences by the English ones."""
    return cast(dict[str, str], tomllib.loads(RUSSIAN.read_text(encoding="utf-8")))


def as_markdown(text: object) -> str:
    """Return text that stands for itself where Streamlit reads Markdown: names are other people's."""
    return _MARKS.sub(r"\\\1", str(text))


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
