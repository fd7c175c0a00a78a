"""Outcomes: the ledger's answers to commands. A decline read back has the same sentence as at first."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from ledger.values.money import plain
from ledger.values.refusals import LEDGER, Facts, Refusals, with_names


class Moved(NamedTuple):
    """What a transaction did to one client account. Amounts in minor units."""

    account: int
    reference: str | None
    amount: int
    balance: int
    held: int
    version: int


class Entry(NamedTuple):
    """One leg of a transaction, in the order of the table's columns. Amounts in minor units."""

    account: int
    amount: int
    held: int = 0
    version: int | None = None
    balance_after: int | None = None
    held_after: int | None = None
    subaccount: int | None = None
    source: int | None = None
    line: int | None = None
    service: str | None = None
    reference: str | None = None
    gross: int | None = None
    discount: int | None = None
    vat_rate: Any = None
    vat: int | None = None
    channel: str | None = None
    chart: str | None = None
    attributes: dict[str, Any] | None = None
    due_on: date | None = None


# Not frozen: one is made for every command, and freezing would double that.
@dataclass(slots=True, kw_only=True)
class Posted:
    """A command that was carried out; `accounts` are the client accounts that moved, in drawing order.

    A quote has a transaction below zero: it has no number yet.
    """

    key: str
    transaction: int
    posted_at: datetime
    accounts: tuple[Moved, ...]
    replayed: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the outcome as callers read it."""
        return {
            "key": self.key,
            "status": "posted",
            "transaction": self.transaction if self.transaction > 0 else None,
            "posted_at": shown(self.posted_at),
            "replayed": self.replayed,
            "accounts": [
                {**m._asdict(), "amount": plain(m.amount), "balance": plain(m.balance), "held": plain(m.held)}
                for m in self.accounts
            ],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Declined:
    """A command that was refused. Amounts among the facts are plain strings."""

    key: str
    code: str
    facts: Facts
    replayed: bool = False
    refusals: Refusals = field(default_factory=lambda: LEDGER, repr=False, compare=False)
    name_of: Callable[[int], str | None] = field(default=lambda _: None, repr=False, compare=False)

    @property
    def named_facts(self) -> Facts:
        """Return the facts with clients' names, for those who see them now."""
        return with_names(self.facts, self.name_of)

    @property
    def message(self) -> str:
        """Return the sentence: the rule, the subject, every number used and the gap."""
        return self.refusals.sentence(self.code, self.named_facts)

    def to_json(self) -> dict[str, Any]:
        """Return the outcome as callers read it."""
        about = {"key": self.key} if self.key else {}
        reason = {"code": self.code, "message": self.message, "facts": self.facts}
        return {**about, "status": "declined", **reason, "replayed": self.replayed}


@dataclass(frozen=True, slots=True, kw_only=True)
class Invalid:
    """A command that breaks a rule of form; nothing was kept."""

    message: str
    key: str | None = None
    line: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the outcome as callers read it."""
        where = {"line": self.line} if self.line is not None else {}
        about = {"key": self.key} if self.key else {}
        return {**where, **about, "status": "invalid", "message": self.message}


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """An administration line that was carried out; `facts` give the id."""

    kind: str
    facts: Facts

    def to_json(self) -> dict[str, Any]:
        """Return the outcome as callers read it."""
        return {"type": self.kind, "status": "done", **self.facts}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A line that could not be carried out now; nothing was decided, and it may be sent again."""

    message: str
    key: str | None = None
    kind: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the outcome as callers read it."""
        about = {"key": self.key} if self.key else {"type": self.kind}
        return {**about, "status": "failed", "message": self.message}


Outcome = Posted | Declined | Invalid | Done | Failed


def shown(at: datetime) -> str:
    """Return an instant in ISO 8601, UTC, such as "2026-03-02T06:00:01Z"."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
