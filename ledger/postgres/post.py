"""Post commands: lock, load, decide, write, commit.

A batch is the primitive: one outcome per command, in order, and what was accepted is
committed together before any outcome is returned.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from ledger.administration.administration_lines import Record
from ledger.core import commands as c
from ledger.core.decide import Answer as Answer
from ledger.core.decide import expiry
from ledger.core.outcomes import Declined, Done, Invalid
from ledger.core.scope import Scope
from ledger.postgres import four_eyes
from ledger.postgres.database import AnyConnection, check_book, connect
from ledger.postgres.load_book import KnownFacts, load
from ledger.postgres.posting import Posting as Posting
from ledger.postgres.retries import TRIES, retried, transaction, uncollected
from ledger.postgres.system_accounts import (
    missing_accounts,
    open_accounts,
    open_at_once,
    open_foreseen,
    placeholders,
    system_accounts,
)

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from ledger.postgres.administration_run import Rule

T = TypeVar("T")

# The posting path only looks things up by key, so one plan serves all; made while a table was empty, it must not
# stay a scan of it.
SETTINGS = {"enable_seqscan": "off", "jit": "off", "plan_cache_mode": "force_generic_plan"}


class Ledger:
    """The ledger's shell. One instance serves one thread; it keeps one connection, made on first use."""

    def __init__(self, url: str, *, statement_timeout_ms: int = 60_000, lock_timeout_ms: int = 2_000) -> None:
        self.url = url
        self.lock_timeout_ms = lock_timeout_ms
        self.lock_tries = TRIES
        self.known = KnownFacts()
        self.parse: Callable[[Mapping[str, Any]], object] = c.parse
        self.statement_timeout_ms = statement_timeout_ms
        self._connection: AnyConnection | None = None
        self._engine: Engine | None = None

    def post(self, commands: Sequence[c.Command]) -> list[Answer]:
        """Return one outcome per command, in order; all that was accepted is durable by then.

        Raises Failure when the database stays out of reach.
        """

        with uncollected():
            return self.retried(lambda: self._post(commands, keep=True)) if commands else []

    def quote(self, commands: Sequence[c.Command]) -> list[Answer]:
        """Return what `post` would answer now; writes nothing and waits for no lock."""
        return self.retried(lambda: self._post(commands, keep=False)) if commands else []

    def administer(
        self, records: Sequence[Record], rules: "Mapping[str, Rule] | None" = None
    ) -> list[Done | Declined | Invalid]:
        """Return one outcome per administration line, in order; what was done is durable by then.

        `rules` are those of a second level, with the ledger's own; by default only these.
        """
        # Here, because it loads SQLModel: half a second that posting does not need.
        from ledger.postgres.administer import administer, engine_on

        def work() -> list[Done | Declined | Invalid]:
            connection = self.connection()
            if self._engine is None:
                self._engine = engine_on(connection)
            return administer(self._engine, records, rules)

        return self.retried(work) if records else []

    @contextmanager
    def posting(
        self,
        connection: AnyConnection,
        scope: Scope,
        *,
        lock: bool = True,
        own: bool = False,
        meanwhile: Callable[[], object] | None = None,
    ) -> Iterator[Posting]:
        """Open a posting in the caller's database transaction: what is in scope is locked and loaded.

        `own` means that the database transaction may be rolled back and begun again, because nothing was done in
        it; `meanwhile` is done while the server loads.
        """
        if lock and own:
            open_foreseen(connection, self.known, scope)
        book = load(connection, self.known, scope, lock=lock, own=own, meanwhile=meanwhile)
        missing = missing_accounts(book, self.known, scope)
        if missing and lock and own:
            connection.rollback()
            open_at_once(connection, self.known, missing)
            book = load(connection, self.known, scope, lock=lock, own=own, meanwhile=meanwhile)
        elif missing:
            if lock:
                open_accounts(connection, missing)
            book.system = placeholders(missing) | self.known.system | system_accounts(connection, missing)
        if lock and book.second_person:
            book.held_back = four_eyes.held_back(connection, book.second_person, self.parse)
        opened = frozenset((*scope.accounts, *scope.keys, *scope.refers))
        yield Posting(connection=connection, book=book, opened=opened)

    def connection(self) -> AnyConnection:
        """Return the ledger's connection, reopened if the last one was lost."""
        if self._connection is None or self._connection.closed:
            settings = {
                **SETTINGS,
                "statement_timeout": self.statement_timeout_ms,
                "lock_timeout": self.lock_timeout_ms,
                # A process that stands still with its locks taken is cut off after as long as a statement may take.
                "idle_in_transaction_session_timeout": self.statement_timeout_ms,
            }
            connection = connect(self.url, settings=settings)
            try:
                check_book(connection)
            except BaseException:
                connection.close()
                raise
            self._connection, self._engine = connection, None
        return self._connection

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()

    def retried(self, work: Callable[[], T]) -> T:
        """Return what `work`, done on the ledger's connection, returns, if need be after several tries."""
        return retried(work, lambda: self._connection, lock_tries=self.lock_tries)

    def book_expired(self, until: datetime) -> int:
        """Book all holds that run out at or before `until`, which must be past; return how many."""
        booked = 0
        while holds := self.retried(lambda: self._book_expired(until)):
            booked += holds
        return booked

    def _post(self, commands: Sequence[c.Command], *, keep: bool) -> list[Answer]:
        scope = c.scope_of(commands)
        connection = self.connection()
        with transaction(connection, keep=keep) as own:
            if not keep:
                connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")

            def fingerprints() -> None:
                for command in commands:
                    command.fingerprint  # noqa: B018  # kept by the command from now on

            with self.posting(connection, scope, lock=keep, own=own, meanwhile=fingerprints) as p:
                outcomes = p.decide_all(commands, scope)
                if keep:
                    p.write(commit=True)
        return outcomes

    def _book_expired(self, until: datetime, most: int = 500) -> int:
        connection = self.connection()
        with connection.transaction():
            rows = connection.execute(
                "SELECT h.transaction_id, t.key, h.account_id FROM hold h "
                "JOIN transaction t ON t.id = h.transaction_id WHERE h.state = 'open' AND h.expires_at <= %s "
                "ORDER BY h.expires_at, h.transaction_id LIMIT %s",
                [until, most],
            ).fetchall()
            if not rows:
                return 0
            scope = Scope({account for _, _, account in rows}, refers=[key for _, key, _ in rows], ids=2 * most)
            with self.posting(connection, scope) as p:
                ran_out = [h for h in p.book.holds.values() if h.state == "open" and h.expires_at <= until]
                for hold in sorted(ran_out, key=lambda hold: (hold.expires_at, hold.id)):
                    p.book.enter(expiry(p.book, hold))
                p.write()
        return len(rows)
