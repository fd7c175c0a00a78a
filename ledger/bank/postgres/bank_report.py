"""The bank beside the ledger: balances and turnovers as the bank reported them, and what became of each in the ledger.

By day and account at the bank. `difference` is money in less what was matched, waits and came back; `gap` is the
closing balance that the bank reported less that which follows from its first opening balance and every entry since.
Both are 0.00 unless a payment was not posted, two entries counted as one, or a statement was not imported.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from itertools import accumulate
from typing import Any, TypedDict

from psycopg import Connection

from ledger.bank.core.statement import ZERO, normal
from ledger.postgres.desk_queries import typed_rows
from ledger.values.money import decimal


@dataclass(frozen=True, kw_only=True)
class BankDay:
    """A day of an account at the bank. Balances are None before the first that the bank reported."""

    bank_account: str
    brand: str
    currency: str
    day: date
    opening: Decimal | None
    money_in: Decimal
    money_out: Decimal
    closing: Decimal | None
    reported: Decimal | None
    continued: bool
    matched: Decimal
    waiting: Decimal
    returned: Decimal
    taken_back: Decimal

    @property
    def difference(self) -> Decimal:
        """Return what came in and is neither matched, nor waiting, nor money that came back."""
        return self.money_in - self.matched - self.waiting - self.returned

    @property
    def gap(self) -> Decimal | None:
        """Return how the closing balance that the bank reported differs from that of its entries.

        None where there is none to compare: also of a statement that another one continued within the day.
        """
        if self.reported is None or self.closing is None:
            return None
        return None if self.continued and self.reported != self.closing else self.reported - self.closing


FIGURES = """
    opening money_in money_out closing reported matched waiting returned taken_back difference gap
""".split()

# A payment without an account waits, less what the desk allocated of it.
_DAYS = """
    SELECT b.bank_account, r.code, b.currency, b.booked_on,
        sum(b.amount) FILTER (WHERE b.amount > 0), -sum(b.amount) FILTER (WHERE b.amount < 0),
        sum(CASE WHEN t.kind = 'move' THEN b.amount WHEN t.account_id IS NULL THEN coalesce(done.amount, 0)
                 ELSE t.amount END)
            FILTER (WHERE b.amount > 0 AND NOT b.reversal),
        sum(t.amount - coalesce(done.amount, 0))
            FILTER (WHERE b.amount > 0 AND NOT b.reversal AND t.account_id IS NULL AND t.kind = 'payment'),
        sum(b.amount) FILTER (WHERE b.amount > 0 AND b.reversal),
        -sum(b.amount) FILTER (WHERE b.amount < 0 AND b.reversal)
    FROM bank_entry b JOIN brand r ON r.id = b.brand_id
    LEFT JOIN transaction t ON t.key = b.key AND t.status = 'posted' AND t.kind IN ('payment', 'move')
    LEFT JOIN LATERAL (
        SELECT sum(a.amount) AS amount FROM transaction a
        WHERE t.account_id IS NULL AND a.refers_to = t.id AND a.kind = 'allocate' AND a.status = 'posted'
    ) done ON true
    WHERE b.bank_account <> '' GROUP BY 1, 2, 3, 4 ORDER BY 1, 3, 4
"""
_STATEMENTS = """
    SELECT s.bank_account, r.code, s.currency, s.since, s.until, s.opening, s.closing, min(b.booked_on),
        max(b.booked_on), s.id
    FROM bank_statement s JOIN brand r ON r.id = s.brand_id LEFT JOIN bank_entry b ON b.statement_id = s.id
    WHERE NOT s.interim AND s.closing IS NOT NULL AND s.opening IS NOT NULL
    GROUP BY s.id, r.code ORDER BY s.money_in + s.money_out, s.id
"""
_Key = tuple[str, str, str]


@dataclass
class _Account:
    days: dict[date, list[Decimal]] = field(default_factory=dict)
    reported: dict[date, tuple[Decimal, int]] = field(default_factory=dict)
    openings: list[tuple[date, Decimal, int]] = field(default_factory=list)

    def continued(self, day: date) -> bool:
        """Return whether another statement begins on a day, or before it, with what the day's statement left."""
        closing, of = self.reported.get(day, (None, 0))
        return any(since <= day and opening == closing and id_ != of for since, opening, id_ in self.openings)


