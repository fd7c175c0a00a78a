"""What an order system may send: place an order, deliver it, cancel it, refund items of it; set promotions and bonuses.

Items are kept in one order, whatever order they came in, and the same dish twice is one
item with both quantities: neither changes what an order costs.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from operator import attrgetter
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Strict, TypeAdapter, ValidationError, model_validator
from pydantic.dataclasses import dataclass

from ledger.administration import administration_lines as administration
from ledger.administration.administration_lines import Code, Record, Whole
from ledger.core import commands
from ledger.core.command_parts import CONFIG, LINES
from ledger.core.commands import ClosedTo, Command
from ledger.core.scope import Scope
from ledger.values.field_types import AccountRef, Amount, Attributes, Day, Instant, Name, Positive, Rate, Text
from ledger.values.money import amount_of
from ledger.values.validation import sentence_of

MOST_OF_A_DISH = 10_000


def _quantity(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{value!r} is not a whole number")
    if not 1 <= value <= MOST_OF_A_DISH:
        raise ValueError(f"{value} is not between 1 and {MOST_OF_A_DISH}")
    return value


Quantity = Annotated[int, BeforeValidator(_quantity)]
Flag = Annotated[bool, Strict()]


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Item:
    """A dish of a brand, in a quantity, at a price each, less the `discount` that your own shop gives on all of it."""

    brand: Name
    sku: Name
    price: Positive
    quantity: Quantity = 1
    name: Text = ""
    vat_rate: Rate | None = None
    discount: Amount | None = None
    reference: Text | None = None
    attributes: Attributes | None = None

    @model_validator(mode="after")
    def _no_less_than_nothing(self) -> Self:
        if (self.discount or 0) > self.price * self.quantity:
            raise ValueError(f"discount: {self.discount} is more than {self.price * self.quantity}")
        return self


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Extra:
    """What an order costs beside its dishes: delivery or packaging, by a brand."""

    brand: Name
    amount: Amount
    vat_rate: Rate | None = None


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class OtherExtra(Extra):
    """Anything else that an order costs beside its dishes, such as tips; promotions lower it where it is marked so."""

    service: Name
    discountable: Flag | None = None

    @model_validator(mode="after")
    def _no_dish(self) -> Self:
        if self.service == "dish":
            raise ValueError("service: dish is what items are")
        return self


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Some:
    """So many of a dish of an order; the brand only where several brands have the sku."""

    sku: Name
    quantity: Quantity
    brand: Name | None = None


_LIKE = attrgetter("price", "name", "vat_rate", "reference", "attributes")


def _together(items: tuple[Item, ...]) -> tuple[Item, ...]:
    """Return the items by brand and sku, the same dish as one item."""
    merged: dict[tuple[str, str], Item] = {}
    for item in items:
        known = merged.get((item.brand, item.sku))
        quantity = item.quantity + (known.quantity if known else 0)
        if known and _LIKE(known) != _LIKE(item):
            raise ValueError(f"items: {item.sku} of {item.brand} is given twice with different details")
        if quantity > MOST_OF_A_DISH:
            raise ValueError(f"items: {quantity} of {item.sku} is more than {MOST_OF_A_DISH}")
        off = sum((each.discount for each in (known, item) if each and each.discount), Decimal("0.00")) or None
        merged[item.brand, item.sku] = item if known is None else replace(item, quantity=quantity, discount=off)
    return tuple(merged[key] for key in sorted(merged))


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Order(Command):
    """Dishes for an account, delivered now or, with `due_at`, later (a pre-order)."""

    kind: ClassVar[str] = "order"

    account: AccountRef
    items: tuple[Item, ...]
    delivery: Extra | None = None
    packaging: Extra | None = None
    promo_codes: tuple[Name, ...] = ()
    bonus_at_most: Amount | None = None
    due_at: Instant | None = None
    extras: tuple[OtherExtra, ...] | None = None
    reference: Text | None = None
    attributes: Attributes | None = None

    @model_validator(mode="after")
    def _orderly(self) -> Self:
        most = LINES - 2 - len(self.extras or ())
        if not 1 <= len(self.items) <= most:
            raise ValueError(f"items: there are {len(self.items)}, 1 to {most} are allowed")
        services = [(service, extra.brand) for service, extra in self.charges]
        if len(set(services)) < len(services):
            raise ValueError("extras: a service of a brand is given twice")
        if len(set(self.promo_codes)) < len(self.promo_codes):
            raise ValueError("promo_codes: a code is given twice")
        if len(self.items) > 1:
            object.__setattr__(self, "items", _together(self.items))
        object.__setattr__(self, "promo_codes", tuple(sorted(self.promo_codes)))
        amount_of(self.gross)
        return self

    @property
    def charges(self) -> tuple[tuple[str, Extra], ...]:
        """Return what is charged beside the dishes, with its service."""
        named = [("delivery", self.delivery), ("packaging", self.packaging)]
        named += [(extra.service, extra) for extra in self.extras or ()]
        return tuple([(service, extra) for service, extra in named if extra is not None and extra.amount])

    @property
    def gross(self) -> Decimal:
        """Return what everything costs before discounts."""
        dishes = sum((item.price * item.quantity for item in self.items), Decimal("0.00"))
        return dishes + sum((extra.amount for _, extra in self.charges), Decimal("0.00"))

    @property
    def brands(self) -> set[str]:
        """Return the codes of the brands of its lines."""
        return {item.brand for item in self.items} | {extra.brand for _, extra in self.charges}

    def concern(self, scope: Scope) -> None:
        scope.accounts.add(self.account)
        scope.sell(self.brands, self.currency)


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Refunded:
    """So many of a dish of an order, or an amount of what it cost; the brand only where several have the sku."""

    sku: Name
    quantity: Quantity | None = None
    brand: Name | None = None
    amount: Positive | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.quantity is None) == (self.amount is None):
            raise ValueError("quantity: give either a quantity or an amount")
        return self


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Delivered(Some):
    """So many of a dish that were delivered; by weight they came to an `amount`, which may be more than was ordered."""

    amount: Amount | None = None


def _check_some(items: tuple[Some, ...] | tuple[Refunded, ...]) -> None:
    if len({(item.brand, item.sku) for item in items}) < len(items):
        raise ValueError("items: a dish is named twice")


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class FollowUp(Command):
    """What becomes of an order, named by its key."""

    order: Name

    def concern(self, scope: Scope) -> None:
        scope.refer(self.order)


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Deliver(FollowUp):
    """An order, named by its key, was delivered: all of it, or only these items; weighed ones at their `amount`, net of
    discounts. What is dearer is debited at once; where that is declined the delivery is.
    """

    kind: ClassVar[str] = "deliver"

    items: tuple[Delivered, ...] | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.items is not None:
            if not self.items:
                raise ValueError("items: nothing is delivered; cancel the order instead")
            _check_some(self.items)
        return self


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Amend(FollowUp):
    """A pre-order, named by its key, is due at another time; its prices, promotions and money set aside stay."""

    kind: ClassVar[str] = "amend"

    due_at: Instant


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Cancel(FollowUp):
    """An order, named by its key, is taken back in full, for a fee that a brand keeps.

    `by_client`: the client does so himself, and points that come back to him after their date are lost. `closed_to` is
    a refund's: where goes what a closed account paid.
    """

    kind: ClassVar[str] = "cancel"

    fee: Amount = Decimal("0.00")
    fee_brand: Name | None = None
    reason: Text | None = None
    by_client: Flag | None = None
    closed_to: ClosedTo | None = None
    fee_vat_rate: Rate | None = None

    def concern(self, scope: Scope) -> None:
        scope.refer(self.order)
        scope.sell((self.fee_brand,) if self.fee_brand else (), self.currency)


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class RefundItems(FollowUp):
    """Money back for some items of an order, named by its key, and for delivery, packaging or the `extras` named.

    An `amount`, of an item or of the whole order, is money back for what the client keeps (a cold dish); of a cancelled
    order it is of the fee. `closed_to` is a refund's: where goes what a closed account paid.
    """

    kind: ClassVar[str] = "refund_items"

    items: tuple[Refunded, ...] = ()
    delivery: Flag = False
    packaging: Flag = False
    reason: Text | None = None
    amount: Positive | None = None
    closed_to: ClosedTo | None = None
    extras: tuple[Name, ...] | None = None

    @property
    def services(self) -> list[str]:
        """Return the services that go back whole."""
        fixed = [name for name, asked in (("delivery", self.delivery), ("packaging", self.packaging)) if asked]
        return list(dict.fromkeys([*fixed, *(self.extras or ())]))

    @model_validator(mode="after")
    def _something(self) -> Self:
        parts = bool(self.items or self.services)
        if parts and self.amount is not None:
            raise ValueError("amount: applies to the whole order; each item has an amount of its own")
        if not parts and self.amount is None:
            raise ValueError("items: nothing is refunded")
        _check_some(self.items)
        return self


COMMANDS: dict[str, type[Command]] = {command.kind: command for command in (Order, Deliver, Amend, Cancel, RefundItems)}
_ADAPTERS: dict[str, TypeAdapter[Any]] = {kind: TypeAdapter(command) for kind, command in COMMANDS.items()}


class Financed(BaseModel):
    """A brand that pays the seller a share of a promotion's discount."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    brand: Name
    percent: Rate


