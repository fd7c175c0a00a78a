"""The tables of the door: who may come in, and whom it notifies."""

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, ForeignKeyConstraint, LargeBinary, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel

from ledger.postgres.tables import JsonObject, numbered, stamped


class DoorToken(SQLModel, table=True):
    """A bearer token of the door, kept as its SHA-256; its name is the `by` of what it posts. Never deleted."""

    __tablename__ = "door_token"

    id: int = numbered()
    name: str = Field(sa_type=Text)
    hash: bytes = Field(sa_type=LargeBinary, unique=True)
    roles: list[str] = Field(sa_type=ARRAY(Text))
    brands: list[str] | None = Field(default=None, sa_type=ARRAY(Text))
    created_at: datetime = stamped()
    revoked_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class Webhook(SQLModel, table=True):
    """An endpoint that is notified of events: up to where it was, and since when it fails."""

    __tablename__ = "webhook"

    id: int = numbered()
    url: str = Field(sa_type=Text)
    secret: str = Field(sa_type=Text)
    cursor: str | None = Field(default=None, sa_type=Text)
    tries: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    next_at: datetime = stamped()
    error: str | None = Field(default=None, sa_type=Text)
    created_at: datetime = stamped()


class WebhookStuck(SQLModel, table=True):
    """An event that an endpoint refused, or that waits behind one of the same account; in order of id."""

    __tablename__ = "webhook_stuck"
    __table_args__ = (ForeignKeyConstraint(["webhook_id"], ["webhook.id"], ondelete="CASCADE"),)

    id: int = numbered()
    webhook_id: int = Field(sa_type=BigInteger)
    event: JsonObject = Field(sa_type=JSONB)
    accounts: list[int] = Field(sa_type=ARRAY(BigInteger))
    tries: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    next_at: datetime = stamped()
    error: str | None = Field(default=None, sa_type=Text)
