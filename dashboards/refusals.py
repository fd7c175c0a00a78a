"""What the ledger refuses, in the reader's language: from code and facts; what has no code, by the sentence it is.

The Russian stands in refusals.toml: `refused` by code, `sentences` by the English sentence or the
part of one, whose {places} stand for themselves (DECISIONS D58).
"""

import json
import re
import tomllib
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from dashboards.translations import language, sentence
from reports import lookups
from reports.formats import captions, code_names

RUSSIAN = Path(__file__).with_name("refusals.toml")
_AMOUNT = re.compile(r"-?\d+\.\d\d")
_PLACE = re.compile(r"\\\{(\w+)\\\}")


@cache
def russian() -> dict[str, dict[str, str]]:
    """Return the Russian sentences: `refused` by code, `sentences` by the English ones."""
    return tomllib.loads(RUSSIAN.read_text(encoding="utf-8"))


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """Return what English sentences look like, the most specific first, and the Russian of each."""
    return [
        (re.compile(_PLACE.sub(_place, re.escape(english)), re.DOTALL), russian()["sentences"][english])
        for english in sorted(russian()["sentences"], key=_specificity)
    ]


def _specificity(english: str) -> tuple[bool, bool, int]:
    # "amount: 10.005 has …" is a field and what is wrong with it, before it is "{n} has …".
    return english.startswith("{"), "{wrong}" not in english, -len(re.sub(r"\{\w+\}", "", english))


def _place(found: re.Match[str]) -> str:
    kind = r"\w+" if found[1] == "field" else ".+?"
    return f"(?P<{found[1]}>{kind})"


_OPTION = re.compile(r"(?<!\S)--([a-z][a-z-]*)")


def on_screen(text: Any) -> str:
    """Return a sentence in the reader's language, with names of fields for options of the command line."""
    return _OPTION.sub(lambda found: sentence(found[1].replace("-", " ")), translated(text))


_VERBATIM = {"key", "name", "it", "client", "promo", "item", "party", "brand", "code"}
"""Places for what others wrote: a client may be called anything, even a word of the ledger's."""


def refusal(code: str, facts: str | dict[str, Any] | None) -> str:
    """Return the sentence of a refusal; its facts may be JSON."""
    written = facts if isinstance(facts, str) else json.dumps(facts, default=str)
    sentence = russian()["refused"].get(code) if language() == "ru" else None
    if sentence is None:
        return lookups.sentence(code, written)
    try:
        given = json.loads(written) or {}
        into = given.get("merged_into")
        more = translated(f": it was merged into account {into}") if into else ""
        return sentence.format_map(_translated_parts(given)) + more
    except KeyError:  # recorded by another release, whose sentence used other facts
        return lookups.sentence(code, written)


def translated(text: Any) -> str:
    """Return a text of the ledger in the reader's language; unchanged where there is no translation."""
    english = str(text)
    if language() != "ru":
        return english
    if _AMOUNT.fullmatch(english):
        return captions.money(Decimal(english), "ru")
    for pattern, in_russian in _patterns():
        found = pattern.fullmatch(english)
        if found:
            return in_russian.format(**_translated_parts(found.groupdict()))
    return code_names.code_name(english, "ru")


def _translated_parts(parts: dict[str, Any]) -> dict[str, Any]:
    # Today facts call a client by the account; a name alone was recorded by an older release.
    verbatim = _VERBATIM - ({"client"} if str(parts.get("client")).startswith("account ") else set())
    return {name: part if name in verbatim else translated(part) for name, part in parts.items()}
