"""The questions of the door: what would happen, the state of accounts, what happened. They write nothing.

Each answer names the transaction that it is as of. With a replica, questions go there, quotes never; `min_transaction`
waits for the replica or goes to the primary, so that a client who has just paid never sees the balance from before.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from ledger.errors import Failure
from ledger.http.commands import NDJSON, STREAMS, RequestRefused, whole
from ledger.http.metrics import CONTENT_TYPE
from ledger.http.problems import of_outcome, problem
from ledger.intake.json_lines import LINE_LENGTH, answered, cannot_quote, read, written
from ledger.postgres import account_queries, transaction_queries
from ledger.postgres.account_queries import NoSuchAccount
from ledger.postgres.balances import balances as states
from ledger.postgres.database import AnyConnection, Unreachable
from ledger.postgres.post import Ledger
from ledger.postgres.tokens import Caller
from ledger.values.dates import instant_of
from ledger.values.field_types import TEXT_LENGTH
from ledger.values.money import is_account_number
from ledger.values.text import wrong_character

if TYPE_CHECKING:
    from ledger.http.app import Door

T = TypeVar("T")
Parameters = Mapping[str, str]

ACCOUNTS = 10_000
"""How many accounts one question may name."""
QUOTES = 1000
PAGE = 1000
REPLICA_SECONDS = 0.3
"""How long to wait for a replica that is behind before the primary is queried."""


async def quotes(door: "Door", request: Request, _: Parameters) -> Response:
    """Answer what posting would do now: one command, or NDJSON, whose lines build on one another."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await whole(request.receive, LINE_LENGTH)
    many = kind in STREAMS
    lines = [line for line in body.decode("utf-8", "surrogateescape").split("\n") if line.strip()] if many else []
    if len(lines) > QUOTES:
        raise Failure(f"there are {len(lines)} lines, at most {QUOTES} are quoted at once")
    text = lines if many else [body.decode("utf-8", "surrogateescape")]
    items = [(number, read(line, number if many else 0, door.level.parse)) for number, line in enumerate(text, 1)]
    shell = door.level.shell

    def quoted(_: AnyConnection) -> list[Any]:
        ledger = Ledger(door.url, statement_timeout_ms=10_000)
        try:
            return list(answered(items, post=shell(ledger).quote, administer=cannot_quote))
        finally:
            ledger.close()

    outcomes = await door.primary.run(quoted)
    if many:
        return Response(written(outcomes), media_type=NDJSON)
    found = outcomes[0].to_json()
    if found["status"] == "invalid":
        return of_outcome(found)
    if found.get("code") == "key_reused":
        return of_outcome(found)
    return _json(found)


async def balances(door: "Door", request: Request, _: Parameters) -> Response:
    """Answer the state of many accounts, now or at a past moment: one answer per account, in order.

    Takes `{"accounts": [...], "at": ..., "min_transaction": ...}`; an unknown account is null.
    """
    body = await _object(request, {"accounts", "at", "min_transaction"})
    named = body.get("accounts")
    if not isinstance(named, list) or len(named) > ACCOUNTS:
        raise Failure(f"accounts: should be a list of at most {ACCOUNTS} accounts")
    accounts = [_account(name, f"accounts.{n}") for n, name in enumerate(named)]
    at = _instant(body.get("at"), "at")
    seen = whole_number(body.get("min_transaction"), "min_transaction")

    def stand(connection: AnyConnection) -> Any:
        found = states(connection, accounts, at=at)
        held = _held(connection, request, [state.account for state in found if state])
        return [state.to_json() if state and state.account in held else None for state in found]

    rows, last = await _as_of(door, stand, seen)
    return _json({"as_of_transaction": last, "balances": rows})


async def account(door: "Door", request: Request, parameters: Parameters) -> Response:
    """Answer the state of one account, with what a second level knows about it, such as points."""
    name = _named(parameters)
    at = _instant(request.query_params.get("at"), "at")

    def stand(connection: AnyConnection) -> Any:
        [state] = states(connection, [name], at=at) or [None]
        if state is None or not _held(connection, request, [state.account]):
            raise NoSuchAccount(name)
        return {**state.to_json(), **door.level.more(connection, state.account, at)}

    found, last = await _as_of(door, stand, _seen(request))
    return _json({"as_of_transaction": last, **found})


