"""How accounts stand, now or as they stood at a past moment. No locks are taken.

The present is the balance row: none of the history is read, however long it is. A past moment finds its version by
bisection. Time counts, not jobs: a hold that ran out holds nothing from its moment, booked or not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from psycopg.rows import class_row

from ledger.core.outcomes import shown
from ledger.errors import Failure
from ledger.postgres.account_queries import JsonRow, NoSuchAccount, clock, plain_or_none
from ledger.postgres.database import AnyConnection
from ledger.values.money import plain


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountState:
    """The state of an account at a time. Amounts in minor units; `available` is own money and credit in force.

    `overdue` is whether the due date of something unpaid is past, `unpaid_since` is the oldest day of what is.
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
            "credit_limit": plain_or_none(self.credit_limit),
            "available": plain(self.available),
            "unpaid_since": self.unpaid_since.isoformat() if self.unpaid_since else None,
            "overdue": self.overdue,
            "version": self.version,
        }


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """An account as the one statement finds it; since when it owes what is unpaid only where that is `ripe`."""

    account: int
    reference: str | None
    currency: str
    status: str
    balance: int
    held: int
    version: int
    credit_limit: int | None
    period_days: int | None
    in_force: bool | None
    due_on: date | None
    since: date | None
    ripe: bool


def balance(connection: AnyConnection, name: int | str, *, at: datetime | None = None) -> AccountState:
    """Return how the account stood at `at` (default: now, by the database's clock).

    A past moment is judged by the terms and the status that were valid then, also by terms recorded later for that
    time, unless its day was closed before (DECISIONS D78). Raises NoSuchAccount, or Failure for a future time.
    """
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        [state] = balances(connection, [name], at=at) or [None]
    if state is None:
        raise NoSuchAccount(name)
    return state


def balances(
    connection: AnyConnection, names: Sequence[int | str], *, at: datetime | None = None
) -> list[AccountState | None]:
    """Return the state of each account at `at`, None where there is none, in order: one statement for all of them.

    The caller's database transaction is REPEATABLE READ where several statements are to agree.
    """
    now, zone = clock(connection)
    if at is not None and at > now:
        raise Failure(f"{shown(at)} is in the future; it is {shown(now)}")
    day = (at or now).astimezone(zone).date()
    closing = (_closing(connection, day) if at else None) or _Closing()
    parameters = {
        "numbers": [name for name in names if isinstance(name, int)],
        "references": [name for name in names if isinstance(name, str)],
        "at": at or now,
        "day": day,
        "closed_at": closing.closed_at,
        "open": closing.closed_at is None and closing.rules != OLD,
        "old": closing.rules == OLD,
        "known_at": at if closing.closed_at is None or at is None else min(at, closing.closed_at),
    }
    with connection.cursor(row_factory=class_row(_Row)) as cursor:
        rows = cursor.execute(_THEN if at else _NOW, parameters).fetchall()
    found: dict[int | str, AccountState] = {}
    for row in rows:
        state = _state(connection, row, at, day, closing)
        found[row.account] = state
        if row.reference is not None:
            found[row.reference] = state
    return [found.get(name) for name in names]


def _state(connection: AnyConnection, row: _Row, at: datetime | None, day: date, closing: _Closing) -> AccountState:
    unpaid = _Unpaid(row.due_on, row.since) if row.ripe else _Unpaid(None, None)
    if row.balance < 0 and not row.ripe:
        unpaid = _unpaid_then(connection, row.account, at, day, closing)
    overdue = unpaid.due_on is not None and unpaid.due_on < day
    if closing.rules == OLD and unpaid.since is not None:
        period = row.period_days if row.in_force is not None else 0
        overdue = period is not None and (day - unpaid.since).days > period
    own = row.balance - row.held
    limit = row.credit_limit if row.in_force else None
    available = max(0, own) if limit is None or overdue else max(0, own + limit)
    return AccountState(
        account=row.account,
        reference=row.reference,
        currency=row.currency,
        balance=row.balance,
        held=row.held,
        credit_limit=limit,
        available=available if row.status == "open" else 0,
        unpaid_since=unpaid.since,
        overdue=overdue,
        version=row.version,
    )


OLD = 1
"""The rules of the days that were closed before there were due dates."""


def _closing(connection: AnyConnection, day: date) -> _Closing | None:
    query = "SELECT closed_at, rules FROM closing WHERE closed_until >= %s ORDER BY closed_until LIMIT 1"
    with connection.cursor(row_factory=class_row(_Closing)) as cursor:
        return cursor.execute(query, [day]).fetchone()