def bank_days(
    connection: Connection[Any], *, account: str | None = None, since: date | None = None, until: date | None = None
) -> list[BankDay]:
    """Return a row for each day on which an account at the bank moved or was reported, by account and day.

    `since` and `until` are both included; balances follow from all days, whatever is shown.
    """
    wanted = normal(account) if account else None
    return [
        day
        for key, each in sorted(_accounts(connection).items())
        if wanted in (None, key[0])
        for day in _days(key, each)
        if (since is None or day.day >= since) and (until is None or day.day <= until)
    ]


def _accounts(connection: Connection[Any]) -> dict[_Key, _Account]:
    accounts: dict[_Key, _Account] = defaultdict(_Account)
    for bank_account, brand, currency, day, *figures in connection.execute(_DAYS):
        accounts[bank_account, brand, currency].days[day] = [decimal(int(figure or 0)) for figure in figures]
    for *key, since, until, opening, closing, first, last, id_ in connection.execute(_STATEMENTS):
        each = accounts[key[0], key[1], key[2]]
        begun, ended = first or until or since, until or since or last
        if begun is None or ended is None:
            continue  # of no day that anybody reported
        each.openings.append((begun, decimal(opening), id_))
        # Of several statements of a day, the one of the largest turnover is the whole day's: it comes last.
        each.reported[ended] = (decimal(closing), id_)
    return accounts


def _days(key: _Key, account: _Account) -> Iterator[BankDay]:
    days = sorted(account.days.keys() | account.reported.keys())
    figures = {day: account.days.get(day, [ZERO] * 6) for day in days}
    start, balance, _ = min(account.openings, default=(date.max, ZERO, 0))
    moved = [figures[day][0] - figures[day][1] if day >= start else ZERO for day in days]
    closings = [*accumulate(moved, initial=balance)][1:]
    for day, closing, move in zip(days, closings, moved, strict=True):
        came, went, matched, waiting, returned, taken_back = figures[day]
        anchored = day >= start
        yield BankDay(
            bank_account=key[0],
            brand=key[1],
            currency=key[2],
            day=day,
            money_in=came,
            money_out=went,
            opening=closing - move if anchored else None,
            closing=closing if anchored else None,
            reported=account.reported.get(day, (None, 0))[0],
            continued=account.continued(day),
            matched=matched,
            waiting=waiting,
            returned=returned,
            taken_back=taken_back,
        )


class CameBack(TypedDict):
    """An entry by which a payment or payout came back, which nothing has undone yet; amounts in minor units.

    `transaction` is that payment or payout, where the entry names it.
    """

    booked_on: date
    bank_account: str
    brand: str
    currency: str
    amount: int
    name: str
    reason: str
    transaction: int | None


def came_back(connection: Connection[Any]) -> list[CameBack]:
    """Return what came back and was not undone, the largest first."""
    return typed_rows(connection, CameBack, _CAME_BACK)


_CAME_BACK = """
    SELECT b.booked_on, b.bank_account, r.code AS brand, b.currency, abs(b.amount) AS amount, b.name, b.reason,
        (SELECT t.id FROM transaction t WHERE t.key IN (nullif(b.end_to_end, ''), nullif(b.reference, ''))
            AND t.kind IN ('payment', 'payout') AND t.status = 'posted' LIMIT 1) AS transaction
    FROM bank_entry b JOIN brand r ON r.id = b.brand_id
    WHERE b.reversal AND NOT EXISTS (SELECT FROM transaction t WHERE t.key = b.key AND t.status = 'posted')
    ORDER BY abs(b.amount) DESC, b.id
"""


class LastImport(TypedDict):
    """Up to which day statements of an account at the bank were imported, who imported the last of them and when."""

    bank_account: str
    brand: str
    until: date
    imported_at: datetime
    by: str | None


def last_imports(connection: Connection[Any]) -> list[LastImport]:
    """Return a row for each account at the bank of which whole statements were imported, by account and brand."""
    return typed_rows(connection, LastImport, _LAST_IMPORTS)


# A statement that names no days reaches to its last entry.
_LAST_IMPORTS = """
    SELECT DISTINCT ON (s.bank_account, r.code) s.bank_account, r.code AS brand, s.imported_at, s."by",
        coalesce(s.until, s.since, entries.last_day) AS until
    FROM bank_statement s JOIN brand r ON r.id = s.brand_id
    LEFT JOIN LATERAL (SELECT max(booked_on) AS last_day FROM bank_entry WHERE statement_id = s.id) entries ON true
    WHERE NOT s.interim AND coalesce(s.until, s.since, entries.last_day) IS NOT NULL
    ORDER BY s.bank_account, r.code, until DESC, s.imported_at DESC
"""
