"""`tiffin status`: the state of the whole, on one line for monitoring."""

import json
import shutil
from datetime import UTC, datetime
from typing import Any

import typer

from ledger.cli.shared import AsJson, open_book, print_json, print_rows
from ledger.postgres.database import newest_revision
from ledger.settings import Settings

app = typer.Typer()


@app.command()
def status(json_: AsJson = False) -> None:
    """Show what the book holds and its state: days closed, the latest cut, verification and night, disk, the server."""
    settings = Settings()
    with open_book() as connection:
        cursor = connection.execute(_STATUS)
        row = cursor.fetchone()
        assert row is not None and cursor.description is not None
        names = [column.name for column in cursor.description]
    book = {name: _plain(value) for name, value in zip(names, row, strict=True)}
    facts = {"tables": newest_revision(), **book, **_lake(settings), **_night(settings), **_disk(settings)}
    if json_:
        print_json(facts)
    else:
        print_rows([{"what": name.replace("_", " "), "is": value} for name, value in facts.items()])


# The oldest database transaction keeps rows that were changed since from being cleaned, the feed of events from going
# on, and migrations waiting. A slot keeps WAL until it was received.
_STATUS = """
SELECT time_zone, currency, closed_until, late_days,
    (SELECT count(*) FROM account WHERE party_id IS NOT NULL) AS accounts,
    (SELECT count(*) FROM transaction WHERE status = 'posted') AS posted,
    (SELECT count(*) FROM transaction WHERE status = 'declined') AS declined,
    (SELECT max(posted_at) FROM transaction) AS latest,
    current_setting('server_version') AS postgresql,
    pg_database_size(current_database()) AS database_bytes,
    (SELECT coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0)::bigint FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid()) AS oldest_transaction_seconds,
    (SELECT coalesce(max(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)), 0)::bigint
     FROM pg_replication_slots) AS wal_kept_bytes,
    (SELECT count(*) FROM pg_stat_replication) AS receivers
FROM book
"""


def _lake(settings: Settings) -> dict[str, Any]:
    from reports.lake import manifest
    from reports.lake.storage import Place
    from reports.proof.verified import load_verified

    place = Place(settings.lake_url)
    latest = manifest.current(place)
    read = load_verified(place)
    cut = latest.manifest.cut if latest else None
    verified = max(read.months.values(), default=None)
    return {
        "cut": cut.number if cut else None,
        "cut_age_seconds": _age(cut.taken_at) if cut else None,
        "cut_transaction": cut.last_transaction if cut else None,
        "seal": latest.manifest.seal.number if latest and latest.manifest.seal else None,
        "verified_seal": read.number or None,
        "verified_age_seconds": _age(verified) if verified else None,
    }


def _night(settings: Settings) -> dict[str, Any]:
    """Return how the latest night ended: None before the first."""
    nights = sorted((settings.home / "reports").glob("*/nightly.json"))
    night = json.loads(nights[-1].read_bytes()) if nights else {}
    problems = [problem for step in night.get("steps", ()) for problem in step["problems"]]
    return {"night": night.get("date"), "night_complete": night.get("complete"), "night_problems": len(problems)}


def _disk(settings: Settings) -> dict[str, Any]:
    usage = shutil.disk_usage(settings.home if settings.home.exists() else settings.home.resolve().anchor)
    return {"disk_free_bytes": usage.free, "disk_free_percent": usage.free * 100 // usage.total}


def _age(moment: datetime) -> int:
    return int((datetime.now(UTC) - moment).total_seconds())


def _plain(value: object) -> object:
    return value if isinstance(value, int) or value is None else str(value)
