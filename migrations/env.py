"""How Alembic reaches the database: over the connection `migrate` hands it, or by the settings."""

from alembic import context
from sqlalchemy import Connection, create_engine, event
from sqlmodel import SQLModel

import ledger.bank.postgres.tables
import ledger.food.postgres.tables
import ledger.postgres.door_tables
import ledger.postgres.seal_tables
import ledger.postgres.tables  # noqa: F401  # its tables register themselves
from ledger.postgres.database import connect, server_url
from ledger.settings import Settings


def migrate(connection: Connection) -> None:
    """Run the migrations requested, each in a database transaction of its own.

    None waits long for a lock: whoever came after it would wait behind it.
    """
    event.listen(connection, "begin", lambda begun: begun.exec_driver_sql("SET LOCAL lock_timeout = '2s'"))
    context.configure(connection=connection, target_metadata=SQLModel.metadata, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()


given: Connection | None = context.config.attributes.get("connection")
if given is not None:
    migrate(given)
else:  # `alembic revision`, typed by a developer
    url = server_url(Settings(), make=True)
    with create_engine("postgresql+psycopg://", creator=lambda: connect(url)).connect() as own:
        migrate(own)
