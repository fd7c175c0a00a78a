"""The form of the code: what the formatter leaves alone, and files that are longer than a head holds."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("ledger", "reports", "dashboards", "notebooks", "docs", "migrations", "tests")


def code() -> dict[str, str]:
    """Return every module of the repository by its path."""
    return {
        str(path.relative_to(ROOT)): path.read_text() for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")
    }


def test_the_formatter_formats_everything_but_a_few_tables_of_tests() -> None:
    """At most fifteen in the whole repository, none outside the tests."""
    mark = "# fmt: " + "skip"
    left = {path: text.count(mark) for path, text in code().items() if mark in text}
    assert sum(left.values()) <= 15, left
    assert all(path.startswith("tests/") for path in left)


def test_a_long_file_is_one_list_and_named_as_such() -> None:
    """Each file of more than 400 lines stands in CONTRIBUTING.md with what it is a list of."""
    named = set(re.findall(r"\]\(([\w/]+\.py)\)", (ROOT / "CONTRIBUTING.md").read_text()))
    kept = ("tests/", "migrations/")
    long = {path for path, text in code().items() if text.count("\n") > 400 and not path.startswith(kept)}
    assert long <= named, long - named


def test_the_core_stays_compact() -> None:
    """What decides, and nothing else: at most 3,100 lines."""
    assert sum(text.count("\n") for path, text in code().items() if path.startswith("ledger/core/")) <= 3100
