"""The ledger's tables in PostgreSQL. Amounts are integers of minor units.

Transactions, entries, credit terms and changes are append-only; the guards that
hold this are SQL and live in the migrations. A system account of a brand takes
entries but has no balance row, so no writer waits for another on it (DECISIONS D10).
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeAlias

from sqlalchemy import (
    CHAR,
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Column, Field, SQLModel

from ledger.postgres.timeline import TIMELINE

NOW = text("clock_timestamp()")

JsonObject: TypeAlias = dict[str, object]
NULLABLE_JSON = JSONB(none_as_null=True)  # None is SQL's NULL; by default it would be the JSON text "null"


# What the database or the ledger fills in is declared with a default, so that a row can be made without it.
def numbered() -> Any:
    """Return the column of an id that the database numbers."""
    return Field(default=None, sa_column=Column(BigInteger, Identity(), primary_key=True))


def stamped() -> Any:
    """Return the column of a moment that the database's clock fills in."""
    return Field(default=None, sa_column=Column(DateTime(timezone=True), nullable=False, server_default=NOW))


def committed_by() -> Any:
    """Return the column of the number of the database transaction that wrote the row; null on older rows."""
    return Field(default=None, sa_column=Column(BigInteger, server_default=text("pg_current_xact_id()::text::bigint")))


def key(type_: type[BigInteger] | type[SmallInteger], *, references: str | None = None) -> Any:
    """Return a column of a primary key that the ledger fills in."""
    foreign_key = (ForeignKey(references),) if references else ()
    return Field(sa_column=Column(type_, *foreign_key, primary_key=True, autoincrement=False))


def group() -> Any:
    """Return the column of a group in a primary key; empty where there is none."""
    return Field(default="", sa_column=Column(Text, primary_key=True, server_default=""))


def _one_of(column: str, *values: str) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")


class BookSettings(SQLModel, table=True):
    """The one row of facts about the whole book.

    `incarnation` distinguishes this ledger from others of the same book that were restored from a backup. Days up to
    `closing` accept no transactions while the cut that is to close them is verified; it is null otherwise. `fed` has
    of each earlier incarnation the last transaction that is this one's, too; up to `fed_from` all are of earlier ones.
    `timeline` is the server's when the incarnation began: on another one, it was promoted or restored since. `cut_at`
    is the moment of the latest cut.
    """

    __tablename__ = "book"
    __table_args__ = (
        CheckConstraint("id = 1", name="only_one"),
        CheckConstraint("late_days >= 0", name="late_days_not_negative"),
    )

    id: int = Field(default=1, primary_key=True)
    time_zone: str = Field(sa_type=Text)
    currency: str = Field(default="RUB", sa_type=CHAR(3))
    closed_until: date | None = None
    late_days: int = Field(default=7, sa_column_kwargs={"server_default": "7"})
    initialised_at: datetime = stamped()
    incarnation: str = Field(
        default=None, sa_column=Column(Text, nullable=False, server_default=text("gen_random_uuid()::text"))
    )
    closing: date | None = None
    fed: dict[str, int] = Field(
        default=None, sa_column=Column(JSONB, nullable=False, server_default=text("'{}'::jsonb"))
    )
    fed_from: int = Field(default=None, sa_column=Column(BigInteger, nullable=False, server_default="0"))
    timeline: int = Field(default=None, sa_column=Column(Integer, nullable=False, server_default=text(TIMELINE)))
    cut_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class CutGate(SQLModel, table=True):
    """Stays empty: writers and cuts lock it (`locks`)."""

    __tablename__ = "cut_gate"
    __table_args__ = (CheckConstraint("false", name="stays_empty"),)

    id: int = key(BigInteger)


class LakeGate(SQLModel, table=True):
    """Stays empty: the run that writes the lake locks it."""

    __tablename__ = "lake_gate"
    __table_args__ = (CheckConstraint("false", name="stays_empty"),)

    id: int = key(BigInteger)


class PaymentGate(SQLModel, table=True):
    """256 rows: whoever allocates or reverses a payment locks the one that its key leads to."""

    __tablename__ = "payment_gate"

    number: int = key(BigInteger)


class Closing(SQLModel, table=True):
    """One closing of days: up to which, when, and the latest transaction then. Append-only.

    `rules` records by which rules of ages the days' reports were made: 1 before there were due dates, now 2.
    """

    __tablename__ = "closing"

    closed_until: date = Field(primary_key=True)
    closed_at: datetime = stamped()
    last_transaction: int = Field(sa_type=BigInteger)
    rules: int = Field(default=2, sa_column_kwargs={"server_default": "2"})


