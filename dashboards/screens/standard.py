"""Reports: any standard report with its parameters, its controls, its rows, and every form of file."""

from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import streamlit as st
from pydantic.fields import FieldInfo

from dashboards import cached_book, display, url_state
from dashboards.downloads import downloads
from dashboards.translations import language, sentence, tr
from reports.core.report import REPORTS, Report
from reports.lake.restricted import BETWEEN
from reports.run import LakeBook

_LABELS = {
    "from": "From",
    "to": "To",
    "as_of": "As of",
    "account": "Account number or reference",
    "party": "Client code",
    "brand": "Brand",
    "currency": "Currency",
    "by": "A row for each",
    "dated_by": "Dated by",
    "booked_until": "Booked until",
    "attribute": "Attribute",
}
FIRST = "turnover"


def standard() -> None:
    """Draw the page."""
    st.title(sentence("Reports"))
    name = _chosen()
    report = REPORTS[name]
    st.session_state["part"] = name  # the fields of two reports are not the same fields
    if language() == "en":
        st.caption(sentence(report.question))
    given = _form(cached_book.book(), report)
    missing = [key for key, field in _fields(report).items() if field.is_required() and given.get(key) is None]
    if missing:
        st.info(f"{sentence(_LABELS[missing[0]])} …")
        return
    _result(report, given)


def _chosen() -> str:
    """Return the report that was chosen; another one than before starts with its own usual parameters."""
    st.session_state["part"] = ""
    before = url_state.get("report")
    place = st.container(width=420)
    names = [name for name in REPORTS if cached_book.book().whole or name not in BETWEEN]
    name = url_state.choice(
        place, "Report", names, "report", default=FIRST, shown=lambda one: REPORTS[one].title(language())
    )
    assert name is not None
    if before in REPORTS and name != before:
        st.query_params.from_dict({"report": name})
    return name


def _fields(report: Report) -> dict[str, FieldInfo]:
    return {field.alias or name: field for name, field in report.parameters.model_fields.items()}


def _form(book: LakeBook, report: Report) -> dict[str, Any]:
    """Draw a field for each parameter and return what they hold; it counts when the form is sent."""
    fields = _fields(report)
    order = [name for name in _LABELS if name in fields] + [name for name in fields if name not in _LABELS]
    with st.form(f"form-{report.name}", border=True):
        given: dict[str, Any] = {}
        for start in range(0, len(order), 4):
            for column, name in zip(st.columns(4), order[start : start + 4], strict=False):
                with column:
                    given[name] = _field(book, name, fields[name])
        st.form_submit_button(sentence("Run"), type="primary")
    return given


def _field(book: LakeBook, name: str, field: FieldInfo) -> Any:
    label = _LABELS.get(name, name.replace("_", " "))
    choices = _choices(field)
    if name in ("from", "to", "as_of"):
        return url_state.day(st, label, name, book.last_day.replace(day=1) if name == "from" else book.last_day)
    if name == "brand":
        return url_state.choice(st, label, cached_book.brands()["code"].to_list(), name)
    if name == "currency":
        return url_state.choice(st, label, cached_book.currencies(), name)
    if choices:
        return url_state.choice(st, label, choices, name, default=str(field.default), shown=tr)
    return url_state.text(st, label, name) or None


def _choices(field: FieldInfo) -> list[str]:
    kinds = get_args(field.annotation) if get_origin(field.annotation) in (Union, UnionType) else (field.annotation,)
    return [str(value) for kind in kinds if get_origin(kind) is Literal for value in get_args(kind)]


def _result(report: Report, given: dict[str, Any]) -> None:
    with st.spinner(report.title(language())):
        result = cached_book.report(report.name, **given)
    st.subheader(report.title(language()))
    st.caption(display.facts(result))
    display.control_status(result)
    downloads(result, key=report.name)
    display.picture(result)
    display.result_table(result, key=f"rows-{report.name}")


if __name__ == "__main__":
    standard()
