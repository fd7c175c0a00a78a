"""How models are built and refused: the first thing that is wrong with a record, and how to build without checks."""

import re
from typing import Any, TypeVar

from pydantic import ValidationError

T = TypeVar("T")


def sentence_of(error: ValidationError) -> str:
    """Return the first thing wrong as one sentence that starts with the field's name."""
    first = error.errors(include_url=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"] if not (isinstance(part, str) and part.startswith("function-")))
    message = {
        "missing": "is missing",
        "missing_argument": "is missing",
        "missing_keyword_only_argument": "is missing",
        "unexpected_keyword_argument": "is not a known field",
        "extra_forbidden": "is not a known field",
    }.get(first["type"]) or first["msg"].removeprefix("Value error, ").replace("Input should be", "should be")
    message = message.replace("a valid tuple", "a list")  # the word that callers of any language use
    # A rule of the whole may name the field that breaks it.
    joint = "." if re.match(r"\w+: ", message) else ": "
    return f"{where[:100]}{joint}{message}" if where else message


def unchecked(made: type[T], **fields: Any) -> T:
    """Return a command, or a part of one, whose fields the program itself made well: they are not checked again.

    A second level that makes a debit of every order would otherwise check what it has computed.
    """
    command = object.__new__(made)
    object.__setattr__(command, "__dict__", fields)
    return command
