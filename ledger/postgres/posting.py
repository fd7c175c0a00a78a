"""The seam between a database transaction and the pure core: decide as often as you like, then write."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ledger.core import commands as c
from ledger.core.decide import Answer, answer
from ledger.core.scope import Scope
from ledger.postgres.aging_items import load_items
from ledger.postgres.database import AnyConnection
from ledger.postgres.write_book import Work, send, write
from ledger.seam import Seam


@dataclass(slots=True, kw_only=True)
class Posting(Seam):
    """A book whose accounts are locked in the caller's database transaction.

    The caller commits; if it rolls back instead, nothing happened.
    """

    connection: AnyConnection
    opened: frozenset[int | str]
    sent: int = 0

    def _require(self, command: c.Command, own_key: str) -> None:
        """Load what a command's credits can settle.

        Raises LookupError for a command whose accounts or keys the posting was not opened with.
        """
        # A charge credits nobody and refers to nothing: most commands need no scope of their own.
        if not (isinstance(command, c.CHARGES) and {command.account, command.key} <= self.opened):
            scope = c.scope_of([command])
            named = {*scope.accounts, *scope.refers, *(() if own_key else scope.keys)}
            stray = named - self.opened - self.book.accounts.keys()
            if stray and (stray := stray - {transaction.key for transaction in self.book.entered}):
                raise LookupError(f"the posting was not opened with {', '.join(map(str, stray))}")
            self._cover(scope)

    def decide_all(self, commands: Sequence[c.Command], scope: Scope) -> list[Answer]:
        """Return one outcome per command, in order; `scope` is theirs."""
        self._cover(scope)
        return [answer(self.book, command, self.book.now) for command in commands]

    def send(self) -> None:
        """Send what was decided since the last time; the server writes while more is decided (DECISIONS D81)."""
        self.sent = send(self.connection, self.book, since=self.sent)

    def write(self, also: Iterable[Work] = (), *, commit: bool = False) -> None:
        """Write the transactions that were decided and not sent, the state that all leave, and a second level's rows.

        They are made while the server works. With `commit` the database transaction ends.
        """
        write(self.connection, self.book, also, since=self.sent, commit=commit)
        self.sent = 0

    def _cover(self, scope: Scope) -> None:
        """Load, in one go, the open items that the credits in scope can settle; others are fetched as they come."""
        references = self.book.references
        numbers = {a: references.get(a) if isinstance(a, str) else a for a in scope.credits}
        load_items(self.connection, self.book, {n: scope.credits[a] for a, n in numbers.items() if n is not None})
