"""The rows that papers print, and the sums over operations that make them. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from reports.documents.statement import ZERO, Operation, PaidLine, total_of


@dataclass(frozen=True)
class PrintedRow:
    """One operation as a statement prints it."""

    operation: Operation
    day: str
    time: str
    headline: str
    detail: str


@dataclass(frozen=True)
class Day:
    """All operations of one day, for statements too long to list them."""

    on: date
    count: int
    charged: Decimal
    received: Decimal
    balance: Decimal


@dataclass(frozen=True)
class PrintedEntry:
    """One operation as an act prints it, from the issuer's side: debit is what the client owes."""

    day: str
    document: str
    debit: Decimal
    credit: Decimal


@dataclass(frozen=True)
class BalanceRow:
    """A balance from the issuer's side."""

    debit: Decimal
    credit: Decimal


@dataclass(frozen=True)
class InvoiceItem:
    """One service at one VAT rate on an invoice or an act; `count` is the number of lines charged.

    `name` is the seller's brand and the service; `quantity` times `price` is the amount.
    """

    name: str
    service: str
    count: int
    quantity: int
    price: Decimal
    gross: Decimal
    discount: Decimal
    rate: Decimal | None
    vat: Decimal
    amount: Decimal


@dataclass(frozen=True)
class PrintedDue:
    """A part of what is to pay and by when, in words."""

    label: str
    amount: Decimal
    late: bool


@dataclass(frozen=True)
class PrintedPart:
    """One band of the ageing strip; `share` in percent of its width."""

    label: str
    amount: Decimal
    share: int
    shade: str


def by_brand(lines: Sequence[PaidLine]) -> list[tuple[str, Decimal]]:
    """Return the amount of each brand, in the order they first come."""
    sums: dict[str, Decimal] = {}
    for line in lines:
        sums[line.brand] = sums.get(line.brand, ZERO) + line.amount
    return list(sums.items())


def day_of(on: date, operations: Sequence[Operation]) -> Day:
    """Return the sums of one day's operations, which are in order."""
    return Day(
        on=on,
        count=len(operations),
        charged=total_of(-one.amount for one in operations if one.amount < 0),
        received=total_of(one.amount for one in operations if one.amount > 0),
        balance=operations[-1].balance,
    )
