"""The nightly run: cut, verification, reports, statements. Each step is timed and reported.

It is done once: run again, it finds the cut published and the files written, and makes only
what is missing. Papers go out only when every check and every control holds.
"""

import calendar
import getpass
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.errors import Failure, reason
from ledger.postgres.database import connect
from ledger.settings import Settings
from ledger.values.dates import month_days
from reports.core.forms import NIGHTLY
from reports.core.report import STANDARD, Report
from reports.core.result import Result, TooLarge
from reports.documents.bulk import Progress, Selection, render_statements
from reports.documents.design import design_of
from reports.documents.papers import Issuing
from reports.documents.register import Register
from reports.editions import kept as editions
from reports.formats import rendered
from reports.lake.maintenance import forget_files
from reports.lake.publish_cut import nightly_cut
from reports.lake.reader import Lake, open_lake
from reports.lake.verify import CheckedSubject, verify, verify_unpublished
from reports.pack import current
from reports.proof.proven_papers import prover_for
from reports.proof.seal import load_key
from reports.run import LakeBook

RESULT = "nightly.json"
INSTEAD = {"xlsx": "parquet"}
"""What is written instead of a form that cannot hold a report: no form's limit ends a night."""


@dataclass
class Step:
    """One step of a run: what was done in how many seconds, and what was found wrong."""

    name: str
    done: str = ""
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)


def _whoever() -> str:
    """Return the login that runs this; blank where the system has no name for it, as in some containers."""
    with suppress(KeyError, OSError):
        return getpass.getuser()
    return ""


@dataclass
class Night:
    """A nightly run for one day, by whom. `complete` means that every step was taken and nothing was wrong."""

    day: date
    folder: Path
    by: str = field(default_factory=_whoever)
    steps: list[Step] = field(default_factory=list)

    @property
    def problems(self) -> list[str]:
        """Return everything that was found wrong, by steps."""
        return [problem for step in self.steps for problem in step.problems]

    @property
    def complete(self) -> bool:
        """Return whether nothing was wrong."""
        return not self.problems

    def as_json(self) -> dict[str, Any]:
        """Return the run as JSON has it, also what is written to `nightly.json`."""
        return {
            "date": self.day.isoformat(),
            "by": self.by,
            "complete": self.complete,
            "folder": str(self.folder),
            "steps": [asdict(step) for step in self.steps],
        }


def nightly(
    settings: Settings,
    url: str,
    day: date,
    *,
    statements: int | None,
    started: Callable[[str], None] = lambda name: None,
    finished: Callable[[Step], None] = lambda step: None,
    progress: Progress = lambda done, of, number: None,
) -> Night:
    """Run the night of a day, and return what was done; `statements` at most, None for all.

    `started` is called with each step's name, `finished` with the step, `progress` after each paper. A cut that does
    not hold ends the night: nothing is published and no day closed. Raises Failure when no cut can be made.
    """
    night = Night(day, settings.home.resolve() / "reports" / day.isoformat())
    run = _NightRun(night, started, finished, load_key(settings.seal_key))
    try:
        _published(run, url, settings.lake_url, day)
    except _NotPublished:
        _write(night.folder / RESULT, json.dumps(night.as_json(), default=str, indent=1).encode())
        return night
    forget_files(settings.lake_url, days=settings.duckdb_days, months=settings.duckdb_months)
    lake = open_lake(settings.lake_url)  # later than the night's cut, where one was published since
    with run.step("reports") as step:
        _reports(step, STANDARD.values(), LakeBook(lake), day, night.folder, settings)
    if _ends_a_month(day) and statements != 0:
        with run.step("statements") as step:
            _statements(step, night, LakeBook(lake), settings, statements, progress, url)
    if settings.pack_folder.is_dir():
        with run.step("pack") as step:
            _pack(step, LakeBook(lake), day, night.folder, settings)
    if editions.list_of(settings.home) and lake.cut.closed_until:
        with run.step("editions") as step:
            _editions(step, settings, lake.cut.closed_until)
    _write(night.folder / RESULT, json.dumps(night.as_json(), default=str, indent=1).encode())
    return night