async def history(door: "Door", request: Request, parameters: Parameters) -> Response:
    """Answer an account's changes in order, a page at a time: `after` is the last version that was seen."""
    name = _named(parameters)
    after = whole_number(request.query_params.get("after"), "after") or 0
    most = whole_number(request.query_params.get("limit"), "limit") or PAGE
    if most > PAGE:
        raise Failure(f"limit: {most} is more than {PAGE}")
    since = _instant(request.query_params.get("since"), "since")
    until = _instant(request.query_params.get("until"), "until")

    def changes(connection: AnyConnection) -> Any:
        found = account_queries.find(connection, name)
        if not _held(connection, request, [found.id]):
            raise NoSuchAccount(name)
        entries = account_queries.history(connection, found.id, since=since, until=until, after=after)
        return [entry.to_json() for entry, _ in zip(entries, range(most + 1), strict=False)]

    rows, last = await _as_of(door, changes, _seen(request))
    page = rows[:most]
    more = page[-1]["version"] if len(rows) > most else None
    return _json({"as_of_transaction": last, "entries": page, "next_after": more})


async def limits(door: "Door", request: Request, parameters: Parameters) -> Response:
    """Answer the write-off limits that draws for an account must keep, and what is left of each."""
    name = _named(parameters)

    def left(connection: AnyConnection) -> Any:
        if not _held(connection, request, [account_queries.find(connection, name).id]):
            raise NoSuchAccount(name)
        return [limit.to_json() for limit in account_queries.limits(connection, name)]

    rows, last = await _as_of(door, left, _seen(request))
    return _json({"as_of_transaction": last, "limits": rows})


async def transaction(door: "Door", request: Request, parameters: Parameters) -> Response:
    """Answer what became of a key: the first answer to its command, read from the primary."""
    key, caller = parameters["key"], _caller(request)
    if wrong_character(key):
        return problem("not_found", "no transaction has this key")
    refusals = door.level.refusals()
    try:
        found = await door.primary.run(
            lambda connection: transaction_queries.outcome(connection, key, refusals, caller and caller.brands)
        )
    except transaction_queries.NoSuchTransaction as error:
        return problem("not_found", str(error))
    return _json(found)


async def healthz(door: "Door", request: Request, _: Parameters) -> Response:
    """Answer that the process lives."""
    return _json({"status": "alive"})


async def readyz(door: "Door", request: Request, _: Parameters) -> Response:
    """Answer whether commands are taken: writers, the database, the version of its tables; not while draining."""
    if door.draining:
        return problem("unavailable", "the door is draining: it takes no new work")
    if not door.writers.ready:
        return problem("unavailable", "a writer is being started")
    if door.settings.double:
        return _json({"status": "ready"})
    try:
        await asyncio.wait_for(door.primary.run(_alive), 5)
    except (Unreachable, TimeoutError) as error:
        return problem("unavailable", str(error) or "PostgreSQL does not answer")
    except Failure as error:  # such as tables of another version
        return problem("unavailable", str(error))
    return _json({"status": "ready"})


def _alive(connection: AnyConnection) -> None:
    connection.execute("SELECT 1")


async def metrics(door: "Door", request: Request, _: Parameters) -> Response:
    """Answer the figures for Prometheus."""
    door.metrics.waiting.set(door.writers.waiting)
    door.metrics.restarts.set(door.writers.restarts)
    try:
        closed, cut = await door.primary.run(_ages)
    except Failure:
        closed = cut = None
    door.metrics.closed.set(float("nan") if closed is None else closed)
    door.metrics.cut.set(float("nan") if cut is None else cut)
    return Response(door.metrics.text(), media_type=CONTENT_TYPE)


