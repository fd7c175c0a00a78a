"""`tiffin nightly`, `tiffin verify` and `tiffin lake …`: cuts, checks, care."""

import json
import re
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from ledger.cli.progress import progress
from ledger.cli.shared import AsJson
from ledger.errors import Failure, reason
from ledger.logs import log
from ledger.settings import Settings
from ledger.values.dates import read_date
from ledger.values.text import printable, whole_number

if TYPE_CHECKING:
    from reports.lake.checks import CheckResult
    from reports.lake.reader import Lake
    from reports.nightly import Night, Step

app = typer.Typer()
lake_app = typer.Typer(no_args_is_help=True, help="Maintain the lake.")
app.add_typer(lake_app, name="lake")

SECONDS = {"s": 1, "m": 60, "h": 3600}


def _limit(text: str | int) -> int:
    """Return how many statements at most; -1 for all. The default comes here too, as the number it is."""
    if isinstance(text, int):
        return text
    if text in ("all", "none"):
        return -1 if text == "all" else 0
    number = whole_number(text)
    if number is None:
        raise typer.BadParameter("give a number, all or none")
    return number


@app.command()
def nightly(
    date: Annotated[
        str | None, typer.Option(help="The day to close, YYYY-MM-DD; by default the latest that has ended.")
    ] = None,
    statements: Annotated[
        int,
        typer.Option(
            parser=_limit,
            metavar="N|all|none",
            help="How many statements when the day ends a month; by default all.",
            show_default=False,
        ),
    ] = -1,
    every: Annotated[
        str | None, typer.Option(help="Instead: make a cut at this interval, such as 5m, until stopped; closes no day.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Close a day: cut and export, verify, write the reports and, when a month ends, the statements.

    If run again, it makes only what is missing.
    """
    if every is not None:
        if date is not None:
            raise Failure("give either --date or --every: frequent cuts close no day")
        _cut_every(_seconds(every), as_json)
        return
    from ledger.postgres.database import server_url
    from reports import after_night
    from reports import nightly as night

    settings = Settings()
    day = read_date(date) if date is not None else None
    console = Console(stderr=True)
    with after_night.reported(settings) as facts:
        url = server_url(settings)
        with progress("papers", quiet=as_json) as report:
            done = night.nightly(
                settings,
                url,
                day or night.yesterday(url),
                statements=None if statements < 0 else statements,
                started=_quiet
                if as_json or not console.is_terminal
                else lambda name: console.print(f"{name} …", style="dim"),
                finished=lambda step: _step_finished(step, settings, quiet=as_json),
                progress=report,
            )
        facts.update(done.as_json())
        _end(done, as_json)


@app.command()
def verify(
    seals: Annotated[
        list[Path] | None,
        typer.Option(help="A copy of seals.jsonl that was kept elsewhere; may be repeated.", show_default=False),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Read all sealed days again.")] = False,
    month: Annotated[str | None, typer.Option(help="Read the sealed days of this month again, YYYY-MM.")] = None,
    as_json: AsJson = False,
) -> None:
    """Check the ledger by its rules and its seals, and the lake against its files, its manifests and the ledger.

    Of the sealed days, what came since the last verified seal is read, and those read longest ago; if interrupted,
    --all continues where it was.
    """
    from ledger.postgres.database import server_url
    from ledger.values.dates import month_days
    from reports.lake.verify import NEW, Depth
    from reports.lake.verify import verify as checks
    from reports.proof.seal import read_seals

    if everything and month is not None:
        raise Failure("give either --all or --month: --all reads every month")
    if month is not None:
        month_days(month)
    settings = Settings()
    copies = {str(path): list(read_seals(content_of(path), str(path))) for path in seals or []}
    depth = Depth(None, month) if everything or month is not None else NEW
    broken: list[CheckResult] = []
    results = []
    for subject, check in checks(server_url(settings), settings.lake_url, copies=copies, depth=depth):
        if not check.holds:
            broken.append(check)
        if as_json:
            results.append({"subject": subject, **asdict(check), "holds": check.holds})
            continue
        print(f"{'ok   ' if check.holds else 'WRONG'}  {subject}: {check.rule} ({check.checked:,})", flush=True)
        for problem in check.problems:
            print(f"       {printable(problem)}")
        if check.wrong > len(check.problems):
            print(f"       and {check.wrong - len(check.problems):,} more")
    if as_json:
        print(json.dumps({"holds": not broken, "checks": results}, default=str))
    if broken:
        raise Failure(f"{len(broken)} of the checks failed, first: {broken[0].problems[0]}")


def content_of(path: Path) -> bytes:
    """Return a file's bytes. Raises Failure when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise Failure(f"{path} cannot be read: {reason(error)}") from None


@lake_app.command()
def status(as_json: AsJson = False) -> None:
    """Show the state of the lake: the latest cut, the kept ones, rows, files."""
    from reports.lake import maintenance

    found = maintenance.status(Settings().lake_url)
    if as_json:
        print(json.dumps(asdict(found), default=str))
        return
    print(f"cut {found.cut} ({found.made_by}) of {found.taken_at:%Y-%m-%d %H:%M:%S} UTC")
    print(f"closed until {found.closed_until or 'no day yet'}, latest transaction {found.last_transaction}")
    print(f"{len(found.kept)} cuts kept, {found.size / 1e6:,.1f} MB in the latest")
    for name, rows in found.rows.items():
        print(f"  {name:<13} {rows:>12,} rows in {found.files[name]:,} files")
    if found.database:
        print(found.database)


@lake_app.command("cut")
def cut_now(as_json: AsJson = False) -> None:
    """Publish a cut now, so that reports show what was just posted; it closes no day."""
    from ledger.postgres.database import server_url
    from reports.lake.publish_cut import frequent_cut

    settings, started = Settings(), time.monotonic()
    lake, made = frequent_cut(server_url(settings), settings.lake_url)
    _print_cut(lake, made, time.monotonic() - started, as_json)
    if not made and not as_json:
        print(f"cut {lake.cut.number} has everything that was posted")


@lake_app.command()
def compact(as_json: AsJson = False) -> None:
    """Join the small files that frequent cuts leave; earlier cuts stay as they are."""
    from ledger.postgres.database import server_url
    from reports.lake import maintenance

    settings = Settings()
    done = maintenance.compact(server_url(settings), settings.lake_url)
    if as_json:
        print(json.dumps(asdict(done)))
    elif done.cut is None:
        print("nothing to join")
    else:
        joined = {name: counts for name, counts in done.files.items() if counts[0] != counts[1]}
        for name, (before, after) in joined.items():
            print(f"{name}: {before:,} files are now {after:,}")
        print(f"published as cut {done.cut}")


@lake_app.command()
def vacuum(
    keep: Annotated[int, typer.Option(min=1, help="How many of the latest cuts to keep.")] = 60,
    nights: Annotated[int, typer.Option(min=0, help="How many of the latest nightly cuts to keep.")] = 35,
    as_json: AsJson = False,
) -> None:
    """Remove old cuts, and the files that no kept cut needs."""
    from ledger.postgres.database import server_url
    from reports.lake import maintenance

    settings = Settings()
    done = maintenance.vacuum(server_url(settings), settings.lake_url, keep=keep, nights=nights)
    if as_json:
        print(json.dumps(asdict(done)))
        return
    print(f"{len(done.kept)}cuts kept, {len(done.cuts)} removed, {len(done.files):,} files removed")


@lake_app.command()
def rebuild(as_json: AsJson = False) -> None:
    """Export the whole ledger again, and compare the rows with the cut before."""
    from ledger.postgres.database import server_url
    from reports.lake import publish_cut

    settings = Settings()
    made, unlike = publish_cut.rebuild(server_url(settings), settings.lake_url)
    if as_json:
        print(json.dumps({"cut": made.cut.number, "unlike": unlike[:100], "unlike_count": len(unlike)}))
    else:
        rows = sum(pinned.rows for pinned in made.manifest.tables.values())
        print(f"cut {made.cut.number}: {rows:,} rows anew")
    if unlike:
        raise Failure(f"{len(unlike)} rows differ from the cut before, first: {unlike[0]}")


def _seconds(text: str) -> int:
    found = re.fullmatch(r"([1-9][0-9]{0,5})([smh])", text)
    if not found:
        raise Failure(f"{text} is not a time between cuts: write such as 30s, 5m or 1h")
    return int(found[1]) * SECONDS[found[2]]


def _quiet(anything: object) -> None:
    """Print nothing."""


def _step_finished(step: "Step", settings: Settings, *, quiet: bool) -> None:
    if settings.log == "json":
        log(f"night: {step.name}", seconds=step.seconds, done=step.done, problems=step.problems)
    if not quiet:
        _print_step(step)


def _print_step(step: "Step") -> None:
    print(f"{step.name:<11} {step.seconds:7.2f} s  {step.done}", flush=True)
    for problem in step.problems[:10]:
        print(f"            {printable(problem)}", flush=True)


def _end(done: "Night", as_json: bool) -> None:
    if as_json:
        print(json.dumps(done.as_json(), default=str))
    else:
        left_out: list[str] = next((step.facts["left_out"] for step in done.steps if "left_out" in step.facts), [])
        if left_out:
            print(f"not run, because they need parameters: {', '.join(left_out)}")
        print(f"total       {sum(step.seconds for step in done.steps):7.2f} s  {done.folder}")
    if not done.complete:
        raise Failure(f"the night of {done.day} has {len(done.problems)} problems, first: {done.problems[0]}")


def _cut_every(seconds: int, as_json: bool) -> None:
    from ledger.postgres.database import connect, server_url
    from reports.lake.publish_cut import frequent_cut

    settings = Settings()
    connect(server_url(settings)).close()  # what is not there at the start is not waited for
    stopped = until_stopped()
    while not stopped():
        started = time.monotonic()
        try:
            _print_cut(*frequent_cut(server_url(settings), settings.lake_url), time.monotonic() - started, as_json)
        except Failure as failure:  # a server that is restarted is back at the next cut
            print(f"tiffin: {printable(str(failure))}", file=sys.stderr, flush=True)
        while not stopped() and time.monotonic() < started + seconds:
            time.sleep(min(1.0, max(0.0, started + seconds - time.monotonic())))


def until_stopped() -> Callable[[], bool]:
    """Return a check for SIGINT or SIGTERM: the cut under way is finished first."""
    came: list[int] = []

    def note(number: int, frame: Any) -> None:
        came.append(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, note)
    return lambda: bool(came)


def _print_cut(lake: "Lake", made: bool, seconds: float, as_json: bool) -> None:
    cut = lake.cut
    if as_json:
        facts = {"cut": cut.number, "made": made, "taken_at": cut.taken_at.isoformat()}
        facts |= {"last_transaction": cut.last_transaction, "seconds": round(seconds, 3)}
        print(json.dumps(facts), flush=True)
    elif made:
        print(f"cut {cut.number}, up to transaction {cut.last_transaction}, {seconds:.2f} s", flush=True)
