"""Questions that the write side answers about an account: balance, history, limits. They take no locks.

Time counts, not jobs: a hold that ran out holds nothing from its moment, booked or not.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from psycopg.rows import class_row

from ledger.core.accounts import window
from ledger.core.money import plain
from ledger.core.outcomes import shown
from ledger.errors import Failure
from ledger.postgres.database import AnyConnection

Row = TypeVar("Row")
JsonRow = dict[str, object]


@dataclass(frozen=True, slots=True)
class FoundAccount:
    """A client's account as it is now."""

    id: int
    reference: str | None
    currency: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountState:
    """How an account stood at a time. Amounts in minor units; `available` is own money and credit in force.

    `overdue` tells whether the due date of something unpaid is past, `unpaid_since` is the oldest day of what is.
    """

    account: int
    reference: str | None
    currency: str
    balance: int
    held: int
    credit_limit: int | None
    available: int
    unpaid_since: date | None
    overdue: bool
    version: int

    def to_json(self) -> JsonRow:
        """Return it as callers read it, amounts as strings."""
        return {
            "account": self.account,
            "reference": self.reference,
            "currency": self.currency,
            "balance": plain(self.balance),
            "held": plain(self.held),
            "credit_limit": _plain(self.credit_limit),
            "available": plain(self.available),
            "unpaid_since": self.unpaid_since.isoformat() if self.unpaid_since else None,
            "overdue": self.overdue,
            "version": self.version,
        }


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

    Without an `account` it is of a `group` of them together or, without either, of whoever draws.
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
            "amount": _plain(self.amount),
            "used": plain(self.used),
            "left": _plain(self.left),
            "count": self.count,
            "used_count": self.used_count,
            "left_count": self.left_count,
        }


def _plain(amount: int | None) -> str | None:
    return None if amount is None else plain(amount)


@dataclass(frozen=True, slots=True)
class _LastEntry:
    balance: int
    held: int
    version: int


@dataclass(frozen=True, slots=True)
class _Terms:
    credit_limit: int
    period_days: int | None
    in_force: bool


@dataclass(frozen=True, slots=True)
class _Closing:
    """When and by which rules a day was closed: its answers stay what they were then."""

    closed_at: datetime | None = None
    rules: int | None = None


@dataclass(frozen=True, slots=True)
class _Unpaid:
    """The first due date and the first business date of what is unpaid, if anything is."""

    due_on: date | None
    since: date | None


def balance(connection: AnyConnection, asked: int | str, *, at: datetime | None = None) -> AccountState:
    """Return how the account stood at `at` (default: now, by the database's clock).

    A past moment is judged by the terms and the status that were valid then, also by terms recorded later for that
    time, unless its day was closed before (DECISIONS D78). Raises Failure for an unknown account or a future time.
    """
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        now, zone = _clock(connection)
        if at is not None and at > now:
            raise Failure(f"{shown(at)} is in the future; it is {shown(now)}")
        account = find(connection, asked)
        moment = at or now
        day = moment.astimezone(zone).date()
        closing = (_first(connection, _Closing, _CLOSING, [day]) if at else None) or _Closing()
        entry = _first(connection, _LastEntry, _LAST_ENTRY, [account.id, moment]) or _LastEntry(0, 0, 0)
        held = entry.held - _ran_out(connection, account.id, moment, entry.version)
        terms = _terms_on(connection, account.id, day, closing)
        unpaid = _Unpaid(None, None) if entry.balance >= 0 else _unpaid(connection, account.id, at, day, closing)
        overdue = unpaid.due_on is not None and unpaid.due_on < day
        if closing.rules == OLD and unpaid.since is not None:
            period = terms.period_days if terms else 0
            overdue = period is not None and (day - unpaid.since).days > period
        status = account.status if at is None else _status(connection, account, at, closing)
        own = entry.balance - held
        limit = terms.credit_limit if terms and terms.in_force else None
        available = max(0, own) if limit is None or overdue else max(0, own + limit)
        return AccountState(
            account=account.id,
            reference=account.reference,
            currency=account.currency,
            balance=entry.balance,
            held=held,
            credit_limit=limit,
            available=available if status == "open" else 0,
            unpaid_since=unpaid.since,
            overdue=overdue,
            version=entry.version,
        )


