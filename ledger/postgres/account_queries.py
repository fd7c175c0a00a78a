"""Questions that the write side answers about an account: balance, history, limits. They take no locks.

Time counts, not jobs: a hold that ran out holds nothing from its moment, booked or not.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from psycopg.rows import class_row

from ledger.core.book import window
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

    `overdue` goes by the period of the terms in force, else of the last recorded that began; without any a debt is due
    at once.
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
    """A write-off limit and what is used of it now. Amounts in minor units; no `account`: whoever draws."""

    payer: int
    account: int | None
    period: str
    since: date | None
    amount: int | None
    used: int
    count: int | None
    used_count: int

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


def balance(connection: AnyConnection, asked: int | str, *, at: datetime | None = None) -> AccountState:
    """Return how the account stood at `at` (default: now, by the database's clock).

    Raises Failure for an unknown account or a time in the future.
    """
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        now, zone = _clock(connection)
        if at is not None and at > now:
            raise Failure(f"{shown(at)} is in the future; it is {shown(now)}")
        account = find(connection, asked)
        at = at or now
        day = at.astimezone(zone).date()
        entry = _first(connection, _LastEntry, _LAST_ENTRY, [account.id, at]) or _LastEntry(0, 0, 0)
        held = entry.held - _ran_out(connection, account.id, at, entry.version)
        terms = _terms_on(connection, account.id, day, at)
        unpaid_since = _unpaid_since(connection, account.id, at) if entry.balance < 0 else None
        period = terms.period_days if terms else 0
        overdue = unpaid_since is not None and period is not None and (day - unpaid_since).days > period
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
            available=available if account.status == "open" else 0,
            unpaid_since=unpaid_since,
            overdue=overdue,
            version=entry.version,
        )


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


def _terms_on(connection: AnyConnection, account: int, day: date, at: datetime) -> _Terms | None:
    """Return the terms in force on the day or, if none is, the last recorded that had begun: debts stay due."""
    return _first(
        connection,
        _Terms,
        "SELECT credit_limit, period_days, coalesce(valid_until, 'infinity') >= %s AS in_force FROM credit_terms "
        "WHERE account_id = %s AND valid_from <= %s AND recorded_at <= %s ORDER BY in_force DESC, id DESC LIMIT 1",
        # Terms recorded after a past moment were not known then; what is booked early today is judged by today's.
        [day, account, day, max(at, _first_recorded(connection, account, at))],
    )


def _first_recorded(connection: AnyConnection, account: int, at: datetime) -> datetime:
    first = "SELECT min(recorded_at) FROM credit_terms WHERE account_id = %s"
    row = connection.execute(first, [account]).fetchone()
    return row[0] if row and row[0] else at


def _unpaid_since(connection: AnyConnection, account: int, at: datetime) -> date | None:
    """Return the business date of the oldest debit unpaid at `at`, replayed from the entries since the last time
    that the account owed nothing."""
    rows = connection.execute(
        """
        SELECT t.id, t.kind, t.refers_to, t.business_date, e.amount, e.balance_after
        FROM entry e JOIN transaction t ON t.id = e.transaction_id
        WHERE e.account_id = %(account)s AND t.posted_at <= %(at)s AND e.amount <> 0 AND e.version > coalesce((
            SELECT max(z.version) FROM entry z JOIN transaction zt ON zt.id = z.transaction_id
            WHERE z.account_id = %(account)s AND zt.posted_at <= %(at)s AND z.balance_after >= 0
        ), 0) ORDER BY e.version
        """,
        {"account": account, "at": at},
    )
    days: dict[int, date] = {}
    unpaid: dict[int, int] = {}
    for id_, kind, refers_to, day, amount, after in rows:
        if amount < 0:
            days[id_], unpaid[id_] = day, min(-amount, -after)
            continue
        first = [refers_to] if kind == "refund" and refers_to in unpaid else []
        for debit in [*first, *unpaid]:
            if debit in unpaid:
                paid = min(amount, unpaid[debit])
                amount -= paid
                unpaid[debit] -= paid
                if not unpaid[debit]:
                    del unpaid[debit]
            if not amount or not unpaid:
                break
    return next((days[debit] for debit in unpaid), None)


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
SELECT l.payer_id, l.account_id, l.period, l.amount, l.count FROM write_off_limit l
WHERE l.payer_id = %(account)s OR l.account_id = %(account)s
OR (l.account_id = l.payer_id AND l.payer_id IN (SELECT payer_id FROM link WHERE account_id = %(account)s))
ORDER BY l.payer_id, l.account_id = l.payer_id, l.account_id,
    array_position(ARRAY['order', 'day', 'week', 'month', 'total'], l.period)
"""
_USAGE = "SELECT amount, count FROM usage WHERE payer_id = %s AND account_id = %s AND period = %s AND since = %s"
_HOLDS_RUN_OUT = """
SELECT t.business_date, sum(p.held)::bigint, sum(p.held + coalesce(p.captured, 0) - p.refunded)::bigint
FROM hold_part p JOIN hold h ON h.transaction_id = p.hold_id JOIN transaction t ON t.id = h.transaction_id
WHERE p.source_id = %(payer)s AND h.state = 'open' AND h.expires_at <= %(now)s
AND (%(payer)s = %(account)s OR h.account_id = %(account)s)
GROUP BY h.transaction_id, t.business_date HAVING sum(p.held) > 0
"""


def _limit(
    connection: AnyConnection,
    now: datetime,
    day: date,
    payer: int,
    account: int,
    period: str,
    amount: int | None,
    count: int | None,
) -> LimitState:
    since = window(period, day)
    row = connection.execute(_USAGE, [payer, account, period, since]).fetchone()
    used, used_count = row or (0, 0)
    for held_on, held, drawn in connection.execute(_HOLDS_RUN_OUT, {"payer": payer, "account": account, "now": now}):
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


def _first(connection: AnyConnection, row: type[Row], query: str, parameters: Sequence[object]) -> Row | None:
    with connection.cursor(row_factory=class_row(row)) as cursor:
        return cursor.execute(query, parameters).fetchone()
