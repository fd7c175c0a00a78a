"""Notes on clients: who wrote what, and when; only added to, and gone with a person who is erased (DECISIONS D207)."""

from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter, ValidationError

from ledger.errors import Failure
from ledger.postgres.database import AnyConnection
from ledger.values.field_types import Name

_NAME: TypeAdapter[str] = TypeAdapter(Name)


@dataclass(frozen=True, slots=True)
class Note:
    """A note as it was written."""

    who: str
    text: str
    written_at: datetime


def fit(text: str, field: str) -> str:
    """Return a text without blanks around it. Raises Failure where it breaks the rules for texts of commands."""
    try:
        return _NAME.validate_python(text.strip())
    except ValidationError as error:
        raise Failure(f"{field}: {error.errors()[0]['ctx']['error']}") from None


def add(connection: AnyConnection, party: int, who: str, text: str) -> None:
    """Write a note on a client, by number; the caller commits. Raises Failure for a text that is none."""
    query = "INSERT INTO desk.note (party_id, who, text) VALUES (%s, %s, %s)"
    connection.execute(query, [party, who, fit(text, "note")])


def of_client(connection: AnyConnection, party: int) -> list[Note]:
    """Return the notes on a client, by number, the latest first."""
    query = "SELECT who, text, written_at FROM desk.note WHERE party_id = %s ORDER BY id DESC"
    return [Note(*row) for row in connection.execute(query, [party]).fetchall()]
