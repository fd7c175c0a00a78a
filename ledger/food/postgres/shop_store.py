"""Load the shop beside a posting, and write what a batch changed in it.

Rows of promotions are locked after the balances, in id order, and always so: batches that
share clients and promotions wait for each other and never deadlock. Orders, uses and lots
need no lock of their own: an order's account, or a limited promotion, guards them.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from ledger.core.book import Book
from ledger.food.core import commands as f
from ledger.food.core.bonuses import Points, Program
from ledger.food.core.outcomes import REFUSALS
from ledger.food.core.pricing import STACK, Promotion
from ledger.food.core.shop import Accrual, Order, OrderLine, Pending, Shop
from ledger.food.postgres.load_points import load_points
from ledger.postgres.bulk_sql import Insert, Moments, Row, Statement, array_of, columns, json_text, texts_of
from ledger.postgres.database import AnyConnection
from ledger.postgres.locks import WRITING
from ledger.postgres.wire import exchange
from ledger.postgres.write_book import Work
from ledger.values.money import decimal, minor

_LIMITED = "(max_uses IS NOT NULL OR max_uses_per_party IS NOT NULL OR first_order_only)"
_PROMOTION = (
    "id, code, kind, value, brand_id, min_order, max_discount, valid_from, valid_until, max_uses, "
    "max_uses_per_party, first_order_only, stackable, used, financed"
)


Programs = dict[str, list[Program]]


def load_shop(
    connection: AnyConnection,
    book: Book,
    commands: Sequence[Any],
    programs: Programs,
    *,
    lives: timedelta,
    lock: bool = True,
    all_points: bool = False,
) -> Shop:
    """Return the shop of everything that the commands can touch; the book holds its accounts, locked.

    With `all_points` it has all lots ever, and what all transactions have of them.
    """
    book.refusals = REFUSALS
    shop = Shop(preorder_lives=lives, programs=programs)
    placed = [command for command in commands if isinstance(command, f.Order)]
    follows = [command.order for command in commands if isinstance(command, f.FollowUp)]
    _load_orders(connection, book, shop, follows)
    _load_promotions(connection, book, shop, placed, lock=lock)
    load_points(connection, book, shop, everything=all_points)
    known = [t.id for command in commands if (t := book.transactions.get(command.key)) and t.code is None]
    if known:
        [rows] = exchange(connection, (_STEPS, [known]))
        shop.descriptions = dict(rows)
    return shop


_STEPS = "SELECT transaction_id, said FROM order_step WHERE transaction_id = ANY(%s)"


class Named(NamedTuple):
    """An order that a batch names: its account, the keys of what refunds of it go to, its brands."""

    account: int
    charges: list[str]
    brands: set[str]
    financers: list[str]


def foreseen(connection: AnyConnection, keys: Sequence[str], *, lock: bool) -> tuple[Programs, list[Named]]:
    """Return what must be known before accounts can be locked: bonus programmes by brand, and of the orders named."""
    wait: list[Statement] = [(WRITING, [])] if lock else []
    *_, rows, orders = exchange(connection, *wait, (_PROGRAMS, []), (_NAMED, [list(keys)]))
    programs: Programs = {}
    for brand, accrue, redeem, *rest, spend_at in rows:
        program = Program(brand, minor(accrue), minor(redeem), *rest)
        programs.setdefault(brand, []).append(program._replace(spend_at=tuple(spend_at)))
    return programs, [Named(account, charges, set(brands), by) for account, charges, brands, by in orders]


_PROGRAMS = (
    "SELECT b.code, accrue_percent, redeem_percent, expires_after_days, valid_from, valid_until, returned_live_days, "
    "spend_at FROM bonus_program p JOIN brand b ON b.id = p.brand_id ORDER BY p.id"
)
_NAMED = (
    "SELECT coalesce((SELECT into_id FROM merged_account m WHERE m.account_id = o.account_id "
    "ORDER BY transaction_id DESC LIMIT 1), o.account_id), array(SELECT key FROM transaction WHERE id = o.main_id "
    "UNION ALL SELECT 'tiffin:fee:' || o.id WHERE o.status = 'cancelled' "
    "UNION ALL SELECT 'tiffin:surplus:' || o.id FROM order_line WHERE order_id = o.id AND weighed IS NOT NULL), "
    "array(SELECT DISTINCT b.code FROM order_line l JOIN brand b ON b.id = l.brand_id WHERE l.order_id = o.id), "
    "array(SELECT jsonb_object_keys(financed) FROM order_line WHERE order_id = o.id AND financed IS NOT NULL) "
    "FROM food_order o "
    "WHERE o.id IN (SELECT id FROM transaction WHERE key = ANY(%s))"
)


_ORDERS = """
SELECT o.id, o.key, o.account_id, o.party_id, o.currency, o.status, o.placed_at, o.business_date, o.due_at,
    o.delivered_at, o.cancelled_at, o.void_at, o.late_at, m.key
