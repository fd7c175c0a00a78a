"""A cut takes everything up to a number, once, and closes what it names."""

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import psycopg
import pytest
from deltalake import DeltaTable

from ledger.errors import Failure
from ledger.postgres import locks
from reports.lake import duckdb_file, reader, take_cut
from reports.lake.publish_cut import frequent_cut, nightly_cut
from reports.lake.reader import open_lake, polars_schema
from reports.lake.schema import TABLES
from reports.lake.storage import Place
from reports.lake.verify import verify
from tests.reports.lake.conftest import NEW_YEARS_EVE, Closed
from tests.reports.lake.rows import add_accounts, add_transactions


def test_every_row_of_the_ledger_is_in_the_lake_once(book: str, lake: str) -> None:
    """Three cuts, the second with nothing new: counts are the ledger's, no key comes twice."""
    nightly_cut(book, lake, date(2025, 11, 30))
    frequent_cut(book, lake)
    add_transactions(book, 100, since=date(2026, 1, 1), days=10)
    frequent_cut(book, lake)

    opened = open_lake(lake)
    with psycopg.connect(book) as connection:
        for name, table in (("transactions", "transaction"), ("entries", "entry"), ("accounts", "account")):
            row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
            assert row is not None
            assert opened.scan(name).select(pl.len()).collect().item() == row[0]
    for table in TABLES:
        frame = opened.scan(table.name).collect()
        assert frame.select(table.key).is_duplicated().sum() == 0


def test_tables_have_their_declared_columns_and_types(closed: Closed) -> None:
    """What is read is what the schema promises, table by table."""
    opened = open_lake(closed.lake)
    for table in TABLES:
        assert opened.scan(table.name).collect_schema() == polars_schema(table)


def test_amounts_dates_and_attributes_are_the_ledgers(book: str, lake: str) -> None:
    """One debit, value by value."""
    opened, _ = nightly_cut(book, lake, NEW_YEARS_EVE)
    entry = (
        opened.scan("entries").filter(pl.col("transaction_id") == 30, pl.col("leg") == 2).collect().row(0, named=True)
    )
    with psycopg.connect(book) as connection:
        row = connection.execute(
            "SELECT e.amount, e.gross, t.posted_at, t.business_date FROM entry e JOIN transaction t "
            "ON t.id = e.transaction_id WHERE t.id = 30 AND e.leg = 2"
        ).fetchone()
    assert row is not None
    assert (int(entry["amount"] * 100), int(entry["gross"] * 100), entry["posted_at"], entry["business_date"]) == row
    assert entry["day_number"] == (entry["business_date"] - date(1970, 1, 1)).days
    assert entry["month"] == entry["business_date"].isoformat()[:7]
    assert entry["source_kind"] == "money"
    attributes = opened.scan("attributes").filter(pl.col("transaction_id") == 30, pl.col("leg") == 2)
    assert attributes.select("name", "value").sort("name").collect().rows() == [("dish", "set 4"), ("spicy", "true")]


def test_a_nightly_cut_closes_days_once_and_for_good(book: str, lake: str) -> None:
    """Closing a day again changes nothing, closing an earlier day opens none."""
    _, made = nightly_cut(book, lake, date(2025, 11, 30))
    again, made_again = nightly_cut(book, lake, date(2025, 11, 30))
    earlier, made_earlier = nightly_cut(book, lake, date(2025, 10, 31))

    assert (made, made_again, made_earlier) == (True, False, False)
    assert again.cut.closed_until == earlier.cut.closed_until == date(2025, 11, 30)
    with psycopg.connect(book) as connection:
        assert connection.execute("SELECT closed_until FROM book").fetchone() == (date(2025, 11, 30),)
        assert connection.execute("SELECT count(*) FROM closing").fetchone() == (1,)
    assert open_lake(lake).scan("closings").collect()["closed_until"].to_list() == [date(2025, 11, 30)]


