"""One line says how everything stands, and a command is told how each night went."""

import json
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from ledger.errors import Failure
from ledger.postgres.database import connect, newest_revision
from ledger.settings import Settings
from reports import after_night
from reports.cli import lake as cli
from reports.cli import status
from tests.ledger.http.conftest import BOOK, administer


@pytest.fixture
def settings(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Return the settings of a book with one payment, which are also those of the environment."""
    monkeypatch.setenv("TIFFIN_DATABASE_URL", database_url)
    monkeypatch.setenv("TIFFIN_HOME", str(tmp_path))
    administer(database_url, BOOK)
    return Settings()


def shown(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    capsys.readouterr()
    status.status(json_=True)
    facts: dict[str, Any] = json.loads(capsys.readouterr().out)
    return facts


def noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends: int = 0) -> Path:
    """Have a program write down what it is told of a night, and end with a number; return where it writes."""
    file = tmp_path / "told.json"
    program = f"import sys; open({str(file)!r}, 'w').write(sys.stdin.read()); sys.exit({ends})"
    monkeypatch.setenv("TIFFIN_AFTER_NIGHT", shlex.join([sys.executable, "-c", program]))
    return file


def test_status_says_how_the_book_the_lake_and_the_night_stand(
    settings: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Before the first cut there is none; after a night all ages are those of the night."""
    before = shown(capsys)
    assert (before["tables"], before["cut"], before["night"], before["verified_age_seconds"]) == (
        newest_revision(),
        None,
        None,
        None,
    )
    assert (before["posted"], before["closed_until"], before["receivers"]) == (0, None, 0)
    file = noted(tmp_path, monkeypatch)
    monkeypatch.setenv("TIFFIN_LOG", "json")

    with connect(settings.database_url or "") as other:
        other.execute("SELECT 1, pg_sleep(1.1)")
        night = shown(capsys)
        assert night["oldest_transaction_seconds"] >= 1
    with connect(settings.database_url or "") as connection:
        row = connection.execute("SELECT (clock_timestamp() AT TIME ZONE time_zone)::date - 1 FROM book").fetchone()
    assert row
    capsys.readouterr()
    cli.nightly(date=str(row[0]), statements=0, as_json=True)
    out, err = capsys.readouterr()
    told, printed = json.loads(file.read_text()), json.loads(out)
    assert told == printed
    assert told["complete"]
    steps = [json.loads(line) for line in err.splitlines()]
    assert [step["event"] for step in steps] == ["night: cut", "night: verify", "night: reports"]
    assert all({"level", "timestamp", "seconds", "problems"} <= step.keys() for step in steps)
    after = shown(capsys)
    assert (after["closed_until"], after["night"], after["night_complete"], after["night_problems"]) == (
        str(row[0]),
        str(row[0]),
        True,
        0,
    )
    assert after["cut"] == 1
    assert 0 <= after["cut_age_seconds"] < 600
    assert after["disk_free_bytes"] > 0


def test_a_night_that_cannot_begin_is_told_too(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With the sentence that the operator sees; a command that fails as well does not hide it."""
    for ends in (0, 3):
        file = noted(tmp_path, monkeypatch, ends)
        with pytest.raises(Failure, match="has not ended"):
            cli.nightly(date="2100-01-01")
        told = json.loads(file.read_text())
        assert told["complete"] is False
        assert "2100-01-01 has not ended in Europe/Moscow" in told["error"]


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("/nowhere/mail", "'/nowhere/mail', cannot be run: "),
        ("'", "cannot be run: No closing quotation"),
        (shlex.join([sys.executable, "-c", "import sys; sys.exit('no mail')"]), "ended with 1: no mail"),
    ],
)
def test_a_command_that_fails_is_named(tmp_path: Path, command: str, sentence: str) -> None:
    """For then nobody may have been told."""
    settings = Settings(home=tmp_path, after_night=command)
    with pytest.raises(Failure) as failed:
        after_night.report(settings, {"complete": True})
    assert sentence in str(failed.value)
