"""The design's own lines, in its order, with the outcomes it states; and what importing the ledger costs."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ledger.administration import administration_lines as administration
from ledger.core import commands
from ledger.core.outcomes import Invalid
from ledger.intake.json_lines import answered, read
from ledger.postgres.post import Ledger

LEDGER = Path(__file__).parents[2] / "ledger"
PURE = tuple(sorted(path.stem for path in (LEDGER / "core").glob("[!_]*.py")))

LINES = """
{"type": "brand", "code": "sushi", "name": "Sushi House", "legal_name": "Sushi House LLC", "tax_id": "7707083893"}
{"type": "party", "reference": "romashka", "kind": "legal_entity", "name": "Romashka", "tax_id": "7736050003"}
{"type": "party", "reference": "anna", "kind": "individual", "name": "Anna K."}
{"type": "account", "reference": "romashka", "party": "romashka", "currency": "RUB", "holder": "sushi"}
{"type": "account", "reference": "anna", "party": "anna", "currency": "RUB"}
{"type": "credit_terms", "account": "romashka", "limit": "10000.00", "period_days": 30, "valid_from": "2024-01-01", "valid_until": "2024-12-31"}
{"type": "link", "account": "anna", "payer": "romashka", "draw": "payer_first", "priority": 1, "brands": null}
{"type": "write_off_limit", "payer": "romashka", "account": "anna", "period": "day", "amount": "500.00", "count": null}
{"type": "payment", "key": "p1", "account": "anna", "amount": "300.00", "brand": "sushi", "channel": "card", "at": "2024-03-02T09:00:00+03:00"}
{"type": "payment", "key": "p2", "amount": "900.00", "brand": "sushi", "split": [{"account": "anna", "amount": "400.00"}, {"account": "romashka", "amount": "500.00"}], "at": "2024-03-02T09:00:00+03:00"}
{"type": "payment", "key": "p3", "amount": "75.00", "brand": "sushi", "note": "payer unknown", "at": "2024-03-02T09:00:00+03:00"}
{"type": "allocate", "key": "l1", "payment": "p3", "split": [{"account": "anna", "amount": "75.00"}], "at": "2024-03-02T09:00:00+03:00"}
{"type": "debit", "key": "d1", "account": "anna", "lines": [{"brand": "sushi", "service": "order", "reference": "A-1", "amount": "700.00", "gross": "800.00", "discount": "100.00", "vat_rate": "20", "attributes": {"dish": "set 4"}}], "at": "2024-03-02T09:00:01+03:00"}
{"type": "debit", "key": "d2", "account": "anna", "lines": [{"brand": "sushi", "amount": "600.00"}], "at": "2024-03-02T09:00:01+03:00"}
{"type": "hold", "key": "h1", "account": "anna", "lines": [{"brand": "sushi", "service": "preorder", "reference": "A-2", "amount": "50.00"}], "expires_at": "2024-12-05T00:00:00+03:00", "at": "2024-03-02T09:00:01+03:00"}
{"type": "capture", "key": "c1", "hold": "h1", "lines": [{"line": 1, "amount": "30.00"}], "final": true, "at": "2024-03-02T09:00:01+03:00"}
{"type": "release", "key": "r1", "hold": "h1", "at": "2024-03-02T09:00:01+03:00"}
{"type": "refund", "key": "f1", "debit": "d1", "amount": "70.00", "at": "2024-03-02T09:00:01+03:00"}
{"type": "payout", "key": "o1", "account": "anna", "amount": "20.00", "brand": "sushi", "channel": "bank", "at": "2024-03-02T09:00:01+03:00"}
{"type": "reverse", "key": "v1", "transaction": "p1", "reason": "chargeback", "at": "2024-03-02T09:00:01+03:00"}
{"type": "transfer", "key": "t1", "account": "romashka", "to": "anna", "amount": "10.00", "at": "2024-03-02T09:00:01+03:00"}
{"type": "adjustment", "key": "a1", "account": "anna", "amount": "-5.00", "brand": "sushi", "reason": "typing error of 2 March", "by": "o.petrova", "at": "2024-03-02T09:00:01+03:00"}
{"type": "account_status", "account": "anna", "status": "frozen"}
{"type": "payment", "key": "x", "account": "anna", "amount": "10.005", "brand": "sushi"}
"""


@pytest.mark.parametrize("most", [1, 1000])
def test_the_designs_lines_are_answered_as_it_says(database_url: str, most: int) -> None:
    """One by one, and all that may go together in one batch."""
    ledger = Ledger(database_url)
    items = [(n, read(line, n)) for n, line in enumerate(LINES.strip().splitlines(), 1)]
    batches = [items[n : n + most] for n in range(0, len(items), most)]
    said: list[dict[str, Any]] = []
    for batch in batches:
        said += [
            json.loads(json.dumps(o.to_json())) for o in answered(batch, post=ledger.post, administer=ledger.administer)
        ]
    by_key = {answer["key"]: answer for answer in said if answer.get("key")}
    assert [answer["status"] for answer in said[:8]] == ["done"] * 8
    numbers = {answer["reference"]: answer["account"] for answer in said[3:5]}
    d1 = by_key["d1"]
    assert {name: d1[name] for name in d1 if name != "transaction"} == {
        "key": "d1",
        "status": "posted",
        "posted_at": "2024-03-02T06:00:01Z",
        "replayed": False,
        "accounts": [
            {
                "account": numbers["romashka"],
                "reference": "romashka",
                "amount": "-500.00",
                "balance": "0.00",
                "held": "0.00",
                "version": 2,
            },
            {
                "account": numbers["anna"],
                "reference": "anna",
                "amount": "-200.00",
                "balance": "575.00",
                "held": "0.00",
                "version": 4,
            },
        ],
    }
    d2 = by_key["d2"]
    assert (d2["status"], d2["code"], d2["replayed"]) == ("declined", "write_off_limit_exceeded", False)
    assert (d2["facts"]["asked"], d2["facts"]["offered"]) == ("600.00", "575.00")
    assert d2["message"] == (
        f"write-off limit exceeded on account {numbers['romashka']} (Romashka) for account {numbers['anna']} (Anna K.): "
        "500.00 RUB a day, used 500.00, this debit 600.00; short by 600.00"
    )
    assert (by_key["r1"]["code"], by_key["r1"]["facts"]["state"]) == ("hold_not_open", "captured")
    assert {key: a["status"] for key, a in by_key.items()} == {
        **dict.fromkeys(["p1", "p2", "p3", "l1", "d1", "h1", "c1", "f1", "o1", "v1", "a1", "t1"], "posted"),
        "d2": "declined",
        "r1": "declined",
        "x": "invalid",
    }
    assert said[-2] == {"type": "account_status", "status": "done", "account": numbers["anna"], "reference": "anna"}
    assert said[-1] == {
        "line": 24,
        "key": "x",
        "status": "invalid",
        "message": "amount: 10.005 has more than two decimals",
    }
    ledger.close()


def test_the_services_of_a_debit_are_kept_as_they_were_said(database_url: str) -> None:
    """Line, brand, service, reference, gross, discount, VAT share and attributes."""
    ledger = Ledger(database_url)
    for n, line in enumerate(LINES.strip().splitlines()[:13], 1):
        item = read(line, n)
        (ledger.administer if n <= 8 else ledger.post)([item])
    with ledger.connection() as connection:
        rows = connection.execute(
            "SELECT line, service, e.reference, e.amount, gross, discount, vat_rate::text, vat, attributes, s.reference "
            "FROM entry e JOIN account s ON s.id = source_id WHERE line IS NOT NULL ORDER BY leg"
        ).fetchall()
    assert rows == [
        (1, "order", "A-1", 50000, 57143, 7143, "20.00", 8334, {"dish": "set 4"}, "romashka"),
        (1, "order", "A-1", 20000, 22857, 2857, "20.00", 3333, {"dish": "set 4"}, "anna"),
    ]
    ledger.close()


def test_importing_the_pure_core_loads_no_database_driver() -> None:
    """In a fresh interpreter: `import ledger`, and each pure module."""
    names = ", ".join(f"ledger.core.{name}" for name in PURE)
    code = f"import sys, ledger, {names}; print([m for m in sys.modules if m.split('.')[0] in ('psycopg', 'sqlalchemy', 'sqlmodel', 'alembic')])"
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=LEDGER.parent
    )
    assert process.stdout.strip() == "[]"


def test_importing_the_package_gives_pure_names_only() -> None:
    """`import ledger` offers commands and outcomes and loads no shell."""
    code = "import sys, ledger; print(sorted(m for m in sys.modules if m.startswith('ledger.') and m != 'ledger.core'))"
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=LEDGER.parent
    )
    assert set(ast.literal_eval(process.stdout)) <= {f"ledger.core.{name}" for name in PURE}


def test_the_pure_core_reads_no_clock_and_no_file() -> None:
    """Decisions are functions of facts: time and ids come in as arguments."""
    for name in PURE:
        text = (LEDGER / "core" / f"{name}.py").read_text()
        for call in ("datetime.now", "date.today", "time.time", "open(", "random"):
            assert call not in text, f"{name} has {call}"


def test_every_module_says_what_it_is_and_no_public_name_is_without_a_docstring() -> None:
    """A newcomer should predict where code is."""
    for path in sorted(LEDGER.rglob("*.py")):
        tree = ast.parse(path.read_text())
        if tree.body:
            assert ast.get_docstring(tree), path.name
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                assert ast.get_docstring(node), f"{path.name}: {node.name}"


def test_the_schema_tells_every_line_and_its_fields(tmp_path: Path) -> None:
    """`tiffin schema` needs no database."""
    code = "from reports.cli.main import main; main()"
    process = subprocess.run(
        [sys.executable, "-c", code, "schema"],
        capture_output=True,
        text=True,
        check=True,
        cwd=LEDGER.parent,
        env={**os.environ, "TIFFIN_HOME": str(tmp_path)},
    )
    schema = json.loads(process.stdout)["$defs"]
    assert {*commands.COMMANDS, *administration.RECORDS} <= schema.keys()
    assert set(schema["debit"]["required"]) == {"type", "key", "account", "lines"}
    assert schema["payment"]["additionalProperties"] is False
    assert "mark" not in schema
    assert not list(tmp_path.iterdir())


def test_a_mark_is_refused_from_outside(database_url: str) -> None:
    """It is the ledger's own, whether it comes as a line or as an object."""
    line = read('{"type": "mark", "key": "m1", "account": "anna", "reason": "delivered"}', 1)
    assert line == Invalid(line=1, key="m1", message="type: mark is not a known type")
    ledger = Ledger(database_url)
    assert ledger.post([commands.Mark(key="m1", account="anna", reason="delivered")]) == [
        Invalid(key="m1", message="type: mark is not a command of the ledger")
    ]
