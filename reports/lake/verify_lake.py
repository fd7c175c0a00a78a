"""Check a lake: its files against the manifests, its tables against the ledger row by row.

Appended rows never change, so the lake's must be the ledger's at any later time; snapshots
are compared with the ledger row by row, but for rows about which something was recorded since the cut.
Of a large lake only what came after a cut that was verified is read, and its sums are added to those of that cut
(DECISIONS D196).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import duckdb
import polars as pl

from ledger.errors import Failure, first_line
from reports.lake import delta, manifest
from reports.lake.changed_rows import OWNERS, changed_rows, gone
from reports.lake.checks import CheckResult, found
from reports.lake.extract import SNAPSHOTS, Snapshot, with_closing
from reports.lake.faults import UNREADABLE
from reports.lake.manifest import POINTER, Cut, Manifest, Published
from reports.lake.reader import Lake, declared
from reports.lake.schema import TABLES, Table
from reports.lake.storage import Place

DATABASE = "duckdb"


def verify_lake(url: str, lake: str, *, base: Lake | None = None) -> Iterator[CheckResult]:
    """Check the lake's latest cut against its files and the ledger, and the chain of manifests.

    With `base`, a cut that was verified, only what came after it, and every file.

    A lake without a cut, or whose pointer cannot be read, is one check that fails.
    """
    place = Place(lake)
    try:
        latest = manifest.current(place)
        problem = f"{place.address(POINTER)} is missing: there is no cut" if latest is None else ""
    except (*UNREADABLE, Failure) as error:
        latest, problem = None, first_line(error)
    if latest is None:
        yield found("pointer", "the pointer names a manifest that can be read", checked=1, problems=[problem])
        return
    yield _chain(place, latest)
    yield from verify_cut(url, Lake(place, latest.manifest), base=base, old_files=True)


def verify_cut(
    url: str, lake: Lake, *, closing: bool = False, base: Lake | None = None, old_files: bool = False
) -> Iterator[CheckResult]:
    """Check one cut of a lake, published or not, against its files and the ledger.

    With `closing`, the days up to it are to be closed once it holds. With `base`, a cut that was verified, only what
    came after it is read; files that it pins only with `old_files`.
    """
    checks = _Checks(lake, closing, base, old_files)
    yield checks.files()
    yield checks.versions()
    with Snapshot(url) as ledger:
        for name in (table.name for table in TABLES if table.appended):
            yield checks.rows(name, ledger)
        yield checks.snapshots(ledger)
    yield checks.balances()
    yield checks.totals()
    if lake.manifest.database:
        yield checks.database()


def _chain(place: Place, latest: Published) -> CheckResult:
    seen = 0
    problems = []
    try:
        for _ in manifest.chain(place, latest):
            seen += 1
    except (*UNREADABLE, Failure) as error:
        problems.append(first_line(error))
    return found("manifests", "each cut's manifest is the one that the next names", checked=seen, problems=problems)


@dataclass(frozen=True)
class _Checks:
    lake: Lake
    closing: bool = False
    base: Lake | None = None
    old_files: bool = True
    damaged: set[str] = field(default_factory=set)
    """Tables with a file that is not as it was written: they are not read, for libraries crash on such files."""

    @property
    def after(self) -> int:
        """Return the last transaction of the cut that was verified, 0 without one."""
        return self.base.cut.last_transaction if self.base else 0

    def new(self, name: str) -> pl.LazyFrame:
        """Return the rows of an appended table that came after the cut that was verified."""
        frame = self.scan(name)
        return frame.filter(pl.col(declared(name).key[0]) > self.after) if self.base else frame

    def scan(self, name: str) -> pl.LazyFrame:
        """Return a table of the lake. Raises Failure when its files are damaged."""
        if name in self.damaged:
            raise Failure(f"{name}: a file of it is not as it was written")
        return self.lake.scan(name)

    def files(self) -> CheckResult:
        """Hash every file that the cut pins."""
        pinned = {
            f"tables/{name}/{path}": (name, file.sha256)
            for name, table in self.lake.manifest.tables.items()
            for path, file in table.files.items()
            if self.old_files or not self._known(name, path)
        }
        if (database := self.lake.manifest.database) and self.old_files:  # a night has just read it
            pinned[database.name] = (DATABASE, database.sha256)
        problems = []
        for file_name, (name, sha256) in pinned.items():
            if problem := self._file(file_name, sha256):
                self.damaged.add(name)
                problems.append(problem)
        return found("files", "each file has the hash in the manifest", checked=len(pinned), problems=problems)

    def _known(self, name: str, path: str) -> bool:
        known = self.base and self.base.manifest.tables.get(name)
        return bool(known and path in known.files)

    def _file(self, name: str, sha256: str) -> str | None:
        try:
            same = self.lake.place.digest(name) == sha256
        except FileNotFoundError:
            return f"{self.lake.place.address(name)} is missing"
        except UNREADABLE as error:
            return f"{self.lake.place.address(name)} cannot be read: {first_line(error)}"
        return None if same else f"{self.lake.place.address(name)} is not as it was written"

    def versions(self) -> CheckResult:
        """Compare the Delta log of every table with the files that the manifest pins."""
        problems = (
            f"table {name}, version {pinned.version}: {problem}"
            for name, pinned in self.lake.manifest.tables.items()
            if (problem := self._version(name, pinned.version, set(pinned.files)))
        )
        return found(
            "versions",
            "each table's pinned version has the files of the manifest",
            checked=len(self.lake.manifest.tables),
            problems=problems,
        )

    def _version(self, name: str, version: int, files: set[str]) -> str | None:
        try:
            table = delta.opened(self.lake.place, name, version)
            if table is None:
                return "is missing"
            listed = set(pl.DataFrame(table.get_add_actions(flatten=True))["path"].to_list())
        except UNREADABLE as error:
            return f"cannot be opened: {first_line(error)}"
        return f"other files than in the manifest: {', '.join(sorted(listed ^ files))}" if listed != files else None

    def rows(self, name: str, ledger: Snapshot) -> CheckResult:
        """Compare an appended table with the ledger's rows up to the cut, every value."""
        rule = f"the lake's {name} are the ledger's, every value of every row"
        return self._check(name, rule, lambda: self._compared(name, ledger))

    def _compared(self, name: str, ledger: Snapshot) -> tuple[int, list[str]]:
        checked, problems, table = 0, [], declared(name)
        key = table.key[0]
        accounts = ledger.snapshot("accounts") if name == "entries" else pl.DataFrame()
        for after, until in ledger.slices(self.after, self.lake.cut.last_transaction):
            expected = extracted(ledger, name, accounts, after, until)
            within = pl.col(key).is_between(after, until, closed="right")
            actual = self.scan(name).filter(within).sort(table.key).collect()
            checked += expected.height
            problems += differences(table, expected, actual)
        stray = self.scan(name).filter(~pl.col(key).is_between(1, self.lake.cut.last_transaction))
        problems += [f"{name} has {key} {number}, after the cut" for number in stray.collect()[key].to_list()]
        return checked, problems

    def snapshots(self, ledger: Snapshot) -> CheckResult:
        """Compare the snapshot tables with the ledger, but for rows about which something was recorded since."""
        return self._check(
            "snapshots",
            "the lake's other tables are the ledger's, but for rows about which something was recorded since the cut",
            lambda: self._snapshots(ledger),
        )

    def _snapshots(self, ledger: Snapshot) -> tuple[int, list[str]]:
        checked, problems, cut = 0, [], self.lake.cut
        for name in SNAPSHOTS:
            expected, actual = ledger.snapshot(name), self.scan(name).collect()
            if name == "closings" and self.closing:
                expected = with_closing(expected, cut)
            else:
                expected, actual = (_unmoved(ledger, frame, name, cut) for frame in (expected, actual))
            checked += expected.height
            problems += differences(declared(name), *(f.sort(declared(name).key) for f in (expected, actual)))
        return checked, problems

    def balances(self) -> CheckResult:
        """Compare the accounts' balances at the cut with those at the cut that was verified and the entries since."""
        return self._check(
            "lake-balances", "each account's balance at the cut is the sum of its entries in the lake", self._balances
        )

    def _balances(self) -> tuple[int, list[str]]:
        sums = (
            pl.concat(self._moved())
            .group_by("id")
            .agg(pl.col("amount", "held").sum().name.suffix("_sum"), pl.col("entries").sum())
        )
        accounts = (
            self.scan("accounts")
            .filter(pl.col("kind").is_in(["money", "bonus"]))
            .join(sums, on="id", how="full", coalesce=True)
            .select("id", "balance", "held", "version", pl.col("amount_sum", "held_sum", "entries").fill_null(0))
            .sort("id")
            .collect(engine="streaming")
        )
        wrong = accounts.filter(
            pl.col("balance").ne_missing(pl.col("amount_sum"))
            | pl.col("held").ne_missing(pl.col("held_sum"))
            | pl.col("version").ne_missing(pl.col("entries"))
        )
        return accounts.height, [
            f"account {id_}: balance {balance}, held {held}, version {version}; the lake's {entries} entries sum to "
            f"{amount_sum}, held {held_sum}"
            for id_, balance, held, version, amount_sum, held_sum, entries in wrong.iter_rows()
        ]

    def _moved(self) -> list[pl.LazyFrame]:
        names = ("id", "amount", "held", "entries")
        entries = self.new("entries").filter(pl.col("version").is_not_null())
        moved = [entries.select("amount", "held", id="account_id", entries=pl.lit(1, pl.Int64)).select(names)]
        if self.base:
            clients = self.base.scan("accounts").filter(pl.col("version") > 0)
            moved.append(clients.select("id", "held", amount="balance", entries="version").select(names))
        return moved

    def totals(self) -> CheckResult:
        """Compare the lake's sums by currency and kind of account with the manifest's control totals."""
        return self._check(
            "control-totals",
            "the lake's rows and sums by currency are the manifest's control totals",
            self._totals,
        )

    def _totals(self) -> tuple[int, list[str]]:
        actual = _amounts(self.base.manifest) if self.base else {}
        for currency, kind, amount in _sums(self.new("entries")).collect(engine="streaming").iter_rows():
            actual[currency, kind] = actual.get((currency, kind), Decimal(0)) + amount
        expected = _amounts(self.lake.manifest)
        problems = [
            f"{currency} {kind}: the manifest has {expected.get((currency, kind), 0)}, "
            f"the lake {actual.get((currency, kind), 0)}"
            for currency, kind in sorted(expected.keys() | actual.keys())
            if expected.get((currency, kind), 0) != actual.get((currency, kind), 0)
        ]
        for name, pinned in self.lake.manifest.tables.items():
            rows = self.scan(name).select(pl.len()).collect().item()
            if rows != pinned.rows:
                problems.append(f"{name}: the manifest has {pinned.rows} rows, the lake {rows}")
        return len(expected) + len(self.lake.manifest.tables), problems

    def database(self) -> CheckResult:
        """Compare the dated DuckDB file with the lake: rows of each table, sums of entries."""
        return self._check("duckdb", "the DuckDB file has the lake's rows and sums in every table", self._database)

    def _database(self) -> tuple[int, list[str]]:
        if DATABASE in self.damaged:
            raise Failure("it is not as it was written")
        with self.lake.duckdb_file() as path, duckdb.connect(str(path), read_only=True) as connection:
            rows = {
                table.name: _one(connection, f'SELECT count(*) FROM "{table.name}"')
                for table in TABLES
                if table.name in self.lake.manifest.tables
            }
            sums = connection.execute(
                "SELECT currency, account_kind, sum(amount) FROM entries WHERE transaction_id > ? "
                "GROUP BY ALL ORDER BY ALL",
                [self.after],
            ).fetchall()
        problems = [
            f"{name}: {rows[name]} rows in the DuckDB file, {pinned.rows} in the lake"
            for name, pinned in self.lake.manifest.tables.items()
            if name in rows and rows[name] != pinned.rows
        ]
        expected = _sums(self.new("entries")).sort("currency", "account_kind").collect(engine="streaming").rows()
        if sums != expected:
            problems.append("entries: other sums by currency and kind of account than in the lake")
        return sum(rows.values()), problems

    def _check(self, name: str, rule: str, compare: Callable[[], tuple[int, list[str]]]) -> CheckResult:
        try:
            checked, problems = compare()
        except (*UNREADABLE, Failure) as error:
            return found(name, rule, checked=0, problems=[f"{name} cannot be read: {first_line(error)}"])
        return found(name, rule, checked=checked, problems=problems)


