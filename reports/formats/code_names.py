"""The ledger's own words (kinds, statuses, states, windows) as readers call them: in Russian all, in English codes.

Columns of the kind `word` and `account_kind` hold them. Files for programs, and the lake, keep the codes.
"""

import tomllib
from importlib.resources import files

from reports.core.forms import Language

WORDS = ("word", "account_kind")


def words(section: str) -> dict[str, dict[str, str]]:
    """Return a section of words.toml, by language."""
    sections: dict[str, dict[str, dict[str, str]]]
    sections = tomllib.loads(files("reports.formats").joinpath("words.toml").read_text("utf-8"))
    return sections[section]


_NAMES = words("codes")


def code_name(code: str, language: Language) -> str:
    """Return a code of the ledger as readers of that language call it."""
    return _NAMES.get(language, {}).get(code, code)
