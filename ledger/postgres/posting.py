"""The seam between a database transaction and the pure core: decide as often as you like, then write."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ledger.core import commands as c
from ledger.core.book import Book
from ledger.core.decide import Answer, Seam, answer
from ledger.core.scope import Scope
from ledger.postgres.database import AnyConnection
from ledger.postgres.load_book import load_debits
from ledger.postgres.write_book import send, write


@dataclass(slots=True, kw_only=True)
class Posting(Seam):
    """A book whose accounts are locked in the caller's database transaction.

    The caller commits; if it rolls back instead, nothing happened.
    """

    connection: AnyConnection
    opened: frozenset[int | str]
    credited: dict[int, int] = field(default_factory=dict)
    sent: int = 0

    def decide(
        self,
        command: c.Command,
        at: datetime | None = None,
        *,
        sent: c.Command | None = None,
        own_key: str = "",
        refers_to: int | None = None,
        owner: str | None = None,
    ) -> Answer:
        """Return the outcome of a command on what the commands before it left; `at` defaults to the database's clock.

        Raises LookupError for a command whose accounts or keys the posting was not opened with.
        """
        scope = c.scope_of([command])
        named = {*scope.accounts, *scope.refers, *(() if own_key else scope.keys)}
        stray = named - self.opened - self.book.accounts.keys()
        if stray:
            raise LookupError(f"the posting was not opened with {', '.join(map(str, stray))}")
        self._cover(scope)
        # super() without arguments does not know a dataclass with slots.
        return Seam.decide(self, command, at, sent=sent, own_key=own_key, refers_to=refers_to, owner=owner)

    def decide_all(self, commands: Sequence[c.Command], scope: Scope) -> list[Answer]:
        """Return one outcome a command, in order; `scope` is theirs."""
        self._cover(scope)
        return [answer(self.book, command, self.book.now) for command in commands]

    def send(self) -> None:
        """Send the transactions decided since the last time: in a pipeline, the server writes while more is decided."""
        self.sent = send(self.connection, self.book, since=self.sent)

    def write(self) -> None:
        """Write the transactions that were decided and not sent, and the state that all of them leave."""
        write(self.connection, self.book, since=self.sent)
        self.sent = 0

    def _cover(self, scope: Scope) -> None:
        """Load as many open debits as the credits of the commands in scope can settle."""
        if not scope.credits and not scope.gives_back:
            return
        credited, undone = _credited(self.book, scope)
        for account, amount in credited.items():
            # What was credited before paid off debits that the database still has.
            self.credited[account] = credited[account] = self.credited.get(account, 0) + amount
        if credited:
            load_debits(self.connection, self.book, credited, undone)


def _credited(book: Book, scope: Scope) -> tuple[dict[int, int], list[int]]:
    """Return the most that each account can be credited, in minor units, and the transactions that are undone."""
    credited: dict[int, int] = {}
    for account, amount in scope.credits.items():
        number = book.references.get(account) if isinstance(account, str) else account
        if number is not None:
            credited[number] = credited.get(number, 0) + amount
    undone = [book.transactions[key] for key in scope.gives_back if key in book.transactions]
    for entry in (entry for transaction in undone for entry in transaction.clients() if entry.amount < 0):
        credited[entry.account] = credited.get(entry.account, 0) - entry.amount
    return credited, [transaction.id for transaction in undone]
