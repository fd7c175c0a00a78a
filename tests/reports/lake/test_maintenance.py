"""Compaction, vacuum, rebuild and a schema that grows leave kept cuts as they are."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import psycopg
import pytest

from ledger.errors import Failure
from reports.lake import (
    compare_cuts,
    delta,
    duckdb_file,
    export,
    extract,
    maintenance,
    publish_cut,
    reader,
    schema,
    verify_lake,
)
from reports.lake.compare_cuts import unlike
from reports.lake.manifest import PinnedTable
from reports.lake.publish_cut import frequent_cut, nightly_cut, rebuild
from reports.lake.reader import Lake, open_lake
from reports.lake.schema import TABLES, Column, Table
from reports.lake.storage import Place
from reports.lake.verify import verify
from tests.reports.lake.conftest import NEW_YEARS_EVE, Closed
from tests.reports.lake.rows import add_transactions
from tests.reports.lake.test_verify import superuser


def frames(lake: Lake, *names: str) -> dict[str, pl.DataFrame]:
    """Return every table of a cut, or some, by key."""
    tables = [reader.declared(name) for name in names] or TABLES
    return {table.name: lake.scan(table.name).sort(table.key).collect() for table in tables}


@pytest.fixture
def cuts(january: Closed) -> list[Lake]:
    """Return its nightly cut of 2025 and four frequent ones of January, some transactions apart."""
    return [open_lake(january.lake, cut=number) for number in range(1, 6)]


def test_compaction_joins_files_and_changes_no_row(january: Closed, cuts: list[Lake]) -> None:
    """January's four files become one; the cuts before read the same rows as ever."""
    book, lake = january
    before = [frames(cut) for cut in cuts]
    done = maintenance.compact(book, lake)
    assert done.files["entries"] == (7, 4)
    assert maintenance.compact(book, lake).cut is None

    opened = open_lake(lake)
    assert opened.cut.number == done.cut
    assert opened.cut.last_transaction == cuts[-1].cut.last_transaction
    for name, frame in frames(opened).items():
        assert frame.equals(before[-1][name])
    for cut, held in zip(cuts, before, strict=True):
        for name, frame in frames(open_lake(lake, cut=cut.cut.number)).items():
            assert frame.equals(held[name])
    assert [check for _, check in verify(book, lake) if not check.holds] == []


