"""Results as an Excel workbook: a sheet of typed cells, and a sheet that describes them.

Sums are formulas by currency and kind of account, with their values, so that a filtered or edited
sheet goes on adding up.
"""

import io
import math
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from xlsxwriter import Workbook
from xlsxwriter.utility import xl_range_abs, xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from ledger.values.text import readable
from reports.core.forms import Language
from reports.core.report import Column
from reports.core.result import Result, TooLarge
from reports.explain import links
from reports.formats.captions import NUMBERS, facts, parting, subtotals, unit, word
from reports.formats.code_names import named_columns

MOST_ROWS = 1_048_576 - 20  # Excel's own limit, less heading and sums
MOST_LINKS = 65_530  # of a sheet, Excel's own limit
MOST_LETTERS = 32_767  # in a cell
EXACT = Decimal(10) ** 13
"""Excel keeps 15 digits of a number: from here on the cents of an amount would be lost, so it is written as text."""
FORMATS = {
    "money": "#,##0.00;[Red]-#,##0.00",
    "average": "#,##0.00",
    "count": "#,##0",
    "account": "0",
    "number": "0",
    "rate": "0.00",
    "share": "0.0%",
    "date": "yyyy-mm-dd",
    "instant": "yyyy-mm-dd hh:mm:ss",
}
_WIDTHS = {
    "money": 16,
    "average": 14,
    "instant": 20,
    "date": 12,
    "account": 12,
    "text": 30,
    "state": 30,
    "code": 16,
    "word": 16,
}
_HEADER = 3


def xlsx_bytes(result: Result, language: Language, *, dashboard: str | None = None) -> bytes:
    """Return the workbook; TooLarge if Excel cannot hold that many rows.

    Figures link to their explanations in the dashboard at that address, the first of them where they are more than
    Excel has links.
    """
    if result.frame.height > MOST_ROWS:
        raise TooLarge(
            f"{result.frame.height} rows are too many for Excel, which holds {MOST_ROWS}: use csv or parquet"
        )
    buffer = io.BytesIO()
    made = result.cut.taken_at.astimezone(ZoneInfo("UTC")).replace(tzinfo=None)  # the same bytes on any day
    with Workbook(buffer, {"in_memory": True}) as book:
        book.set_properties({"title": result.report.title(language), "created": made})
        sheet = _Sheet(book, book.add_worksheet(result.report.name[:31]), result, language)
        _rows(sheet)
        if dashboard:
            _link(sheet, dashboard)
        _about(book, book.add_worksheet(word("about", language)), result, language)
    return buffer.getvalue()


class _Sheet:
    """The sheet being written, and how its cells look."""

    def __init__(self, book: Workbook, sheet: Worksheet, result: Result, language: Language) -> None:
        self.book, self.sheet, self.result, self.language = book, sheet, result, language
        self.columns = result.columns
        looks = [{"num_format": FORMATS.get(c.kind, "@"), "align": _side(c)} for c in self.columns]
        money = [column.name for column in self.columns if column.kind == "money"]
        self.long = {name for name in money if _is_long(result.frame[name].abs().max())}
        self.named = named_columns()
        self.looks = [book.add_format(look) for look in looks]
        self.sums = [book.add_format(look | {"bold": True, "top": 1}) for look in looks]


def _rows(s: _Sheet) -> None:
    sheet, result = s.sheet, s.result
    sheet.write_string(0, 0, result.report.title(s.language), s.book.add_format({"bold": True, "font_size": 14}))
    _warning(s)
    heading = {"bold": True, "text_wrap": True, "valign": "bottom", "bottom": 1, "bg_color": "#EEEEEE"}
    headers = {side: s.book.add_format(heading | {"align": side}) for side in ("left", "right")}
    for index, column in enumerate(s.columns):
        sheet.write_string(_HEADER, index, column.label(s.language), headers[_side(column)])
        sheet.set_column(index, index, _width(column, s.language))
    lines = max(math.ceil((len(c.label(s.language)) + 2) / _width(c, s.language)) for c in s.columns)
    sheet.set_row(_HEADER, 16 * lines)  # not every program makes room for a heading that wraps
    for number, row in enumerate(result.frame.iter_rows(), start=_HEADER + 1):
        for index, (value, column) in enumerate(zip(row, s.columns, strict=True)):
            if value in s.named.get(column.name, ()):
                value = s.named[column.name][value][s.language]
            write(sheet, number, index, value, column, s.looks[index], result.cut.time_zone)
    last = _HEADER + result.frame.height
    sheet.freeze_panes(_HEADER + 1, 0)
    sheet.autofilter(_HEADER, 0, max(last, _HEADER + 1), len(s.columns) - 1)
    _subtotals(s, last)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(_HEADER)
    sheet.set_footer("&L&A&R&P / &N")


def _link(s: _Sheet, dashboard: str) -> None:
    """Link figures that are written: an address does not change what stands in the cell."""
    places, left = {column.name: index for index, column in enumerate(s.columns)}, MOST_LINKS
    rows = s.result.frame.iter_rows()
    for number, (row, of) in enumerate(zip(rows, links(s.result, dashboard), strict=True), start=_HEADER + 1):
        left -= len(of)
        if left < 0:
            return
        for name, url in of.items():
            index = places[name]
            s.sheet.write_url(number, index, url, s.looks[index])
            _figure(s.sheet, number, index, row[index], s.looks[index])


