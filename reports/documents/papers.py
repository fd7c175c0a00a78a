"""One paper from an opened book: an account, a period, a kind and a language.

Before a paper is drawn, the reports it takes its figures from must hold their controls.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

import polars as pl

from ledger.errors import Failure
from ledger.values.dates import month_days
from reports.core.result import Result
from reports.documents.build_statement import statement
from reports.documents.design import By, Design, Mailing
from reports.documents.fetch_facts import groups, known
from reports.documents.page import paper_number
from reports.documents.register import Register, numbered
from reports.documents.render import pdf
from reports.documents.statement import Statement
from reports.proof.prove import Prover
from reports.proof.proven_papers import proven
from reports.run import LakeBook

Draw = Callable[[Statement, Design, bytes | None], bytes]
"""Draws a paper with its proof, as `pdf` does; in a server, in a process of its own."""
_CONTROLLING = ("turnover", "brand-revenue")


@dataclass(frozen=True)
class Issuing:
    """How papers are made and handed out: with a `mailing` each has its letter.

    With a `register`, papers of closed days are issued: what it has is handed out again, what it lacks is entered.
    With a `prover` of their period they carry their proofs.
    """

    design: Design = Design()
    mailing: Mailing | None = None
    register: Register | None = None
    prover: Prover | None = None


def controlled(book: LakeBook, since: date, until: date) -> Result:
    """Return turnover of the period. Raises Failure when a control of the period does not hold."""
    results = [book.report(name, **{"from": since, "to": until}) for name in _CONTROLLING]
    for result in results:
        for control in result.controls:
            if not control.holds:
                raise Failure(
                    f"no papers: control {control.name} of {result.report.name} does not hold: expected "
                    f"{control.expected}, actual {control.actual} {control.currency}".rstrip()
                )
    return results[0]


def statement_of(book: LakeBook, account: int | str, since: date, until: date, *, by: By | None = None) -> Statement:
    """Return the facts of one account's paper, with an annex by subaccount or group; the days are included.

    Raises Failure for an account that is not there or is not a client's money account, for a
    period that begins after the cut, and when a control does not hold.
    """
    number = book.account(account)
    kind = book.accounts.filter(pl.col("id") == number).select("kind").collect().item()
    if kind != "money":
        raise Failure(f"account {number} keeps bonus points: they are on the statement of its money account")
    begun(book, since)
    controlled(book, since, until)
    ((_, facts),) = groups(book, [number], since=since, until=until)
    return statement(facts, number, since=since, until=until, known=known(book, until), by=by)


def begun(book: LakeBook, since: date) -> None:
    """Raise a Failure when nothing of the period can be in the lake yet."""
    at = book.cut.taken_at.astimezone(ZoneInfo(book.cut.time_zone)).date()
    if since > max(at, book.last_day):
        raise Failure(f"the lake ends on {max(at, book.last_day)}: a period from {since} has not begun")


def statement_pdf(
    book: LakeBook,
    account: int | str,
    month: str,
    design: Design = Design(),
    register: Register | None = None,
    prover: Prover | None = None,
    *,
    draw: Draw = pdf,
) -> bytes:
    """Return the PDF of an account's paper for a month, YYYY-MM; with a `register` it is issued, with its proof.

    Raises Failure as `statement_of` does.
    """
    since, until = month_days(month)
    paper = statement_of(book, account, since, until, by=design.by)
    if register is None:
        return draw(paper, design, None)
    return issued_pdf(paper, design, register, prover=prover, draw=draw)[1]


def issued_pdf(
    paper: Statement,
    design: Design,
    register: Register,
    *,
    anew: bool = False,
    prover: Prover | None = None,
    draw: Draw = pdf,
) -> tuple[str, bytes]:
    """Return number and PDF of a paper: as it was issued, if it was; else it is issued now, if its days are closed.

    `anew` issues it once more, as a new edition. With a `prover` it carries its proof.
    """
    if paper.provisional:
        return paper_number(paper, design.kind), draw(paper, design, None)
    issued = None if anew else register.find(paper, design)
    if issued is None:
        paper = numbered(register, paper, design, anew=anew)
        paper, proof = proven(paper, design.kind, prover)
        issued = register.add(paper, design, draw(paper, design, proof))
    return issued.number, register.content(issued)
