"""The yardsticks: COPY of the rows that posting would write, a debit in five plain statements, and pgledger.

The tables have the keys and indexes of the ledger's own, and the foreign keys and triggers that it had at migration
0034, so that later figures compare; nothing is looked up, checked or decided. pgledger (github.com/pgr0ss/pgledger) is
a ledger in PL/pgSQL, here as it was published in July 2026 (c18c7d2).
"""

import re
import subprocess
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

from psycopg.conninfo import make_conninfo

from ledger.core.commands import Debit
from ledger.postgres import database
from ledger.postgres.locks import WRITING
from tests.benchmarks.books import debits, settled

YARD = """
CREATE SCHEMA yard;
CREATE TABLE yard.account (LIKE account INCLUDING ALL);
CREATE TABLE yard.transaction (LIKE transaction INCLUDING ALL,
    FOREIGN KEY (refers_to) REFERENCES yard.transaction (id));
CREATE TABLE yard.entry (LIKE entry INCLUDING ALL, FOREIGN KEY (transaction_id) REFERENCES yard.transaction (id));
CREATE TABLE yard.balance (LIKE balance INCLUDING ALL, FOREIGN KEY (account_id) REFERENCES yard.account (id))
    WITH (fillfactor = 50);
CREATE TABLE yard.aging_item (LIKE aging_item INCLUDING ALL);
CREATE TRIGGER entries_balance AFTER INSERT ON yard.entry REFERENCING NEW TABLE AS inserted
    FOR EACH STATEMENT EXECUTE FUNCTION yard.entries_balance();
INSERT INTO yard.account SELECT * FROM account;
INSERT INTO yard.balance SELECT * FROM balance;
CREATE SEQUENCE yard.ids;
"""


def prepare_yard(url: str) -> None:
    """Make the yardstick's tables: the same keys, indexes, foreign keys and triggers, and the same rows to start."""
    guard: str = import_module("migrations.versions.0024_writers_guards").BALANCED
    guard = guard.replace("entries_balance", "yard.entries_balance").replace("pg_catalog, p", "pg_catalog, yard, p")
    with database.connect(url, autocommit=True) as connection:
        connection.execute(YARD.partition("CREATE TRIGGER")[0])
        connection.execute(guard)
        connection.execute("".join(YARD.partition("CREATE TRIGGER")[1:]))
        connection.execute("SET session_replication_role = replica")  # the balances are copied as they stand
        connection.execute("INSERT INTO yard.transaction SELECT * FROM transaction")
        connection.execute("INSERT INTO yard.entry SELECT * FROM entry")
        connection.execute("INSERT INTO yard.aging_item SELECT * FROM aging_item")
        connection.execute("SELECT setval('yard.ids', (SELECT max(id) + 1 FROM transaction))")
        connection.execute("ANALYZE")


def copy(url: str, accounts: list[int], many: int, batch: int, name: str, seed: int, start: Any) -> None:
    """Write the same rows by COPY: nothing is looked up, checked or decided."""
    commands = debits(accounts, many, name, seed)
    with database.connect(url) as connection:
        revenue = connection.execute("SELECT id FROM account WHERE kind = 'revenue'").fetchone()
        assert revenue is not None
        versions = dict(connection.execute("SELECT account_id, version FROM yard.balance").fetchall())
        balances = dict(connection.execute("SELECT account_id, balance FROM yard.balance").fetchall())
        connection.commit()
        settled()
        start.wait()
        for at in range(0, many, batch):
            _copy_batch(connection, commands[at : at + batch], revenue[0], versions, balances)


def _copy_batch(
    connection: Any, commands: list[Debit], revenue: int, versions: dict[int, int], balances: dict[int, int]
) -> None:
    now = datetime.now(UTC)
    day = (now + timedelta(hours=3)).date()
    connection.execute(WRITING)
    ids = connection.execute("SELECT nextval('yard.ids') FROM generate_series(1, %s)", [len(commands)]).fetchall()
    cursor = connection.cursor()
    with cursor.copy(
        "COPY yard.transaction (id, key, fingerprint, kind, status, account_id, amount, currency, posted_at, "
        "business_date) FROM STDIN"
    ) as copying:
        for (id_,), c in zip(ids, commands, strict=True):
            copying.write_row((id_, c.key, b"0" * 16, "debit", "posted", c.account, 1200, "RUB", now, day))
    with cursor.copy(
        "COPY yard.entry (transaction_id, leg, currency, account_id, amount, held, version, balance_after, held_after, "
        "source_id, line, service, reference, gross, discount) FROM STDIN"
    ) as copying:
        for (id_,), c in zip(ids, commands, strict=True):
            assert isinstance(c.account, int)
            versions[c.account] += 1
            balances[c.account] -= 1200
            copying.write_row(
                (
                    id_,
                    1,
                    "RUB",
                    c.account,
                    -1200,
                    0,
                    versions[c.account],
                    balances[c.account],
                    0,
                    None,
                    None,
                    None,
                    None,
                    None,
                    None,
                )
            )
            copying.write_row(
                (
                    id_,
                    2,
                    "RUB",
                    revenue,
                    1200,
                    0,
                    None,
                    None,
                    None,
                    c.account,
                    1,
                    "order",
                    c.lines[0].reference,
                    1200,
                    0,
                )
            )
    with cursor.copy(
        "COPY yard.aging_item (transaction_id, account_id, business_date, due_on, amount) FROM STDIN"
    ) as copying:
        for (id_,), c in zip(ids, commands, strict=True):
            copying.write_row((id_, c.account, day, date.max, 1200))
    numbers = sorted({c.account for c in commands})
    connection.execute("UPDATE yard.balance b SET posted_at = %s WHERE account_id = ANY(%s)", [now, numbers])
    connection.commit()


