"""Questions about points and orders. They take no locks.

Points are answered from the entries of the bonus accounts. Time counts, not jobs: points that
expired and holds that ran out by the moment asked count no more, whether or not that was booked.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from psycopg import Connection

from ledger.core.money import minor, plain
from ledger.core.outcomes import Entry
from ledger.food.core.bonuses import Points, Program, in_force

Row = dict[str, Any]


def bonuses(connection: Connection[Any], account: int, *, at: datetime | None = None) -> list[Row]:
    """Return the points of a money account at a time (default: now), by brand.

    `balance` counts points set aside for pre-orders, `held`; `expiring` lists the others by the day at
    whose start they are gone (None: never).
    """
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        row = connection.execute("SELECT clock_timestamp(), time_zone FROM book").fetchone()
        assert row is not None
        at = (at or row[0]).astimezone(UTC)
        day = at.astimezone(ZoneInfo(row[1])).date()
        accounts = connection.execute(
            "SELECT a.id, b.code FROM account a JOIN brand b ON b.id = a.brand_id "
            "WHERE a.kind = 'bonus' AND a.money_account_id = %s ORDER BY b.id",
            [account],
        ).fetchall()
        return [_standing(brand, _points(connection, bonus, brand, at), day) for bonus, brand in accounts]


def order_of(connection: Connection[Any], transaction: int) -> str | None:
    """Return the key of the order that a debit, or the capture of its hold, charges for; None if it is no order's."""
    row = connection.execute(
        "SELECT key FROM food_order WHERE id IN (%(id)s, (SELECT refers_to FROM transaction WHERE id = %(id)s))",
        {"id": transaction},
    ).fetchone()
    return None if row is None else str(row[0])


def _points(connection: Connection[Any], account: int, brand: str, at: datetime) -> Points:
    programs = [
        Program(brand, minor(accrue), minor(redeem), *rest)
        for accrue, redeem, *rest in connection.execute(
            "SELECT accrue_percent, redeem_percent, expires_after_days, valid_from, valid_until FROM bonus_program p "
            "JOIN brand b ON b.id = p.brand_id WHERE b.code = %s ORDER BY p.id",
            [brand],
        )
    ]
    lots: dict[int, date | None] = dict(
        connection.execute("SELECT transaction_id, gone_on FROM bonus_lot WHERE account_id = %s", [account]).fetchall()
    )
    points = Points(account)
    ran_out: list[int] = []
    for id_, kind, day, refers_to, expires_at, amount, held, version in connection.execute(_ENTRIES, [account, at]):
        program = in_force(programs, day)
        gone_on = lots[id_] if id_ in lots else program.gone_on(day) if program else None
        points.enter(
            Entry(account, amount, held, version), id=id_, kind=kind, refers_to=refers_to, gone_on=gone_on
        )  # fmt: skip
        if kind == "hold" and expires_at <= at:
            ran_out.append(id_)
    for hold in ran_out:
        points.release(hold)
    return points


_ENTRIES = """
SELECT t.id, t.kind, t.business_date, t.refers_to, t.expires_at, e.amount, e.held, e.version
FROM entry e JOIN transaction t ON t.id = e.transaction_id
WHERE e.account_id = %s AND t.posted_at <= %s ORDER BY e.version
"""


def _standing(brand: str, points: Points, day: date) -> Row:
    gone = {lot.id for lot in points.due(day)}
    alive = [lot for lot in points.lots.values() if lot.left and lot.id not in gone]
    expiring: dict[date | None, int] = {}
    for lot in sorted(alive, key=lambda lot: lot.order):
        expiring[lot.gone_on] = expiring.get(lot.gone_on, 0) + lot.left
    held = points.held
    return {
        "brand": brand,
        "balance": plain(held + sum(expiring.values())),
        "held": plain(held),
        "expiring": list(_shown(expiring.items())),
    }


def _shown(expiring: Iterable[tuple[date | None, int]]) -> Iterable[Row]:
    for on, amount in expiring:
        yield {"on": on.isoformat() if on else None, "amount": plain(amount)}
