"""What a line names, read without understanding it, so that the writer can be found that will."""

import json
from typing import Any

from ledger.intake.writer_process import Sent
from ledger.postgres.routes import Route

_ACCOUNTS = ("account", "payer", "to", "into")
_REFERS = ("hold", "debit", "payment", "transaction", "order")


def named(sent: Sent) -> Route:
    """Return what a line is and names: nothing but its key if it is no JSON object."""
    try:
        record: Any = json.loads(sent.body)
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict):
        return Route(key=sent.key or "")
    places = [record, *(part for part in _list(record.get("split")) if isinstance(part, dict))]
    accounts = [place.get(field) for place in places for field in _ACCOUNTS]
    refers = [record.get(field) for field in _REFERS]
    kind, key = record.get("type"), record.get("key")
    return Route(
        accounts=tuple(name for name in accounts if isinstance(name, int | str) and not isinstance(name, bool)),
        refers=tuple(name for name in refers if isinstance(name, str)),
        key=(key if isinstance(key, str) else "") or sent.key or "",
        kind=kind if isinstance(kind, str) else "",
    )


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
