"""Administration of food: promotions and bonus programmes.

As in level one: given fields change from now on, absent ones stay, the same content again
writes nothing, each change is a dated row. A promotion's kind never changes. Programmes
are append-only, the last recorded of those valid on a day counts.
"""

from collections.abc import Mapping

from sqlmodel import and_, col, func, or_, select

from ledger.administration.records import AccountStatus, Record
from ledger.core.outcomes import Facts, Refused
from ledger.food.core import commands as f
from ledger.food.postgres import tables as t
from ledger.postgres.administer import RULES
from ledger.postgres.administer_terms import check_period
from ledger.postgres.administration_run import Administration, Fields, Rule, brand_id, fields_given, set_fields
from ledger.postgres.tables import Account, Brand
from ledger.values.money import minor, plain

_AMOUNTS = ("value", "min_order", "max_discount")
_COLUMNS = (
    *("kind", "value", "brand_id", "min_order", "max_discount", "valid_from", "valid_until", "max_uses"),
    *("max_uses_per_party", "first_order_only", "stackable"),
)


def _promotion(run: Administration, record: Record) -> Facts:
    assert isinstance(record, f.Promotion)
    promotion = run.first(select(t.Promotion).where(t.Promotion.code == record.code), locked=True)
    before = _described(run, promotion) if promotion else None
    kind, limited = (promotion.kind, promotion.max_uses is not None) if promotion else (None, False)
    if kind is not None and record.kind not in (None, kind):
        facts = {"subject": f"promotion {record.code}", "what": "kind", "is": kind, "asked": record.kind}
        raise Refused("never_changes", **facts)
    given = _columns_given(run, record)
    as_it_was = promotion.model_dump() if promotion else {"code": record.code, "kind": record.kind or ""}
    new = t.Promotion(**(as_it_was | given))
    _check_promotion(new, value_given=given.get("value", new.value if promotion else None) is not None)
    saved = promotion or new
    set_fields(saved, given)
    run.session.add(saved)
    run.session.flush()
    after = _described(run, saved)
    if before is None:
        run.note_change(record, record.code, None, after)
    elif after != before:
        changed = [name for name in after if after[name] != before[name]]
        run.note_change(record, record.code, {n: before[n] for n in changed}, {n: after[n] for n in changed})
        if saved.max_uses is not None and not limited:
            # Uses are counted only while there is a limit: from now on, and those so far.
            uses = (
                select(func.count())
                .select_from(t.PromotionUse)
                .join(t.FoodOrder, col(t.FoodOrder.id) == t.PromotionUse.order_id)
            )
            uses = uses.where(t.PromotionUse.promotion_id == saved.id)
            pending = and_(t.FoodOrder.status == "placed", col(t.FoodOrder.main_id).is_(None))
            saved.used = run.session.exec(uses.where(or_(col(t.PromotionUse.given_back_at).is_(None), pending))).one()
    return {"code": record.code, "id": saved.id}


def _columns_given(run: Administration, record: f.Promotion) -> Fields:
    """Return the given fields as the table has them."""
    given = fields_given(record)
    del given["code"]
    if record.kind is None:
        given.pop("kind", None)
    if "brand" in given:
        del given["brand"]
        given["brand_id"] = None if record.brand is None else brand_id(run, record.brand)
    amounts = {"value": record.value, "min_order": record.min_order, "max_discount": record.max_discount}
    given |= {name: minor(amount) for name, amount in amounts.items() if amount is not None}
    given |= {name: bool(given[name]) for name in ("first_order_only", "stackable") if name in given}
    if record.kind == "free_delivery" or given.get("value", 0) is None:
        given["value"] = 0
    return given


def _check_promotion(promotion: t.Promotion, *, value_given: bool) -> None:
    if not promotion.kind:
        raise ValueError("kind: is missing")
    if not value_given or (promotion.kind != "free_delivery" and not promotion.value):
        raise ValueError("value: is missing")
    if promotion.kind == "percent" and promotion.value > 10_000:
        raise ValueError(f"value: {plain(promotion.value)} is more than 100 percent")
    check_period(promotion.valid_from, promotion.valid_until)


def _described(run: Administration, promotion: t.Promotion) -> Fields:
    """Return a promotion as `change` keeps it: amounts in plain notation, the brand by its code."""
    columns: Fields = promotion.model_dump(include={*_COLUMNS} - {"brand_id", *_AMOUNTS})
    amounts = {"value": promotion.value, "min_order": promotion.min_order, "max_discount": promotion.max_discount}
    columns |= {name: None if amount is None else plain(amount) for name, amount in amounts.items()}
    return columns | {"brand": run.first(select(Brand.code).where(Brand.id == promotion.brand_id))}


PROGRAM = (
    *("accrue_percent", "redeem_percent", "expires_after_days", "valid_from", "valid_until"),
    *("returned_live_days", "spend_at"),
)


def _bonus_program(run: Administration, record: Record) -> Facts:
    assert isinstance(record, f.BonusProgram)
    # One writer at a time, so that each programme is the change that its dated row says.
    brand = brand_id(run, record.brand, locked=True)
    programs = select(t.BonusProgram).where(t.BonusProgram.brand_id == brand)
    last = run.first(programs.order_by(col(t.BonusProgram.id).desc()))
    before = {name: getattr(last, name) for name in PROGRAM} if last else None
    given = fields_given(record)
    del given["brand"]
    if "spend_at" in given:
        given["spend_at"] = sorted({*(record.spend_at or ())} - {record.brand})
        for code in record.spend_at or ():
            brand_id(run, code)
    after = (before or {"valid_from": run.today, "returned_live_days": 14, "spend_at": []}) | given
    for name in ("accrue_percent", "redeem_percent", "valid_from", "returned_live_days"):
        if after.get(name) is None:
            raise ValueError(f"{name}: is missing")
    new = t.BonusProgram(brand_id=brand, by=record.by, note=record.note, **after)
    check_period(new.valid_from, new.valid_until)
    after = {name: getattr(new, name) for name in PROGRAM}
    if after != before:
        run.session.add(new)
        run.note_change(record, record.brand, before, after)
    return {"brand": record.brand, "id": brand}


def _account_status(run: Administration, record: Record) -> Facts:
    """Set an account's status as level one does; what its bonus accounts owe ends when it is closed."""
    assert isinstance(record, AccountStatus)
    done = RULES["account_status"](run, record)
    if record.status == "closed":
        owed = select(t.BonusOwed.account_id, func.sum(t.BonusOwed.amount))
        of = owed.join(Account, col(Account.id) == t.BonusOwed.account_id)
        of = of.where(or_(Account.id == done["account"], Account.money_account_id == done["account"]))
        for account, amount in run.session.exec(of.group_by(col(t.BonusOwed.account_id))).all():
            if amount:
                ended = t.BonusOwed(account_id=account, amount=-int(amount), posted_at=run.now, business_date=run.today)
                run.session.add(ended)
    return done


FOOD_RULES: Mapping[str, Rule] = {
    **RULES,
    "promotion": _promotion,
    "bonus_program": _bonus_program,
    "account_status": _account_status,
}
"""The rules of both levels, by type of record."""
