"""The ledger's own words (kinds, statuses, states, windows) as readers call them: in Russian all, in English codes.

Columns of the kind `word` and `account_kind` hold them. Files for programs, and the lake, keep the codes.
"""

import tomllib
from collections.abc import Mapping
from importlib.resources import files

from reports.core.forms import Language
from reports.pack import current

WORDS = ("word", "account_kind")


def words(section: str) -> dict[str, dict[str, str]]:
    """Return a section of words.toml, by language."""
    sections: dict[str, dict[str, dict[str, str]]]
    sections = tomllib.loads(files("reports.formats").joinpath("words.toml").read_text("utf-8"))
    return sections[section]


_NAMES = words("codes")


COLUMNS = {"service": "services", "channel": "channels"}
"""Columns of codes that a pack may name, by its section."""


def named_columns() -> dict[str, Mapping[str, Mapping[str, str]]]:
    """Return, by column, the names that the pack gives to codes in it: by code and language."""
    names = current().names
    return {column: names[section] for column, section in COLUMNS.items() if section in names}


def code_name(code: str, language: Language) -> str:
    """Return a code of the ledger as readers of that language call it."""
    return _NAMES.get(language, {}).get(code, code)