@pytest.mark.parametrize("database_url", ["Pacific/Kiritimati"], indirect=True)
def test_a_day_that_has_not_ended_is_not_closed(database_url: str, lake: str) -> None:
    """Today, in the zone where the day is furthest on, is refused; nothing is closed, nothing published."""
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT (now() AT TIME ZONE 'Pacific/Kiritimati')::date").fetchone()
    assert row is not None
    with pytest.raises(Failure, match="has not ended in Pacific/Kiritimati"):
        nightly_cut(database_url, lake, row[0])
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT closed_until FROM book").fetchone() == (None,)
    with pytest.raises(Failure, match="no cut yet"):
        open_lake(lake)


def test_a_slow_writer_is_waited_for_and_its_lower_number_is_in_the_cut(book: str, lake: str) -> None:
    """
    A writer takes number 601 and dawdles, 602 commits; the cut waits for 601 and has both.
    """
    insert = (
        "INSERT INTO transaction (id, key, fingerprint, kind, status, code, posted_at, business_date, recorded_at) "
        "VALUES (%s, %s, '', 'debit', 'declined', 'insufficient_funds', '2026-01-02', '2026-01-02', now())"
    )
    with psycopg.connect(book) as slow, psycopg.connect(book) as quick, ThreadPoolExecutor(1) as pool:
        for connection, number in ((slow, 601), (quick, 602)):
            connection.execute(locks.WRITING)
            connection.execute(insert, [number, f"late-{number}"])
        quick.commit()
        made = pool.submit(frequent_cut, book, lake)
        with pytest.raises(TimeoutError):
            made.result(timeout=0.7)
        slow.commit()
        opened, _ = made.result(timeout=30)
    assert opened.cut.last_transaction == 602
    numbers = opened.scan("transactions").select("id").filter(pl.col("id") > 600).collect()["id"]
    assert sorted(numbers) == [601, 602]


def test_a_writer_queues_behind_a_waiting_cut_for_a_moment_only(book: str, lake: str) -> None:
    """While the cut waits for a slow writer, others go on: none waits longer than the lock timeout."""
    with psycopg.connect(book) as slow, ThreadPoolExecutor(1) as pool:
        slow.execute(locks.WRITING)
        made = pool.submit(frequent_cut, book, lake)
        with psycopg.connect(book) as other:
            for _ in range(10):
                other.execute("SET LOCAL lock_timeout = '2s'")
                other.execute(locks.WRITING)
                other.commit()
        assert not made.done()
        slow.rollback()
        assert made.result(timeout=30)[1]


