"""Close: the month's list, line by line: how it stands, who did what and when, and what is to be done next.

A button starts the `tiffin` command that does it, where the role allows it and this database user may; otherwise the
command is shown. Closing is for whoever approves, for it cannot be undone (DECISIONS D202).
"""

import shlex
from datetime import UTC, date, datetime
from functools import partial

import streamlit as st

from dashboards import access, cached_book, display, links, long_work, url_state
from dashboards.refusals import on_screen
from dashboards.translations import as_html, as_markdown, sentence, tr
from ledger.errors import Failure
from ledger.postgres.month_queries import MonthInLedger, month_in_ledger
from ledger.settings import Settings
from ledger.values.dates import month_days
from reports import month_close
from reports.month_close import CloseStep

TITLES = {
    "bank": "Bank imported",
    "waiting": "Nothing waits",
    "approvals": "Approvals decided",
    "holds": "Expired holds",
    "cut": "Cut taken",
    "controls": "Controls hold",
    "closed": "Days closed",
    "reports": "Reports made",
    "papers": "Papers made",
    "sent": "Papers sent",
}
MARKS = {"done": "✓", "open": "●", "wrong": "✗", "later": "○"}
BUTTONS = {
    "holds": "Cut now",
    "cut": "Cut now",
    "closed": "Close the month",
    "reports": "Run the night again",
    "papers": "Make the papers",
    "sent": "Write the letters",
}
OF_OWNER = ("holds", "cut", "closed", "reports")
"""What runs as the owner of the tables."""
LOOK = {
    "bank": ("screens/bank.py", "import →"),
    "waiting": ("screens/today.py", "look →"),
    "approvals": ("screens/approvals.py", "decide →"),
}


def close() -> None:
    """Draw the page."""
    book = cached_book.book()
    head, choice = st.columns([4, 1], vertical_alignment="bottom")
    head.title(sentence("Close"))
    if not book.whole:
        raise Failure("the close is about all brands together: it is for those who may see them all")
    first_day, now = cached_book.first_day(), datetime.now(UTC)
    months = [f"{day:%Y-%m}" for day in month_close.months(first_day, month_close.day_of(book.cut, book.cut.taken_at))]
    usual = f"{month_close.to_close(first_day, book.cut, now):%Y-%m}"
    month = url_state.choice(choice, "Month", months, "month", default=usual if usual in months else months[0])
    first, last = month_days(month or months[0])
    ended = month_close.day_of(book.cut, now) > last
    running = long_work.draw()
    steps, in_ledger = _steps(first, last, ended=ended)
    _headline(steps, last, ended=ended)
    with st.container(key="steps"):
        for step in steps:
            _draw(step, steps, last, is_owner=in_ledger is not None and in_ledger["is_owner"], running=running)


def _steps(first: date, last: date, *, ended: bool) -> tuple[list[CloseStep], MonthInLedger | None]:
    """Return the steps of a month, in order; those of the ledger are left out where there is only a lake."""
    cut = cached_book.book().cut
    steps: list[CloseStep] = []
    month = None
    try:
        with access.reading() as connection:
            month = month_in_ledger(connection, first, last, cut=cut.last_transaction)
            steps += month_close.in_ledger(connection, last, month)
    except Failure as failure:  # a lake alone, without the ledger that it is of
        st.caption(as_markdown(on_screen(failure)))
    control = cached_book.report_soon("control", **{"from": first, "to": last})
    closing = month_close.of_closing(cut, last, month, ended=ended)
    steps += [month_close.of_cut(cut, last, month), month_close.of_controls(control), closing]
    steps += month_close.in_home(Settings().home.resolve(), first, last, closed=closing.state == "done")
    return steps, month


def _headline(steps: list[CloseStep], last: date, *, ended: bool) -> None:
    left = [step for step in steps if step.state != "done"]
    if not left:
        st.success(sentence("everything of the month is done"), icon=":material/check:")
        return
    done = tr("steps done: {n} of {all}", n=len(steps) - len(left), all=len(steps))
    following = tr("next: {step}", step=tr(TITLES[left[0].name]))
    st.html(f"<p class='headline'>{sentence(done)} <small>{as_html(following)}</small></p>")
    if not ended:
        st.caption(sentence("the month is not over: its last day is {day}", day=last))


def _draw(step: CloseStep, steps: list[CloseStep], last: date, *, is_owner: bool, running: bool) -> None:
    zone = cached_book.book().cut.time_zone
    with st.container(key=f"step {step.name}", horizontal=True, vertical_alignment="center"):
        who = " · ".join(filter(None, (as_html(step.who or ""), display.local(step.at, zone) if step.at else "")))
        facts = {name: "–" if value is None else as_html(value) for name, value in step.facts.items()}
        st.html(
            f"<div class='step {step.state}'><i>{MARKS[step.state]}</i><b>{tr(TITLES[step.name])}</b>"
            f"<span>{tr(step.words, **facts)}</span><small>{who}</small></div>"
        )
        if step.name == "controls":
            days = {"from": last.replace(day=1), "to": last}
            if step.state == "later":
                display.checking(partial(cached_book.report_soon, "control", **days), silent=True)
            else:
                links.link(links.Target("screens/standard.py", {"report": "control", **days}), tr("look →"))
        elif step.state != "done" and step.name in LOOK:
            page, label = LOOK[step.name]
            links.link(links.Target(page, {}), tr(label))
        elif step.state != "done" or step.name == "cut":
            _action(step, steps, last, is_owner=is_owner, running=running)


def _action(step: CloseStep, steps: list[CloseStep], last: date, *, is_owner: bool, running: bool) -> None:
    """Draw the button that starts the step's command, for those who may; for all others the command."""
    if not step.command:
        return
    person, label = access.person(), sentence(BUTTONS[step.name])
    needs: access.Action = "approve" if step.name in ("closed", "reports") else "post"
    may = person.may(needs) or (step.command == ("lake", "cut") and person.may("approve"))
    without_sender = step.name == "sent" and not Settings().sender
    if not may or without_sender or (step.name in OF_OWNER and not is_owner):
        if step.state == "done":
            return
        if without_sender and may:
            st.html(f"<div class='note'>{tr('letters need a sender: TIFFIN_SENDER is not set')}</div>")
        st.code(shlex.join(("tiffin", *step.command)), language=None)
        return
    if step.name != "closed":
        st.button(label, key=f"do {step.name}", disabled=running, on_click=_start, args=(step.command, needs))
        return
    with st.popover(label, disabled=running):
        before = [one for one in steps[: steps.index(step)] if one.state != "done"]
        if before:
            st.warning(sentence("steps above are not done: {n}", n=len(before)), icon=":material/error:")
        note = (
            "days up to {day} take no more postings after this, and cannot be opened again; then the night verifies, "
            "makes the reports and the papers"
        )
        st.markdown(sentence(note, day=last))
        st.button(
            sentence("Close for good"), type="primary", key="do closed", on_click=_start, args=(step.command, needs)
        )


def _start(command: tuple[str, ...], needs: access.Action) -> None:
    if not (command == ("lake", "cut") and access.person().may("approve")):
        access.require(needs)
    long_work.start(command, access.person().login)


if __name__ == "__main__":
    close()
