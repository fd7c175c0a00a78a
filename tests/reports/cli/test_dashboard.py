"""`tiffin dashboard` fails early, in one sentence; what it starts is this machine's own and tells nobody."""

import socket
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ledger.errors import Failure
from ledger.settings import Settings
from reports.cli import dashboard
from tests.reports.story import Story
from tests.reports.write_lake import write_lake


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return what the command became, without becoming it."""
    found: list[Any] = []
    monkeypatch.setattr(dashboard.os, "execve", lambda *what: found.append(what))
    return found


def refused(*arguments: str) -> str:
    """Return the sentence the command fails with."""
    result = CliRunner().invoke(dashboard.app, list(arguments))
    assert isinstance(result.exception, Failure)
    return str(result.exception)


def test_without_a_cut_nothing_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: list[Any]) -> None:
    """The sentence says how to make one."""
    monkeypatch.setenv("TIFFIN_LAKE", str(tmp_path))
    assert refused().startswith(f"no cut yet in the lake {tmp_path}: run tiffin nightly")
    assert not started


def test_a_port_in_use_is_named(
    story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: list[Any]
) -> None:
    """And the way out."""
    monkeypatch.setenv("TIFFIN_LAKE", str(write_lake(story, tmp_path)))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        expected = f"port {port} cannot be used (address already in use): give another one with --port"
        assert refused("--port", str(port)) == expected
    assert not started


def test_the_screens_listen_on_this_machine_only(
    story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: list[Any]
) -> None:
    """The same book, wherever they are started from, however relative its home is."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TIFFIN_HOME", "home")
    monkeypatch.setenv("TIFFIN_LAKE", str(write_lake(story, tmp_path)))
    result = CliRunner().invoke(dashboard.app, ["--no-browser"], catch_exceptions=False)
    assert "http://127.0.0.1:8501" in result.output
    ((_, arguments, environment),) = started
    assert arguments[-2:] == ["-m", "dashboards.server"]
    assert environment["TIFFIN_DASHBOARD_HOST"] == "127.0.0.1"
    assert environment["TIFFIN_HOME"] == str(tmp_path / "home")
    assert environment["TIFFIN_LAKE"] == Settings().lake_url
