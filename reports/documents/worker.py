"""What a worker process does: draw one paper, put it in place, and its letter beside it.

A worker knows only the paper it is given; it opens neither the lake nor the ledger.
"""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from reports.documents.letters import letter
from reports.documents.manifest import Noted, write_whole
from reports.documents.page import Kind, paper_number
from reports.documents.render import pdf
from reports.documents.statement import Statement


@dataclass(frozen=True)
class Job:
    """One paper to draw and where to put it."""

    paper: Statement
    kind: Kind
    language: str
    templates: Path | None
    folder: Path
    fingerprint: str
    outbox: Path | None = None
    sender: str | None = None

    @property
    def mail(self) -> Path | None:
        """Return the letter's file, or None when there is no outbox or no address."""
        if self.outbox is None or not self.paper.client.email:
            return None
        return self.outbox / f"{paper_number(self.paper, self.kind)}.eml"

    def mail_is_there(self) -> bool:
        """Say whether no letter is wanted, or it is there."""
        return self.mail is None or self.mail.is_file()


def draw(job: Job) -> Noted:
    """Write the paper, and its letter if one is wanted; return what was written."""
    number = paper_number(job.paper, job.kind)
    content = pdf(job.paper, kind=job.kind, code=job.language, templates=job.templates)
    file = job.folder / f"{number}.pdf"
    write_whole(file, content)
    if job.mail is not None and job.sender is not None:
        written = letter(job.paper, content, kind=job.kind, code=job.language, sender=job.sender,
                         templates=job.templates)  # fmt: skip
        write_whole(job.mail, written)
    return Noted(number, job.paper.account, file.name, job.fingerprint, sha256(content).hexdigest(), len(content))
