"""What a person at the desk has typed and not yet seen answered. It is kept until it is, with the key that posts it.

A draft's key is the ledger's: whatever happens to the browser, the network or the server, the same draft
is posted once, and the ledger knows whether it was (DECISIONS D170).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from psycopg import errors
from psycopg.types.json import Jsonb

from ledger.errors import Failure
from ledger.postgres.database import AnyConnection

State = Literal["open", "waiting", "refused", "outdated", "answered"]
Json = Mapping[str, Any]

SIMILAR_MINUTES = 10
"""For how long the same amount for the same account, by the same person, needs confirmation."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A form as it was filled in (`fields`), the lines that it sends, and what became of it.

    `same` names account and amount: a second draft with the same is probably the same again.
    """

    id: UUID
    who: str
    form: str
    fields: Json
    lines: Sequence[Json]
    same: str
    state: State = "open"

    @property
    def key(self) -> str:
        """Return the key that the draft is posted under."""
        return f"desk-{self.id}"


def find(connection: AnyConnection, id_: UUID) -> Draft | None:
    """Return a draft; None if it was never saved."""
    query = "SELECT id, who, form, fields, lines, same, state FROM desk.draft WHERE id = %s"
    row = connection.execute(query, [id_]).fetchone()
    return None if row is None else Draft(*row)


def save(connection: AnyConnection, draft: Draft) -> None:
    """Keep what was typed, before anything is posted; the caller commits.

    Raises Failure if the draft is another person's, or was decided on meanwhile.
    """
    try:
        with connection.transaction():
            saved = _saved(connection, draft)
    except errors.UniqueViolation:  # another tab saved it at the same moment, and they met at its key, not its id
        saved = _saved(connection, draft)
    if not saved:
        raise Failure("this form was answered, or sent for approval, meanwhile: open it again")


def _saved(connection: AnyConnection, draft: Draft) -> bool:
    saved = connection.execute(
        "INSERT INTO desk.draft AS d (id, who, form, fields, lines, same) VALUES (%s, %s, %s, %s, %s, %s) "
        "ON CONFLICT (id) DO UPDATE SET fields = excluded.fields, lines = excluded.lines, same = excluded.same, "
        "changed_at = clock_timestamp() WHERE d.who = excluded.who AND d.form = excluded.form AND d.state = 'open' "
        "RETURNING id",
        [draft.id, draft.who, draft.form, Jsonb(draft.fields), Jsonb(list(draft.lines)), draft.same],
    )
    return saved.fetchone() is not None


def settle(connection: AnyConnection, id_: UUID, state: State) -> None:
    """Write what became of a draft; the caller commits."""
    query = "UPDATE desk.draft SET state = %s, changed_at = clock_timestamp() WHERE id = %s"
    connection.execute(query, [state, id_])


def similar(connection: AnyConnection, draft: Draft) -> list[tuple[int, datetime]]:
    """Return what the same person posted within minutes for the same account and amount: number and time."""
    return connection.execute(
        "SELECT t.id, t.recorded_at FROM desk.draft d JOIN transaction t ON t.key = d.key WHERE d.who = %s "
        "AND d.same = %s AND d.id <> %s AND d.changed_at > clock_timestamp() - make_interval(mins => %s) "
        "AND t.status = 'posted' ORDER BY t.id",
        [draft.who, draft.same, draft.id, SIMILAR_MINUTES],
    ).fetchall()


def sent_lately(connection: AnyConnection, id_: UUID, who: str, same: str) -> bool:
    """Return whether somebody has sent the same within minutes, in another draft."""
    row = connection.execute(
        "SELECT FROM desk.draft WHERE who = %s AND same = %s AND id <> %s AND state = 'answered' "
        "AND changed_at > clock_timestamp() - make_interval(mins => %s) LIMIT 1",
        [who, same, id_, SIMILAR_MINUTES],
    ).fetchone()
    return row is not None


def posted(connection: AnyConnection, key: str) -> int | None:
    """Return the number of the transaction that answered a key, posted or declined; None if nothing did."""
    row = connection.execute("SELECT id FROM transaction WHERE key = %s", [key]).fetchone()
    return None if row is None else int(row[0])


def carried_out(connection: AnyConnection, draft: Draft) -> bool:
    """Return whether the terms that a draft sends were changed since it was saved, by whoever saved it."""
    row = connection.execute(
        "SELECT FROM desk.draft d JOIN change c ON c.\"by\" = d.who AND c.kind = d.lines -> 0 ->> 'type' "
        "AND (c.account_id::text = coalesce(d.lines -> 0 ->> 'account', d.lines -> 0 ->> 'payer') "
        "OR c.subject = coalesce(d.lines -> 0 ->> 'reference', d.lines -> 0 ->> 'code', d.lines -> 0 ->> 'brand')) "
        "AND c.recorded_at >= d.changed_at WHERE d.id = %s",
        [draft.id],
    ).fetchone()
    return row is not None


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """A draft that waits for another person, or was decided on."""

    id: UUID
    key: str
    who: str
    line: Json
    quoted: Json
    state: State
    made_at: datetime
    decided_by: str | None
    why: str | None


_REQUEST = "SELECT id, key, who, lines -> 0 AS line, quoted, state, made_at, decided_by, why FROM desk.draft"


def ask(connection: AnyConnection, id_: UUID, quoted: Json) -> None:
    """Let a draft wait for another person, with its quote; the caller commits."""
    connection.execute(
        "UPDATE desk.draft SET state = 'waiting', quoted = %s, changed_at = clock_timestamp() "
        "WHERE id = %s AND state = 'open'",
        [Jsonb(quoted), id_],
    )


def waiting(connection: AnyConnection) -> list[ApprovalRequest]:
    """Return what waits for another person, the longest waiting first."""
    rows = connection.execute(f"{_REQUEST} WHERE state = 'waiting' ORDER BY made_at, id").fetchall()
    return [ApprovalRequest(*row) for row in rows]


def approval_request(connection: AnyConnection, key: str) -> ApprovalRequest | None:
    """Return who requested what was posted under a key, and who approved it; None if nobody had to."""
    row = connection.execute(f"{_REQUEST} WHERE key = %s AND quoted IS NOT NULL", [key]).fetchone()
    return None if row is None else ApprovalRequest(*row)


def decided(connection: AnyConnection, most: int = 10) -> list[tuple[ApprovalRequest, int | None]]:
    """Return what was decided last, the latest first, each with the number of the transaction that it was posted as."""
    rows = connection.execute(
        f"SELECT found.*, t.id FROM ({_REQUEST} WHERE decided_by IS NOT NULL AND state <> 'waiting' "
        "ORDER BY decided_at DESC LIMIT %s) found LEFT JOIN transaction t ON t.key = found.key",
        [most],
    ).fetchall()
    return [(ApprovalRequest(*row[:-1]), row[-1]) for row in rows]


def decide(connection: AnyConnection, id_: UUID, by: str, state: State, why: str | None = None) -> None:
    """Approve a waiting draft, which keeps waiting until it is posted, or refuse it; the caller commits.

    Raises Failure if it waits no longer, or if `by` would approve what `by` requested.
    """
    try:
        decided = connection.execute(
            "UPDATE desk.draft SET state = %s, decided_by = %s, why = %s, decided_at = clock_timestamp() "
            "WHERE id = %s AND state = 'waiting' AND coalesce(decided_by, %s) = %s",
            [state, by, why, id_, by, by],
        )
    except errors.CheckViolation:
        raise Failure(f"{by} requested this: another person has to approve it") from None
    if decided.rowcount != 1:
        raise Failure("this was decided on meanwhile")
