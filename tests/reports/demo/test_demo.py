"""`tiffin demo`, whole, with a few households: it ends with figures that agree, and a second run adds nothing."""

import os
import subprocess
import sys
from pathlib import Path


def demo(home: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TIFFIN_")}
    done = subprocess.run(
        [Path(sys.executable).with_name("tiffin"), "demo", "--households", "5", "--statements", "2"],
        env=environment | {"TIFFIN_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_demo_plays_to_the_end_and_once(home: Path) -> None:
    """Every figure of the year is the same in data set and lake; the year is closed, the papers are there."""
    first = demo(home)
    assert first.count("the same") == 7
    assert "0 declined" in first
    assert "insufficient_funds" in first
    assert {path.name for path in (home / "reports").iterdir()} == {"2017-12-31", "2018-02-28"}
    assert len(list((home / "statements" / "2017-12").glob("**/*.pdf"))) == 2

    second = demo(home)
    assert second.count("had been answered before") == 2
    assert second.count("made before: cut") == 2
    assert second.count("the same") == 7
