"""A change of terms in words: each field with what it was and what it became, in the reader's language."""

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from reports.core.forms import Language
from reports.formats import captions
from reports.formats.code_names import code_name, words

_FIELDS = words("fields")
_AMOUNT = re.compile(r"-?\d+\.\d\d")
_RATES = ("accrue_percent", "redeem_percent", "share")
_QUIET = ("code", "reference", "party_id", "opened_at", "orders_before", "logo")
"""Fields that add nothing to the subject of the change."""
_USUAL = {"status": "open", "priority": 1, "kind": "money", "stackable": False, "first_order_only": False}
"""Values of anything new, which go without saying."""


def change_words(before: str | None, after: str | None, language: Language, brands: Mapping[int, str]) -> str:
    """Return what changed between two states, as the audit log has them: JSON objects, `before` null when new.

    `brands` are the codes of brands by their numbers.
    """
    was, now = (json.loads(text) if text else {} for text in (before, after))
    if now.get("draw", "") is None:
        return _field("ended", language)
    changes = []
    for name in dict.fromkeys([*now, *was]):
        old, new = was.get(name), now.get(name)
        if name in _QUIET or old == new or (before is None and (new in (None, []) or _USUAL.get(name) == new)):
            continue
        written = _value(name, new, language, brands)
        if before is not None:
            written = f"{_value(name, old, language, brands)} → {written}"
        changes.append(f"{_field(name, language)} {written}")
    if before is None:
        return ": ".join(filter(None, (_field("new", language), "; ".join(changes))))
    return "; ".join(changes) or _field("nothing", language)


def subject_words(kind: str, subject: str, language: Language) -> str:
    """Return what was changed: the ends of a link or a limit with an arrow, a limit's window in words."""
    *ends, last = subject.replace("->", "→").replace("<-", "←").split(" ") if subject else [""]
    return " ".join([*ends, code_name(last, language) if kind == "write_off_limit" else last])


def _field(name: str, language: Language) -> str:
    return _FIELDS[language].get(name, name.replace("_", " "))


def _value(name: str, value: Any, language: Language, brands: Mapping[int, str]) -> str:
    if value is None or value == []:
        return _field("none", language)
    if isinstance(value, bool):
        return _field("yes" if value else "no", language)
    if isinstance(value, list):
        return ", ".join(_value(name, each, language, brands) for each in value)
    if isinstance(value, dict):
        return ", ".join(
            f"{_field(key, language)} {_value(key, each, language, brands)}" for key, each in value.items()
        )
    if name in ("brands", "holder_id", "brand_id") and isinstance(value, int):
        return brands.get(value, str(value))
    text = str(value)
    if name in _RATES:
        return f"{captions.money(Decimal(text), language)} %"
    return captions.money(Decimal(text), language) if _AMOUNT.fullmatch(text) else code_name(text, language)
