"""What verification finds, and that it names it."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from subprocess import PIPE
from typing import Any

import psycopg
import pytest

from ledger.administration.administration_lines import parse as record
from ledger.core.commands import parse
from ledger.errors import Failure
from ledger.postgres.database import initialise
from ledger.postgres.post import Ledger
from reports.lake import maintenance
from reports.lake.publish_cut import frequent_cut, nightly_cut, rebuild
from reports.lake.reader import Lake, open_lake
from reports.lake.verify import Depth, verified_before, verify, verify_unpublished
from reports.lake.verify_ledger import RULES, _tried, verify_ledger
from tests.reports.lake.conftest import NEW_YEARS_EVE, Closed
from tests.reports.lake.rows import add_transactions


def wrong(url: str, lake: str) -> dict[str, list[str]]:
    """Return the problems that verification finds, by check."""
    return {check.name: list(check.problems) for _, check in verify(url, lake) if not check.holds}


@contextmanager
def superuser(url: str) -> Iterator[psycopg.Connection]:
    """Lend a connection that goes behind the guards."""
    with psycopg.connect(url) as connection:
        connection.execute("SET session_replication_role = replica")
        yield connection


def test_an_untouched_book_and_lake_hold(book: str, lake: str) -> None:
    """Before any cut the lake is missing, after one it holds, also when the ledger moved on."""
    before = list(verify(book, lake))
    assert [check.name for subject, check in before if subject == "lake"] == ["pointer"]
    assert not before.pop().check.holds
    nightly_cut(book, lake, NEW_YEARS_EVE)
    add_transactions(book, 20, since=NEW_YEARS_EVE.replace(year=2026, month=1), days=1)
    after = list(verify(book, lake))
    assert {subject for subject, _ in after} == {"ledger", "seals", "lake"}
    assert [check for _, check in [*before, *after] if not check.holds] == []
    # tests.reports.lake.test_food has some
    food = {"orders", "order-steps", "promotion-uses", "bonus-lots", "bonus-lot-uses", "bonus-owed", "lot_changes"}
    noted = {"details", "links", "limits", "promotions", "merges", "unpaid-places"}  # others have some
    assert {check.name for _, check in after if check.checked == 0} == {"holds", *noted, *food}


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (
            "UPDATE entry SET amount = amount + 1 WHERE transaction_id = 30 AND leg = 1",
            {"zero-sums", "history", "balances", "aging-items"},
        ),
        ("UPDATE entry SET balance_after = balance_after + 1 WHERE transaction_id = 30 AND leg = 1", {"history"}),
        ("UPDATE entry SET version = version + 100 WHERE transaction_id = 30 AND leg = 1", {"history"}),
        ("DELETE FROM entry WHERE transaction_id = 30 AND leg = 2", {"zero-sums", "legs"}),
        ("DELETE FROM entry WHERE transaction_id = 30", {"answers", "history", "aging-items"}),
        ("UPDATE aging_item SET amount = amount + 1 WHERE transaction_id = 30", {"aging-items"}),
        ("UPDATE balance SET open_item = 30, open_unpaid = 1 WHERE version = 1 AND balance > 0", {"oldest-unpaid"}),
        ("UPDATE entry SET discount = discount + 1 WHERE transaction_id = 30 AND leg = 2", {"service-lines"}),
        ("UPDATE entry SET currency = 'EUR' WHERE transaction_id = 30", {"sides"}),
        ("UPDATE entry SET reference = 'other' WHERE transaction_id = 30 AND leg = 2", {"entries"}),
        (
            'UPDATE entry SET attributes = \'{"dish": "soup"}\' WHERE transaction_id = 30 AND leg = 2',
            {"entries", "attributes"},
        ),
        ("UPDATE transaction SET note = 'x' WHERE id = 30", {"transactions"}),
        (
            "UPDATE transaction SET business_date = business_date - 1 WHERE id = 30",
            {"days", "transactions", "entries", "aging-items"},
        ),
        (
            "UPDATE balance SET balance = balance + 1 WHERE account_id = (SELECT min(account_id) FROM balance)",
            {"balances", "snapshots"},
        ),
        ("UPDATE party SET name = 'Other' WHERE id = 1", {"snapshots"}),
        ("UPDATE book SET closed_until = '2025-11-30'", {"closings"}),
    ],
)
def test_a_change_behind_the_guards_is_found(closed: Closed, change: str, names: set[str]) -> None:
    """Each way of changing the ledger breaks at least these checks."""
    book, lake = closed
    with superuser(book) as connection:
        connection.execute("ALTER TABLE entry DROP CONSTRAINT gross_less_discount")
        connection.execute(change)
    assert names <= wrong(book, lake).keys()


CREDIT: list[dict[str, Any]] = [
    {"type": "brand", "code": "sushi", "name": "Sushi"},
    {"type": "party", "reference": "anna", "kind": "individual", "name": "Anna"},
    {"type": "account", "reference": "anna", "party": "anna", "currency": "RUB"},
    {"type": "credit_terms", "account": "anna", "limit": "1000.00", "period_days": 20, "valid_from": "2025-01-01"},
]


@pytest.mark.parametrize("change", ["open_day", "open_due", "open_item", "latest_due", "version", "transaction_id"])
def test_a_place_where_the_unpaid_began_that_was_altered_is_found(database_url: str, change: str) -> None:
    """Two debits on credit, and the first one paid: the rows that say so, one by one."""
    initialise(database_url, "Europe/Moscow")
    line: dict[str, Any] = {"service": "lunch", "brand": "sushi"}
    debits: list[dict[str, Any]] = [
        {"type": "debit", "key": f"d{n}", "account": "anna", "lines": [line | {"amount": f"{n}00.00"}]} for n in (1, 2)
    ]
    with closing(Ledger(database_url)) as ledger:
        ledger.administer([record(line) for line in CREDIT])
        paid: dict[str, Any] = {"type": "payment", "key": "p", "account": "anna", "amount": "150.00", "brand": "sushi"}
        ledger.post([parse(line) for line in (*debits, paid)])
    assert all(check.holds for check in verify_ledger(database_url))
    sign = "-" if change == "latest_due" else "+"
    with superuser(database_url) as connection:
        rows = connection.execute("SELECT account_id, version FROM unpaid_place ORDER BY version").fetchall()
    assert len(rows) == 2
    for row in rows:
        with superuser(database_url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT * FROM unpaid_place")
            connection.execute(
                f"UPDATE unpaid_place SET {change} = {change} {sign} 3 WHERE account_id = %s AND version = %s", row
            )
        assert [check.name for check in verify_ledger(database_url) if not check.holds] == ["unpaid-places"]
        with superuser(database_url) as connection:
            connection.execute("DELETE FROM unpaid_place")
            connection.execute("INSERT INTO unpaid_place SELECT * FROM kept")
            connection.execute("DROP TABLE kept")


def test_the_transaction_and_the_account_are_named(book: str, lake: str) -> None:
    """One kopeck more on transaction 30: the sentences name it, its account, both figures."""
    with superuser(book) as connection:
        connection.execute("UPDATE entry SET amount = amount + 1 WHERE transaction_id = 30 AND leg = 1")
    found = wrong(book, lake)
    assert found["zero-sums"] == ["transaction 30: its entries sum to 0.01 USD"]
    assert any("transaction 30" in problem for problem in found["history"])
    assert found["balances"][0].startswith("account ")


def test_a_posting_on_a_closed_day_is_found(closed: Closed) -> None:
    """A transaction slipped in behind the guards, dated before the closing, is named."""
    book, lake = closed
    add_transactions(book, 1, since=NEW_YEARS_EVE, days=1)
    found = wrong(book, lake)
    assert list(found) == ["closed-days", "sealed-days"]
    assert found["closed-days"][0].startswith("transaction 601: a debit was recorded on 2025-12-31")


def test_one_byte_of_one_file_is_found_and_the_file_named(closed: Closed) -> None:
    """In a Parquet file, in the DuckDB file, in the manifest: each is named."""
    book, lake = closed
    opened = open_lake(lake)
    assert opened.duckdb_path is not None
    for path in (next(Path(lake).glob("tables/entries/month=2025-11/*.parquet")), opened.duckdb_path):
        whole = path.read_bytes()
        middle = len(whole) // 2
        path.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
        assert f"{path} is not as it was written" in wrong(book, lake)["files"]
        path.write_bytes(whole)
    assert wrong(book, lake) == {}


def test_a_missing_file_is_found_and_named(closed: Closed) -> None:
    """Without one Parquet file, the file and the table are named."""
    book, lake = closed
    path = next(Path(lake).glob("tables/transactions/month=2025-10/*.parquet"))
    path.unlink()
    found = wrong(book, lake)
    assert found["files"] == [f"{path} is missing"]
    assert "transactions" in found


def test_a_changed_manifest_is_found(book: str, lake: str) -> None:
    """The latest by the pointer's hash, an earlier one by the next one's."""
    frequent_cut(book, lake)
    nightly_cut(book, lake, NEW_YEARS_EVE)
    for number, name in ((2, "pointer"), (1, "manifests")):
        path = Path(lake) / "manifests" / f"{number:09d}.json"
        whole = path.read_text()
        path.write_text(whole.replace("2025-12-31", "2025-12-30").replace("Europe/Moscow", "Europe/Madrid"))
        assert wrong(book, lake)[name] == [f"{path} has changed since it was published"]
        path.write_text(whole)
    assert wrong(book, lake) == {}


def test_rows_that_only_the_lake_has_are_found(closed: Closed) -> None:
    """A ledger restored to an earlier day does not agree with the lake."""
    book, lake = closed
    with superuser(book) as connection:
        connection.execute("DELETE FROM entry WHERE transaction_id = 600")
        connection.execute("DELETE FROM transaction WHERE id = 600")
    assert "transactions, id 600: in the lake, not in the ledger" in wrong(book, lake)["transactions"]


@pytest.mark.parametrize(
    ("damage", "check", "problem"),
    [
        ("truncate", "files", r"/transactions/.*\.parquet is not as it was written"),
        ("empty", "files", r"/transactions/.*\.parquet is not as it was written"),
        ("swap", "files", r"/transactions/.*\.parquet is not as it was written"),
        ("log", "versions", "table transactions, version 0: (cannot be opened|is missing)"),
        ("manifest", "pointer", "there is no cut 1"),
        ("pointer", "pointer", "is missing: there is no cut"),
        ("torn pointer", "pointer", "is not a pointer to a cut"),
        ("database", "duckdb", "it is not as it was written"),
        ("lake", "pointer", "is missing: there is no cut"),
    ],
)
def test_any_damage_is_a_fault_that_verification_names(
    closed: Closed, damage: str, check: str, problem: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """No panic, no traceback, and never "no fault"."""
    book, lake = closed
    opened = open_lake(lake)
    place = Path(lake)
    one, other = sorted(place.glob("tables/transactions/*/*.parquet"))[:2]
    match damage:
        case "truncate":
            one.write_bytes(one.read_bytes()[: one.stat().st_size // 2])
        case "empty":
            one.write_bytes(b"")
        case "swap":
            first, second = one.read_bytes(), other.read_bytes()
            one.write_bytes(second)
            other.write_bytes(first)
        case "log":
            for log in place.glob("tables/transactions/_delta_log/*.json"):
                log.write_bytes(log.read_bytes()[:100])
        case "manifest":
            next(place.glob("manifests/*.json")).unlink()
        case "pointer":
            (place / "current.json").unlink()
        case "torn pointer":
            (place / "current.json").write_text("{")
        case "database":
            assert opened.duckdb_path is not None
            opened.duckdb_path.write_bytes(opened.duckdb_path.read_bytes()[:5000])
        case "lake":
            shutil.rmtree(place)
    assert re.search(problem, "; ".join(wrong(book, lake)[check]))
    assert "panicked" not in capfd.readouterr().err


def test_a_report_over_a_torn_file_is_one_sentence(closed: Closed) -> None:
    """The command names the lake and says what to run, and its exit code is 1."""
    lake = closed.lake
    for path in Path(lake).glob("tables/entries/*/*.parquet"):
        path.write_bytes(path.read_bytes()[:1000])
    command = [str(Path(sys.executable).with_name("tiffin")), "report", "turnover", "--to", "2025-12-31"]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"TIFFIN_LAKE": lake})
    assert done.returncode == 1
    # Polars' own threads may still write about their panic, before or after.
    [line] = [line for line in done.stderr.splitlines() if line.startswith("tiffin: ")]
    assert line.startswith(f"tiffin: the lake {lake} cannot be read or written: ")
    assert line.endswith("tiffin verify names what is damaged")
    assert "Traceback" not in done.stderr


def test_an_object_store_that_is_down_is_one_sentence(book: str) -> None:
    """Nobody listens there; the settings keep the library from trying for minutes."""
    store = {
        "TIFFIN_LAKE": "s3://lake/tiffin",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_REGION": "us-east-1",
        "TIFFIN_DATABASE_URL": book,
    }
    tiffin = str(Path(sys.executable).with_name("tiffin"))
    commands = (["report", "turnover"], ["verify"], ["nightly", "--date", "2025-12-31"], ["lake", "status"])
    running = [
        subprocess.Popen([tiffin, *command], env=os.environ | store, stdout=PIPE, stderr=PIPE, text=True)
        for command in commands
    ]
    for command, process in zip(commands, running, strict=True):
        out, error = process.communicate(timeout=120)
        assert process.returncode == 1, command
        assert "Traceback" not in error + out, command
        assert len(error.strip().splitlines()) == 1, (command, error)


def test_a_day_before_the_book_is_a_sentence(book: str, lake: str) -> None:
    """Nothing is closed and no report is made, also after later days were closed."""
    for _ in range(2):
        with pytest.raises(Failure, match="the book begins on 2025-10-01: there is nothing to close on 2025-09-30"):
            nightly_cut(book, lake, date(2025, 9, 30))
        nightly_cut(book, lake, NEW_YEARS_EVE)


CHANGES_OF_NEW_ROWS = [
    "UPDATE entry SET amount = amount + 1 WHERE transaction_id = 610 AND leg = 1",
    "UPDATE entry SET balance_after = balance_after + 1 WHERE transaction_id = 610 AND leg = 1",
    "UPDATE entry SET balance_after = balance_after + 1 WHERE transaction_id = 601 AND leg = 1",
    "UPDATE entry SET version = version + 100 WHERE transaction_id = 610 AND leg = 1",
    "DELETE FROM entry WHERE transaction_id = 610 AND leg = 2",
    "DELETE FROM entry WHERE transaction_id = 610",
    "UPDATE aging_item SET amount = amount + 1 WHERE transaction_id = 610",
    "INSERT INTO transaction (id, key, fingerprint, kind, status, currency, posted_at, business_date, refers_to) "
    "SELECT 700, 'r', '', 'refund', 'posted', currency, posted_at, business_date, 30 FROM transaction WHERE id = 610; "
    "INSERT INTO entry (transaction_id, leg, account_id, currency, amount, held, version, balance_after, held_after) "
    "SELECT 700, 1, b.account_id, e.currency, 5, 0, b.version + 1, b.balance + 5, 0 "
    "FROM entry e JOIN balance b USING (account_id) WHERE e.transaction_id = 30 AND e.leg = 1",
    "UPDATE balance SET open_item = 610, open_unpaid = 1 WHERE version = 1 AND balance > 0",
    "UPDATE balance SET balance = balance + 1 FROM entry e WHERE e.transaction_id = 610 AND e.leg = 1 "
    "AND e.account_id = balance.account_id",
    "UPDATE entry SET discount = discount + 1 WHERE transaction_id = 610 AND leg = 2",
    "UPDATE entry SET currency = 'EUR' WHERE transaction_id = 610",
    "UPDATE transaction SET business_date = '2025-12-30' WHERE id = 610",
]


def test_rules_find_in_what_is_new_what_they_find_in_everything(closed: Closed) -> None:
    """Of what came after transaction 600, each change behind the guards is named by the same rules, and
    what came before is not read: its changes the seals name.
    """
    book = closed.book
    add_transactions(book, 40, since=date(2026, 1, 1), days=2)
    with superuser(book) as connection:
        connection.execute("ALTER TABLE entry DROP CONSTRAINT gross_less_discount")
        connection.commit()
        assert not any(_broken(connection, after) for after in (None, 600))
        assert sum(_tried(connection, rule, 600).checked for rule in RULES if rule.name == "legs") < 150
        for change in CHANGES_OF_NEW_ROWS:
            connection.execute("SET session_replication_role = replica")
            connection.execute(change)
            everything = _broken(connection, None)
            assert everything, change
            new = _broken(connection, 600)
            # A sum that is wrong is a chain of balances that breaks.
            assert (
                new.keys() | ({"balances"} & everything.keys() if "history" in new else set()) == everything.keys()
            ), change
            connection.rollback()
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE entry SET amount = amount + 1 WHERE transaction_id = 30 AND leg = 1")
        assert not _broken(connection, 600)
        connection.rollback()


def _broken(connection: psycopg.Connection, after: int | None) -> dict[str, tuple[str, ...]]:
    checks = [_tried(connection, rule, after) for rule in RULES]
    return {check.name: check.problems for check in checks if not check.holds}


def test_of_a_large_lake_what_came_since_the_last_night_is_read(
    closed: Closed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A night reads its own rows and files; `verify` those of the last night, and every file; `--all` everything."""
    book, lake = closed
    monkeypatch.setattr("reports.lake.verify.SMALL", 0)
    add_transactions(book, 40, since=date(2026, 1, 1), days=2)
    checked: dict[str, int] = {}

    def check(url: str, exported: Lake, closing: bool) -> None:
        for subject, found in verify_unpublished(url, exported, closing=closing):
            assert found.holds, found
            checked[f"{subject} {found.name}"] = found.checked

    nightly_cut(book, lake, date(2026, 1, 2), check=check)
    assert (checked["ledger answers"], checked["lake transactions"]) == (40, 40)
    assert checked["lake files"] < 10 < checked["lake lake-balances"]
    after = {f"{subject} {found.name}": found for subject, found in verify(book, lake)}
    assert all(found.holds for found in after.values())
    assert (after["lake transactions"].checked, after["ledger answers"].checked) == (40, 40)
    assert after["lake files"].checked > checked["lake files"]
    everything = {found.name: found for _, found in verify(book, lake, depth=Depth(None))}
    assert everything["transactions"].checked == everything["answers"].checked == 640

    with superuser(book) as connection:
        connection.execute("UPDATE entry SET reference = 'other' WHERE transaction_id IN (30, 610) AND leg = 2")
    found = wrong(book, lake)
    assert [problem.partition(":")[0] for problem in found["entries"]] == ["entries, transaction_id 610, leg 2"]
    assert "sealed-days" in found  # the older one


def test_what_was_written_anew_is_read_whole(closed: Closed, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a rebuild or a compaction no cut before vouches for the rows."""
    book, lake = closed
    monkeypatch.setattr("reports.lake.verify.SMALL", 0)
    add_transactions(book, 40, since=date(2026, 1, 1), days=1)
    latest, _ = frequent_cut(book, lake)
    base = verified_before(latest)
    assert base and base.cut.number == 1
    add_transactions(book, 20, since=date(2026, 1, 1), days=1)
    frequent_cut(book, lake)
    assert maintenance.compact(book, lake).cut
    add_transactions(book, 20, since=date(2026, 1, 1), days=1)
    latest, _ = frequent_cut(book, lake)
    assert verified_before(latest) is None
    again, _ = nightly_cut(book, lake, date(2026, 1, 1))
    assert verified_before(again) is None
    assert verified_before(rebuild(book, lake)[0]) is None
