"""One caller's stream of lines: a line that cannot be carried out now fails alone, and with it what hangs on it.

An account that somebody keeps locked delays the lines of others no longer than one wait for
locks. A failed line may be sent again. Until it was, later lines that share an account with it,
directly or through another, fail as well: they would otherwise be declined forever because of
a payment that comes a moment later (DECISIONS D83).
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from ledger.administration.administration_lines import Record
from ledger.core.commands import Command, scope_of
from ledger.core.outcomes import Failed, Outcome
from ledger.core.scope import Scope
from ledger.errors import GaveUp
from ledger.postgres.post import Ledger
from ledger.postgres.shell import Shell

Line = TypeVar("Line", Command, Record)
Token = int | str
"""An account by number, one that is not there by reference, or an earlier transaction by key."""

EVERYTHING = "*"
"""What a failed line of a brand, a client or the like stands in the way of."""

SECONDS = 30
"""How long the lines of a batch that gave up are tried in parts; then the rest fails untried."""


@dataclass(slots=True)
class _Item(Generic[Line]):
    """A line at its place in the batch, and what it concerns."""

    place: int
    line: Line
    concerns: frozenset[Token]

    @property
    def key(self) -> str:
        """Return how the line is known among those that failed."""
        return self.line.key if isinstance(self.line, Command) else self.line.model_dump_json(exclude_unset=True)


HELD_UP_SECONDS = 10
"""How long a line that failed holds up later ones of its accounts, where many callers share a stream: its own caller
sends it again by then, or never."""


class Stream:
    """The lines of one caller, posted in batches through one shell, whose ledger it makes impatient for locks.

    A line that failed holds up those that hang on it until it is sent again, or for `held_up` seconds.
    """

    def __init__(self, shell: Shell, ledger: Ledger, held_up: float | None = None) -> None:
        self._shell, self._ledger, self._held_up = shell, ledger, held_up
        ledger.lock_tries = 1
        self.failed: dict[str, frozenset[Token]] = {}
        self._failed_at: dict[str, float] = {}

    def post(self, commands: Sequence[Command]) -> list[Outcome]:
        """Return one outcome per command, in order. Raises Failure when the database stays out of reach."""
        return self._answers(commands, self._shell.post)

    def administer(self, records: Sequence[Record]) -> list[Outcome]:
        """Return one outcome per administration line, in order. Raises Failure like `post`."""
        return self._answers(records, self._shell.administer)

    def _answers(
        self, lines: Sequence[Line], carry_out: Callable[[Sequence[Line]], Sequence[Outcome]]
    ) -> list[Outcome]:
        gave_up = False
        self._forget_failed()
        if not self.failed:
            try:
                return [*carry_out(lines)]
            except GaveUp:
                gave_up = True
        concerns = self._ledger.retried(lambda: _concerns(self._ledger, lines))
        items: list[_Item[Line]] = []
        known = dict(self.failed)
        for line, about in zip(lines, concerns, strict=True):
            # What refers to a line that is not posted yet, such as a capture to its hold, concerns the same accounts.
            item = _Item(len(items), line, about.union(*(known[key] for key in about if key in known)))
            known[item.key] = item.concerns
            items.append(item)
        batch = _Batch(self.failed, self._ledger, carry_out)
        if gave_up:
            batch.in_parts(items)
        else:
            batch.together(items, batch.in_parts)
        return [batch.outcomes[place] for place in range(len(lines))]

    def _forget_failed(self) -> None:
        if self._held_up is None:
            return
        now = time.monotonic()
        self._failed_at = {key: self._failed_at.get(key, now) for key in self.failed}
        for key, since in self._failed_at.items():
            if now - since > self._held_up:
                del self.failed[key]


class _Batch(Generic[Line]):
    """The lines of one batch, carried out in parts; `failed` is what earlier lines, and lines of this one, concern."""

    def __init__(
        self,
        failed: dict[str, frozenset[Token]],
        ledger: Ledger,
        carry_out: Callable[[Sequence[Line]], Sequence[Outcome]],
    ) -> None:
        self._failed, self._ledger = failed, ledger
        self._carry_out: Callable[[Sequence[Line]], Sequence[Outcome]] = carry_out
        self._until = time.monotonic() + SECONDS
        self.outcomes: dict[int, Outcome] = {}

    def together(self, items: Sequence[_Item[Line]], otherwise: Callable[[Sequence[_Item[Line]]], None]) -> None:
        """Carry out in one go those of the lines that no failed line stands in the way of, or else `otherwise`."""
        free = self._free(items)
        if not free:
            return
        try:
            outcomes = self._carry_out([item.line for item in free])
        except GaveUp as error:
            if len(free) == 1:
                self._fail(free[0], f"{error}; send it again")
            else:
                otherwise(free)
            return
        for item, outcome in zip(free, outcomes, strict=True):
            self._failed.pop(item.key, None)
            self.outcomes[item.place] = outcome

    def in_parts(self, items: Sequence[_Item[Line]]) -> None:
        """Carry out first what hangs on nothing that is locked, then the rest one by one."""
        tainted = _locked(self._ledger, {token for item in items for token in item.concerns})
        calm: list[_Item[Line]] = []
        late: list[_Item[Line]] = []
        for item in items:
            if item.concerns & tainted:
                tainted |= item.concerns
                late.append(item)
            else:
                calm.append(item)
        self.together(calm, self._halved)
        for item in late:
            self.together([item], self._halved)

    def _halved(self, items: Sequence[_Item[Line]]) -> None:
        half = len(items) // 2
        self.together(items[:half], self._halved)
        self.together(items[half:], self._halved)

    def _free(self, items: Sequence[_Item[Line]]) -> list[_Item[Line]]:
        """Return the lines that may be tried; the others fail."""
        free: list[_Item[Line]] = []
        again: set[str] = set()
        for item in items:
            before = self._in_the_way(item, again)
            if before is not None:
                self._fail(
                    item, f"not tried, because it may depend on {before[:64]}, which failed; send both again, in order"
                )
            elif time.monotonic() > self._until:
                self._fail(item, f"not tried, because others took more than {SECONDS} s; send it again")
            else:
                again.add(item.key)
                free.append(item)
        return free

    def _in_the_way(self, item: _Item[Line], again: set[str]) -> str | None:
        """Return the first failed line that a line must not overtake, except those that are retried before it."""
        for key, concerns in self._failed.items():
            if key == item.key:
                return None
            if key not in again and (EVERYTHING in concerns or concerns & item.concerns):
                return key
        return None

    def _fail(self, item: _Item[Line], message: str) -> None:
        # A line that is sent again keeps its place among those that failed.
        self._failed.setdefault(item.key, item.concerns)
        line = item.line
        self.outcomes[item.place] = (
            Failed(key=line.key, message=message)
            if isinstance(line, Command)
            else Failed(kind=line.type, message=message)
        )


def _concerns(ledger: Ledger, lines: Sequence[Command | Record]) -> list[frozenset[Token]]:
    """Return of each line the accounts that it concerns and those who pay for them, and the keys that it names."""
    scopes = [scope_of([line]) if isinstance(line, Command) else line.scope() for line in lines]
    named = [account for scope in scopes for account in scope.accounts]
    keys = [key for scope in scopes for key in (*scope.keys, *scope.refers)]
    connection = ledger.connection()
    with connection.transaction():
        references = [account for account in named if isinstance(account, str)]
        rows = connection.execute("SELECT reference, id FROM account WHERE reference = ANY(%s)", [references])
        numbers: dict[str, int] = dict(rows.fetchall())
        moved: dict[str, set[int]] = {}
        for key, account in connection.execute(_MOVED, [keys, keys]):
            moved.setdefault(key, set()).add(account)
        known = {*numbers.values(), *(a for a in named if isinstance(a, int)), *set[int]().union(*moved.values())}
        around: dict[int, set[int]] = {}
        for account, other in connection.execute(_AROUND, [[*known]]):
            around.setdefault(account, set()).add(other)

    def about(scope: Scope) -> frozenset[Token]:
        accounts = {numbers.get(a, f"account {a}") if isinstance(a, str) else a for a in scope.accounts}
        of_keys = {account for key in (*scope.keys, *scope.refers) for account in moved.get(key, ())}
        others = {other for a in (*accounts, *of_keys) if isinstance(a, int) for other in around.get(a, ())}
        return frozenset[Token]((*accounts, *of_keys, *others, *scope.keys, *scope.refers)) or frozenset((EVERYTHING,))

    return [about(scope) for scope in scopes]


def _locked(ledger: Ledger, tokens: set[Token]) -> set[Token]:
    """Return those of the accounts whose balance, or whose points, somebody has locked."""
    accounts = [token for token in tokens if isinstance(token, int)]
    connection = ledger.connection()
    with connection.transaction(force_rollback=True):
        return {account for (account,) in connection.execute(_LOCKED, [accounts, accounts])}


_MOVED = """
SELECT t.key, e.account_id FROM transaction t JOIN entry e ON e.transaction_id = t.id
WHERE t.key = ANY(%s) AND e.version IS NOT NULL
UNION SELECT t.key, p.source_id FROM transaction t JOIN hold_part p ON p.hold_id IN (t.id, t.refers_to)
WHERE t.key = ANY(%s)
"""
# An account's payers; whose points they are, and the points.
_AROUND = """
WITH known AS (SELECT id, coalesce(money_account_id, id) AS client FROM account WHERE id = ANY(%s))
SELECT known.id, known.client FROM known
UNION SELECT known.id, l.payer_id FROM known JOIN link l ON l.account_id = known.client
"""
_LOCKED = """
WITH mine AS (
    SELECT id, coalesce(money_account_id, id) AS client FROM account
    WHERE id = ANY(%s) OR money_account_id = ANY(%s)
), free AS (SELECT account_id FROM balance WHERE account_id IN (SELECT id FROM mine) FOR NO KEY UPDATE SKIP LOCKED)
SELECT DISTINCT client FROM mine WHERE id NOT IN (SELECT account_id FROM free)
"""
