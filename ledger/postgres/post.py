"""Post commands: lock, load, decide, write, commit.

A batch is the primitive: one outcome a command, in order, and what was accepted is
committed together before any outcome is returned. Whatever makes PostgreSQL give up a
batch that may be tried again (a deadlock, a racing key, a lost connection) is retried
here; a retry finds by its keys what was committed after all, and replays it.
"""

import gc
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
import structlog
from psycopg import Connection, errors, pq

from ledger.core import commands as c
from ledger.core.administration import Record
from ledger.core.book import Book
from ledger.core.decide import Answer as Answer
from ledger.core.decide import Seam, answer, expiry
from ledger.core.money import minor
from ledger.core.outcomes import Declined, Done, Invalid
from ledger.errors import Failure
from ledger.postgres.bulk_sql import COPY_FROM
from ledger.postgres.database import Unreachable, connect
from ledger.postgres.load_book import Known, Wanted, load, load_debits, numbers_of
from ledger.postgres.open_accounts import new_number
from ledger.postgres.write_book import write

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from ledger.postgres.administer import Rule

log = structlog.get_logger()
T = TypeVar("T")

AGAIN = (
    errors.DeadlockDetected, errors.SerializationFailure, errors.UniqueViolation, errors.LockNotAvailable,
    psycopg.OperationalError, Unreachable,
)  # fmt: skip
CHARGES = c.Debit, c.Hold
"""What most commands are: they name one account, refer to nothing, and credit nobody."""

TRIES = 8
PATIENCE_SECONDS = 30
"""How long a lost database is waited for."""

# The posting path only looks things up by key, so one plan serves all; made while a table was empty, it must not
# stay a scan of it.
_OPTIONS = "-c enable_seqscan=off -c jit=off -c plan_cache_mode=force_generic_plan"


@dataclass(slots=True, kw_only=True)
class Posting(Seam):
    """The seam between a database transaction and the pure core: decide as often as you like, then write once.

    The caller commits; if it rolls back instead, nothing happened.
    """

    connection: Connection[Any]
    opened: frozenset[int | str]
    credited: dict[int, int] = field(default_factory=dict)

    def decide(
        self, command: c.Command, at: datetime | None = None, *, sent: c.Command | None = None, own_key: str = ""
    ) -> Answer:
        """Return the outcome of a command on what the commands before it left; `at` defaults to the database's clock.

        Raises LookupError for a command whose accounts or keys the posting was not opened with.
        """
        stray = self._stray(command, own_key)
        if stray:
            raise LookupError(f"the posting was not opened with {', '.join(map(str, stray))}")
        if not isinstance(command, CHARGES):
            self._cover([command])
        # super() without arguments does not know a dataclass with slots.
        return Seam.decide(self, command, at, sent=sent, own_key=own_key)

    def _stray(self, command: c.Command, own_key: str) -> set[int | str]:
        """Return what a command names that was not loaded."""
        if isinstance(command, CHARGES) and command.account in self.opened:
            return set() if own_key or command.key in self.opened else {command.key}
        accounts, keys, refers = named([command])
        return {*accounts, *refers, *(keys if not own_key else ())} - self.opened - self.book.accounts.keys()

    def decide_all(self, commands: Sequence[c.Command]) -> list[Answer]:
        """Return one outcome a command, in order."""
        self._cover(commands)
        return [answer(self.book, command, self.book.now) for command in commands]

    def write(self, *more: Callable[[], object]) -> None:
        """Write what was decided, and what each of `more` decides while the server writes what was before."""
        write(self.connection, self.book, *more)

    def _cover(self, commands: Iterable[c.Command]) -> None:
        """Load as many open debits as the commands' credits can settle."""
        credited, refunded = credits_of(self.book, commands)
        for account, amount in credited.items():
            # What was credited before paid off debits that the database still has.
            self.credited[account] = credited[account] = self.credited.get(account, 0) + amount
        if credited:
            load_debits(self.connection, self.book, credited, refunded)


