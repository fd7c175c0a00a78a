"""Who uses the dashboard, what they may do in it, and on which connections it reads and writes.

A provider of logins identifies people; role and brands come from its claims, or from `desk.member`, which wins.
Without a provider it is whoever started the dashboard on this machine. `by` of whatever the desk posts is this login,
never typed. Pages read, and only the desk writes.
"""

import getpass
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Literal, LiteralString

import streamlit as st
from psycopg import OperationalError, errors

from dashboards.translations import sentence, tr
from ledger.errors import Failure
from ledger.postgres import members
from ledger.postgres.database import AnyConnection, check_book, connect, server_url
from ledger.settings import Settings
from reports.provider import Provider

Action = Literal["figures", "questions", "post", "approve"]
MAY: dict[members.Role, tuple[Action, ...]] = {
    "viewer": ("figures",),
    "analyst": ("figures", "questions"),
    "accountant": ("figures", "questions", "post"),
    "approver": ("figures", "questions", "approve"),
    "admin": ("figures", "questions", "post", "approve"),
}
NEEDS: dict[str, Action] = {
    "explore": "questions",
    "sql": "questions",
    "desk": "post",
    "bank": "post",
    "reminders": "post",
    "approvals": "approve",
}
"""What a page needs besides figures; who may not has no such page, neither in the menu nor by its address."""
SECONDS = 5
"""For how long a change of somebody's role, or a log-out elsewhere, may go unseen."""
IDLE_SECONDS, MOST_IDLE = 30, 4
"""For how long a connection is kept for the next page, and how many of a role."""
_idle: dict[tuple[str, str], list[tuple[float, AnyConnection]]] = {}


@dataclass(frozen=True)
class Person:
    """Who is at the screen: login, role, and the codes of the brands that may be seen; None means all."""

    login: str
    role: members.Role
    brands: tuple[str, ...] | None = None

    def may(self, action: Action) -> bool:
        """Return whether the role allows it; somebody with some brands only never writes."""
        return action in MAY[self.role] and (self.brands is None or action not in ("post", "approve"))


def person() -> Person:
    """Return who is at the screen. Raises Failure for a login that is over, or that nobody gave a role."""
    if not signs_in():
        return Person(getpass.getuser(), "admin")
    return of_claims(st.user.to_dict(), _provider())


def signs_in() -> bool:
    """Return whether there is a provider of logins."""
    return _provider().is_set


@st.cache_resource(ttl=SECONDS, show_spinner=False)
def _provider() -> Provider:
    """Return the provider of logins: a page asks who is at the screen some fifty times."""
    return Provider()


def let_in() -> None:
    """Draw the way in, and stop, unless somebody is logged in and still is."""
    if not signs_in():
        return
    if not st.user.is_logged_in:
        st.title("Tiffin")
        st.button(sentence("Log in"), type="primary", on_click=st.login)
        st.stop()
    try:
        who = person()
    except Failure as failure:
        st.error(tr(str(failure)))
        st.button(sentence("Log out"), on_click=log_out)
        st.stop()
    with st.sidebar:
        st.caption(f"{who.login} · {tr(who.role)}")
        st.button(sentence("Log out"), on_click=log_out, type="tertiary")


def log_out() -> None:
    """End this login everywhere: whoever kept its cookie is not let in with it."""
    with writing() as connection:
        members.sign_out(connection, _login(st.user.to_dict(), Provider()))
    _known.clear()
    st.logout()


def _login(claims: dict[str, Any], provider: Provider) -> str:
    login = members.same(str(claims.get(provider.login_claim) or ""))
    if not login or (provider.login_claim == "email" and claims.get("email_verified") is False):
        raise Failure(f"the provider of logins returned no {provider.login_claim} for you")
    return login


def of_claims(claims: dict[str, Any], provider: Provider) -> Person:
    login, now = _login(claims, provider), time.time()
    begun = float(claims.get("iat") or 0)
    if now > begun + provider.session_hours * 3600 or begun > now + 60:
        raise Failure("your login is over: log out, and in again")
    member, out_at = _known(login)
    if out_at is not None and begun <= out_at:
        raise Failure("your login is over: log out, and in again")
    if member is not None:
        return Person(login, member.role, member.brands)
    brands = claims.get(provider.brands_claim)
    if brands is not None and not isinstance(brands, list):
        brands = [brands]  # of one value some providers make no list
    for role in MAY:
        if role == claims.get(provider.role_claim):
            return Person(login, role, None if brands is None else tuple(map(str, brands)))
    raise Failure("nobody has given you a role yet: an administrator runs tiffin desk grant")


@st.cache_data(ttl=SECONDS, show_spinner=False)
def _known(login: str) -> tuple[members.Member | None, float | None]:
    with reading() as connection:
        return members.known(connection, login)


def require(action: Action) -> None:
    """Raise Failure unless whoever is at the screen may do it."""
    who = person()
    if not who.may(action):
        raise Failure(f"{who.login} is {who.role} here, who may not do this")


@contextmanager
def reading() -> Iterator[AnyConnection]:
    """Lend a connection that can only read the ledger's database, as `tiffin_reader`."""
    with _as("tiffin_reader", read_only=True) as connection:
        yield connection


@contextmanager
def writing() -> Iterator[AnyConnection]:
    """Lend a connection that writes drafts, as `tiffin_desk`, and nothing else; what was done is committed."""
    with _as("tiffin_desk", read_only=False) as connection:
        yield connection


@contextmanager
def _as(role: LiteralString, *, read_only: bool) -> Iterator[AnyConnection]:
    """Lend a connection that acts as a role; behind a pool, whose servers are shared, as the URL's own user."""
    url = server_url(Settings())
    connection = _kept(url, role) or _connected(url, role)
    connection.read_only = read_only
    try:
        yield connection
        connection.commit()
    except (errors.UndefinedTable, errors.UndefinedColumn):
        with closing(connection):
            connection.rollback()
            check_book(connection)  # tables of another release: one sentence says what to run
            raise
    except BaseException:
        connection.close()
        raise
    kept = _idle.setdefault((url, role), [])
    if len(kept) < MOST_IDLE:
        kept.append((time.monotonic(), connection))
    else:
        connection.close()


def _kept(url: str, role: str) -> AnyConnection | None:
    """Return a connection that an earlier page left, if the server has not ended it: a page reads many times."""
    kept = _idle.get((url, role), [])
    while True:
        try:
            since, connection = kept.pop()
        except IndexError:  # another thread's page may have taken the last one
            return None
        if time.monotonic() - since < IDLE_SECONDS:
            with suppress(OperationalError):
                connection.execute("")
                connection.rollback()
                return connection
        connection.close()


def _connected(url: str, role: LiteralString) -> AnyConnection:
    try:
        return connect(url, settings={"role": role})
    except (errors.InsufficientPrivilege, errors.InvalidParameterValue):
        raise Failure(
            f"the dashboard's database user may not act as {role}: run tiffin init again, or have an administrator "
            f"grant it {role}"
        ) from None