def differences(table: Table, expected: pl.DataFrame, actual: pl.DataFrame) -> list[str]:
    """Return a sentence for each row that two frames of a table do not share; both are sorted by key."""
    if expected.equals(actual):
        return []
    both = expected.with_columns(_ledger=True).join(
        actual.with_columns(_lake=True), on=table.key, how="full", coalesce=True, suffix="_lake", nulls_equal=True
    )
    others = [name for name in table.names if name not in table.key]
    differ = [pl.col(name).ne_missing(pl.col(f"{name}_lake")) for name in others]
    wrong = both.filter(pl.any_horizontal(pl.col("_ledger", "_lake").is_null(), *differ)).sort(table.key)
    if wrong.is_empty():  # the same rows, one of them more than once
        return [f"{table.name}: {actual.height} rows in the lake, {expected.height} in the ledger"]
    return [_sentence(table, others, row) for row in wrong.iter_rows(named=True)]


def _sentence(table: Table, others: list[str], row: dict[str, Any]) -> str:
    subject = f"{table.name}, " + ", ".join(f"{name} {row[name]}" for name in table.key)
    if row["_lake"] is None:
        return f"{subject}: in the ledger, not in the lake"
    if row["_ledger"] is None:
        return f"{subject}: in the lake, not in the ledger"
    unlike = (name for name in others if row[name] != row[f"{name}_lake"])
    return f"{subject}: " + ", ".join(
        f"{name} is {_shown(row[name])} in the ledger and {_shown(row[f'{name}_lake'])} in the lake" for name in unlike
    )


