"""Whose a payment is: each rule, their order, and what stays in doubt."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ledger.bank.core.matching import Client, Clients
from ledger.bank.core.statement import BankEntry

DAY = date(2024, 3, 5)


def client(account: int, reference: str | None = None, **more: Any) -> Client:
    """Return an open RUB account that sushi holds."""
    usual = {"contract": None, "holder": "sushi", "currency": "RUB", "status": "open", "party": "Anna", "tax_id": None}
    return Client(account=account, reference=reference, **(usual | more))


CLIENTS = Clients(
    [
        client(1000017, "romashka-01", party="Romashka", tax_id="7736050003", contract="12/24"),
        client(1000025, "anna-01"),
        client(1000033, "vera-01", party="Vera", currency="USD"),
        client(1000041, "old-01", party="Oleg", status="closed", tax_id="7707083893"),
        client(1000058, "pizza-01", party="Romashka", tax_id="7736050003", holder="pizza", contract="12/24"),
        client(1000066, "twins-01", party="Twins", tax_id="500100732259"),
        client(1000074, "twins-02", party="Twins", tax_id="500100732259"),
        client(1000082, "b7", party="Boris", status="frozen"),
        client(1000090, "anna"),
        client(1000108, "10234", contract="98765"),
    ]
)


def matched(brand: str = "sushi", **told: Any) -> tuple[int | None, str]:
    """Return the account and the rule, or the reason."""
    found = CLIENTS.match(
        BankEntry(booked_on=DAY, value_date=DAY, amount=Decimal("5.00"), **told), brand=brand, currency="RUB"
    )
    return (found.client.account, found.rule) if found.client else (None, found.why)


STRUCTURED, NAMED, TAX = "structured reference", "named in the text", "tax number"


@pytest.mark.parametrize(
    ("told", "account", "rule"),
    [
        ({"end_to_end": "1000017"}, 1000017, STRUCTURED),
        ({"reference": "Romashka-01"}, 1000017, STRUCTURED),
        ({"reference": "12/24"}, 1000017, STRUCTURED),
        ({"reference": "RF771000017"}, 1000017, STRUCTURED),
        ({"reference": "b7"}, 1000082, STRUCTURED),
        ({"reference": "10234"}, 1000108, STRUCTURED),
        ({"end_to_end": "romashka-01"}, 1000017, STRUCTURED),
        ({"text": "Payment to account 1000025, March"}, 1000025, NAMED),
        ({"text": "Оплата по договору №12/24 от 01.02.2024"}, 1000017, NAMED),
        ({"text": "lunches, ANNA-01."}, 1000025, NAMED),
        ({"text": "account 1000017 (romashka-01), contract 12/24"}, 1000017, NAMED),
        ({"tax_id": "7736050003", "account": "40702810000000012345"}, 1000017, TAX),
        ({"end_to_end": "1000025", "text": "for 1000017", "tax_id": "7736050003"}, 1000025, STRUCTURED),
        ({"end_to_end": "E2E-771", "text": "for 1000025", "tax_id": "7736050003"}, 1000025, NAMED),
    ],
)
def test_the_first_rule_that_speaks_decides(told: dict[str, str], account: int, rule: str) -> None:
    """A structured reference before the text, the text before the tax number."""
    assert matched(**told) == (account, rule)


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({}, "no account is named, no tax number given"),
        ({"text": "for anna, order 7"}, "no account is named, no tax number given"),
        ({"end_to_end": "10234"}, "no account is named, no tax number given"),
        ({"end_to_end": "b7"}, "no account is named, no tax number given"),
        ({"text": "order 10234, invoice 98765"}, "no account is named, no tax number given"),
        ({"text": "b7"}, "no account is named, no tax number given"),
        ({"text": "invoice 10000170"}, "no account is named, no tax number given"),
        ({"text": "invoice 1000018"}, "no account is named, no tax number given"),
        ({"text": "1000017 and 1000025"}, "named in the text: 2 accounts, 1000017, 1000025"),
        ({"reference": "1000017", "end_to_end": "anna-01"}, "structured reference: 2 accounts, 1000017, 1000025"),
        ({"text": "1000041", "tax_id": "7736050003"}, "named in the text: account 1000041 (Oleg) is closed"),
        ({"text": "1000033"}, "named in the text: account 1000033 (Vera) is in USD, not in RUB"),
        ({"tax_id": "7702070139"}, "no account is named; nobody has the tax number 7702070139"),
        ({"tax_id": "7707083893"}, "Oleg has no open RUB account with sushi"),
        ({"tax_id": "500100732259"}, "tax number 500100732259: 2 accounts with sushi, 1000066, 1000074"),
        (
            {"tax_id": "7736050003", "account": "30232810000000000001"},
            "no account is named; tax number 7736050003 is the bank's that passed it on",
        ),
        ({"text": "1000017", "payments": 2}, "2 payments in one entry, whose amounts the bank does not report"),
    ],
)
def test_what_is_in_doubt_is_not_matched_and_told_why(told: dict[str, Any], why: str) -> None:
    """A rule that finds two, or one that cannot take the money, ends the search."""
    assert matched(**told) == (None, why)


def test_a_tax_number_and_a_contract_are_the_paid_brand_s() -> None:
    """Two brands have a contract of the same number with the same client."""
    assert matched("pizza", tax_id="7736050003") == (1000058, TAX)
    assert matched("pizza", text="contract 12/24") == (1000058, NAMED)
    assert matched("kebab", text="contract 12/24", tax_id="7736050003") == (
        None,
        "Romashka has no open RUB account with kebab",
    )
    assert matched("kebab", text="account 1000017") == (1000017, NAMED)
