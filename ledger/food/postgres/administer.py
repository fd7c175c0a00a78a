"""Administration of food: promotions and bonus programmes.

As in level one: given fields change from now on, absent ones stay, the same content again
writes nothing, each change is a dated row. A promotion's kind never changes. Programmes
are append-only, the last recorded of those valid on a day counts.
"""

from collections.abc import Mapping

from psycopg import sql

from ledger.core.administration import Record
from ledger.core.money import minor, plain
from ledger.core.outcomes import Facts, Refused
from ledger.food.core import commands as f
from ledger.postgres.administer import RULES, Desk, Row, Rule, brand_id, fields_given

_AMOUNTS = ("value", "min_order", "max_discount")
_NEW: Row = {
    "kind": None, "value": None, "brand_id": None, "min_order": None, "max_discount": None, "valid_from": None,
    "valid_until": None, "max_uses": None, "max_uses_per_party": None, "first_order_only": False, "stackable": False,
}  # fmt: skip


def _promotion(desk: Desk, record: Record) -> Facts:
    assert isinstance(record, f.Promotion)
    row = desk.row("SELECT * FROM promotion WHERE code = %s FOR NO KEY UPDATE", [record.code])
    before = {name: row[name] for name in _NEW} if row else None
    after = (before or _NEW) | _stored(desk, record)
    if before and after["kind"] != before["kind"]:
        subject = f"promotion {record.code}"
        raise Refused("never_changes", subject=subject, what="kind", **{"is": before["kind"]}, asked=after["kind"])
    _check_promotion(after)
    if row is None:
        inserted = desk.row(_INSERT, [record.code, *after.values()])
        assert inserted is not None
        desk.note_change(record, record.code, None, _told(desk, after))
        return {"code": record.code, "id": inserted["id"]}
    if after != before:
        sets = sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in after)
        desk.connection.execute(
            sql.SQL("UPDATE promotion SET {} WHERE id = %s").format(sets), [*after.values(), row["id"]]
        )
        if after["max_uses"] is not None and row["max_uses"] is None:
            # Uses are counted only while there is a limit: from now on, and those so far.
            desk.connection.execute(_COUNT, [row["id"], row["id"]])
        was, became = _told(desk, row), _told(desk, after)
        changed = [name for name in became if became[name] != was[name]]
        desk.note_change(record, record.code, {n: was[n] for n in changed}, {n: became[n] for n in changed})
    return {"code": record.code, "id": row["id"]}


_INSERT = f"INSERT INTO promotion (code, {', '.join(_NEW)}, used) VALUES (%s{', %s' * len(_NEW)}, 0) RETURNING id"
_COUNT = (
    "UPDATE promotion SET used = (SELECT count(*) FROM promotion_use WHERE promotion_id = %s "
    "AND given_back_at IS NULL) WHERE id = %s"
)


def _stored(desk: Desk, record: f.Promotion) -> Row:
    """Return the given fields as the table has them."""
    given = fields_given(record)
    given.pop("code", None)
    if given.get("kind", "") is None:
        given.pop("kind")
    if "brand" in given:
        brand = given.pop("brand")
        given["brand_id"] = None if brand is None else brand_id(desk, brand)
    for name in _AMOUNTS:
        if given.get(name) is not None:
            given[name] = minor(given[name])
    for name in ("first_order_only", "stackable"):
        if name in given:
            given[name] = bool(given[name])
    if given.get("kind") == "free_delivery" or given.get("value", 0) is None:
        given["value"] = 0
    return given


def _check_promotion(row: Row) -> None:
    if row["kind"] is None:
        raise ValueError("kind: is missing")
    if row["value"] is None:
        raise ValueError("value: is missing")
    if row["kind"] != "free_delivery" and not row["value"]:
        raise ValueError("value: is missing")
    if row["kind"] == "percent" and row["value"] > 10_000:
        raise ValueError(f"value: {plain(row['value'])} is more than 100 percent")
    if row["valid_from"] and row["valid_until"] and row["valid_until"] < row["valid_from"]:
        raise ValueError(f"valid_until: {row['valid_until']} is before valid_from, {row['valid_from']}")


def _told(desk: Desk, row: Row) -> Row:
    """Return a promotion as people read it: amounts in plain notation, the brand by its code."""
    amounts = {name: None if row[name] is None else plain(row[name]) for name in _AMOUNTS}
    brand = desk.row("SELECT code FROM brand WHERE id = %s", [row["brand_id"]])
    told = {name: row[name] for name in _NEW} | amounts | {"brand": brand and brand["code"]}
    del told["brand_id"]
    return told


_PROGRAM = ("accrue_percent", "redeem_percent", "expires_after_days", "valid_from", "valid_until")


def _bonus_program(desk: Desk, record: Record) -> Facts:
    assert isinstance(record, f.BonusProgram)
    brand = brand_id(desk, record.brand)
    # One writer at a time, so that each programme is the change that its dated row says.
    desk.connection.execute("SELECT 1 FROM brand WHERE id = %s FOR NO KEY UPDATE", [brand])
    last = desk.row("SELECT * FROM bonus_program WHERE brand_id = %s ORDER BY id DESC LIMIT 1", [brand])
    before = {name: last[name] for name in _PROGRAM} if last else None
    new: Row = {
        "accrue_percent": None, "redeem_percent": None, "expires_after_days": None, "valid_from": desk.today,
        "valid_until": None,
    }  # fmt: skip
    given = fields_given(record)
    given.pop("brand")
    after = (before or new) | given
    done = {"brand": record.brand, "id": brand}
    for name in ("accrue_percent", "redeem_percent", "valid_from"):
        if after[name] is None:
            raise ValueError(f"{name}: is missing")
    if after["valid_until"] is not None and after["valid_until"] < after["valid_from"]:
        raise ValueError(f"valid_until: {after['valid_until']} is before valid_from, {after['valid_from']}")
    if after == before:
        return done
    desk.connection.execute(
        f"INSERT INTO bonus_program (brand_id, {', '.join(_PROGRAM)}, by, note) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        [brand, *(after[name] for name in _PROGRAM), record.by, record.note],
    )
    desk.note_change(record, record.brand, before, after)
    return done


FOOD_RULES: Mapping[str, Rule] = {**RULES, "promotion": _promotion, "bonus_program": _bonus_program}
"""The rules of both levels, by type of record."""
