"""What a night costs on a large book: first cut, nights of a day's size, their verification; seconds and memory.

    python -m tests.benchmarks.bench_nights FOLDER [--entries 15000000] [--new 20000] [--nights 1] [--quick]

The book is written once, behind the guards, in the rows that commands would have left, and kept in FOLDER with its
server and its lake: a later call adds the transactions of a day, or more, and takes the nights of these. Each night
runs in a process of its own, whose greatest memory is noted; copying the DuckDB file of the night before is measured
apart, and so is the server's disk. Delete FOLDER afterwards (`--stop` ends its server). With `--quick` the first cut is
not verified and its seal does not read the year, which takes a minute a few million entries: only nights are measured.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import psycopg

from ledger.postgres import database, embedded_server
from tests.reports.lake.rows import PAYMENT, add_accounts, add_transactions

ACCOUNTS, PIECE, ENTRIES_A_TRANSACTION = 50_000, 500_000, 2.8
FIRST, DAYS = date(2025, 1, 1), 365


# What a copy in the order of numbers keeps up with slowly: taken off first, and made again after.
RANDOM = ("entry_account_version_key", "aging_item_order_idx")


def made(url: str, entries: int) -> None:
    """Write the book, unless it is there: a year of days, by COPY, as if each command had been posted on its day."""
    with database.connect(url) as connection:
        there = connection.execute("SELECT to_regclass('book')").fetchone()
    database.migrate(url)
    if there is None or there[0] is None:
        database.initialise(url, "Europe/Moscow")
        add_accounts(url, ACCOUNTS)
    if last_transaction(url):
        return
    with psycopg.connect(url) as connection:
        connection.execute("SET session_replication_role = replica")
        indexes = connection.execute("SELECT indexdef FROM pg_indexes WHERE indexname = ANY(%s)", [list(RANDOM)])
        again = [sql for (sql,) in indexes.fetchall()]
        connection.execute(f"DROP INDEX {', '.join(RANDOM)}")
        _write(connection, round(entries / ENTRIES_A_TRANSACTION))
        for sql in again:
            connection.execute(sql)
    with database.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")


def _write(connection: psycopg.Connection, many: int) -> None:
    """Write transactions: accounts take turns, each first paid to, then debited for two lines; a twentieth declined."""
    accounts = pl.DataFrame(
        connection.execute("SELECT id, currency FROM account WHERE kind = 'money' ORDER BY party_id").fetchall(),
        schema=["account_id", "currency"],
        orient="row",
    ).with_row_index("n")
    own = connection.execute("SELECT brand_id, kind, currency, id FROM account WHERE brand_id IS NOT NULL").fetchall()
    systems = pl.DataFrame(own, schema=["brand", "kind", "currency", "own_id"], orient="row")
    t = pl.col("id")
    start, second = datetime(FIRST.year, 1, 1, tzinfo=UTC) - timedelta(hours=3), DAYS * 86_400_000_000 // many
    rows = (
        pl.LazyFrame({"id": range(1, many + 1)})
        .with_columns(n=((t - 1) % ACCOUNTS).cast(pl.UInt32), payment=t <= ACCOUNTS, brand=1 + t % 2)
        .with_columns(declined=~pl.col("payment") & (t % 20 == 0))
        .join(accounts.lazy(), on="n", how="left", maintain_order="left")
        .with_columns(
            amount=pl.when("payment").then(PAYMENT).otherwise(200 + t % 800),
            posted_at=pl.lit(start) + pl.duration(microseconds=(t - 1) * second),
        )
        .with_columns(
            moved=pl.when("declined").then(0).when("payment").then("amount").otherwise(-pl.col("amount")),
            business_date=pl.col("posted_at").dt.offset_by("3h").dt.date(),
            kind=pl.when("payment").then(pl.lit("payment")).otherwise(pl.lit("debit")),
        )
        .with_columns(version=(~pl.col("declined")).cum_sum().over("n"), balance=pl.col("moved").cum_sum().over("n"))
        .collect()
    )
    for at in range(0, many, PIECE):
        piece = rows.slice(at, PIECE)
        _copy(connection, "transaction", _transactions(piece))
        _copy(connection, "entry", _entries(piece.filter(~pl.col("declined")), systems))
        items = piece.filter(~pl.col("declined"), ~pl.col("payment")).with_columns(due_on=date.max)
        _copy(
            connection,
            "aging_item",
            items.select(
                transaction_id="id",
                account_id="account_id",
                business_date="business_date",
                due_on="due_on",
                amount="amount",
            ),
        )
        print(f"{at + piece.height:,} transactions written", flush=True)
    last = rows.filter(~pl.col("declined")).group_by("account_id").last()
    connection.execute(
        "CREATE TEMP TABLE left_with (account_id bigint, balance bigint, version bigint, at timestamptz)"
    )
    _copy(connection, "left_with", last.select("account_id", "balance", "version", at="posted_at"))
    connection.execute(
        "UPDATE balance b SET balance = l.balance, version = l.version, posted_at = l.at FROM left_with l "
        "WHERE l.account_id = b.account_id"
    )
    connection.execute("SELECT setval('transaction_id_seq', (SELECT max(id) FROM transaction))")


def _transactions(piece: pl.DataFrame) -> pl.DataFrame:
    declined = pl.when("declined")
    return piece.select(
        "id",
        key=pl.format("key-{}", "id"),
        fingerprint=pl.lit("\\x00"),
        kind="kind",
        status=declined.then(pl.lit("declined")).otherwise(pl.lit("posted")),
        code=declined.then(pl.lit("insufficient_funds")),
        facts=declined.then(pl.lit('{"short_by": "1.00"}')),
        account_id="account_id",
        amount="amount",
        currency="currency",
        posted_at="posted_at",
        business_date="business_date",
        channel=pl.when("payment").then(pl.lit("card")),
    )


def _entries(piece: pl.DataFrame, systems: pl.DataFrame) -> pl.DataFrame:
    """Return the entries: the account's, and cash, or two lines of revenue."""
    owns = piece.with_columns(own=pl.when("payment").then(pl.lit("cash")).otherwise(pl.lit("revenue"))).join(
        systems, left_on=["brand", "own", "currency"], right_on=["brand", "kind", "currency"], how="left"
    )
    clients = piece.select(
        transaction_id="id",
        leg=pl.lit(1),
        account_id="account_id",
        currency="currency",
        amount="moved",
        held=pl.lit(0),
        version="version",
        balance_after="balance",
        held_after=pl.lit(0),
    )
    cash = owns.filter("payment").select(
        transaction_id="id",
        leg=pl.lit(2),
        account_id="own_id",
        currency="currency",
        amount=-pl.col("moved"),
        held=pl.lit(0),
    )
    debits = owns.filter(~pl.col("payment"))
    lines = [
        debits.select(
            transaction_id="id",
            leg=pl.lit(1 + line),
            account_id="own_id",
            currency="currency",
            amount=amount,
            held=pl.lit(0),
            source_id="account_id",
            line=pl.lit(line),
            service=pl.lit("order"),
            reference=pl.format("A-{}", "id"),
            gross=amount + 50,
            discount=pl.lit(50),
            vat_rate=pl.lit("20.00"),
            vat=amount // 6,
            attributes=pl.when(pl.col("id") % 10 == 0).then(pl.lit('{"dish": "set 4", "spicy": true}')),
        )
        for line, amount in ((1, pl.lit(100)), (2, pl.col("amount") - 100))
    ]
    return pl.concat([clients, cash, *lines], how="diagonal_relaxed").sort("transaction_id", "leg")


