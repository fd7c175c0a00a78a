"""The seam: the ledger as a second level sees it, which decides on a book through it as often as it likes."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from ledger.core import commands as c
from ledger.core.book import Book
from ledger.core.decide import Answer, answer, decide, entered, expiry
from ledger.core.transactions import Transaction
from ledger.surplus import surplus
from ledger.values.field_types import OWN_KEYS
from ledger.values.refusals import Facts


@dataclass(slots=True)
class Seam:
    """The ledger as a second level sees it: a book, on which it decides as often as it likes.

    The second level makes commands of what its own caller `sent`. One of them answers the
    caller's key, the others are kept under the ledger's own keys.
    """

    book: Book

    def decide(
        self,
        command: c.Command,
        at: datetime | None = None,
        *,
        sent: c.Command | None = None,
        own_key: str = "",
        refers_to: int | None = None,
        owner: str | None = None,
        beyond: int | None = None,
    ) -> Answer:
        """Return the outcome of a command on what the commands before it left; `at` defaults to the book's clock.

        `refers_to` is the transaction that one under an own key concerns. What has an `owner` is captured, released
        and refunded through a seam only. `beyond` is the charge that a debit is the surplus of.
        """
        self._require(command, own_key)
        if sent is None and not own_key:
            return answer(self.book, command, at or self.book.now)
        if beyond is not None and isinstance(command, c.Debit):
            decided = surplus(self.book, command, beyond, at or self.book.now, sent=sent)
        else:
            decided = decide(self.book, command, at or self.book.now, sent=sent)
        if own_key and isinstance(decided, Transaction):
            decided.key = f"{OWN_KEYS}{own_key}"
            decided.refers_to = decided.refers_to or refers_to
        if isinstance(decided, Transaction):
            decided.owner = owner
        return entered(self.book, decided)

    def _require(self, command: c.Command, own_key: str) -> None:
        """Load what a command concerns; a book made by hand has everything."""

    def refuse(
        self, command: c.Command, code: str, facts: Facts, at: datetime | None = None, *, sent: c.Command | None = None
    ) -> Answer:
        """Decline a command for a rule of the second level, and keep that.

        A rule of the ledger's own that stands before it in DECLINES is named instead.
        """
        decided = decide(self.book, command, at or self.book.now, sent=sent)
        rank = self.book.refusals.rank
        if isinstance(decided, Transaction) and (decided.code is None or rank[decided.code] > rank[code]):
            decided = replace(decided, code=code, facts=facts, **_NOTHING)
        return entered(self.book, decided)

    def prolong(self, hold: int, expires_at: datetime, *, by: str) -> None:
        """Let a hold run out at another time, earlier or later; the mark with the key `by` records it."""
        mark = self.book.transactions[by]
        mark.refers_to, mark.expires_at = hold, expires_at
        self.book.holds[hold].expires_at = expires_at
        self.book.changed_holds.add(hold)

    def expire(self, account: int, until: datetime) -> None:
        """Book the account's holds that ran out at or before `until`, each at its own time."""
        for hold in sorted(self.book.expired(account, until), key=lambda hold: (hold.expires_at, hold.id)):
            self.book.enter(expiry(self.book, hold))


_NOTHING: dict[str, Any] = {
    **dict.fromkeys(("entries", "expiries"), ()),
    **dict.fromkeys(("hold", "takes", "terms", "refers_to")),
}
"""What a transaction has of each field that only a posted one fills."""
