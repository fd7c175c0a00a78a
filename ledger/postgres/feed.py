"""The feed: every transaction and every change of terms as an event, once, for a reader that keeps its cursor.

`id > last` alone would lose what commits late. So the feed goes in windows: a window ends at the oldest database
transaction still under way, and all before it is final; within a window events are in the order of their numbers, which
are taken once an account is locked. Of one account they always come in the order of its versions (DECISIONS D123).

A cursor carries the book's incarnation: after a restore that lost a tail numbers are used again, and an old cursor is
refused with the last position that both have in common.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple, Self

from ledger.core.outcomes import Declined, shown
from ledger.errors import Failure
from ledger.postgres.database import AnyConnection
from ledger.postgres.timeline import TIMELINE
from ledger.values.money import plain
from ledger.values.refusals import Refusals

Event = dict[str, Any]

MOST = 1000
SOURCE = "/tiffin"


class Gone(Failure):
    """The cursor belongs to another incarnation of the book. `cursor` is the last position in common."""

    def __init__(self, cursor: str) -> None:
        super().__init__("the book was restored since: what this cursor has beyond the one given here never happened")
        self.cursor = cursor


@dataclass(frozen=True)
class Cursor:
    """A place in the feed: after `place` of the window of database transactions from `low` until `high`.

    Before the windows comes what was there before the feed (`settled`, by place) and, first of all, changes of terms
    from before they had places (`low` counts them).
    """

    incarnation: str
    settled: bool = True
    low: int = 0
    high: int = 0
    place: int = 0

    def __str__(self) -> str:
        return f"{self.incarnation}.{'s' if self.settled else 'w'}.{self.low}.{self.high}.{self.place}"

    @classmethod
    def read(cls, text: str) -> Self:
        """Return the cursor that a text is. Raises Failure for one that the feed never gave."""
        incarnation, *rest = text.split(".")
        numbers = [int(part) for part in rest[1:] if part.isascii() and part.isdecimal() and len(part) < 19]
        if len(numbers) != 3 or len(rest) != 4 or rest[0] not in ("s", "w"):
            raise Failure("after: is not a cursor of this feed")
        return cls(incarnation, rest[0] == "s", *numbers)


class _Now(NamedTuple):
    incarnation: str
    fed: dict[str, int]
    fed_from: int
    horizon: int
    end: int


def events(
    connection: AnyConnection, after: str | None, refusals: Refusals, *, most: int = MOST
) -> tuple[list[Event], str]:
    """Return the next events, at most `most`, as CloudEvents, and the cursor after them; both may stand still.

    `after` None is the beginning, "latest" the end. Raises Gone, or Failure for what is no cursor.
    """
    found, cursor = steps(connection, after, refusals, most=most)
    return [event for event, _ in found], cursor


def steps(
    connection: AnyConnection, after: str | None, refusals: Refusals, *, most: int = MOST
) -> tuple[list[tuple[Event, str]], str]:
    """Return what `events` does, each event with the cursor after it."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        now = _now(connection)
        if after == "latest":
            return [], str(Cursor(now.incarnation, False, now.horizon, now.horizon))
        cursor = Cursor.read(after) if after else Cursor(now.incarnation)
        if cursor.incarnation != now.incarnation or cursor.high > now.end:
            raise Gone(str(_common(connection, cursor, now)))
        found: list[tuple[Event, str]] = []
        while len(found) < most:
            rows, cursor, ended = _page(connection, cursor, now, most - len(found))
            found += [(_event(row, now.incarnation, refusals), str(following)) for row, following in rows]
            if ended:
                break
        return found, str(cursor)


def begin_incarnation(connection: AnyConnection) -> str:
    """Note that the book was restored to an earlier moment, and return the new incarnation. The owner's alone.

    Before anything is posted: what is there now is what old cursors have in common with it.
    """
    with connection.transaction():
        connection.execute("LOCK TABLE cut_gate IN EXCLUSIVE MODE")
        row = connection.execute(_BEGIN).fetchone()
    if row is None:
        raise Failure("there is no book yet: run tiffin init")
    return str(row[0])


