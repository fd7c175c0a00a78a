"""Who uses the dashboard, and on which connections it reads and writes.

`by` of whatever the desk posts is this login, never typed. Pages read as a member of `tiffin_reader`; only the desk
writes, as a member of `tiffin_writer` and `tiffin_desk`.
"""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from ledger.postgres.database import AnyConnection, connect, server_url
from ledger.settings import Settings

Role = Literal["viewer", "analyst", "accountant", "approver", "admin"]


@dataclass(frozen=True)
class Person:
    """Who is at the screen: login, role, and the codes of the brands that may be seen; None means all."""

    login: str
    role: Role
    brands: tuple[str, ...] | None = None


def person() -> Person:
    """Return who is at the screen; without a provider of logins, whoever started the dashboard on this machine."""
    return Person(getpass.getuser(), "admin")


def reading() -> AnyConnection:
    """Return a connection to the ledger's database that can only read, for `with`."""
    return connect(server_url(Settings()), settings={"default_transaction_read_only": "on"})


@contextmanager
def writing() -> Iterator[AnyConnection]:
    """Lend a connection that may write drafts; what was done is committed."""
    with connect(server_url(Settings())) as connection:
        yield connection