class Brand(SQLModel, table=True):
    """One of the company's own legal entities."""

    __tablename__ = "brand"
    __table_args__ = (_one_of("status", "open", "closed"),)

    id: int = numbered()
    code: str = Field(sa_type=Text, unique=True)
    name: str = Field(sa_type=Text)
    legal_name: str | None = Field(default=None, sa_type=Text)
    tax_id: str | None = Field(default=None, sa_type=Text)
    country: str | None = Field(default=None, sa_type=Text)
    address: str | None = Field(default=None, sa_type=Text)
    bank_details: dict[str, str] | None = Field(default=None, sa_type=NULLABLE_JSON)
    colour: str | None = Field(default=None, sa_type=Text)
    logo: str | None = Field(default=None, sa_type=Text)
    status: str = Field(default="open", sa_type=Text)


class Party(SQLModel, table=True):
    """A client: an individual or a legal entity."""

    __tablename__ = "party"
    __table_args__ = (_one_of("kind", "individual", "legal_entity"), _one_of("status", "open", "closed"))

    id: int = numbered()
    reference: str = Field(sa_type=Text, unique=True)
    kind: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    legal_name: str | None = Field(default=None, sa_type=Text)
    tax_id: str | None = Field(default=None, sa_type=Text)
    country: str | None = Field(default=None, sa_type=Text)
    kpp: str | None = Field(default=None, sa_type=Text)
    email: str | None = Field(default=None, sa_type=Text)
    phone: str | None = Field(default=None, sa_type=Text)
    address: str | None = Field(default=None, sa_type=Text)
    status: str = Field(default="open", sa_type=Text)
    orders_before: int = Field(default=0, sa_column_kwargs={"server_default": "0"})


class Account(SQLModel, table=True):
    """A party's personal account (money, bonus) or one of a brand's system accounts.

    The id is the account's number; its last digit is a Luhn check digit.
    """

    __tablename__ = "account"
    __table_args__ = (
        _one_of("kind", "money", "bonus", "cash", "revenue", "bonus_expense", "adjustments", "unallocated"),
        _one_of("status", "open", "frozen", "closed"),
        CheckConstraint("(kind IN ('money', 'bonus')) = (party_id IS NOT NULL)", name="clients_have_parties"),
        CheckConstraint("kind = 'money' OR brand_id IS NOT NULL", name="others_have_brands"),
        CheckConstraint("(kind = 'bonus') = (money_account_id IS NOT NULL)", name="bonus_belongs_to_money"),
        UniqueConstraint("id", "currency", name="account_id_currency_key"),
        Index(
            "system_account_key", "brand_id", "currency", "kind", unique=True, postgresql_where=text("party_id IS NULL")
        ),
        Index(
            "bonus_account_key", "money_account_id", "brand_id", unique=True, postgresql_where=text("kind = 'bonus'")
        ),
        Index("account_party_id_idx", "party_id"),
    )

    id: int = key(BigInteger)
    kind: str = Field(sa_type=Text)
    currency: str = Field(sa_type=CHAR(3))
    party_id: int | None = Field(default=None, foreign_key="party.id", sa_type=BigInteger)
    brand_id: int | None = Field(default=None, foreign_key="brand.id", sa_type=BigInteger)
    money_account_id: int | None = Field(default=None, foreign_key="account.id", sa_type=BigInteger)
    holder_id: int | None = Field(default=None, foreign_key="brand.id", sa_type=BigInteger)
    reference: str | None = Field(default=None, sa_type=Text, unique=True)
    contract_number: str | None = Field(default=None, sa_type=Text)
    contract_date: date | None = None
    status: str = Field(default="open", sa_type=Text)
    opened_at: datetime = stamped()


class MergedAccount(SQLModel, table=True):
    """An account that was merged into another: the latest row has where it ended up. Append-only (DECISIONS D182).

    When the successor is merged in its turn, the accounts merged into it before have a row of that, too.
    """

    __tablename__ = "merged_account"

    account_id: int = key(BigInteger)
    transaction_id: int = key(BigInteger)
    into_id: int = Field(sa_type=BigInteger)


