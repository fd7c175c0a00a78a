"""`tiffin backup` and `tiffin restore` as an operator uses them, and every way in which they refuse."""

import json
import shutil
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest

from ledger.errors import Failure
from ledger.postgres import embedded_server, feed
from ledger.settings import Settings
from ledger.values.refusals import LEDGER
from reports.backup import archive, take
from reports.backup.restore import restore
from reports.cli import backup as cli
from reports.lake.publish_cut import frequent_cut, nightly_cut, rebuild
from reports.lake.verify import verify
from tests.reports.backup.conftest import Homes, keys, lose, makes_homes, pay, receiver, settings, tiffin, with_anna


class Kept(NamedTuple):
    """A home, and a folder with a backup of it: p1, with a closed day. p2 and p3 came later, p4 after `moment`."""

    home: Path
    folder: Path
    name: str
    moment: datetime
    cursor: str


@pytest.fixture(scope="module")
def kept() -> Iterator[Kept]:
    """Return what is left of a home that was lost: its backup and its WAL, in four segments."""
    for homes in makes_homes():
        home, folder = homes("lost"), homes("backups")
        url = with_anna(home)
        pay(url, "p1")
        nightly_cut(url, settings(home).lake_url, date(2026, 3, 2))
        wal = receiver(home, folder)
        done = tiffin(home, "backup", str(folder), "--json")
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout)
        assert (said["cut"], said["ledger"]["key"], said["let_go"]) == (1, "p1", [])
        with psycopg.connect(url, autocommit=True) as connection:
            for key in ("p2", "p3"):
                pay(url, key, at=None)
                connection.execute("SELECT pg_switch_wal()")
            row = connection.execute("SELECT clock_timestamp()").fetchone()
            assert row
            pay(url, "p4", at=None)
            _, cursor = feed.events(connection, None, LEDGER)
        lose(home)
        wal.terminate()
        assert wal.wait(30) == 0
        yield Kept(home, folder, said["name"], row[0], cursor)


def copied(folder: Path, into: Path) -> Path:
    """Return a copy of a folder."""
    return Path(shutil.copytree(folder, into))


def test_a_restore_goes_to_a_moment_and_begins_an_incarnation(kept: Kept, homes: Homes, tmp_path: Path) -> None:
    """p4 came later; who has read it is sent back. The lake was restored and goes on; the WAL after it has its day."""
    home = homes("spare")
    done = tiffin(home, "restore", str(kept.folder), "--until", kept.moment.isoformat())
    assert done.returncode == 0, done.stderr
    assert ", key p3, of " in done.stdout
    url, lake = embedded_server.running(home), settings(home).lake_url
    assert keys(url) == ["p1", "p2", "p3"]
    with psycopg.connect(url) as connection, pytest.raises(feed.Gone):
        feed.events(connection, kept.cursor, LEDGER)
    assert [check for _, check in verify(url, lake) if not check.holds] == []
    pay(url, "p2", "p3", "p4", at=None)
    assert keys(url) == ["p1", "p2", "p3", "p4"]
    assert frequent_cut(url, lake)[0].manifest.tables["transactions"].rows == 4
    assert tiffin(home, "backup", str(tmp_path / "next"), "--json").returncode == 0
    again = tiffin(home, "restore", str(kept.folder))
    assert again.returncode == 1
    assert "there is already a server under" in again.stderr
    assert keys(url) == ["p1", "p2", "p3", "p4"]


def test_a_data_folder_is_made_for_a_server_of_your_own(kept: Kept, homes: Homes) -> None:
    """Nothing is started. Before it is used it begins an incarnation, and the lake that was there is made anew."""
    home = homes("own")
    with pytest.raises(Failure, match="give --data"):
        restore(Settings(home=home, database_url="postgresql://db.example/tiffin"), kept.folder)
    done = restore(settings(home), kept.folder, data=home / "postgres")
    assert (done.lake, done.last_transaction) == ("restored", None)
    with pytest.raises(Failure, match="already exists"):
        restore(settings(home), kept.folder, data=home / "postgres")
    embedded_server._give_to_its_user(home / "postgres")
    embedded_server._start(home / "postgres")
    embedded_server._wait_until_recovered(home / "postgres")
    url = embedded_server._url(home / "postgres")
    assert keys(url) == ["p1", "p2", "p3", "p4"]
    with pytest.raises(Failure, match="run tiffin init --restored"):
        pay(url, "p5")
    assert tiffin(home, "init", "--restored").returncode == 0
    _, unlike = rebuild(url, settings(home).lake_url)
    assert [sentence for sentence in unlike if sentence.startswith(("transactions", "entries"))] == []
    pay(url, "p5", at=None)
    assert keys(url)[-1] == "p5"


