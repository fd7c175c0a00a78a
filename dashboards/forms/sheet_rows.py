"""Rows of an uploaded file, CSV or a spreadsheet's first sheet, as text with tabs: what pasting it would give."""

import csv
import io
import re
import zipfile

import fastexcel

from ledger.errors import Failure

SHEETS = ("xlsx", "xls", "ods")
TEXTS = ("csv", "tsv", "txt")
MOST_BYTES = 10_000_000
MOST_UNPACKED_BYTES = 200_000_000
_MIDNIGHT = re.compile(r"(\d{4}-\d\d-\d\d) 00:00:00")


def rows_of(name: str, content: bytes) -> str:
    """Return the rows of a file as text, days as YYYY-MM-DD, numbers without trailing zeros.

    Raises Failure for a file that is too large, or is no spreadsheet though its name says so.
    """
    if len(content) > MOST_BYTES:
        raise Failure(f"{name} is larger than {MOST_BYTES // 1_000_000} MB")
    if not name.lower().endswith(SHEETS):
        return _decoded(content)
    if _unpacked(content) > MOST_UNPACKED_BYTES:
        raise Failure(f"{name} unpacks to more than {MOST_UNPACKED_BYTES // 1_000_000} MB")
    try:
        sheet = fastexcel.read_excel(content).load_sheet(0, header_row=None, dtypes="string")
    except fastexcel.FastExcelError:
        raise Failure(f"{name} is not a spreadsheet that can be read") from None
    written = io.StringIO()
    rows = csv.writer(written, delimiter="\t", lineterminator="\n")
    for row in sheet.to_polars().iter_rows():
        rows.writerow([_MIDNIGHT.sub(r"\1", cell) if cell else "" for cell in row])
    return written.getvalue()


def _unpacked(content: bytes) -> int:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            return sum(part.file_size for part in parts.infolist())
    except zipfile.BadZipFile:  # an XLS, or nothing
        return 0


def _decoded(content: bytes) -> str:
    """Return the text of a file, in UTF-8 or as Russian spreadsheets save it."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1251", "replace")
