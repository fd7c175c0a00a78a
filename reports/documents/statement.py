"""The content of a paper: the facts of one account over one period, as frozen values.

A statement, an act and an invoice are three drawings of the same `Statement`. Amounts are
decimals with two places in the account's currency; plus is what the client has. Nothing
here reads a file or knows a language.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

ZERO = Decimal("0.00")


def total_of(amounts: Iterable[Decimal]) -> Decimal:
    """Return the sum, zero of nothing."""
    return sum(amounts, start=ZERO)


@dataclass(frozen=True)
class Issuer:
    """The brand whose contract the account is: the seller on its papers."""

    code: str
    name: str
    legal_name: str
    tax_id: str | None = None
    country: str | None = None
    address: str | None = None
    bank_details: tuple[tuple[str, str], ...] = ()
    colour: str | None = None
    logo: str | None = None


@dataclass(frozen=True)
class Client:
    """The party whose account it is."""

    name: str
    reference: str | None = None
    legal_name: str | None = None
    kind: str = "individual"
    tax_id: str | None = None
    country: str | None = None
    kpp: str | None = None
    address: str | None = None
    email: str | None = None


@dataclass(frozen=True)
class PaidLine:
    """A service line, or the part of it that this account paid; negative when given back."""

    line: int
    brand: str
    service: str
    reference: str
    gross: Decimal
    discount: Decimal
    amount: Decimal
    vat_rate: Decimal | None = None
    vat: Decimal | None = None
    brand_code: str = ""


@dataclass(frozen=True)
class Operation:
    """One entry of the account, with the service lines it paid for."""

    version: int
    transaction: int
    kind: str
    posted_at: datetime
    posted_on: date
    amount: Decimal
    held: Decimal
    balance: Decimal
    lines: tuple[PaidLine, ...] = ()
    refers_to: int | None = None
    channel: str | None = None
    reason: str | None = None
    note: str | None = None
    subaccount: int | None = None
    subaccount_name: str | None = None


@dataclass(frozen=True)
class Summary:
    """Opening + paid − (charged − discounts) + refunds + other = closing; `other` by kind of operation."""

    opening: Decimal
    charged: Decimal
    discounts: Decimal
    refunds: Decimal
    paid: Decimal
    other: tuple[tuple[str, Decimal], ...]
    closing: Decimal
    held: Decimal

    @property
    def to_pay(self) -> Decimal:
        """Return what the client owes at the end, zero if nothing."""
        return max(ZERO, -self.closing)


@dataclass(frozen=True)
class Credit:
    """Credit on the last day. `limit` is zero when the terms have expired on `expired_on`."""

    limit: Decimal
    available: Decimal
    expired_on: date | None = None


@dataclass(frozen=True)
class Vat:
    """What was charged, less refunds, at one VAT rate; None is without VAT."""

    rate: Decimal | None
    amount: Decimal
    vat: Decimal


def vat_by_rate(lines: Iterable[PaidLine]) -> tuple[Vat, ...]:
    """Return amount and VAT of the lines at each rate, the highest first, without VAT last."""
    found: dict[Decimal | None, Vat] = {}
    for line in lines:
        sofar = found.get(line.vat_rate, Vat(line.vat_rate, ZERO, ZERO))
        found[line.vat_rate] = Vat(line.vat_rate, sofar.amount + line.amount, sofar.vat + (line.vat or ZERO))
    return tuple(found[rate] for rate in sorted(found, key=lambda rate: (rate is None, -(rate or ZERO))))


@dataclass(frozen=True)
class Age:
    """What is unpaid and this many days late, both included; None is no end on that side."""

    days_from: int | None
    days_to: int | None
    amount: Decimal


@dataclass(frozen=True)
class Due:
    """What is unpaid and due on one day, and how many days late that is; no day: none was agreed."""

    due_on: date | None
    amount: Decimal
    days_late: int


@dataclass(frozen=True)
class OpenHold:
    """Money set aside and not yet used at the end of the period."""

    transaction: int
    set_on: date
    amount: Decimal
    expires_on: date | None


@dataclass(frozen=True)
class BonusRow:
    """Points of one brand's programme over the period; they are not money."""

    brand: str
    opening: Decimal
    accrued: Decimal
    spent: Decimal
    closing: Decimal


@dataclass(frozen=True)
class ChargedPart:
    """What an employee (`account`) or a department of the client was charged, less refunds; blank is nobody's."""

    name: str
    account: int | None
    charges: int
    vat: Decimal
    amount: Decimal


@dataclass(frozen=True)
class Statement:
    """Everything a paper of one account and period may contain. `until` is the last day, included.

    `parts` are the annex, by subaccount or group (`parted_by`), and sum to the services of the period.
    `principals` are the brands, other than the issuer, that served on the account in the period.

    `edition` counts what was issued under the paper's number with other content. `seal` is the short form of the seal
    of its last day, where the paper carries a proof.
    `known_at` is when the last day was closed, after `last_transaction`; while it is open the
    paper is provisional and made from a `cut` of that time.
    """

    account: int
    currency: str
    client: Client
    issuer: Issuer | None
    principals: tuple[Issuer, ...]
    contract_number: str | None
    contract_date: date | None
    since: date
    until: date
    known_at: datetime
    time_zone: str
    provisional: bool
    last_transaction: int | None
    cut: int | None
    summary: Summary
    overdue: Decimal
    dues: tuple[Due, ...]
    credit: Credit | None
    operations: tuple[Operation, ...]
    vat: tuple[Vat, ...]
    ages: tuple[Age, ...]
    holds: tuple[OpenHold, ...]
    bonuses: tuple[BonusRow, ...]
    edition: int = 1
    seal: str | None = None
    parted_by: str | None = None
    parts: tuple[ChargedPart, ...] = ()

    @property
    def is_month(self) -> bool:
        """Return whether the period is exactly one calendar month."""
        following = date.fromordinal(self.until.toordinal() + 1)
        return self.since.day == 1 and following.day == 1 and (following - self.since).days <= 31

    @property
    def period(self) -> str:
        """Return the period as it stands in numbers of papers: 2017-03, or both days."""
        return f"{self.since:%Y-%m}" if self.is_month else f"{self.since:%Y%m%d}-{self.until:%Y%m%d}"
