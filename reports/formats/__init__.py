"""One result in every shape it is handed out in: the same frame, with its parameters, cut and controls."""

from collections.abc import Callable

from ledger.settings import Settings
from reports.core.csv_text import Decimals
from reports.core.forms import Language
from reports.core.result import Result
from reports.formats.data_files import csv_bytes, json_bytes, parquet_bytes
from reports.formats.excel import xlsx_bytes
from reports.formats.html import html_text, pdf_bytes

__all__ = ["Decimals", "rendered"]

_WRITERS: dict[str, Callable[[Result, Language, Decimals], bytes]] = {
    "csv": csv_bytes,
    "json": lambda result, language, decimals: json_bytes(result),
    "parquet": lambda result, language, decimals: parquet_bytes(result),
    "xlsx": lambda result, language, decimals: xlsx_bytes(result, language, dashboard=Settings().dashboard_url),
    "html": lambda result, language, decimals: html_text(result, language, dashboard=Settings().dashboard_url).encode(),
    "pdf": lambda result, language, decimals: pdf_bytes(result, language),
}


def rendered(result: Result, form: str, *, language: Language = "en", decimals: Decimals = "point") -> bytes:
    """Return the result as the bytes of a file of that form: csv, json, parquet, xlsx, html or pdf.

    In xlsx and html each figure links to its explanation, where the settings name the dashboard's address.
    """
    return _WRITERS[form](result, language, decimals)
