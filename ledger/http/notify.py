"""Tell endpoints what happened: CloudEvents, signed by Standard Webhooks, at least once, in order by account.

An endpoint that cannot be reached, or is in trouble, is tried again later, and its place is kept. An event that it
refuses is put aside with those after it that share an account; the others go on.
"""

import json
import time
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from secrets import token_bytes
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
from psycopg.types.json import Jsonb
from standardwebhooks.webhooks import Webhook

from ledger.core.outcomes import shown
from ledger.errors import Failure
from ledger.logs import log
from ledger.postgres import feed
from ledger.postgres.database import AnyConnection, check_book, connect
from ledger.values.refusals import Refusals

SECONDS = 10.0
"""How long an endpoint may take to answer."""
MOST_STUCK = 1000
"""With this many failed events set aside, an endpoint is sent nothing new."""
LONGEST = 3600
PAGE = 100

_LATER = (408, 425, 429)
"""Refusals that are about the moment, not about the event."""


class WebhookEndpoint(NamedTuple):
    """Who is notified, and the state of the deliveries."""

    id: int
    url: str
    cursor: str | None
    tries: int
    next_at: datetime
    error: str | None
    stuck: int

    def to_json(self) -> dict[str, object]:
        """Return it as the command line prints it; never the secret."""
        return {
            "id": self.id,
            "url": self.url,
            "failed": self.tries,
            "next_at": shown(self.next_at) if self.tries else None,
            "stuck": self.stuck,
            "error": self.error,
            "cursor": self.cursor,
        }


def add(connection: AnyConnection, url: str, *, refusals: Refusals, beginning: bool = False) -> tuple[int, str]:
    """Return a new endpoint's number and its secret. It is sent what happens from now on or, on request, everything."""
    parts = urlsplit(url)
    local = parts.hostname in ("127.0.0.1", "localhost", "::1")
    if not parts.hostname or parts.scheme not in ("http", "https") or (parts.scheme == "http" and not local):
        raise Failure(f"{url[:200]} is not an https address")
    cursor = None if beginning else feed.events(connection, "latest", refusals)[1]
    secret = f"whsec_{b64encode(token_bytes(32)).decode()}"
    query = "INSERT INTO webhook (url, secret, cursor) VALUES (%s, %s, %s) RETURNING id"
    row = connection.execute(query, [url, secret, cursor]).fetchone()
    assert row is not None
    return int(row[0]), secret


def remove(connection: AnyConnection, number: int) -> None:
    """Remove an endpoint: it is not notified any more. Raises Failure when there is none of this number."""
    if not connection.execute("DELETE FROM webhook WHERE id = %s", [number]).rowcount:
        raise Failure(f"no endpoint has the number {number}: see tiffin notify list")


def endpoints(connection: AnyConnection) -> list[WebhookEndpoint]:
    """Return all endpoints, in order."""
    return [WebhookEndpoint(*row) for row in connection.execute(_ENDPOINTS)]


_ENDPOINTS = """
SELECT w.id, w.url, w.cursor, w.tries, w.next_at, w.error,
    (SELECT count(*) FROM webhook_stuck s WHERE s.webhook_id = w.id)
FROM webhook w ORDER BY w.id
"""


def stuck(connection: AnyConnection) -> list[dict[str, object]]:
    """Return what was put aside, in order: which event of which endpoint, how often it was tried, and why it failed."""
    rows = connection.execute(
        "SELECT id, webhook_id, event ->> 'type', event ->> 'subject', tries, next_at, error "
        "FROM webhook_stuck ORDER BY id"
    )
    names = ("id", "endpoint", "type", "account", "tries", "next_at", "error")
    return [dict(zip(names, (*row[:5], shown(row[5]), row[6]), strict=True)) for row in rows]


def send_again(connection: AnyConnection, number: int, *, after: str | None = None) -> None:
    """Retry an endpoint's failed events at once; with a cursor, send everything since then again."""
    if after is not None:
        feed.Cursor.read(after)
        connection.execute("DELETE FROM webhook_stuck WHERE webhook_id = %s", [number])
    done = connection.execute(
        "UPDATE webhook SET next_at = clock_timestamp(), tries = 0, cursor = coalesce(%s, cursor) WHERE id = %s",
        [after, number],
    )
    if not done.rowcount:
        raise Failure(f"no endpoint has the number {number}: see tiffin notify list")
    connection.execute("UPDATE webhook_stuck SET next_at = clock_timestamp() WHERE webhook_id = %s", [number])


