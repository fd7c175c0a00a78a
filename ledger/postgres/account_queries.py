"""Questions that the write side answers: balance, history, limits. They take no locks.

Time counts, not jobs: a hold that ran out holds nothing from its moment, booked or not.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from psycopg import Connection
from psycopg.rows import dict_row

from ledger.core.book import window
from ledger.core.field_types import AccountRef
from ledger.core.money import plain
from ledger.core.outcomes import shown
from ledger.errors import Failure

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
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

    def to_json(self) -> Row:
        """Return it as callers read it, amounts as strings."""
        return {
            "account": self.account,
            "reference": self.reference,
            "currency": self.currency,
            "balance": plain(self.balance),
            "held": plain(self.held),
            "credit_limit": None if self.credit_limit is None else plain(self.credit_limit),
            "available": plain(self.available),
            "unpaid_since": self.unpaid_since.isoformat() if self.unpaid_since else None,
            "overdue": self.overdue,
            "version": self.version,
        }


def balance(connection: Connection[Any], asked: AccountRef, *, at: datetime | None = None) -> Standing:
    """Return how the account stood at `at` (default: now, by the database's clock).

    Raises Failure for an unknown account or a time in the future.
    """
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        now, zone = _book(connection)
        if at is not None and at > now:
            raise Failure(f"{shown(at)} is in the future; it is {shown(now)}")
        account = find(connection, asked)
        at = at or now
        day = at.astimezone(zone).date()
        entry = _row(
            connection,
            "SELECT e.balance_after, e.held_after, e.version FROM entry e "
            "JOIN transaction t ON t.id = e.transaction_id WHERE e.account_id = %s AND e.version IS NOT NULL "
            "AND t.posted_at <= %s ORDER BY e.version DESC LIMIT 1",
            [account["id"], at],
        ) or {"balance_after": 0, "held_after": 0, "version": 0}
        money = int(entry["balance_after"])
        held = int(entry["held_after"]) - _ran_out(connection, account["id"], at, entry["version"])
        terms = _terms_on(connection, account["id"], day, at)
        unpaid_since = _unpaid_since(connection, account["id"], at) if money < 0 else None
        period = terms["period_days"] if terms else 0
        overdue = unpaid_since is not None and period is not None and (day - unpaid_since).days > period
        own = money - held
        limit = int(terms["credit_limit"]) if terms and terms["in_force"] else None
        available = max(0, own) if limit is None or overdue else max(0, own + limit)
        return Standing(
            account=account["id"], reference=account["reference"], currency=account["currency"], balance=money,
            held=held, credit_limit=limit, available=available if account["status"] == "open" else 0,
            unpaid_since=unpaid_since, overdue=overdue, version=entry["version"],
        )  # fmt: skip


def _ran_out(connection: Connection[Any], account: int, at: datetime, version: int) -> int:
    """Return what the entry of `version` still counts as held by holds that ran out by `at`."""
    row = _row(
        connection,
        """
        SELECT coalesce(sum(e.held), 0)::bigint AS held FROM entry e JOIN transaction t ON t.id = e.transaction_id
        JOIN transaction h ON h.id = CASE t.kind WHEN 'hold' THEN t.id ELSE t.refers_to END
        WHERE e.account_id = %s AND e.version <= %s AND e.held <> 0 AND h.kind = 'hold' AND h.expires_at <= %s
        """,
        [account, version, at],
    )
    assert row is not None
    return int(row["held"])


def _terms_on(connection: Connection[Any], account: int, day: date, at: datetime) -> Row | None:
    """Return the terms in force on the day or, if none is, the last recorded that had begun: debts stay due."""
    return _row(
        connection,
        "SELECT credit_limit, period_days, coalesce(valid_until, 'infinity') >= %s AS in_force FROM credit_terms "
        "WHERE account_id = %s AND valid_from <= %s AND recorded_at <= %s ORDER BY in_force DESC, id DESC LIMIT 1",
        # Terms recorded after a past moment were not known then; what is booked early today is judged by today's.
        [day, account, day, max(at, _first_recorded(connection, account, at))],
    )


def _first_recorded(connection: Connection[Any], account: int, at: datetime) -> datetime:
    row = _row(connection, "SELECT min(recorded_at) AS first FROM credit_terms WHERE account_id = %s", [account])
    return row["first"] if row and row["first"] else at


def _unpaid_since(connection: Connection[Any], account: int, at: datetime) -> date | None:
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
    debits: dict[int, list[Any]] = {}
    for id_, kind, refers_to, day, amount, after in rows:
        if amount < 0:
            debits[id_] = [day, min(-amount, -after)]
            continue
        first = [refers_to] if kind == "refund" and refers_to in debits else []
        for debit in [*first, *debits]:
            if debit in debits:
                paid = min(amount, debits[debit][1])
                amount -= paid
                debits[debit][1] -= paid
                if not debits[debit][1]:
                    del debits[debit]
            if not amount or not debits:
                break
    return next((day for day, _ in debits.values()), None)


def history(
    connection: Connection[Any], asked: AccountRef, *, since: datetime | None = None, until: datetime | None = None
) -> Iterator[Row]:
    """Yield an account's entries in order, page by page: version, posted_at, transaction, key, kind, amount, held,
    balance. Raises Failure for an unknown account."""
    account = find(connection, asked)
    version = 0
    while True:
        rows = connection.execute(
            """
            SELECT e.version, t.posted_at, t.id, t.key, t.kind, e.amount, e.held, e.balance_after
            FROM entry e JOIN transaction t ON t.id = e.transaction_id
            WHERE e.account_id = %s AND e.version > %s AND t.posted_at >= coalesce(%s, '-infinity'::timestamptz)
            AND t.posted_at < coalesce(%s, 'infinity'::timestamptz) ORDER BY e.version LIMIT 1000
            """,
            [account["id"], version, since, until],
        ).fetchall()
        for version, posted_at, id_, key, kind, amount, held, after in rows:
            yield {
                "version": version, "posted_at": shown(posted_at.astimezone(UTC)), "transaction": id_, "key": key,
                "kind": kind, "amount": plain(amount), "held": plain(held), "balance": plain(after),
            }  # fmt: skip
        if len(rows) < 1000:
            return


def limits(connection: Connection[Any], asked: AccountRef) -> list[Row]:
    """Return the write-off limits that draws for the account (or from it, by anyone) must keep, and what is left now.

    One row a limit: payer, account (None: anyone), period, since, amount, used, left, count, used_count, left_count.
    """
    account = find(connection, asked)
    now, zone = _book(connection)
    day = now.astimezone(zone).date()
    rows = connection.execute(
        """
        SELECT l.payer_id, l.account_id, l.period, l.amount, l.count FROM write_off_limit l
        WHERE l.payer_id = %(account)s OR l.account_id = %(account)s
        OR (l.account_id = l.payer_id AND l.payer_id IN (SELECT payer_id FROM link WHERE account_id = %(account)s))
        ORDER BY l.payer_id, l.account_id = l.payer_id, l.account_id,
            array_position(ARRAY['order', 'day', 'week', 'month', 'total'], l.period)
        """,
        {"account": account["id"]},
    ).fetchall()
    return [_left(connection, now, day, *row) for row in rows]


def _left(
    connection: Connection[Any], now: datetime, day: date, payer: int, account: int, period: str, amount: int | None,
    count: int | None,
) -> Row:  # fmt: skip
    since = window(period, day)
    used = _row(
        connection,
        "SELECT amount, count FROM usage WHERE payer_id = %s AND account_id = %s AND period = %s AND since = %s",
        [payer, account, period, since],
    ) or {"amount": 0, "count": 0}
    for id_day, held, drawn in connection.execute(
        "SELECT t.business_date, sum(p.held), sum(p.held + coalesce(p.captured, 0) - p.refunded) FROM hold_part p "
        "JOIN hold h ON h.transaction_id = p.hold_id JOIN transaction t ON t.id = h.transaction_id "
        "WHERE p.source_id = %(payer)s AND h.state = 'open' AND h.expires_at <= %(now)s "
        "AND (%(payer)s = %(account)s OR h.account_id = %(account)s) "
        "GROUP BY h.transaction_id, t.business_date HAVING sum(p.held) > 0",
        {"payer": payer, "account": account, "now": now},
    ):
        if window(period, id_day) == since and period != "order":
            used = {"amount": used["amount"] - held, "count": used["count"] - (held == drawn)}
    return {
        "payer": payer,
        "account": None if account == payer else account,
        "period": period,
        "since": None if period in ("order", "total") else since.isoformat(),
        "amount": None if amount is None else plain(amount),
        "used": plain(int(used["amount"])),
        "left": None if amount is None else plain(max(0, amount - int(used["amount"]))),
        "count": count,
        "used_count": int(used["count"]),
        "left_count": None if count is None else max(0, count - int(used["count"])),
    }


def find(connection: Connection[Any], asked: AccountRef) -> Row:
    """Return id, reference, currency, status of a client's account, named by number or reference, or raise Failure."""
    by = "reference" if isinstance(asked, str) else "id"
    row = _row(
        connection,
        f"SELECT id, reference, currency, status FROM account WHERE {by} = %s AND party_id IS NOT NULL",
        [asked],
    )
    if row is None:
        raise Failure(f"no such account: {by.replace('id', 'number')} {asked}")
    return row


def _book(connection: Connection[Any]) -> tuple[datetime, ZoneInfo]:
    row = connection.execute("SELECT clock_timestamp(), time_zone FROM book").fetchone()
    if row is None:
        raise Failure("there is no book yet: run tiffin init")
    return row[0].astimezone(UTC), ZoneInfo(row[1])


def _row(connection: Connection[Any], query: str, parameters: list[Any]) -> Row | None:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, parameters).fetchone()
