"""How fast the ledger posts debits, beside COPY of the same rows as the yardstick, in one run.

Both write to one server with fsync on: a transaction with its key, an account entry and a
brand entry a debit, into tables with the same keys, indexes, foreign keys and triggers,
with the same balance updates and commits. Run: python -m tests.benchmarks.bench_post
"""

import argparse
import multiprocessing
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from ledger import database, embedded
from ledger.commands import Debit, Line, Payment
from ledger.post import Ledger
from ledger.records import parse
from ledger.store import CUT_LOCK

ACCOUNTS = 10_000


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
        ledger.post([
            Payment(key=f"fund {n}", account=n, amount=1_000_000, brand="sushi") for n in names[start : start + 1000]
        ])  # fmt: skip
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
            key=f"{name}-{number}", account=chance.choice(accounts),
            lines=(Line(brand="sushi", service="order", reference=f"A-{number}", amount=12),),
        )
        for number in range(many)
    ]  # fmt: skip


def post(url: str, accounts: list[int], many: int, batch: int, name: str, seed: int, start: Any) -> None:
    """Post debits in batches, once all writers are ready."""
    ledger = Ledger(url)
    commands = debits(accounts, many, name, seed)
    ledger.post(debits(accounts, batch, f"warm-{name}", seed))
    start.wait()
    for at in range(0, many, batch):
        outcomes = ledger.post(commands[at : at + batch])
        assert all(outcome.to_json()["status"] == "posted" for outcome in outcomes)


YARD = """
CREATE SCHEMA yard;
CREATE TABLE yard.account (LIKE account INCLUDING ALL);
CREATE TABLE yard.transaction (LIKE transaction INCLUDING ALL,
    FOREIGN KEY (refers_to) REFERENCES yard.transaction (id));
CREATE TABLE yard.entry (LIKE entry INCLUDING ALL, FOREIGN KEY (transaction_id) REFERENCES yard.transaction (id),
    FOREIGN KEY (account_id, currency) REFERENCES yard.account (id, currency));
CREATE TABLE yard.balance (LIKE balance INCLUDING ALL, FOREIGN KEY (account_id) REFERENCES yard.account (id))
    WITH (fillfactor = 50);
CREATE TRIGGER entries_balance AFTER INSERT ON yard.entry REFERENCING NEW TABLE AS inserted
    FOR EACH STATEMENT EXECUTE FUNCTION entries_balance();
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
        start.wait()
        for at in range(0, many, batch):
            _copy_batch(connection, commands[at : at + batch], revenue[0], versions, balances)


def _copy_batch(
    connection: Any, commands: list[Debit], revenue: int, versions: dict[int, int], balances: dict[int, int]
) -> None:
    now = datetime.now(UTC)
    day = (now + timedelta(hours=3)).date()
    connection.execute("SELECT pg_advisory_xact_lock_shared(%s)", [CUT_LOCK])
    ids = connection.execute("SELECT nextval('yard.ids') FROM generate_series(1, %s)", [len(commands)]).fetchall()
    cursor = connection.cursor()
    with cursor.copy(
        "COPY yard.transaction (id, key, fingerprint, kind, status, account_id, amount, currency, posted_at, "
        "business_date) FROM STDIN"
    ) as copying:
        for (id_,), c in zip(ids, commands, strict=True):
            copying.write_row((id_, c.key, b"0" * 16, "debit", "posted", c.account, 1200, "RUB", now, day))
    moved = {}
    with cursor.copy(
        "COPY yard.entry (transaction_id, leg, currency, account_id, amount, held, version, balance_after, held_after, "
        "source_id, line, service, reference, gross, discount) FROM STDIN"
    ) as copying:
        for (id_,), c in zip(ids, commands, strict=True):
            assert isinstance(c.account, int)
            versions[c.account] += 1
            balances[c.account] -= 1200
            moved[c.account] = (balances[c.account], versions[c.account])
            copying.write_row((
                id_, 1, "RUB", c.account, -1200, 0, versions[c.account], balances[c.account], 0, None, None, None, None,
                None, None,
            ))  # fmt: skip
            copying.write_row((
                id_, 2, "RUB", revenue, 1200, 0, None, None, None, c.account, 1, "order", c.lines[0].reference, 1200, 0,
            ))  # fmt: skip
    numbers = sorted(moved)
    connection.execute(
        "UPDATE yard.balance b SET balance = n.balance, version = n.version, posted_at = %s "
        "FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS n(id, balance, version) WHERE b.account_id = n.id",
        [now, numbers, [moved[n][0] for n in numbers], [moved[n][1] for n in numbers]],
    )
    connection.commit()


def rate(work: Callable[..., None], url: str, accounts: list[int], many: int, batch: int, writers: int) -> float:
    """Return rows of work a second over all writers, each on accounts of its own."""
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(writers + 1)
    share = len(accounts) // writers
    name = f"{work.__name__}-{batch}-{writers}-{time.time_ns()}"
    processes = [
        context.Process(
            target=work,
            args=(url, accounts[w * share : (w + 1) * share], many // writers, batch, f"{name}-{w}", w, start),
        )
        for w in range(writers)
    ]
    for process in processes:
        process.start()
    start.wait()
    began = time.perf_counter()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    return many // writers * writers / (time.perf_counter() - began)


def measured(url: str, accounts: list[int], scale: float) -> Iterator[tuple[int, int, float, float]]:
    """Yield (batch, writers, posts a second, copies a second)."""
    for batch, many in ((1, 1_500), (100, 30_000), (1_000, 60_000), (5_000, 60_000)):
        for writers in (1, 2):
            rows = max(batch * writers, int(many * scale) // (batch * writers) * batch * writers)
            copied = rate(copy, url, accounts, rows, batch, writers)
            posted = rate(post, url, accounts, rows, batch, writers)
            yield batch, writers, posted, copied


def main() -> None:
    """Print a table of rates and their ratios."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--scale", type=float, default=1.0, help="more or fewer debits")
    scale = options.parse_args().scale
    home = Path(tempfile.mkdtemp(prefix="tiffin-bench-"))
    url = embedded.running(home)
    try:
        accounts = prepare(url)
        prepare_yard(url)
        table = Table("batch", "writers", "posted a second", "copied a second", "ratio", box=None)
        for batch, writers, posted, copied in measured(url, accounts, scale):
            table.add_row(str(batch), str(writers), f"{posted:,.0f}", f"{copied:,.0f}", f"{posted / copied:.2f}")
        Console().print(table)
    finally:
        embedded.stop(home)


if __name__ == "__main__":
    main()
