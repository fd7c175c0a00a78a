"""What goes in and what comes out, as JSON Schema: lines, outcomes, and every decline with its facts and meaning.

The forms of amounts, accounts and the like are those of `field_types`, which pydantic cannot know.
"""

import tomllib
from importlib.resources import files
from string import Formatter
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from ledger.intake.levels import Level
from ledger.values.field_types import KEY_LENGTH, TEXT_LENGTH
from ledger.values.money import MOST
from ledger.values.refusals import Refusals

Schema = dict[str, Any]

_AMOUNT = r"[0-9]{1,13}(\.[0-9]{1,2})?"
_WHOLE = MOST // 100

FORMS: dict[str, Schema] = {
    "_amount": {
        "description": "amount, 0.00 or more",
        "anyOf": [
            {"type": "string", "pattern": f"^{_AMOUNT}$"},
            {"type": "integer", "minimum": 0, "maximum": _WHOLE},
        ],
    },
    "_positive": {
        "description": "amount above 0.00",
        "anyOf": [
            {"type": "string", "pattern": f"^{_AMOUNT}$"},
            {"type": "integer", "minimum": 1, "maximum": _WHOLE},
        ],
    },
    "_not_zero": {
        "description": "amount, may be negative, not 0.00",
        "anyOf": [
            {"type": "string", "pattern": f"^-?{_AMOUNT}$"},
            {"type": "integer", "minimum": -_WHOLE, "maximum": _WHOLE, "not": {"const": 0}},
        ],
    },
    "_account": {
        "description": "an account: its number, whose last digit is a check digit, or your reference for it",
        "anyOf": [
            {"type": "integer", "minimum": 10, "maximum": 10**18 - 1},
            {"type": "string", "minLength": 1, "maxLength": TEXT_LENGTH},
        ],
    },
    "instant_of": {"description": "time with its zone, ISO 8601", "type": "string", "format": "date-time"},
    "_day": {"type": "string", "format": "date"},
    "_rate": {
        "description": "percent, 0 to 100",
        "anyOf": [
            {"type": "string", "pattern": r"^[0-9]{1,3}(\.[0-9]{1,2})?$"},
            {"type": "integer", "minimum": 0, "maximum": 100},
        ],
    },
    "_attributes": {"description": "anything, as names and values", "type": "object"},
    "_text": {"type": "string", "maxLength": TEXT_LENGTH},
    "_name": {"type": "string", "maxLength": TEXT_LENGTH, "minLength": 1},
    "_key": {"type": "string", "maxLength": KEY_LENGTH},
    "_whole": {"type": "integer", "minimum": 0, "maximum": 1_000_000},
    "_quantity": {"type": "integer", "minimum": 1},
}
"""The schema of what each check of a field takes, by the check's name."""

NARROWED: dict[str, Schema] = {
    "_code": {"maxLength": 64},
    "_currency": {"description": "ISO 4217 code", "pattern": "^[A-Z]{3}$"},
    "_colour": {"pattern": "^#[0-9a-fA-F]{6}$"},
}
"""What a check of a text adds."""


class _Lines(GenerateJsonSchema):
    """pydantic's own schema, with our forms."""

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        form = FORMS.get(_name_of(schema))
        return dict(form) if form else super().function_before_schema(schema)

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        # As an annotation: makers of types take a field with a default for one that is always there.
        described = super().default_schema(schema)
        default = described.pop("default", None)
        return described if default in (None, "") else {**described, "x-default": default}

    def function_after_schema(self, schema: core_schema.AfterValidatorFunctionSchema) -> JsonSchemaValue:
        return {**super().function_after_schema(schema), **NARROWED.get(_name_of(schema), {})}


def _name_of(schema: Any) -> str:
    return getattr(schema["function"]["function"], "__name__", "")


def lines(level: Level, *, template: str = "#/$defs/{model}") -> tuple[dict[str, Schema], dict[str, Schema]]:
    """Return the schema of each line by its type, and of the parts that they refer to by name."""
    found: dict[str, Schema] = {}
    parts: dict[str, Schema] = {}
    for kind, model in level.models().items():
        described = TypeAdapter(model).json_schema(ref_template=template, schema_generator=_Lines)
        parts |= described.pop("$defs", {})
        described["properties"] = {**described["properties"], "type": {"const": kind}}
        described["required"] = sorted({"type", *described.get("required", ())})
        found[kind] = described
    return found, parts


def declines(refusals: Refusals) -> dict[str, Schema]:
    """Return each decline by code, in order of precedence: its sentence, the facts in it, and what it means."""
    meanings = tomllib.loads(files("ledger.intake").joinpath("declines.toml").read_text("utf-8"))
    return {
        code: {
            "sentence": sentence,
            "facts": list(dict.fromkeys(name for _, name, _, _ in Formatter().parse(sentence) if name)),
            "meaning": meanings.get(code, ""),
        }
        for code, sentence in refusals.items()
    }


_SIGNED = {"type": "string", "pattern": r"^-?[0-9]+\.[0-9]{2}$"}
_KEY = {"type": "string"}
_TIME = {"type": "string", "format": "date-time"}
_NULLABLE_TEXT = {"type": ["string", "null"]}


def _object(optional: Schema | None = None, *, closed: bool = True, **required: Schema) -> Schema:
    properties = {**required, **(optional or {})}
    described: Schema = {"type": "object", "properties": properties, "required": sorted(required)}
    return {**described, "additionalProperties": False} if closed else described


def outcomes(refusals: Refusals) -> dict[str, Schema]:
    """Return the schema of each outcome by its status."""
    moved = _object(
        account={"type": "integer"},
        reference=_NULLABLE_TEXT,
        amount=_SIGNED,
        balance=_SIGNED,
        held=_SIGNED,
        version={"type": "integer", "minimum": 1},
    )
    return {
        "posted": _object(
            {"order": {"type": "object", "description": "of a step of an order: the state of the order after it"}},
            key=_KEY,
            status={"const": "posted"},
            transaction={"type": ["integer", "null"], "description": "null in a quote"},
            posted_at=_TIME,
            replayed={"type": "boolean"},
            accounts={"type": "array", "items": moved},
        ),
        "declined": _object(
            {"key": _KEY},
            status={"const": "declined"},
            code={"enum": list(refusals)},
            message={"type": "string"},
            facts={"type": "object"},
            replayed={"type": "boolean"},
        ),
        "done": _object(closed=False, type={"type": "string"}, status={"const": "done"}),
        "invalid": _object(
            {"line": {"type": "integer"}, "key": _KEY}, status={"const": "invalid"}, message={"type": "string"}
        ),
        "forbidden": _object(
            {"line": {"type": "integer"}, "key": _KEY}, status={"const": "forbidden"}, message={"type": "string"}
        ),
        "failed": _object(
            {"key": _KEY, "type": {"type": "string"}, "line": {"type": "integer"}},
            status={"const": "failed"},
            message={"type": "string"},
        ),
    }


def document(level: Level) -> Schema:
    """Return one JSON Schema of all: a line is valid by it, an outcome by `#/$defs/Outcome`."""
    by_kind, parts = lines(level)
    by_status = outcomes(level.refusals())
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What tiffin post reads; #/$defs/Outcome is what it writes",
        "oneOf": [{"$ref": f"#/$defs/{kind}"} for kind in by_kind],
        "$defs": {
            **by_kind,
            **parts,
            **{f"Outcome_{status}": described for status, described in by_status.items()},
            "Outcome": {"oneOf": [{"$ref": f"#/$defs/Outcome_{status}"} for status in by_status]},
        },
        "x-declines": declines(level.refusals()),
    }
