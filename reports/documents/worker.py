"""What a worker process does: draw one paper, put it in place, and its letter beside it.

A worker knows only the paper it is given; it opens neither the lake nor the ledger.
"""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from reports.documents.design import Design, Mailing
from reports.documents.letters import letter
from reports.documents.manifest import Noted, write_whole
from reports.documents.page import paper_number
from reports.documents.render import pdf
from reports.documents.statement import Statement


@dataclass(frozen=True)
class Job:
    """One paper to draw and where to put it; one that was issued before comes with its bytes."""

    paper: Statement
    design: Design
    folder: Path
    fingerprint: str
    mailing: Mailing | None = None
    issued: bytes | None = None
    proof: bytes | None = None

    @property
    def mail(self) -> Path | None:
        """Return the letter's file, or None when there is no outbox or no address."""
        if self.mailing is None or not self.paper.client.email:
            return None
        return self.mailing.outbox / f"{paper_number(self.paper, self.design.kind)}.eml"

    def mail_is_there(self) -> bool:
        """Return whether no letter is wanted, or it is there."""
        return self.mail is None or self.mail.is_file()


def draw(job: Job) -> Noted:
    """Write the paper, and its letter if one is wanted; return what was written."""
    number = paper_number(job.paper, job.design.kind)
    content = job.issued or pdf(job.paper, job.design, job.proof)
    file = job.folder / f"{number}.pdf"
    write_whole(file, content)
    if job.mail is not None and job.mailing is not None and job.mailing.sender is not None:
        write_whole(job.mail, letter(job.paper, content, job.design, sender=job.mailing.sender))
    return Noted(number, job.paper.account, file.name, job.fingerprint, sha256(content).hexdigest(), len(content))
