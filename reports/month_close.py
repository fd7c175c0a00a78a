"""The close of a month: what has to be so before its figures are final and its papers are out, in order.

Each step is read from the records of those who did it: bank imports, drafts, cuts, closings and seals, the night's
file, the register of papers. Nothing here changes anything; `command` is what would.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from ledger.bank.postgres import bank_report
from ledger.postgres import desk_queries, drafts
from ledger.postgres.database import AnyConnection
from ledger.postgres.month_queries import MonthInLedger
from reports.core.result import CutFacts, Result
from reports.documents.register import Register

State = Literal["done", "open", "wrong", "later"]
"""`later`: nothing can be done about it yet, for something before it is not done."""


@dataclass(frozen=True)
class CloseStep:
    """One line of the list: in `words`, with `facts` filled in, how it stands; who did it last, and when.

    `command` is the `tiffin` command that does it, where there is one.
    """

    name: str
    state: State
    words: str
    facts: Mapping[str, object] = field(default_factory=dict)
    who: str | None = None
    at: datetime | None = None
    command: tuple[str, ...] = ()


def in_ledger(connection: AnyConnection, last: date, month: MonthInLedger) -> list[CloseStep]:
    """Return the steps that the ledger knows of: bank, waiting payments, drafts, expired holds."""
    waiting = [row for row in desk_queries.unallocated(connection) if row["business_date"] <= last]
    back = [row for row in bank_report.came_back(connection) if row["booked_on"] <= last]
    requests = drafts.waiting(connection)
    return [
        _bank(bank_report.last_imports(connection), last),
        CloseStep(
            "waiting",
            "open" if waiting or back else "done",
            "payments without an account: {n}, that came back: {back}" if waiting or back else "nothing waits",
            {"n": len(waiting), "back": len(back)},
            month["allocated_by"],
            month["allocated_at"],
        ),
        CloseStep(
            "approvals",
            "open" if requests else "done",
            "drafts that wait for another person: {n}" if requests else "nothing waits for another person",
            {"n": len(requests)},
            month["decided_by"],
            month["decided_at"],
        ),
        CloseStep(
            "holds",
            "open" if month["expired"] else "done",
            "expired and not booked yet: {n}; the next cut books them"
            if month["expired"]
            else "all expiries are booked",
            {"n": month["expired"]},
            command=("lake", "cut") if month["expired"] else (),
        ),
    ]


def _bank(imports: Sequence[bank_report.LastImport], last: date) -> CloseStep:
    if not imports:
        return CloseStep("bank", "open", "no bank statement was imported yet")
    latest = max(imports, key=lambda each: each["imported_at"])
    behind = [each for each in imports if each["until"] < last]
    if not behind:
        return CloseStep("bank", "done", "imported to the last day", {}, latest["by"], latest["imported_at"])
    first = min(behind, key=lambda each: each["until"])
    counted: dict[str, object] = {"n": len(imports) - len(behind), "all": len(imports)}
    facts = counted | {"account": first["bank_account"], "brand": first["brand"], "day": first["until"]}
    words = "imported to the last day: {n} of {all} accounts; {account} ({brand}) only to {day}"
    return CloseStep("bank", "open", words, facts, latest["by"], latest["imported_at"])


def day_of(cut: CutFacts, at: datetime) -> date:
    """Return the day of an instant in the book's time zone."""
    return at.astimezone(ZoneInfo(cut.time_zone)).date()


def of_cut(cut: CutFacts, last: date, month: MonthInLedger | None) -> CloseStep:
    """Return whether the cut has all of the month."""
    facts: dict[str, object] = {"cut": cut.number, "n": month["later"] if month else 0}
    whole = cut.taken_at >= datetime.combine(last + timedelta(days=1), datetime.min.time(), ZoneInfo(cut.time_zone))
    if facts["n"]:
        words = "posted on its days since cut {cut}: {n}"
    elif whole:
        words = "cut {cut} has all of the month"
    else:
        words = "cut {cut} was taken before the month ended"
    state: State = "done" if whole and not facts["n"] else "open"
    return CloseStep("cut", state, words, facts, None, cut.taken_at, ("lake", "cut"))


