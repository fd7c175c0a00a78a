"""Results for programs and spreadsheets: JSON, CSV, Parquet, as bytes.

JSON is exact: amounts are strings, no totals among the rows. A CSV begins with its
header; what else a reader must know stands after the rows, in lines that begin with # (DECISIONS D36).
Decimal comma means a Russian Excel: semicolons, labels, a byte order mark.
"""

import io
import json
from collections.abc import Iterator
from typing import Any

from ledger.values.text import escaped_json
from reports.core import csv_text
from reports.core.csv_text import Decimals, guarded
from reports.core.forms import Language
from reports.core.report import Column
from reports.core.result import Control, Result
from reports.formats.captions import control_line, facts, iso, parameters, word


def about(result: Result) -> dict[str, Any]:
    """Return report, parameters, cut and controls, ready for JSON."""
    cut = result.cut
    return {
        "report": result.report.name,
        "parameters": parameters(result),
        "cut": {
            "number": cut.number,
            "taken_at": iso(cut.taken_at, cut.time_zone),
            "closed_until": cut.closed_until and cut.closed_until.isoformat(),
            "time_zone": cut.time_zone,
            "provisional": result.provisional,
        },
        "controls": [_control(control) for control in result.controls],
    }


def _control(control: Control) -> dict[str, Any]:
    figures = {name: f"{getattr(control, name):f}" for name in ("expected", "actual", "difference")}
    return {"name": control.name, "currency": control.currency, "kind": control.kind, **figures, "holds": control.holds}


def _value(value: Any, column: Column, time_zone: str) -> Any:
    return f"{value:.2f}" if column.kind == "average" and value is not None else iso(value, time_zone)


def json_bytes(result: Result) -> bytes:
    """Return `{"report", "parameters", "cut", "controls", "rows"}`."""
    zone = result.cut.time_zone
    rows = [
        {column.name: _value(cell, column, zone) for cell, column in zip(row, result.columns, strict=True)}
        for row in result.frame.iter_rows()
    ]
    return (escaped_json(json.dumps({**about(result), "rows": rows}, ensure_ascii=False, indent=1)) + "\n").encode()


def parquet_bytes(result: Result) -> bytes:
    """Return the frame as Parquet; report, parameters, cut and controls are JSON in its metadata, under `tiffin`."""
    buffer = io.BytesIO()
    result.frame.write_parquet(buffer, metadata={"tiffin": json.dumps(about(result), ensure_ascii=False)})
    return buffer.getvalue()


def csv_bytes(result: Result, language: Language, decimals: Decimals = "point") -> bytes:
    """Return the rows as CSV in UTF-8, then, after #, what a reader must know of them."""
    comma = decimals == "comma"
    return csv_text.csv_bytes(_csv_rows(result, language, comma), decimals)


def _csv_rows(result: Result, language: Language, comma: bool) -> Iterator[list[Any]]:
    yield [column.label(language) if comma else column.name for column in result.columns]
    for row in result.frame.iter_rows():
        yield [_cell(cell, column, result, comma) for cell, column in zip(row, result.columns, strict=True)]
    for fact in facts(result, language):
        yield [f"# {fact.label}", guarded(fact.value)]
    for control in result.controls:
        yield [f"# {word('control', language)}", control_line(control, language)]


def _cell(value: Any, column: Column, result: Result, comma: bool) -> Any:
    if column.kind in ("text", "code", "state", "word"):
        return None if value is None else guarded(value)
    plain = _value(value, column, result.cut.time_zone)
    return str(plain).replace(".", ",") if comma and column.kind in ("money", "average", "rate", "share") else plain
