"""The queries that reports are measured beside give the same rows, on a lake that a second makes."""

from pathlib import Path

import pytest

from tests.benchmarks import bench_reports, lakes
from tests.benchmarks.queries import QUERIES


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a lake of 800 accounts."""
    made = tmp_path_factory.mktemp("lake") / "lake"
    lakes.make(made, entries=40_000)
    return made


@pytest.mark.parametrize("name", QUERIES)
def test_a_report_and_its_query_agree(lake: Path, name: str) -> None:
    """Row by row, and the report's own controls hold."""
    found = bench_reports.measured(str(lake), name, rounds=1)
    assert (found["holds"], found["differ"]) == (True, "")
    assert found["rows"] > 5