def _unpaid_then(connection: AnyConnection, account: int, at: datetime | None, day: date, closing: _Closing) -> _Unpaid:
    """Return since when, and by when at the earliest, what an account below zero owed was to be paid."""
    moment = {"account": account, "at": at, "day": day, "known_at": closing.closed_at, "old": closing.rules == OLD}
    with connection.cursor(row_factory=class_row(_Unpaid)) as cursor:
        found = cursor.execute(_UNPAID_THEN, moment).fetchone()
    assert found is not None
    return found


_NAMED = """
WITH named AS (
    SELECT id, reference, currency, status FROM account WHERE id = ANY(%(numbers)s) AND party_id IS NOT NULL
    UNION
    SELECT id, reference, currency, status FROM account WHERE reference = ANY(%(references)s) AND party_id IS NOT NULL
)
"""

# The terms in force on the day or, if none is, the last recorded that had begun; what holds that ran out still hold.
_TERMS_AND_HOLDS = """
LEFT JOIN LATERAL (
    SELECT credit_limit, period_days, coalesce(valid_until, 'infinity') >= %(day)s AS in_force FROM credit_terms c
    WHERE c.account_id = a.id AND valid_from <= %(day)s
      AND recorded_at <= coalesce(%(closed_at)s, 'infinity'::timestamptz)
    ORDER BY in_force DESC, id DESC LIMIT 1
) c ON true
CROSS JOIN LATERAL (
    SELECT coalesce(sum(p.held), 0)::bigint AS held FROM hold_part p JOIN hold h ON h.transaction_id = p.hold_id
    JOIN transaction t ON t.id = h.transaction_id
    WHERE p.source_id = a.id AND p.held > 0 AND h.state = 'open' AND h.expires_at <= %(at)s AND t.posted_at <= %(at)s
) ran_out
"""

# The first business date of what is unpaid: the first one of each due date from the open place on, found by skipping
# from one due date to the next.
_FIRST_UNPAID = """
LEFT JOIN LATERAL (
    WITH RECURSIVE due AS (
        SELECT b.open_due AS due_on, b.open_day AS business_date
        UNION ALL
        SELECT n.due_on, n.business_date FROM due CROSS JOIN LATERAL (
            SELECT i.due_on, i.business_date FROM aging_item i
            WHERE i.account_id = b.account_id AND i.due_on > due.due_on AND i.amount > 0
            ORDER BY i.due_on, i.business_date, i.transaction_id LIMIT 1
        ) n
    ) SELECT min(business_date) AS since FROM due
) unpaid ON b.balance < 0 AND b.open_item <> 0
"""

_NOW = f"""
{_NAMED}
SELECT a.id AS account, a.reference, a.currency, a.status, coalesce(b.balance, 0) AS balance,
    coalesce(b.held, 0) - ran_out.held AS held, coalesce(b.version, 0) AS version,
    c.credit_limit, c.period_days, c.in_force, nullif(b.open_due, '9999-12-31') AS due_on, unpaid.since,
    coalesce(b.balance < 0 AND b.ripens_on > %(day)s, false) AS ripe
FROM named a LEFT JOIN balance b ON b.account_id = a.id
{_TERMS_AND_HOLDS}
{_FIRST_UNPAID}
"""

# Where what was unpaid began, if that is known and cannot have become another by the moment: by terms recorded since
# for items that had no due date, on the day on which items got theirs, by a merge. Nor may one due later be older.
_PLACE_THEN = """
LEFT JOIN LATERAL (
    SELECT p.* FROM unpaid_place p WHERE p.account_id = a.id AND p.version <= last.version AND e.balance_after < 0
    ORDER BY p.version DESC LIMIT 1
) place ON NOT %(old)s AND place.ripens_on > %(day)s
    AND NOT EXISTS (SELECT FROM merged_account m WHERE m.account_id = a.id)
    AND NOT EXISTS (
        SELECT FROM merged_account m WHERE m.into_id = a.id AND m.transaction_id > place.transaction_id)
    AND (place.latest_due < '9999-12-31' OR NOT EXISTS (
        SELECT FROM credit_terms later JOIN transaction t ON t.id = place.transaction_id
        WHERE later.account_id = a.id AND later.recorded_at > t.recorded_at
          AND later.recorded_at <= coalesce(%(closed_at)s, 'infinity'::timestamptz)))
    AND NOT EXISTS (
        WITH RECURSIVE due AS (
            SELECT place.open_due AS due_on, place.open_day AS business_date
            UNION ALL
            SELECT n.due_on, n.business_date FROM due CROSS JOIN LATERAL (
                SELECT i.due_on, i.business_date FROM aging_item i
                WHERE i.account_id = a.id AND i.due_on > due.due_on AND i.due_on <= place.latest_due
                ORDER BY i.due_on, i.business_date, i.transaction_id LIMIT 1
            ) n
        ) SELECT FROM due WHERE business_date < place.open_day)
"""