def test_two_runs_at_once_are_refused_by_a_sentence(book: str, lake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes second is refused and changes nothing."""
    monkeypatch.setattr(take_cut, "RUN_PATIENCE_SECONDS", 0.2)
    with take_cut.alone(book), pytest.raises(Failure, match="another tiffin nightly or tiffin lake is running"):
        nightly_cut(book, lake, NEW_YEARS_EVE)
    assert nightly_cut(book, lake, NEW_YEARS_EVE)[1]


def noted(book: str) -> Any:
    with psycopg.connect(book) as connection:
        [(at,)] = connection.execute("SELECT cut_at FROM book").fetchall()
    return at


def test_a_frequent_cut_closes_nothing_and_comes_only_when_something_is_new(book: str, lake: str) -> None:
    """The second finds nothing new, the third a transaction. The book notes of which moment the lake is."""
    first, made = frequent_cut(book, lake)
    assert noted(book) == first.cut.taken_at
    _, made_again = frequent_cut(book, lake)
    assert noted(book) > first.cut.taken_at  # it has everything up to then, too
    add_transactions(book, 1, since=date(2026, 1, 1), days=1)
    third, made_third = frequent_cut(book, lake)
    assert (made, made_again, made_third) == (True, False, True)
    assert first.cut.closed_until is None
    assert first.duckdb_path is None
    assert third.cut.last_transaction == 601
    was, now = first.manifest.tables, third.manifest.tables
    assert {name for name in was if was[name] != now[name]} == {
        "transactions",
        "entries",
        "attributes",
        "lot_changes",
        "accounts",
    }


def test_a_cut_goes_on_reading_what_it_pinned(book: str, lake: str) -> None:
    """A lake opened before a later cut shows the same rows after it."""
    before, _ = frequent_cut(book, lake)
    rows = before.scan("entries").select(pl.len()).collect().item()
    add_transactions(book, 50, since=date(2026, 1, 1), days=1)
    frequent_cut(book, lake)
    reopened = open_lake(lake, cut=before.cut.number)
    assert reopened.scan("entries").select(pl.len()).collect().item() == rows
    assert open_lake(lake).scan("entries").select(pl.len()).collect().item() > rows
    with pytest.raises(Failure, match="there is no cut 99"):
        open_lake(lake, cut=99)


def test_a_small_table_is_read_once_and_a_large_one_where_it_lies(
    book: str, lake: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have the same rows; once read, the small one's files and log are not opened any more."""
    frequent_cut(book, lake)
    small, large = open_lake(lake), open_lake(lake)
    monkeypatch.setattr(reader, "SMALL", 0)
    entries = large.scan("entries")
    monkeypatch.undo()
    key = ("transaction_id", "leg")
    assert small.scan("entries").sort(key).collect().equals(entries.sort(key).collect())
    shutil.rmtree(Place(lake).table("entries"))
    assert small.scan("entries").select(pl.len()).collect().item() > 0
    with pytest.raises(FileNotFoundError):
        entries.collect()


def test_the_dated_duckdb_file_holds_all_tables_commented(closed: Closed) -> None:
    """It opens by itself: every table and column has a comment, every row is there."""
    opened = open_lake(closed.lake)
    path = opened.duckdb_path
    assert path is not None
    assert path.name == f"ledger-2025-12-31-{opened.cut.number}.duckdb"
    copy = path.rename(path.parent.parent.parent / "elsewhere.duckdb")
    with duckdb.connect(str(copy), read_only=True) as connection:
        bare = connection.execute(
            "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal AND coalesce(comment, '') = '' "
            "UNION ALL SELECT table_name, '' FROM duckdb_tables() WHERE coalesce(comment, '') = ''"
        ).fetchall()
        assert bare == []
        for table in TABLES:
            rows = opened.scan(table.name).select(pl.len()).collect().item()
            assert connection.execute(f'SELECT count(*) FROM "{table.name}"').fetchone() == (rows,)
        assert connection.execute("SELECT number, closed_until FROM cut").fetchone() == (1, NEW_YEARS_EVE)


OLDEST = Path(sys.prefix) / "oldest"
"""Where `bin/setup test` puts the oldest DuckDB that a night's file is for."""
ASKED_OF_THE_OLDEST = """
import duckdb, json, sys
with duckdb.connect(sys.argv[1], read_only=True) as connection:
    rows = {table: connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0]
            for (table,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    comments = dict(connection.execute("SELECT table_name, comment FROM duckdb_tables()").fetchall())
    ((instant,),) = connection.execute("SELECT taken_at FROM cut").fetchall()
    query = "SELECT account_id, sum(amount)::VARCHAR FROM entries GROUP BY ALL ORDER BY ALL"
    totals = connection.execute(query).fetchall()
print(json.dumps([duckdb.__version__, rows, comments, instant.isoformat(), totals]))
"""


def test_the_duckdb_file_opens_in_the_oldest_duckdb_it_is_for(closed: Closed) -> None:
    """With the library of that version itself: all tables, comments, instants and sums."""
    opened = open_lake(closed.lake)
    assert OLDEST.is_dir(), "the oldest DuckDB is missing: bin/setup test installs it"
    with opened.duckdb_file() as path:
        done = subprocess.run(
            [sys.executable, "-c", ASKED_OF_THE_OLDEST, str(path)],
            env={**os.environ, "PYTHONPATH": str(OLDEST)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        with duckdb.connect(str(path), read_only=True) as connection:
            totals = connection.execute(
                "SELECT account_id, sum(amount)::VARCHAR FROM entries GROUP BY ALL ORDER BY ALL"
            ).fetchall()
            comments = dict(connection.execute("SELECT table_name, comment FROM duckdb_tables()").fetchall())
    version, rows, said, instant, sums = json.loads(done.stdout)
    assert f"v{version}" == duckdb_file.STORAGE_VERSION
    assert [rows[table.name] for table in TABLES] == [
        opened.scan(table.name).select(pl.len()).collect().item() for table in TABLES
    ]
    assert said == comments
    assert datetime.fromisoformat(instant) == opened.cut.taken_at
    assert [tuple(row) for row in sums] == totals


def test_the_duckdb_file_says_of_when_its_tables_are(book: str, lake: str) -> None:
    """State is of the cut, and says so; what clients had on the closed day is beside it."""
    add_transactions(book, 30, since=date(2026, 1, 1), days=1)
    opened, _ = nightly_cut(book, lake, NEW_YEARS_EVE)
    with opened.duckdb_file() as path, duckdb.connect(str(path), read_only=True) as connection:
        ((instant,), *_) = connection.execute("SELECT taken_at FROM cut").fetchall()
        assert instant == opened.cut.taken_at
        comments = dict(connection.execute("SELECT table_name, comment FROM duckdb_tables()").fetchall())
        for table in TABLES:
            moment = f"{opened.cut.taken_at:%Y-%m-%d %H:%M:%S} UTC, the moment of cut 1"
            assert moment in comments[table.name]
            assert ("not of a closed day" in comments[table.name]) != table.appended
        assert "2025-12-31, the last closed day" in comments["balances_closed"]
        closed = connection.execute("SELECT account_id, balance FROM balances_closed").fetchall()
        at_the_cut = dict(connection.execute("SELECT id, balance FROM accounts WHERE version > 0").fetchall())
        sums = connection.execute(
            "SELECT account_id, sum(amount) FROM entries WHERE version IS NOT NULL AND business_date <= '2025-12-31' "
            "GROUP BY account_id ORDER BY account_id"
        ).fetchall()
        assert closed == sums
        assert dict(closed) != at_the_cut


def test_each_append_is_one_commit_marked_with_the_cuts_number(book: str, lake: str) -> None:
    """Delta's application transaction of a table is the latest cut that wrote to it."""
    frequent_cut(book, lake)
    add_transactions(book, 50, since=date(2026, 1, 1), days=1)
    opened, _ = frequent_cut(book, lake)
    table = DeltaTable(str(Path(lake) / "tables" / "entries"))
    assert table.transaction_version("tiffin") == opened.cut.number == 2
    assert table.version() == 1


def test_a_lake_of_another_book_is_left_alone(book: str, empty_database_url: str, lake: str) -> None:
    """A lake takes cuts of one book only."""
    from ledger.postgres import database

    frequent_cut(book, lake)
    database.migrate(empty_database_url)
    database.initialise(empty_database_url, "Europe/Moscow")
    with pytest.raises(Failure, match="holds another book"):
        frequent_cut(empty_database_url, lake)
    assert open_lake(lake).cut.number == 1


@pytest.mark.parametrize(
    "name",
    ["книга a#b=1 *:", *(pytest.param(name, marks=pytest.mark.soak) for name in ("книга Анны", "a#b=1 *:", "ünï"))],
)
def test_a_lake_may_be_in_any_folder(database_url: str, tmp_path: Path, name: str) -> None:
    """A space, letters of other scripts, what addresses and partitions mean something by; two cuts are read back."""
    add_accounts(database_url, 3)
    for day in (date(2025, 10, 31), date(2025, 12, 31)):
        add_transactions(database_url, 30, since=day.replace(day=1), days=20)
        lake, _ = nightly_cut(database_url, str(tmp_path / name), day)
    counts = {table: open_lake(str(tmp_path / name)).scan(table).collect().height for table in ("entries", "accounts")}
    assert counts["entries"] == lake.manifest.tables["entries"].rows > 0
    assert counts["accounts"] == lake.manifest.tables["accounts"].rows > 0
    assert [check.problems for _, check in verify(database_url, str(tmp_path / name)) if not check.holds] == []


@pytest.mark.parametrize("name", ["50%20", "what?", "a[1]", "a\\b"])
def test_a_lake_cannot_be_in_a_folder_with_such_a_sign(database_url: str, tmp_path: Path, name: str) -> None:
    """Delta or DuckDB would look for it elsewhere; nothing is written."""
    add_accounts(database_url, 3)
    add_transactions(database_url, 3, since=date(2025, 10, 1), days=2)
    with pytest.raises(Failure, match="choose another folder"):
        nightly_cut(database_url, str(tmp_path / name), date(2025, 10, 31))
    assert not list(tmp_path.iterdir())


def test_a_nights_file_grows_from_the_last_and_is_as_one_made_anew(
    book: str, lake: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two nights and a cut between: only what is new is written. A damaged or missing file before is not grown from."""
    written: list[str] = []
    fill = duckdb_file.fill
    monkeypatch.setattr(
        duckdb_file, "fill", lambda c, lake_, table: (written.append(table.name), fill(c, lake_, table))
    )
    first, _ = nightly_cut(book, lake, NEW_YEARS_EVE)
    assert len(written) == len(TABLES)
    add_transactions(book, 40, since=date(2026, 1, 1), days=2)
    frequent_cut(book, lake)
    written.clear()
    second, _ = nightly_cut(book, lake, date(2026, 1, 2))
    assert written == ["accounts", "open_debits", "closings"] or written == ["accounts", "closings"]
    assert second.duckdb_path and first.duckdb_path
    grown = _all_rows(second.duckdb_path)
    assert _all_rows(first.duckdb_path) != grown

    anew = duckdb_file.make(second)
    assert grown == _all_rows(Path(lake) / anew.name)
    before = first.duckdb_path
    before.write_bytes(before.read_bytes()[:-1])
    for _ in range(2):
        written.clear()
        made = duckdb_file.make(second, [first.manifest])
        assert (len(written), grown) == (len(TABLES), _all_rows(Path(lake) / made.name))
        before.unlink(missing_ok=True)


def _all_rows(path: Path) -> dict[str, Any]:
    """Return the rows and comments of every table, sorted."""
    with duckdb.connect(str(path), read_only=True) as connection:
        names = [name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables() ORDER BY 1").fetchall()]
        found: dict[str, Any] = {name: connection.sql(f'FROM "{name}" ORDER BY ALL').fetchall() for name in names}
        comments = (
            "SELECT table_name, comment FROM duckdb_tables() UNION ALL "
            "SELECT table_name || '.' || column_name, comment FROM duckdb_columns() ORDER BY ALL"
        )
        return found | {"comments": connection.sql(comments).fetchall()}


def test_files_of_the_last_days_are_kept_and_then_those_of_month_ends() -> None:
    """Three days, two months: a month's last file stands for it, whichever day it is of."""
    days = [date(2025, 10, 31), date(2025, 11, 28), date(2025, 11, 29), date(2025, 12, 31)]
    days += [date(2026, 1, day) for day in range(1, 6)]
    names = [duckdb_file.file_name(day, number) for number, day in enumerate(days, 1)]
    gone = duckdb_file.outdated([*names, "duckdb/.making/ledger.duckdb"], days=3, months=2)
    assert gone == [names[0], names[1], names[4], names[5]]
    assert duckdb_file.outdated([], days=3, months=2) == []
    assert duckdb_file.outdated(names, days=1, months=0) == names[:-1]
