"""The bank's tables in PostgreSQL: what statements reported, whose bank accounts payers' are, how CSV files are read.

Amounts are integers of minor units, signed by what they do to our account at the bank. Nothing here is money of the
ledger: an entry's payment is the transaction that has its key.
"""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import CHAR, BigInteger, DateTime, Index, Integer, Numeric, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Column, Field, SQLModel

from ledger.postgres.tables import NOW


class BankStatement(SQLModel, table=True):
    """One imported statement. Balances are null where the bank reports none; `digest` is unique to its content."""

    __tablename__ = "bank_statement"
    __table_args__ = (Index("bank_statement_account_idx", "bank_account", "until"),)

    id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=True))
    bank_account: str = Field(sa_type=Text)
    currency: str = Field(sa_type=CHAR(3))
    brand_id: int = Field(foreign_key="brand.id", sa_type=BigInteger)
    number: str = Field(sa_type=Text)
    since: date | None = None
    until: date | None = None
    opening: int | None = Field(default=None, sa_type=BigInteger)
    closing: int | None = Field(default=None, sa_type=BigInteger)
    money_in: int = Field(sa_type=BigInteger)
    money_out: int = Field(sa_type=BigInteger)
    interim: bool
    digest: str = Field(sa_type=Text, unique=True)
    imported_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False, server_default=NOW))
    by: str | None = Field(default=None, sa_type=Text)


class BankEntry(SQLModel, table=True):
    """One payment that a statement reports, in or out, once in however many statements it comes.

    `movement` is the key of the first payment of the bank's entry that it is part of; `whole` is that entry's amount.
    `imprint` is the note of a payment imported before entries were kept; its `bank_account` is blank: unknown.
    """

    __tablename__ = "bank_entry"
    __table_args__ = (
        Index("bank_entry_account_idx", "bank_account", "booked_on"),
        Index("bank_entry_payer_idx", "payer", postgresql_where=text("payer <> ''")),
    )

    id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=True))
    key: str = Field(sa_type=Text, unique=True)
    movement: str = Field(sa_type=Text)
    statement_id: int | None = Field(default=None, foreign_key="bank_statement.id", sa_type=BigInteger)
    bank_account: str = Field(sa_type=Text)
    currency: str = Field(sa_type=CHAR(3))
    brand_id: int = Field(foreign_key="brand.id", sa_type=BigInteger)
    booked_on: date
    value_date: date
    amount: int = Field(sa_type=BigInteger)
    whole: int | None = Field(default=None, sa_type=BigInteger)
    payments: int = Field(default=1, sa_type=Integer)
    bank_reference: str = Field(default="", sa_type=Text)
    end_to_end: str = Field(default="", sa_type=Text)
    reference: str = Field(default="", sa_type=Text)
    name: str = Field(default="", sa_type=Text)
    tax_id: str = Field(default="", sa_type=Text)
    account: str = Field(default="", sa_type=Text)
    bank: str = Field(default="", sa_type=Text)
    payer: str = Field(default="", sa_type=Text)
    text: str = Field(default="", sa_type=Text)
    reversal: bool = False
    reason: str = Field(default="", sa_type=Text)
    imprint: str | None = Field(default=None, sa_type=Text)


class BankPayer(SQLModel, table=True):
    """A payer's bank account, learned from what the desk allocated: whose account of ours its money is for."""

    __tablename__ = "bank_payer"
    __table_args__ = (UniqueConstraint("payer", "account_id", "learned_from", name="bank_payer_key"),)

    id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=True))
    payer: str = Field(sa_type=Text)
    account_id: int = Field(foreign_key="account.id", sa_type=BigInteger)
    learned_from: int = Field(sa_type=BigInteger)
    learned_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False, server_default=NOW))
    learned_by: str | None = Field(default=None, sa_type=Text)
    revoked_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    revoked_by: str | None = Field(default=None, sa_type=Text)


class BankDepositor(SQLModel, table=True):
    """A payer that brings a brand's own money to the bank: an acquirer, or who deposits couriers' cash."""

    __tablename__ = "bank_depositor"
    __table_args__ = (
        Index(
            "bank_depositor_known_idx", "payer", "brand_id", unique=True, postgresql_where=text("revoked_at IS NULL")
        ),
    )

    id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=True))
    payer: str = Field(sa_type=Text)
    brand_id: int = Field(foreign_key="brand.id", sa_type=BigInteger)
    channel: str = Field(sa_type=Text)
    fee_percent: Decimal | None = Field(default=None, sa_type=Numeric(5, 2))
    known_since: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False, server_default=NOW))
    known_by: str | None = Field(default=None, sa_type=Text)
    revoked_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    revoked_by: str | None = Field(default=None, sa_type=Text)


class BankCsv(SQLModel, table=True):
    """How the CSV files of one account at a bank are read."""

    __tablename__ = "bank_csv"

    bank_account: str = Field(sa_type=Text, primary_key=True)
    layout: dict[str, str] = Field(sa_type=JSONB)
    changed_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False, server_default=NOW))
    by: str | None = Field(default=None, sa_type=Text)
