"""Reach the ledger's PostgreSQL: the one TIFFIN_DATABASE_URL names, or the embedded server under the home.

No password is ever repeated: the driver's messages are cut down to one sentence of ours.
"""

import random
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any
from weakref import WeakKeyDictionary
from zoneinfo import ZoneInfo

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ledger.errors import Failure
from ledger.postgres import embedded_server, locks, timeline
from ledger.settings import Settings
from ledger.values.money import is_currency

OLDEST_POSTGRESQL = 15

POOL_SIZE = 2
"""How many writers a door has, each with a connection, unless the URL's `pool_size` overrides it."""

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


NO_SETTINGS: Mapping[str, object] = MappingProxyType({})
MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
UPGRADE_PATIENCE_SECONDS = 60.0

IDLE_SECONDS = 60
"""How long a session may be idle in a database transaction: its locks keep others waiting, its snapshot old rows."""


def server_url(settings: Settings, *, make: bool = False) -> str:
    """Return a libpq URL of the ledger's database; starts the embedded server if it is down.

    Only what is to `make` a book makes a server under an empty home. Raises Failure if there is none or it cannot
    start. Whether a PostgreSQL that was named answers, `connect` finds out.
    """
    if settings.database_url:
        return settings.database_url
    if not make and not embedded_server.is_there(settings.home):
        raise Failure(
            f"there is no book under {settings.home.expanduser().resolve()}, and TIFFIN_DATABASE_URL is not set: "
            "set it or TIFFIN_HOME, or run tiffin init to create a book there, on an embedded PostgreSQL"
        )
    return embedded_server.running(settings.home)


def stop(settings: Settings) -> bool:
    """Stop the embedded server; return whether one was running.

    Raises Failure if the database is not ours to stop.
    """
    if settings.database_url:
        raise Failure("TIFFIN_DATABASE_URL names a PostgreSQL that tiffin did not start and will not stop")
    return embedded_server.stop(settings.home)


def migrate(url: str) -> str | None:
    """Bring the tables up to the newest migration, and grant the roles what they may do.

    Return what an administrator has to do before the roles can be granted anything, None if nothing. Two processes at
    once wait for each other. A migration that cannot get its locks gives way to writers and tries again; one that was
    killed half-way left nothing of itself, and the next run goes on from there. Raises Failure if the database was
    migrated by a newer Tiffin or writers never leave a gap.
    """
    # Imported here: alembic and SQLAlchemy cost a third of a second that `tiffin balance` need not pay twice.
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import create_engine
    from sqlalchemy.exc import OperationalError
    from sqlalchemy.pool import NullPool

    from ledger.postgres.grants import grant_roles

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    engine = create_engine("postgresql+psycopg://", creator=lambda: connect(url), poolclass=NullPool)
    with connect(url) as guard:
        _hold_migrations(guard)
        deadline = time.monotonic() + UPGRADE_PATIENCE_SECONDS
        while True:
            try:
                with engine.connect() as connection:
                    config.attributes["connection"] = connection
                    command.upgrade(config, "head")
                break
            except OperationalError as error:
                if not isinstance(error.orig, psycopg.errors.LockNotAvailable):
                    raise (error.orig if isinstance(error.orig, psycopg.Error) else error) from None
                if time.monotonic() > deadline:
                    raise Failure(
                        f"other sessions kept the tables busy for {UPGRADE_PATIENCE_SECONDS:.0f} seconds: "
                        "the upgrade stopped before a migration and can be run again"
                    ) from None
                time.sleep(random.uniform(0.2, 1.0))
        return grant_roles(url)


def _hold_migrations(guard: AnyConnection) -> None:
    """Make this the one process that migrates until the connection's database transaction ends."""
    while True:
        try:
            guard.execute(_VERSION_TABLE)
            guard.commit()
            break
        except _MADE_BESIDE_US:
            guard.rollback()
    while True:
        try:
            guard.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            guard.execute(locks.MIGRATING)
            break
        except psycopg.errors.LockNotAvailable:  # waiting inside a transaction would keep an index from being built
            guard.rollback()
            time.sleep(random.uniform(0.1, 0.3))
    row = guard.execute("SELECT max(version_num) FROM alembic_version").fetchone()
    if row and row[0]:
        _refuse_newer(row[0])


_MADE_BESIDE_US = (psycopg.errors.UniqueViolation, psycopg.errors.DuplicateTable, psycopg.errors.DuplicateObject)
"""How PostgreSQL answers IF NOT EXISTS when another session makes the table, or its row type, at that moment."""

_VERSION_TABLE = (
    "CREATE TABLE IF NOT EXISTS alembic_version (version_num varchar(32) CONSTRAINT alembic_version_pkc PRIMARY KEY)"
)