def _copy(connection: psycopg.Connection, table: str, frame: pl.DataFrame) -> None:
    columns = ", ".join(frame.columns)
    with connection.cursor().copy(f"COPY {table} ({columns}) FROM STDIN (FORMAT csv)") as copying:
        for part in frame.iter_slices(50_000):
            copying.write(part.write_csv(include_header=False).encode())


def last_transaction(url: str) -> int:
    """Return the number of the last transaction."""
    return int(_one(url, "SELECT coalesce(max(id), 0) FROM transaction"))


def next_day(url: str) -> date:
    """Return the day after the last one with transactions."""
    found: date = _one(url, "SELECT max(business_date) FROM transaction")
    return found + timedelta(days=1)


def _one(url: str, sql: str) -> Any:
    with psycopg.connect(url) as connection:
        row = connection.execute(sql).fetchone()
    return row[0] if row else None


def unread(reader: Any, past: Any, after: date | None, until: date) -> int:
    """Stand for the reading of a first seal: leaves of accounts as their balances say, without a history."""
    from reports.proof.running import State, account_leaf

    states = reader.frame("SELECT account_id, version, balance FROM balance WHERE version > 0")
    for account, version, balance in states.iter_rows():
        past.put(account_leaf(account), State(rows=version, balance=balance, held=0).value)
    return int(states["version"].sum())


