"""The lake on an object store: the same cuts, checks and care, against a local S3 server."""

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from ledger.errors import Failure
from reports.lake import maintenance
from reports.lake.manifest import name_of
from reports.lake.publish_cut import frequent_cut, nightly_cut, rebuild
from reports.lake.reader import open_lake
from reports.lake.storage import Place
from reports.lake.verify import verify
from tests.reports.lake.conftest import NEW_YEARS_EVE
from tests.reports.lake.rows import add_transactions

BUCKET = "tiffin-test"


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """Return the endpoint of a running S3 server with a bucket."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(Path(sys.executable).parent / "moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    endpoint = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(urllib.request.Request(f"{endpoint}/{BUCKET}", method="PUT"))
            break
        except (urllib.error.URLError, ConnectionError):
            assert time.monotonic() < deadline
            time.sleep(0.1)
    yield endpoint
    server.kill()
    server.wait()


@pytest.fixture
def url(s3: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Return the address of a lake in the bucket; credentials are in the environment."""
    given = {"ACCESS_KEY_ID": "tests", "SECRET_ACCESS_KEY": "tests", "REGION": "us-east-1", "ENDPOINT_URL": s3}
    for name, value in (given | {"ALLOW_HTTP": "true"}).items():
        monkeypatch.setenv(f"AWS_{name}", value)
    return f"s3://{BUCKET}/{tmp_path.name}/lake"


def broken(book: str, url: str) -> list[str]:
    """Return what verification finds wrong."""
    return [problem for _, check in verify(book, url) for problem in check.problems]


def objects(url: str) -> set[str]:
    """Return the names of all objects of the lake but the logs of its tables."""
    names = (name for folder in ("tables", "manifests", "duckdb") for name in Place(url).names(folder))
    return {name for name in names if "_delta_log" not in name}


def pinned(url: str, *cuts: int) -> set[str]:
    """Return what these cuts consist of."""
    found = [open_lake(url, cut=number).manifest for number in cuts]
    files = {f"tables/{name}/{path}" for cut in found for name, one in cut.tables.items() for path in one.files}
    return files | {name_of(number) for number in cuts} | {cut.database.name for cut in found if cut.database}


@pytest.mark.parametrize("anew", [False, pytest.param(True, marks=pytest.mark.soak)], ids=["kept", "rebuilt"])
def test_a_lake_lives_in_an_object_store(book: str, url: str, anew: bool) -> None:
    """Cuts, checks, compaction, vacuum and, in soak, a rebuild, as on a disk; the DuckDB file is fetched to be read."""
    opened, made = nightly_cut(book, url, NEW_YEARS_EVE)
    assert made
    assert not nightly_cut(book, url, NEW_YEARS_EVE)[1]
    with opened.duckdb_file() as path:
        assert path.stat().st_size > 0
    for day in (1, 2):
        add_transactions(book, 50, since=date(2026, 1, day), days=1)
        frequent_cut(book, url)
    assert broken(book, url) == []
    assert maintenance.compact(book, url).files["entries"] == (5, 4)
    maintenance.vacuum(book, url, keep=1, nights=1)
    assert objects(url) == pinned(url, 1, 4)
    assert open_lake(url).scan("transactions").select(pl.len()).collect().item() == 700
    assert open_lake(url, cut=1).scan("transactions").select(pl.len()).collect().item() == 600
    assert open_lake(f"{url}/").scan("entries").collect().equals(open_lake(url).scan("entries").collect())
    if anew:
        assert rebuild(book, url)[1] == []
        assert broken(book, url) == []
        maintenance.vacuum(book, url, keep=1, nights=0)
        assert objects(url) == pinned(url, 5)


def test_a_changed_object_is_found_and_named(book: str, url: str) -> None:
    """One byte of one Parquet object."""
    opened, _ = frequent_cut(book, url)
    place = Place(url)
    name = "tables/accounts/" + next(iter(opened.manifest.tables["accounts"].files))
    content = place.read(name)
    assert content is not None
    place.write(name, content[:100] + bytes([content[100] ^ 1]) + content[101:])
    assert f"{url}/{name} is not as it was written" in broken(book, url)


def test_an_address_that_cannot_be_used_is_a_sentence() -> None:
    """An unknown scheme is reported, not thrown."""
    with pytest.raises(Failure, match="cannot be used"):
        open_lake("ftp://example.org/lake")