class Transaction(SQLModel, table=True):
    """The ledger's answer to one command, posted or declined."""

    __tablename__ = "transaction"
    __table_args__ = (
        _one_of("status", "posted", "declined"),
        _one_of(
            "kind",
            "payment",
            "allocate",
            "payout",
            "debit",
            "hold",
            "capture",
            "release",
            "expiry",
            "refund",
            "reverse",
            "transfer",
            "adjustment",
            "move",
            "bonus",
            "mark",
            "merge",
        ),
        CheckConstraint("(status = 'declined') = (code IS NOT NULL)", name="declines_have_codes"),
        Index("transaction_refers_to_idx", "refers_to", postgresql_where=text("refers_to IS NOT NULL")),
        Index("transaction_business_date_idx", "business_date", postgresql_using="brin"),
        Index("transaction_feed_idx", "xid", "id", postgresql_where=text("xid IS NOT NULL")),
        Index(
            "transaction_unallocated_idx",
            "id",
            # What may have left money without an account: payments without one, and refunds.
            postgresql_where=text("status = 'posted' AND (kind = 'payment' AND account_id IS NULL OR kind = 'refund')"),
        ),
    )

    id: int = key(BigInteger)
    key: str = Field(sa_type=Text, unique=True)
    fingerprint: bytes = Field(sa_type=LargeBinary)
    kind: str = Field(sa_type=Text)
    status: str = Field(sa_type=Text)
    code: str | None = Field(default=None, sa_type=Text)
    facts: JsonObject | None = Field(default=None, sa_type=NULLABLE_JSON)
    account_id: int | None = Field(default=None, sa_type=BigInteger)
    amount: int | None = Field(default=None, sa_type=BigInteger)
    currency: str | None = Field(default=None, sa_type=CHAR(3))
    posted_at: datetime = Field(sa_type=DateTime(timezone=True))
    business_date: date
    recorded_at: datetime = stamped()
    value_date: date | None = None
    expires_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    due_on: date | None = None
    refers_to: int | None = Field(default=None, foreign_key="transaction.id", sa_type=BigInteger)
    channel: str | None = Field(default=None, sa_type=Text)
    reason: str | None = Field(default=None, sa_type=Text)
    by: str | None = Field(default=None, sa_type=Text)
    note: str | None = Field(default=None, sa_type=Text)
    xid: int | None = committed_by()
    occurred_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class Owned(SQLModel, table=True):
    """A debit, hold or capture of a second level, which alone touches it; `owner` is its key (DECISIONS D73)."""

    __tablename__ = "owned"

    transaction_id: int = key(BigInteger)
    owner: str = Field(sa_type=Text)


class Entry(SQLModel, table=True):
    """What one transaction does to one account, in that account's currency (DECISIONS D12).

    On a client account `version`, `balance_after`, `held_after` are set. On a brand's
    revenue account the entry is the service line, or the part of it that one source paid.
    A brand's entry names the client account (or the other brand's) that it faces, `source_id`;
    one of cash its `channel`, one of adjustments its code in the company's own `chart`.
    A guard holds that transaction and account are there, in this currency, in place of foreign keys, which look up
    row by row; entries move the balances of clients (DECISIONS D95).
    """

    __tablename__ = "entry"
    __table_args__ = (
        CheckConstraint(
            "(version IS NULL) = (balance_after IS NULL) AND (version IS NULL) = (held_after IS NULL)",
            name="clients_have_balances",
        ),
        CheckConstraint("gross IS NULL OR gross - discount = amount", name="gross_less_discount"),
        Index(
            "entry_account_version_key",
            "account_id",
            "version",
            unique=True,
            postgresql_where=text("version IS NOT NULL"),
        ),
    )

    transaction_id: int = key(BigInteger)
    leg: int = key(SmallInteger)
    account_id: int = Field(sa_type=BigInteger)
    currency: str = Field(sa_type=CHAR(3))
    amount: int = Field(sa_type=BigInteger)
    held: int = Field(default=0, sa_type=BigInteger)
    version: int | None = Field(default=None, sa_type=BigInteger)
    balance_after: int | None = Field(default=None, sa_type=BigInteger)
    held_after: int | None = Field(default=None, sa_type=BigInteger)
    subaccount_id: int | None = Field(default=None, sa_type=BigInteger)
    source_id: int | None = Field(default=None, sa_type=BigInteger)
    line: int | None = Field(default=None, sa_type=SmallInteger)
    service: str | None = Field(default=None, sa_type=Text)
    reference: str | None = Field(default=None, sa_type=Text)
    gross: int | None = Field(default=None, sa_type=BigInteger)
    discount: int | None = Field(default=None, sa_type=BigInteger)
    vat_rate: Decimal | None = Field(default=None, sa_type=Numeric(5, 2))
    vat: int | None = Field(default=None, sa_type=BigInteger)
    channel: str | None = Field(default=None, sa_type=Text)
    chart: str | None = Field(default=None, sa_type=Text)
    attributes: JsonObject | None = Field(default=None, sa_type=NULLABLE_JSON)
    due_on: date | None = None