# An account's entries are posted in the order of their versions. Accounts are opened open. Where nothing was posted
# since, and no terms were recorded, what is unpaid is on the balance row.
_THEN = f"""
{_NAMED}
SELECT a.id AS account, a.reference, a.currency, coalesce(changed.status, 'open') AS status,
    coalesce(e.balance_after, 0) AS balance, coalesce(e.held_after, 0) - ran_out.held AS held, last.version,
    c.credit_limit, c.period_days, c.in_force,
    CASE WHEN place.account_id IS NOT NULL THEN nullif(place.open_due, '9999-12-31')
        ELSE nullif(b.open_due, '9999-12-31') END AS due_on,
    CASE WHEN place.account_id IS NOT NULL THEN nullif(place.open_day, '9999-12-31') ELSE unpaid.since END AS since,
    place.account_id IS NOT NULL OR coalesce(
        b.balance < 0 AND b.version = last.version AND b.ripens_on > %(day)s AND %(open)s AND NOT EXISTS (
            SELECT FROM credit_terms later WHERE later.account_id = a.id AND later.recorded_at > %(at)s
        ), false) AS ripe
FROM named a LEFT JOIN balance b ON b.account_id = a.id
CROSS JOIN LATERAL (
    WITH RECURSIVE search AS (
        SELECT 0::bigint AS low, coalesce(b.version, 0) + 1 AS high
        UNION ALL
        SELECT CASE WHEN t.posted_at <= %(at)s THEN m.version ELSE low END,
            CASE WHEN t.posted_at <= %(at)s THEN high ELSE m.version END
        FROM search CROSS JOIN LATERAL (
            SELECT e.version, e.transaction_id FROM entry e
            WHERE e.account_id = a.id AND e.version = (low + high) / 2 AND e.version IS NOT NULL
        ) m JOIN transaction t ON t.id = m.transaction_id
        WHERE high - low > 1
    ) SELECT max(low) AS version FROM search
) last
LEFT JOIN entry e ON e.account_id = a.id AND e.version = last.version AND e.version IS NOT NULL
{_TERMS_AND_HOLDS}
{_FIRST_UNPAID}
{_PLACE_THEN}
LEFT JOIN LATERAL (
    SELECT after ->> 'status' AS status FROM change
    WHERE kind = 'account_status' AND subject = coalesce(a.reference, a.id::text) AND account_id = a.id
      AND recorded_at <= %(known_at)s
    ORDER BY id DESC LIMIT 1
) changed ON true
"""

# What the account owed, and those merged into it by then, lies on the last of their items as they were then: net of
# what had been refunded or reversed, due as far as the terms they wait for were valid and, on a closed day, known.
# Days closed by the old rules have reversals among the items, all in order of entry.
_UNPAID_THEN = """
WITH its AS (
    SELECT a.id, coalesce((
        SELECT into_id FROM merged_account m WHERE m.account_id = a.id ORDER BY transaction_id DESC LIMIT 1
    ), a.id) AS keeper
    FROM account a WHERE a.id = %(account)s OR a.id IN (
        SELECT m.account_id FROM merged_account m JOIN transaction t ON t.id = m.transaction_id
        WHERE m.into_id = %(account)s AND t.posted_at <= coalesce(%(at)s, 'infinity'::timestamptz)
    )
), moved AS (
    SELECT t.id, t.kind, t.refers_to, t.business_date, sum(e.amount) AS amount, max(its.keeper) AS keeper
    FROM its JOIN entry e ON e.account_id = its.id JOIN transaction t ON t.id = e.transaction_id
    WHERE e.version IS NOT NULL AND e.amount <> 0 AND t.kind <> 'merge'
      AND t.posted_at <= coalesce(%(at)s, 'infinity'::timestamptz)
    GROUP BY t.id
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
         LEFT JOIN aging_item i ON i.transaction_id = m.id AND i.account_id = m.keeper
         LEFT JOIN credit_terms c ON c.id = i.terms_id
    WHERE m.amount < 0 AND (%(old)s OR i.transaction_id IS NOT NULL)
), placed AS (
    SELECT item.*, sum(amount) OVER (
        ORDER BY due_on DESC NULLS FIRST, business_date DESC, id DESC) - amount AS later FROM item
)
SELECT min(due_on) AS due_on, min(business_date) AS since FROM placed
WHERE amount > 0 AND later < (SELECT -sum(amount) FROM moved)
"""
