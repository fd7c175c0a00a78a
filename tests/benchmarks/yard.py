"""The yardsticks: COPY of the rows that posting would write, a debit in five plain statements, a ledger in PL/pgSQL.

The tables have the keys and indexes of the ledger's own, and the foreign keys and triggers that it had at migration
0034, so that later figures compare; nothing is looked up, checked or decided. The ledger in PL/pgSQL works as pgledger
does (one call a transfer: locks, both balances with their versions, a transfer, two entries, the same indexes and
foreign keys, text ids, numeric amounts) without its rules about ids, and is so rather faster: it is ours, not pgledger.
"""

import re
import subprocess
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

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


LEDGER = """
CREATE SCHEMA transfers;
CREATE TABLE transfers.account (id text PRIMARY KEY, name text NOT NULL, currency text NOT NULL,
    balance numeric NOT NULL DEFAULT 0, version bigint NOT NULL DEFAULT 0, allow_negative boolean NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE transfers.transfer (id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
    from_id text NOT NULL REFERENCES transfers.account, to_id text NOT NULL REFERENCES transfers.account,
    amount numeric NOT NULL CHECK (amount > 0), created_at timestamptz NOT NULL, event_at timestamptz NOT NULL);
CREATE INDEX ON transfers.transfer (from_id);
CREATE INDEX ON transfers.transfer (to_id);
CREATE INDEX ON transfers.transfer (event_at);
CREATE TABLE transfers.entry (id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
    account_id text NOT NULL REFERENCES transfers.account, transfer_id text NOT NULL REFERENCES transfers.transfer,
    amount numeric NOT NULL, before numeric NOT NULL, after numeric NOT NULL, version bigint NOT NULL,
    created_at timestamptz NOT NULL);
CREATE INDEX ON transfers.entry (account_id);
CREATE INDEX ON transfers.entry (transfer_id);
CREATE TYPE transfers.asked AS (from_id text, to_id text, amount numeric);
CREATE FUNCTION transfers.make(VARIADIC asked transfers.asked[]) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE one transfers.asked; payer transfers.account; payee transfers.account; made text; named text;
BEGIN
    FOR named IN SELECT DISTINCT id FROM unnest(asked) a, LATERAL (VALUES (a.from_id), (a.to_id)) v(id) ORDER BY id LOOP
        PERFORM FROM transfers.account WHERE id = named FOR UPDATE;
    END LOOP;
    FOREACH one IN ARRAY asked LOOP
        UPDATE transfers.account SET balance = balance - one.amount, version = version + 1, updated_at = now()
        WHERE id = one.from_id RETURNING * INTO payer;
        UPDATE transfers.account SET balance = balance + one.amount, version = version + 1, updated_at = now()
        WHERE id = one.to_id RETURNING * INTO payee;
        IF payer.currency <> payee.currency OR (payer.balance < 0 AND NOT payer.allow_negative) THEN
            RAISE EXCEPTION 'not from % to %', one.from_id, one.to_id;
        END IF;
        INSERT INTO transfers.transfer (from_id, to_id, amount, created_at, event_at)
        VALUES (one.from_id, one.to_id, one.amount, now(), now()) RETURNING id INTO made;
        INSERT INTO transfers.entry (account_id, transfer_id, amount, before, after, version, created_at)
        VALUES (one.from_id, made, -one.amount, payer.balance + one.amount, payer.balance, payer.version, now());
        INSERT INTO transfers.entry (account_id, transfer_id, amount, before, after, version, created_at)
        VALUES (one.to_id, made, one.amount, payee.balance - one.amount, payee.balance, payee.version, now());
        RETURN NEXT made;
    END LOOP;
END $$;
INSERT INTO transfers.account (id, name, currency, allow_negative)
    SELECT 'a' || n, 'client ' || n, 'RUB', true FROM generate_series(1, 10000) n
"""
PAIR = "('a' || (1 + random() * 4999)::int, 'a' || (5001 + random() * 4999)::int, 12.00)::transfers.asked"


def prepare_transfers(url: str) -> None:
    """Make the ledger in PL/pgSQL, with ten thousand accounts that may owe."""
    with database.connect(url, autocommit=True) as connection:
        connection.execute(LEDGER)
        connection.execute("ANALYZE")


def transfer_alone(connection: Any, number: int) -> None:
    """Make one transfer, as one caller does."""
    connection.execute(
        "SELECT transfers.make((%s, %s, 12.00)::transfers.asked)",
        [f"a{1 + number % 5000}", f"a{5001 + number % 4999}"],
    )
    connection.commit()


def transfers(url: str, folder: Path, *, callers: int, batch: int, seconds: float) -> float:
    """Return transfers a second by the ledger in PL/pgSQL, asked by pgbench: the best that a caller can do there."""
    script = folder / "transfers.sql"
    asked = f"ARRAY(SELECT {PAIR} FROM generate_series(1, {batch}))"
    script.write_text(f"SELECT count(*) FROM transfers.make(VARIADIC {asked});")
    command = ["pgbench", "-n", "-c", str(callers), "-j", "1", "-M", "prepared", "-T", str(int(seconds))]
    said = subprocess.run([*command, "-f", str(script), url], check=True, capture_output=True, text=True).stdout
    return float(re.findall(r"tps = ([\d.]+)", said)[-1]) * batch


CALLERS = ((4, 1), (8, 1), (16, 1))
BATCHES = ((8, 1), (1, 1000), (2, 1000))


def best_transfers(url: str, folder: Path, seconds: float, ways: tuple[tuple[int, int], ...] = BATCHES) -> float:
    """Return the most transfers a second that the ledger in PL/pgSQL makes, of several callers and sizes of batches."""
    return max(transfers(url, folder, callers=c, batch=b, seconds=seconds) for c, b in ways)