class Promotion(Record):
    """A code that lowers what an order costs; percent, minimum and cap apply to its brand's dishes."""

    type: Literal["promotion"] = "promotion"
    code: Code
    kind: Literal["percent", "amount", "free_delivery"] | None = None
    value: Positive | None = None
    brand: Name | None = None
    min_order: Amount | None = None
    max_discount: Amount | None = None
    valid_from: Day | None = None
    valid_until: Day | None = None
    max_uses: Whole | None = None
    max_uses_per_party: Whole | None = None
    first_order_only: Flag | None = None
    stackable: Flag | None = None
    financed: tuple[Financed, ...] | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        shares = self.financed or ()
        if sum(share.percent for share in shares) > 100:
            raise ValueError("financed: the brands pay more than 100 percent")
        if len({share.brand for share in shares}) < len(shares):
            raise ValueError("financed: a brand is named twice")
        if any(not share.percent for share in shares):
            raise ValueError("financed: a brand pays nothing; leave it out")
        return self

    @model_validator(mode="after")
    def _percent(self) -> Self:
        if self.kind == "percent" and self.value is not None and self.value > 100:
            raise ValueError(f"value: {self.value} is more than 100 percent")
        if self.kind == "free_delivery" and self.value is not None:
            raise ValueError("value: cannot be combined with free_delivery")
        return self


