"""What papers call the codes of services, channels and reasons: names for clients, never the codes themselves.

Ours are in names.toml; a company's own file of that name, in its folder of templates, comes before.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ledger.errors import Failure
from reports.documents.language import LANGUAGES, Language, language
from reports.pack import Pack, current

NAME = "names.toml"
_SECTIONS = ("services", "channels", "reasons", "steps")
_CODE = re.compile(r"[a-z][a-z0-9]*([_.:-][a-z0-9]+)*")
_STEP = re.compile(r"([a-z_]+) (\S+)")

_Section = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Names:
    """The names of codes in one language."""

    lang: Language
    sections: Mapping[str, _Section]

    def service(self, code: str) -> str:
        """Return the name of a service. A code without one is words to readers of English, to others nothing."""
        if (known := self._known("services", code)) is not None:
            return known
        if not _CODE.fullmatch(code):
            return code
        return re.sub(r"[_.:-]", " ", code).capitalize() if self.lang.code == "en" else ""

    def channel(self, code: str | None) -> str | None:
        """Return by which way money came; None for a code that has no name."""
        return self._free("channels", code)

    def reason(self, text: str | None) -> str | None:
        """Return a reason in a client's words: text that somebody wrote as it is, None for a code without a name."""
        step = _STEP.fullmatch(text or "")
        if step and (known := self._known("steps", step[1])) is not None:
            return known.replace("%s", step[2])
        return self._free("reasons", text)

    def _free(self, section: str, text: str | None) -> str | None:
        if text and (known := self._known(section, text)) is not None:
            return known
        return None if not text or _CODE.fullmatch(text) else text

    def _known(self, section: str, code: str) -> str | None:
        found = self.sections[section].get(code, {})
        return found.get(self.lang.code) or found.get("en")


def names(code: str, templates: Path | None = None) -> Names:
    """Return the names in a language. Raises Failure when a company's own file cannot be read."""
    return _names(code, templates, current())


@lru_cache(maxsize=16)
def _names(code: str, templates: Path | None, pack: Pack) -> Names:
    sections: dict[str, dict[str, Mapping[str, str]]] = {section: {} for section in _SECTIONS}
    own = templates / NAME if templates else None
    for path in (Path(__file__).with_name(NAME), *([own] if own and own.is_file() else [])):
        for section, rows in _read(path).items():
            sections[section].update(rows)
    for section, rows in pack.names.items():
        if section in sections:
            sections[section].update(rows)
    return Names(language(code), sections)


def _read(path: Path) -> dict[str, _Section]:
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise Failure(f"cannot read {path}: {error}") from None
    for section, rows in found.items():
        if section not in _SECTIONS:
            raise Failure(f"{path}: there is no section {section}: there are {', '.join(_SECTIONS)}")
        for code, row in rows.items() if isinstance(rows, dict) else [(section, rows)]:
            if not (isinstance(row, dict) and row and set(row) <= set(LANGUAGES)) or not all(
                isinstance(name, str) and name.strip() for name in row.values()
            ):
                wanted = ", ".join(f'{lang} = "…"' for lang in LANGUAGES)
                raise Failure(f"{path}: {section}.{code} must be names by language: {code} = {{ {wanted} }}")
    return found
