"""The test double answers as the ledger does: the same lines, the same outcomes, without a database."""

from typing import Any

from ledger.administration.administration_lines import parse as record
from ledger.core.commands import parse as command
from ledger.core.outcomes import Outcome
from ledger.intake.double import Double
from ledger.postgres.post import Ledger
from tests.ledger.http.conftest import BOOK, Serve
from tests.ledger.http.test_commands import debit, payment

TERMS: list[dict[str, Any]] = [
    {"type": "credit_terms", "account": "boris", "limit": "100.00", "period_days": 30, "valid_from": "2020-01-01"},
    {"type": "link", "account": "anna", "payer": "boris", "draw": "own_first"},
    {"type": "write_off_limit", "payer": "boris", "account": "anna", "period": "day", "amount": "50.00"},
    {"type": "account", "reference": "nobody", "party": "nobody", "currency": "RUB"},
]
HOLD = {
    "type": "hold",
    "key": "h1",
    "account": "anna",
    "expires_at": "2990-01-01T00:00:00Z",
    "lines": [{"brand": "sushi", "service": "preorder", "reference": "A-9", "amount": "20.00"}],
}
COMMANDS: list[dict[str, Any]] = [
    payment("p1", "100.00"),
    debit("d1", "120.00"),
    debit("d2", "40.00"),
    HOLD,
    payment("p1", "100.00"),
    payment("p1", "101.00"),
    {"type": "capture", "key": "c1", "hold": "h1"},
    {"type": "refund", "key": "f1", "debit": "d1"},
    {"type": "reverse", "key": "v1", "transaction": "p1", "reason": "chargeback"},
    debit("d3", "1.00", brand="nothing"),
    debit("d4", "1.00", account="nobody"),
]


def told(outcomes: list[Outcome]) -> list[dict[str, Any]]:
    """Return outcomes without what is each book's own: numbers and times."""
    own = {"posted_at", "transaction", "account", "id", "message", "facts"}
    found = [outcome.to_json() for outcome in outcomes]
    for outcome in found:
        outcome["accounts"] = [{**moved, "account": None} for moved in outcome.get("accounts", ())]
    return [{name: value for name, value in outcome.items() if name not in own} for outcome in found]


def test_the_double_answers_what_the_ledger_answers(database_url: str) -> None:
    """Administration, credit, links, limits, holds, replays, refunds, reversals and declines."""
    double, ledger = Double(), Ledger(database_url)
    records = [record(line) for line in [*BOOK, *TERMS]]
    assert [(o["status"], o.get("code")) for o in told([*double.administer(records)])] == [
        (o["status"], o.get("code")) for o in told([*ledger.administer(records)])
    ]
    for line in COMMANDS:
        assert told([*double.quote([command(line)])]) == told([*ledger.quote([command(line)])]), line
        assert told([*double.post([command(line)])]) == told([*ledger.post([command(line)])]), line
    ledger.close()


def test_a_double_is_served_without_a_database(serve: Serve) -> None:
    """`tiffin serve --double` takes lines, and says that it has no answers to questions."""
    door = serve("postgresql://nowhere", "--double")
    outcomes = door.stream([*BOOK, payment("p1"), debit("d1", "700.00")])
    assert [outcome["status"] for outcome in outcomes] == ["done"] * 6 + ["posted", "declined"]
    assert door.client.get("/v1/accounts/anna").status_code == 503
