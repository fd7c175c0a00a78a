"""Bearer tokens: who may come through the door, and to do what. Only their hashes are kept (DECISIONS D122)."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from ledger.core.outcomes import shown
from ledger.errors import Failure
from ledger.postgres.database import AnyConnection

ROLES = ("post", "ask", "administer")
START = "tiffin_"
"""What each token starts with: scanners of leaked secrets find it by that."""


class Token(NamedTuple):
    """A token as it is listed: all but the secret."""

    id: int
    name: str
    roles: list[str]
    brands: list[str] | None
    created_at: datetime
    revoked_at: datetime | None

    def to_json(self) -> dict[str, object]:
        """Return it as the command line prints it."""
        return {
            "id": self.id,
            "name": self.name,
            "roles": ", ".join(self.roles),
            "brands": ", ".join(self.brands) if self.brands is not None else None,
            "created_at": shown(self.created_at),
            "revoked_at": shown(self.revoked_at) if self.revoked_at else None,
        }


class Caller(NamedTuple):
    """Who sends: the name of a token, what it may do, and the brands it is limited to (None: all)."""

    name: str
    roles: frozenset[str]
    brands: frozenset[str] | None = None


def create(
    connection: AnyConnection, name: str, roles: Sequence[str], brands: Sequence[str] | None = None
) -> tuple[int, str]:
    """Return a new token's number and its secret, which is nowhere else. Raises Failure for what it cannot be for.

    Several tokens may have one name: a new one takes over before the old one is revoked.
    """
    if not name.strip() or len(name) > 64 or not name.isprintable():
        raise Failure("a token needs a name of 1 to 64 characters: it is the `by` of what it posts")
    if brands and "administer" in roles:
        raise Failure("a token that administers cannot be limited to brands")
    if brands:
        known = {code for (code,) in connection.execute("SELECT code FROM brand WHERE code = ANY(%s)", [[*brands]])}
        if unknown := sorted({*brands} - known):
            raise Failure(f"no such brand: {', '.join(unknown)}")
    secret = START + secrets.token_urlsafe(32)
    row = connection.execute(
        "INSERT INTO door_token (name, hash, roles, brands) VALUES (%s, %s, %s, %s) RETURNING id",
        [name, hashed(secret), sorted({*roles}, key=ROLES.index), [*brands] if brands else None],
    ).fetchone()
    assert row is not None
    return int(row[0]), secret


def listed(connection: AnyConnection) -> list[Token]:
    """Return all tokens, revoked ones included, in order of creation."""
    query = "SELECT id, name, roles, brands, created_at, revoked_at FROM door_token ORDER BY id"
    return [Token(*row) for row in connection.execute(query)]


def revoke(connection: AnyConnection, number: int) -> None:
    """Revoke a token. Raises Failure when there is none of this number; a revoked one stays as it is."""
    done = connection.execute(
        "UPDATE door_token SET revoked_at = coalesce(revoked_at, clock_timestamp()) WHERE id = %s", [number]
    )
    if not done.rowcount:
        raise Failure(f"no token has the number {number}: see tiffin token list")


def callers(connection: AnyConnection) -> tuple[dict[bytes, Caller], bool]:
    """Return the callers of the tokens in force, by hash, and whether there ever was a token."""
    rows = connection.execute("SELECT hash, name, roles, brands, revoked_at FROM door_token").fetchall()
    valid = {
        bytes(kept): Caller(name, frozenset(roles), None if brands is None else frozenset(brands))
        for kept, name, roles, brands, revoked_at in rows
        if revoked_at is None
    }
    return valid, bool(rows)


def hashed(secret: str) -> bytes:
    """Return what is kept of a token: it is random and long, so one round of SHA-256 is enough."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()