OLD = 1
"""The rules of the days that were closed before there were due dates."""

_CLOSING = "SELECT closed_at, rules FROM closing WHERE closed_until >= %s ORDER BY closed_until LIMIT 1"
_LAST_ENTRY = """
SELECT e.balance_after AS balance, e.held_after AS held, e.version
FROM entry e JOIN transaction t ON t.id = e.transaction_id
WHERE e.account_id = %s AND e.version IS NOT NULL AND t.posted_at <= %s ORDER BY e.version DESC LIMIT 1
"""


def _ran_out(connection: AnyConnection, account: int, at: datetime, version: int) -> int:
    """Return what the entry of `version` still counts as held by holds that ran out by `at`."""
    row = connection.execute(
        """
        SELECT coalesce(sum(e.held), 0)::bigint FROM entry e JOIN transaction t ON t.id = e.transaction_id
        JOIN transaction h ON h.id = CASE t.kind WHEN 'hold' THEN t.id ELSE t.refers_to END
        WHERE e.account_id = %s AND e.version <= %s AND e.held <> 0 AND h.kind = 'hold' AND h.expires_at <= %s
        """,
        [account, version, at],
    ).fetchone()
    assert row is not None
    return int(row[0])


def _terms_on(connection: AnyConnection, account: int, day: date, closing: _Closing) -> _Terms | None:
    """Return the terms in force on the day or, if none is, the last recorded that had begun."""
    return _first(
        connection,
        _Terms,
        "SELECT credit_limit, period_days, coalesce(valid_until, 'infinity') >= %s AS in_force FROM credit_terms "
        "WHERE account_id = %s AND valid_from <= %s AND recorded_at <= coalesce(%s, 'infinity'::timestamptz) "
        "ORDER BY in_force DESC, id DESC LIMIT 1",
        [day, account, day, closing.closed_at],
    )


def _status(connection: AnyConnection, account: FoundAccount, at: datetime, closing: _Closing) -> str:
    """Return the status at a past moment: accounts are opened open."""
    known = at if closing.closed_at is None else min(at, closing.closed_at)
    row = connection.execute(
        "SELECT after ->> 'status' FROM change WHERE kind = 'account_status' AND subject = %s AND account_id = %s "
        "AND recorded_at <= %s ORDER BY id DESC LIMIT 1",
        [account.reference or str(account.id), account.id, known],
    ).fetchone()
    return str(row[0]) if row else "open"


def _unpaid(connection: AnyConnection, account: int, at: datetime | None, day: date, closing: _Closing) -> _Unpaid:
    """Return since when, and by when at the earliest, what an account below zero owes was to be paid."""
    ripens = connection.execute("SELECT ripens_on <= %s FROM balance WHERE account_id = %s", [day, account]).fetchone()
    if at is None and ripens and not ripens[0]:
        found = _first(connection, _Unpaid, _UNPAID_NOW, [account])
    else:
        asked = {"account": account, "at": at, "day": day, "known_at": closing.closed_at, "old": closing.rules == OLD}
        found = _first(connection, _Unpaid, _UNPAID_THEN, asked)
    assert found is not None
    return found


_UNPAID_NOW = "SELECT min(due_on) AS due_on, min(business_date) AS since FROM open_debit WHERE account_id = %s"

