"""A month's papers for many accounts: in parallel, resumable, each on its own.

The reports' controls come before the first file (DECISIONS D48). Each paper is written whole or not at all
and noted in the folder's manifest, so a run that was killed continues where it was, and a run
over unchanged figures writes nothing. A paper that cannot be made, or takes too long, is
named at the end and stops no other (DECISIONS D47).
"""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, wait
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import polars as pl
from pebble import ProcessExpired, ProcessPool

from ledger.errors import Failure, reason
from ledger.values.dates import month_days
from ledger.values.text import printable
from reports.core.report import near
from reports.core.result import Result
from reports.documents.build_statement import statement
from reports.documents.fetch_facts import groups, known
from reports.documents.letters import is_address
from reports.documents.manifest import Noted, PapersManifest
from reports.documents.page import paper_number
from reports.documents.papers import Issuing, begun, controlled
from reports.documents.render import fingerprint, look
from reports.documents.seal import usable
from reports.documents.worker import Job, draw
from reports.proof.proven_papers import proven
from reports.run import LakeBook

TIMEOUT_S = 120.0
# A worker is replaced after this many papers. Ours leave nothing behind, but the style sheet may be a company's own:
# with font features WeasyPrint keeps some 65 KB a paper.
PAPERS_A_WORKER = 1000
Progress = Callable[[int, int, str], None]


