"""Explore's table as a workbook: the table, a pivot table of Excel's own, and the rows that both are made of.

XlsxWriter writes no pivot tables, so two parts of the file are written here, as Excelize writes them: what the pivot
table shows, and where its rows are (DECISIONS D206). Excel and LibreOffice fill it when they open the file.
"""

import io
from collections.abc import Callable, Sequence
from xml.sax.saxutils import quoteattr
from zipfile import ZIP_DEFLATED, ZipFile

import polars as pl
from xlsxwriter import Workbook
from xlsxwriter.utility import xl_range, xl_range_abs, xl_rowcol_to_cell

from ledger.values.text import readable
from reports.core.report import Column
from reports.formats.captions import NUMBERS
from reports.formats.excel import EXACT, FORMATS, write
from reports.pivot import Pivot

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_PARTS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_BLANK = '<sharedItems containsBlank="1" count="0"><m/></sharedItems>'


def pivot_workbook(
    found: Pivot, rows: pl.DataFrame | None, columns: Sequence[Column], words: Callable[[str], str]
) -> bytes:
    """Return the workbook of a table; `rows` is its `source`, None where nothing adds up to its cells.

    `columns` are the table's, and `words` translates names of dimensions, the measure and the sheets.
    """
    buffer = io.BytesIO()
    with Workbook(buffer, {"in_memory": True}) as book:
        _table(book, found, columns, words, adds_up=rows is not None)
        if rows is not None:
            book.add_worksheet(words("pivot table"))
            labels = [words(name) for name in rows.columns]
            names = labels if len(set(labels)) == len(labels) else rows.columns  # fields are known by their names
            _rows(book, rows, names, words("rows"))
    if rows is None:
        return buffer.getvalue()
    return _with_pivot(buffer, _definition(found, rows.columns, names), _cache(rows.height, names, words("rows")))


def _table(
    book: Workbook, found: Pivot, columns: Sequence[Column], words: Callable[[str], str], *, adds_up: bool
) -> None:
    sheet, last = book.add_worksheet(words("table")), found.frame.height
    names = [column.name for column in columns]
    looks = [{"num_format": FORMATS.get(column.kind, "@")} for column in columns]
    cells = [book.add_format(look) for look in looks]
    sums = [book.add_format(look | {"bold": True, "top": 1}) for look in looks]
    head = {side: book.add_format({"bold": True, "bottom": 1, "bg_color": "#EEEEEE", "align": side}) for side in _SIDES}
    for index, column in enumerate(columns):
        sheet.write_string(0, index, column.en, head["right" if column.kind in NUMBERS else "left"])
    sheet.set_column(0, len(columns) - 1, 16)
    for number, row in enumerate(found.frame.select(names).iter_rows(), start=1):
        for index, (value, column) in enumerate(zip(row, columns, strict=True)):
            write(sheet, number, index, value, column, cells[index], "UTC")
    of = names.index("currency")
    for number, total in enumerate(found.totals.iter_rows(named=True), start=last + 2):
        sheet.write_string(number, 0, words("total"), sums[0])
        for index, column in enumerate(columns[of:], start=of):
            value = total[column.name]
            if column.name == "currency" or not adds_up or value is None or abs(value) >= EXACT:
                write(sheet, number, index, value, column, sums[index], "UTC")
                continue
            same = f"{xl_range_abs(1, of, last, of)},{xl_rowcol_to_cell(number, of)}"
            formula = f"=SUMIFS({xl_range(1, index, last, index)},{same})"
            sheet.write_formula(number, index, formula, sums[index], float(value))
    sheet.freeze_panes(1, of + 1)
    sheet.autofilter(0, 0, max(last, 1), len(columns) - 1)


_SIDES = ("left", "right")


def _rows(book: Workbook, rows: pl.DataFrame, names: Sequence[str], title: str) -> None:
    sheet, bold = book.add_worksheet(title), book.add_format({"bold": True, "bottom": 1, "bg_color": "#EEEEEE"})
    amount = book.add_format({"num_format": FORMATS["money"] if rows[rows.columns[-1]].dtype.is_decimal() else "#,##0"})
    for index, name in enumerate(names):
        sheet.write_string(0, index, name, bold)
    for number, row in enumerate(rows.iter_rows(), start=1):
        for index, text in enumerate(row[:-1]):
            sheet.write_string(number, index, readable(text))
        sheet.write_number(number, len(row) - 1, float(row[-1] or 0), amount)
    sheet.set_column(0, len(names) - 1, 16)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, max(rows.height, 1), len(names) - 1)


