"""Questions about points and orders. They take no locks.

Points are answered from the entries of the bonus accounts. Time counts, not jobs: points that
expired and holds that ran out by the requested moment no longer count, whether or not that was booked.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from psycopg import Connection

from ledger.core.outcomes import Entry
from ledger.food.core.bonuses import EXPIRED, Dates, Points, Program, dates_of
from ledger.values.money import minor, plain

Row = dict[str, Any]


def bonuses(connection: Connection[Any], account: int, *, at: datetime | None = None) -> list[Row]:
    """Return the points of a money account at a time (default: now), by brand.

    `balance` counts points set aside for pre-orders, `held`; `expiring` lists the others by the day at
    whose start they are gone (None: never). `owed` is what could not be taken back: the next points pay it.
    """
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        row = connection.execute("SELECT clock_timestamp(), time_zone FROM book").fetchone()
        assert row is not None
        at, zone = (at or row[0]).astimezone(UTC), ZoneInfo(row[1])
        day = at.astimezone(zone).date()
        accounts = connection.execute(
            "SELECT a.id, b.code FROM account a JOIN brand b ON b.id = a.brand_id "
            "WHERE a.kind = 'bonus' AND a.money_account_id = %s ORDER BY b.id",
            [account],
        ).fetchall()
        return [_standing(brand, _points(connection, bonus, brand, at, zone), day) for bonus, brand in accounts]


def order_of(connection: Connection[Any], transaction: int) -> str | None:
    """Return the key of the order that a debit, or the capture of its hold, charges for; None if it is no order's."""
    row = connection.execute("SELECT owner FROM owned WHERE transaction_id = %s", [transaction]).fetchone()
    return None if row is None else str(row[0])


def order_lines(connection: Connection[Any], order: str) -> dict[int, Row]:
    """Return the lines of an order by number: brand, service, sku, kept."""
    rows = connection.execute(
        "SELECT l.line, b.code, l.service, l.sku, l.kept FROM order_line l JOIN brand b ON b.id = l.brand_id "
        "WHERE l.order_id IN (SELECT id FROM transaction WHERE key = %s) ORDER BY l.line",
        [order],
    )
    return {line: dict(zip(("brand", "service", "sku", "kept"), rest, strict=True)) for line, *rest in rows}


def _points(
    connection: Connection[Any], account: int, brand: str, at: datetime, zone: ZoneInfo, *, before: int | None = None
) -> Points:
    """Return the lots of a bonus account at a time, or as the transaction `before` that merged it found them."""
    programs = [
        Program(brand, minor(accrue), minor(redeem), *rest)
        for accrue, redeem, *rest in connection.execute(
            "SELECT accrue_percent, redeem_percent, expires_after_days, valid_from, valid_until, returned_live_days "
            "FROM bonus_program p JOIN brand b ON b.id = p.brand_id WHERE b.code = %s ORDER BY p.id",
            [brand],
        )
    ]
    # Entries that the lots follow already: what was given keeps the lifetime that was set then, whatever the programmes
    # are now.
    [(followed, owed)] = connection.execute(_FOLLOWED, {"account": account, "at": at}).fetchall()
    rows = connection.execute(
        "SELECT transaction_id, given_until, gone_on, extended_by FROM bonus_lot WHERE account_id = %s", [account]
    ).fetchall()
    given = {id_: given_until for id_, given_until, _, _ in rows}
    extended = {by: gone_on for _, _, gone_on, by in rows if by is not None}
    points = Points(account, owed=owed)
    ran_out: list[tuple[int, date]] = []
    for id_, kind, day, refers_to, expires_at, amount, held, version, reason in connection.execute(
        _ENTRIES, [account, at, before]
    ):
        if kind == "merge":
            points.version = version
            merged = connection.execute(_MERGED, [account, id_]).fetchall()
            for (other,) in merged:
                points.take_over(_points(connection, other, brand, at, zone, before=id_), by=id_)
            if not merged:
                Points(account).take_over(points, by=id_)
            continue
        dates = dates_of(programs, day)
        if version <= followed:
            dates = Dates(day, given.get(id_), extended.get(id_))
        entry, expired = Entry(account, amount, held, version), reason == EXPIRED
        points.enter(entry, transaction=id_, kind=kind, refers_to=refers_to, dates=dates, expired=expired)
        if kind == "hold" and expires_at <= at:
            ran_out.append((id_, expires_at.astimezone(zone).date()))
    for hold, day in ran_out:
        points.release(hold, dates_of(programs, day))
    return points


_FOLLOWED = """
SELECT coalesce((SELECT version FROM bonus_points WHERE account_id = %(account)s), 0),
       coalesce((SELECT sum(amount) FROM bonus_owed WHERE account_id = %(account)s AND posted_at <= %(at)s), 0)::bigint
"""
_ENTRIES = """
SELECT t.id, t.kind, t.business_date, t.refers_to, t.expires_at, e.amount, e.held, e.version, t.reason
FROM entry e JOIN transaction t ON t.id = e.transaction_id
WHERE e.account_id = %s AND t.posted_at <= %s AND t.id < coalesce(%s, 9223372036854775807) ORDER BY e.version
"""
_MERGED = """
SELECT m.account_id FROM merged_account m JOIN entry e USING (transaction_id, account_id)
WHERE m.into_id = %s AND m.transaction_id = %s
"""


def _standing(brand: str, points: Points, day: date) -> Row:
    expiring: dict[date | None, int] = {}
    owed, held = points.owed, points.held
    for lot in sorted(points.lots.values(), key=lambda lot: lot.order):
        free = lot.left - lot.gone(day)
        # What came back by time alone pays what is owed first, though nobody booked it yet.
        paid = min(owed, free)
        owed -= paid
        if free > paid:
            expiring[lot.gone_on] = expiring.get(lot.gone_on, 0) + free - paid
    return {
        "brand": brand,
        "balance": plain(held + sum(expiring.values())),
        "held": plain(held),
        "owed": plain(owed),
        "expiring": list(_shown(expiring.items())),
    }


def _shown(expiring: Iterable[tuple[date | None, int]]) -> Iterable[Row]:
    for on, amount in expiring:
        yield {"on": on.isoformat() if on else None, "amount": plain(amount)}
