"""Transactions, and the holds that some of them make."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from ledger.core.accounts import Terms
from ledger.core.outcomes import Entry
from ledger.values.refusals import NOT_KEPT, Facts


@dataclass(slots=True)
class HoldPart:
    """What one source set aside for one line; `captured` is None until a capture takes the line."""

    line: int
    source: int
    brand: int
    amount: int
    held: int
    service: str
    reference: str
    gross: int
    discount: int
    vat_rate: Any = None
    vat: int | None = None
    attributes: dict[str, Any] | None = None
    captured: int | None = None
    refunded: int = 0


@dataclass(slots=True)
class Hold:
    """Money set aside by the transaction of the same id."""

    id: int
    key: str
    account: int
    currency: str
    day: date
    expires_at: datetime
    parts: list[HoldPart]
    state: str = "open"
    groups: dict[int, str] = field(default_factory=dict)

    def drawn_from(self, source: int) -> int:
        """Return what the hold, its captures and their refunds leave drawn from a source."""
        return sum(part.held + (part.captured or 0) - part.refunded for part in self.parts if part.source == source)


@dataclass(slots=True, kw_only=True)
class Transaction:
    """The ledger's answer to one command, posted (with entries) or declined (with code and facts).

    `expiries` are the holds that ran out before it and are booked with it. `hold` is what
    a hold set aside; `takes` is what a capture or refund takes of each part, by part. `terms` are the credit terms
    that it replaces and those that it records. `owner` is what of a second level it belongs to, which alone follows it
    up. `groups` are those of the payers' links as it was decided, by payer.
    """

    key: str
    kind: str
    posted_at: datetime
    day: date
    id: int = 0
    fingerprint: bytes = b""
    code: str | None = None
    facts: Facts | None = None
    account: int | None = None
    amount: int | None = None
    currency: str | None = None
    refers_to: int | None = None
    value_date: date | None = None
    expires_at: datetime | None = None
    due_on: date | None = None
    channel: str | None = None
    reason: str | None = None
    by: str | None = None
    note: str | None = None
    occurred_at: datetime | None = None
    entries: tuple[Entry, ...] = ()
    expiries: tuple["Transaction", ...] = ()
    hold: list[HoldPart] | None = None
    takes: list[tuple[int, int]] | None = None
    final: bool = False
    terms: tuple[Terms | None, Terms] | None = None
    owner: str | None = None
    groups: dict[int, str] = field(default_factory=dict)

    @property
    def kept(self) -> bool:
        """Return whether the answer is recorded."""
        return self.code not in NOT_KEPT

    def clients(self) -> list[Entry]:
        """Return the entries of client accounts, in drawing order."""
        return [entry for entry in self.entries if entry.version is not None]

    def revenue(self) -> list[Entry]:
        """Return the service lines, or parts of them."""
        return [entry for entry in self.entries if entry.line is not None]
