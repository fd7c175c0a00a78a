"""The data that a paper carries: the same facts as JSON and CSV, for a client's own program.

Amounts are strings in plain notation. The order is the account's own, so the files are the
same bytes whenever they are made.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from reports.core.csv_text import Decimals, csv_bytes, guarded
from reports.documents.design import Kind
from reports.documents.language import Language
from reports.documents.page import paper_number
from reports.documents.statement import Issuer, Operation, PaidLine, Statement

OPERATION = tuple(field.name for field in fields(Operation) if field.name != "lines")
LINE = ("transaction", *(field.name for field in fields(PaidLine)))


@dataclass(frozen=True)
class Embedded:
    """A file carried inside a paper: the data the paper was made from."""

    name: str
    description: str
    content: bytes


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if is_dataclass(value):
        return _fields(value)
    raise TypeError(f"{type(value).__name__} has no JSON")


def _fields(value: Any) -> dict[str, Any]:
    """Return what a record holds by name: `dataclasses.asdict` would copy every operation for nothing."""
    return {field.name: getattr(value, field.name) for field in fields(value)}


def _seller(seller: Issuer) -> dict[str, Any]:
    kept = {name: value for name, value in _fields(seller).items() if name not in ("logo", "colour")}
    return kept | {"bank_details": dict(seller.bank_details)}


def as_json(paper: Statement, kind: Kind) -> bytes:
    """Return the whole paper as JSON: kind, number, then the fields of `Statement`."""
    facts = _fields(paper)
    # The logo is a picture, not data; a data URL would be the largest thing in the file.
    facts["issuer"] = _seller(paper.issuer) if paper.issuer else None
    facts["principals"] = [_seller(seller) for seller in paper.principals]
    facts["summary"] = _fields(paper.summary) | {"other": dict(paper.summary.other)}
    if facts["seal"] is None:  # earlier papers have none
        del facts["seal"]
    if paper.parted_by is None:  # a paper without an annex has none
        del facts["parted_by"], facts["parts"]
    whole = {"paper": kind, "number": paper_number(paper, kind), **facts}
    return json.dumps(whole, default=_plain, ensure_ascii=False, separators=(",", ":")).encode()


def _cell(value: Any, decimals: Decimals) -> Any:
    if isinstance(value, str):
        return guarded(value)
    if value is None or isinstance(value, int):
        return value
    plain = _plain(value)
    return plain.replace(".", ",") if decimals == "comma" and isinstance(value, Decimal) else plain


def _csv(header: Sequence[str], rows: Iterable[Sequence[Any]], decimals: Decimals) -> bytes:
    return csv_bytes([header, *([_cell(value, decimals) for value in row] for row in rows)], decimals)


def operations_csv(paper: Statement, decimals: Decimals = "point") -> bytes:
    """Return one row per operation; the columns are the fields of `Operation` without its lines."""
    return _csv(OPERATION, ([getattr(one, name) for name in OPERATION] for one in paper.operations), decimals)


def lines_csv(paper: Statement, decimals: Decimals = "point") -> bytes:
    """Return one row per service line; `transaction` names its operation."""
    rows = (
        [one.transaction, *(getattr(line, name) for name in LINE[1:])] for one in paper.operations for line in one.lines
    )
    return _csv(LINE, rows, decimals)


def embedded(paper: Statement, kind: Kind, lang: Language, proof: bytes | None = None) -> list[Embedded]:
    """Return the files that go into the paper; the CSV of a Russian one opens in a Russian Excel."""
    decimals: Decimals = "comma" if lang.code == "ru" else "point"
    number = paper_number(paper, kind)
    return [
        Embedded(f"{number}.json", lang.text("All figures of this document"), as_json(paper, kind)),
        Embedded(f"{number}-operations.csv", lang.text("Operations of the period"), operations_csv(paper, decimals)),
        Embedded(f"{number}-lines.csv", lang.text("Service lines of the period"), lines_csv(paper, decimals)),
        *([Embedded(f"{number}-proof.json", lang.text("Proof for tiffin check"), proof)] if proof else []),
    ]
