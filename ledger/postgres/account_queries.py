"""Questions that the write side answers about an account: history, limits. They take no locks.

Time counts, not jobs: a hold that ran out holds nothing from its moment, booked or not.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from psycopg.rows import class_row

from ledger.core.accounts import window
from ledger.core.outcomes import shown
from ledger.errors import Failure
from ledger.postgres.database import AnyConnection
from ledger.values.money import plain

Row = TypeVar("Row")
JsonRow = dict[str, object]


class NoSuchAccount(Failure):
    """No client has the account."""

    def __init__(self, name: int | str) -> None:
        super().__init__(f"no such account: {'number' if isinstance(name, int) else 'reference'} {name}")


@dataclass(frozen=True, slots=True)
class FoundAccount:
    """A client's account as it is now."""

    id: int
    reference: str | None
    currency: str
    status: str


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One change of an account. Amounts in minor units; `amount` and `held` are changes, `balance` is what was left."""

    version: int
    posted_at: datetime
    transaction: int
    key: str
    kind: str
    amount: int
    held: int
    balance: int

    def to_json(self) -> JsonRow:
        """Return it as callers read it, amounts as strings."""
        return {
            "version": self.version,
            "posted_at": shown(self.posted_at),
            "transaction": self.transaction,
            "key": self.key,
            "kind": self.kind,
            "amount": plain(self.amount),
            "held": plain(self.held),
            "balance": plain(self.balance),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitState:
    """A write-off limit and what is used of it now. Amounts in minor units.

    Without an `account` it applies to a `group` of them together or, without either, to everyone who draws.
    """

    payer: int
    account: int | None
    period: str
    since: date | None
    amount: int | None
    used: int
    count: int | None
    used_count: int
    group: str | None = None

    @property
    def left(self) -> int | None:
        """Return what may still be drawn; None where no amount is limited."""
        return None if self.amount is None else max(0, self.amount - self.used)

    @property
    def left_count(self) -> int | None:
        """Return how many more draws there may be; None where their number is not limited."""
        return None if self.count is None else max(0, self.count - self.used_count)

    def to_json(self) -> JsonRow:
        """Return it as callers read it, amounts as strings."""
        return {
            "payer": self.payer,
            "account": self.account,
            "group": self.group,
            "period": self.period,
            "since": self.since.isoformat() if self.since else None,
            "amount": plain_or_none(self.amount),
            "used": plain(self.used),
            "left": plain_or_none(self.left),
            "count": self.count,
            "used_count": self.used_count,
            "left_count": self.left_count,
        }


def plain_or_none(amount: int | None) -> str | None:
    """Return an amount of minor units as text, None as it is."""
    return None if amount is None else plain(amount)


def last_version(connection: AnyConnection, account: int, before: datetime) -> int:
    """Return the version of an account's last entry posted before a moment, 0 if none: by bisection."""
    row = connection.execute(
        "SELECT max(version) FROM entry WHERE account_id = %s AND version IS NOT NULL", [account]
    ).fetchone()
    low, high = 0, (row[0] or 0) + 1 if row else 1
    while high - low > 1:
        middle = (low + high) // 2
        row = connection.execute(_POSTED_AT, [account, middle]).fetchone()
        low, high = (middle, high) if row and row[0] < before else (low, middle)
    return low


_POSTED_AT = """
SELECT t.posted_at FROM entry e JOIN transaction t ON t.id = e.transaction_id
WHERE e.account_id = %s AND e.version = %s AND e.version IS NOT NULL
"""


def history(
    connection: AnyConnection,
    name: int | str,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    after: int = 0,
) -> Iterator[HistoryEntry]:
    """Yield an account's entries posted from `since` on and before `until`, in order, read page by page.

    `after` is a version: only later ones are wanted.

    Raises Failure for an unknown account.
    """
    account = find(connection, name)
    version = max(after, last_version(connection, account.id, since) if since is not None else 0)
    with connection.cursor(row_factory=class_row(HistoryEntry)) as cursor:
        while page := cursor.execute(_HISTORY, [account.id, version, PAGE]).fetchall():
            for entry in page:
                if until is not None and entry.posted_at >= until:
                    return
                yield entry
            version = page[-1].version


