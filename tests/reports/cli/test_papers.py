"""`tiffin statement` and `tiffin statements` over a real lake."""

import json
import subprocess
from pathlib import Path

import pytest

from tests import typed
from tests.reports.story import Story
from tests.reports.write_lake import write_lake


@pytest.fixture
def lake(story: Story, tmp_path: Path) -> Path:
    """Return a lake of March with two clients, one without a holder."""
    story.account("anna", holder="sushi")
    story.account("vera")
    for name in ("anna", "vera"):
        story.payment("2017-02-10", name, 300, "sushi")
        story.debit("2017-03-02", name, ("sushi", 120))
    story.close("2017-03-31")
    return write_lake(story, tmp_path)


UNPROVEN = "papers of 2017-03-01 to 2017-03-31 carry no proof: there is no book under "
"""What is said beside papers of a lake without its ledger."""


def tiffin(lake: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Type the command."""
    return typed.tiffin({"TIFFIN_LAKE": str(lake), "TIFFIN_HOME": str(lake.parent / "home")}, *words)


def test_a_statement_is_written_where_it_is_asked_for(lake, tmp_path):
    """The file's name is printed; made again it has the same bytes."""
    first = tiffin(lake, "statement", "anna", "--month", "2017-03", "-o", str(tmp_path / "a.pdf"))
    again = tiffin(lake, "statement", "anna", "--month", "2017-03", "-o", str(tmp_path / "b.pdf"))
    assert (first.returncode, first.stdout.strip()) == (0, str(tmp_path / "a.pdf"))
    [said] = first.stderr.splitlines()
    assert said.startswith(UNPROVEN)
    assert again.returncode == 0
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF-1.7")


def test_what_cannot_be_made_is_one_line(lake, tmp_path):
    """No traceback, exit 1, nothing written."""
    done = tiffin(lake, "statement", "vera", "--month", "2017-03", "--kind", "invoice", "-o", str(tmp_path / "a.pdf"))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "tiffin: account 1000025 has no holder: an invoice must name a seller\n"
    assert not (tmp_path / "a.pdf").exists()


def test_a_month_or_a_period_is_needed(lake):
    """Neither, or both, is wrong usage."""
    assert tiffin(lake, "statement", "anna").returncode == 2
    assert tiffin(lake, "statement", "anna", "--month", "2017-03", "--from", "2017-03-01").returncode == 2


def test_many_statements_tell_how_far_they_are_and_what_was_done(lake, tmp_path):
    """Plain lines where there is no terminal; JSON for programs; the second run finds all there."""
    first = tiffin(lake, "statements", "--month", "2017-03", "-o", str(tmp_path / "out"))
    assert (first.returncode, first.stdout) == (0, f"2 papers written, 0 unchanged, in {tmp_path / 'out'}\n")
    *progress, said = first.stderr.splitlines()
    assert progress == ["1 of 2 papers", "2 of 2 papers"]
    assert said.startswith(UNPROVEN)
    again = tiffin(lake, "statements", "--month", "2017-03", "-o", str(tmp_path / "out"), "--json")
    facts = json.loads(again.stdout)
    assert (facts["written"], facts["unchanged"], facts["failed"]) == (0, 2, [])


def test_failed_papers_are_named_at_the_end(lake, tmp_path):
    """The others are made, and the command fails."""
    done = tiffin(lake, "statements", "--month", "2017-03", "--kind", "act", "-o", str(tmp_path / "out"))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-2:] == [
        "account 1000025: has no holder: an act must name a seller",
        "tiffin: 1 of 2 papers failed",
    ]
    assert [path.name for path in (tmp_path / "out").glob("*.pdf")] == ["A-1000017-2017-03.pdf"]
