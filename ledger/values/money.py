"""Money: exact amounts at every edge, integers of minor units inside.

Every currency of the book has two decimals, so a minor unit is always a hundredth.
"""

import json
import re
from collections.abc import Sequence
from decimal import Decimal
from functools import cache

MOST = 999_999_999_999_999
"""The largest amount in minor units: 9 999 999 999 999.99."""

LARGEST_BALANCE = 10**18 - 1
"""The largest balance in minor units, either way: more does not fit the lake's Decimal(18, 2) (DECISIONS D6)."""

WHOLE = 10_000
"""A hundred percent, in hundredths of a percent."""

_HUNDRED = Decimal(100)
_PLAIN = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_USUAL = re.compile(r"[0-9]{1,13}\.[0-9]{2}")
"""Nothing is left to check of an amount so written."""


def amount_of(value: object) -> Decimal:
    """Return `value` (a plain string, an integer or a Decimal) as a Decimal with two decimals.

    Raises ValueError with the reason: a float, not a number, too many decimals, too large.
    """
    if isinstance(value, str) and _USUAL.fullmatch(value):
        return Decimal(value)
    if isinstance(value, bool) or value is None:
        raise ValueError(f"{quoted(value)} is not an amount")
    if isinstance(value, float):
        raise ValueError(f'{value} is a float; write the amount as a string, such as "12.50"')
    if isinstance(value, str):
        if not _PLAIN.fullmatch(value):
            raise ValueError(f"{quoted(value)} is not an amount in plain notation")
        value = Decimal(value) if len(value) < 40 else _too_large(value)
    elif isinstance(value, int):
        value = Decimal(value) if abs(value) <= MOST else _too_large(value)
    if not isinstance(value, Decimal) or not value.is_finite():
        raise ValueError(f"{quoted(value)} is not an amount")
    if int(value.as_tuple().exponent) < -2:
        raise ValueError(f"{value} has more than two decimals")
    if abs(value) > decimal(MOST):
        _too_large(value)
    # Adding nothing makes -0.00 the 0.00 that it is.
    return value.quantize(Decimal("0.01")) + 0


def _too_large(value: object) -> Decimal:
    raise ValueError(f"{quoted(value)} is more than {plain(MOST)}")


def quoted(value: object) -> str:
    """Return a value as its sender wrote it, in JSON, cut short."""
    try:
        text = str(value) if isinstance(value, str | Decimal) else json.dumps(value, ensure_ascii=False, default=str)
    except (RecursionError, ValueError):
        text = "something nested too deep"
    return text if len(text) <= 40 else f"{text[:37]}..."


def minor(amount: Decimal) -> int:
    """Return an amount of at most two decimals in minor units."""
    return int(amount * _HUNDRED)


def decimal(minor_units: int) -> Decimal:
    """Return minor units as an amount with two decimals."""
    return Decimal(minor_units).scaleb(-2)


def plain(minor_units: int) -> str:
    """Return minor units in plain notation, such as "-12.50"."""
    whole, cents = divmod(abs(minor_units), 100)
    return f"{'-' if minor_units < 0 else ''}{whole}.{cents:02d}"


def split(total: int, weights: Sequence[int]) -> list[int]:
    """Return `total` split in proportion to `weights` by largest remainder, ties to the earliest part.

    The parts sum to `total` exactly; no part passes its weight when `total` does not pass
    their sum. All weights zero: everything goes to the first part.
    """
    whole = sum(weights)
    if whole == 0:
        return [total, *[0] * (len(weights) - 1)] if weights else []
    parts = [total * weight // whole for weight in weights]
    remainders = [total * weight % whole for weight in weights]
    # Python's sort is stable: equal remainders keep the order of the parts.
    for index in sorted(range(len(parts)), key=remainders.__getitem__, reverse=True)[: total - sum(parts)]:
        parts[index] += 1
    return parts


def share(whole: int, taken: int, of: int) -> int:
    """Return the part of `whole` that belongs to `taken` out of `of`, halves up; all of it for all."""
    if of == 0:
        return whole
    return (2 * whole * taken + of) // (2 * of)


@cache
def is_currency(code: str) -> bool:
    """Return whether `code` is an ISO 4217 currency of some country today, with two decimals (as CLDR lists them)."""
    from babel.core import get_global
    from babel.numbers import get_currency_precision

    tender = {
        currency
        for listed in get_global("territory_currencies").values()
        for currency, _, until, is_tender in listed
        if is_tender and until is None
    }
    return code in tender and get_currency_precision(code) == 2


_LUHN = [sum(divmod(tens * 2, 10)) + units for tens in range(10) for units in range(10)]


def is_account_number(number: int) -> bool:
    """Return whether the last digit of `number` is its Luhn check digit (ISO/IEC 7812-1, annex B)."""
    total, rest = 0, number
    while rest > 0:
        rest, two_digits = divmod(rest, 100)
        total += _LUHN[two_digits]
    return number >= 10 and total % 10 == 0