PAGE = 1000
_HISTORY = """
SELECT e.version, t.posted_at, t.id AS transaction, t.key, t.kind, e.amount, e.held, e.balance_after AS balance
FROM entry e JOIN transaction t ON t.id = e.transaction_id
WHERE e.account_id = %s AND e.version > %s ORDER BY e.version LIMIT %s
"""


def limits(connection: AnyConnection, name: int | str) -> list[LimitState]:
    """Return the write-off limits that draws for the account (or from it, by anyone) must keep, as they stand now."""
    account = find(connection, name)
    now, zone = clock(connection)
    rows = connection.execute(_LIMITS, {"account": account.id}).fetchall()
    return [_limit(connection, now, now.astimezone(zone).date(), *row) for row in rows]


_LIMITS = """
SELECT l.payer_id, l.account_id, l.group_name, l.period, l.amount, l.count FROM write_off_limit l
WHERE l.payer_id = %(account)s OR l.account_id = %(account)s
OR (l.account_id = l.payer_id AND (l.payer_id, l.group_name) IN (
    SELECT payer_id, unnest(ARRAY['', group_name]) FROM link WHERE account_id = %(account)s))
ORDER BY l.payer_id, l.account_id = l.payer_id, l.group_name = '', l.account_id, l.group_name,
    array_position(ARRAY['order', 'day', 'week', 'month', 'total'], l.period)
"""
_USAGE = (
    "SELECT amount, count FROM usage WHERE payer_id = %s AND account_id = %s AND group_name = %s AND period = %s "
    "AND since = %s"
)
_HOLDS_RUN_OUT = """
SELECT (coalesce(t.occurred_at, t.posted_at) AT TIME ZONE (SELECT time_zone FROM book))::date,
    sum(p.held)::bigint, sum(p.held + coalesce(p.captured, 0) - p.refunded)::bigint
FROM hold_part p JOIN hold h ON h.transaction_id = p.hold_id JOIN transaction t ON t.id = h.transaction_id
LEFT JOIN entry_group g ON g.transaction_id = h.transaction_id AND g.account_id = p.source_id
WHERE p.source_id = %(payer)s AND h.state = 'open' AND h.expires_at <= %(now)s AND %(group)s IN ('', g.group_name)
AND (%(payer)s = %(account)s OR h.account_id = %(account)s)
GROUP BY h.transaction_id, 1 HAVING sum(p.held) > 0
"""


def _limit(
    connection: AnyConnection,
    now: datetime,
    day: date,
    payer: int,
    account: int,
    group: str,
    period: str,
    amount: int | None,
    count: int | None,
) -> LimitState:
    since = window(period, day)
    row = connection.execute(_USAGE, [payer, account, group, period, since]).fetchone()
    used, used_count = row or (0, 0)
    of = {"payer": payer, "account": account, "group": group, "now": now}
    for held_on, held, drawn in connection.execute(_HOLDS_RUN_OUT, of):
        if window(period, held_on) == since and period != "order":
            used, used_count = used - held, used_count - (held == drawn)
    return LimitState(
        payer=payer,
        account=None if account == payer else account,
        period=period,
        since=None if period in ("order", "total") else since,
        amount=amount,
        used=used,
        count=count,
        used_count=used_count,
        group=group or None,
    )


def find(connection: AnyConnection, name: int | str) -> FoundAccount:
    """Return a client's account by number or reference. Raises NoSuchAccount when there is none."""
    by = "reference" if isinstance(name, str) else "id"
    query = f"SELECT id, reference, currency, status FROM account WHERE {by} = %s AND party_id IS NOT NULL"
    found = _first(connection, FoundAccount, query, [name])
    if found is None:
        raise NoSuchAccount(name)
    return found


def clock(connection: AnyConnection) -> tuple[datetime, ZoneInfo]:
    """Return the database's clock and the book's time zone. Raises Failure if there is no book."""
    row = connection.execute("SELECT clock_timestamp(), time_zone FROM book").fetchone()
    if row is None:
        raise Failure("there is no book yet: run tiffin init")
    return row[0].astimezone(UTC), ZoneInfo(row[1])


def _first(
    connection: AnyConnection, row: type[Row], query: str, parameters: Sequence[object] | Mapping[str, object]
) -> Row | None:
    with connection.cursor(row_factory=class_row(row)) as cursor:
        return cursor.execute(query, parameters).fetchone()
