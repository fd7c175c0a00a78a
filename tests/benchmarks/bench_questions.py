"""How fast questions about one account are, by the length of its history: a small account is the yardstick.

An account with a million entries is asked how it stands, in credit and in debt, now and at past moments, and for its
history of the last hour. Run: python -m tests.benchmarks.bench_questions [--entries 1000000]
"""

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from ledger.administration.administration_lines import parse
from ledger.core.commands import parse as command
from ledger.postgres import account_queries, balances, database, embedded_server
from ledger.postgres.database import AnyConnection
from ledger.postgres.post import Ledger

SMALL = 10
ACCOUNTS = {"small, in credit": False, "small, in debt": True, "large, in credit": False, "large, in debt": True}
"""Each account, and whether it owes its last tenth."""


def prepare(url: str, entries: int) -> None:
    """Make the accounts. The long histories are written by SQL, as posting would have left them."""
    database.migrate(url)
    database.initialise(url, "Europe/Moscow")
    ledger = Ledger(url)
    records = [{"type": "brand", "code": "sushi", "name": "Sushi"}]
    for name in ACCOUNTS:
        records.append({"type": "party", "reference": name, "kind": "individual", "name": name})
        records.append({"type": "account", "reference": name, "party": name, "currency": "RUB"})
    ledger.administer([parse(record) for record in records])
    for name in ACCOUNTS:  # opens the brand's accounts, too
        ledger.post([command({"type": "payment", "key": name, "account": name, "amount": "1.00", "brand": "sushi"})])
        lines = [{"brand": "sushi", "amount": "1.00"}]
        ledger.post([command({"type": "debit", "key": f"first {name}", "account": name, "lines": lines})])
    ledger.close()
    with database.connect(url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")  # what is written here needs no guards
        for name, owes in ACCOUNTS.items():
            _grow(connection, name, SMALL if name.startswith("small") else entries, owes)
        connection.execute("VACUUM ANALYZE")


def _grow(connection: AnyConnection, name: str, entries: int, owes: bool) -> None:
    account = account_queries.find(connection, name).id
    revenue = connection.execute("SELECT id FROM account WHERE kind = 'revenue'").fetchone()
    cash = connection.execute("SELECT id FROM account WHERE kind = 'cash'").fetchone()
    assert revenue is not None
    assert cash is not None
    paid = entries * 100 - (entries // 10 * 100 if owes else 0)
    connection.execute("SELECT setval('transaction_id_seq', (SELECT max(id) FROM transaction))")
    asked = {"account": account, "revenue": revenue[0], "cash": cash[0], "many": entries, "paid": paid, "name": name}
    for statement in GROW:
        connection.execute(statement, asked)


_MOMENT = "(now() - (%(many)s - n + 2) * interval '1 minute')"
_DAY = f"({_MOMENT} AT TIME ZONE 'Europe/Moscow')::date"
# A payment of what is not owed, and then debits of 1.00, one a minute until now, each due after thirty days.
GROW = (
    f"""INSERT INTO transaction
        (id, key, fingerprint, kind, status, account_id, amount, currency, posted_at, business_date)
    SELECT (SELECT max(id) FROM transaction) + n + 1, %(name)s || ' ' || n, '\\x00',
        CASE n WHEN 0 THEN 'payment' ELSE 'debit' END, 'posted', %(account)s,
        CASE n WHEN 0 THEN %(paid)s ELSE 100 END, 'RUB', {_MOMENT}, {_DAY}
    FROM generate_series(0, %(many)s) n""",
    """WITH one AS (
        SELECT id, kind, amount, row_number() OVER (ORDER BY id) AS place FROM transaction
        WHERE account_id = %(account)s AND key <> %(name)s AND key NOT LIKE 'first %%'
    )
    INSERT INTO entry
        (transaction_id, leg, account_id, currency, amount, held, version, balance_after, held_after, source_id)
    SELECT id, 1, %(account)s, 'RUB', CASE kind WHEN 'payment' THEN amount ELSE -amount END, 0, place + 2,
        %(paid)s - (place - 1) * 100, 0, NULL FROM one
    UNION ALL
    SELECT id, 2, CASE kind WHEN 'payment' THEN %(cash)s ELSE %(revenue)s END, 'RUB',
        CASE kind WHEN 'payment' THEN -amount ELSE amount END, 0, NULL, NULL, NULL, %(account)s FROM one""",
    """INSERT INTO aging_item (transaction_id, account_id, business_date, due_on, amount)
    SELECT id, account_id, business_date, business_date + 30, amount FROM transaction
    WHERE account_id = %(account)s AND kind = 'debit' AND key NOT LIKE 'first %%'""",
    """UPDATE balance SET balance = %(paid)s - %(many)s * 100, version = %(many)s + 3, posted_at = now(),
        latest_due = current_date + 31 WHERE account_id = %(account)s""",
    """UPDATE balance b SET open_due = i.due_on, open_day = i.business_date, open_item = i.transaction_id,
        open_unpaid = i.amount FROM (
            SELECT * FROM aging_item WHERE account_id = %(account)s
            ORDER BY due_on, business_date, transaction_id OFFSET %(paid)s / 100 LIMIT 1
        ) i WHERE b.account_id = %(account)s AND b.balance < 0""",
    """INSERT INTO unpaid_place
    SELECT account_id, version, transaction_id, open_due, open_day, open_item, due_on, ripens_on
    FROM (
        SELECT b.account_id, e.version, e.transaction_id, open_due, open_day, open_item, i.due_on, ripens_on,
            lag(i.due_on) OVER (ORDER BY e.version) AS before
        FROM balance b JOIN entry e USING (account_id) JOIN aging_item i USING (account_id, transaction_id)
        WHERE b.account_id = %(account)s AND e.balance_after < 0
    ) places WHERE due_on IS DISTINCT FROM before""",
    "SELECT setval('transaction_id_seq', (SELECT max(id) FROM transaction))",
)


def milliseconds(question: Callable[[], object], times: int = 31) -> float:
    """Return the median of several runs."""
    question()
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        question()
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)


def measured(url: str, entries: int) -> list[tuple[str, float, float]]:
    """Return each question, its milliseconds on a small account and on a large one."""
    moments = {
        "now": (None, None),
        "a moment ago": (timedelta(minutes=1), timedelta(minutes=1)),
        "before the last fiftieth": (timedelta(minutes=2), timedelta(minutes=entries // 50)),
        "half-way": (timedelta(minutes=SMALL // 2), timedelta(minutes=entries // 2)),
    }
    rows = []
    with database.connect(url, autocommit=True) as connection:
        connection.execute("SET jit = off")
        now, _ = account_queries.clock(connection)
        for state in ("in credit", "in debt"):
            small, large = f"small, {state}", f"large, {state}"
            for when, (ago, long_ago) in moments.items():
                if state == "in debt" and when == "half-way":
                    continue  # it was in credit then

                def stands(name: str, ago: timedelta | None) -> object:
                    return balances.balance(connection, name, at=now - ago if ago else None)

                asked = partial(stands, small, ago), partial(stands, large, long_ago)
                rows.append((f"balance {when}, {state}", milliseconds(asked[0]), milliseconds(asked[1], 11)))
        yesterday = now - timedelta(hours=1)

        def since(name: str) -> object:
            return list(account_queries.history(connection, name, since=yesterday))

        rows.append(
            (
                "history of the last hour",
                milliseconds(lambda: since("small, in credit")),
                milliseconds(lambda: since("large, in credit"), 11),
            )
        )
    return rows


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--entries", type=int, default=1_000_000)
    entries = options.parse_args().entries
    home = Path(tempfile.mkdtemp(prefix="tiffin-bench-"))
    try:
        url = embedded_server.running(home)
        prepare(url, entries)
        table = Table("question", f"{SMALL} entries, ms", f"{entries:,} entries, ms", "times")
        for question, small, large in measured(url, entries):
            table.add_row(question, f"{small:.2f}", f"{large:.2f}", f"{large / small:.2f}")
        Console().print(table)
    finally:
        embedded_server.stop(home)
        shutil.rmtree(home)


if __name__ == "__main__":
    main()
