"""Food's tables in PostgreSQL, beside the ledger's. Amounts are integers of minor units.

An order has the number of the transaction that placed it. Programmes are append-only: of
those valid on a day the last recorded is in force. Steps keep what callers were answered, so
that a replay repeats it. Few foreign keys: each costs a look-up a row on the way in, and
one function writes these rows together; `tiffin verify` proves what they would.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ARRAY,
    CHAR,
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Numeric,
    SmallInteger,
    Text,
    text,
)
from sqlmodel import Field, SQLModel

from ledger.postgres.tables import NULLABLE_JSON, JsonObject, key, numbered, stamped


def nothing() -> Any:
    """Return a column of an amount that is zero unless it is given."""
    return Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"})


class Promotion(SQLModel, table=True):
    """A code that lowers what an order costs. `value`: hundredths of a percent, or minor units.

    `used` is counted while `max_uses` is set. `financed` lists the brands that pay a percentage of the discount.
    """

    __tablename__ = "promotion"
    __table_args__ = (
        CheckConstraint("kind IN ('percent', 'amount', 'free_delivery')", name="kind_known"),
        CheckConstraint("used >= 0", name="used_not_below_zero"),
    )

    id: int = numbered()
    code: str = Field(sa_type=Text, unique=True)
    kind: str = Field(sa_type=Text)
    value: int = Field(default=0, sa_type=BigInteger)
    brand_id: int | None = Field(default=None, foreign_key="brand.id", sa_type=BigInteger)
    min_order: int | None = Field(default=None, sa_type=BigInteger)
    max_discount: int | None = Field(default=None, sa_type=BigInteger)
    valid_from: date | None = None
    valid_until: date | None = None
    max_uses: int | None = None
    max_uses_per_party: int | None = None
    first_order_only: bool = False
    stackable: bool = False
    used: int = 0
    financed: list[dict[str, str]] | None = Field(default=None, sa_type=NULLABLE_JSON)


class BonusProgram(SQLModel, table=True):
    """A brand's bonus programme; percents with two decimals, both days included. Append-only."""

    __tablename__ = "bonus_program"
    __table_args__ = (
        CheckConstraint("accrue_percent >= 0 AND accrue_percent <= 100", name="accrue_is_a_percent"),
        CheckConstraint("redeem_percent >= 0 AND redeem_percent <= 100", name="redeem_is_a_percent"),
        Index("bonus_program_brand_id_idx", "brand_id"),
    )

    id: int = numbered()
    brand_id: int = Field(foreign_key="brand.id", sa_type=BigInteger)
    accrue_percent: Decimal = Field(sa_type=Numeric(5, 2), nullable=False)
    redeem_percent: Decimal = Field(sa_type=Numeric(5, 2), nullable=False)
    expires_after_days: int | None = None
    valid_from: date
    valid_until: date | None = None
    returned_live_days: int = Field(default=14, sa_column_kwargs={"server_default": "14"})
    spend_at: list[str] = Field(default=[], sa_column=Column(ARRAY(Text), nullable=False, server_default="{}"))
    recorded_at: datetime = stamped()
    by: str | None = Field(default=None, sa_type=Text)
    note: str | None = Field(default=None, sa_type=Text)


class FoodOrder(SQLModel, table=True):
    """An order, numbered as the debit or hold that placed it; `main_id` is the debit or capture that refunds go to.

    From `void_at` on it is no order any more: cancelled, all dishes refunded, or, while it is `placed` and not charged,
    a pre-order that runs out then; `late_at` is when such a one was delivered all the same.
    """

    __tablename__ = "food_order"
    __table_args__ = (
        CheckConstraint("status IN ('placed', 'delivered', 'cancelled')", name="status_known"),
        Index("food_order_party_id_idx", "party_id"),
    )

    id: int = key(BigInteger)
    key: str = Field(sa_type=Text)
    account_id: int = Field(sa_type=BigInteger)
    party_id: int = Field(sa_type=BigInteger)
    currency: str = Field(sa_type=CHAR(3))
    status: str = Field(sa_type=Text)
    placed_at: datetime = Field(sa_type=DateTime(timezone=True))
    business_date: date
    due_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    main_id: int | None = Field(default=None, sa_type=BigInteger)
    delivered_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    cancelled_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    void_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    late_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    reference: str | None = Field(default=None, sa_type=Text)
    attributes: JsonObject | None = Field(default=None, sa_type=NULLABLE_JSON)


class OrderLine(SQLModel, table=True):
    """A line as it was placed; `kept` is how many of it the client still has, `own_discount` comes from no promotion.

    Delivered by weight, `weighed_of` pieces of it came to `weighed`. `financed` is what other brands pay of the
    discount, by brand: as placed, and what is posted of that.
    """

    __tablename__ = "order_line"
    __table_args__ = (
        CheckConstraint("kept >= 0 AND kept <= quantity", name="kept_within_quantity"),
        CheckConstraint("gross = price * quantity AND gross - discount = net", name="gross_less_discount"),
        CheckConstraint("discount >= 0 AND net >= 0", name="not_below_zero"),
    )

    order_id: int = key(BigInteger)
    line: int = key(SmallInteger)
    brand_id: int = Field(sa_type=BigInteger)
    service: str = Field(sa_type=Text)
    sku: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    quantity: int
    price: int = Field(sa_type=BigInteger)
    gross: int = Field(sa_type=BigInteger)
    discount: int = Field(sa_type=BigInteger)
    net: int = Field(sa_type=BigInteger)
    kept: int
    reference: str | None = Field(default=None, sa_type=Text)
    attributes: JsonObject | None = Field(default=None, sa_type=NULLABLE_JSON)
    own_discount: int = nothing()
    weighed: int | None = Field(default=None, sa_type=BigInteger)
    weighed_of: int | None = None
    financed: JsonObject | None = Field(default=None, sa_type=NULLABLE_JSON)


