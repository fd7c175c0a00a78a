"""The yardstick: COPY of the rows that posting would write, and a debit in five plain statements.

The tables have the same keys, indexes, foreign keys and triggers as the ledger's own;
nothing is looked up, checked or decided.
"""

from datetime import UTC, date, datetime, timedelta
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
DO $$ BEGIN  -- the same guard, on these tables
    EXECUTE replace(replace(pg_get_functiondef('entries_balance'::regproc), 'public.entries_balance',
                            'yard.entries_balance'), 'pg_catalog, public', 'pg_catalog, yard, public');
END $$;
CREATE TRIGGER entries_balance AFTER INSERT ON yard.entry REFERENCING NEW TABLE AS inserted
    FOR EACH STATEMENT EXECUTE FUNCTION yard.entries_balance();
INSERT INTO yard.account SELECT * FROM account;
INSERT INTO yard.balance SELECT * FROM balance;
CREATE SEQUENCE yard.ids;
"""


def prepare_yard(url: str) -> None:
    """Make the yardstick's tables: the same keys, indexes, foreign keys and triggers, and the same rows to start."""
    with database.connect(url, autocommit=True) as connection:
        connection.execute(YARD)
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
