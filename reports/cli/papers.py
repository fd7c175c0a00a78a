"""`tiffin statement` and `tiffin statements`: one paper, or a month's papers for everybody."""

import json
import sys
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ledger.cli.progress import progress
from ledger.errors import Failure, reason
from ledger.settings import Settings
from ledger.values.dates import month_days, period, read_date
from ledger.values.text import printable
from reports.core.forms import Language
from reports.documents.design import By, Design, Kind, Mailing, design_of

if TYPE_CHECKING:
    from reports.documents.bulk import Rendered
    from reports.documents.statement import Statement

app = typer.Typer()


KindOption = Annotated[Kind, typer.Option(help="Which paper.")]
ByOption = Annotated[
    By | None, typer.Option(help="With an annex: what each subaccount (employee) or group (department) was charged.")
]
LanguageOption = Annotated[Language | None, typer.Option(help="Language of the paper.")]
View = Literal["html", "pdf"]


@app.command()
def statement(
    account: Annotated[str, typer.Argument(help="Account number or reference.")],
    month: Annotated[str | None, typer.Option(help="Month: YYYY-MM.")] = None,
    from_: Annotated[str | None, typer.Option("--from", help="First day, included: YYYY-MM-DD.")] = None,
    to: Annotated[str | None, typer.Option("--to", help="Last day, included.")] = None,
    kind: KindOption = "statement",
    by: ByOption = None,
    language: LanguageOption = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="File to write; - for stdout.")] = None,
    anew: Annotated[
        bool, typer.Option("--anew", help="Issue it once more, as a new edition of the same number.")
    ] = False,
    view: Annotated[View | None, typer.Option("--open", help="Open a draft: in the browser or as a PDF.")] = None,
) -> None:
    """Issue one account's statement, act or invoice as PDF, with its data embedded; printed again, it is the same file.

    Papers of closed days are entered in the register (tiffin papers); those of open days, and drafts, are not.
    """
    import reports
    from reports.documents.page import paper_number
    from reports.documents.papers import issued_pdf, statement_of
    from reports.documents.register import Register
    from reports.proof.proven_papers import prover_for

    settings = Settings()
    design = design_of(settings, kind, language, by)
    since, until = _period(month, from_, to)
    paper = statement_of(reports.open(), account, since, until, by=by)
    if view is not None:
        number, content = paper_number(paper, kind), _rendered(paper, design, view)
    else:
        with prover_for(settings, since, until, _warn) as prover:
            register = Register(settings.home / "papers")
            number, content = issued_pdf(paper, design, register, anew=anew, prover=prover)
    if output is not None and str(output) == "-":
        sys.stdout.buffer.write(content)
        return
    folder = settings.home / "preview" if view else Path()
    file = output or folder / f"{number}.{view or 'pdf'}"
    write_file(file, content)
    print(file)
    if view is not None:
        typer.launch(str(file.resolve()))


def _rendered(paper: "Statement", design: Design, view: View) -> bytes:
    from reports.documents.render import pdf, preview

    # A draft carries nobody's signature.
    return preview(paper, design).encode() if view == "html" else pdf(paper, replace(design, seal=None))


def write_file(file: Path, content: bytes) -> None:
    """Write a file and its folder. Raises Failure when that cannot be."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    except OSError as error:
        raise Failure(f"cannot write {file}: {reason(error)}") from None


def _period(month: str | None, since: str | None, until: str | None) -> tuple[date, date]:
    if month is not None and since is None and until is None:
        return month_days(month)
    if month is not None or since is None or until is None:
        raise typer.BadParameter("give either --month, or both --from and --to")
    return period(read_date(since), read_date(until))


@app.command()
def statements(
    month: Annotated[str, typer.Option(help="Month: YYYY-MM.")],
    brand: Annotated[str | None, typer.Option(help="Only accounts that this brand holds: its code.")] = None,
    changed_only: Annotated[bool, typer.Option("--changed-only", help="Only accounts that moved.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Maximum number of papers.")] = None,
    kind: KindOption = "statement",
    by: ByOption = None,
    language: LanguageOption = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder; by default statements/MONTH under the home.")
    ] = None,
    outbox: Annotated[
        Path | None, typer.Option(help="Also write an e-mail (.eml) for each paper into this folder.")
    ] = None,
    sender: Annotated[str | None, typer.Option(help="Sender's address of the e-mails.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Number of processes; by default one per core.")] = None,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds allowed per paper.")] = 120.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Make a month's papers for many accounts; an interrupted run continues where it stopped."""
    import reports
    from reports.documents.bulk import Selection, render_statements
    from reports.documents.papers import Issuing
    from reports.documents.register import Register
    from reports.proof.proven_papers import prover_for

    settings = Settings()
    folder = output or settings.home / "statements" / month
    design = design_of(settings, kind, language, by)
    mailing = Mailing(outbox, sender or settings.sender) if outbox else None
    with progress("papers", quiet=as_json) as report, prover_for(settings, *month_days(month), _warn) as prover:
        done = render_statements(
            reports.open(),
            month,
            folder,
            Selection(brand=brand, changed_only=changed_only, limit=limit),
            Issuing(design, mailing, Register(settings.home / "papers"), prover),
            workers=workers,
            timeout_s=timeout,
            progress=report,
        )
    _print_result(done, as_json)


def _warn(sentence: str) -> None:
    print(printable(sentence), file=sys.stderr)


def _print_result(done: "Rendered", as_json: bool) -> None:
    """Print what was done. Raises Failure when a paper failed, after naming each on stderr."""
    if as_json:
        facts: dict[str, Any] = {**asdict(done), "folder": str(done.folder)}
        facts["failed"] = [{"account": account, "message": why} for account, why in done.failed]
        print(json.dumps(facts))
    else:
        print(f"{done.written} papers written, {done.unchanged} unchanged, in {done.folder}")
        if done.nothing_to_pay:
            print(f"{done.nothing_to_pay} accounts have nothing to pay and get no invoice")
        if done.mailed or done.without_address:
            print(f"{done.mailed} letters, {done.without_address} clients without an address")
    for account, why in done.failed:
        print(f"account {account}: {printable(why)}", file=sys.stderr)
    if done.failed:
        raise Failure(f"{len(done.failed)} of {done.requested} papers failed")