class Balance(SQLModel, table=True):
    """One row per client account: the lock that guards everything about it.

    `open_*` is the first of its aging items that is not wholly paid (number 0: none) and what is unpaid of it: all
    after it are wholly unpaid. `latest_due` is not before any item's due date; on `ripens_on` items get theirs.
    """

    __tablename__ = "balance"

    account_id: int = key(BigInteger, references="account.id")
    balance: int = Field(default=0, sa_type=BigInteger)
    held: int = Field(default=0, sa_type=BigInteger)
    version: int = Field(default=0, sa_type=BigInteger)
    posted_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    open_due: date = Field(default=date.max, sa_column_kwargs={"server_default": "9999-12-31"})
    open_day: date = Field(default=date.max, sa_column_kwargs={"server_default": "9999-12-31"})
    open_item: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"})
    open_unpaid: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"})
    latest_due: date = Field(default=date.min, sa_column_kwargs={"server_default": "0001-01-01"})
    ripens_on: date = Field(default=date.max, sa_column_kwargs={"server_default": "9999-12-31"})


class AgingItem(SQLModel, table=True):
    """What a transaction charged a money account, net of its refunds and its reversal, and when it is due.

    `due_on` is 9999-12-31 when there is none; it is then taken from the terms of `terms_id`, once they are valid.
    There are no foreign keys, which would cost posting more than the row itself; `tiffin verify` holds both.
    """

    __tablename__ = "aging_item"
    __table_args__ = (
        CheckConstraint("amount >= 0", name="not_negative"),
        Index("aging_item_order_idx", "account_id", "due_on", "business_date", "transaction_id"),
    )

    transaction_id: int = key(BigInteger)
    account_id: int = key(BigInteger)
    business_date: date
    due_on: date
    amount: int = Field(sa_type=BigInteger)
    terms_id: int | None = Field(default=None, sa_type=BigInteger)


class UnpaidPlace(SQLModel, table=True):
    """Where what is unpaid of an account begins from one of its entries on, while it is below zero. Append-only.

    As on the balance row. There is one where the place, the latest due date or the day on which items ripen became
    another, or the account came below zero: a past moment is answered without the items (DECISIONS D200).
    """

    __tablename__ = "unpaid_place"

    account_id: int = key(BigInteger)
    version: int = key(BigInteger)
    transaction_id: int = Field(sa_type=BigInteger)
    open_due: date
    open_day: date
    open_item: int = Field(sa_type=BigInteger)
    latest_due: date
    ripens_on: date


class CreditTerms(SQLModel, table=True):
    """Terms of credit of an account: of those valid on a day the last recorded is in force."""

    __tablename__ = "credit_terms"
    __table_args__ = (
        CheckConstraint("credit_limit >= 0", name="limit_not_negative"),
        CheckConstraint("period_days IS NULL OR period_days >= 0", name="period_not_negative"),
        Index("credit_terms_account_id_idx", "account_id"),
    )

    id: int = numbered()
    account_id: int = Field(foreign_key="account.id", sa_type=BigInteger)
    credit_limit: int = Field(sa_type=BigInteger)
    period_days: int | None = None
    valid_from: date
    valid_until: date | None = None
    recorded_at: datetime = stamped()
    by: str | None = Field(default=None, sa_type=Text)
    note: str | None = Field(default=None, sa_type=Text)


class Link(SQLModel, table=True):
    """A payer pays for a subaccount: a `share` of each line, in hundredths of a percent.

    One level: a payer is not itself a subaccount.
    """

    __tablename__ = "link"
    __table_args__ = (
        _one_of("draw", "payer_first", "own_first"),
        CheckConstraint("account_id <> payer_id", name="nobody_pays_for_himself"),
        Index("link_payer_id_idx", "payer_id"),
    )

    account_id: int = key(BigInteger, references="account.id")
    payer_id: int = key(BigInteger, references="account.id")
    draw: str = Field(sa_type=Text)
    priority: int = Field(default=1)
    brands: list[int] | None = Field(default=None, sa_type=ARRAY(BigInteger))
    share: int | None = None
    hours: JsonObject | None = Field(default=None, sa_type=NULLABLE_JSON)
    services: list[str] | None = Field(default=None, sa_type=ARRAY(Text))
    group_name: str | None = Field(default=None, sa_type=Text)


class EntryGroup(SQLModel, table=True):
    """In which of a payer's groups the account was for which a transaction moved the payer (DECISIONS D131)."""

    __tablename__ = "entry_group"

    transaction_id: int = key(BigInteger)
    account_id: int = key(BigInteger)
    group_name: str = Field(sa_type=Text)