def _shown(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def extracted(ledger: Snapshot, name: str, accounts: pl.DataFrame, after: int, until: int) -> pl.DataFrame:
    """Return the rows of an appended table, of the transactions `after < id <= until`, as the ledger has them."""
    if name == "attributes":
        return ledger.attributes(after, until).sort("transaction_id", "leg", "name")
    if name == "lot_changes":
        return ledger.lot_changes(after, until)
    transactions = ledger.transactions(after, until)
    return transactions if name == "transactions" else ledger.entries(transactions, accounts, after, until)


def _unmoved(ledger: Snapshot, frame: pl.DataFrame, name: str, cut: Cut) -> pl.DataFrame:
    """Return the rows of a snapshot table about which nothing was recorded since a cut."""
    moved = ledger.frame(
        changed_rows(name, last=cut.last_transaction, change=cut.last_change, taken_at=cut.taken_at.isoformat())
    )
    frame = frame.join(moved, on=moved.columns, how="anti")
    if (accounts := gone(name, last=cut.last_transaction, change=cut.last_change)) is None:
        return frame
    losing = ledger.frame(accounts)
    for column in OWNERS.get(name, ("account_id",)):
        frame = frame.join(losing, left_on=column, right_on="account_id", how="anti")
    return frame


def _amounts(manifest: Manifest) -> dict[tuple[str, str], Decimal]:
    totals = manifest.totals.items()
    return {(currency, kind): amount for currency, total in totals for kind, amount in total.amounts.items()}


def _sums(entries: pl.LazyFrame) -> pl.LazyFrame:
    return entries.group_by("currency", "account_kind").agg(pl.col("amount").cast(pl.Decimal(38, 2)).sum())


def _one(connection: duckdb.DuckDBPyConnection, sql: str) -> Any:
    row = connection.execute(sql).fetchone()
    return row[0] if row else None
