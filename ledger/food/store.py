"""Load the shop beside a posting, and write what a batch changed in it.

Rows of promotions are locked after the balances, in id order, and always so: batches that
share clients and promotions wait for each other and never deadlock. Orders, uses and lots
need no lock of their own: an order's account, or a limited promotion, guards them.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, timedelta
from typing import Any, NamedTuple

from psycopg import Connection
from pydantic_core import to_json

from ledger.book import Book
from ledger.food import commands as f
from ledger.food.bonuses import Lot, Points, Program
from ledger.food.pricing import Promotion
from ledger.food.shop import Accrual, Order, OrderLine, Shop
from ledger.load import ask
from ledger.money import decimal, minor
from ledger.outcomes import Entry
from ledger.store import Moments

_LIMITED = "(max_uses IS NOT NULL OR max_uses_per_party IS NOT NULL OR first_order_only)"
_PROMOTION = (
    "id, code, kind, value, brand_id, min_order, max_discount, valid_from, valid_until, max_uses, "
    "max_uses_per_party, first_order_only, stackable, used"
)


def load_shop(
    connection: Connection[Any], book: Book, commands: Sequence[Any], *, lives: timedelta, lock: bool = True
) -> Shop:
    """Return the shop of everything that the commands can touch; the book holds its accounts, locked."""
    shop = Shop(preorder_lives=lives)
    placed = [command for command in commands if isinstance(command, f.Order)]
    follows = [command.order for command in commands if isinstance(command, f.FollowUp)]
    _load_programs(connection, book, shop)
    _load_orders(connection, book, shop, follows)
    _load_promotions(connection, book, shop, placed, lock=lock)
    _load_points(connection, book, shop)
    known = [t.id for command in commands if (t := book.transactions.get(command.key)) and t.code is None]
    if known:
        rows = connection.execute("SELECT transaction_id, said FROM order_step WHERE transaction_id = ANY(%s)", [known])
        shop.said = dict(rows.fetchall())
    return shop


class Named(NamedTuple):
    """An order that a batch names: its account, what refunds go to, its brands."""

    account: int
    main: str | None
    brands: list[str]


def orders_named(connection: Connection[Any], keys: Sequence[str]) -> list[Named]:
    """Return what must be known of the orders that have the keys before their accounts can be locked."""
    rows = connection.execute(
        "SELECT o.account_id, m.key, array(SELECT DISTINCT b.code FROM order_line l JOIN brand b ON b.id = l.brand_id "
        "WHERE l.order_id = o.id) FROM food_order o LEFT JOIN transaction m ON m.id = o.main_id "
        "WHERE o.id IN (SELECT id FROM transaction WHERE key = ANY(%s))",
        [list(keys)],
    )
    return [Named(*row) for row in rows]


def _codes(book: Book) -> dict[int, str]:
    return {brand.id: code for code, brand in book.brands.items()}


def _load_programs(connection: Connection[Any], book: Book, shop: Shop) -> None:
    codes = _codes(book)
    for brand, accrue, redeem, *rest in connection.execute(
        "SELECT brand_id, accrue_percent, redeem_percent, expires_after_days, valid_from, valid_until "
        "FROM bonus_program ORDER BY id"
    ):
        program = Program(codes[brand], minor(accrue), minor(redeem), *rest)
        shop.programs.setdefault(program.brand, []).append(program)


def _load_orders(connection: Connection[Any], book: Book, shop: Shop, keys: Sequence[str]) -> None:
    if not keys:
        return
    codes = _codes(book)
    of = "WHERE order_id IN (SELECT id FROM transaction WHERE key = ANY(%s))"
    orders, lines, uses, accruals = ask(
        connection,
        (
            "SELECT o.id, o.key, o.account_id, o.party_id, o.currency, o.status, o.placed_at, o.business_date, "
            "o.due_at, o.delivered_at, o.cancelled_at, m.key FROM food_order o "
            "LEFT JOIN transaction m ON m.id = o.main_id "
            "WHERE o.id IN (SELECT id FROM transaction WHERE key = ANY(%s))", [list(keys)],
        ),
        (
            "SELECT order_id, line, brand_id, service, sku, name, quantity, price, gross, discount, net, kept "
            f"FROM order_line {of} ORDER BY order_id, line", [list(keys)],
        ),
        (
            "SELECT order_id, promotion_id, code, discount FROM promotion_use JOIN promotion p ON p.id = promotion_id "
            f"{of} ORDER BY promotion_id", [list(keys)],
        ),
        (
            f"SELECT order_id, brand_id, account_id, percent, points, taken_back, shortfall FROM order_accrual {of}",
            [list(keys)],
        ),
    )  # fmt: skip
    by_id: dict[int, Order] = {}
    for id_, key, account, party, currency, status, placed_at, day, due_at, delivered_at, cancelled_at, main in orders:
        by_id[id_] = shop.orders[key] = Order(
            id_, key, account, party, currency, placed_at.astimezone(UTC), day, due_at, [], [], main, status,
            delivered_at, cancelled_at,
        )  # fmt: skip
    for order, line, brand, *rest in lines:
        by_id[order].lines.append(OrderLine(line, codes[brand], *rest))
    for order, promotion, code, discount in uses:
        by_id[order].promotions.append((promotion, code, discount))
    for id_, brand, account, percent, *rest in accruals:
        by_id[id_].accruals[codes[brand]] = Accrual(account, minor(percent), *rest)
    for order in by_id.values():
        # In the order of the lines, as when they were given: it is the order of what is taken back.
        order.accruals = {brand: order.accruals[brand] for brand in order.brands if brand in order.accruals}


def _load_promotions(
    connection: Connection[Any], book: Book, shop: Shop, placed: Sequence[f.Order], *, lock: bool
) -> None:
    codes = {code for order in placed for code in order.promo_codes}
    used = {promotion for order in shop.orders.values() for promotion, _, _ in order.promotions}
    if not codes and not used:
        return
    known: list[Any] = [list(codes), list(used)]
    where = "WHERE (code = ANY(%s) OR id = ANY(%s))"
    # A limited promotion is one order's at a time. Others only may not change meanwhile.
    locks = (
        (f"SELECT id FROM promotion {where} AND {_LIMITED} ORDER BY id FOR NO KEY UPDATE", known),
        (f"SELECT id FROM promotion {where} AND NOT {_LIMITED} ORDER BY id FOR SHARE", known),
    )
    *_, rows = ask(connection, *(locks if lock else ()), (f"SELECT {_PROMOTION} FROM promotion {where}", known))
    brands = _codes(book)
    for id_, code, kind, value, brand, *rest in rows:
        shop.promotions[code] = Promotion(id_, code, kind, value, brands.get(brand), *rest)
    _load_uses(connection, book, shop, lock=lock)


def _load_uses(connection: Connection[Any], book: Book, shop: Shop, *, lock: bool) -> None:
    """Load how often the clients of the batch used its promotions, and ordered before, as far as limits ask."""
    parties = sorted({account.party for account in book.accounts.values() if account.party is not None})
    promotions = [p.id for p in shop.promotions.values() if p.max_uses_per_party is not None]
    if promotions:
        rows = connection.execute(
            "SELECT promotion_id, party_id, count(*) FROM promotion_use WHERE promotion_id = ANY(%s) "
            "AND party_id = ANY(%s) AND given_back_at IS NULL GROUP BY promotion_id, party_id",
            [promotions, parties],
        )
        shop.promotion_uses = {(promotion, party): used for promotion, party, used in rows}
    if any(p.first_order_only for p in shop.promotions.values()):
        if lock:
            # A client with two accounts has one first order, whatever promotions it names.
            connection.execute("SELECT 1 FROM party WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE", [parties])
        rows = connection.execute(
            "SELECT party_id, count(*) FROM food_order WHERE party_id = ANY(%s) AND status <> 'cancelled' "
            "GROUP BY party_id",
            [parties],
        )
        shop.orders_of = dict(rows.fetchall())


def _load_points(connection: Connection[Any], book: Book, shop: Shop) -> None:
    """Load the lots of the book's bonus accounts, and let them follow what moved these without us."""
    accounts = [account.id for account in book.accounts.values() if account.kind == "bonus"]
    if not accounts:
        return
    versions, missed = ask(
        connection,
        ("SELECT account_id, version FROM bonus_points WHERE account_id = ANY(%s)", [accounts]),
        (_MISSED, [accounts]),
    )
    shop.points = {account: Points(account) for account in accounts}
    for account, version in versions:
        shop.points[account].version = version
    # Of what may still be refunded, captured or released, it must be known what lots it has points of.
    concerned = {*book.numbered, *book.holds, *(row[4] for row in missed if row[4] is not None)}
    lots, uses = ask(
        connection,
        (_LOTS, [accounts, accounts, list(concerned)]),
        (
            "SELECT account_id, transaction_id, lot_id, sum(amount)::bigint FROM bonus_lot_use "
            "WHERE account_id = ANY(%s) AND transaction_id = ANY(%s) GROUP BY 1, 2, 3", [accounts, list(concerned)],
        ),
    )  # fmt: skip
    for account, id_, amount, left, gone_on in lots:
        shop.points[account].lots[id_] = Lot(id_, amount, left, gone_on)
    for account, transaction, lot, amount in uses:
        shop.points[account].uses.setdefault(transaction, {})[lot] = amount
    for account, id_, kind, day, refers_to, amount, held, version in missed:
        entry = Entry(account, amount, held, version)
        gone_on = shop.gone_on(book, account, day)
        shop.points[account].enter(entry, id=id_, kind=kind, refers_to=refers_to, gone_on=gone_on)


