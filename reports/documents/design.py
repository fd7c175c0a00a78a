"""Which paper is drawn, in which language, from whose templates, and how it is mailed. Cheap to import."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ledger.errors import Failure
from ledger.settings import Settings
from reports.core.forms import Language

Kind = Literal["statement", "act", "invoice", "services"]
KINDS: tuple[Kind, ...] = ("statement", "act", "invoice", "services")


@dataclass(frozen=True)
class SigningKey:
    """Where the company's key is, and its password: a PKCS#12 file, or a folder of one a brand, CODE.p12."""

    path: Path
    password: str | None = field(default=None, repr=False)

    def file(self, brand: str) -> Path | None:
        """Return the key file for a brand; None when the folder has none: its papers go out unsealed."""
        if not self.path.is_dir():
            return self.path
        # A code may hold a slash or dots, and names no file outside the folder.
        return next((file for file in self.path.glob("*.p12") if file.stem == brand), None)


By = Literal["subaccount", "group"]


@dataclass(frozen=True)
class Design:
    """A kind of paper in a language; `templates` is a folder of a company's own, which come before ours.

    With a `seal` papers of closed days are signed. `by` adds an annex of what each employee or department was charged.
    """

    kind: Kind = "statement"
    language: Language = "en"
    templates: Path | None = None
    seal: SigningKey | None = None
    by: By | None = None


def design_of(
    settings: Settings, kind: Kind = "statement", language: Language | None = None, by: By | None = None
) -> Design:
    """Return the design in the settings. Raises Failure for an annex of a statement."""
    if by is not None and kind == "statement":
        raise Failure("--by goes with an act, an invoice or an act of services: a statement names each charge's own")
    seal = SigningKey(settings.certificate, settings.certificate_password) if settings.certificate else None
    return Design(kind, language or settings.language, templates_of(settings), seal, by)


def templates_of(settings: Settings) -> Path | None:
    """Return the folder of a company's own templates: that of the settings, else that of the pack."""
    if settings.templates is not None or not settings.pack_folder.is_dir():
        return settings.templates
    from reports.pack import current

    return current().templates


@dataclass(frozen=True)
class Mailing:
    """Where letters with the papers are written, and the address that they come from."""

    outbox: Path
    sender: str | None
