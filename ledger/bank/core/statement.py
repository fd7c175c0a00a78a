"""A bank statement, whatever kind of file it came in, and what must hold of it before a payment is posted.

Amounts are signed by what they do to our account at the bank: + money in, - money out, as
the bank wrote them. A statement stands or falls as a whole: `fault` gives the reason.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache

from stdnum.iso7064 import mod_97_10

from ledger.values.money import amount_of, is_currency
from ledger.values.text import readable

ZERO = Decimal("0.00")
MOST_DIGITS = 30
MARKERS = frozenset(
    {"", "NONREF", "NOREF", "NOTPROVIDED", "NOT PROVIDED", "EREF", "PREF", "MARF", "MREF", "KREF", "CREF"}
)
"""What banks write in the place of a reference that is not there, or that stands elsewhere."""

_WITH_CURRENCY = re.compile(r"(\w*\d)[A-Z]{3}")
_GERMAN = re.compile(r"(\d{8})/(\d{1,10})")
_AFTER_BIC = re.compile(r"[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?/(.+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class BankEntry:
    """One movement on our account at the bank. Blank texts are what the bank left out.

    `bank_reference` is the bank's own, `end_to_end` the payer's, `reference` a structured one of the creditor (such as
    ISO 11649). `account` and `bank` (its BIC or БИК), `name` and `tax_id` are the other side's. The lines of `text` are
    kept apart: a bank may have broken a word between them. `payments` is how many payments it is the sum of, when the
    bank does not report them one by one; `whole` is the amount of the bank's entry that this is one payment of. What
    is `pending` is not booked yet. `reversal` is also what came back; `reason` is the bank's code for why.
    """

    booked_on: date
    value_date: date
    amount: Decimal
    bank_reference: str = ""
    end_to_end: str = ""
    reference: str = ""
    name: str = ""
    tax_id: str = ""
    account: str = ""
    bank: str = ""
    text: str = ""
    payments: int = 1
    whole: Decimal | None = None
    reversal: bool = False
    reason: str = ""
    pending: bool = False

    @property
    def payer(self) -> str:
        """Return the other side's account as it is known again: an IBAN, or bank and account; blank when unknown."""
        account, bank = normal(self.account), normal(self.bank)
        return f"{bank}/{account}" if bank and account and not account[:2].isalpha() else account


@dataclass(frozen=True, kw_only=True)
class Statement:
    """What one of our accounts at the bank did in some days.

    Balances and turnovers (`reported_in`, `reported_out`, both positive) are None where the bank does not report them.
    An `interim` report covers a day that is not over. `foreign` describes documents that move none of our accounts.
    """

    account: str
    currency: str
    entries: tuple[BankEntry, ...]
    number: str = ""
    since: date | None = None
    until: date | None = None
    opening: Decimal | None = None
    closing: Decimal | None = None
    reported_in: Decimal | None = None
    reported_out: Decimal | None = None
    interim: bool = False
    foreign: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Return how people call it, such as "statement 4 of 40702810000000074935"; without a number, by its days."""
        if self.number:
            return f"statement {self.number} of {self.account}"
        return f"statement of {self.account}" + (f" up to {self.until}" if self.until else "")

    @property
    def name(self) -> str:
        """Return how it is called in tables, such as "40702810000000074935, 4"."""
        return ", ".join(str(part) for part in (self.account, self.number or self.until) if part)

    @property
    def money_in(self) -> Decimal:
        """Return what was booked in."""
        return sum((e.amount for e in self.entries if e.amount > 0 and not e.pending), ZERO)

    @property
    def money_out(self) -> Decimal:
        """Return what was booked out, as a positive amount."""
        return -sum((e.amount for e in self.entries if e.amount < 0 and not e.pending), ZERO)

    @property
    def checked(self) -> bool:
        """Return whether the bank gave figures that the entries could be held against."""
        return None not in (self.opening, self.closing) or None not in (self.reported_in, self.reported_out)


def fault(statement: Statement) -> str | None:
    """Return why a statement may not be imported, in one sentence; None when nothing is wrong."""
    if not is_currency(statement.currency):
        return f"{statement.title}: {statement.currency or 'nothing'} is not an ISO 4217 currency with two decimals"
    try:
        for entry in statement.entries:
            exact(entry.amount)
            for day in (entry.booked_on, entry.value_date):
                if not 1900 <= day.year <= 9998:
                    raise ValueError(f"an entry is dated {day}")
        for figure in (statement.opening, statement.closing, statement.reported_in, statement.reported_out):
            if figure is not None:
                exact(figure)
    except ValueError as error:
        return f"{statement.title}: {error}"
    return _unbalanced(statement)


def _unbalanced(statement: Statement) -> str | None:
    """Return how the bank's figures and the entries differ, if they do."""
    came, went, currency = statement.money_in, statement.money_out, statement.currency
    opening, closing = statement.opening, statement.closing
    if opening is not None and closing is not None and opening + came - went != closing:
        return (
            f"{statement.title} does not add up: opening balance {_two(opening)} + in {_two(came)} - out {_two(went)} "
            f"= {_two(opening + came - went)}, closing balance {_two(closing)} {currency}; "
            f"off by {_two(abs(opening + came - went - closing))}"
        )
    for what, reported, is_ in (("in", statement.reported_in, came), ("out", statement.reported_out, went)):
        if reported is not None and reported != is_:
            return (
                f"{statement.title} does not add up: the bank reports {_two(reported)} {what}, its entries come to "
                f"{_two(is_)} {currency}; off by {_two(abs(reported - is_))}"
            )
    return None


def exact(amount: Decimal) -> Decimal:
    """Return an amount with two decimals. More are taken when they are zeros; otherwise raises ValueError."""
    if amount.is_finite() and amount.adjusted() > MOST_DIGITS:  # decimals of such a size overflow
        raise ValueError(f"an amount of more than {MOST_DIGITS} digits")
    return amount_of(amount.normalize() if amount.is_finite() else amount)


def _two(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"))


def current(currency: str) -> str:
    """Return the currency's present code: Russian banks still write the one used before 1998."""
    return "RUB" if currency.upper() == "RUR" else currency.upper()


@lru_cache(maxsize=100_000)
def normal(account: str) -> str:
    """Return an account at a bank as it is compared: letters and figures only, in capitals.

    The currency that some banks write after it and a BIC before it are left out; German `BLZ/Konto` is its IBAN.
    """
    text = account.strip().upper()
    if within := _AFTER_BIC.fullmatch(text):
        text = within.group(1)
    if german := _GERMAN.fullmatch(text.replace(" ", "")):
        number = german.group(1) + german.group(2).zfill(10)
        return f"DE{mod_97_10.calc_check_digits(f'{number}DE')}{number}"
    text = "".join(letter for letter in text if letter.isalnum())
    with_currency = _WITH_CURRENCY.fullmatch(text)
    return with_currency.group(1) if with_currency and is_currency(text[-3:]) else text


def note(entry: BankEntry, most: int) -> str:
    """Return the bank's description of an entry, for people, in at most `most` characters."""
    references = [f"reference {each}" for each in (entry.end_to_end, entry.reference) if each]
    who = entry.name, entry.tax_id and f"tax number {entry.tax_id}", entry.account
    parts: Iterable[str] = (*who, *references, " ".join(entry.text.split()))
    text = readable("; ".join(part for part in parts if part))
    return text if len(text) <= most else f"{text[: most - 1]}…"