_MISSED = """
SELECT e.account_id, t.id, t.kind, t.business_date, t.refers_to, e.amount, e.held, e.version
FROM balance b LEFT JOIN bonus_points p ON p.account_id = b.account_id
JOIN entry e ON e.account_id = b.account_id AND e.version > coalesce(p.version, 0)
JOIN transaction t ON t.id = e.transaction_id
WHERE b.account_id = ANY(%s) AND b.version > coalesce(p.version, 0) ORDER BY e.account_id, e.version
"""
_LOTS = """
SELECT account_id, transaction_id, amount, points_left, gone_on FROM bonus_lot
WHERE account_id = ANY(%s) AND points_left > 0
UNION
SELECT l.account_id, l.transaction_id, l.amount, l.points_left, l.gone_on FROM bonus_lot_use u
JOIN bonus_lot l ON l.account_id = u.account_id AND l.transaction_id = u.lot_id
WHERE u.account_id = ANY(%s) AND u.transaction_id = ANY(%s)
"""

# ---- writing

_ORDER = {
    "id": "bigint", "key": "text", "account_id": "bigint", "party_id": "bigint", "currency": "text",
    "status": "text", "placed_at": "timestamptz", "business_date": "date", "due_at": "timestamptz",
    "main_id": "bigint", "delivered_at": "timestamptz", "cancelled_at": "timestamptz",
}  # fmt: skip
_LINE = {
    "order_id": "bigint", "line": "smallint", "brand_id": "bigint", "service": "text", "sku": "text", "name": "text",
    "quantity": "integer", "price": "bigint", "gross": "bigint", "discount": "bigint", "net": "bigint",
    "kept": "integer",
}  # fmt: skip
_USE = {
    "order_id": "bigint", "promotion_id": "bigint", "party_id": "bigint", "discount": "bigint",
    "used_at": "timestamptz", "given_back_at": "timestamptz",
}  # fmt: skip
_ACCRUAL = {
    "order_id": "bigint", "brand_id": "bigint", "account_id": "bigint", "percent": "numeric", "points": "bigint",
    "taken_back": "bigint", "shortfall": "bigint",
}  # fmt: skip
_STEP = {"transaction_id": "bigint", "order_id": "bigint", "kind": "text", "said": "jsonb"}
_POINTS = {"account_id": "bigint", "version": "bigint"}
_LOT = {
    "account_id": "bigint", "transaction_id": "bigint", "amount": "bigint", "points_left": "bigint", "gone_on": "date",
}  # fmt: skip
_LOT_USE = {
    "account_id": "bigint", "transaction_id": "bigint", "lot_id": "bigint", "changed_by": "bigint", "amount": "bigint",
}  # fmt: skip