def plain_debit(connection: Any, account: int, revenue: int, key: str) -> None:
    """Debit an account as a careful caller would by hand: five statements, of which the last commits."""
    now = datetime.now(UTC)
    row = connection.execute(
        "SELECT balance, version FROM yard.balance WHERE account_id = %s FOR UPDATE", [account]
    ).fetchone()
    balance, version = row[0] - 1200, row[1] + 1
    (id_,) = connection.execute(
        "INSERT INTO yard.transaction (id, key, fingerprint, kind, status, account_id, amount, currency, posted_at, "
        "business_date) VALUES (nextval('yard.ids'), %s, %s, 'debit', 'posted', %s, 1200, 'RUB', %s, %s) RETURNING id",
        [key, b"0" * 16, account, now, now.date()],
    ).fetchone()
    connection.execute(
        "INSERT INTO yard.entry (transaction_id, leg, currency, account_id, amount, held, version, balance_after, "
        "held_after, source_id, line, service, reference, gross, discount) VALUES "
        "(%s, 1, 'RUB', %s, -1200, 0, %s, %s, 0, NULL, NULL, NULL, NULL, NULL, NULL), "
        "(%s, 2, 'RUB', %s, 1200, 0, NULL, NULL, NULL, %s, 1, 'order', 'A-1', 1200, 0)",
        [id_, account, version, balance, id_, revenue, account],
    )
    connection.execute("UPDATE yard.balance SET posted_at = %s WHERE account_id = %s", [now, account])
    connection.commit()


PGLEDGER = Path(__file__).with_name("pgledger")
"""pgledger as its author publishes it (MIT), with the functions for its ids (BSD); see its licences there."""

ACCOUNTS = """
INSERT INTO pgledger_accounts
    (id, name, currency, allow_negative_balance, allow_positive_balance, created_at, updated_at)
SELECT 'pgla_' || lpad(n::text, 26, '0'), 'client ' || n, 'RUB', true, true, now(), now()
FROM generate_series(1, 10000) n
"""
PAIR = (
    "('pgla_' || lpad((1 + random() * 4999)::int::text, 26, '0'), "
    "'pgla_' || lpad((5001 + random() * 4999)::int::text, 26, '0'), 12.00)"
)


def prepare_transfers(url: str) -> str:
    """Load pgledger into a database of its own on the server, with ten thousand accounts; return its URL."""
    with database.connect(url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE pgledger TEMPLATE template0")
    beside = make_conninfo(url, dbname="pgledger")
    with database.connect(beside, autocommit=True) as connection:
        for name in ("uuid-to-ulid.sql", "pgledger.sql"):
            connection.execute(PGLEDGER.joinpath(name).read_text())
        connection.execute(ACCOUNTS)
        connection.execute("ANALYZE")
    return beside


def transfer_alone(connection: Any, number: int) -> None:
    """Make one transfer, as one caller does, on a connection in autocommit."""
    connection.execute(
        "SELECT id FROM pgledger_create_transfer(%s, %s, 12.00)",
        [f"pgla_{1 + number % 5000:026}", f"pgla_{5001 + number % 4999:026}"],
    )


def transfers(url: str, folder: Path, *, callers: int, batch: int, seconds: float) -> float:
    """Return transfers a second by pgledger, called by pgbench: the best that a caller can do there."""
    script = folder / "transfers.sql"
    many = f"pgledger_create_transfers(ARRAY(SELECT {PAIR}::transfer_request FROM generate_series(1, {batch})), NULL)"
    script.write_text(f"SELECT count(*) FROM {f'pgledger_create_transfer{PAIR}' if batch == 1 else many};")
    command = ["pgbench", "-n", "-c", str(callers), "-j", "1", "-M", "prepared", "-T", str(int(seconds))]
    output = subprocess.run([*command, "-f", str(script), url], check=True, capture_output=True, text=True).stdout
    return float(re.findall(r"tps = ([\d.]+)", output)[-1]) * batch


CALLERS = ((4, 1), (8, 1), (16, 1))
BATCHES = ((8, 1), (1, 1000), (2, 1000))


def best_transfers(url: str, folder: Path, seconds: float, ways: tuple[tuple[int, int], ...] = BATCHES) -> float:
    """Return the most transfers a second that pgledger makes, of several callers and sizes of batches."""
    return max(transfers(url, folder, callers=c, batch=b, seconds=seconds) for c, b in ways)
