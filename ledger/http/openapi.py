"""`/openapi.json`: the door described for programs, from the models and the table of endpoints."""

from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from ledger.http.commands import JSON, NDJSON
from ledger.http.problems import MEDIA_TYPE, TITLES
from ledger.intake import schema
from ledger.intake.levels import Level

if TYPE_CHECKING:
    from ledger.http.endpoints import Endpoint

Schema = dict[str, Any]

_TEMPLATE = "#/components/schemas/{model}"
_AMOUNT = {"type": "string", "pattern": r"^-?[0-9]+\.[0-9]{2}$"}
_NULLABLE_AMOUNT = {"anyOf": [_AMOUNT, {"type": "null"}]}
_TIME = {"type": "string", "format": "date-time"}
_NULLABLE_DAY = {"type": ["string", "null"], "format": "date"}
_NULLABLE_TEXT = {"type": ["string", "null"]}
_INTEGER = {"type": "integer"}
_NULLABLE_INTEGER = {"type": ["integer", "null"]}
_ACCOUNT = {**schema.FORMS["_account"]}


def _ref(name: str) -> Schema:
    return {"$ref": _TEMPLATE.format(model=name)}


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _array(items: Schema, **more: Any) -> Schema:
    return {"type": "array", "items": items, **more}


_STANDING = _object(
    account=_INTEGER,
    reference=_NULLABLE_TEXT,
    currency={"type": "string"},
    balance=_AMOUNT,
    held=_AMOUNT,
    credit_limit=_NULLABLE_AMOUNT,
    available=_AMOUNT,
    unpaid_since=_NULLABLE_DAY,
    overdue={"type": "boolean"},
    version=_INTEGER,
)
_CHANGE = _object(
    version=_INTEGER,
    posted_at=_TIME,
    transaction=_INTEGER,
    key={"type": "string"},
    kind={"type": "string"},
    amount=_AMOUNT,
    held=_AMOUNT,
    balance=_AMOUNT,
)
_LIMIT = _object(
    payer=_INTEGER,
    account=_NULLABLE_INTEGER,
    group=_NULLABLE_TEXT,
    period={"enum": ["order", "day", "week", "month", "total"]},
    since=_NULLABLE_DAY,
    amount=_NULLABLE_AMOUNT,
    used=_AMOUNT,
    left=_NULLABLE_AMOUNT,
    count=_NULLABLE_INTEGER,
    used_count=_INTEGER,
    left_count=_NULLABLE_INTEGER,
)
_EVENT = _object(
    specversion={"const": "1.0"},
    id={"type": "string"},
    source={"type": "string"},
    type={"type": "string", "description": "such as tiffin.transaction.posted or tiffin.change.link"},
    time=_TIME,
    datacontenttype={"const": JSON},
    data={"type": "object"},
)
_PROBLEM = {
    **_object(
        type={"enum": [f"urn:tiffin:problem:{kind}" for kind in TITLES]},
        title={"type": "string"},
        status=_INTEGER,
        detail={"type": "string"},
    ),
    "description": "RFC 9457. `errors` point to the field (RFC 6901).",
}
_PROBLEM["properties"]["errors"] = _array(
    {"type": "object", "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}}}
)


def _asked(name: str, described: Schema, what: str) -> Schema:
    return {"name": name, "in": "query", "required": False, "schema": described, "description": what}


_AT = _asked("at", _TIME, "a past moment; default: now")
_SEEN = _asked(
    "min_transaction",
    {"type": "integer", "minimum": 0, "maximum": 10**18 - 1},
    "an answer that has seen this transaction",
)
_AS_OF = {"as_of_transaction": {**_INTEGER, "description": "the last transaction that the answer has seen"}}

_OPERATIONS: dict[tuple[str, str], Schema] = {
    ("POST", "/v1/commands"): {
        "summary": "Carry out one command or administration line, or a stream of them",
        "parameters": [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "schema": {"type": "string", "pattern": '^"?[A-Za-z0-9._:-]{1,60}"?$'},
                "description": "the key of a single command; equal to `key` where both are given",
            }
        ],
        "takes": {JSON: _ref("AnyLine"), NDJSON: {"type": "string", "description": "a line of JSON a command"}},
        "gives": {JSON: _ref("Answer"), NDJSON: {"type": "string", "description": "one line per outcome, in order"}},
    },
    ("POST", "/v1/quotes"): {
        "summary": "What posting would do now; nothing is written",
        "takes": {JSON: _ref("AnyLine"), NDJSON: {"type": "string"}},
        "gives": {JSON: _ref("Answer"), NDJSON: {"type": "string"}},
    },
    ("POST", "/v1/balances"): {
        "summary": "The state of many accounts, in one answer; null for an account that does not exist",
        "takes": {
            JSON: {
                "type": "object",
                "properties": {
                    "accounts": _array(_ACCOUNT, maxItems=10_000),
                    "at": {"anyOf": [_TIME, {"type": "null"}]},
                    "min_transaction": {"anyOf": [_SEEN["schema"], {"type": "null"}]},
                },
                "required": ["accounts"],
                "additionalProperties": False,
            }
        },
        "gives": {JSON: _object(**_AS_OF, balances=_array({"anyOf": [_ref("Standing"), {"type": "null"}]}))},
    },
    ("GET", "/v1/accounts/{account}"): {
        "summary": "The state of an account",
        "parameters": [_AT, _SEEN],
        "gives": {JSON: {"allOf": [_object(**_AS_OF), _ref("Standing")]}},
    },
    ("GET", "/v1/accounts/{account}/history"): {
        "summary": "Every change of an account, a page at a time",
        "parameters": [
            _asked("after", {"type": "integer", "minimum": 0, "maximum": 10**18 - 1}, "the last version that was seen"),
            _asked("limit", {"type": "integer", "minimum": 1, "maximum": 1000}, "most entries of a page"),
            _asked("since", _TIME, "posted from this moment on"),
            _asked("until", _TIME, "posted before this moment"),
            _SEEN,
        ],
        "gives": {JSON: _object(**_AS_OF, entries=_array(_ref("Change")), next_after=_NULLABLE_INTEGER)},
    },
    ("GET", "/v1/accounts/{account}/limits"): {
        "summary": "The write-off limits that draws must keep, and what is left of each",
        "parameters": [_SEEN],
        "gives": {JSON: _object(**_AS_OF, limits=_array(_ref("Limit")))},
    },
    ("GET", "/v1/transactions/{key}"): {
        "summary": "What became of a key: the first answer to its command",
        "gives": {JSON: {"type": "object", "required": ["key", "status", "transaction", "type"]}},
    },
    ("GET", "/v1/events"): {
        "summary": "Every transaction and change of terms, once, for a reader that keeps its cursor",
        "parameters": [
            _asked("after", {"type": "string"}, "the last cursor; none: from the beginning; `latest`: the end"),
            _asked("wait", {"type": "integer", "minimum": 0, "maximum": 60}, "seconds to wait for the first event"),
            _asked("limit", {"type": "integer", "minimum": 1, "maximum": 1000}, "most events of a page"),
        ],
        "gives": {JSON: _object(events=_array(_ref("Event")), cursor={"type": "string"})},
    },
    ("GET", "/healthz"): {"summary": "Whether the process lives", "gives": {JSON: _object(status={"const": "alive"})}},
    ("GET", "/readyz"): {"summary": "Whether work is taken", "gives": {JSON: _object(status={"const": "ready"})}},
    ("GET", "/metrics"): {"summary": "Figures for Prometheus", "gives": {"text/plain": {"type": "string"}}},
    ("GET", "/openapi.json"): {"summary": "This description", "gives": {JSON: {"type": "object"}}},
}

