"""The endpoints of the door: path, what it takes and gives, and the roles that may use it."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ledger.http import events, openapi, questions
from ledger.http.problems import problem

if TYPE_CHECKING:
    from ledger.http.app import Door

Run = Callable[["Door", Request, Mapping[str, str]], Awaitable[Response]]
ANYBODY: frozenset[str] = frozenset()


async def _commands(door: "Door", request: Request, parameters: Mapping[str, str]) -> Response:
    raise AssertionError("answered by Commands")


async def _openapi(door: "Door", request: Request, parameters: Mapping[str, str]) -> Response:
    return JSONResponse(openapi.document(door.level, ENDPOINTS))


@dataclass(frozen=True)
class Endpoint:
    """One method on one path. No roles: anybody, also without a token."""

    method: str
    path: str
    run: Run
    roles: frozenset[str] = ANYBODY

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Return what its paths look like; a parameter may hold slashes."""
        return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>.+)", self.path))


class EndpointMatch(NamedTuple):
    """An endpoint, and the parameters of its path."""

    endpoint: Endpoint
    parameters: Mapping[str, str]


_ASK = frozenset({"ask"})
_POST_OR_ASK = frozenset({"post", "ask"})
_ANY_TOKEN = frozenset({"post", "ask", "administer"})

ENDPOINTS = (
    Endpoint("POST", "/v1/commands", _commands, frozenset({"post", "administer"})),
    Endpoint("POST", "/v1/quotes", questions.quotes, _POST_OR_ASK),
    Endpoint("POST", "/v1/balances", questions.balances, _ASK),
    Endpoint("GET", "/v1/accounts/{account}/history", questions.history, _ASK),
    Endpoint("GET", "/v1/accounts/{account}/limits", questions.limits, _ASK),
    Endpoint("GET", "/v1/accounts/{account}", questions.account, _ASK),
    Endpoint("GET", "/v1/transactions/{key}", questions.transaction, _POST_OR_ASK),
    Endpoint("GET", "/v1/events", events.events, _ASK),
    Endpoint("GET", "/openapi.json", _openapi),
    Endpoint("GET", "/healthz", questions.healthz),
    Endpoint("GET", "/readyz", questions.readyz),
    Endpoint("GET", "/metrics", questions.metrics, _ANY_TOKEN),
)
"""In order: the first whose path fits answers."""

_EXACT = {(e.method, e.path): EndpointMatch(e, {}) for e in ENDPOINTS if "{" not in e.path}


def find(method: str, path: str) -> EndpointMatch | Response:
    """Return the endpoint of a request, or the problem that there is none."""
    if exact := _EXACT.get((method, path)):
        return exact
    fitting = [(e, found) for e in ENDPOINTS if (found := e.pattern.fullmatch(path))]
    if not fitting:
        return problem("not_found", f"there is nothing at {path[:100]}: see /openapi.json")
    for endpoint, found in fitting:
        if endpoint.method == method:
            return EndpointMatch(endpoint, found.groupdict())
    response = problem("method_not_allowed", f"{path[:100]} takes {fitting[0][0].method}")
    response.headers["allow"] = fitting[0][0].method
    return response
