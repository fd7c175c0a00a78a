"""MT940, the SWIFT customer statement, read by the mt-940 library.

Ours is what it leaves open: pages (`:60M:`, `:62M:`) are put together, an `:86:` after the closing
balance is about the statement and not about its last entry, and a message without a closing
balance, which the standard asks for, is a file that was cut short.
"""

import io
import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import mt940 as library

from ledger.bank.core.statement import Entry, Statement, current

BLANK = ("NONREF", "KREF+", "NOTPROVIDED")
OPENING = ("final_opening_balance", "intermediate_opening_balance", "opening_balance")
CLOSING = ("final_closing_balance", "intermediate_closing_balance", "closing_balance")
TEXTS = ("posting_text", "purpose", "additional_purpose", "transaction_details", "non_swift_text", "extra_details")
_INN = re.compile(r"\b(?:INN|ИНН)\W{0,3}(\d{12}|\d{10})\b", re.IGNORECASE)
_AFTER_CLOSING = re.compile(r"(^:62[FM]?:[^\n]*\n)[\s\S]*", re.MULTILINE)

# It logs what it cannot parse before it raises; the sentence is ours to say.
logging.getLogger(library.__name__).addHandler(logging.NullHandler())


def read(text: str) -> list[Statement]:
    """Return the statements in the file's order, pages put together. Raises ValueError with one sentence."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    statements: list[Statement] = []
    unfinished = ""
    for block in re.split(r"^(?=:20:)", text, flags=re.MULTILINE):
        if not block.startswith(":20:"):
            continue  # an envelope before the first message
        data = _parsed(_AFTER_CLOSING.sub(r"\1", block + "\n"))
        statement = _statement(data)
        if "intermediate_opening_balance" in data.data and unfinished == _name(statement):
            statements[-1] = _continued(statements[-1], statement)
        else:
            statements.append(statement)
        unfinished = _name(statement) if "intermediate_closing_balance" in data.data else ""
    return statements


def _name(statement: Statement) -> str:
    return f"{statement.account} {statement.number}"


def _continued(first: Statement, page: Statement) -> Statement:
    if first.closing != page.opening:
        raise ValueError(
            f"{first.title} misses a page: one ends with {first.closing}, the next begins with {page.opening}"
        )
    return replace(first, entries=first.entries + page.entries, closing=page.closing, until=page.until)


def _parsed(block: str) -> Any:
    """Return the library's reading of one message; banks with longer references have rules of their own there."""
    for tag in (None, library.tags.StatementGLS, library.tags.StatementASNB):
        try:
            rules: dict[int | str, library.tags.Tag] | None = {61: tag()} if tag else None
            return library.parse(io.StringIO(block), tags=rules, options=library.Options.all())
        except Exception as error:  # on nonsense it raises whatever its parts do
            first = str(error.args[-1] if error.args else error)
    raise ValueError(f"has a line that is not MT940: {' '.join(first.split())[:60]}")


def _statement(data: Any) -> Statement:
    found = data.data
    opening = next((found[name] for name in OPENING if name in found), None)
    closing = next((found[name] for name in CLOSING if name in found), None)
    account = str(found.get("account_identification") or "").strip()
    number = str(found.get("statement_number") or "").strip().lstrip("0")
    if opening is None or closing is None:
        missing = "closing" if opening else "opening"
        raise ValueError(f"statement {number} of {account} has no {missing} balance: the file may be cut short")
    if opening.amount.currency != closing.amount.currency:
        raise ValueError(
            f"statement {number} of {account} opens in {opening.amount.currency}, closes in {closing.amount.currency}"
        )
    return Statement(
        account=account,
        currency=current(str(opening.amount.currency)),
        entries=tuple(_entries(data)),
        number=number,
        since=_day(opening.date),
        until=_day(closing.date),
        opening=opening.amount.amount,
        closing=closing.amount.amount,
    )


def _entries(data: Any) -> Iterator[Entry]:
    for found in (each.data for each in data if "amount" in each.data):
        text = "\n".join(str(found[name]).strip() for name in TEXTS if found.get(name))
        tax_ids = set(_INN.findall(text))
        value_date = _day(found["date"])
        yield Entry(
            booked_on=_day(found["entry_date"]) if found.get("entry_date") else value_date,
            value_date=value_date,
            amount=Decimal(found["amount"].amount),
            bank_reference=_said(found, "bank_reference"),
            end_to_end=_said(found, "end_to_end_reference") or _said(found, "customer_reference"),
            name=_said(found, "applicant_name"),
            # Of two tax numbers one is perhaps our own: none is taken for the payer's.
            tax_id=tax_ids.pop() if len(tax_ids) == 1 else "",
            account=_said(found, "applicant_iban"),
            text=text,
            reversal=str(found.get("status", "")).upper().startswith("R"),
        )


def _said(found: dict[str, Any], name: str) -> str:
    text = str(found.get(name) or "").strip()
    return "" if text in BLANK else text


def _day(day: date) -> date:
    """Return a plain date: the library's own kind prints and compares otherwise."""
    return date(day.year, day.month, day.day)
