"""Administration lines: who there is and on what terms, checked when they are built.

Only the fields that are given count: what is absent stays as it is in the book.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from ledger.administration.tax_ids import check_detail, check_kpp, check_tax_id
from ledger.core.accounts import DAYS
from ledger.core.scope import Scope
from ledger.values.field_types import AccountRef, Amount, Currency, Day, Instant, Name, Rate, Text
from ledger.values.money import quoted
from ledger.values.validation import sentence_of


def _code(value: str) -> str:
    if len(value) > 64:
        raise ValueError(f"has {len(value)} characters, at most 64 are allowed")
    return value


def _whole(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{quoted(value)} is not a whole number")
    if not 0 <= value <= 1_000_000:
        raise ValueError(f"{value} is not between 0 and 1000000")
    return value


def _details(value: dict[str, str]) -> dict[str, str]:
    for name, number in value.items():
        check_detail(name, number)
    return value


def _colour(value: str) -> str:
    if len(value) != 7 or value[0] != "#" or not all(letter in "0123456789abcdefABCDEF" for letter in value[1:]):
        raise ValueError(f"{value} is not a colour such as #c8102e")
    return value


def _time_of_day(value: str) -> str:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
        raise ValueError(f"{value} is not a time of day such as 11:30")
    return value


def _address(value: str) -> str:
    if not value.isprintable():
        raise ValueError("is no e-mail address: it has a line break or another control character")
    return value


def _kpp(value: str) -> str:
    check_kpp(value)
    return value


TimeOfDay = Annotated[Text, AfterValidator(_time_of_day)]
Code = Annotated[Name, AfterValidator(_code)]
Whole = Annotated[int, BeforeValidator(_whole)]
Details = Annotated[dict[Text, Text], AfterValidator(_details)]
Colour = Annotated[Text, AfterValidator(_colour)]


class Record(BaseModel):
    """What all administration lines carry."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    never_null: ClassVar[frozenset[str]] = frozenset()

    type: str
    by: Text | None = None
    note: Text | None = None

    about: ClassVar[tuple[str, ...]] = ()
    """The fields that name the accounts that it is about."""

    def scope(self) -> Scope:
        """Return the accounts that it is about: none when it is about brands, clients or the like."""
        named = (getattr(self, name) for name in self.about)
        return Scope({account for account in named if account is not None})

    @model_validator(mode="before")
    @classmethod
    def _no_null_where_there_must_be_something(cls, given: Any) -> Any:
        for name in sorted(cls.never_null):
            if isinstance(given, Mapping) and name in given and given[name] is None:
                raise ValueError(f"{name}: may not be null")
        return given


class _Identified(Record):
    tax_id: Name | None = None
    country: Name | None = None

    @model_validator(mode="after")
    def _tax_id_of_its_country(self) -> Self:
        if self.tax_id is not None:
            try:
                check_tax_id(self.tax_id, self.country)
            except ValueError as error:
                raise ValueError(f"tax_id: {error}") from None
        return self


class Brand(_Identified):
    """One of the company's own legal entities."""

    never_null = frozenset({"name", "status"})

    type: Literal["brand"] = "brand"
    code: Code
    name: Name | None = None
    legal_name: Name | None = None
    address: Text | None = None
    bank_details: Details | None = None
    colour: Colour | None = None
    logo: Text | None = None
    status: Literal["open", "closed"] | None = None


class Party(_Identified):
    """A client."""

    never_null = frozenset({"kind", "name", "status", "orders_before"})

    type: Literal["party"] = "party"
    reference: Code
    kind: Literal["individual", "legal_entity"] | None = None
    name: Name | None = None
    legal_name: Name | None = None
    kpp: Annotated[Text, AfterValidator(_kpp)] | None = None
    email: Annotated[Text, AfterValidator(_address)] | None = None
    phone: Text | None = None
    address: Text | None = None
    status: Literal["open", "closed"] | None = None
    orders_before: Whole | None = None


