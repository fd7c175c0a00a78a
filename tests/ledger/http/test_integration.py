"""docs/integration.md runs: its samples, in order, on a sandbox; and TypeScript's types of the door compile."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ledger.food.cli import level
from ledger.http.endpoints import ENDPOINTS
from ledger.http.openapi import document
from ledger.intake.schema import declines
from tests.ledger.http.conftest import Serve

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "integration.md").read_text()
CLIENT = Path(__file__).parent / "client"
SAMPLES = re.findall(r"^```(bash|ts)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_every_sample_runs_on_a_sandbox_and_answers_what_the_page_says(serve: Serve) -> None:
    """The shell's by bash and curl, TypeScript's by Node: what needs no types is JavaScript."""
    door = serve("postgresql://nowhere", "--sandbox", "--writers", "1")
    address = str(door.client.base_url).rstrip("/")
    answers = []
    for language, text in SAMPLES:
        code = text.replace("http://127.0.0.1:8600", address)
        command = ["bash", "-ec", code] if language == "bash" else ["node", "--input-type=module", "-e", code]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"{code}\n{done.stderr}"
        answers.append(done.stdout.strip())
    first, refused, found, stream, party, questions, events = answers
    assert json.loads(first)["status"] == "posted"
    assert json.loads(first)["accounts"][0]["balance"] == "300.00"
    assert refused == "insufficient_funds 200.00"
    assert json.loads(found)["code"] == "insufficient_funds"
    assert [json.loads(line)["status"] for line in stream.splitlines()] == ["posted", "posted"]
    assert json.loads(party)["status"] == "done"
    assert questions.count('"as_of_transaction"') == 4
    assert '"status": "posted"' in questions
    assert events == "0 events"
    assert door.stop() == 0  # and takes the book with it


def test_the_page_has_every_decline() -> None:
    """As the description has them."""
    told = {code: meaning["meaning"] for code, meaning in declines(level.refusals()).items()}
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", PAGE.split("## What each decline means")[1], re.MULTILINE))
    assert rows == told, "docs/integration.md and ledger/intake/declines.toml differ"


def test_types_of_the_description_compile(tmp_path: Path) -> None:
    """openapi-typescript makes them, and a client written with them is checked by the compiler."""
    tools = CLIENT / "node_modules" / ".bin"
    if not (tools / "tsc").exists() or shutil.which("node") is None:
        pytest.skip("types of TypeScript are NOT tested: run bin/setup test where npm reaches its registry")
    (tmp_path / "openapi.json").write_text(json.dumps(document(level, ENDPOINTS)))
    types = tmp_path / "tiffin.ts"
    made = [str(tools / "openapi-typescript"), str(tmp_path / "openapi.json"), "-o", str(types)]
    subprocess.run(made, check=True, capture_output=True, timeout=120)
    shutil.copy(CLIENT / "typed.ts", tmp_path / "typed.ts")
    options = ["--strict", "--noEmit", "--target", "es2022", "--module", "esnext", "--lib", "es2022,dom"]
    checked = subprocess.run(
        [tools / "tsc", *options, tmp_path / "typed.ts"], capture_output=True, text=True, timeout=120
    )
    assert checked.returncode == 0, checked.stdout
    wrong = (tmp_path / "typed.ts").read_text().replace('amount: "700.00"', "amount: 700.5 as unknown as Date")
    (tmp_path / "typed.ts").write_text(wrong)
    refused = subprocess.run(
        [tools / "tsc", *options, tmp_path / "typed.ts"], capture_output=True, text=True, timeout=120
    )
    assert refused.returncode != 0
