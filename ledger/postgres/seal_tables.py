"""What closed days were sealed with: the seals, the leaves that each of them changed, the salts. Append-only.

The owner's alone. `reports.proof` defines what a seal covers, and how.
"""

from datetime import date, datetime

from sqlalchemy import BigInteger, LargeBinary, Text, text
from sqlmodel import Column, Field, SQLModel

from ledger.postgres.tables import key, stamped


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