class Account(Record):
    """A party's personal account."""

    never_null = frozenset({"party", "currency"})

    about = ("reference",)
    type: Literal["account"] = "account"
    reference: Code
    party: Name | None = None
    currency: Currency | None = None
    holder: Name | None = None
    contract_number: Text | None = None
    contract_date: Day | None = None


class AccountStatus(Record):
    """Open, freeze or close an account."""

    about = ("account",)
    type: Literal["account_status"] = "account_status"
    account: AccountRef
    status: Literal["open", "frozen", "closed"]


class Merge(Record):
    """Merge an account into another of the same currency: balance, points and what is owed move, and it is closed."""

    about = ("account", "into")
    type: Literal["merge"] = "merge"
    account: AccountRef
    into: AccountRef
    at: Instant | None = None

    @model_validator(mode="after")
    def _two(self) -> Self:
        if self.account == self.into:
            raise ValueError("into: is the account itself")
        return self


class CreditTerms(Record):
    """How far, how long and when an account may be below zero."""

    never_null = frozenset({"limit", "valid_from"})

    about = ("account",)
    type: Literal["credit_terms"] = "credit_terms"
    account: AccountRef
    limit: Amount | None = None
    period_days: Whole | None = None
    valid_from: Day | None = None
    valid_until: Day | None = None


class When(BaseModel):
    """Hours in the book's time zone: `from` ≤ time < `to`, past midnight where `to` is not later than `from`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] | None = None
    from_: TimeOfDay = Field("00:00", alias="from")
    to: TimeOfDay = "00:00"

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.days == () or (self.days is None and self.from_ == self.to):
            raise ValueError("has no hours: give days, or from and to")
        return self

    def stored(self) -> dict[str, object]:
        """Return it as JSON, always written the same way."""
        days = [day for day in DAYS if day in (self.days or DAYS)]
        return {"days": days, "from": self.from_, "to": self.to}


class Link(Record):
    """A payer that pays for a subaccount; `draw` null ends it.

    Of each line it pays at most a `share`, only of `brands` and `services`, only `when`; what is left goes to the next
    source. A null takes the rule away. `group` is what its shared limits know the subaccount by.
    """

    about = ("account", "payer")
    type: Literal["link"] = "link"
    account: AccountRef
    payer: AccountRef
    draw: Literal["payer_first", "own_first"] | None = "payer_first"
    priority: Whole = 1
    brands: tuple[Name, ...] | None = None
    share: Rate | None = None
    when: When | None = None
    services: tuple[Text, ...] | None = None
    group: Code | None = None

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.share == 0:
            raise ValueError("share: is zero; end the link instead")
        if self.services == ():
            raise ValueError("services: there are none; end the link instead")
        return self


class WriteOffLimit(Record):
    """How much may be drawn from a payer in a window: for an `account`, or for a `group` of them together (a shared
    budget), or without either for anyone. Both null end it.
    """

    about = ("payer", "account")
    type: Literal["write_off_limit"] = "write_off_limit"
    payer: AccountRef
    account: AccountRef | None = None
    period: Literal["order", "day", "week", "month", "total"]
    amount: Amount | None = None
    count: Whole | None = None
    group: Code | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.account is not None and self.group is not None:
            raise ValueError("group: cannot be combined with account")
        return self


RECORDS: dict[str, type[Record]] = {
    "brand": Brand,
    "party": Party,
    "account": Account,
    "account_status": AccountStatus,
    "merge": Merge,
    "credit_terms": CreditTerms,
    "link": Link,
    "write_off_limit": WriteOffLimit,
}
"""The administration lines by `type` in JSON."""


def parse(record: Mapping[str, Any]) -> Record:
    """Return the administration line that a JSON object describes. Raises ValueError with one sentence."""
    try:
        return RECORDS[record["type"]].model_validate(record)
    except ValidationError as error:
        raise ValueError(sentence_of(error)) from None
