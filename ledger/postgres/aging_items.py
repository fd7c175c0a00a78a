"""The aging items of accounts in PostgreSQL, fetched as far as they are needed.

Their order is that of an index, and the balance row marks where the unpaid part begins: what a
batch reads follows what it settles or opens again, however many items an account has.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from ledger.core.aging import AgingItem, Fetch, Key, due_date
from ledger.core.book import Book
from ledger.postgres.bulk_sql import array_of
from ledger.postgres.database import AnyConnection
from ledger.postgres.wire import exchange

_ITEM = (
    "SELECT i.account_id, i.transaction_id, i.business_date, i.due_on, i.amount, t.valid_from, t.period_days "
    "FROM aging_item i LEFT JOIN credit_terms t ON t.id = i.terms_id AND i.due_on = '9999-12-31' "
)
_COLUMNS = "i.due_on, i.business_date, i.transaction_id"
_PLACE = f"({_COLUMNS})"
_FETCHED = {
    "later": f"{_ITEM} WHERE i.account_id = %s AND {_PLACE} >= (%s, %s, %s) ORDER BY {_COLUMNS} LIMIT %s",
    "earlier": f"{_ITEM} WHERE i.account_id = %s AND {_PLACE} < (%s, %s, %s) "
    "ORDER BY i.due_on DESC, i.business_date DESC, i.transaction_id DESC LIMIT %s",
    "one": f"{_ITEM} WHERE i.account_id = %s AND i.transaction_id = %s",
    "ripening": f"{_ITEM} WHERE i.account_id = %s AND i.due_on = '9999-12-31' AND i.terms_id IS NOT NULL",
    "undated": f"{_ITEM} WHERE i.account_id = %s AND i.due_on = '9999-12-31' AND i.terms_id IS NULL",
}


def items_in(connection: AnyConnection) -> Fetch:
    """Return what fetches aging items of the accounts of a book."""

    def fetch(account: int, which: str, key: Key, most: int) -> list[AgingItem]:
        bounds = {"one": [key[2]], "ripening": [], "undated": []}.get(which, [*key, most])
        [rows] = exchange(connection, (_FETCHED[which], [account, *bounds]))
        return [_item(row) for row in rows]

    return fetch


def _item(row: Sequence[Any]) -> AgingItem:
    _, transaction, day, due_on, amount, valid_from, period_days = row
    if valid_from is None:
        return AgingItem(transaction, day, due_on, amount)
    return AgingItem(transaction, day, due_on, amount, valid_from, due_date(day, period_days))


# Walks an account's items from the first open one until they sum to more than the credits: each row it reads but
# the last is paid off, so a company with 30,000 open debits costs no more than one with two.
_WALK = f"""
WITH RECURSIVE walk AS (
    SELECT b.account_id, c.credit, d.*, b.open_unpaid AS running
    FROM unnest(%s::bigint[], %s::bigint[]) AS c(account_id, credit) JOIN balance b USING (account_id),
    LATERAL (
        SELECT i.transaction_id, i.business_date, i.due_on, i.amount FROM aging_item i
        WHERE i.account_id = b.account_id AND {_PLACE} >= (b.open_due, b.open_day, b.open_item)
        ORDER BY {_COLUMNS} LIMIT 1
    ) d
    UNION ALL
    SELECT w.account_id, w.credit, d.*, w.running + d.amount
    FROM walk w, LATERAL (
        SELECT i.transaction_id, i.business_date, i.due_on, i.amount FROM aging_item i
        WHERE i.account_id = w.account_id AND {_PLACE} > (w.due_on, w.business_date, w.transaction_id)
        ORDER BY {_COLUMNS} LIMIT 1
    ) d WHERE w.running <= w.credit
) SELECT account_id, transaction_id, business_date, due_on, amount, NULL, NULL FROM walk
ORDER BY account_id, due_on, business_date, transaction_id
"""


def load_items(connection: AnyConnection, book: Book, credited: dict[int, int]) -> None:
    """Load, in one go, the open items that credits of these amounts can settle, by account."""
    owing = {a: credit for a, credit in credited.items() if a in book.balances and book.balances[a].balance < 0}
    owing = {account: credit for account, credit in owing.items() if book.aging(account).untouched}
    if owing:
        [rows] = exchange(connection, (_WALK, [array_of(owing), array_of(owing.values())]))
        for account, group in groupby(rows, key=lambda row: row[0]):
            book.aging(account).walked([_item(row) for row in group])
