"""`tiffin demo`, whole, with few households and companies: figures agree at its end, and a second run adds nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from reports.proof.check_paper import check_paper
from reports.proof.seal import read_seals


def demo(home: Path, households: int = 5, statements: int = 2, companies: int = 6) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TIFFIN_")}
    done = subprocess.run(
        [
            Path(sys.executable).with_name("tiffin"),
            "demo",
            "--households",
            f"{households}",
            "--statements",
            f"{statements}",
            "--companies",
            f"{companies}",
        ],
        env=environment | {"TIFFIN_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def unproven(home: Path) -> dict[str, tuple[str, ...]]:
    """Return what is wrong with each paper of a home, by the lake's seals alone; there are papers."""
    seals = list(read_seals((home / "lake" / "seals.jsonl").read_bytes(), "seals.jsonl"))
    files = sorted((home / "statements").glob("**/*.pdf"))
    assert files
    found = {file.name: check_paper(file.read_bytes(), file.name, seals).problems for file in files}
    return {name: problems for name, problems in found.items() if problems}


def test_the_demo_plays_to_the_end_and_once(home: Path) -> None:
    """Every figure of the year is the same in data set and lake; the year is closed, the papers are there."""
    first = demo(home)
    assert first.count("the same") == 7
    assert "0 declined" in first
    assert "credit_expired" in first
    assert {path.name for path in (home / "reports").iterdir()} == {"2017-12-31", "2018-02-28"}
    assert len(list((home / "statements" / "2017-12").glob("**/*.pdf"))) == 2
    assert unproven(home) == {}

    second = demo(home)
    assert second.count("had been answered before") == 2
    assert second.count("made before: cut") == 2
    assert second.count("the same") == 7


@pytest.mark.soak
def test_every_paper_of_the_demo_is_genuine_and_complete(home: Path) -> None:
    """With a copy of the seals alone, households and companies; none went out without a proof."""
    demo(home, households=150, statements=100, companies=36)
    assert unproven(home) == {}