# Of each earlier incarnation the least that was common to it and any later one.
_BEGIN = f"""
WITH last AS (SELECT greatest(
    (SELECT coalesce(max(id), 0) FROM transaction), (SELECT coalesce(max(place), 0) FROM change)) AS place
)
UPDATE book SET incarnation = gen_random_uuid()::text, timeline = {TIMELINE}, fed_from = last.place, fed = (
    SELECT coalesce(jsonb_object_agg(key, least(value::bigint, last.place)), '{{}}')
    FROM jsonb_each_text(book.fed || jsonb_build_object(book.incarnation, last.place))
) FROM last RETURNING incarnation
"""


def _now(connection: AnyConnection) -> _Now:
    row = connection.execute(
        "SELECT incarnation, fed, fed_from, pg_snapshot_xmin(s)::text::bigint, pg_snapshot_xmax(s)::text::bigint "
        "FROM book, pg_current_snapshot() s"
    ).fetchone()
    if row is None:
        raise Failure("there is no book yet: run tiffin init")
    return _Now(*row)


def _page(
    connection: AnyConnection, cursor: Cursor, now: _Now, most: int
) -> tuple[list[tuple[Any, Cursor]], Cursor, bool]:
    """Return the next rows, each with the cursor after it, where they end, and whether that is the end of all."""
    if cursor.settled:
        early = connection.execute(_EARLY, [cursor.low, most]).fetchall() if not cursor.place else []
        if early:
            page = [(row, replace(cursor, low=row[2])) for row in early]
            return page, page[-1][1], False
        rows = connection.execute(_SETTLED, _bounds(cursor, now, most)).fetchall()
        if rows:
            page = [(row, replace(cursor, place=row[1])) for row in rows]
            return page, page[-1][1], False
        return [], Cursor(now.incarnation, settled=False), False
    if cursor.low == cursor.high:
        if cursor.low >= now.horizon:
            return [], cursor, True
        bounds = {"low": cursor.low, "high": now.horizon, "fed_from": now.fed_from}
        row = connection.execute(_FIRST, bounds).fetchone()
        if row is None or row[0] is None:
            return [], replace(cursor, low=now.horizon, high=now.horizon, place=0), True
        cursor = replace(cursor, high=now.horizon, place=row[0] - 1)
    rows = connection.execute(_WINDOW, _bounds(cursor, now, most)).fetchall()
    page = [(row, replace(cursor, place=row[1])) for row in rows]
    if len(rows) < most:
        return page, replace(cursor, low=cursor.high, place=0), False
    return page, page[-1][1], False


def _bounds(cursor: Cursor, now: _Now, most: int) -> dict[str, int]:
    return {"low": cursor.low, "high": cursor.high, "place": cursor.place, "fed_from": now.fed_from, "most": most}


def _common(connection: AnyConnection, cursor: Cursor, now: _Now) -> Cursor:
    """Return the position of this incarnation up to which a reader of another one has seen all."""
    common = now.fed.get(cursor.incarnation, 0) if cursor.incarnation != now.incarnation else now.fed_from
    if cursor.settled:
        return Cursor(now.incarnation, low=cursor.low, place=min(common, cursor.place))
    unseen = connection.execute(_UNSEEN, {**_bounds(cursor, now, 0), "common": common}).fetchone()
    place = common if unseen is None or unseen[0] is None else unseen[0] - 1
    return Cursor(now.incarnation, low=10**17, place=max(place, 0)) if place else Cursor(now.incarnation)