def _cache(height: int, names: Sequence[str], sheet: str) -> str:
    """Return where the rows of the pivot table are. Reference: ECMA-376, part 1, 18.10.1.67."""
    fields = "".join(f"<cacheField name={quoteattr(name)} numFmtId='0'>{_BLANK}</cacheField>" for name in names)
    source = f"<worksheetSource ref='{xl_range(0, 0, height, len(names) - 1)}' sheet={quoteattr(sheet)}/>"
    return (
        f"{_HEAD}<pivotCacheDefinition xmlns='{_MAIN}' saveData='0' refreshOnLoad='1' createdVersion='3' "
        f"refreshedVersion='8' minRefreshableVersion='3'><cacheSource type='worksheet'>{source}</cacheSource>"
        f"<cacheFields count='{len(names)}'>{fields}</cacheFields></pivotCacheDefinition>"
    )


def _definition(found: Pivot, columns: Sequence[str], names: Sequence[str]) -> str:
    """Return what the pivot table shows: currency first on its rows, so that no sum mixes two (18.10.1.73)."""
    question, place = found.question, {name: number for number, name in enumerate(columns)}
    rows, across = ["currency", *question.rows], question.across
    axes = dict.fromkeys(rows, "axisRow") | ({across: "axisCol"} if across else {})
    item = "<items count='1'><item t='default'/></items>"
    fields = "".join(
        f"<pivotField axis='{axes[name]}' compact='0' outline='0' showAll='0'>{item}</pivotField>"
        if name in axes
        else "<pivotField showAll='0'/>"
        for name in columns[:-1]
    )
    fields += "<pivotField dataField='1' showAll='0'/>"
    across_fields = f"<colFields count='1'><field x='{place[across]}'/></colFields>" if across else ""
    on_rows = "".join(f"<field x='{place[name]}'/>" for name in rows)
    shown = quoteattr(f"{names[-1]} ")  # a name of its own, other than the field's
    whole = int(found.totals.height == 1)
    form = 3 if question.measure == "entries" else 4
    return (
        f"{_HEAD}<pivotTableDefinition xmlns='{_MAIN}' name='Tiffin' cacheId='1' dataCaption='Values' "
        "updatedVersion='8' minRefreshableVersion='3' createdVersion='3' showDrill='1' rowGrandTotals='1' "
        f"colGrandTotals='{whole}' compactData='0'><location ref='A3:F20' firstHeaderRow='1' firstDataRow='1' "
        f"firstDataCol='1'/><pivotFields count='{len(columns)}'>{fields}</pivotFields>"
        f"<rowFields count='{len(rows)}'>{on_rows}</rowFields>"
        f"<rowItems count='1'><i><x/></i></rowItems>{across_fields}<colItems count='1'><i/></colItems>"
        f"<dataFields count='1'><dataField name={shown} fld='{len(columns) - 1}' subtotal='sum' numFmtId='{form}'/>"
        "</dataFields><pivotTableStyleInfo name='PivotStyleLight16' showRowHeaders='1' showColHeaders='1' "
        "showLastColumn='1'/></pivotTableDefinition>"
    )


def _with_pivot(written: io.BytesIO, definition: str, cache: str) -> bytes:
    """Return the workbook with a pivot table on its second sheet."""
    cache_name, table_name = "pivotCache/pivotCacheDefinition1.xml", "pivotTables/pivotTable1.xml"
    types = (
        f"<Override PartName='/xl/{table_name}' ContentType='{_TYPE}.pivotTable+xml'/>"
        f"<Override PartName='/xl/{cache_name}' ContentType='{_TYPE}.pivotCacheDefinition+xml'/></Types>"
    )
    added = {
        "[Content_Types].xml": ("</Types>", types),
        "xl/workbook.xml": (
            "</workbook>",
            "<pivotCaches><pivotCache cacheId='1' r:id='rIdPivot'/></pivotCaches></workbook>",
        ),
        "xl/_rels/workbook.xml.rels": ("</Relationships>", f"{_relation('rIdPivot', cache_name)}</Relationships>"),
    }
    parts = {
        f"xl/{table_name}": definition,
        f"xl/{cache_name}": cache,
        "xl/worksheets/_rels/sheet2.xml.rels": _relations(_relation("rId1", f"../{table_name}")),
        "xl/pivotTables/_rels/pivotTable1.xml.rels": _relations(_relation("rId1", f"../{cache_name}")),
    }
    made = io.BytesIO()
    with ZipFile(written) as before, ZipFile(made, "w", ZIP_DEFLATED) as after:
        for part in before.infolist():
            end, with_more = added.get(part.filename, ("", ""))
            content = before.read(part)
            after.writestr(part, content.replace(end.encode(), with_more.encode()) if end else content)
        for name, text in parts.items():
            after.writestr(name, text)
    return made.getvalue()


def _relation(number: str, target: str) -> str:
    kind = "pivotTable" if "pivotTables" in target else "pivotCacheDefinition"
    return f"<Relationship Id='{number}' Type='{_PARTS}/{kind}' Target='{target}'/>"


def _relations(relation: str) -> str:
    return f"{_HEAD}<Relationships xmlns='{_PACKAGE}'>{relation}</Relationships>"
