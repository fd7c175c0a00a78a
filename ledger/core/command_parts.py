"""What commands are made of: service lines, parts of payments, allocations and reversals, a brand's own places."""

from decimal import Decimal
from typing import Annotated, Self

from pydantic import ConfigDict, Strict, model_validator
from pydantic.dataclasses import dataclass

from ledger.values.field_types import AccountRef, Amount, Attributes, Name, Positive, Rate, Text

LINES = 1000
CHART = ("bad_debt", "breakage", "fee", "netting", "opening", "penalty", "tips_paid")
"""Codes of the company's own chart of accounts that need no explanation; the fee of a move goes to `fee`."""


CONFIG = ConfigDict(extra="forbid")


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Share:
    """One part of a payment: into which account, through which brand (the payment's own by default)."""

    account: AccountRef
    amount: Positive
    brand: Name | None = None


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Part:
    """One part of an allocation: into which account."""

    account: AccountRef
    amount: Positive


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Undone:
    """One part of a reversal: out of which account (none: the brand's `unallocated`), through which brand."""

    amount: Positive
    account: AccountRef | None = None
    brand: Name | None = None


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Line:
    """One service line: `gross - discount = amount`; VAT is included in the amount."""

    brand: Name
    amount: Amount
    service: Text = ""
    reference: Text = ""
    gross: Amount | None = None
    discount: Amount | None = None
    vat_rate: Rate | None = None
    vat: Amount | None = None
    attributes: Attributes | None = None

    @model_validator(mode="after")
    def _sums(self) -> Self:
        gross, discount = self.gross, self.discount
        if gross is None:
            gross = self.amount + discount if discount else self.amount
        if discount is None:
            discount = gross - self.amount
        if gross - discount != self.amount or discount < 0:
            raise ValueError(f"gross {gross} less discount {discount} is not the amount {self.amount}")
        if gross == 0:
            raise ValueError("amount: is zero and so is gross; a free line needs a gross and a discount")
        if self.vat is not None and self.vat > self.amount:
            raise ValueError(f"vat: {self.vat} is more than the amount {self.amount}")
        object.__setattr__(self, "gross", gross)
        object.__setattr__(self, "discount", discount)
        if self.vat is None and self.vat_rate is not None:
            vat = (self.amount * self.vat_rate / (100 + self.vat_rate)).quantize(Decimal("0.01"), "ROUND_HALF_UP")
            object.__setattr__(self, "vat", vat)
        return self


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class LineAmount:
    """How much of one earlier line; no amount means all that is left of it."""

    line: Annotated[int, Strict()]
    amount: Amount | None = None


def check_split(amount: Decimal, split: tuple[Share, ...] | tuple[Part, ...] | tuple[Undone, ...]) -> None:
    """Raise ValueError unless the parts are few enough and sum to the amount."""
    if not 1 <= len(split) <= LINES:
        raise ValueError(f"split: has {len(split)} parts, 1 to {LINES} are allowed")
    total = sum((part.amount for part in split), Decimal("0.00"))
    if total != amount:
        raise ValueError(f"split: the parts sum to {total}, not to the amount {amount}")


def check_lines(amount: Decimal | None, lines: tuple[LineAmount, ...] | None) -> None:
    """Raise ValueError when lines are given beside an amount, or too few or too many of them."""
    if lines is None:
        return
    if amount is not None:
        raise ValueError("amount: cannot be combined with lines")
    if not 1 <= len(lines) <= LINES:
        raise ValueError(f"lines: there are {len(lines)}, 1 to {LINES} are allowed")
    if len({line.line for line in lines}) < len(lines):
        raise ValueError("lines: a line is named twice")


def own_place(name: str) -> tuple[str | None, str | None]:
    """Return the channel of cash, or else the code of the chart, that a text names (DECISIONS D88)."""
    kind, _, rest = name.partition(":")
    if rest and kind in ("chart", "channel"):
        return (None, rest) if kind == "chart" else (rest, None)
    return (None, name) if name in CHART else (name, None)