def of_controls(control: Result | None) -> CloseStep:
    """Return whether all checks of the book hold over the month; None while they are being made."""
    if control is None:
        return CloseStep("controls", "later", "checking the book …")
    wrong = int((control.frame["state"] == "differs").sum())
    facts = {"n": wrong, "all": control.frame.height}
    if wrong:
        return CloseStep("controls", "wrong", "checks that differ: {n} of {all}", facts)
    return CloseStep("controls", "done", "all {all} checks hold", facts, None, control.cut.taken_at)


def of_closing(cut: CutFacts, last: date, month: MonthInLedger | None, *, ended: bool) -> CloseStep:
    """Return whether the last day is closed, and sealed."""
    until = month["closed_until"] if month else cut.closed_until
    night = ("nightly", "--date", str(last))
    if until is None or until < last:
        words = "days are closed until {day}" if until else "no day is closed"
        state: State = "open" if ended else "later"
        return CloseStep("closed", state, words, {"day": until}, command=night if ended else ())
    if month is None or month["seal"] is None:
        return CloseStep(
            "closed", "done", "days are closed until {day}", {"day": until}, None, month and month["closed_at"]
        )
    words = "closed, and sealed with signed seal {n}" if month["signed"] else "closed, and sealed with seal {n}"
    return CloseStep("closed", "done", words, {"n": month["seal"]}, None, month["closed_at"])


def in_home(home: Path, first: date, last: date, *, closed: bool) -> Iterator[CloseStep]:
    """Yield the steps that this machine's home knows of: reports, papers, letters."""
    yield _reports(home / "reports" / last.isoformat() / "nightly.json", last, closed=closed)
    found = Register(home / "papers").of_period(first, last)
    month = ("statements", "--month", f"{first:%Y-%m}")
    issued, sent = sum(each.issued for each in found), sum(each.sent for each in found)
    if not issued:
        state: State = "open" if closed else "later"
        yield CloseStep("papers", state, "no paper of the month was made", {}, command=month if closed else ())
        yield CloseStep("sent", "later", "nothing was sent yet")
        return
    made_at = max(_instant(each.issued_at) for each in found)
    yield CloseStep("papers", "done", "papers made: {n}", {"n": issued}, None, made_at)
    sent_at = max((_instant(each.sent_at) for each in found if each.sent_at), default=None)
    letters = () if sent == issued else (*month, "--outbox", str(home / "outbox" / f"{first:%Y-%m}"))
    yield CloseStep(
        "sent",
        "done" if sent else "open",
        "papers with a letter: {n} of {all}",
        {"n": sent, "all": issued},
        None,
        sent_at,
        letters,
    )


def _reports(file: Path, last: date, *, closed: bool) -> CloseStep:
    night = ("nightly", "--date", str(last)) if closed else ()
    try:
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        at = datetime.fromtimestamp(file.stat().st_mtime, UTC)
        steps = {step["name"]: step for step in found["steps"]}
        problems = [problem for step in found["steps"] for problem in step["problems"]]
    except (OSError, ValueError, LookupError, TypeError):
        return CloseStep(
            "reports", "open" if closed else "later", "no night of the last day is kept here", command=night
        )
    who = found.get("by") or None
    if problems:
        words, facts = "the night found problems: {n}, first: {first}", {"n": len(problems), "first": problems[0]}
        return CloseStep("reports", "wrong", words, facts, who, at, night)
    facts = steps.get("reports", {}).get("facts", {})
    made = len(facts.get("written", ())) + len(facts.get("found", ()))
    return CloseStep("reports", "done", "reports made: {n}", {"n": made}, who, at)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def months(first_day: date, last_day: date) -> list[date]:
    """Return the first days of the months between two days, the latest first."""
    counted = range(12 * first_day.year + first_day.month - 1, 12 * last_day.year + last_day.month)
    return [date(number // 12, number % 12 + 1, 1) for number in reversed(counted)]


def to_close(first_day: date, cut: CutFacts, now: datetime) -> date:
    """Return the first day of the oldest month that is over and not closed; where there is none, of the last closed."""
    since = cut.closed_until + timedelta(days=1) if cut.closed_until else first_day
    until = day_of(cut, now).replace(day=1)
    month = since.replace(day=1)
    return month if month < until else (until - timedelta(days=1)).replace(day=1)
