"""The types of fields of commands and administration lines: what a text, key, amount, account, time or rate may be.

Each refuses what breaks its rule with a ValueError that describes the fault; pydantic adds the field.
"""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator
from pydantic_core import to_json

from ledger.values.dates import instant_of
from ledger.values.money import amount_of, is_account_number, is_currency, quoted
from ledger.values.text import wrong_character

KEY_LENGTH = 64
TEXT_LENGTH = 1000
ATTRIBUTES_BYTES = 10_000
"""The most that the attributes of one line may have, as JSON (DECISIONS D84)."""

OWN_KEYS = "tiffin:"
"""Keys with this start are the ledger's own (expiries)."""


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{quoted(value)} is not text")
    if len(value) > TEXT_LENGTH:
        raise ValueError(f"is longer than {TEXT_LENGTH} characters")
    if wrong := wrong_character(value):
        raise ValueError(wrong)
    return value


def _name(value: object) -> str:
    text = _text(value)
    if not text or text.isspace():
        raise ValueError("is blank")
    return text


def _key(value: object) -> str:
    key = _name(value)
    if len(key) > KEY_LENGTH:
        raise ValueError(f"has {len(key)} characters, at most {KEY_LENGTH} are allowed")
    if key.startswith(OWN_KEYS):
        raise ValueError(f"keys that start with {OWN_KEYS} are the ledger's own")
    return key


def _amount(value: object) -> Decimal:
    amount = amount_of(value)
    if amount < 0:
        raise ValueError(f"{amount} is negative")
    return amount


def _not_zero(amount: Decimal) -> Decimal:
    if amount == 0:
        raise ValueError("is zero")
    return amount


def _account(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(f"{quoted(value)} is neither an account number nor a reference")
    if isinstance(value, str):
        return _name(value)
    if not 10 <= value < 10**18 or not is_account_number(value):
        raise ValueError(f"{value} is not an account number: its last digit is not the check digit")
    return value


def _currency(value: str) -> str:
    if not is_currency(value):
        raise ValueError(f"{quoted(value)} is not an ISO 4217 currency with two decimals")
    return value


def _day(value: object) -> object:
    if isinstance(value, str):
        try:
            # Any form of ISO 8601, `20260302` too: a line that was accepted once must be when it is sent again.
            return date.fromisoformat(value)
        except ValueError:
            raise ValueError(f"{quoted(value)} is not a date") from None
    if not isinstance(value, date) or isinstance(value, datetime):
        raise ValueError(f"{quoted(value)} is not a date")
    return value


def _due(value: date) -> date:
    if not 1900 <= value.year <= 9998:
        raise ValueError(f"{value} is not between the years 1900 and 9998")
    return value


def _rate(value: object) -> Decimal:
    rate = amount_of(value)
    if not 0 <= rate <= 100:
        raise ValueError(f"{rate} is not a rate from 0 to 100 percent")
    return rate


def _attributes(value: object) -> object:
    kept = _json(value)
    size = len(to_json(kept))
    if size > ATTRIBUTES_BYTES:
        raise ValueError(f"have {size} bytes as JSON, at most {ATTRIBUTES_BYTES} are allowed")
    return kept


def _json(value: object, depth: int = 0) -> object:
    if depth > 8:
        raise ValueError("are nested more than eight levels deep")
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float) and not abs(value) < float("inf"):
        raise ValueError(f"{value} is not JSON")
    if isinstance(value, Mapping):
        # Sorted, so that the order of names does not make other content.
        return {_text(name): _json(inner, depth + 1) for name, inner in sorted(value.items(), key=str)}
    if isinstance(value, list | tuple):
        return [_json(inner, depth + 1) for inner in value]
    if value is not None and not isinstance(value, int | float):
        raise ValueError(f"{quoted(value)} is not JSON")
    return value


Text = Annotated[str, BeforeValidator(_text)]
# One call a field: several validators of one cost as much as checking it.
Name = Annotated[str, BeforeValidator(_name)]
Key = Annotated[str, BeforeValidator(_key)]
Amount = Annotated[Decimal, BeforeValidator(_amount)]
Positive = Annotated[Amount, AfterValidator(_not_zero)]
NotZero = Annotated[Decimal, BeforeValidator(amount_of), AfterValidator(_not_zero)]
AccountRef = Annotated[int | str, BeforeValidator(_account)]
Currency = Annotated[str, BeforeValidator(_text), AfterValidator(_currency)]
Instant = Annotated[datetime, BeforeValidator(instant_of)]
Day = Annotated[date, BeforeValidator(_day)]
DueDay = Annotated[Day, AfterValidator(_due)]
Rate = Annotated[Decimal, BeforeValidator(_rate)]
Attributes = Annotated[dict[str, Any], BeforeValidator(_attributes)]