def _warning(s: _Sheet) -> None:
    warnings = [word("provisional", s.language)] if s.result.provisional else []
    warnings += [word("differs", s.language)] if not s.result.holds else []
    warnings += [word("long amounts", s.language)] if s.long else []
    days = " – ".join(str(day) for day in dict.fromkeys(s.result.parameters.days))
    s.sheet.write_string(1, 0, f"{days}   {s.result.cut.time_zone}")
    if warnings:
        s.sheet.write_string(2, 0, ". ".join(warnings), s.book.add_format({"bold": True, "font_color": "#C00000"}))


def _side(column: Column) -> str:
    """Return the side of figures; the number of an account is a name, and stands beside its code."""
    return "right" if column.kind in NUMBERS and column.kind != "account" else "left"


def _width(column: Column, language: Language) -> int:
    longest = max(len(part) for part in column.label(language).split()) + 3
    return max(_WIDTHS.get(column.kind, 10), longest)


def write(sheet: Worksheet, row: int, index: int, value: Any, column: Column, look: Any, zone: str) -> None:
    """Write a value as its column's kind has it; instants in that time zone."""
    if value is None:
        sheet.write_blank(row, index, None, look)
    elif isinstance(value, datetime):
        sheet.write_datetime(row, index, value.astimezone(ZoneInfo(zone)).replace(tzinfo=None), look)
    elif column.kind == "date":
        sheet.write_datetime(row, index, value, look)
    elif column.kind in NUMBERS:
        _figure(sheet, row, index, value, look)
    else:
        text = readable(str(value))
        shown = text if len(text) <= MOST_LETTERS else f"{text[: MOST_LETTERS - 1]}…"
        sheet.write_string(row, index, shown, look)  # never a formula, whatever it begins with


def _figure(sheet: Worksheet, row: int, index: int, value: Any, look: Any) -> None:
    if _is_long(value):
        sheet.write_string(row, index, f"{value:f}", look)
    else:
        sheet.write_number(row, index, float(value), look)


def _is_long(value: Any) -> bool:
    return isinstance(value, Decimal) and abs(value) >= EXACT


def _subtotals(s: _Sheet, last: int) -> None:
    names = [column.name for column in s.columns]
    groups = parting(s.columns)
    for number, sums in enumerate(subtotals(s.result), start=last + 2):
        s.sheet.write_string(number, 0, word("total", s.language).capitalize(), s.sums[0])
        for index, column in enumerate(s.columns):
            if column.name in groups:
                s.sheet.write_string(number, index, str(sums[column.name] or ""), s.sums[index])
            elif column.name in sums:
                given = [_criterion(names.index(name), number, last) for name in groups]
                formula = (
                    f"=SUMIFS({','.join([_range(index, last), *given])})" if given else f"=SUM({_range(index, last)})"
                )
                if s.result.totals is not None:  # no sum of what is seen
                    write(s.sheet, number, index, sums[column.name], column, s.sums[index], s.result.cut.time_zone)
                elif (
                    _is_long(sums[column.name]) or column.name in s.long
                ):  # a formula passes over amounts that are text
                    s.sheet.write_string(number, index, f"{sums[column.name]:f}", s.sums[index])
                else:
                    s.sheet.write_formula(number, index, formula, s.sums[index], float(Decimal(sums[column.name])))


def _range(index: int, last: int) -> str:
    return str(xl_range_abs(_HEADER + 1, index, last, index))


def _criterion(index: int, row: int, last: int) -> str:
    return f"{_range(index, last)},{xl_rowcol_to_cell(row, index)}"


def _about(book: Workbook, sheet: Worksheet, result: Result, language: Language) -> None:
    bold, red = book.add_format({"bold": True}), book.add_format({"font_color": "#C00000", "bold": True})
    right = book.add_format({"bold": True, "align": "right"})
    amount = book.add_format({"num_format": "#,##0.00"})  # nothing red here but what differs
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.set_column(0, 0, 44)
    sheet.set_column(1, 4, 20)
    lines = facts(result, language)
    for number, fact in enumerate(lines):
        sheet.write_string(number, 0, fact.label, bold)
        sheet.write_string(number, 1, readable(fact.value))
    first = len(lines) + 1
    for index, name in enumerate(("controls", "currency", "expected", "actual", "difference")):
        sheet.write_string(first, index, word(name, language), right if index > 1 else bold)
    for number, control in enumerate(result.controls, start=first + 1):
        state = "holds" if control.holds else "differs"
        sheet.write_string(number, 0, control.label(language), None if control.holds else red)
        sheet.write_string(number, 1, unit(control, language))
        for index, figure in enumerate((control.expected, control.actual, control.difference), start=2):
            _figure(sheet, number, index, figure, amount)
        sheet.write_string(number, 5, f"  {word(state, language)}", None if control.holds else red)
