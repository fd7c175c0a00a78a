"""Commands: what a caller may ask of the ledger, checked when they are built.

An account given as a string is the caller's reference for it, given as a number it is
the account's number, whose check digit is verified here. Amounts are Decimals with two
decimals; a command that breaks a rule of form is never built (ValueError, `sentence_of`).
"""

import hashlib
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import ConfigDict, Field, Strict, TypeAdapter, ValidationError, model_validator
from pydantic.dataclasses import dataclass

from ledger.core.command_parts import (
    CONFIG,
    LINES,
    Line,
    LineAmount,
    Part,
    Share,
    Undone,
    check_lines,
    check_split,
    own_place,
)
from ledger.core.scope import Scope
from ledger.values.field_types import (
    AccountRef,
    Amount,
    Currency,
    Day,
    DueDay,
    Instant,
    Key,
    Name,
    NotZero,
    Positive,
    Text,
)
from ledger.values.money import amount_of, minor, quoted
from ledger.values.validation import sentence_of

ClosedTo = Literal["payer", "unallocated"]


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Command:
    """What all commands carry. `at` is the booking time (default: the database's clock).

    `occurred_at` is when it happened, if that was earlier: windows of limits, hours and promotions go by it.
    """

    kind: ClassVar[str]

    key: Key
    at: Instant | None = None
    value_date: Day | None = None
    by: Text | None = None
    note: Text | None = None
    currency: Currency | None = None
    occurred_at: Instant | None = None

    def __init_subclass__(cls) -> None:
        if "kind" not in cls.__dict__:
            cls.kind = cls.__name__.lower()

    @cached_property
    def fingerprint(self) -> bytes:
        """16 bytes that are the same for the same content, whatever way it was written.

        Fields that were not given do not count: an optional field of a later version changes no digest (DECISIONS D7).
        """
        content: list[Any] = [self.kind]
        for name, value in self.__dict__.items():
            if value is not None:
                content.append(name)
                content.append([_given(part) for part in value] if type(value) is tuple else value)
        return hashlib.blake2b(repr(content).encode(), digest_size=16).digest()

    def concern(self, scope: Scope) -> None:
        """Add what this kind of command concerns: accounts, brands, earlier transactions, credits."""


def scope_of(commands: Iterable[Command]) -> Scope:
    """Return what commands concern together."""
    scope = Scope()
    for command in commands:
        scope.keys.append(command.key)
        scope.times += [at for at in (command.at, command.occurred_at) if at is not None]
        command.concern(scope)
    scope.ids = len(scope.keys)
    return scope


