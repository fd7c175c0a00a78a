"""Administration of food: promotions and bonus programmes.

As in level one: given fields change from now on, absent ones stay, the same content again
writes nothing, each change is a dated row. A promotion's kind never changes. Programmes
are append-only, the last recorded of those valid on a day counts.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial

from sqlalchemy import update
from sqlmodel import and_, col, func, or_, select

from ledger.administration.administration_lines import AccountStatus, Merge, Record
from ledger.core.transactions import Transaction
from ledger.food.core import commands as f
from ledger.food.core.points_of_orders import expire_points, pay_owed
from ledger.food.postgres import tables as t
from ledger.food.postgres.shop_store import changes, foreseen, load_shop
from ledger.postgres.administer import RULES
from ledger.postgres.administer_terms import check_period
from ledger.postgres.administration_run import Administration, Fields, Rule, brand_id, fields_given, set_fields
from ledger.postgres.merge_accounts import merge
from ledger.postgres.posting import Posting
from ledger.postgres.tables import Account, Brand, Party
from ledger.values.money import minor, plain
from ledger.values.refusals import Facts, Refused

_AMOUNTS = ("value", "min_order", "max_discount")
_COLUMNS = (
    *("kind", "value", "brand_id", "min_order", "max_discount", "valid_from", "valid_until", "max_uses"),
    *("max_uses_per_party", "first_order_only", "stackable", "financed"),
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
    if "financed" in given:
        shares = sorted(record.financed or (), key=lambda each: each.brand)
        for each in shares:
            brand_id(run, each.brand)
        given["financed"] = [{"brand": each.brand, "percent": str(each.percent)} for each in shares] or None
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
    # One writer at a time, so that each programme is the change that its dated row records.
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


def _merge(run: Administration, record: Record) -> Facts:
    """Merge accounts as level one does, with the lots of points, what is owed of these, and the counts of orders."""
    assert isinstance(record, Merge)
    return merge(run, record, partial(_with_points, run, record))


def _with_points(
    run: Administration, record: Merge, posting: Posting, decide: Callable[[], Transaction]
) -> Transaction:
    connection, book = posting.connection, posting.book
    programs, _ = foreseen(connection, (), lock=False)
    shop = load_shop(connection, book, (), programs, lives=timedelta(), all_points=True)
    for client in sorted(book.bonuses):
        expire_points(shop, posting, client, min(record.at or book.now, book.now))
    transaction = decide()
    into = transaction.account
    assert into is not None
    pay_owed(shop, posting, into)
    posting.write(changes(book, shop))
    _count_orders(run, record, [account for account, after in book.merged.items() if after == into], into)
    return transaction


def _count_orders(run: Administration, record: Merge, accounts: list[int], into: int) -> None:
    """Let the orders of merged accounts, and the promotions that they used, count for the client of the successor."""
    client = run.first(select(Party).join(Account, col(Account.party_id) == Party.id).where(Account.id == into))
    assert client is not None
    orders = select(t.FoodOrder.id).where(col(t.FoodOrder.account_id).in_(accounts))
    for table, of in ((t.FoodOrder, t.FoodOrder.id), (t.PromotionUse, t.PromotionUse.order_id)):
        run.session.exec(update(table).where(col(of).in_(orders)).values(party_id=client.id))
    of_accounts = select(Party).join(Account, col(Account.party_id) == Party.id).where(col(Account.id).in_(accounts))
    left = run.first(of_accounts.where(Party.id != client.id, Party.orders_before > 0))
    if left is None:
        return
    others = select(Account.id).where(Account.party_id == left.id, Account.kind == "money", Account.status != "closed")
    if run.first(others.where(col(Account.id).not_in(accounts))) is not None:
        return  # they belong to a client who stays
    was = client.orders_before
    for party, before, after in ((client, was, was + left.orders_before), (left, left.orders_before, 0)):
        party.orders_before = after
        changed: Fields = {"orders_before": after}
        run.note_change(record, party.reference, {"orders_before": before}, changed, kind="party")


FOOD_RULES: Mapping[str, Rule] = {
    **RULES,
    "promotion": _promotion,
    "bonus_program": _bonus_program,
    "account_status": _account_status,
    "merge": _merge,
}
"""The rules of both levels, by type of record."""