def test_wal_with_a_gap_is_refused(kept: Kept, homes: Homes, tmp_path: Path) -> None:
    """The restore would end at the gap, and nobody would know."""
    folder = copied(kept.folder, tmp_path / "backups")
    segments = sorted(path for path in (folder / "wal").iterdir() if len(path.name) == 24)
    segments[-1].unlink()
    home = homes("spare")
    with pytest.raises(Failure, match=r"the WAL between [0-9A-F]{24} and [0-9A-F]{24} is missing"):
        restore(settings(home), folder)
    assert [path.name for path in home.iterdir()] == ["postgres.lock"]


@pytest.mark.parametrize(
    ("damaged", "sentence"),
    [
        ("lake/current.json", "is not as it was written"),
        ("database/backup_manifest", "is not as it was written"),
        ("database/global/pg_control", "global/pg_control is not as it was written"),
    ],
)
def test_a_damaged_backup_is_never_restored(
    kept: Kept, homes: Homes, tmp_path: Path, damaged: str, sentence: str
) -> None:
    """Neither what is ours nor the server's: the file is named."""
    folder = copied(kept.folder, tmp_path / "backups")
    file = folder / kept.name / damaged
    content = file.read_bytes()
    file.unlink()  # it is linked to the one that other tests restore
    file.write_bytes(content[:-1] + b"?")
    home = homes("spare")
    with pytest.raises(Failure, match=sentence):
        restore(settings(home), folder)
    with pytest.raises(Failure, match=sentence):
        take.check(folder)
    assert list(home.iterdir()) == []


def test_old_backups_are_let_go(kept: Kept, tmp_path: Path) -> None:
    """All but the latest, what a killed run left, and the WAL before; the one that is kept is whole."""
    folder = copied(kept.folder, tmp_path / "backups")
    copied(folder / kept.name, folder / "2020-01-01T000000Z")
    (folder / "2020-01-02T000000Z" / "lake").mkdir(parents=True)
    (folder / "wal" / "000000010000000000000000").write_bytes(b"old")
    assert archive.backups(folder) == ["2020-01-01T000000Z", kept.name]
    assert take.delete_old(folder, 1) == ["2020-01-01T000000Z"]
    assert sorted(path.name for path in folder.iterdir()) == [kept.name, "wal"]
    assert not (folder / "wal" / "000000010000000000000000").exists()
    assert take.check(folder).name == kept.name


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("restore {folder} --until 2099-01-01T00:00:00Z", "recovery ended before configured recovery target"),
        ("backup {folder}", "there is no book under"),
    ],
)
def test_a_failure_is_one_sentence(kept: Kept, homes: Homes, words: str, sentence: str) -> None:
    """Exit code 1, and no server is left under the home."""
    home = homes("spare")
    done = tiffin(home, *words.format(folder=kept.folder).split())
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 1)
    assert sentence in done.stderr
    assert not (home / "postgres").exists()


@pytest.mark.parametrize(
    ("command", "words", "sentence"),
    [
        (cli.restore, {"folder": "none"}, "there is no backup in"),
        (cli.restore, {"name": "2020-01-01T000000Z"}, "there is no backup 2020-01-01T000000Z in"),
        (cli.restore, {"until": "2020-01-01T00:00:00Z"}, "was taken later than 2020-01-01 00:00:00 UTC"),
        (cli.restore, {"until": "yesterday"}, "yesterday is not a time in ISO 8601"),
        (cli.backup, {"wal": True, "check": True}, "--wal, --check and --keep: give one of them"),
        (cli.backup, {"name": "x"}, "--backup goes with --check"),
    ],
)
def test_nonsense_is_refused_in_one_sentence(
    kept: Kept, monkeypatch: pytest.MonkeyPatch, command: Callable[..., None], words: dict[str, Any], sentence: str
) -> None:
    """Before anything is touched."""
    monkeypatch.delenv("TIFFIN_DATABASE_URL", raising=False)
    with pytest.raises(Failure, match=sentence):
        command(**{"folder": kept.folder, **words, **({"folder": Path("none")} if "folder" in words else {})})


def test_a_backup_of_a_newer_tiffin_is_refused(kept: Kept, homes: Homes, tmp_path: Path) -> None:
    """Its tables are not known here."""
    folder = copied(kept.folder, tmp_path / "backups")
    newer = archive.load(folder).model_copy(update={"tables": "9999"})
    (folder / kept.name / archive.MANIFEST).unlink()
    (folder / kept.name / archive.MANIFEST).write_text(newer.model_dump_json())
    with pytest.raises(Failure, match="was made by a newer Tiffin"):
        restore(settings(homes("spare")), folder)


def test_a_damaged_lake_is_not_backed_up_in_silence(homes: Homes, tmp_path: Path) -> None:
    """The file is named, and no backup is left."""
    home = homes("home")
    url = with_anna(home)
    pay(url, "p1")
    nightly_cut(url, settings(home).lake_url, date(2026, 3, 2))
    [file] = (home / "lake").rglob("*.duckdb")
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    with pytest.raises(Failure, match="is not as it was written: run tiffin lake rebuild"):
        take.take(settings(home), url, tmp_path / "backups")
    assert archive.backups(tmp_path / "backups") == archive.unfinished(tmp_path / "backups") == []
