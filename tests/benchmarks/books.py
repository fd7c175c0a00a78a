"""Books to measure on: ten thousand funded accounts, or one company that pays for a thousand employees."""

import gc
import random

from ledger.administration.administration_lines import parse
from ledger.core.command_parts import Line
from ledger.core.commands import Debit, Payment
from ledger.postgres import database
from ledger.postgres.post import Ledger

ACCOUNTS = 10_000
EMPLOYEES = 1_000


def prepare(url: str) -> list[int]:
    """Make a book with a brand and ten thousand funded accounts; return their numbers."""
    database.migrate(url)
    database.initialise(url, "Europe/Moscow")
    ledger = Ledger(url)
    ledger.administer([parse({"type": "brand", "code": "sushi", "name": "Sushi"})])
    names = [f"client {number}" for number in range(ACCOUNTS)]
    ledger.administer([parse({"type": "party", "reference": n, "kind": "individual", "name": n}) for n in names])
    ledger.administer([parse({"type": "account", "reference": n, "party": n, "currency": "RUB"}) for n in names])
    for start in range(0, ACCOUNTS, 1000):
        ledger.post(
            [Payment(key=f"fund {n}", account=n, amount=1_000_000, brand="sushi") for n in names[start : start + 1000]]
        )
    with database.connect(url, autocommit=True) as connection:
        connection.execute("ANALYZE")
        rows = connection.execute("SELECT id FROM account WHERE kind = 'money' ORDER BY id").fetchall()
    ledger.close()
    return [number for (number,) in rows]


def debits(accounts: list[int], many: int, name: str, seed: int) -> list[Debit]:
    """Return so many debits of random accounts."""
    chance = random.Random(seed)
    return [
        Debit(
            key=f"{name}-{number}",
            account=chance.choice(accounts),
            lines=(Line(brand="sushi", service="order", reference=f"A-{number}", amount=12),),
        )
        for number in range(many)
    ]


def prepare_company(url: str) -> list[int]:
    """Add a company whose money a thousand employees spend; return the employees' account numbers."""
    ledger = Ledger(url)
    names = [f"employee {number}" for number in range(EMPLOYEES)]
    for name in ("company", *names):
        ledger.administer(
            [
                parse({"type": "party", "reference": name, "kind": "individual", "name": name}),
                parse({"type": "account", "reference": name, "party": name, "currency": "RUB"}),
            ]
        )
    ledger.administer([parse({"type": "link", "account": name, "payer": "company"}) for name in names])
    ledger.administer(
        [
            parse(
                {"type": "write_off_limit", "payer": "company", "account": name, "period": "day", "amount": "1000000"}
            )
            for name in names
        ]
    )
    ledger.post([Payment(key="fund company", account="company", amount=1_000_000_000, brand="sushi")])
    with database.connect(url, autocommit=True) as connection:
        connection.execute("ANALYZE")
        rows = connection.execute("SELECT account_id FROM link ORDER BY account_id").fetchall()
    ledger.close()
    return [number for (number,) in rows]


GROWN = """
CREATE TEMP TABLE old AS SELECT account_id, row_number() OVER (ORDER BY account_id) AS rank, version, balance,
    posted_at, (SELECT max(id) FROM transaction) AS last FROM balance WHERE account_id = ANY(%(accounts)s);
CREATE TEMP TABLE debit AS SELECT last + (number - 1) * %(many)s + rank AS id, account_id, version + number AS version,
    balance - 1200 * number AS balance, posted_at
    FROM generate_series(1, %(each)s) AS number CROSS JOIN old ORDER BY id;
INSERT INTO transaction (id, key, fingerprint, kind, status, account_id, amount, currency, posted_at, business_date)
    SELECT id, 'old-' || id, '', 'debit', 'posted', account_id, 1200, 'RUB', posted_at, posted_at::date FROM debit;
INSERT INTO entry (transaction_id, leg, currency, account_id, amount, held, version, balance_after, held_after)
    SELECT id, 1, 'RUB', account_id, -1200, 0, version, balance, 0 FROM debit;
INSERT INTO entry (transaction_id, leg, currency, account_id, amount, held, source_id, line, service, reference, gross,
    discount) SELECT id, 2, 'RUB', (SELECT id FROM account WHERE kind = 'revenue'), 1200, 0, account_id, 1, 'order',
    'A-' || id, 1200, 0 FROM debit;
UPDATE balance b SET version = b.version + %(each)s, balance = b.balance - 1200 * %(each)s
    FROM old WHERE old.account_id = b.account_id;
SELECT setval('transaction_id_seq', (SELECT max(id) FROM transaction));
DROP TABLE old, debit
"""


def grow(url: str, accounts: list[int], entries: int) -> None:
    """Fill the tables up to about so many entries, with debits such as posting would have left behind."""
    with database.connect(url) as connection:
        has = connection.execute("SELECT count(*) FROM entry").fetchone()
        assert has is not None
        each = max(1, (entries - has[0]) // 2 // len(accounts))
        connection.execute("SET session_replication_role = replica")  # checked rows, not worth checking again
        for statement in GROWN.split(";"):
            connection.execute(statement, {"accounts": accounts, "many": len(accounts), "each": each})
        connection.commit()
    with database.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE) transaction, entry, balance")


def settled() -> None:
    """Take what was prepared out of the collector's sight: a writer does not carry its caller's next hour in memory."""
    gc.collect()
    gc.freeze()