def credits_of(book: Book, commands: Iterable[c.Command]) -> tuple[dict[int, int], list[int]]:
    """Return the most that commands can credit each account with, in minor units, and the debits they refund."""
    credited: dict[int, int] = {}
    refunded: list[int] = []

    def credit(account: int | str | None, amount: int) -> None:
        number = book.references.get(account) if isinstance(account, str) else account
        if number is not None:
            credited[number] = credited.get(number, 0) + amount

    for command in commands:
        if isinstance(command, CHARGES):
            continue
        match command:
            case c.Payment(account=None, split=parts) if parts:
                for part in parts:
                    credit(part.account, minor(part.amount))
            case c.Allocate():
                for share in command.split:
                    credit(share.account, minor(share.amount))
            case c.Payment():
                credit(command.account, minor(command.amount))
            case c.Adjustment():
                # A negative one credits when it is reversed, perhaps in this batch.
                credit(command.account, abs(minor(command.amount)))
            case c.Transfer():
                credit(command.to, minor(command.amount))
            case c.Refund(debit=key) | c.Reverse(transaction=key):
                of = book.transactions.get(key)
                if of is not None:
                    refunded.append(of.id)
                    for entry in (entry for entry in of.clients() if entry.amount < 0):
                        credit(entry.account, -entry.amount)
    return credited, refunded


def named(commands: Iterable[c.Command]) -> tuple[set[int | str], list[str], list[str]]:
    """Return the accounts that commands name, their keys, and the keys they refer to."""
    accounts: set[int | str] = set()
    keys: list[str] = []
    refers: list[str] = []
    for command in commands:
        keys.append(command.key)
        if isinstance(command, CHARGES):
            accounts.add(command.account)
            continue
        for name in ("account", "to"):
            value = getattr(command, name, None)
            if value is not None:
                accounts.add(value)
        accounts.update(part.account for part in getattr(command, "split", None) or ())
        for name in ("hold", "debit", "payment", "transaction"):
            value = getattr(command, name, None)
            if value is not None:
                refers.append(value)
    return accounts, keys, refers


