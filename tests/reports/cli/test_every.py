"""`tiffin nightly --every`: a cut every so often, until it is stopped."""

import json
import os
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path

from reports.lake.reader import open_lake
from tests.reports.lake.rows import add_accounts, add_transactions


def test_cuts_are_made_until_interrupted(database_url: str, tmp_path: Path) -> None:
    """What is posted between two cuts is in the later one; interrupted it ends with 0 and says no more."""
    add_accounts(database_url, 20)
    add_transactions(database_url, 100, since=date(2025, 10, 1), days=10)
    command = [Path(sys.executable).with_name("tiffin"), "nightly", "--every", "1s", "--json"]
    environment = {**os.environ, "TIFFIN_HOME": str(tmp_path), "TIFFIN_DATABASE_URL": database_url}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        first = json.loads(running.stdout.readline())
        add_transactions(database_url, 50, since=date(2025, 10, 11), days=10)
        for line in running.stdout:
            later = json.loads(line)
            if later["last_transaction"] == first["last_transaction"] + 50:
                break
        running.send_signal(signal.SIGINT)
        assert running.wait(timeout=60) == 0
        assert running.stderr.read() == ""
    assert first["made"]
    assert later["made"]
    assert later["cut"] > first["cut"]
    lake = open_lake(str(tmp_path / "lake"))
    assert lake.cut.last_transaction == later["last_transaction"]
    assert lake.cut.closed_until is None
