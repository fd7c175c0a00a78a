"""Which paper is drawn, in which language, from whose templates, and how it is mailed. Cheap to import."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from reports.core.forms import Language

Kind = Literal["statement", "act", "invoice", "services"]
KINDS: tuple[Kind, ...] = ("statement", "act", "invoice", "services")


@dataclass(frozen=True)
class Design:
    """A kind of paper in a language; `templates` is a folder of a company's own, which come before ours."""

    kind: Kind = "statement"
    language: Language = "en"
    templates: Path | None = None


@dataclass(frozen=True)
class Mailing:
    """Where letters with the papers are written, and the address that they come from."""

    outbox: Path
    sender: str | None
