"""Check the numbers that identify companies and bank accounts (python-stdnum knows the rules)."""

from typing import Any, Protocol

from stdnum import get_cc_module, iban
from stdnum.exceptions import InvalidChecksum, InvalidFormat, InvalidLength, ValidationError
from stdnum.ru import inn, ogrn

from ledger.administration.requisites import key_of

HOME = "RU"
"""The country of a tax number that names none."""


class _Rule(Protocol):
    def validate(self, number: str) -> Any: ...


_RULES: dict[str, _Rule] = {"inn": inn, "ogrn": ogrn, "iban": iban}


def check_tax_id(tax_id: str, country: str | None) -> None:
    """Check that a tax number is one of its country (ISO 3166); raise ValueError with what is wrong.

    Numbers of countries that python-stdnum has no rule for are taken as they are.
    """
    code = (country or HOME).lower()
    rule = get_cc_module(code, "vat") or get_cc_module(code, "tin")
    if rule is not None:
        _check(rule, tax_id, f"{tax_id} is not a tax number of {code.upper()}")


def check_detail(name: str, number: str) -> None:
    """Check that a bank detail or registration number (iban, inn, ogrn, kpp, however spelled) is well formed."""
    key = key_of(name)
    if key == "kpp":
        check_kpp(number)
    elif key in _RULES:
        _check(_RULES[key], number, f"{number} is not a valid {key.upper()}")


def check_kpp(number: str) -> None:
    """Check that a КПП (order ММВ-7-6/435@ of the tax service, 2012) is well formed, or raise ValueError."""
    if len(number) != 9 or not (number[:4] + number[6:]).isdigit() or not number[4:6].isalnum():
        raise ValueError(f"{number} is not a KPP: it must have nine characters, NNNNPPXXX")


def _check(rule: _Rule, number: str, sentence: str) -> None:
    try:
        rule.validate(number)
    except ValidationError as error:
        raise ValueError(f"{sentence}: {_why(error)}") from None


def _why(error: ValidationError) -> str:
    reasons = {InvalidChecksum: "its check digit is wrong", InvalidLength: "its length is wrong"}
    return reasons.get(
        type(error), "its form is wrong" if isinstance(error, InvalidFormat) else "a part of it is wrong"
    )