_REFUSALS = ("invalid", "unauthorized", "forbidden", "misdirected", "unavailable")
_ALSO = {
    "/v1/commands": ("timeout", "too_large", "media_type", "key_reused"),
    "/v1/quotes": ("timeout", "too_large", "key_reused"),
    "/v1/balances": ("timeout", "too_large"),
    "/v1/accounts/{account}": ("not_found",),
    "/v1/accounts/{account}/history": ("not_found",),
    "/v1/accounts/{account}/limits": ("not_found",),
    "/v1/transactions/{key}": ("not_found",),
    "/v1/events": ("gone",),
}


@cache
def document(level: Level, endpoints: tuple["Endpoint", ...]) -> Schema:
    """Return the OpenAPI description of the endpoints, with the lines and declines of a level."""
    by_kind, parts = schema.lines(level, template=_TEMPLATE)
    outcomes = schema.outcomes(level.refusals())
    mapping = {kind: _TEMPLATE.format(model=kind) for kind in by_kind}
    components = {
        **by_kind,
        **parts,
        "AnyLine": {
            "oneOf": [_ref(kind) for kind in by_kind],
            "discriminator": {"propertyName": "type", "mapping": mapping},
        },
        "Posted": outcomes["posted"],
        "Declined": outcomes["declined"],
        "Done": outcomes["done"],
        "Answer": {"oneOf": [_ref("Posted"), _ref("Declined"), _ref("Done")]},
        "Standing": _STANDING,
        "Change": _CHANGE,
        "Limit": _LIMIT,
        "Event": _EVENT,
        "Problem": _PROBLEM,
    }
    paths: dict[str, Schema] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Tiffin",
            "version": version("tiffin"),
            "description": "Posted and declined are answers (200). See docs/integration.md for retries.",
        },
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "x-declines": schema.declines(level.refusals()),
    }


def _operation(endpoint: "Endpoint") -> Schema:
    operation = _OPERATIONS[endpoint.method, endpoint.path]
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in ("account", "key")
        if f"{{{name}}}" in endpoint.path
    ]
    kinds = (*_REFUSALS, *_ALSO.get(endpoint.path, ()))
    refusals = {
        str(TITLES[kind][0]): {"description": TITLES[kind][1], "content": {MEDIA_TYPE: {"schema": _ref("Problem")}}}
        for kind in kinds
    }
    answer = {
        "description": operation["summary"],
        "content": {kind: {"schema": what} for kind, what in operation["gives"].items()},
    }
    taken = {kind: {"schema": what} for kind, what in operation.get("takes", {}).items()}
    return {
        "summary": operation["summary"],
        "operationId": f"{endpoint.method.lower()}{endpoint.path.replace('/', '_').replace('{', '').replace('}', '')}",
        **({"x-roles": sorted(endpoint.roles)} if endpoint.roles else {"security": []}),
        "parameters": [*in_path, *operation.get("parameters", ())],
        **({"requestBody": {"required": True, "content": taken}} if taken else {}),
        "responses": {"200": answer, **dict(sorted(refusals.items()))},
    }