FROM food_order o LEFT JOIN transaction m ON m.id = o.main_id
WHERE o.id IN (SELECT id FROM transaction WHERE key = ANY(%s))
"""
_OF_ORDERS = "WHERE order_id IN (SELECT id FROM transaction WHERE key = ANY(%s))"
_LINES = f"""
SELECT order_id, line, brand_id, service, sku, name, quantity, price, gross, discount, net, kept, weighed, weighed_of,
    financed
FROM order_line {_OF_ORDERS} ORDER BY order_id, line
"""
_FIRST_USES = f"""
SELECT order_id, promotion_id, code, discount FROM promotion_use JOIN promotion p ON p.id = promotion_id
{_OF_ORDERS} AND number = 1 ORDER BY array_position(%s::text[], kind), code COLLATE "C"
"""
_ACCRUALS = f"""
SELECT order_id, brand_id, account_id, percent, points, taken_back, shortfall, lot_id, expired
FROM order_accrual {_OF_ORDERS}
"""


def _codes(book: Book) -> dict[int, str]:
    return {brand.id: code for code, brand in book.brands.items()}


def _load_orders(connection: AnyConnection, book: Book, shop: Shop, keys: Sequence[str]) -> None:
    if not keys:
        return
    codes = _codes(book)
    known = list(keys)
    orders, lines, uses, accruals = exchange(
        connection,
        (_ORDERS, [known]),
        (_LINES, [known]),
        (_FIRST_USES, [known, list(STACK)]),
        (_ACCRUALS, [known]),
    )
    by_id: dict[int, Order] = {}
    for id_, key, account, party, currency, status, placed_at, day, due_at, *moments, main in orders:
        of = id_, key, account, party, currency, placed_at.astimezone(UTC), day, due_at
        by_id[id_] = shop.orders[key] = Order(*of, [], [], main, status, *moments)
    for order, line, brand, *rest, weighed, weighed_of, financed in lines:
        made = OrderLine(line, codes[brand], *rest)
        made.weighed, made.weighed_of = weighed, weighed_of
        made.financed = {by: (amount, now) for by, (amount, now) in financed.items()} if financed else None
        by_id[order].lines.append(made)
    for order, promotion, code, discount in uses:
        by_id[order].promotions.append((promotion, code, discount))
    for id_, brand, account, percent, *rest in accruals:
        by_id[id_].accruals[codes[brand]] = Accrual(account, minor(percent), *rest)
    for order in by_id.values():
        # In the order of the lines, as when they were given: it is the order of what is taken back.
        order.accruals = {brand: order.accruals[brand] for brand in order.brands if brand in order.accruals}
        if order.main is None and order.status == "placed" and order.void_at is not None:
            numbers = tuple(number for number, _, _ in order.promotions)
            shop.pending[order.id] = Pending(order.party, numbers, order.void_at)


def _load_promotions(
    connection: AnyConnection, book: Book, shop: Shop, placed: Sequence[f.Order], *, lock: bool
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
    *_, rows = exchange(connection, *(locks if lock else ()), (f"SELECT {_PROMOTION} FROM promotion {where}", known))
    brands = _codes(book)
    for id_, code, kind, value, brand, *rest in rows:
        *terms, financed = rest
        pay = tuple((each["brand"], minor(Decimal(each["percent"]))) for each in financed or ())
        shop.promotions[code] = Promotion(id_, code, kind, value, brands.get(brand), *terms)
        shop.promotions[code].financed = pay
    _load_uses(connection, book, shop, lock=lock)


def _load_uses(connection: AnyConnection, book: Book, shop: Shop, *, lock: bool) -> None:
    """Load how often the clients of the batch used its promotions, and ordered before, as far as limits need it."""
    parties = sorted({account.party for account in book.accounts.values() if account.party is not None})
    promotions = [p.id for p in shop.promotions.values() if p.max_uses_per_party is not None]
    if promotions:
        [rows] = exchange(connection, (_USES, [promotions, parties]))
        shop.promotion_uses = {(promotion, party): used for promotion, party, used in rows}
    if any(p.first_order_only for p in shop.promotions.values()):
        # A client with two accounts has one first order, whatever promotions it names.
        one_at_a_time = [("SELECT 1 FROM party WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE", [parties])]
        *_, rows = exchange(connection, *(one_at_a_time if lock else ()), (_ORDERS_OF, [parties]))
        shop.orders_of = dict(rows)
    limited = [p.id for p in shop.promotions.values() if p.max_uses is not None]
    if limited or promotions or shop.orders_of:
        [rows] = exchange(connection, (_RUNNING, [parties, limited]))
        for id_, party, until, numbers in rows:
            shop.pending[id_] = Pending(party, tuple(numbers), until)


_PENDING = "WHERE status = 'placed' AND main_id IS NULL AND due_at IS NOT NULL"
_USES = (
    "SELECT promotion_id, party_id, count(*) FROM promotion_use WHERE promotion_id = ANY(%s) "
    f"AND party_id = ANY(%s) AND (given_back_at IS NULL OR order_id IN (SELECT id FROM food_order {_PENDING})) "
    "GROUP BY promotion_id, party_id"
)
_ORDERS_OF = (
    "SELECT p.id, p.orders_before + count(o.id) FROM party p LEFT JOIN food_order o ON o.party_id = p.id "
    "AND o.status <> 'cancelled' AND (o.void_at IS NULL OR o.status = 'placed' AND o.main_id IS NULL) "
    "WHERE p.id = ANY(%s) GROUP BY p.id"
)
# Pre-orders not delivered yet, of the parties or with the promotions: time alone decides whether they ran out.
_RUNNING = f"""
SELECT id, party_id, void_at, array(SELECT promotion_id FROM promotion_use WHERE order_id = o.id) FROM food_order o
{_PENDING} AND void_at IS NOT NULL AND (party_id = ANY(%s) OR id IN (
    SELECT order_id FROM promotion_use WHERE promotion_id = ANY(%s) AND given_back_at IS NOT NULL))
