"""The form of a live notebook: months, days, brands and choices to pick from, labelled in the reader's language."""

from collections.abc import Callable, Mapping
from html import escape
from typing import Any, Literal, get_args, get_origin

import polars as pl
from babel.dates import format_date
from pydantic.fields import FieldInfo

from ledger.settings import Settings
from ledger.values.dates import date_or_none, month_days
from reports.core.forms import Language
from reports.editions.parameters import DAYS, PERIOD, as_given, written
from reports.formats.code_names import code_name
from reports.run import LakeBook

LABELS: dict[str, dict[Language, str]] = {
    "month": {"en": "Month", "ru": "Месяц"},
    "from": {"en": "From", "ru": "С"},
    "to": {"en": "To, included", "ru": "По, включительно"},
    "as-of": {"en": "At the end of", "ru": "На конец дня"},
    "brand": {"en": "Brand", "ru": "Бренд"},
    "lake": {"en": "Lake", "ru": "Озеро"},
}
USUAL: dict[Language, str] = {"en": "by default", "ru": "по умолчанию"}
BESIDE: dict[Language, str] = {"en": "the days beside", "ru": "дни рядом"}
ANY: dict[Language, str] = {"en": "all", "ru": "все"}
_BOX = (
    "display: flex; flex-wrap: wrap; gap: 0.75rem 1.5rem; align-items: flex-end; padding: 0.9rem 1.1rem; "
    "border: 1px solid color-mix(in srgb, currentColor 22%, transparent); border-radius: 0.5rem; font-size: 0.9rem"
)
_LABEL = "display: flex; flex-direction: column; gap: 0.25rem"


def label(name: str, field: FieldInfo, language: Language) -> str:
    """Return what a parameter is called; a notebook's own says it as `title`, and as `ru` of its schema."""
    if name in LABELS:
        return LABELS[name][language]
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    own = extra.get(language) if language != "en" else field.title
    return str(own or field.title or name.replace("-", " ").capitalize())


def form(mo: Any, fields: Mapping[str, FieldInfo], begin: Mapping[str, str], book: LakeBook, address: Any) -> Any:
    """Return the fields as a form (`marimo.ui.batch`) whose values begin as given, and go into the page's address."""
    language = Settings().language
    of_days = "month" in fields and any(begin.get(name) for name in PERIOD)
    now = {**begin, **({"month": DAYS} if of_days else {})}

    def noted(name: str) -> Callable[[Any], None]:
        def note(value: Any) -> None:
            now[name] = str(value or "")
            said = as_given(now)
            for one in fields:
                if said.get(one) and one != "lake":
                    address.set(one, said[one])
                else:
                    address.remove(one)

        return note

    drawn = {name: _field(mo, name, fields, now, book, {"label": "", "on_change": noted(name)}) for name in fields}
    labels = [
        f'<label style="{_LABEL}"><span>{escape(label(name, field, language))}</span>{{{name}}}</label>'
        for name, field in fields.items()
    ]
    return mo.Html(f'<div style="{_BOX}">{"".join(labels)}</div>').batch(**drawn)


def _field(
    mo: Any, name: str, fields: Mapping[str, FieldInfo], now: Mapping[str, str], book: LakeBook, own: Mapping[str, Any]
) -> Any:
    field, language = fields[name], Settings().language
    value = now.get(name) or ("" if field.default is None else str(field.default))
    kind = written(field)
    if name == "lake":
        return mo.ui.text(value, disabled=True)
    if kind == "YYYY-MM":
        beside = {BESIDE[language]: DAYS} if PERIOD[0] in fields else {}
        months = {_month(month, language): month for month in _months(book)}
        return _choice(mo, {USUAL[language]: "", **beside, **months}, value, own)
    if kind == "YYYY-MM-DD":
        last = date_or_none(now.get("to", "")) or book.last_day
        return mo.ui.date(value=value or (last.replace(day=1) if name == "from" else last).isoformat(), **own)
    if get_origin(field.annotation) is Literal:
        return _choice(mo, {code_name(str(one), language): str(one) for one in get_args(field.annotation)}, value, own)
    if name == "brand":
        brands = book.brands.select("name", "code").sort("name").collect().rows()
        return _choice(mo, {ANY[language]: "", **{f"{one} ({code})": code for one, code in brands}}, value, own)
    return mo.ui.text(value, placeholder=kind, **own)


def _choice(mo: Any, names: dict[str, str], value: str, own: Mapping[str, Any]) -> Any:
    """Return a choice of values by their names; a value that is none of them stands for itself."""
    shown = next((name for name, one in names.items() if one == value), value)
    return mo.ui.dropdown(names | {shown: value}, shown, **own)


def _months(book: LakeBook) -> list[str]:
    """Return the months of the book up to the last day that reports speak of, the latest first."""
    months = book.transactions.select(pl.col("month").unique()).collect()["month"]
    return sorted({*months, f"{book.last_day:%Y-%m}"}, reverse=True)


def _month(month: str, language: Language) -> str:
    return format_date(month_days(month)[0], "LLLL y", locale=language)
