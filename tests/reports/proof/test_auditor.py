"""The twenty lines of Python that docs/seals.md gives to an auditor."""

import json
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from reports.proof.proof import as_json
from reports.proof.prove import Prover
from tests.reports.proof.conftest import SealedBook

PAGE = Path(__file__).parents[3] / "docs" / "seals.md"


def code() -> str:
    """Return the page's program."""
    (found,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.S)
    return str(found)


@pytest.mark.parametrize("since", [date(2024, 1, 1), date(2024, 1, 9), date(2024, 1, 13)])
def test_an_auditor_checks_a_proof_with_twenty_lines(sealed: SealedBook, tmp_path: Path, since: date) -> None:
    """A proof passes, one with an amount altered or a row taken out does not; nor does it with another copy."""
    program, file, copy = tmp_path / "check.py", tmp_path / "proof.json", Path(sealed.lake) / "seals.jsonl"
    program.write_text(code())
    with Prover(sealed.url, since, date(2024, 1, 31)) as prover:
        content = as_json(prover.prove([1000017])[1000017]).decode()

    def checked(text: str, seals: Path = copy) -> subprocess.CompletedProcess[str]:
        file.write_text(text)
        return subprocess.run([sys.executable, program, file, seals], capture_output=True, text=True, check=False)

    assert checked(content).stdout.startswith("proven: ")
    assert "missing, added or altered" in checked(content.replace('"payment"', '"adjustment"', 1)).stderr
    facts = json.loads(content)
    facts["entries"] = {name: column[1:] for name, column in facts["entries"].items()}
    assert "missing, added or altered" in checked(json.dumps(facts)).stderr
    empty = tmp_path / "none.jsonl"
    empty.write_text("")
    assert "not one of the copy" in checked(content, empty).stderr