class WriteOffLimit(SQLModel, table=True):
    """How much may be drawn from a payer in a window; the payer as its own subaccount means all of it.

    With a `group_name` it is what is drawn for that group, and stands with the payer as its own subaccount.
    """

    __tablename__ = "write_off_limit"
    __table_args__ = (
        _one_of("period", "order", "day", "week", "month", "total"),
        CheckConstraint("amount IS NOT NULL OR count IS NOT NULL", name="limits_something"),
    )

    payer_id: int = key(BigInteger, references="account.id")
    account_id: int = key(BigInteger, references="account.id")
    group_name: str = group()
    period: str = Field(sa_type=Text, primary_key=True)
    amount: int | None = Field(default=None, sa_type=BigInteger)
    count: int | None = Field(default=None)


class Usage(SQLModel, table=True):
    """What has been drawn from a payer in one window of one write-off limit."""

    __tablename__ = "usage"

    payer_id: int = key(BigInteger)
    account_id: int = key(BigInteger)
    group_name: str = group()
    period: str = Field(sa_type=Text, primary_key=True)
    since: date = Field(primary_key=True)
    amount: int = Field(sa_type=BigInteger)
    count: int


class Hold(SQLModel, table=True):
    """Money set aside by the hold transaction of the same id."""

    __tablename__ = "hold"
    __table_args__ = (
        _one_of("state", "open", "captured", "released", "expired"),
        Index("hold_open_idx", "expires_at", postgresql_where=text("state = 'open'")),
    )

    transaction_id: int = key(BigInteger, references="transaction.id")
    account_id: int = Field(foreign_key="account.id", sa_type=BigInteger)
    expires_at: datetime = Field(sa_type=DateTime(timezone=True))
    state: str = Field(default="open", sa_type=Text)


class HoldPart(SQLModel, table=True):
    """What one source set aside for one line of a hold, and what became of it.

    `captured` is null until a capture takes the line; `refunded` is of what was captured.
    """

    __tablename__ = "hold_part"
    __table_args__ = (
        Index("hold_part_source_id_idx", "source_id", postgresql_where=text("held > 0")),
        CheckConstraint("held >= 0 AND held <= amount", name="held_within_amount"),
    )

    hold_id: int = key(BigInteger, references="hold.transaction_id")
    part: int = key(SmallInteger)
    line: int = Field(sa_type=SmallInteger)
    source_id: int = Field(foreign_key="account.id", sa_type=BigInteger)
    brand_id: int = Field(foreign_key="brand.id", sa_type=BigInteger)
    amount: int = Field(sa_type=BigInteger)
    held: int = Field(sa_type=BigInteger)
    captured: int | None = Field(default=None, sa_type=BigInteger)
    refunded: int = Field(default=0, sa_type=BigInteger)
    service: str = Field(sa_type=Text)
    reference: str = Field(sa_type=Text)
    gross: int = Field(sa_type=BigInteger)
    discount: int = Field(sa_type=BigInteger)
    vat_rate: Decimal | None = Field(default=None, sa_type=Numeric(5, 2))
    vat: int | None = Field(default=None, sa_type=BigInteger)
    attributes: JsonObject | None = Field(default=None, sa_type=NULLABLE_JSON)


class Change(SQLModel, table=True):
    """One dated change of terms: who set what, from what, when. Append-only (DECISIONS D11).

    `place` is its place among the transactions, by whose numbers it is ordered.
    """

    __tablename__ = "change"
    __table_args__ = (
        _one_of(
            "kind",
            "brand",
            "party",
            "account",
            "account_status",
            "merge",
            "credit_terms",
            "link",
            "write_off_limit",
            "promotion",
            "bonus_program",
        ),
        Index("change_subject_idx", "kind", "subject"),
        Index("change_feed_idx", "xid", "place", postgresql_where=text("xid IS NOT NULL")),
        Index("change_place_idx", "place", postgresql_where=text("place IS NOT NULL")),
    )

    id: int = numbered()
    kind: str = Field(sa_type=Text)
    subject: str = Field(sa_type=Text)
    account_id: int | None = Field(default=None, sa_type=BigInteger)
    before: JsonObject | None = Field(default=None, sa_type=NULLABLE_JSON)
    after: JsonObject = Field(sa_type=JSONB)
    business_date: date
    recorded_at: datetime = stamped()
    by: str | None = Field(default=None, sa_type=Text)
    note: str | None = Field(default=None, sa_type=Text)
    xid: int | None = committed_by()
    place: int | None = Field(
        default=None, sa_column=Column(BigInteger, server_default=text("nextval('transaction_id_seq')"))
    )