_TRANSACTION = """
SELECT 'transaction', t.id, t.id, t.recorded_at, t.account_id, jsonb_build_object(
    'transaction', t.id, 'key', t.key, 'type', t.kind, 'status', t.status, 'code', t.code, 'facts', t.facts,
    'account', t.account_id, 'reference', a.reference, 'amount', t.amount, 'currency', t.currency,
    'posted_at', t.posted_at, 'business_date', t.business_date, 'refers_to', r.key, 'by', t.by, 'note', t.note,
    'accounts', (
        SELECT coalesce(jsonb_agg(jsonb_build_object(
            'account', e.account_id, 'reference', c.reference, 'amount', e.amount, 'held', e.held,
            'balance_after', e.balance_after, 'held_after', e.held_after, 'version', e.version
        ) ORDER BY e.leg), '[]') FROM entry e JOIN account c ON c.id = e.account_id
        WHERE e.transaction_id = t.id AND e.version IS NOT NULL
    )
) FROM transaction t LEFT JOIN account a ON a.id = t.account_id LEFT JOIN transaction r ON r.id = t.refers_to
"""
_CHANGE = """
SELECT 'change', c.place, c.id, c.recorded_at, c.account_id, jsonb_build_object(
    'change', c.id, 'type', c.kind, 'subject', c.subject, 'account', c.account_id, 'before', c.before, 'after', c.after,
    'business_date', c.business_date, 'by', c.by, 'note', c.note
) FROM change c
"""
_EARLY = f"{_CHANGE} WHERE c.place IS NULL AND c.id > %s ORDER BY c.id LIMIT %s"


def _merged(transactions: str, changes: str) -> str:
    """Return the statement of both, in order of place; each is ordered by an index."""
    return (
        f"SELECT * FROM (({_TRANSACTION} WHERE {transactions} ORDER BY t.id LIMIT %(most)s) UNION ALL "
        f"({_CHANGE} WHERE {changes} ORDER BY c.place LIMIT %(most)s)) both_of (source, place) "
        "ORDER BY place LIMIT %(most)s"
    )


_SETTLED = _merged(
    "t.id > %(place)s AND (t.xid IS NULL OR t.id <= %(fed_from)s)", "c.place > %(place)s AND c.place <= %(fed_from)s"
)
_WINDOW = _merged(
    "t.id > greatest(%(place)s, %(fed_from)s) AND t.xid >= %(low)s AND t.xid < %(high)s",
    "c.place > greatest(%(place)s, %(fed_from)s) AND c.xid >= %(low)s AND c.xid < %(high)s",
)
_FIRST = """
SELECT least(
    (SELECT min(id) FROM transaction WHERE xid >= %(low)s AND xid < %(high)s AND id > %(fed_from)s),
    (SELECT min(place) FROM change WHERE xid >= %(low)s AND xid < %(high)s AND place > %(fed_from)s)
)
"""
_UNSEEN = """
SELECT least(
    (SELECT min(id) FROM transaction WHERE id <= %(common)s AND xid >= %(low)s AND (xid >= %(high)s OR id > %(place)s)),
    (SELECT min(place) FROM change WHERE place <= %(common)s AND xid >= %(low)s
     AND (xid >= %(high)s OR place > %(place)s))
)
"""


def _event(row: Any, incarnation: str, refusals: Refusals) -> Event:
    source, _, number, recorded_at, account, data = row
    kind = data["status"] if source == "transaction" else data["type"]
    if source == "transaction":
        _in_words(data, refusals)
    return {
        "specversion": "1.0",
        "id": f"{incarnation}/{source}/{number}",
        "source": SOURCE,
        "type": f"tiffin.{source}.{kind}",
        "time": shown(recorded_at),
        **({"subject": str(account)} if account is not None else {}),
        "datacontenttype": "application/json",
        "data": data,
    }


def _in_words(data: Event, refusals: Refusals) -> None:
    """Show amounts and times of a transaction as outcomes do."""
    data["posted_at"] = shown(datetime.fromisoformat(data["posted_at"]))
    if data["amount"] is not None:
        data["amount"] = plain(data["amount"])
    for moved in data["accounts"]:
        for name in ("amount", "held", "balance_after", "held_after"):
            moved[name] = plain(moved[name])
    if data["status"] == "declined":
        declined = Declined(key=data["key"], code=data["code"], facts=data["facts"] or {}, refusals=refusals)
        data["message"] = declined.message


def accounts_of(event: Event) -> list[int]:
    """Return the accounts that an event concerns: events of one account are delivered in order."""
    data = event["data"]
    moved = [entry["account"] for entry in data.get("accounts", ())]
    return sorted({*moved, *([data["account"]] if data["account"] is not None else [])})