def test_compaction_that_loses_rows_is_not_published(
    january: Closed, cuts: list[Lake], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The entries of a transaction are gone from what was joined: readers keep the cut before, and it is done again."""
    book, lake = january
    pin = delta.pin

    def losing(place: Place, name: str, known: PinnedTable) -> PinnedTable:
        if name == "entries" and (table := delta.opened(place, name)):
            table.delete("transaction_id = 30")
        return pin(place, name, known=known)

    monkeypatch.setattr(delta, "pin", losing)
    with pytest.raises(Failure, match="the joined files differ: entries, transaction_id 30"):
        maintenance.compact(book, lake)
    assert open_lake(lake).cut.number == cuts[-1].cut.number
    monkeypatch.undo()
    assert maintenance.compact(book, lake).files["entries"] == (7, 4)
    assert [check for _, check in verify(book, lake) if not check.holds] == []


def test_vacuum_keeps_what_kept_cuts_pin(january: Closed, cuts: list[Lake]) -> None:
    """Two latest cuts and one nightly stay readable and whole, the others go, and so do their files."""
    book, lake = january
    maintenance.compact(book, lake)
    stray = Path(lake) / "tables" / "entries" / "month=2026-01" / "part-of-a-killed-run.parquet"
    stray.write_bytes(b"PAR1")
    kept = {number: frames(open_lake(lake, cut=number)) for number in (1, 5, 6)}

    done = maintenance.vacuum(book, lake, keep=2, nights=1)

    assert (done.kept, done.cuts) == ([6, 5, 1], [2, 3, 4])
    assert not stray.exists()
    for number, held in kept.items():
        for name, frame in frames(open_lake(lake, cut=number)).items():
            assert frame.equals(held[name])
    with pytest.raises(Failure, match="there is no cut 3"):
        open_lake(lake, cut=3)
    assert [check for _, check in verify(book, lake) if not check.holds] == []
    assert nightly_cut(book, lake, NEW_YEARS_EVE)[1] is False


def test_vacuum_removes_files_that_only_old_cuts_pin(january: Closed, cuts: list[Lake]) -> None:
    """Once only the compacted cut is kept, each of its months has one file on the disk."""
    book, lake = january
    maintenance.compact(book, lake)
    maintenance.vacuum(book, lake, keep=1, nights=0)
    on_disk = {
        path.relative_to(Path(lake) / "tables/entries").as_posix()
        for path in Path(lake).glob("tables/entries/month=*/*.parquet")
    }
    assert on_disk == set(open_lake(lake).manifest.tables["entries"].files)
    assert list(Path(lake).glob("duckdb/*.duckdb")) == []
    add_transactions(book, 30, since=date(2026, 1, 5), days=1)
    assert frequent_cut(book, lake)[1]
    assert [check for _, check in verify(book, lake) if not check.holds] == []


def test_the_log_is_as_long_as_the_kept_cuts_need_it(book: str, lake: str) -> None:
    """15 cuts, a checkpoint every ten; of the last three kept, the first is read from the checkpoint before it."""
    made = []
    for number in range(15):
        add_transactions(book, 5, since=date(2026, 1, 1 + number), days=1)
        made.append(frequent_cut(book, lake)[0])
    kept = made[-3:]
    held = [frames(cut, "entries", "accounts") for cut in kept]
    log = Path(lake) / "tables" / "entries" / "_delta_log"
    before = {path.name for path in log.iterdir()}
    assert {name for name in before if "checkpoint." in name} == {f"{n:020}.checkpoint.parquet" for n in (9,)}
    done = maintenance.vacuum(book, lake, keep=3, nights=0)
    left = {path.name for path in log.iterdir()}
    assert before - left == {f"{number:020}.json" for number in range(9)}
    assert {f"tables/entries/_delta_log/{name}" for name in before - left} <= set(done.files)
    for cut, frames_then in zip(kept, held, strict=True):
        opened = open_lake(lake, cut=cut.cut.number)
        assert all(frame.equals(frames_then[name]) for name, frame in frames(opened, *frames_then).items())
    assert maintenance.vacuum(book, lake, keep=3, nights=0).files == []
    add_transactions(book, 5, since=date(2026, 2, 1), days=1)
    assert frequent_cut(book, lake)[0].cut.number == 16
    assert [check for _, check in verify(book, lake) if not check.holds] == []


def test_a_rebuilt_lake_is_equal(january: Closed, cuts: list[Lake]) -> None:
    """All tables anew from the ledger are what five cuts had put together; old cuts still read."""
    book, lake = january
    held = frames(cuts[-1])
    made, differences = rebuild(book, lake)
    assert differences == []
    for name, frame in frames(made).items():
        assert frame.equals(held[name])
    assert frames(open_lake(lake, cut=1))["entries"].height == cuts[0].manifest.tables["entries"].rows
    assert [check for _, check in verify(book, lake) if not check.holds] == []


def test_a_rebuild_names_each_row_that_was_other_in_the_cut_before(january: Closed, cuts: list[Lake]) -> None:
    """Changed behind the guards: the cut's last transaction, and a client. The rebuilt cut has its DuckDB file."""
    book, lake = january
    with superuser(book) as connection:
        connection.execute("UPDATE transaction SET note = 'x' WHERE id = 720")
        connection.execute("UPDATE party SET name = 'Other' WHERE id = 3")
    made, differences = rebuild(book, lake)
    assert differences == [
        "transactions, id 720: note is x in the ledger and None in the lake",
        "parties, id 3: name is Other in the ledger and Client 3 in the lake",
    ]
    with made.duckdb_file() as path:
        assert duckdb_file.file_name(made.cut.taken_at.date(), made.cut.number).endswith(path.name)
    assert rebuild(book, lake)[1] == []


def test_a_day_closed_since_the_cut_before_is_no_difference(january: Closed, cuts: list[Lake]) -> None:
    """A night is killed once the day is closed; the lake is rebuilt before the night is run again."""
    book, lake = january
    with psycopg.connect(book) as connection:
        connection.execute("UPDATE book SET closed_until = '2026-01-02'")
        connection.execute("INSERT INTO closing (closed_until, last_transaction) VALUES ('2026-01-02', 720)")
    made, differences = rebuild(book, lake)
    assert (made.cut.closed_until, differences) == (date(2026, 1, 2), [])


def test_a_rebuild_mends_a_damaged_lake_and_says_what_was_damaged(january: Closed, cuts: list[Lake]) -> None:
    """A lost file is named by the rebuild; after it everything holds. A lost pointer is mended too, even with it all
    tables; and a manifest is never written over.
    """
    book, lake = january
    next(Path(lake).glob("tables/entries/month=2025-11/*.parquet")).unlink()
    _, differences = rebuild(book, lake)
    assert any(sentence.startswith("entries of cut 5 cannot be read") for sentence in differences)
    assert [check for _, check in verify(book, lake) if not check.holds] == []
    (Path(lake) / "current.json").write_text("{}")
    made, _ = rebuild(book, lake)
    assert open_lake(lake).cut.number == made.cut.number == 7
    assert [check for _, check in verify(book, lake) if not check.holds] == []
    shutil.rmtree(Path(lake) / "tables")
    (Path(lake) / "current.json").unlink()
    assert rebuild(book, lake)[0].cut.number == 8
    assert [check for _, check in verify(book, lake) if not check.holds] == []


def test_a_difference_is_named_by_row_and_column(january: Closed, cuts: list[Lake]) -> None:
    """Two cuts compared: one lacks what the other has."""
    book, lake = january
    assert unlike(cuts[0], cuts[1]) == []
    maintenance.compact(book, lake)
    assert unlike(cuts[-1], open_lake(lake)) == []
    sentences = list(unlike(cuts[-1], Lake(cuts[0].place, cuts[0].manifest)))
    assert any("entries, transaction_id 601, leg 1" in sentence for sentence in sentences)


def test_what_a_release_adds_to_the_lake_is_there_for_the_past_from_the_next_cut_on(
    book: str, lake: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table and a column of each sort are new: the old cut refuses them, the next one has them for every row."""
    with monkeypatch.context() as earlier:
        _without(earlier, "lot_changes", "closings")
        earlier.setattr(publish_cut, "new_problems", lambda *_: [])  # which reads the tables of this release
        before, _ = frequent_cut(book, lake)
    held = frames(before, *(name for name in before.manifest.tables))
    for name in ("transactions", "parties"):
        _add_column(monkeypatch, name)

    old = open_lake(lake)
    sentence = r"^cut 1 of the lake was made by an earlier release and has no {}: run tiffin lake rebuild, or wait for"
    for name, lacking in (
        ("transactions", "transactions.shoe_size"),
        ("parties", "parties.shoe_size"),
        ("lot_changes", "lot_changes"),
        ("closings", "closings"),
    ):
        with pytest.raises(Failure, match=sentence.format(lacking)):
            old.scan(name)
    assert old.scan("entries").sort("transaction_id", "leg").collect().equals(held["entries"])
    problems = {problem for _, check in verify(book, lake) for problem in check.problems}
    assert any(
        "lot_changes cannot be read: cut 1 of the lake was made by an earlier" in problem for problem in problems
    )

    after, made = frequent_cut(book, lake)  # with nothing new in the book
    assert made
    assert not frequent_cut(book, lake)[1]
    assert after.scan("transactions").collect()["shoe_size"].to_list() == [38] * 600
    assert after.scan("parties").collect()["shoe_size"].null_count() == 0
    assert [check for _, check in verify(book, lake) if not check.holds] == []
    for name, frame in held.items():
        assert after.scan(name).sort(reader.declared(name).key).select(frame.columns).collect().equals(frame)


def test_a_rebuild_finds_no_fault_with_what_an_earlier_release_did_not_have(
    book: str, lake: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new column differs from nothing."""
    frequent_cut(book, lake)
    _add_column(monkeypatch, "transactions")
    made, differences = rebuild(book, lake)
    assert differences == []
    assert made.scan("transactions").collect()["shoe_size"].null_count() == 0


def _declare(monkeypatch: pytest.MonkeyPatch, tables: tuple[Table, ...]) -> None:
    for module in (schema, reader, export, duckdb_file, maintenance, compare_cuts, verify_lake):
        monkeypatch.setattr(module, "TABLES", tables)
    reader.declared.cache_clear()


def _without(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Declare fewer tables, as an earlier release did, and write no others."""
    _declare(monkeypatch, tuple(table for table in reader.TABLES if table.name not in names))
    for name in set(names) & set(extract.SNAPSHOTS):
        monkeypatch.delitem(extract.SNAPSHOTS, name)
    write = export._Export._append
    monkeypatch.setattr(
        export._Export, "_append", lambda run, name, frames: None if name in names else write(run, name, frames)
    )


def _add_column(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Declare a column more, and read it out of the ledger."""
    old = reader.declared(name)
    new = replace(old, columns=(*old.columns, Column("shoe_size", "int", "size of the client's shoes")))
    _declare(monkeypatch, tuple(new if table.name == name else table for table in reader.TABLES))
    monkeypatch.setattr(
        extract, "TRANSACTIONS", extract.TRANSACTIONS.replace("SELECT id,", "SELECT 38 AS shoe_size, id,")
    )
    monkeypatch.setitem(extract.SNAPSHOTS, "parties", "SELECT *, 38 AS shoe_size FROM party ORDER BY id")


@pytest.fixture(autouse=True)
def declared_afresh() -> Iterator[None]:
    """Forget what a test declared, before the next one's lake is made."""
    yield
    reader.declared.cache_clear()


def test_status_says_what_is_there(january: Closed, cuts: list[Lake]) -> None:
    """Counts are the manifest's, cuts newest first."""
    found = maintenance.status(january.lake)
    assert (found.cut, found.made_by, found.kept) == (5, "frequent", [5, 4, 3, 2, 1])
    assert found.rows["transactions"] == 720
    assert found.closed_until == "2025-12-31"
    assert delta.highest_number(cuts[0].place, ["transactions"]) == 5