def _given(part: Any) -> Any:
    """Return the values of a part's fields, without trailing ones that were not given; a text as it is."""
    if isinstance(part, str):
        return part
    # Without their names: this is done for every line of every command.
    values = [*part.__dict__.values()]
    while values[-1] is None:
        values.pop()
    return values


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Payment(Command):
    """Money in: into one account, split over several, or without an account to the brand's `unallocated`."""

    amount: Positive
    account: AccountRef | None = None
    brand: Name | None = None
    channel: Text | None = None
    split: tuple[Share, ...] | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.account is not None and self.split is not None:
            raise ValueError("split: cannot be combined with account")
        if self.split is not None:
            check_split(self.amount, self.split)
        if self.brand is None and (self.split is None or any(part.brand is None for part in self.split)):
            raise ValueError("brand: is missing")
        return self

    def concern(self, scope: Scope) -> None:
        for part in self.split or ():
            scope.credit(part.account, minor(part.amount))
        if self.account is not None:
            scope.credit(self.account, minor(self.amount))
        brands = (self.brand, *(part.brand for part in self.split or ()))
        scope.sell((brand for brand in brands if brand is not None), self.currency)


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Allocate(Command):
    """Give an unallocated payment, named by its key, its accounts."""

    payment: Name
    split: tuple[Part, ...]

    @model_validator(mode="after")
    def _whole(self) -> Self:
        check_split(self.amount, self.split)
        return self

    @property
    def amount(self) -> Decimal:
        """Return what the parts sum to."""
        return sum((part.amount for part in self.split), Decimal("0.00"))

    def concern(self, scope: Scope) -> None:
        for part in self.split:
            scope.credit(part.account, minor(part.amount))
        scope.refer(self.payment)
        scope.payments.append(self.payment)


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Payout(Command):
    """Money out, of the client's own."""

    account: AccountRef
    amount: Positive
    brand: Name
    channel: Text | None = None

    def concern(self, scope: Scope) -> None:
        scope.accounts.add(self.account)
        scope.sell((self.brand,), self.currency)


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class _Charge(Command):
    """Lines to be paid for by `due_on` (default: as the credit terms of each payer have it); at most `bonus_at_most`
    of it by points.

    With `bonus_by_brand`, points of each brand pay at most its amount, those of other brands nothing. With
    `bonus_elsewhere`, points of a brand then pay lines of others, too, until points of all brands pay its amount there.
    """

    account: AccountRef
    lines: tuple[Line, ...]
    due_on: DueDay | None = None
    bonus_at_most: Amount | None = None
    bonus_by_brand: dict[Name, Amount] | None = None
    bonus_elsewhere: dict[Name, dict[Name, Amount]] | None = None

    @model_validator(mode="after")
    def _has_lines(self) -> Self:
        if not 1 <= len(self.lines) <= LINES:
            raise ValueError(f"lines: there are {len(self.lines)}, 1 to {LINES} are allowed")
        amount_of(self.amount)
        return self

    @property
    def amount(self) -> Decimal:
        """Return what the lines sum to."""
        return sum((line.amount for line in self.lines), Decimal("0.00"))

    def concern(self, scope: Scope) -> None:
        scope.accounts.add(self.account)
        scope.sell([line.brand for line in self.lines], self.currency)


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Debit(_Charge):
    """A write-off for services."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Hold(_Charge):
    """Money set aside for services until `expires_at`."""

    expires_at: Instant


CHARGES = Debit, Hold


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Capture(Command):
    """Write off what a hold, named by its key, set aside: all of it, an amount, or by line."""

    hold: Name
    amount: Positive | None = None
    lines: tuple[LineAmount, ...] | None = None
    final: Annotated[bool, Strict()] = False

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        check_lines(self.amount, self.lines)
        return self

    def concern(self, scope: Scope) -> None:
        scope.refer(self.hold)


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Release(Command):
    """Give back the whole of what a hold, named by its key, still sets aside."""

    hold: Name

    def concern(self, scope: Scope) -> None:
        scope.refer(self.hold)


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Refund(Command):
    """Money back for an earlier debit or capture, named by its key: all that is left, an amount, or by line.

    `closed_to` says where the part that a closed account paid goes: to the payer that paid with it, or to
    `unallocated`.
    """

    debit: Name
    amount: Positive | None = None
    lines: tuple[LineAmount, ...] | None = None
    reason: Text | None = None
    closed_to: ClosedTo | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        check_lines(self.amount, self.lines)
        if self.lines and all(line.amount == 0 for line in self.lines):
            raise ValueError("lines: their amounts sum to zero")
        return self

    def concern(self, scope: Scope) -> None:
        scope.refer(self.debit)


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Reverse(Command):
    """Undo a payment, payout, transfer, adjustment, move or reversal, named by its key: what is left of it, or a part.

    A part of what went to several accounts, or through several brands, needs its split.
    """

    transaction: Name
    reason: Name
    amount: Positive | None = None
    split: tuple[Undone, ...] | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.split is not None:
            if self.amount is None:
                raise ValueError("amount: is missing; the split must add up to it")
            check_split(self.amount, self.split)
        return self

    def concern(self, scope: Scope) -> None:
        scope.accounts.update(part.account for part in self.split or () if part.account is not None)
        scope.refer(self.transaction)
        scope.payments.append(self.transaction)


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Transfer(Command):
    """Own money from one account to another of the same currency."""

    account: AccountRef
    to: AccountRef
    amount: Positive

    @model_validator(mode="after")
    def _two_accounts(self) -> Self:
        if self.account == self.to:
            raise ValueError("to: is the account itself")
        return self

    def concern(self, scope: Scope) -> None:
        scope.accounts.add(self.account)
        scope.credit(self.to, minor(self.amount))


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Adjustment(Command):
    """A manual correction with a reason; the amount may be negative, and is then to be paid by `due_on`.

    `chart` is the account of the company's own chart that it belongs to: one of CHART or a code of your own.
    """

    account: AccountRef
    amount: NotZero
    brand: Name
    reason: Name
    chart: Name | None = None
    due_on: DueDay | None = None

    @model_validator(mode="after")
    def _owed(self) -> Self:
        if self.due_on is not None and self.amount > 0:
            raise ValueError("due_on: goes with a negative amount")
        return self

    def concern(self, scope: Scope) -> None:
        # A negative one credits when it is reversed, perhaps in this batch.
        scope.credit(self.account, abs(minor(self.amount)))
        scope.sell((self.brand,), self.currency)


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid", validate_by_name=True, validate_by_alias=True))
class Move(Command):
    """Money between brands' own accounts: channels of cash and codes of the chart, of one brand or of two.

    `amount` leaves; what arrives is that less the `fee`, which is the sending brand's. Codes of CHART, and what follows
    `chart:`, are codes; all else is a channel, and so is what follows `channel:`.
    """

    brand: Name
    from_: Annotated[Name, Field(alias="from")]
    to: Name
    amount: Positive
    to_brand: Name | None = None
    fee: Amount | None = None
    reference: Text | None = None

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if self.fee is not None and self.fee > self.amount:
            raise ValueError(f"fee: {self.fee} is more than the amount {self.amount}")
        if self.to_brand in (None, self.brand) and own_place(self.from_) == own_place(self.to):
            raise ValueError("to: is the same place as from")
        return self

    def concern(self, scope: Scope) -> None:
        scope.sell((self.brand, self.to_brand or self.brand), self.currency)


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Bonus(Command):
    """Points given to, or below zero taken from, a bonus account: by its number, or by the money account and a brand.

    They are an expense of `charge_to` (default: their brand), and gone when `expires_on` is over (default: by the
    brand's programme).

    No adjustment: DECISIONS D8.
    """

    account: AccountRef
    amount: NotZero
    reason: Name
    brand: Name | None = None
    expires_on: DueDay | None = None
    charge_to: Name | None = None

    @model_validator(mode="after")
    def _given(self) -> Self:
        if self.expires_on is not None and self.amount < 0:
            raise ValueError("expires_on: goes with points that are given")
        return self

    def concern(self, scope: Scope) -> None:
        scope.accounts.add(self.account)
        scope.sell([brand for brand in (self.brand, self.charge_to) if brand is not None], self.currency)


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Mark(Command):
    """Something that happened to an account and moved nothing (an order delivered), kept with its key.

    Without an account it can only be refused.
    """

    account: AccountRef | None = None
    reason: Name

    def concern(self, scope: Scope) -> None:
        if self.account is not None:
            scope.accounts.add(self.account)


_SERVICES = (*CHARGES, Capture, Release, Refund)
_ALL = (Payment, Allocate, Payout, *_SERVICES, Reverse, Transfer, Adjustment, Move, Bonus)
COMMANDS: dict[str, type[Command]] = {command.kind: command for command in _ALL}
"""The commands by `type` in JSON."""

KINDS: dict[str, type[Command]] = {**COMMANDS, Mark.kind: Mark}
"""All kinds of command that a transaction can answer; a mark is the ledger's own."""

_ADAPTERS: dict[str, TypeAdapter[Any]] = {kind: TypeAdapter(command) for kind, command in COMMANDS.items()}


def parse(record: Mapping[str, Any]) -> Command:
    """Return the command that a JSON object describes. Raises ValueError with one sentence (`sentence_of`)."""
    kind = record.get("type")
    adapter = _ADAPTERS.get(kind) if isinstance(kind, str) else None
    if adapter is None:
        raise ValueError(f"type: {quoted(kind)} is not a known type" if "type" in record else "type: is missing")
    try:
        command = adapter.validate_python({name: value for name, value in record.items() if name != "type"})
    except ValidationError as error:
        raise ValueError(sentence_of(error)) from None
    assert isinstance(command, Command)
    return command
