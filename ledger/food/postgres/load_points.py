"""Load the lots of bonus accounts, and let them follow what moved these without us."""

from ledger.core.book import Book
from ledger.core.outcomes import Entry
from ledger.food.core.bonuses import EXPIRED, Lot, Points
from ledger.food.core.shop import Shop
from ledger.postgres.database import AnyConnection
from ledger.postgres.wire import exchange


def load_points(connection: AnyConnection, book: Book, shop: Shop, *, everything: bool = False) -> None:
    """Load the lots of the book's bonus accounts, and let them follow what moved these without us."""
    accounts = [account.id for account in book.accounts.values() if account.kind == "bonus"]
    if not accounts:
        return
    versions, owed, missed = exchange(
        connection,
        ("SELECT account_id, version FROM bonus_points WHERE account_id = ANY(%s)", [accounts]),
        (_OWED, [accounts]),
        (_MISSED, [accounts]),
    )
    shop.points = {account: Points(account) for account in accounts}
    for account, version in versions:
        shop.points[account].version = version
    for account, amount in owed:
        shop.points[account].owed = amount
    # Of what may still be refunded, captured or released, it must be known what lots it has points of.
    concerned = {*book.numbered, *book.holds, *(row[4] for row in missed if row[4] is not None)}
    own = [accrual.lot for order in shop.orders.values() for accrual in order.accruals.values() if accrual.lot]
    lots, uses = exchange(
        connection,
        (_LOTS, [accounts, everything, accounts, list(concerned), accounts, own]),
        (_LOT_USES, [accounts, everything, list(concerned)]),
    )
    for account, *lot in lots:
        shop.points[account].lots[lot[0]] = Lot(*lot)
    for account, transaction, lot, amount in uses:
        shop.points[account].uses.setdefault(transaction, {})[lot] = amount
    for account, id_, kind, day, refers_to, amount, held, version, reason, expires_at in missed:
        entry, dates = Entry(account, amount, held, version), shop.dates(book, account, day)
        if kind == "bonus" and expires_at is not None:
            dates = dates._replace(gone_on=book.day(expires_at))
        expired = reason == EXPIRED
        shop.points[account].enter(entry, transaction=id_, kind=kind, refers_to=refers_to, dates=dates, expired=expired)


_MISSED = """
SELECT e.account_id, t.id, t.kind, t.business_date, t.refers_to, e.amount, e.held, e.version, t.reason, t.expires_at
FROM balance b LEFT JOIN bonus_points p ON p.account_id = b.account_id
JOIN entry e ON e.account_id = b.account_id AND e.version > coalesce(p.version, 0)
JOIN transaction t ON t.id = e.transaction_id
WHERE b.account_id = ANY(%s) AND b.version > coalesce(p.version, 0) ORDER BY e.account_id, e.version
"""
_LOT_FIELDS = (
    "l.account_id, l.transaction_id, l.amount, l.points_left, l.gone_on, l.given_until, l.lapsed, l.expired, "
    "l.extended_by, l.given_by"
)
_LOTS = f"""
SELECT {_LOT_FIELDS} FROM bonus_lot l WHERE account_id = ANY(%s) AND (%s OR points_left > 0)
UNION
SELECT {_LOT_FIELDS} FROM bonus_lot_use u
JOIN bonus_lot l ON l.account_id = u.account_id AND l.transaction_id = u.lot_id
WHERE u.account_id = ANY(%s) AND u.transaction_id = ANY(%s)
UNION
SELECT {_LOT_FIELDS} FROM bonus_lot l WHERE account_id = ANY(%s) AND transaction_id = ANY(%s)
"""
_OWED = "SELECT account_id, sum(amount)::bigint FROM bonus_owed WHERE account_id = ANY(%s) GROUP BY account_id"
_LOT_USES = """
SELECT account_id, transaction_id, lot_id, sum(amount)::bigint FROM bonus_lot_use
WHERE account_id = ANY(%s) AND (%s OR transaction_id = ANY(%s)) GROUP BY 1, 2, 3
"""
