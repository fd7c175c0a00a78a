"""Forms of what clients are offered: promotions, and each brand's bonus programme. Both start from what there is."""

from collections.abc import Sequence
from decimal import Decimal

import streamlit as st

from dashboards import display, url_state
from dashboards.forms import subjects
from dashboards.forms.fields import Fields, Given
from dashboards.forms.money import open_brands
from dashboards.forms.posting import connected, terms
from dashboards.translations import as_markdown, sentence, tr
from ledger.food.postgres import offers
from ledger.values.money import decimal, plain
from reports.core.report import Column

SHARES = {"accrue_percent": "Accrued, %", "redeem_percent": "Paid by points at most, %"}
KINDS = ("percent", "amount", "free_delivery")
PROMOTIONS = (
    Column("code", "code", "Promo code", "Промокод"),
    Column("kind", "word", "Kind", "Вид"),
    Column("value", "money", "Percent, or amount", "Процент или сумма"),
    Column("brand", "code", "Brand", "Бренд"),
    Column("min_order", "money", "Orders from", "Заказ от"),
    Column("max_discount", "money", "Discount at most", "Скидка не больше"),
    Column("valid_from", "date", "Valid from", "Действует с"),
    Column("valid_until", "date", "Valid until", "Действует по"),
    Column("max_uses", "count", "Uses at most", "Не больше раз"),
    Column("used", "count", "Used", "Использована"),
)
PROGRAMS = (
    Column("brand", "code", "Brand", "Бренд"),
    Column("accrue_percent", "text", "Accrued, %", "Начисляется, %"),
    Column("redeem_percent", "text", "Paid by points at most, %", "Баллами не больше, %"),
    Column("expires_after_days", "number", "Points live, days", "Баллы живут, дней"),
    Column("valid_from", "date", "Valid from", "Действует с"),
    Column("valid_until", "date", "Valid until", "Действует по"),
    Column("recorded_at", "instant", "Recorded", "Записано"),
    Column("by", "text", "By", "Кто"),
)


def promotion(by: str) -> None:
    """Draw the promotions, and the form of one; a new code makes a new one."""
    with connected() as connection:
        known = offers.promotions(connection)
    if known:
        subjects.rows([dict(row) for row in known], PROMOTIONS, key="promotions", leads=("promotion=code",))
        st.caption(tr("click a row to change it"))
    code = url_state.text(st, "Promo code (a new one makes a new promotion)", "promotion", width=320)
    if not code:
        return
    now: Given = dict(next((row for row in known if row["code"] == code), {}))
    value = "Percent, or amount", display.money(decimal(now["value"])) if now.get("value") else None
    _standing(code, "promotion", known=bool(now), of=[value, ("Valid until", now.get("valid_until"))])

    def fill(fields: Fields) -> list[Given]:
        given: Given = {
            "kind": fields.choice("kind", "Kind", KINDS, now.get("kind", KINDS[0])),
            "value": fields.amount("value", "Percent, or amount", plain(now["value"]) if now.get("value") else ""),
            "brand": fields.choice("brand", "Brand", open_brands(), now.get("brand")),
        }
        for name, label in (("min_order", "Orders from"), ("max_discount", "Discount at most")):
            given[name] = fields.amount(name, label, plain(now[name]) if now.get(name) else "", blank="no limit")
        given |= _days(fields, now)
        for name, label in (("max_uses", "Uses at most"), ("max_uses_per_party", "Uses per client at most")):
            given[name] = fields.number(name, label, now.get(name), blank="no limit")
        for name, label in (("first_order_only", "First order only"), ("stackable", "Together with others")):
            given[name] = fields.choice(name, label, ("no", "yes"), "yes" if now.get(name) else "no") == "yes"
        return [{"type": "promotion", "code": code, **_blanks(given)}]

    terms("promotion", fill, about=(code, tuple(now.items())))


def program(by: str) -> None:
    """Draw the bonus programmes, and the form of a brand's."""
    with connected() as connection:
        known = offers.programs(connection)
    if known:
        subjects.rows([dict(row) for row in known], PROGRAMS, key="programs", leads=("brand=brand",))
        st.caption(tr("click a row to change it"))
    brand = url_state.choice(st.container(width=320), "Brand", open_brands(), "brand")
    if brand is None:
        return
    now: Given = dict(next((row for row in known if row["brand"] == brand), {}))
    shares = [(label, display.money(Decimal(now[name])) if now else None) for name, label in SHARES.items()]
    _standing(brand, "bonus_program", known=bool(now), of=[*shares, ("Valid until", now.get("valid_until"))])

    def fill(fields: Fields) -> list[Given]:
        given: Given = {
            **{name: fields.amount(name, label, now.get(name, "")) for name, label in SHARES.items()},
            "expires_after_days": fields.number(
                "expires_after_days", "Points live, days", now.get("expires_after_days"), blank="forever"
            ),
        }
        returned = fields.number("returned_live_days", "Returned points live, days", now.get("returned_live_days", 14))
        others = [code for code in open_brands() if code != brand]
        spent = fields.several("spend_at", "Points are spent also at", others, now.get("spend_at", ()), blank="nowhere")
        given |= _days(fields, now)
        line = {"type": "bonus_program", "brand": brand, **_blanks(given)}
        # Terms that begin today unless a day was chosen; which live days there are, is never blank.
        line = {name: value for name, value in line.items() if not (name == "valid_from" and value is None)}
        return [line | {"spend_at": spent} | ({} if returned is None else {"returned_live_days": returned})]

    terms("program", fill, about=(brand, tuple((name, str(value)) for name, value in now.items())))


def _blanks(given: Given) -> Given:
    """Return what was given, blanks as None; a nought is none, and the ledger says what it makes of it."""
    return {name: None if value == "" else value for name, value in given.items()}


def _days(fields: Fields, now: Given) -> Given:
    since = fields.day("valid_from", "Valid from", now.get("valid_from"))
    until = fields.day("valid_until", "Valid until", now.get("valid_until"))
    return {"valid_from": since and since.isoformat(), "valid_until": until and until.isoformat()}


def _standing(code: str, what: str, *, known: bool, of: Sequence[tuple[str, object]]) -> None:
    """Show whether there is such a one, and what the ledger has of it."""
    note = "there is such a {what}: it is changed" if known else "there is no such {what} yet: it is added"
    facts = [f"{tr(label)} **{value}**" for label, value in of if value]
    st.caption(" · ".join([f"**{as_markdown(code)}** · {sentence(note, what=tr(what))}", *facts]))