def _editions(step: Step, settings: Settings, closed_until: date) -> None:
    """Make the editions that are due; one that is wrong, or whose controls differ, stops only itself."""
    try:
        made = list(editions.make_due(settings.home.resolve(), settings.lake_url, closed_until))
    except Failure as failure:
        step.problems.append(str(failure))
        return
    step.problems = [f"{one.notebook} {one.period} {one.state}: {line}" for one in made for line in one.problems]
    step.done = f"{len([one for one in made if one.state == 'made'])} made, of {len(made)} listed"
    step.facts = {"editions": [str(one.folder) for one in made if not one.problems]}


def yesterday(url: str) -> date:
    """Return the latest day that has ended in the book's time zone. Raises Failure when there is no book."""
    with connect(url) as connection:
        row = connection.execute("SELECT (clock_timestamp() AT TIME ZONE time_zone)::date FROM book").fetchone()
    if row is None:
        raise Failure("there is no book yet: run tiffin init")
    today: date = row[0]
    return today - timedelta(days=1)


@dataclass
class _NightRun:
    night: Night
    started: Callable[[str], None]
    finished: Callable[[Step], None]
    key: Ed25519PrivateKey | None

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        step = Step(name)
        started = time.perf_counter()
        self.started(name)
        yield step
        step.seconds = round(time.perf_counter() - started, 3)
        self.night.steps.append(step)
        self.finished(step)


class _NotPublished(Exception):
    """The cut does not hold: the night's problems give the reasons."""


def _published(run: _NightRun, url: str, lake: str, day: date) -> None:
    """Cut and verify, and publish if the cut holds; a cut that was published before is verified again."""
    with ExitStack() as cutting:
        step = cutting.enter_context(run.step("cut"))

        def check(url: str, exported: Lake, closing: bool) -> None:
            _note_cut(step, exported, made=True)
            cutting.pop_all().close()
            with run.step("verify") as verifying:
                _note_checks(verifying, verify_unpublished(url, exported, closing=closing))
            if run.night.problems:
                raise _NotPublished

        found, made = nightly_cut(url, lake, day, check=check, key=run.key)
        if not made:
            _note_cut(step, found, made=False)
    if not made:
        with run.step("verify") as verifying:
            _note_checks(verifying, verify(url, lake))


def _note_cut(step: Step, lake: Lake, *, made: bool) -> None:
    step.done = _cut(lake, made)
    step.facts = {"cut": lake.cut.number, "made": made, "last_transaction": lake.cut.last_transaction}


def _cut(lake: Lake, made: bool) -> str:
    rows = lake.manifest.tables
    figures = f"{rows['transactions'].rows} transactions, {rows['entries'].rows} entries"
    summary = f"cut {lake.cut.number} of {_minute(lake.cut.taken_at)}, closed until {lake.cut.closed_until}, {figures}"
    return summary if made else f"made before: {summary}"


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _note_checks(step: Step, verified: Iterable[CheckedSubject]) -> None:
    checks = list(verified)
    step.problems = [f"{check.name}: {problem}" for _, check in checks for problem in check.problems]
    step.facts = {"checks": {f"{subject}: {check.name}": check.checked for subject, check in checks}}
    broken = sum(not check.holds for _, check in checks)
    step.done = f"{len(checks)} checks, {broken or 'none'} broken"


def _pack(step: Step, book: LakeBook, day: date, folder: Path, settings: Settings) -> None:
    """Write the reports of the pack, and ask each of its metrics; what is wrong there has stopped nothing else."""
    pack = current()
    _reports(step, pack.reports.values(), book, day, folder, settings)
    step.problems += pack.problems
    for name in pack.own_metrics:
        try:
            book.metric(name, last_day=day)
        except Failure as failure:
            step.problems.append(str(failure))


