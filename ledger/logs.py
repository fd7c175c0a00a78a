"""Log lines: on standard error, so that callers who parse standard output find nothing there but outcomes."""

import sys

from ledger.settings import Settings
from ledger.values.text import printable


def log(event: str, **fields: object) -> None:
    """Write one line: for people, or as JSON with `TIFFIN_LOG=json`."""
    import structlog  # here, because few commands have anything to log

    as_json = Settings().log == "json"
    render = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=False)
    structlog.wrap_logger(
        structlog.PrintLogger(sys.stderr),
        processors=[structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt="iso", utc=True), render],
    ).info(event, **(fields if as_json else {name: _shown(value) for name, value in fields.items()}))


def _shown(value: object) -> object:
    # Such as the sentence in which an endpoint of others refused an event.
    return printable(value) if isinstance(value, str) else value
