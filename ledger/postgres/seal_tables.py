"""What closed days were sealed with: the seals, the leaves that each of them changed, the salts. Append-only.

The owner's alone. `reports.proof` defines what a seal covers, and how.
"""

from datetime import date, datetime

from sqlalchemy import BigInteger, LargeBinary, SmallInteger, Text, text
from sqlmodel import Column, Field, SQLModel

from ledger.postgres.tables import committed_by, key, numbered, stamped


class Seal(SQLModel, table=True):
    """The seal of the days up to `day`: `line` is what was sealed, `hash` its SHA-256, `signature` by `public_key`."""

    __tablename__ = "seal"

    number: int = key(BigInteger)
    day: date = Field(unique=True)
    line: str = Field(sa_type=Text)
    hash: str = Field(sa_type=Text, unique=True)
    public_key: str | None = Field(default=None, sa_type=Text)
    signature: str | None = Field(default=None, sa_type=Text)
    sealed_at: datetime = stamped()


class SealLeaf(SQLModel, table=True):
    """A leaf of the sealed map as one seal left it; it stays as it is until a later seal changes it."""

    __tablename__ = "seal_leaf"

    name: str = Field(sa_type=Text, primary_key=True)
    seal_number: int = key(BigInteger, references="seal.number")
    value: str = Field(sa_type=Text)


class SealSalt(SQLModel, table=True):
    """A client's salt (number 0: the book's): what is hashed with it can be forgotten, and the seals stay whole."""

    __tablename__ = "seal_salt"

    party_id: int = key(BigInteger)
    salt: bytes = Field(
        default=None,
        sa_column=Column(LargeBinary, nullable=False, server_default=text("uuid_send(gen_random_uuid())")),
    )


class Erasure(SQLModel, table=True):
    """A person was erased: when, by whom and why. Rows are erased in its database transaction alone. Append-only."""

    __tablename__ = "erasure"

    id: int = numbered()
    party_id: int = Field(foreign_key="party.id", sa_type=BigInteger)
    reason: str = Field(sa_type=Text)
    by: str | None = Field(default=None, sa_type=Text)
    erased_at: datetime = stamped()
    xid: int | None = committed_by()


class ErasedRow(SQLModel, table=True):
    """What a row's private fields were hashed as before they were erased, which seals have. Append-only.

    `kind` is transaction, leg (of transaction `id`), change or terms.
    """

    __tablename__ = "erased_row"

    kind: str = Field(sa_type=Text, primary_key=True)
    id: int = key(BigInteger)
    leg: int = Field(
        default=0, sa_column=Column(SmallInteger, primary_key=True, autoincrement=False, server_default="0")
    )
    hash: str = Field(sa_type=Text)
