"""What the command line makes under a home: nothing where there is no book, and its owner's alone where there is."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from reports.cli.main import main

MAIN = "from reports.cli.main import main; main()"


def run(home: Path, *words: str, typed: str = "", umask: int = 0o022) -> subprocess.CompletedProcess[str]:
    """Return what a command said, run as a process of its own without a database of its own."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TIFFIN_")}
    return subprocess.run(
        [sys.executable, "-c", MAIN, *words],
        env={**environment, "TIFFIN_HOME": str(home)},
        input=typed,
        capture_output=True,
        text=True,
        check=False,
        umask=umask,
        cwd="/",
    )


@pytest.fixture
def refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[[str], str]]:
    """Return a function that types a command in this process, which fails in a home that is not there: its error."""

    def type_in(words: str) -> str:
        for name in [name for name in os.environ if name.startswith("TIFFIN_")]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("TIFFIN_HOME", str(tmp_path / "nowhere"))
        monkeypatch.setattr(sys, "argv", ["tiffin", *words.split()])
        monkeypatch.setattr(sys, "stdin", io.StringIO())
        monkeypatch.chdir("/")
        with pytest.raises(SystemExit) as left:
            main()
        assert left.value.code == 1
        return capsys.readouterr().err

    umask = os.umask(0o022)
    yield type_in
    os.umask(umask)


@pytest.mark.parametrize(
    "words",
    [
        "nightly",
        "nightly --every 1s",
        "verify",
        "lake compact",
        "lake vacuum",
        "lake rebuild",
        "status",
        "balance anna",
        "post -",
        "serve",
        "import-bank x.txt",
        "bank-report",
        "limits anna",
    ],
    ids=lambda words: words.replace(" ", "-"),
)
def test_no_command_but_init_makes_a_server_under_an_empty_home(
    tmp_path: Path, refused: Callable[[str], str], words: str
) -> None:
    """A home that was mistyped is named in one sentence, and stays as it was: not there."""
    error = refused(words)
    assert f"there is no book under {tmp_path / 'nowhere'}" in error
    assert "Traceback" not in error
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("words", ["lake status", "report turnover", "dashboard", "statements --month 2025-01"])
def test_before_the_first_cut_the_lake_is_named(tmp_path: Path, refused: Callable[[str], str], words: str) -> None:
    """Whoever looks at the wrong lake sees which it is."""
    assert f"no cut yet in the lake {tmp_path / 'nowhere' / 'lake'}: run tiffin nightly" in refused(words)
    assert not (tmp_path / "nowhere").exists()


def test_so_does_a_process_of_its_own(tmp_path: Path) -> None:
    """Its exit code is 1."""
    for words, sentence in (("nightly", "there is no book under"), ("report turnover", "no cut yet in the lake")):
        done = run(tmp_path / "nowhere", *words.split())
        assert done.returncode == 1
        assert f"{sentence} {tmp_path / 'nowhere'}" in done.stderr
        assert "Traceback" not in done.stderr
        assert not (tmp_path / "nowhere").exists()


def test_whatever_is_written_is_its_owners_alone(home: Path, tmp_path: Path) -> None:
    """Files of the home, the lake, reports and papers are 0600, folders 0700, though the caller's umask is 0.

    Where the server runs as a user of its own, the folders above its data stay passable.
    """
    with_papers = [
        {"type": "brand", "code": "sushi", "name": "Sushi"},
        {"type": "party", "reference": "anna", "kind": "individual", "name": "Anna"},
        {"type": "account", "reference": "anna", "party": "anna", "currency": "RUB", "holder": "sushi"},
        {
            "type": "payment",
            "key": "p1",
            "account": "anna",
            "amount": "5.00",
            "brand": "sushi",
            "at": "2025-01-31T09:00:00Z",
        },
    ]
    out = tmp_path / "out"
    out.mkdir(mode=0o700)
    for words in (
        ("init",),
        ("post", "-"),
        ("nightly", "--date", "2025-01-31", "--statements", "all"),
        ("report", "turnover", "--from", "2025-01-01", "--to", "2025-01-31", "-o", str(out / "turnover.xlsx")),
        ("statement", "anna", "--month", "2025-01", "-o", str(out / "anna.pdf")),
    ):
        done = run(home, *words, typed="\n".join(map(json.dumps, with_papers)) if words[0] == "post" else "", umask=0)
        assert done.returncode == 0, done.stderr + done.stdout
    written = [*home.rglob("*"), *out.rglob("*")]
    assert {".pdf", ".parquet", ".duckdb", ".xlsx", ".csv"} <= {path.suffix for path in written}
    passable = 0o055 if os.geteuid() == 0 else 0
    assert not home.stat().st_mode & 0o077 & ~passable
    for path in written:
        assert path.is_symlink() or path.is_socket() or not path.stat().st_mode & 0o077, path


def test_a_server_that_a_stranger_could_read_is_not_made(home: Path) -> None:
    """The data folder of the embedded server is closed to others, and it listens on a socket in there only."""
    assert run(home, "init", umask=0).returncode == 0
    assert not (home / "postgres").stat().st_mode & 0o077
    url = f"postgresql://postgres@/tiffin?host={home / 'postgres'}"
    with psycopg.connect(url) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
