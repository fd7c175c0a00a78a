"""A bank statement, whatever kind of file it came in, and what must hold of it before a payment is posted.

Amounts are signed by what they do to our account at the bank: + money in, - money out, as
the bank wrote them. A statement stands or falls as a whole: `fault` says why it falls.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from ledger.core.money import amount_of, is_currency

ZERO = Decimal("0.00")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One movement on our account at the bank. Blank texts are what the bank did not say.

    `bank_reference` is the bank's own, `reference` a structured one of the creditor (such as ISO 11649). `payments`
    is how many it is the sum of, when the bank does not tell them apart. What is `pending` is not booked yet.
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
    text: str = ""
    payments: int = 1
    reversal: bool = False
    pending: bool = False


@dataclass(frozen=True, kw_only=True)
class Statement:
    """What one of our accounts at the bank did in some days.

    Balances and turnovers (`told_in`, `told_out`, both positive) are None where the bank does not tell them.
    """

    account: str
    currency: str
    entries: tuple[Entry, ...]
    number: str = ""
    since: date | None = None
    until: date | None = None
    opening: Decimal | None = None
    closing: Decimal | None = None
    told_in: Decimal | None = None
    told_out: Decimal | None = None

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
        """Tell whether the bank gave figures that the entries could be held against."""
        return None not in (self.opening, self.closing) or None not in (self.told_in, self.told_out)


def fault(statement: Statement) -> str | None:
    """Return why a statement may not be imported, in one sentence; None when nothing is wrong."""
    if not is_currency(statement.currency):
        return f"{statement.title}: {statement.currency or 'nothing'} is not an ISO 4217 currency with two decimals"
    try:
        for entry in statement.entries:
            exact(entry.amount)
        told = [each if each is None else exact(each) for each in (statement.opening, statement.closing)]
    except ValueError as error:
        return f"{statement.title}: {error}"
    return _unbalanced(statement, *told)


def _unbalanced(statement: Statement, opening: Decimal | None, closing: Decimal | None) -> str | None:
    """Return how the bank's figures and the entries differ, if they do."""
    came, went, currency = statement.money_in, statement.money_out, statement.currency
    if opening is not None and closing is not None and opening + came - went != closing:
        return (
            f"{statement.title} does not add up: opening balance {opening} + in {_two(came)} - out {_two(went)} = "
            f"{_two(opening + came - went)}, closing balance {closing} {currency}; "
            f"off by {_two(abs(opening + came - went - closing))}"
        )
    for what, told, is_ in (("in", statement.told_in, came), ("out", statement.told_out, went)):
        if told is not None and told != is_:
            return (
                f"{statement.title} does not add up: the bank tells {_two(told)} {what}, its entries come to "
                f"{_two(is_)} {currency}; off by {_two(abs(told - is_))}"
            )
    return None


def exact(amount: Decimal) -> Decimal:
    """Return an amount with two decimals. More are taken when they are zeros, else ValueError says so."""
    return amount_of(amount.normalize() if amount.is_finite() else amount)


def _two(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"))


def keys(statement: Statement) -> list[str]:
    """Return one key an entry, the same whenever and in whatever statement the bank tells that entry again.

    It is made of our account, the day, the bank's reference (or else the end-to-end reference, or else the text), the
    amount, and which of its equals on that day the entry is: of two that nothing tells apart both are posted.
    """
    seen: Counter[str] = Counter()
    return [_key(_identity(statement, entry), seen, entry.booked_on) for entry in statement.entries]


def _identity(statement: Statement, entry: Entry) -> str:
    said_by = entry.bank_reference or entry.end_to_end or " ".join(entry.text.split())
    parts = normal(statement.account), statement.currency, entry.booked_on, said_by, exact(entry.amount), entry.pending
    return repr([str(part) for part in parts])


def _key(identity: str, seen: Counter[str], day: date) -> str:
    seen[identity] += 1
    # What identifies an entry when the bank reports it again: DECISIONS D26.
    digest = hashlib.blake2b(f"{identity} {seen[identity]}".encode("utf-8", "backslashreplace"), digest_size=16)
    return f"bank:{day:%Y%m%d}:{digest.hexdigest()}"


def current(currency: str) -> str:
    """Return the currency's code of today: Russian banks still write that of before 1998."""
    return "RUB" if currency.upper() == "RUR" else currency.upper()


def normal(account: str) -> str:
    """Return an account at a bank without blanks and dots, as it is compared."""
    return "".join(letter for letter in account if letter.isalnum()).upper()


def note(entry: Entry, most: int) -> str:
    """Return what the bank says of an entry, for people, in at most so many characters."""
    told: Iterable[str] = (
        entry.name, entry.tax_id and f"tax number {entry.tax_id}", entry.account,
        *(("reference " + each) for each in (entry.end_to_end, entry.reference) if each),
        " ".join(entry.text.split()),
    )  # fmt: skip
    text = "; ".join(part for part in told if part)
    text = "".join(letter for letter in text if ord(letter) >= 32 and not 0xD800 <= ord(letter) <= 0xDFFF)
    return text if len(text) <= most else f"{text[: most - 1]}…"