def _reports(
    step: Step, reports: Iterable[Report], book: LakeBook, day: date, folder: Path, settings: Settings
) -> None:
    written, found, left_out, too_large = [], [], [], []
    for report in reports:
        if required := _wanting(report):
            left_out.append(f"{report.name} (needs {', '.join(required)})")
            continue
        if all(_is_written(folder, report.name, form) for form in NIGHTLY):
            found.append(report.name)
            continue
        try:
            result = book.report(report.name, **_dates(report, day))
        except Failure as failure:
            if report.name in STANDARD:
                raise
            step.problems.append(f"{report.name}: {failure}")
            continue
        broken = [control for control in result.controls if not control.holds]
        step.problems += [
            f"{report.name}: control {c.name} expected {c.expected}, actual {c.actual} {c.currency}" for c in broken
        ]
        if broken:
            continue  # not written: the next run tries again
        for form in NIGHTLY:
            if not _is_written(folder, report.name, form) and (why := _written(result, form, folder, settings)):
                too_large.append(f"{report.name}.{form}: {why}")
        written.append(report.name)
    step.facts = {"written": written, "found": found, "left_out": left_out, "too_large": too_large}
    step.done = f"{len(written)} written to {folder}" + (f", {len(found)} there before" if found else "")
    step.done += "".join(f"; left out {sentence}" for sentence in too_large)


def _is_written(folder: Path, name: str, form: str) -> bool:
    """Return whether a report's file is there, or the one that stands for it where it would be too large."""
    return any((folder / f"{name}.{suffix}").exists() for suffix in {form, INSTEAD.get(form, form)})


def _written(result: Result, form: str, folder: Path, settings: Settings) -> str | None:
    """Write a report in one form; where that cannot hold it, write Parquet instead and return why."""
    name, why = result.report.name, None
    try:
        content = rendered(result, form, language=settings.language)
    except TooLarge as error:
        form, why = INSTEAD[form], str(error)
        content = rendered(result, form, language=settings.language)
    _write(folder / f"{name}.{form}", content)
    return why


def _wanting(report: Report) -> list[str]:
    """Return the parameters without which a report cannot be run, dates apart (DECISIONS D37)."""
    fields = report.parameters.model_fields
    dates = ("first_day", "last_day", "as_of")
    return [name for name, info in fields.items() if info.is_required() and name not in dates]


def _dates(report: Report, day: date) -> dict[str, date]:
    """Return the report's dates: as of the day, or its month up to it."""
    given = {"first_day": day.replace(day=1), "last_day": day, "as_of": day}
    return {name: value for name, value in given.items() if name in report.parameters.model_fields}


def _ends_a_month(day: date) -> bool:
    return day.day == calendar.monthrange(day.year, day.month)[1]


def _statements(
    step: Step,
    night: Night,
    book: LakeBook,
    settings: Settings,
    limit: int | None,
    progress: Progress,
    url: str,
) -> None:
    if not night.complete:
        step.done = "held back, because figures do not agree"
        return
    month = f"{night.day:%Y-%m}"
    folder = settings.home.resolve() / "statements" / month
    design, register = design_of(settings), Register(settings.home / "papers")
    wanted = Selection(changed_only=True, limit=limit)
    without: list[str] = []
    with prover_for(settings, *month_days(month), without.append, url=url) as prover:
        issuing = Issuing(design, register=register, prover=prover)
        done = render_statements(book, month, folder, wanted, issuing, progress=progress)
    step.problems = [f"statement of account {account}: {why}" for account, why in done.failed]
    step.facts = {"written": done.written, "found": done.unchanged, "failed": len(done.failed), "without": without}
    step.done = f"{done.written} written to {done.folder}, {done.unchanged} there before"
    step.done += "".join(f"; {sentence}" for sentence in without)


def _write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    beside = path.with_name(f".{path.name}.making")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(content)
        os.replace(beside, path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise Failure(f"cannot write {path}: {reason(error)}") from None