class PromotionUse(SQLModel, table=True):
    """One use of a promotion by an order, and what it took off; given back when the order ceases to be one.

    Of a pre-order not delivered yet that is when it will run out; delivered later all the same, it has a second use.
    """

    __tablename__ = "promotion_use"
    __table_args__ = (
        Index("promotion_use_party_idx", "promotion_id", "party_id", postgresql_where=text("given_back_at IS NULL")),
        Index("promotion_use_back_idx", "promotion_id", postgresql_where=text("given_back_at IS NOT NULL")),
    )

    order_id: int = key(BigInteger)
    promotion_id: int = key(BigInteger)
    number: int = Field(
        default=1, sa_column=Column(SmallInteger, primary_key=True, autoincrement=False, server_default="1")
    )
    party_id: int = Field(sa_type=BigInteger)
    discount: int = Field(sa_type=BigInteger)
    used_at: datetime = Field(sa_type=DateTime(timezone=True))
    given_back_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class OrderAccrual(SQLModel, table=True):
    """Points that an order brought for one brand, the transaction that gave them, and what was taken back of them.

    `expired` is what counted as taken back because it was gone unspent.
    """

    __tablename__ = "order_accrual"
    __table_args__ = (CheckConstraint("taken_back + shortfall <= points", name="taken_back_within_points"),)

    order_id: int = key(BigInteger, references="food_order.id")
    brand_id: int = key(BigInteger, references="brand.id")
    account_id: int = Field(foreign_key="account.id", sa_type=BigInteger)
    percent: Decimal = Field(sa_type=Numeric(5, 2), nullable=False)
    points: int = Field(sa_type=BigInteger)
    taken_back: int = Field(default=0, sa_type=BigInteger)
    shortfall: int = Field(default=0, sa_type=BigInteger)
    lot_id: int | None = Field(default=None, sa_type=BigInteger)
    expired: int = nothing()


class OrderStep(SQLModel, table=True):
    """One step of an order (order, amend, deliver, cancel, refund_items), and the answer to its caller. Append-only."""

    __tablename__ = "order_step"
    __table_args__ = (
        CheckConstraint("kind IN ('order', 'deliver', 'amend', 'cancel', 'refund_items')", name="kind_known"),
    )

    transaction_id: int = key(BigInteger)
    order_id: int = Field(sa_type=BigInteger)
    kind: str = Field(sa_type=Text)
    said: JsonObject = Field(sa_type=JSON)


class BonusPoints(SQLModel, table=True):
    """Up to which entry of a bonus account its lots follow it."""

    __tablename__ = "bonus_points"

    account_id: int = key(BigInteger, references="account.id")
    version: int = Field(sa_type=BigInteger)


class BonusLot(SQLModel, table=True):
    """Points that one transaction gave a bonus account; those left are gone when the day `gone_on` starts.

    That day was `given_until` at first: `extended_by` moved it, a transaction that gave points back after it. `lapsed`
    are those of the points left that were gone by then, not yet booked; `expired` those that expired unspent.
    `given_by` is the merge that brought the lot from another account.
    """

    __tablename__ = "bonus_lot"
    __table_args__ = (
        CheckConstraint("points_left >= 0 AND points_left <= amount", name="left_within_amount"),
        Index("bonus_lot_left_idx", "gone_on", postgresql_where=text("points_left > 0")),
        Index("bonus_lot_account_idx", "account_id", postgresql_where=text("points_left > 0")),
    )

    account_id: int = key(BigInteger, references="account.id")
    transaction_id: int = key(BigInteger, references="transaction.id")
    amount: int = Field(sa_type=BigInteger)
    points_left: int = Field(sa_type=BigInteger)
    gone_on: date | None = None
    given_until: date | None = None
    lapsed: int = nothing()
    expired: int = nothing()
    extended_by: int | None = Field(default=None, sa_type=BigInteger)
    given_by: int | None = Field(default=None, sa_type=BigInteger)


class BonusLotUse(SQLModel, table=True):
    """What one transaction has of a lot, spent, held or gone, and what came back: their sum is what it has.

    `changed_by` is the transaction whose entry this follows: what was left of a lot on a past day is the
    lot less what changed up to then (DECISIONS D17). `gone_on` is when the points concerned were gone then.
    """

    __tablename__ = "bonus_lot_use"
    __table_args__ = (
        ForeignKeyConstraint(["account_id", "lot_id"], ["bonus_lot.account_id", "bonus_lot.transaction_id"]),
    )

    account_id: int = key(BigInteger)
    transaction_id: int = key(BigInteger, references="transaction.id")
    lot_id: int = key(BigInteger)
    changed_by: int = key(BigInteger)
    amount: int = Field(sa_type=BigInteger)
    gone_on: date | None = None


class BonusOwed(SQLModel, table=True):
    """A change of what a bonus account owes: points of an order that could not be taken back, or, below zero, paid.

    The next points pay it, and it ends when the account is closed (without a transaction). Append-only.
    """

    __tablename__ = "bonus_owed"
    __table_args__ = (Index("bonus_owed_account_id_idx", "account_id"),)

    id: int = numbered()
    account_id: int = Field(sa_type=BigInteger)
    order_id: int | None = Field(default=None, sa_type=BigInteger)
    transaction_id: int | None = Field(default=None, sa_type=BigInteger)
    amount: int = Field(sa_type=BigInteger)
    posted_at: datetime = Field(sa_type=DateTime(timezone=True))
    business_date: date