# What the account owed lies on the last of its items as they were then: net of what had been refunded or reversed,
# due as far as the terms they wait for were valid and, on a closed day, known. Days closed by the old rules have
# reversals among the items, all in order of entry.
_UNPAID_THEN = """
WITH moved AS (
    SELECT t.id, t.kind, t.refers_to, t.business_date, e.amount
    FROM entry e JOIN transaction t ON t.id = e.transaction_id
    WHERE e.account_id = %(account)s AND e.version IS NOT NULL AND e.amount <> 0
      AND t.posted_at <= coalesce(%(at)s, 'infinity'::timestamptz)
), undone AS (
    SELECT coalesce(r.refers_to, m.refers_to) AS id, sum(m.amount) AS amount
    FROM moved m LEFT JOIN transaction r ON r.id = m.refers_to AND r.kind = 'reverse'
    WHERE m.kind = 'refund' OR (m.kind = 'reverse' AND NOT %(old)s) GROUP BY 1
), item AS (
    SELECT m.id, m.business_date, greatest(0, -m.amount - coalesce(u.amount, 0)) AS amount,
           CASE WHEN %(old)s THEN NULL
                WHEN i.terms_id IS NULL THEN nullif(i.due_on, '9999-12-31')
                WHEN c.valid_from <= %(day)s AND c.recorded_at <= coalesce(%(known_at)s, 'infinity'::timestamptz)
                THEN least(m.business_date + c.period_days, '9999-12-30') END AS due_on
    FROM moved m LEFT JOIN undone u USING (id)
         LEFT JOIN aging_item i ON i.transaction_id = m.id AND i.account_id = %(account)s
         LEFT JOIN credit_terms c ON c.id = i.terms_id
    WHERE m.amount < 0 AND (%(old)s OR i.transaction_id IS NOT NULL)
), placed AS (
    SELECT item.*, sum(amount) OVER (
        ORDER BY due_on DESC NULLS FIRST, business_date DESC, id DESC) - amount AS later FROM item
)
SELECT min(due_on) AS due_on, min(business_date) AS since FROM placed
WHERE amount > 0 AND later < (SELECT -sum(amount) FROM moved)
"""


def history(
    connection: AnyConnection, asked: int | str, *, since: datetime | None = None, until: datetime | None = None
) -> Iterator[HistoryEntry]:
    """Yield an account's entries posted from `since` on and before `until`, in order, read page by page.

    Raises Failure for an unknown account.
    """
    account = find(connection, asked)
    version = 0
    with connection.cursor(row_factory=class_row(HistoryEntry)) as cursor:
        while page := cursor.execute(_HISTORY, [account.id, version, since, until, PAGE]).fetchall():
            yield from page
            version = page[-1].version


PAGE = 1000
_HISTORY = """
SELECT e.version, t.posted_at, t.id AS transaction, t.key, t.kind, e.amount, e.held, e.balance_after AS balance
FROM entry e JOIN transaction t ON t.id = e.transaction_id
WHERE e.account_id = %s AND e.version > %s AND t.posted_at >= coalesce(%s, '-infinity'::timestamptz)
AND t.posted_at < coalesce(%s, 'infinity'::timestamptz) ORDER BY e.version LIMIT %s
"""


def limits(connection: AnyConnection, asked: int | str) -> list[LimitState]:
    """Return the write-off limits that draws for the account (or from it, by anyone) must keep, as they stand now."""
    account = find(connection, asked)
    now, zone = _clock(connection)
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


def find(connection: AnyConnection, asked: int | str) -> FoundAccount:
    """Return a client's account by number or reference. Raises Failure when there is none."""
    by = "reference" if isinstance(asked, str) else "id"
    query = f"SELECT id, reference, currency, status FROM account WHERE {by} = %s AND party_id IS NOT NULL"
    found = _first(connection, FoundAccount, query, [asked])
    if found is None:
        raise Failure(f"no such account: {by.replace('id', 'number')} {asked}")
    return found


def _clock(connection: AnyConnection) -> tuple[datetime, ZoneInfo]:
    row = connection.execute("SELECT clock_timestamp(), time_zone FROM book").fetchone()
    if row is None:
        raise Failure("there is no book yet: run tiffin init")
    return row[0].astimezone(UTC), ZoneInfo(row[1])


def _first(
    connection: AnyConnection, row: type[Row], query: str, parameters: Sequence[object] | Mapping[str, object]
) -> Row | None:
    with connection.cursor(row_factory=class_row(row)) as cursor:
        return cursor.execute(query, parameters).fetchone()
