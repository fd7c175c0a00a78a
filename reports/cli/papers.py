"""`tiffin statement` and `tiffin statements`: one paper, or a month's papers for everybody."""

import json
import sys
from dataclasses import asdict
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.errors import Failure
from ledger.settings import Settings
from reports.cli.progress import papers_progress

if TYPE_CHECKING:
    from reports.documents.bulk import Rendered
    from reports.documents.statement import Statement

app = typer.Typer()


class Paper(StrEnum):
    """The kinds of papers."""

    statement = "statement"
    act = "act"
    invoice = "invoice"


class Spoken(StrEnum):
    """The languages of papers."""

    en = "en"
    ru = "ru"


class View(StrEnum):
    """What a preview opens."""

    html = "html"
    pdf = "pdf"


KindOption = Annotated[Paper, typer.Option(help="Which paper.")]
LanguageOption = Annotated[Spoken | None, typer.Option(help="Language of the paper.")]


@app.command()
def statement(
    account: Annotated[str, typer.Argument(help="Account number or reference.")],
    month: Annotated[str | None, typer.Option(help="Month: YYYY-MM.")] = None,
    from_: Annotated[str | None, typer.Option("--from", help="First day, included: YYYY-MM-DD.")] = None,
    to: Annotated[str | None, typer.Option("--to", help="Last day, included.")] = None,
    kind: KindOption = Paper.statement,
    language: LanguageOption = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="File to write; - for stdout.")] = None,
    view: Annotated[View | None, typer.Option("--open", help="Show it: in the browser or as PDF.")] = None,
) -> None:
    """Make one account's statement, act or invoice as PDF, with its data embedded."""
    import reports
    from reports.documents.page import paper_number
    from reports.documents.papers import statement_of

    settings = Settings()
    code = language.value if language else settings.language
    since, until = _period(month, from_, to)
    facts = statement_of(reports.open(), account, since, until)
    content, suffix = _drawn(facts, kind, code, view, settings.templates)
    if output is not None and str(output) == "-":
        sys.stdout.buffer.write(content)
        return
    file = output or _place(settings, view) / f"{paper_number(facts, kind.value)}{suffix}"
    _write(file, content)
    print(file)
    if view is not None:
        typer.launch(str(file.resolve()))


def _drawn(facts: "Statement", kind: Paper, code: str, view: View | None, templates: Path | None) -> tuple[bytes, str]:
    from reports.documents.render import pdf, preview

    if view == View.html:
        return preview(facts, kind=kind.value, code=code, templates=templates).encode(), ".html"
    return pdf(facts, kind=kind.value, code=code, templates=templates), ".pdf"


def _place(settings: Settings, view: View | None) -> Path:
    """Return where an unnamed file goes: here, or for a preview under the home."""
    return Path() if view is None else settings.home / "preview"


def _write(file: Path, content: bytes) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    except OSError as error:
        raise Failure(f"cannot write {file}: {(error.strerror or str(error)).lower()}") from None


def _period(month: str | None, since: str | None, until: str | None) -> tuple[date, date]:
    from reports.documents.papers import month_days

    if month is not None and since is None and until is None:
        return month_days(month)
    if month is not None or since is None or until is None:
        raise typer.BadParameter("give either --month, or both --from and --to")
    first, last = _day(since), _day(until)
    if first > last:
        raise Failure(f"from {first} is after to {last}")
    return first, last


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Failure(f"{text} is not a date: write YYYY-MM-DD") from None


@app.command()
def statements(
    month: Annotated[str, typer.Option(help="Month: YYYY-MM.")],
    brand: Annotated[str | None, typer.Option(help="Only accounts that this brand holds: its code.")] = None,
    changed_only: Annotated[bool, typer.Option("--changed-only", help="Only accounts that moved.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many papers.")] = None,
    kind: KindOption = Paper.statement,
    language: LanguageOption = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder; by default statements/MONTH under the home.")
    ] = None,
    outbox: Annotated[Path | None, typer.Option(help="Also write e-mails (.eml) into this folder.")] = None,
    sender: Annotated[str | None, typer.Option(help="Address the e-mails come from.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; by default one a core.")] = None,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds a paper may take.")] = 120.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Make a month's papers for many accounts; a run that was broken off goes on where it was."""
    import reports
    from reports.documents.bulk import render_statements

    settings = Settings()
    folder = output or settings.home / "statements" / month
    with papers_progress(quiet=as_json) as progress:
        done = render_statements(
            reports.open(), month, folder, brand=brand, changed_only=changed_only, limit=limit, kind=kind.value,
            language=language.value if language else settings.language, templates=settings.templates,
            outbox=outbox, sender=sender or settings.sender, workers=workers, timeout_s=timeout, progress=progress,
        )  # fmt: skip
    _told(done, as_json)


def _told(done: "Rendered", as_json: bool) -> None:
    """Print what was done. Raises Failure when a paper failed, after naming each on stderr."""
    if as_json:
        facts: dict[str, Any] = {**asdict(done), "folder": str(done.folder)}
        facts["failed"] = [{"account": account, "message": why} for account, why in done.failed]
        print(json.dumps(facts, ensure_ascii=False))
    else:
        print(f"{done.written} papers written, {done.unchanged} unchanged, in {done.folder}")
        if done.mailed or done.without_address:
            print(f"{done.mailed} letters, {done.without_address} clients without an address")
    for account, why in done.failed:
        print(f"account {account}: {why}", file=sys.stderr)
    if done.failed:
        raise Failure(f"{len(done.failed)} of {done.asked} papers failed")