class Ledger:
    """The ledger's shell. One instance serves one thread; it keeps one connection, made on first use."""

    def __init__(self, url: str, *, statement_timeout_ms: int = 60_000) -> None:
        self.url = url
        self.known = Known()
        self._options = f"{_OPTIONS} -c statement_timeout={statement_timeout_ms}"
        self._connection: Connection[Any] | None = None
        self._engine: Engine | None = None

    def post(self, commands: Sequence[c.Command]) -> list[Answer]:
        """Return one outcome a command, in order; all that was accepted is durable by then.

        Raises Failure when the database stays out of reach.
        """
        if not commands:
            return []
        with uncollected():
            return self.retried(lambda: self._post(commands, keep=True))

    def quote(self, commands: Sequence[c.Command]) -> list[Answer]:
        """Return what `post` would answer now; writes nothing and waits for no lock."""
        return self.retried(lambda: self._post(commands, keep=False)) if commands else []

    def administer(
        self, records: Sequence[Record], rules: "Mapping[str, Rule] | None" = None
    ) -> list[Done | Declined | Invalid]:
        """Return one outcome an administration line, in order; what was done is durable by then.

        `rules` are those of a second level and of this one; by default only of this one.
        """
        # Here, for it loads SQLModel: half a second that posting does not need.
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
        connection: Connection[Any],
        accounts: Iterable[int | str],
        *,
        keys: Sequence[str] = (),
        refers: Sequence[str] = (),
        times: Sequence[datetime] = (),
        brands: Iterable[tuple[str, str | None]] = (),
        ids: int | None = None,
        payments: Sequence[str] = (),
        lock: bool = True,
        own: bool = False,
        meanwhile: Callable[[], object] | None = None,
    ) -> Iterator[Posting]:
        """Open a posting in the caller's database transaction: its accounts are locked and loaded.

        `keys` and `refers` are those of the commands to come, `brands` their brands and
        currencies, `ids` how many transactions they can make at most (default: one a key),
        `payments` the keys of payments that they allocate or reverse. `own` tells that the database
        transaction may be rolled back and begun again, because nothing was done in it; `meanwhile` is done
        while the server loads.
        """
        accounts = list(accounts)
        references = numbers_of(connection, self.known, (a for a in accounts if isinstance(a, str)))
        numbers = {references.get(a) if isinstance(a, str) else a for a in accounts} - {None}
        many = len(keys) if ids is None else ids
        wanted = Wanted(frozenset(n for n in numbers if n), keys, refers, times, many, payments)
        book = load(connection, self.known, wanted, lock=lock, own=own, meanwhile=meanwhile)
        self._add_system_accounts(book, set(brands), make=lock)
        yield Posting(connection=connection, book=book, opened=frozenset((*accounts, *keys, *refers)))

    def connection(self) -> Connection[Any]:
        """Return the ledger's connection, made anew if the last one was lost."""
        if self._connection is None or self._connection.closed:
            self._connection = connect(self.url, options=self._options)
            self._engine = None
        return self._connection

    def close(self) -> None:
        """Let the connection go."""
        if self._connection is not None:
            self._connection.close()

    def book_expired(self, until: datetime) -> int:
        """Book all holds that run out at or before `until`, which must be past; return how many."""
        booked = 0
        while holds := self.retried(lambda: self._book_expired(until)):
            booked += holds
        return booked

    def _post(self, commands: Sequence[c.Command], *, keep: bool) -> list[Answer]:
        accounts, keys, refers = named(commands)
        times = [command.at for command in commands if command.at is not None]
        brands = set[tuple[str, str | None]]().union(*map(brands_of, commands))
        payments = [key for command in commands for key in payments_of(command)]
        connection = self.connection()
        with transaction(connection, together=len(commands) < COPY_FROM, keep=keep) as own:
            if not keep:
                connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            posting = self.posting(
                connection, accounts, keys=keys, refers=refers, times=times, brands=brands, payments=payments,
                lock=keep, own=own, meanwhile=lambda: [command.fingerprint for command in commands],
            )  # fmt: skip
            with posting as p:
                outcomes = p.decide_all(commands)
                if keep:
                    p.write()
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
            with self.posting(
                connection, [account for _, _, account in rows], refers=[key for _, key, _ in rows], ids=2 * most
            ) as p:
                ran_out = [h for h in p.book.holds.values() if h.state == "open" and h.expires_at <= until]
                for hold in sorted(ran_out, key=lambda hold: (hold.expires_at, hold.id)):
                    p.book.enter(expiry(p.book, hold))
                p.write()
        return len(rows)

    def _add_system_accounts(self, book: Book, brands: Iterable[tuple[str, str | None]], *, make: bool) -> None:
        """See that the brands' own accounts exist in the currencies that the batch can use.

        Unless they may be made, the book gets placeholders below zero for those that do not exist yet.
        """
        currencies = {book.currency, *(account.currency for account in book.accounts.values())}
        wanted = {(book.brands[code].id, currency) for code, currency in brands if currency and code in book.brands}
        wanted |= {(book.brands[code].id, each) for code, _ in brands if code in book.brands for each in currencies}
        wanted |= {(a.brand, a.currency) for a in book.accounts.values() if a.kind == "bonus" and a.brand is not None}
        # A capture names no brand: its hold does.
        wanted |= {(part.brand, hold.currency) for hold in book.holds.values() for part in hold.parts}
        missing = [pair for pair in sorted(wanted) if (pair[0], "cash", pair[1]) not in self.known.system]
        for brand, currency in missing:
            self.known.system.update(system_accounts(self.url, brand, currency, make=make))
        if not make:
            placeholders = ((brand, kind, currency) for brand, currency in missing for kind in SYSTEM)
            book.system = dict(zip(placeholders, count(-1, -1), strict=False)) | self.known.system

    def retried(self, work: Callable[[], T]) -> T:
        """Return what `work` returns; while PostgreSQL gives it up for what may be tried again, it is tried again."""
        until = time.monotonic() + PATIENCE_SECONDS
        for attempt in count(1):
            try:
                return work()
            except AGAIN as error:
                lost = isinstance(error, Unreachable) or not self._is_clean()
                if isinstance(error, errors.QueryCanceled) or (attempt >= TRIES and not lost):
                    raise Failure(f"PostgreSQL gave up after {attempt} tries: {_said_by(error)}") from error
                if time.monotonic() > until:
                    raise Failure(f"gave up after {PATIENCE_SECONDS} s: {_said_by(error)}") from error
                log.debug("retry", attempt=attempt, error=type(error).__name__)
                # Chance keeps writers that met once from meeting again.
                time.sleep(random.uniform(0, min(1.0, 0.01 * 2**attempt)))
        raise AssertionError("unreachable")

    def _is_clean(self) -> bool:
        """Tell whether the connection may be used again; close it if not."""
        connection = self._connection
        if connection is None or connection.closed:
            return False
        # A server that dies in mid-batch can leave the driver in a pipeline that it cannot leave, and call it open.
        idle = connection.info.transaction_status == pq.TransactionStatus.IDLE
        if idle and connection.pgconn.pipeline_status == pq.PipelineStatus.OFF:
            return True
        connection.close()
        return False


