"""docs/papers.jsonl, of which the Russian forms are pictured, is a book that the ledger takes."""

import json
from pathlib import Path

import pytest

from ledger.administration import administration_lines as administration
from ledger.core import commands

LINES = (Path(__file__).parents[2] / "docs" / "papers.jsonl").read_text().splitlines()


@pytest.mark.parametrize("line", LINES)
def test_every_line_of_the_pictured_book_is_accepted(line: str) -> None:
    """As an administration line or a command, whichever it is."""
    record = json.loads(line)
    parse = commands.parse if "key" in record else administration.parse
    assert parse(record) is not None
