"""Who may use the dashboard, and as what: roles and brands that an administrator gave, and who logged out when."""

from dataclasses import dataclass
from typing import Literal

from ledger.errors import Failure
from ledger.postgres.database import AnyConnection

Role = Literal["viewer", "analyst", "accountant", "approver", "admin"]


@dataclass(frozen=True, slots=True)
class Member:
    """A login, its role, and the codes of the brands that it may see; None means all."""

    login: str
    role: Role
    brands: tuple[str, ...] | None


def same(login: str) -> str:
    """Return a login as it is kept and compared."""
    return login.strip().lower()


def known(connection: AnyConnection, login: str) -> tuple[Member | None, float | None]:
    """Return what an administrator gave a login, and when it last logged out, as a POSIX time."""
    row = connection.execute("SELECT login, role, brands FROM desk.member WHERE login = %s", [login]).fetchone()
    member = None if row is None else Member(row[0], row[1], None if row[2] is None else tuple(row[2]))
    out = connection.execute("SELECT extract(epoch FROM at) FROM desk.signed_out WHERE login = %s", [login]).fetchone()
    return member, None if out is None else float(out[0])


def everybody(connection: AnyConnection) -> list[Member]:
    """Return all that were given a role, by login."""
    rows = connection.execute("SELECT login, role, brands FROM desk.member ORDER BY login").fetchall()
    return [Member(login, role, None if brands is None else tuple(brands)) for login, role, brands in rows]


def grant(connection: AnyConnection, member: Member) -> None:
    """Give a login its role and brands in place of any other; the caller commits. It is the owner's to do.

    Raises Failure for a login of nothing.
    """
    if not same(member.login):
        raise Failure("a login is the name that the provider returns, such as o.petrova@example.com")
    connection.execute(
        "INSERT INTO desk.member (login, role, brands) VALUES (%s, %s, %s) "
        "ON CONFLICT (login) DO UPDATE SET role = excluded.role, brands = excluded.brands",
        [same(member.login), member.role, None if member.brands is None else list(member.brands)],
    )


def revoke(connection: AnyConnection, login: str) -> bool:
    """Take a login's role away; return whether it had one. The caller commits."""
    return connection.execute("DELETE FROM desk.member WHERE login = %s", [same(login)]).rowcount == 1


def sign_out(connection: AnyConnection, login: str) -> None:
    """Note that a login ended now: earlier sessions are refused. The caller commits."""
    connection.execute(
        "INSERT INTO desk.signed_out (login, at) VALUES (%s, clock_timestamp()) "
        "ON CONFLICT (login) DO UPDATE SET at = excluded.at",
        [login],
    )