"""


# ---- writing

ORDER = columns(
    "id bigint, key text, account_id bigint, party_id bigint, currency text, status text, placed_at timestamptz, "
    "business_date date, due_at timestamptz, main_id bigint, delivered_at timestamptz, cancelled_at timestamptz, "
    "void_at timestamptz, late_at timestamptz, reference text, attributes jsonb"
)
LINE = columns(
    "order_id bigint, line smallint, brand_id bigint, service text, sku text, name text, quantity integer, "
    "price bigint, gross bigint, discount bigint, net bigint, kept integer, reference text, attributes jsonb, "
    "own_discount bigint, weighed bigint, weighed_of integer, financed jsonb"
)
USE = columns(
    "order_id bigint, promotion_id bigint, party_id bigint, discount bigint, used_at timestamptz, "
    "given_back_at timestamptz, number smallint"
)
ACCRUAL = columns(
    "order_id bigint, brand_id bigint, account_id bigint, percent numeric, points bigint, taken_back bigint, "
    "shortfall bigint, lot_id bigint, expired bigint"
)
STEP = columns("transaction_id bigint, order_id bigint, kind text, said json")
POINTS = columns("account_id bigint, version bigint")
LOT = columns(
    "account_id bigint, transaction_id bigint, amount bigint, points_left bigint, gone_on date, given_until date, "
    "lapsed bigint, expired bigint, extended_by bigint, given_by bigint"
)
LOT_USE = columns(
    "account_id bigint, transaction_id bigint, lot_id bigint, changed_by bigint, amount bigint, gone_on date"
)
OWED = columns(
    "account_id bigint, order_id bigint, transaction_id bigint, amount bigint, posted_at timestamptz, "
    "business_date date"
)


def changes(book: Book, shop: Shop) -> Iterator[Work]:
    """Yield what writes what was placed, done and changed; the transactions that it names are written before."""
    new, written = {order.id for order in shop.new_orders}, Moments()
    yield Insert("order_line", LINE, [row for order in shop.new_orders for row in _line_rows(book, order)])
    yield Insert("food_order", ORDER, [_order_row(book, order, written) for order in shop.new_orders])
    yield Insert("promotion_use", USE, [row for order in shop.new_orders for row in _uses(book, order, written)])
    steps = [(t, order, kind, json_text(shop.descriptions[t])) for t, order, kind in shop.steps]
    yield Insert("order_step", STEP, steps)
    known = [order for order in shop.changed_orders.values() if order.id not in new]
    uses = [row for order in known if order.late_at is not None for row in _uses(book, order, written)]
    yield Insert("promotion_use", USE, uses, ("order_id", "promotion_id", "number"))
    yield Insert("food_order", ORDER, [_order_row(book, order, written) for order in known], ("id",))
    # An order that is one after all has no end again: what an INSERT leaves out, it would not take away.
    ends = [(order.id, written[order.void_at], order.late_at is None) for order in shop.changed_orders.values()]
    yield _ENDS, [array_of(column) for column in zip(*((id_, at) for id_, at, _ in ends), strict=True)]
    yield _BACK, [array_of(column) for column in zip(*((id_, at) for id_, at, first in ends if first), strict=True)]
    kept = [(order.id, line.number, line.kept) for order in known for line in order.lines]
    yield _KEPT, [array_of(column) for column in zip(*kept, strict=True)]
    weighed = [(order.id, n.number, n.weighed, n.weighed_of) for order in known for n in order.lines if n.weighed_of]
    financed = [(order.id, n.number, json_text(n.financed)) for order in known for n in order.lines if n.financed]
    if financed:
        ids, numbers, texts = zip(*financed, strict=True)
        yield _FINANCED, [array_of(ids), array_of(numbers), texts_of(texts)]
    if weighed:
        yield _WEIGHED, [array_of(column) for column in zip(*weighed, strict=True)]
    accruals = [row for order in (*shop.new_orders, *known) for row in _accruals(book, order)]
    yield Insert("order_accrual", ACCRUAL, accruals, ("order_id", "brand_id"))
    limited = sorted((p.id, p.used) for p in shop.changed_promotions.values() if p.max_uses is not None)
    yield _USED, [array_of(column) for column in zip(*limited, strict=True)]
    yield from _points(book, shop.points.values())


_ENDS = (
    "UPDATE food_order o SET void_at = n.at FROM unnest(%s::bigint[], %s::timestamptz[]) AS n(id, at) "
    "WHERE o.id = n.id AND o.void_at IS DISTINCT FROM n.at"
)
_BACK = (
    "UPDATE promotion_use u SET given_back_at = n.at FROM unnest(%s::bigint[], %s::timestamptz[]) AS n(id, at) "
    "WHERE u.order_id = n.id AND u.given_back_at IS DISTINCT FROM n.at"
)
_KEPT = (
    "UPDATE order_line l SET kept = n.kept FROM unnest(%s::bigint[], %s::smallint[], %s::integer[]) "
    "AS n(order_id, line, kept) WHERE l.order_id = n.order_id AND l.line = n.line AND l.kept <> n.kept"
)
_WEIGHED = (
    "UPDATE order_line l SET weighed = n.weighed, weighed_of = n.weighed_of "
    "FROM unnest(%s::bigint[], %s::smallint[], %s::bigint[], %s::integer[]) AS n(order_id, line, weighed, weighed_of) "
    "WHERE l.order_id = n.order_id AND l.line = n.line AND l.weighed IS NULL"
)
_FINANCED = (
    "UPDATE order_line l SET financed = n.financed FROM unnest(%s::bigint[], %s::smallint[], "
    "string_to_array(%s, chr(31))::jsonb[]) "
    "AS n(order_id, line, financed) WHERE l.order_id = n.order_id AND l.line = n.line"
)
_USED = "UPDATE promotion p SET used = n.used FROM unnest(%s::bigint[], %s::integer[]) AS n(id, used) WHERE p.id = n.id"


def _line_rows(book: Book, order: Order) -> Iterator[Row]:
    for n in order.lines:
        dish = book.brands[n.brand].id, n.service, n.sku, n.name, n.quantity, n.price
        more = n.kept, n.reference, json_text(n.attributes), n.own_discount, n.weighed, n.weighed_of
        yield (order.id, n.number, *dish, n.gross, n.discount, n.net, *more, json_text(n.financed))


def _order_row(book: Book, order: Order, written: Moments) -> Row:
    o, main = order, None if order.main is None else book.transactions[order.main].id
    placed = written[o.placed_at], o.day, written[o.due_at], main
    moments = [written[at] for at in (o.delivered_at, o.cancelled_at, o.void_at, o.late_at)]
    who = o.id, o.key, o.account, o.party, o.currency, o.status
    return (*who, *placed, *moments, o.reference, json_text(o.attributes))


def _uses(book: Book, order: Order, written: Moments) -> Iterator[Row]:
    """Yield the uses of an order: a second one where it ran out and was delivered late all the same."""
    late, end = order.late_at, order.void_at
    for promotion, _, discount in order.promotions:
        of = order.id, promotion, order.party, discount
        yield *of, written[order.placed_at], written[book.holds[order.id].expires_at if late else end], 1
        if late:
            yield *of, written[late], written[end], 2


def _accruals(book: Book, order: Order) -> Iterator[Row]:
    for brand, a in order.accruals.items():
        of = order.id, book.brands[brand].id, a.account, decimal(a.percent)
        yield (*of, a.points, a.taken_back, a.shortfall, a.lot, a.expired)


_OF_LOT = ("id", "amount", "left", "gone_on", "given_until", "lapsed", "expired", "extended_by", "given_by")


def _points(book: Book, all_points: Iterable[Points]) -> Iterator[Work]:
    changed = [points for points in all_points if points.changed_lots or points.version]
    yield Insert("bonus_points", POINTS, [(points.account, points.version) for points in changed], ("account_id",))
    lots = [
        (points.account, *(getattr(n, name) for name in _OF_LOT))
        for points in changed
        for n in (points.lots[id_] for id_ in sorted(points.changed_lots))
    ]
    yield Insert("bonus_lot", LOT, lots, ("account_id", "transaction_id"))
    uses = [(points.account, *use, *of) for points in changed for use, of in sorted(points.changed_uses.items())]
    yield Insert("bonus_lot_use", LOT_USE, uses, ("account_id", "transaction_id", "lot_id", "changed_by"))
    written = Moments()
    # Numbered in the order of what happened, whichever accounts share a batch.
    owed = sorted(
        (by, book.accounts[points.account].brand or 0, amount, order or 0, points.account)
        for points in changed
        for order, by, amount in points.changed_owed
    )
    of = [
        (account, order or None, by, amount, written[book.numbered[by].posted_at], book.numbered[by].day)
        for by, _, amount, order, account in owed
    ]
    yield Insert("bonus_owed", OWED, of)
