"""The description and the door agree: whatever is sent by it is answered as it says, and never by an error of ours."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from jsonschema_rs import Draft202012Validator
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from ledger.food.cli import level
from ledger.http.endpoints import ENDPOINTS
from ledger.http.openapi import document
from ledger.intake.schema import declines
from ledger.intake.schema import document as schema_of_lines
from tests.ledger.http.conftest import Served
from tests.ledger.http.test_commands import debit, payment

everything = schemathesis.openapi.from_dict(document(level, ENDPOINTS))


def with_some_lines(*kinds: str) -> dict[str, Any]:
    """Return the description with a few types of lines: making examples of all of them takes minutes."""
    described = copy.deepcopy(document(level, ENDPOINTS))
    line = described["components"]["schemas"]["AnyLine"]
    line["oneOf"] = [{"$ref": f"#/components/schemas/{kind}"} for kind in kinds]
    del line["discriminator"]
    return described


some = schemathesis.openapi.from_dict(with_some_lines("payment", "capture", "party"))
SOME = settings(derandomize=True, deadline=None, database=None, suppress_health_check=[*HealthCheck])
EXAMPLES = Path(__file__).parents[3] / "docs" / "examples.jsonl"
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@schemathesis.serializer("application/x-ndjson")
def lines_of_text(_: object, value: object) -> bytes:
    """Return a body of lines: whatever text was made."""
    return str(value).encode("utf-8", "replace")


def answered_as_described(case: schemathesis.Case, door: Served) -> None:
    case.call_and_validate(base_url=str(door.client.base_url), checks=CHECKS, timeout=60)


@some.parametrize()
@settings(SOME, max_examples=6)
def test_whatever_is_sent_is_answered_as_described(case: schemathesis.Case, shared_door: Served) -> None:
    """Right and wrong requests for each endpoint, made from the description."""
    answered_as_described(case, shared_door)


@pytest.mark.soak
@everything.parametrize()
@settings(SOME, max_examples=200)
def test_much_more_that_is_sent_is_answered_as_described(case: schemathesis.Case, shared_door: Served) -> None:
    """The same, for longer."""
    answered_as_described(case, shared_door)


def test_the_door_gives_its_description(door: Served) -> None:
    """The same for everybody, without a token."""
    assert door.client.get("/openapi.json").json() == json.loads(json.dumps(document(level, ENDPOINTS)))


def test_every_example_is_valid_by_the_schema_and_nonsense_is_not() -> None:
    """The schema takes what the ledger takes, and refuses what it refuses for its form."""
    validator = Draft202012Validator(schema_of_lines(level))
    examples = [json.loads(line) for line in EXAMPLES.read_text().splitlines()]
    assert [line for line in examples if not validator.is_valid(line)] == []
    for wrong in (
        debit("d1", 10.5),  # type: ignore[arg-type]
        debit("d1", "10.005"),
        payment("p1", "-1.00"),
        payment("p1", colour="red"),
        payment("k" * 65),
        {"type": "mark", "key": "m1"},
    ):
        assert not validator.is_valid(wrong), wrong


def test_outcomes_are_valid_by_the_schema(door: Served) -> None:
    """Posted, declined, done, invalid."""
    lines = [door.own(payment("p1")), door.own(debit("d1", "700.00")), {"type": "nonsense"}]
    lines.append({"type": "brand", "code": "sushi", "name": "Sushi House"})
    described = schema_of_lines(level)
    validator = Draft202012Validator({"$ref": "#/$defs/Outcome", "$defs": described["$defs"]})
    outcomes = door.stream(lines)
    assert [outcome["status"] for outcome in outcomes] == ["posted", "declined", "invalid", "done"]
    assert [outcome for outcome in outcomes if not validator.is_valid(outcome)] == []


@pytest.mark.parametrize("code", list(level.refusals()))
def test_every_decline_has_its_facts_and_a_meaning(code: str) -> None:
    """A code that is added is explained to those who get it."""
    told = declines(level.refusals())[code]
    assert told["meaning"]
    assert all("{" + fact + "}" in told["sentence"] for fact in told["facts"])
