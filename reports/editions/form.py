"""The form of a live notebook: months, days, brands and choices to pick from, labelled in the reader's language."""

from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args, get_origin

import polars as pl
from babel.dates import format_date
from pydantic.fields import FieldInfo

from ledger.settings import Settings
from ledger.values.dates import date_or_none, month_days
from reports.core.forms import Language
from reports.editions.parameters import PERIOD, NotebookParameters, as_given, written
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
BESIDE: dict[Language, str] = {"en": "no: the days beside", "ru": "нет: дни рядом"}
ANY: dict[Language, str] = {"en": "all", "ru": "все"}
_BOX = (
    "display: flex; flex-wrap: wrap; gap: 0.75rem 1.5rem; align-items: flex-end; padding: 0.9rem 1.1rem; "
    "border: 1px solid color-mix(in srgb, currentColor 22%, transparent); border-radius: 0.5rem; font-size: 0.9rem"
)


def label(name: str, field: FieldInfo, language: Language) -> str:
    """Return what a parameter is called; a notebook's own says it as `title`, and as `ru` of its schema."""
    if name in LABELS:
        return LABELS[name][language]
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    own = extra.get(language) if language != "en" else field.title
    return str(own or field.title or name.replace("-", " ").capitalize())


def form(
    mo: Any,
    declared: type[NotebookParameters],
    fields: Mapping[str, FieldInfo],
    begin: Mapping[str, str],
    book: LakeBook,
    address: Any,
) -> Any:
    """Return the fields as a form (`marimo.ui.batch`) whose values begin as given, and go into the page's address."""
    language, now = Settings().language, dict(begin)
    days = _days(declared, book, begin)

    def noted(name: str) -> Callable[[Any], None]:
        def note(value: Any) -> None:
            now[name] = str(value or "")
            given = as_given(now)
            for one in fields:
                if given.get(one) and one != "lake":
                    address.set(one, given[one])
                else:
                    address.remove(one)

        return note

    drawn = {
        name: _field(
            mo, name, fields, now.get(name) or days.get(name, ""), book, label(name, field, language), noted(name)
        )
        for name, field in fields.items()
    }
    places = "".join(f"<div>{{{name}}}</div>" for name in fields)
    return mo.Html(f'<div style="{_BOX}">{places}</div>').batch(**drawn)


def _days(declared: type[NotebookParameters], book: LakeBook, begin: Mapping[str, str]) -> dict[str, str]:
    """Return the days that are shown where none is given."""
    last = date_or_none(begin.get("to", "")) or book.last_day
    first = last.replace(day=1)
    if declared.whole:
        first = book.transactions.select(pl.col("business_date").min()).collect().item() or first
    return {"from": min(first, last).isoformat(), "to": last.isoformat(), "as-of": last.isoformat()}


def _field(
    mo: Any,
    name: str,
    fields: Mapping[str, FieldInfo],
    given: str,
    book: LakeBook,
    label: str,
    on_change: Callable[[Any], None],
) -> Any:
    field, language = fields[name], Settings().language
    own = {"label": label, "on_change": on_change}
    value = given or ("" if field.default is None else str(field.default))
    kind = written(field)
    if name == "lake":
        return mo.ui.text(value, label=label, disabled=True)
    if kind == "YYYY-MM":
        none = BESIDE if PERIOD[0] in fields else USUAL
        return _choice(
            mo, {none[language]: "", **{_month(month, language): month for month in _months(book)}}, value, own
        )
    if kind == "YYYY-MM-DD":
        return mo.ui.date(value=value or book.last_day.isoformat(), **own)
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