Rows = Sequence[Sequence[Any]]
Written = list[tuple[str, dict[str, str], Rows]]


def new_rows(book: Book, shop: Shop) -> Written:
    """Return the rows of new orders and of all steps, by table, with its columns."""
    mains = {key: t.id for key, t in book.transactions.items()}
    brands = {code: brand.id for code, brand in book.brands.items()}
    written = Moments()
    lines = [
        (
            o.id, n.number, brands[n.brand], n.service, n.sku, n.name, n.quantity, n.price, n.gross, n.discount, n.net,
            n.kept,
        )
        for o in shop.new_orders for n in o.lines
    ]  # fmt: skip
    return [
        ("food_order", _ORDER, [_order_row(order, mains, written) for order in shop.new_orders]),
        ("order_line", _LINE, lines),
        ("order_step", _STEP, [(t, order, kind, to_json(shop.said[t]).decode()) for t, order, kind in shop.steps]),
        ("promotion_use", _USE, [row for order in shop.new_orders for row in _uses(order, written)]),
    ]


def write_shop(connection: Connection[Any], book: Book, shop: Shop, rows: Written) -> None:
    """Write the new rows and what else changed; the transactions that they name are written before."""
    for table, types, of_table in rows:
        _copy(connection, table, types, of_table)
    mains = {key: t.id for key, t in book.transactions.items()}
    brands = {code: brand.id for code, brand in book.brands.items()}
    touched = {order.id: order for order in (*shop.new_orders, *shop.changed_orders.values())}
    new = {order.id for order in shop.new_orders}
    known = [order for order in shop.changed_orders.values() if order.id not in new]
    written = Moments()
    with connection.pipeline():
        _put(connection, "promotion_use", _USE, [row for order in known for row in _uses(order, written)], 2)
        _put(connection, "food_order", _ORDER, [_order_row(order, mains, written) for order in known], 1)
        if known:
            kept = [(order.id, line.number, line.kept) for order in known for line in order.lines]
            connection.execute(_KEPT, [list(column) for column in zip(*kept, strict=True)])
        _put(connection, "order_accrual", _ACCRUAL, [row for o in touched.values() for row in _accruals(o, brands)], 2)
        limited = [(p.id, p.used) for p in shop.changed_promotions.values() if p.max_uses is not None]
        if limited:
            connection.execute(_USED, [list(column) for column in zip(*sorted(limited), strict=True)])
        _put_points(connection, shop.points.values())


