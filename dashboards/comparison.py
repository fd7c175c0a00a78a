"""What a figure can be compared with: the period before, a year ago, another brand, an earlier cut."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import streamlit as st

from dashboards import cached_book, display, links
from dashboards.translations import sentence, tr
from reports.compared import earlier, year_ago
from reports.core.result import Result
from reports.explain import Address, difference, moments, parameters_of

Against = dict[str, str]


def is_compared(result: Result, row: Mapping[str, Any], column: str, *, of_one: bool) -> bool:
    """Return whether a figure can be compared: revenue of any period, what one debtor owes or has available."""
    if any(row.get(name) not in (None, "") for name in ("hour", "weekday")):
        return False
    of_a_debtor = of_one and column in moments.FIGURES.get(result.report.name, ())
    return of_a_debtor or difference.is_compared(result.report.name, column)


def choose(result: Result, row: Mapping[str, Any], column: str, now: Against | None = None) -> None:
    """Draw what the figure can be compared with; a choice leads to the page of the difference."""
    known = {f"{sentence(what)}: {words(other)}": other for what, other in _others(result, row)}
    if now is not None and now not in known.values():
        known[words(now)] = now
    at = None if now is None else list(known.values()).index(now)
    chosen = st.selectbox(sentence("Compare with"), known, index=at, placeholder=tr("another figure"), width=420)
    if chosen is not None and known[chosen] != now:
        address = Address(
            result.report.name, parameters_of(result), result.cut.number, dict(row), column, known[chosen]
        )
        links.go(links.Target(links.DIFFERENCE, address.query))


def _others(result: Result, row: Mapping[str, Any]) -> list[tuple[str, Against]]:
    """Return what the figure can be compared with: what it is, and `against` of an explanation."""
    cuts = [("as known before", {"cut": str(cut.number)}) for cut in cached_book.earlier_cuts()]
    if result.report.name in moments.FIGURES:
        day = result.parameters.days[1]
        before, ago = ({"as_of": end.isoformat()} for end in (day.replace(day=1) - timedelta(days=1), year_ago(day)))
        return [("the end of the month before", before), ("a year ago", ago), *cuts]
    first, last = (date.fromisoformat(day) for day in difference.period(result, row).values())
    before, ago = ({"from": since.isoformat(), "to": until.isoformat()} for since, until in earlier(first, last))
    codes = cached_book.brands()["code"].to_list() if row.get("brand") else []
    brands = [("Brand", {"brand": code}) for code in codes if code != row["brand"]]
    return [("the period before", before), ("a year ago", ago), *brands, *cuts]


def words(other: Against) -> str:
    """Return in words what a figure is compared with."""
    left = dict(other)
    parts = []
    if "from" in left and "to" in left:
        parts.append(f"{left.pop('from')} – {left.pop('to')}")
    if "cut" in left:
        number = left.pop("cut")
        taken = {str(cut.number): cut.taken_at for cut in cached_book.earlier_cuts()}
        at = f", {display.local(taken[number], cached_book.book().cut.time_zone)}" if number in taken else ""
        parts.append(f"{tr('cut')} {number}{at}")
    if "brand" in left:
        code = left.pop("brand")
        names = dict(cached_book.brands().select("code", "name").iter_rows())
        parts.append(names.get(code, code))
    return ", ".join([*parts, *left.values()])
