"""Is this still the server on which the book's incarnation began?

A replica that is promoted, or a backup that recovers, begins a new timeline, and may lack the last transactions.
Whoever read them must know before their numbers are given again: so nothing is posted, cut or reported until the book
has begun a new incarnation there (`tiffin init --restored`), and with it this timeline (DECISIONS D191).
"""

from typing import TYPE_CHECKING

from ledger.errors import Failure

if TYPE_CHECKING:
    from ledger.postgres.database import AnyConnection

TIMELINE = "('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer"
"""SQL: the timeline that the server writes on; not to be run on a replica."""


def refuse_another(connection: "AnyConnection") -> None:
    """Raise Failure when the server was promoted or restored since the book's incarnation began."""
    row = connection.execute(
        f"SELECT timeline, CASE WHEN pg_is_in_recovery() THEN timeline ELSE {TIMELINE} END FROM book"
    ).fetchone()
    if row and row[0] != row[1]:
        raise Failure(
            f"this server was promoted or restored (it is on timeline {row[1]}, the book on {row[0]}) and may lack the "
            "latest transactions: run tiffin init --restored before anything is posted"
        )