def _ages(connection: AnyConnection) -> tuple[float | None, float | None]:
    """Return seconds since days were last closed, and since the moment of the latest cut."""
    row = connection.execute(
        "SELECT extract(epoch FROM now() - (SELECT max(closed_at) FROM closing))::float8, "
        "extract(epoch FROM now() - (SELECT cut_at FROM book))::float8"
    ).fetchone()
    return row or (None, None)


# ---- of which moment an answer is


async def _as_of(door: "Door", question: Callable[[AnyConnection], T], seen: int | None) -> tuple[T, int]:
    """Return what a question answers in one snapshot, and the last transaction that it saw."""

    def read(connection: AnyConnection) -> tuple[T, int]:
        with connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            row = connection.execute("SELECT coalesce(max(id), 0) FROM transaction").fetchone()
            return question(connection), row[0] if row else 0

    if door.replica is not None and await _has_seen(door, seen):
        try:
            return await door.replica.run(read)
        except Unreachable:  # the primary has all that a replica has
            pass
    return await door.primary.run(read)


async def _has_seen(door: "Door", transaction: int | None) -> bool:
    """Return whether the replica has a transaction, now or in a moment."""
    assert door.replica is not None
    if transaction is None:
        return True

    def there(connection: AnyConnection) -> bool:
        return connection.execute("SELECT 1 FROM transaction WHERE id = %s", [transaction]).fetchone() is not None

    for _ in range(6):
        try:
            if await door.replica.run(there):
                return True
        except Failure:
            return False
        await asyncio.sleep(REPLICA_SECONDS / 6)
    return False


def _held(connection: AnyConnection, request: Request, accounts: list[int]) -> set[int]:
    """Return those of the accounts that the caller may ask about: all, or those that its brands hold."""
    caller = _caller(request)
    if caller is None or caller.brands is None:
        return {*accounts}
    return {number for (number,) in connection.execute(_HELD, [accounts, [*caller.brands]])}


_HELD = """
SELECT a.id FROM account a LEFT JOIN account m ON m.id = a.money_account_id
JOIN brand b ON b.id = coalesce(a.holder_id, a.brand_id, m.holder_id) WHERE a.id = ANY(%s) AND b.code = ANY(%s)
"""


def _caller(request: Request) -> Caller | None:
    caller: Caller | None = request.scope.get("caller")
    return caller


# ---- reading


def _json(content: object) -> Response:
    return Response(json.dumps(content), media_type="application/json")


async def _object(request: Request, fields: set[str]) -> dict[str, Any]:
    body = await whole(request.receive, LINE_LENGTH)
    given = read(body.decode("utf-8", "surrogateescape"), 0, lambda record: record)
    if not isinstance(given, dict):
        raise RequestRefused(of_outcome(given.to_json()))
    if unknown := sorted(given.keys() - fields):
        raise Failure(f"{unknown[0][:64]}: is not a known field")
    return given


def _named(parameters: Parameters) -> int | str:
    """Return the account that a path names: digits are a number, all else is a reference."""
    text = parameters["account"]
    return _account(int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else text, "account")


def _account(value: object, field: str) -> int | str:
    if isinstance(value, str) and len(value) <= TEXT_LENGTH and not wrong_character(value):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        if 10 <= value < 10**18 and is_account_number(value):
            return value
        raise Failure(f"{field}: {str(value)[:20]} is not an account number: its last digit is not the check digit")
    raise Failure(f"{field}: is neither an account number nor a reference")


def _instant(value: object, field: str) -> datetime | None:
    try:
        return None if value is None else instant_of(value)
    except ValueError as error:
        raise Failure(f"{field}: {error}") from None


def whole_number(value: object, field: str) -> int | None:
    """Return a whole number from 0, written or not; None as it is. Raises Failure for anything else."""
    if value is None:
        return None
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 18:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 10**18:
        raise Failure(f"{field}: is not a whole number from 0")
    return value


def _seen(request: Request) -> int | None:
    return whole_number(request.query_params.get("min_transaction"), "min_transaction")