def _said_by(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep the garbage collector away: it would walk what a batch makes, which all lives to the end, in vain."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


@contextmanager
def transaction(connection: Connection[Any], *, together: bool, keep: bool) -> Iterator[bool]:
    """Run a database transaction that is rolled back at its end unless it is to `keep`; tell whether it began here.

    Statements that go out `together` save the trips, and the server works while the next are made ready; COPY cannot.
    """
    # Whoever left something undone on the ledger's connection must not lose it to a rollback in between.
    own = connection.info.transaction_status == pq.TransactionStatus.IDLE
    # The driver's own transaction() would wait for the server four times within a pipeline, and lets nobody roll back.
    with connection.pipeline() if together else nullcontext():
        try:
            yield own
            # What failed among the statements sent is told here, with the commit, at the latest.
            if keep:
                connection.commit()
            else:
                connection.rollback()
        except BaseException:
            if not connection.broken:
                connection.rollback()
            raise


def payments_of(command: c.Command) -> Iterator[str]:
    """Yield the key of the payment that a command allocates or reverses."""
    if isinstance(command, c.Allocate):
        yield command.payment
    elif isinstance(command, c.Reverse):
        yield command.transaction


def brands_of(command: c.Command) -> set[tuple[str, str | None]]:
    """Return the brands that a command names, with its currency."""
    if isinstance(command, CHARGES):
        return {(line.brand, command.currency) for line in command.lines}
    parts = (command, *(getattr(command, "split", None) or ()))
    return {(part.brand, command.currency) for part in parts if getattr(part, "brand", None) is not None}


SYSTEM = ("cash", "revenue", "bonus_expense", "adjustments", "unallocated")


def system_accounts(url: str, brand: int, currency: str, *, make: bool = True) -> dict[tuple[int, str, str], int]:
    """Return a brand's own accounts in a currency by (brand, kind, currency); they are made on first use if `make`.

    They are committed on a connection of their own, so a batch that fails later leaves them, empty.
    """
    select = "SELECT kind, id FROM account WHERE brand_id = %s AND currency = %s AND party_id IS NULL"
    with connect(url) as connection:
        rows: dict[str, int] = dict(connection.execute(select, [brand, currency]).fetchall())
        for kind in SYSTEM:
            if make and kind not in rows:
                connection.execute(
                    "INSERT INTO account (id, kind, currency, brand_id, status) VALUES (%s, %s, %s, %s, 'open') "
                    "ON CONFLICT DO NOTHING",
                    [new_number(connection), kind, currency, brand],
                )
        rows = dict(connection.execute(select, [brand, currency]).fetchall())
    return {(brand, kind, currency): number for kind, number in rows.items()}
