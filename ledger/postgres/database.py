"""Reach the ledger's PostgreSQL: the one TIFFIN_DATABASE_URL names, or the embedded server under the home.

No password is ever repeated: the driver's messages are cut down to one sentence of ours.
"""

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ledger.core.money import is_currency
from ledger.errors import Failure
from ledger.postgres import embedded_server
from ledger.settings import Settings

OLDEST_POSTGRESQL = 15

POOL_SIZE = 2
"""How many connections post for an intake, unless the URL's `pool_size` says otherwise: one a writer."""

MOST_CONNECTIONS = 100


AnyConnection = psycopg.Connection[Any]
"""A connection whose rows are tuples of what their query selects."""


# Every wait has an end: for a connection, and for a network that takes nothing any more.
_DEFAULTS = {
    "application_name": "tiffin",
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "tcp_user_timeout": "60000",
}


class Unreachable(Failure):
    """The database does not answer (now)."""


MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
MIGRATION_LOCK = 7_418_529_62


def server_url(settings: Settings) -> str:
    """Return a libpq URL of the ledger's database; starts the embedded server if it is down.

    Raises Failure if a PostgreSQL that was named cannot be reached or the embedded one cannot start.
    """
    if settings.database_url:
        connect(settings.database_url).close()
        return settings.database_url
    return embedded_server.running(settings.home)


def stop(settings: Settings) -> bool:
    """Stop the embedded server; return whether one was running.

    Raises Failure if the database is not ours to stop.
    """
    if settings.database_url:
        raise Failure("TIFFIN_DATABASE_URL names a PostgreSQL that tiffin did not start and will not stop")
    return embedded_server.stop(settings.home)


def migrate(url: str) -> None:
    """Bring the tables up to the newest migration; two processes at once wait for each other.

    Raises Failure if the database was migrated by a newer Tiffin.
    """
    # Imported here: alembic and SQLAlchemy cost a third of a second that `tiffin balance` need not pay twice.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    engine = create_engine("postgresql+psycopg://", creator=lambda: connect(url), poolclass=NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"SELECT pg_advisory_lock({MIGRATION_LOCK})")
        connection.commit()
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise Failure(f"the database cannot be migrated: {error}") from error
        finally:
            connection.rollback()
            connection.exec_driver_sql(f"SELECT pg_advisory_unlock({MIGRATION_LOCK})")


def libpq_url(url: str) -> str:
    """Return the URL without what is ours in it: other programs that speak libpq do not know `pool_size`."""
    address, _, query = url.partition("?")
    theirs = [pair for pair in query.split("&") if pair and not pair.startswith("pool_size=")]
    return f"{address}?{'&'.join(theirs)}" if theirs else address


def pool_size(url: str) -> int:
    """Return how many connections an intake may post on: `pool_size` in the URL. Raises Failure unless 1 to 100."""
    said = [pair.partition("=")[2] for pair in url.partition("?")[2].split("&") if pair.startswith("pool_size=")]
    if not said:
        return POOL_SIZE
    if not said[-1].isdecimal() or not 1 <= int(said[-1]) <= MOST_CONNECTIONS:
        raise Failure(f"TIFFIN_DATABASE_URL: pool_size is {said[-1]!r}, expected a number from 1 to {MOST_CONNECTIONS}")
    return int(said[-1])


def connect(url: str, *, options: str = "", autocommit: bool = False) -> AnyConnection:
    """Return a psycopg connection; of server options in the URL and in `options`, those in the URL win.

    Raises Failure if there is none to be had or the server is too old.
    """
    try:
        parts = conninfo_to_dict(libpq_url(url))
    except psycopg.ProgrammingError:
        # The driver's own message quotes the address, and with it the password.
        raise Failure("TIFFIN_DATABASE_URL is not the address of a PostgreSQL database") from None
    parts["options"] = f"{options} {parts.get('options', '')}".strip()
    try:
        connection: AnyConnection = psycopg.connect(make_conninfo("", **(_DEFAULTS | parts)), autocommit=autocommit)
    except psycopg.OperationalError as error:
        raise Unreachable(f"cannot reach PostgreSQL at {_address(parts)}: {_reason(error, parts)}") from None
    version = connection.info.server_version // 10_000
    if version < OLDEST_POSTGRESQL:
        connection.close()
        raise Failure(f"PostgreSQL {version} at {_address(parts)} is too old: {OLDEST_POSTGRESQL} or newer is needed")
    return connection


def initialise(url: str, time_zone: str | None = None, currency: str | None = None) -> tuple[str, str]:
    """Write the book's one row and return it: its time zone, and the currency of payments without an account that
    name none. What is not given stays as it is; in a new book it is Europe/Moscow and RUB.

    Raises Failure on an unknown time zone or currency, or one other than the book already has (DECISIONS D1).
    """
    if time_zone is not None:
        _check_time_zone(time_zone)
    if currency is not None and not is_currency(currency):
        raise Failure(f"currency {currency!r} is not an ISO 4217 currency with two decimals")
    with connect(url) as connection:
        connection.execute(
            "INSERT INTO book (id, time_zone, currency) VALUES (1, %s, %s) ON CONFLICT (id) DO NOTHING",
            [time_zone or "Europe/Moscow", currency or "RUB"],
        )
        row = connection.execute("SELECT time_zone, currency FROM book").fetchone()
    assert row is not None
    for what, has, wanted in (("time zone", row[0], time_zone), ("currency", row[1], currency)):
        if wanted not in (None, has):
            raise Failure(f"the book's {what} is {has} and cannot become {wanted}")
    return row[0], row[1]


def check_book(connection: AnyConnection) -> None:
    """Raise Failure if there is no book in the database."""
    row = connection.execute("SELECT to_regclass('book') IS NOT NULL").fetchone()
    if row is None or not row[0] or not connection.execute("SELECT 1 FROM book").fetchone():
        raise Failure("there is no book yet: run tiffin init")


def _check_time_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # OSError: "Europe" is a folder of the database
        raise Failure(f"time zone {name!r} is not known, expected a name such as Europe/Moscow") from None


def _address(parts: dict[str, Any]) -> str:
    host, port = parts.get("host", "the local socket"), parts.get("port")
    return f"{host}{f':{port}' if port else ''}, database {parts.get('dbname', 'of the user')}"


def _reason(error: psycopg.Error, parts: dict[str, Any]) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0].removeprefix("connection failed: ") if lines else type(error).__name__
    password = parts.get("password")
    return text.replace(str(password), "***") if password else text