_KEPT = (
    "UPDATE order_line l SET kept = n.kept FROM unnest(%s::bigint[], %s::smallint[], %s::integer[]) "
    "AS n(order_id, line, kept) WHERE l.order_id = n.order_id AND l.line = n.line AND l.kept <> n.kept"
)
_USED = "UPDATE promotion p SET used = n.used FROM unnest(%s::bigint[], %s::integer[]) AS n(id, used) WHERE p.id = n.id"


def _order_row(order: Order, mains: dict[str, int], written: Moments) -> Sequence[Any]:
    return (
        order.id, order.key, order.account, order.party, order.currency, order.status, written[order.placed_at],
        order.day, written[order.due_at], None if order.main is None else mains[order.main],
        written[order.delivered_at], written[order.cancelled_at],
    )  # fmt: skip


def _uses(order: Order, written: Moments) -> Iterable[Sequence[Any]]:
    for promotion, _, discount in order.promotions:
        yield order.id, promotion, order.party, discount, written[order.placed_at], written[order.cancelled_at]


def _accruals(order: Order, brands: dict[str, int]) -> Iterable[Sequence[Any]]:
    for brand, a in order.accruals.items():
        yield order.id, brands[brand], a.account, decimal(a.percent), a.points, a.taken_back, a.shortfall


def _put_points(connection: Connection[Any], all_points: Iterable[Points]) -> None:
    changed = [points for points in all_points if points.changed_lots or points.version]
    _put(connection, "bonus_points", _POINTS, [(points.account, points.version) for points in changed], 1)
    lots = [(points, points.lots[id_]) for points in changed for id_ in sorted(points.changed_lots)]
    _put(connection, "bonus_lot", _LOT, [(p.account, lot.id, lot.amount, lot.left, lot.gone_on) for p, lot in lots], 2)
    uses = [(p.account, *use, amount) for p in changed for use, amount in sorted(p.changed_uses.items())]
    _put(connection, "bonus_lot_use", _LOT_USE, uses, 4)


def _copy(connection: Connection[Any], table: str, types: dict[str, str], rows: Rows) -> None:
    if rows:
        with connection.cursor().copy(f"COPY {table} ({', '.join(types)}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)


def _put(connection: Connection[Any], table: str, types: dict[str, str], rows: Rows, key: int) -> None:
    """Insert rows, or update those that are there by the first `key` columns."""
    if not rows:
        return
    names = list(types)
    casts = ", ".join(f"%s::{type_}[]" for type_ in types.values())
    sets = ", ".join(f"{name} = excluded.{name}" for name in names[key:])
    connection.execute(
        f"INSERT INTO {table} ({', '.join(names)}) SELECT * FROM unnest({casts}) "
        f"ON CONFLICT ({', '.join(names[:key])}) DO UPDATE SET {sets}",
        [list(column) for column in zip(*rows, strict=True)],
    )