class BonusProgram(Record):
    """A brand's bonuses: what share of money comes back as points, and how points may be spent."""

    type: Literal["bonus_program"] = "bonus_program"
    brand: Code
    accrue_percent: Rate | None = None
    redeem_percent: Rate | None = None
    expires_after_days: Whole | None = None
    returned_live_days: Whole | None = None
    spend_at: tuple[Name, ...] | None = None
    valid_from: Day | None = None
    valid_until: Day | None = None


RECORDS: dict[str, type[Record]] = {"promotion": Promotion, "bonus_program": BonusProgram}


def parse(record: Mapping[str, Any]) -> Command | Record:
    """Return what a JSON object of either level describes. Raises ValueError with one sentence."""
    kind = record.get("type")
    if isinstance(kind, str) and kind in _ADAPTERS:
        command: Command = _built(_ADAPTERS[kind].validate_python, {n: record[n] for n in record if n != "type"})
        return command
    if isinstance(kind, str) and kind in RECORDS:
        made: Record = _built(RECORDS[kind].model_validate, record)
        return made
    if isinstance(kind, str) and kind in administration.RECORDS:
        return administration.parse(record)
    return commands.parse(record)


def _built(build: Callable[[Any], Any], record: Any) -> Any:
    try:
        return build(record)
    except ValidationError as error:
        raise ValueError(sentence_of(error)) from None