def newest_revision() -> str:
    """Return the number of the newest migration of this version of Tiffin."""
    return max(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def _refuse_newer(found: str) -> None:
    newest = newest_revision()
    if found > newest:
        raise Failure(
            f"the book's tables are those of a newer Tiffin (version {found}, this one knows {newest}): upgrade Tiffin"
        )


def check_book(connection: AnyConnection) -> None:
    """Raise Failure unless the database has a book whose tables are those of this version; ends the transaction."""
    try:
        row = connection.execute("SELECT max(version_num), (SELECT count(*) FROM book) FROM alembic_version").fetchone()
    except psycopg.errors.UndefinedTable:
        row = None
    finally:
        connection.rollback()
    if row is None:
        raise Failure("there is no book yet: run tiffin init")
    found, books = row
    _refuse_newer(found or "")
    if (found or "") < newest_revision():
        raise Failure(
            f"the book's tables are those of an older Tiffin (version {found or 'none'}, this one needs "
            f"{newest_revision()}): run tiffin init"
        )
    if not books:
        raise Failure("there is no book yet: run tiffin init")
    try:
        timeline.refuse_another(connection)
    finally:
        connection.rollback()


OURS = ("pool_size", "prepare")
"""Parameters of a URL that are ours: other programs that use libpq do not know them."""


def libpq_url(url: str) -> str:
    """Return the URL without what is ours in it."""
    address, _, query = url.partition("?")
    theirs = [pair for pair in query.split("&") if pair and pair.partition("=")[0] not in OURS]
    return f"{address}?{'&'.join(theirs)}" if theirs else address


def _ours(url: str, name: str) -> str | None:
    values = [pair.partition("=")[2] for pair in url.partition("?")[2].split("&") if pair.startswith(f"{name}=")]
    return values[-1] if values else None


def pool_size(url: str) -> int:
    """Return how many connections a door may post on: `pool_size` in the URL. Raises Failure unless 1 to 100."""
    size = _ours(url, "pool_size")
    if size is None:
        return POOL_SIZE
    if not size.isdecimal() or not 1 <= int(size) <= MOST_CONNECTIONS:
        raise Failure(f"TIFFIN_DATABASE_URL: pool_size is {size!r}, expected a number from 1 to {MOST_CONNECTIONS}")
    return int(size)


def connect(url: str, *, settings: Mapping[str, object] = NO_SETTINGS, autocommit: bool = False) -> AnyConnection:
    """Return a psycopg connection; server settings in the URL's `options` win over `settings`.

    Behind a pool that hands a server over between transactions (pgbouncer), nothing is prepared by name, unless the
    URL has `prepare=on`: what was prepared would be another server's. Raises Failure if there is no connection to be
    had or the server is too old.
    """
    try:
        parts = conninfo_to_dict(libpq_url(url))
    except psycopg.ProgrammingError:
        # The driver's own message quotes the address, and with it the password.
        raise Failure("TIFFIN_DATABASE_URL is not the address of a PostgreSQL database") from None
    try:
        connection: AnyConnection = psycopg.connect(make_conninfo("", **(_DEFAULTS | parts)), autocommit=True)
    except psycopg.OperationalError as error:
        raise Unreachable(f"cannot reach PostgreSQL at {_address(parts)}: {_reason(error, parts)}") from None
    version = connection.info.server_version // 10_000
    if version < OLDEST_POSTGRESQL:
        connection.close()
        raise Failure(f"PostgreSQL {version} at {_address(parts)} is too old: {OLDEST_POSTGRESQL} or newer is needed")
    pooled = _is_pooled(connection)
    if pooled and _ours(url, "prepare") != "on":
        connection.prepare_threshold = None  # DECISIONS D94
    ours = {name: value for name, value in settings.items() if name not in str(parts.get("options", ""))}
    if ours:
        local = "true" if pooled else "false"
        setting = "SELECT " + ", ".join(f"set_config('{name}', '{value}', {local})" for name, value in ours.items())
        if pooled:
            _settings[connection] = setting
        else:
            connection.execute(setting)
    connection.autocommit = autocommit
    return connection


_settings: WeakKeyDictionary[AnyConnection, str] = WeakKeyDictionary()


def settings_of(connection: AnyConnection) -> str | None:
    """Return the statement that each database transaction starts with, None if the settings last for the session.

    Behind a pool they would stay with a server that the next transaction may not have, and another caller may.
    """
    return _settings.get(connection)


def _is_pooled(connection: AnyConnection) -> bool:
    """Return whether a pool is in between: it invents the process number that a server would have reported."""
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    return row is not None and row[0] != connection.info.backend_pid


def initialise(
    url: str, time_zone: str | None = None, currency: str | None = None, late_days: int | None = None
) -> tuple[str, str]:
    """Write the book's one row and return its time zone, and the currency of payments without an account that
    name none. What is not given stays as it is; in a new book it is Europe/Moscow and RUB.

    `late_days` before its booking, at most, may something have happened; it can be changed (DECISIONS D120).

    Raises Failure on an unknown time zone or currency, or one other than the book already has (DECISIONS D1).
    """
    if time_zone is not None:
        _check_time_zone(time_zone)
    if currency is not None and not is_currency(currency):
        raise Failure(f"currency {currency!r} is not an ISO 4217 currency with two decimals")
    with connect(url) as connection:
        _end_idle_transactions(connection)
        connection.execute(
            "INSERT INTO book (id, time_zone, currency) VALUES (1, %s, %s) ON CONFLICT (id) DO NOTHING",
            [time_zone or "Europe/Moscow", currency or "RUB"],
        )
        if late_days is not None:
            connection.execute("UPDATE book SET late_days = %s", [late_days])
        row = connection.execute("SELECT time_zone, currency FROM book").fetchone()
    assert row is not None
    for what, has, wanted in (("time zone", row[0], time_zone), ("currency", row[1], currency)):
        if wanted not in (None, has):
            raise Failure(f"the book's {what} is {has} and cannot become {wanted}")
    return row[0], row[1]


def _end_idle_transactions(connection: AnyConnection) -> None:
    """Let the server end sessions of this database that stay idle in a transaction, unless it was set before."""
    set_before = (
        "SELECT 1 FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase, unnest(s.setconfig) setting "
        "WHERE d.datname = current_database() AND setting LIKE 'idle_in_transaction_session_timeout=%'"
    )
    if connection.execute(set_before).fetchone():
        return
    with suppress(psycopg.errors.InsufficientPrivilege), connection.transaction():  # not ours: docs/operations.md
        name = connection.info.dbname
        setting = sql.SQL("ALTER DATABASE {} SET idle_in_transaction_session_timeout = {}")
        connection.execute(setting.format(sql.Identifier(name), sql.Literal(f"{IDLE_SECONDS}s")))


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
