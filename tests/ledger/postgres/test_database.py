"""The embedded server starts wherever it is found down, and every failure to connect is one sentence."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import psycopg
import pytest

from ledger.errors import Failure
from ledger.postgres import database, embedded_server
from ledger.postgres.post import Ledger
from ledger.settings import Settings


@pytest.fixture
def home() -> Iterator[Path]:
    """Return a home with spaces in its name and too long for a Unix socket; removed after the test."""
    top = Path(tempfile.mkdtemp(prefix="tiffin home "))
    home = top / ("long " * 20).strip()
    yield home
    embedded_server.stop(home)
    shutil.rmtree(top)


def postmaster(home: Path) -> int:
    return int((home / "postgres" / "postmaster.pid").read_text().split()[0])


def works(url: str) -> bool:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT 1").fetchone() == (1,)


def start(home: Path) -> str:
    return database.server_url(Settings(home=home, database_url=None), make=True)


def test_the_embedded_server_lives_through_a_crash_a_stale_pid_and_a_stop(home: Path) -> None:
    """Two first commands at once, then kill -9, then a pid file that names someone else, then a stop."""
    with ProcessPoolExecutor(2) as pool:
        urls = set(pool.map(start, [home] * 2))
    assert len(urls) == 1
    url = urls.pop()
    assert works(url)

    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept (id int)")
    os.kill(postmaster(home), signal.SIGKILL)
    assert start(home) == url
    with psycopg.connect(url) as connection:
        connection.execute("SELECT FROM kept")
        assert connection.execute("SELECT current_setting('fsync')").fetchone() == ("on",)

    settings = Settings(home=home, database_url=None)
    assert database.stop(settings)
    assert not database.stop(settings)
    (home / "postgres" / "postmaster.pid").write_text(f"{os.getpid()}\n{home}/postgres\n0\n5432\n")
    assert works(start(home))


def test_the_socket_of_a_long_home_is_in_a_private_folder(home: Path) -> None:
    """Under a name that nobody can guess; one that is not ours alone is not used again."""
    url = start(home)
    folder = Path((home / "postgres.socket").read_text())
    owner = (home / "postgres").stat().st_uid
    assert (folder.stat().st_uid, folder.stat().st_mode & 0o777) == (owner, 0o700)
    embedded_server.stop(home)
    folder.mkdir(exist_ok=True)
    folder.chmod(0o777)
    other = start(home)
    assert other != url
    assert works(other)


def test_a_home_without_a_book_is_named_before_a_server_is_made(home: Path) -> None:
    """Whoever forgot to set TIFFIN_DATABASE_URL is told which home would be used, and nothing is made there."""
    with pytest.raises(Failure, match=f"no book under {re.escape(str(home))}, and TIFFIN_DATABASE_URL is not set"):
        database.server_url(Settings(home=home, database_url=None))
    assert not home.exists()


def test_the_home_is_its_owners_alone(home: Path) -> None:
    """Whatever the command line writes there; folders above the data stay passable where the server is another user."""
    environment = {**os.environ, "TIFFIN_HOME": str(home)}
    environment.pop("TIFFIN_DATABASE_URL", None)
    run = [sys.executable, "-c", "from reports.cli.main import main; main()", "init"]
    subprocess.run(run, env=environment, check=True, umask=0o022)
    allowed = 0o055 if os.geteuid() == 0 else 0
    assert not home.stat().st_mode & 0o077 & ~allowed
    for path in home.rglob("*"):
        assert path.is_symlink() or path.is_socket() or not path.stat().st_mode & 0o077, path


def test_a_server_that_cannot_start_says_why(home: Path) -> None:
    """The last word of the server's log is in the sentence."""
    start(home)
    embedded_server.stop(home)
    with (home / "postgres" / "postgresql.conf").open("a") as file:
        file.write("shared_buffers = nonsense\n")
    with pytest.raises(Failure, match=r"did not start: .*FATAL.*postgresql\.conf"):
        start(home)


def test_a_home_that_cannot_be_made_is_a_failure(tmp_path: Path) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "file").write_text("")
    with pytest.raises(Failure, match="cannot create the home"):
        start(tmp_path / "file" / "home")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://olga:s3cret@127.0.0.1:1/ledger",
        "host=127.0.0.1 port=1 user=olga password=s3cret dbname=ledger",
        "postgresql://olga:s3cret@127.0.0.1:x/ledger",
        "postgresql://olga:s3c%zzret@127.0.0.1/ledger",
        "s3cret",
    ],
)
def test_an_unreachable_database_is_one_sentence_without_the_password(url: str) -> None:
    """Neither the sentence nor the exceptions behind it show the password."""
    with pytest.raises(Failure) as caught:
        database.connect(url)
    assert "s3c" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert re.match("cannot reach PostgreSQL at 127|TIFFIN_DATABASE_URL is not the address", str(caught.value))
    assert caught.value.__suppress_context__


def test_an_old_postgresql_is_refused(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest that will do is 15; here the bar is raised instead of the server lowered."""
    monkeypatch.setattr(database, "OLDEST_POSTGRESQL", 99)
    with pytest.raises(Failure, match=r"^PostgreSQL \d+ at .* is too old: 99 or newer is needed$"):
        database.connect(server)


def test_a_named_database_is_used_and_never_stopped(database_url: str) -> None:
    """Only the embedded server is ours to stop."""
    settings = Settings(database_url=database_url)
    assert database.server_url(settings) == database_url
    with pytest.raises(Failure, match="will not stop"):
        database.stop(settings)


def test_the_url_sets_the_pool_and_the_servers_options(database_url: str) -> None:
    """What is ours in a URL never reaches libpq; options of the URL win over those that posting sets."""
    url = f"{database_url}{'&' if '?' in database_url else '?'}pool_size=3&options=-c%20statement_timeout%3D1234"
    assert (database.pool_size(url), database.pool_size(database_url)) == (3, database.POOL_SIZE)
    assert database.libpq_url(f"{database_url.partition('?')[0]}?pool_size=3") == database_url.partition("?")[0]
    connection = Ledger(url).connection()
    shown = [connection.execute(f"SHOW {name}").fetchone() for name in ("statement_timeout", "enable_seqscan")]
    connection.close()
    assert shown == [("1234ms",), ("off",)]


@pytest.mark.parametrize("size", ["0", "101", "-1", "many", ""])
def test_a_pool_of_no_size_is_refused(size: str) -> None:
    """One sentence that names the setting."""
    with pytest.raises(Failure, match=r"pool_size is '.*', expected a number from 1 to 100"):
        database.pool_size(f"postgresql://localhost/tiffin?pool_size={size}")


def test_the_books_time_zone_is_set_once(database_url: str) -> None:
    """Asking for the same again is fine, another one is refused."""
    database.initialise(database_url, "Europe/Moscow")
    with pytest.raises(Failure, match="is Europe/Moscow and cannot become America/New_York"):
        database.initialise(database_url, "America/New_York")
    assert database.initialise(database_url) == ("Europe/Moscow", "RUB")


@pytest.mark.parametrize("name", ["Mars/Base", "Europe", "../etc/passwd", ""])
def test_an_unknown_time_zone_is_refused(database_url: str, name: str) -> None:
    """A folder of the time zone database is no time zone, either."""
    with pytest.raises(Failure, match="is not known, expected a name such as Europe/Moscow"):
        database.initialise(database_url, name)


def test_what_posting_froze_is_let_go_where_duckdb_looks_for_it() -> None:
    """DuckDB writes on stderr, when a process ends, what of its own is still there."""
    code = "import duckdb\nfrom ledger.postgres.retries import uncollected\nwith uncollected(): pass"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
