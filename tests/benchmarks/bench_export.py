"""Export into the lake beside a plain copy of the same rows: ADBC to Polars to one Parquet file a table.

    python -m tests.benchmarks.bench_export [--transactions 400000] [--url URL_OF_AN_EMPTY_DATABASE]

The plain copy is what the lake cannot beat: no partitions, no hashes, no types of its own, no
snapshot; it joins in SQL, so that both write the same columns. Each is run three times, in
turns, and the best of each is compared: the bound is 0.7.
"""

import argparse
import resource
import shutil
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import adbc_driver_postgresql.dbapi as adbc
import polars as pl

from ledger.postgres import database, embedded_server
from reports.lake.export import export
from reports.lake.publish_cut import frequent_cut
from reports.lake.storage import Place
from reports.lake.take_cut import alone, cut
from reports.lake.verify import verify
from tests.reports.lake.rows import add_accounts, add_transactions

COPIES = {
    "transactions": """
        SELECT id, key, kind, status, code, facts::text AS facts, account_id, amount, currency, posted_at,
               business_date, business_date - '1970-01-01'::date AS day_number,
               to_char(business_date, 'YYYY-MM') AS month, value_date, recorded_at, expires_at, refers_to, channel,
               reason, by, note
        FROM transaction""",
    "entries": """
        SELECT e.transaction_id, e.leg, t.kind, t.refers_to, t.posted_at, t.business_date,
               t.business_date - '1970-01-01'::date AS day_number, to_char(t.business_date, 'YYYY-MM') AS month,
               t.value_date, e.account_id, a.kind AS account_kind, a.party_id, a.brand_id, e.currency, e.amount, e.held,
               e.version, e.balance_after, e.held_after, e.subaccount_id, e.source_id, s.kind AS source_kind, e.line,
               e.service, e.reference, e.gross, e.discount, (e.vat_rate * 100)::bigint AS vat_rate, e.vat,
               e.attributes::text AS attributes
        FROM entry e JOIN transaction t ON t.id = e.transaction_id JOIN account a ON a.id = e.account_id
             LEFT JOIN account s ON s.id = e.source_id""",
    "attributes": """
        SELECT e.transaction_id, e.leg, a.key AS name, a.value, to_char(t.business_date, 'YYYY-MM') AS month
        FROM entry e JOIN transaction t ON t.id = e.transaction_id, jsonb_each_text(e.attributes) a
        WHERE e.attributes IS NOT NULL""",
}


def copied(url: str, folder: Path) -> int:
    """Copy the three great tables plainly; return the rows."""
    rows = 0
    with adbc.connect(url) as connection:
        for name, sql in COPIES.items():
            with connection.cursor() as cursor:
                cursor.execute(sql)
                frame = pl.from_arrow(cursor.fetch_arrow_table())
            if not isinstance(frame, pl.DataFrame):
                raise TypeError("a query gives a table")
            frame.write_parquet(folder / f"{name}.parquet")
            rows += frame.height
    return rows


def exported(url: str, folder: Path) -> int:
    """Export a first cut; return the rows of the same three tables."""
    with alone(url) as connection, cut(connection, url) as taken:
        tables = export(Place(str(folder)), taken, None, "frequent").tables
    return sum(tables[name].rows for name in COPIES)


def best(ways: dict[str, Callable[[str, Path], int]], url: str, times: int = 3) -> dict[str, tuple[int, float]]:
    """Run each way in turns; return its rows and its shortest time in seconds."""
    found: dict[str, tuple[int, float]] = {}
    for _ in range(times):
        for name, way in ways.items():
            folder = Path(tempfile.mkdtemp(prefix="tiffin-bench-"))
            started = time.perf_counter()
            rows = way(url, folder)
            seconds = time.perf_counter() - started
            shutil.rmtree(folder)
            found[name] = (rows, min(seconds, found.get(name, (0, seconds))[1]))
    return found


def run(url: str, transactions: int) -> None:
    """Fill the book, measure, print."""
    add_accounts(url, 10_000)
    add_transactions(url, transactions, since=date(2025, 1, 1), days=365)
    with database.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    found = best({"plain copy": copied, "export": exported}, url)
    for name, (rows, seconds) in found.items():
        print(f"{name:<12} {rows:>12,} rows {seconds:8.2f} s {rows / seconds:>12,.0f} rows/s")
    print(f"ratio {found['plain copy'][1] / found['export'][1]:.2f} (bound: 0.70)")
    folder = Path(tempfile.mkdtemp(prefix="tiffin-bench-"))
    lake, _ = frequent_cut(url, str(folder))
    started = time.perf_counter()
    wrong = [check for _, check in verify(url, str(folder)) if not check.holds]
    entries = lake.manifest.tables["entries"].rows
    print(f"verify       {entries:>12,} entries {time.perf_counter() - started:5.2f} s, {len(wrong)} broken")
    shutil.rmtree(folder)
    print(f"at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB of memory")


def main() -> None:
    """Measure on the database given, else on an embedded server of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--transactions", type=int, default=400_000)
    parser.add_argument("--url")
    given = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="tiffin-bench-"))
    url = given.url or embedded_server.running(home)
    try:
        database.migrate(url)
        database.initialise(url, "Europe/Moscow")
        run(url, given.transactions)
    finally:
        if given.url is None:
            embedded_server.stop(home)
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
