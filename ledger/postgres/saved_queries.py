"""Questions of Explore and SQL that people keep under a name, for themselves or for everybody of some roles; and the
last queries that each of them ran."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import md5
from typing import Literal

from psycopg.types.json import Jsonb

from ledger.postgres.database import AnyConnection
from ledger.postgres.members import Role
from ledger.postgres.notes import fit

Page = Literal["explore", "sql"]
MOST_RUNS = 30
_RUN = "sql history"
"""The page of what was run, where a name is the query's hash."""


@dataclass(frozen=True, slots=True)
class SavedQuery:
    """A question: who keeps it, under which name, the roles that see it too, and the query of the page's address."""

    who: str
    name: str
    roles: Sequence[Role]
    query: Mapping[str, str]


def known_to(connection: AnyConnection, page: Page, who: str, role: Role) -> list[SavedQuery]:
    """Return what somebody of a role sees: one's own first, then what others share, by name."""
    rows = connection.execute(
        "SELECT who, name, roles, query FROM desk.saved_query WHERE page = %(page)s "
        "AND (who = %(who)s OR %(role)s = ANY (roles)) ORDER BY who <> %(who)s, lower(name), who",
        {"page": page, "who": who, "role": role},
    )
    return [SavedQuery(*row) for row in rows.fetchall()]


def save(connection: AnyConnection, page: Page, saved: SavedQuery) -> None:
    """Keep a question, in place of one's own of that name; the caller commits. Raises Failure for a blank name."""
    connection.execute(
        "INSERT INTO desk.saved_query (page, who, name, roles, query) VALUES (%s, %s, %s, %s, %s) "
        "ON CONFLICT (page, who, name) DO UPDATE SET roles = excluded.roles, query = excluded.query, "
        "saved_at = excluded.saved_at",
        [page, saved.who, fit(saved.name, "name"), list(saved.roles), Jsonb(dict(saved.query))],
    )


def drop(connection: AnyConnection, page: Page, who: str, name: str) -> None:
    """Forget one's own question; the caller commits."""
    connection.execute("DELETE FROM desk.saved_query WHERE page = %s AND who = %s AND name = %s", [page, who, name])


def note_run(connection: AnyConnection, who: str, query: str) -> None:
    """Keep a query of SQL that somebody ran, with the MOST_RUNS latest of theirs; the caller commits."""
    name = md5(query.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()
    connection.execute(
        "INSERT INTO desk.saved_query (page, who, name, roles, query) VALUES (%s, %s, %s, '{}', %s) "
        "ON CONFLICT (page, who, name) DO UPDATE SET saved_at = clock_timestamp()",
        [_RUN, who, name, Jsonb({"q": query})],
    )
    connection.execute(
        "DELETE FROM desk.saved_query WHERE page = %(page)s AND who = %(who)s AND name IN (SELECT name FROM "
        "desk.saved_query WHERE page = %(page)s AND who = %(who)s ORDER BY saved_at DESC OFFSET %(most)s)",
        {"page": _RUN, "who": who, "most": MOST_RUNS},
    )


def runs_of(connection: AnyConnection, who: str) -> list[tuple[datetime, str]]:
    """Return when somebody last ran which queries, the latest first."""
    rows = connection.execute(
        "SELECT saved_at, query ->> 'q' FROM desk.saved_query WHERE page = %s AND who = %s ORDER BY saved_at DESC",
        [_RUN, who],
    )
    return [(at, query) for at, query in rows.fetchall()]