def night(url: str, lake: str, day: date, quick: bool) -> dict[str, float]:
    """Take the night's cut in this process; return seconds of its parts, and GiB."""
    from reports.lake import duckdb_file
    from reports.lake.publish_cut import nightly_cut, verified
    from reports.lake.reader import Lake
    from reports.proof import take_seal

    found: dict[str, float] = {"copy": 0.0}
    copy = duckdb_file.copied

    def copied(*given: Any) -> bool:
        started = time.perf_counter()
        done = copy(*given)
        found["copy"] = time.perf_counter() - started
        return done

    def check(url: str, exported: Lake, closing: bool) -> None:
        found["memory_cut"] = memory()
        started = time.perf_counter()
        if not quick:
            verified(url, exported, closing)
        found["verify"] = time.perf_counter() - started

    duckdb_file.copied = copied
    if quick:
        take_seal.read_entries = unread
    started, processor = time.perf_counter(), time.process_time()
    lake_, _ = nightly_cut(url, lake, day, check=check)
    found["cut"] = time.perf_counter() - started - found["verify"] - found["copy"]
    found["processor"] = time.process_time() - processor
    found["memory"] = memory()
    found["entries"] = lake_.manifest.tables["entries"].rows
    return found


def memory() -> float:
    """Return the greatest memory of this process so far, in GiB; getrusage has that of the process before it, too."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 2**20


def disk(url: str) -> None:
    """Print what tables and indexes take, a transaction."""
    rows = last_transaction(url)
    with psycopg.connect(url) as connection:
        sizes = connection.execute(
            "SELECT c.relname, c.relkind = 'i', pg_relation_size(c.oid) FROM pg_class c JOIN pg_namespace n "
            "ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND c.relkind IN ('r', 'i') ORDER BY 3 DESC LIMIT 16"
        ).fetchall()
    for name, index, size in sizes:
        print(f"  {'index' if index else 'table'} {name:<34} {size / 2**20:>9,.0f} MiB {size / rows:>8.1f} bytes a tx")


def main() -> None:
    """Make the book, take the nights, print a line each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--entries", type=int, default=15_000_000)
    parser.add_argument("--new", type=int, default=20_000, help="transactions of each night's day")
    parser.add_argument("--nights", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="seal the first cut without reading it, nor verify it")
    parser.add_argument("--stop", action="store_true", help="end the folder's server, and do nothing else")
    parser.add_argument("--disk", action="store_true", help="print sizes, and do nothing else")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args()
    home, lake = given.folder / "home", str(given.folder / "lake")
    os.environ["TIFFIN_HOME"] = str(home)
    if given.stop:
        embedded_server.stop(home)
        return
    url = embedded_server.running(home)
    if given.one or given.disk:
        print(json.dumps(night(url, lake, date.fromisoformat(given.one), given.quick))) if given.one else disk(url)
        return
    made(url, given.entries)
    if not (Path(lake) / "current.json").exists():
        _night(given.folder, next_day(url) - timedelta(days=1), *(["--quick"] if given.quick else []))
    for _ in range(given.nights):
        day = next_day(url)
        add_transactions(url, given.new, since=day, days=1)
        with database.connect(url, autocommit=True) as connection:
            connection.execute("ANALYZE")
        _night(given.folder, day)


def _night(folder: Path, day: date, *more: str) -> None:
    command = [sys.executable, "-m", "tests.benchmarks.bench_nights", str(folder), "--one", day.isoformat(), *more]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    print(
        f"{day} {found['entries']:>12,.0f} entries: cut {found['cut']:.1f} s, copy {found['copy']:.1f} s, verification "
        f"{found['verify']:.1f} s; {found['processor']:.1f} s of processor time, {found['memory_cut']:.2f} GiB at the "
        f"cut, {found['memory']:.2f} GiB at most",
        flush=True,
    )


if __name__ == "__main__":
    main()
