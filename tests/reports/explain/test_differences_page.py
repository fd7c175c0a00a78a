"""The differences that docs/differences.md computes by hand, on the book that it posts."""

import json
import re
from pathlib import Path

import reports
from reports.lake.publish_cut import frequent_cut
from tests.reports.acted import Acted

PAGE = Path(__file__).parents[3] / "docs" / "differences.md"


def test_the_differences_of_the_page(database_url: str, tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """Each is what the page says, to the cent; between its two batches of commands a cut is taken."""
    page = PAGE.read_text()
    [book] = re.findall(r"^```sh\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    acted = Acted(database_url, tmp_path)
    lake = str(acted.folder / "lake")
    for batch in re.findall(r"<<'END'\n(.*?)END\n", book, re.DOTALL):
        lines = [json.loads(line) for line in batch.splitlines()]
        acted.administer(*(line for line in lines if "key" not in line))
        acted.post(*(line for line in lines if "key" in line))
        frequent_cut(acted.url, lake)
    monkeypatch.setenv("TIFFIN_LAKE", lake)
    code = "\n".join(re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL))
    assert (code.count("assert parts("), code.count("assert moments(")) == (10, 4)
    exec(compile(code, str(PAGE), "exec"), {"reports": reports})  # the page's own code