def run(url: str, refusals: Refusals, *, once: bool = False, pause: Callable[[float], None] = time.sleep) -> None:
    """Notify all endpoints until the process is stopped or, `once`, of what there is now. Several may run."""
    with connect(url, autocommit=True) as connection, httpx.Client(timeout=SECONDS, follow_redirects=False) as client:
        check_book(connection)
        while True:
            busy = False
            for endpoint in endpoints(connection):
                busy |= _notify(connection, client, endpoint.id, refusals)
            if once and not busy:
                return
            if not busy:
                pause(1.0)


def _notify(connection: AnyConnection, client: httpx.Client, number: int, refusals: Refusals) -> bool:
    """Send one endpoint its next page; return whether there was anything to send. One process at a time."""
    with connection.transaction():
        row = connection.execute(_MINE, [number]).fetchone()
        if row is None:
            return False
        url, secret, cursor, tries = row
        post = _poster(client, url, Webhook(secret))
        blocked = _again(connection, post, number)
        if len(blocked) >= MOST_STUCK:
            return False
    # Reading is a transaction of its own: it has its own snapshot.
    try:
        found, following = feed.steps(connection, cursor, refusals, most=PAGE)
    except feed.Gone as gone:
        log("webhook position", endpoint=number, reason=str(gone))
        found, following = [], gone.cursor
    with connection.transaction():
        again = connection.execute(_MINE, [number]).fetchone()
        if again is None or again[2] != cursor:
            return False
        for event, after in found:
            accounts = {*feed.accounts_of(event)}
            error: str | None = None
            if not accounts & blocked:
                answer, error = post(event)
                if answer == "later":
                    _failed(connection, number, tries, error)
                    return False
            if error is not None or accounts & blocked:
                blocked |= accounts
                connection.execute(_PUT_ASIDE, [number, Jsonb(event), sorted(accounts), int(error is not None), error])
            connection.execute("UPDATE webhook SET cursor = %s WHERE id = %s", [after, number])
        done = "UPDATE webhook SET cursor = %s, tries = 0, error = NULL WHERE id = %s"
        connection.execute(done, [following, number])
    return bool(found)


_MINE = """
SELECT url, secret, cursor, tries FROM webhook WHERE id = %s AND next_at <= clock_timestamp() FOR UPDATE SKIP LOCKED
"""
_PUT_ASIDE = """
INSERT INTO webhook_stuck (webhook_id, event, accounts, tries, error, next_at)
VALUES (%s, %s, %s, %s, %s, clock_timestamp() + interval '2 seconds')
"""


def _again(connection: AnyConnection, post: "Callable[[feed.Event], tuple[str, str | None]]", number: int) -> set[int]:
    """Try what was put aside and is due, in order by account; return the accounts that still wait."""
    blocked: set[int] = set()
    for stuck_id, event, accounts, tries, due in connection.execute(_STUCK, [number]).fetchall():
        if not due or blocked & {*accounts}:
            blocked |= {*accounts}
            continue
        answer, error = post(event)
        if answer == "done":
            connection.execute("DELETE FROM webhook_stuck WHERE id = %s", [stuck_id])
            continue
        blocked |= {*accounts}
        connection.execute(_WAIT, [tries + 1, error, _pause(tries), stuck_id])
    return blocked


_STUCK = """
SELECT id, event, accounts, tries, next_at <= clock_timestamp() FROM webhook_stuck WHERE webhook_id = %s ORDER BY id
"""
_WAIT = """
UPDATE webhook_stuck SET tries = %s, error = %s, next_at = clock_timestamp() + %s * interval '1 s' WHERE id = %s
"""


def _failed(connection: AnyConnection, number: int, tries: int, error: str | None) -> None:
    log("webhook", endpoint=number, tries=tries + 1, error=error)
    wait = "UPDATE webhook SET tries = %s, error = %s, next_at = clock_timestamp() + %s * interval '1 s' WHERE id = %s"
    connection.execute(wait, [tries + 1, error, _pause(tries), number])


def _pause(tries: int) -> float:
    return float(min(LONGEST, 2 ** min(tries, 20)))


def _poster(client: httpx.Client, url: str, hook: Webhook) -> Callable[[feed.Event], tuple[str, str | None]]:
    """Return what sends an event: "done", "refused" for good, or "later", and why."""

    def post(event: feed.Event) -> tuple[str, str | None]:
        body, now = json.dumps(event), datetime.now(UTC)
        headers: dict[str, Any] = {
            "content-type": "application/cloudevents+json",
            "webhook-id": event["id"],
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": hook.sign(event["id"], now, body),
        }
        try:
            answer = client.post(url, content=body, headers=headers)
        except httpx.HTTPError as error:
            return "later", f"{type(error).__name__}: {error}"[:500]
        if answer.is_success:
            return "done", None
        later = answer.status_code >= 500 or answer.status_code in _LATER
        return "later" if later else "refused", f"HTTP {answer.status_code}"

    return post
