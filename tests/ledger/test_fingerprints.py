"""Golden fingerprints: one key has one answer for ever, so the digest of a command's content never changes."""

import json
from pathlib import Path

import pytest

from ledger.administration.administration_lines import RECORDS
from ledger.core.commands import COMMANDS
from ledger.food.core import commands as food

GOLDEN = [json.loads(line) for line in Path(__file__).with_name("fingerprints.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda golden: golden["command"]["key"])
def test_a_command_has_the_digest_that_it_always_had(golden: dict) -> None:  # type: ignore[type-arg]
    """Books keep these digests: a line is added for what is new, an old line never changes."""
    assert food.parse(golden["command"]).fingerprint.hex() == golden["digest"]  # type: ignore[union-attr]


def test_every_kind_of_command_has_golden_digests() -> None:
    """Of both levels; and no two commands here share one."""
    kinds = {golden["command"]["type"] for golden in GOLDEN}
    assert kinds == {*COMMANDS, *food.COMMANDS} - RECORDS.keys()
    assert len({golden["digest"] for golden in GOLDEN}) == len(GOLDEN)
