"""Problems: what the door answers when it has no outcome to give (RFC 9457)."""

import json
import re
from typing import Any

from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 1

TITLES = {
    "invalid": (400, "The request breaks a rule of form; nothing was kept"),
    "unauthorized": (401, "A bearer token is needed"),
    "forbidden": (403, "This caller may not do this"),
    "not_found": (404, "There is no such thing"),
    "method_not_allowed": (405, "The method is not allowed here"),
    "timeout": (408, "The request took too long to arrive"),
    "gone": (410, "The cursor belongs to another incarnation of the book"),
    "too_large": (413, "The request is too large"),
    "media_type": (415, "This media type is not read here"),
    "misdirected": (421, "This host name is not served here"),
    "key_reused": (422, "The key was used before with other content"),
    "internal": (500, "Internal error; the log has the details"),
    "unavailable": (503, "It could not be carried out now; send it again, with the same key"),
}
"""The problems by type: their HTTP status and title."""

_FIELD = re.compile(r"(?P<field>\w+(?:\.\w+)*): ")


def problem(kind: str, detail: str, **more: Any) -> Response:
    """Return a problem of a type of TITLES; `more` are members of its own."""
    status, title = TITLES[kind]
    content = {"type": f"urn:tiffin:problem:{kind}", "title": title, "status": status, "detail": detail, **more}
    headers = {}
    if kind == "unavailable":
        headers["retry-after"] = str(RETRY_SECONDS)
    if kind == "unauthorized":
        headers["www-authenticate"] = "Bearer"
    return Response(json.dumps(content), status, headers, media_type=MEDIA_TYPE)


def pointer(message: str) -> str | None:
    """Return the JSON pointer to the field that a sentence of form starts with, None if it names none."""
    found = _FIELD.match(message)
    return "/" + found["field"].replace(".", "/") if found else None


def of_outcome(outcome: dict[str, Any]) -> Response:
    """Return the problem of an outcome that is no answer: invalid, forbidden, key_reused or failed."""
    message, key = str(outcome["message"]), {"key": outcome["key"]} if outcome.get("key") else {}
    match outcome["status"]:
        case "invalid":
            at = pointer(message)
            errors = [{"pointer": at, "detail": message}] if at else [{"detail": message}]
            return problem("invalid", message, **key, errors=errors)
        case "forbidden":
            return problem("forbidden", message, **key)
        case "declined":
            return problem("key_reused", message, **key, code=outcome["code"], facts=outcome["facts"])
    return problem("unavailable", message, **key)