@dataclass
class Rendered:
    """What a run did: papers requested, written, already there, invoices of nothing left out, and failures with why."""

    folder: Path
    requested: int = 0
    written: int = 0
    unchanged: int = 0
    mailed: int = 0
    without_address: int = 0
    nothing_to_pay: int = 0
    failed: list[tuple[int, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Selection:
    """Whose papers: by default of every money account that moved in the month or has a balance.

    `accounts` names them; else `brand` is the code of their holder, and `changed_only` leaves out those that did
    not move. `limit` takes the first ones by account number.
    """

    accounts: Sequence[int] | None = None
    brand: str | None = None
    changed_only: bool = False
    limit: int | None = None


def render_statements(
    book: LakeBook,
    month: str,
    folder: Path,
    selection: Selection = Selection(),
    issuing: Issuing = Issuing(),
    *,
    workers: int | None = None,
    timeout_s: float = TIMEOUT_S,
    progress: Progress = lambda done, of, number: None,
) -> Rendered:
    """Write the papers of a month, YYYY-MM, into the folder, one file per account; return what was done.

    `progress(done, of, number)` is called after each paper.
    Raises Failure, before the first file, when a control does not hold.
    """
    since, until = month_days(month)
    begun(book, since)
    if issuing.mailing is not None:
        _check_sender(issuing.mailing.sender)
    usable(issuing.design.seal)
    turnover = controlled(book, since, until)
    numbers = chosen(book, turnover, selection)
    done = Rendered(folder, requested=len(numbers))
    run = _BulkRun(book, numbers, since, until, issuing, progress, done)
    return run.through(workers or os.cpu_count() or 1, timeout_s)


def _check_sender(sender: str | None) -> None:
    if not sender:
        raise Failure("letters need a sender: give --sender, or set TIFFIN_SENDER")
    if not is_address(sender):
        raise Failure(f"{printable(sender)} is not an address: write bills@example.org or Bills <bills@example.org>")


def chosen(book: LakeBook, turnover: Result, selection: Selection) -> list[int]:
    """Return the numbers of the accounts that get a paper, in order, of the period of that turnover.

    Raises Failure for an unknown brand.
    """
    if selection.accounts is not None:
        return sorted({book.account(number) for number in selection.accounts})[: selection.limit]
    money = book.accounts.filter(pl.col("kind") == "money")
    if selection.brand is not None:
        ids = dict(book.brands.select("code", "id").collect().iter_rows())
        if selection.brand not in ids:
            raise Failure(f"there is no brand {selection.brand}{near(selection.brand, list(ids))}")
        money = money.filter(pl.col("holder_id") == ids[selection.brand])
    moved = (
        book.entries.filter(
            pl.col("business_date").is_between(*turnover.parameters.days),
            pl.col("account_kind") == "money",
            pl.col("version").is_not_null(),
        )
        .select(pl.col("account_id").unique())
        .collect()["account_id"]
    )
    with_balance = turnover.frame.filter((pl.col("opening") != 0) | (pl.col("closing") != 0))["account"]
    wanted = set(moved) if selection.changed_only else set(moved) | set(with_balance)
    return sorted(set(money.select("id").collect()["id"]) & wanted)[: selection.limit]


@dataclass
class _BulkRun:
    """One run over the accounts: what is to be done, under way, and done."""

    book: LakeBook
    numbers: list[int]
    since: date
    until: date
    issuing: Issuing
    progress: Progress
    done: Rendered

    def __post_init__(self) -> None:
        self.look = look(self.issuing.design)
        _make_writable(self.done.folder)
        if self.issuing.mailing:
            _make_writable(self.issuing.mailing.outbox)
        self.manifest = PapersManifest(self.done.folder)

    def through(self, workers: int, timeout_s: float) -> Rendered:
        """Draw all papers; return what was done, the failed ones by account number."""
        with ProcessPool(max_workers=workers, max_tasks=PAPERS_A_WORKER, context=context()) as pool:
            under_way: dict[Any, Job] = {}
            for job in self._jobs():
                under_way[pool.schedule(draw, args=[job], timeout=timeout_s)] = job
                # This many ahead keep every worker busy, and bound the papers in memory.
                if len(under_way) >= 4 * workers:
                    self._finished(under_way, timeout_s)
            while under_way:
                self._finished(under_way, timeout_s)
        self.done.failed.sort()
        return self.done

    def _finished(self, under_way: dict[Any, Job], timeout_s: float) -> None:
        ready, _ = wait(under_way, return_when=FIRST_COMPLETED)
        for future in ready:
            job = under_way.pop(future)
            try:
                noted: Noted = future.result()
            except TimeoutError:
                self._fail(job.paper.account, f"not ready after {timeout_s:g} seconds")
            except ProcessExpired as error:
                self._fail(job.paper.account, f"the process that drew it ended with code {error.exitcode}")
            except Failure as error:
                self._fail(job.paper.account, str(error))
            except Exception as error:  # whatever breaks one paper must not stop the others; it is named
                self._fail(job.paper.account, f"{type(error).__name__}: {error}")
            else:
                self.manifest.note(noted)
                self.done.written += 1
                self._enter(job, noted)
                self._count_mail(job)
                self._report(noted.number)

    def _enter(self, job: Job, noted: Noted) -> None:
        """Enter a paper of closed days, and where it was sent, into the register."""
        register = self.issuing.register
        if register is None or job.paper.provisional:
            return
        if job.issued is None:
            register.add(job.paper, job.design, (self.done.folder / noted.file).read_bytes())
        if job.mail is not None and job.paper.client.email:
            register.sent(noted.sha256, job.paper.client.email)

    def _jobs(self) -> Iterator[Job]:
        """Yield what is to be drawn: not what is there already with the same figures and looks."""
        design, register, prover = self.issuing.design, self.issuing.register, self.issuing.prover
        at = known(self.book, self.until)
        for numbers, facts in groups(self.book, self.numbers, since=self.since, until=self.until):
            if prover is not None:
                prover.load(numbers)
            for account in numbers:
                try:
                    paper = statement(facts, account, since=self.since, until=self.until, known=at, by=design.by)
                except Failure as error:
                    self._fail(account, str(error))
                    continue
                issued = None
                if register is not None and not paper.provisional:
                    issued = register.find(paper, design)
                    edition = issued.edition if issued else register.edition(paper, design)
                    paper = replace(paper, edition=edition)
                number = paper_number(paper, design.kind)
                if design.kind == "invoice" and not paper.summary.to_pay:
                    self.done.nothing_to_pay += 1
                    self._report(number)
                    continue
                try:
                    paper, proof = proven(paper, design.kind, prover)
                except Failure as error:
                    self._fail(account, str(error))
                    continue
                mark = fingerprint(paper, design.kind, self.look)
                job = Job(paper, design, self.done.folder, mark, self.issuing.mailing, proof=proof)
                there = self.manifest.holds(number, issued.sha256) if issued else self.manifest.has(number, mark)
                if there and (issued or not register) and job.mail_is_there():
                    self.done.unchanged += 1
                    self._count_mail(job)
                    self._report(number)
                else:
                    yield replace(job, issued=register.content(issued)) if register and issued else job

    def _count_mail(self, job: Job) -> None:
        if job.mailing is not None:
            self.done.mailed += bool(job.paper.client.email)
            self.done.without_address += not job.paper.client.email

    def _fail(self, account: int, why: str) -> None:
        # Whoever prints it names the account first.
        self.done.failed.append((account, why.removeprefix(f"account {account}").removeprefix(":").strip()))
        self._report(str(account))

    def _report(self, number: str) -> None:
        done = self.done
        made = done.written + done.unchanged + done.nothing_to_pay + len(done.failed)
        self.progress(made, done.requested, number)


def _make_writable(folder: Path) -> None:
    """Make a folder that can be written to. Raises Failure before the first file."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=folder).close()
    except OSError as error:
        raise Failure(f"cannot write into {folder}: {reason(error)}") from None


def context() -> Any:
    """Return how worker processes are started."""
    # Never a plain fork: Polars has threads, and a forked copy of their locks may never open.
    ways = multiprocessing.get_all_start_methods()
    made = multiprocessing.get_context("forkserver" if "forkserver" in ways else "spawn")
    if "forkserver" in ways:
        made.set_forkserver_preload(["reports.documents.worker", "reports.documents.pdf"])
    return made
