"""Many at once: rows pasted or uploaded from a spreadsheet, checked and marked one by one, quoted and posted together.

A row's key is made of its draft and of what it says, so that the same row of one draft is posted once, however often
rows are sent, and whichever of them are mended or left out in between.
"""

import csv
import hashlib
import io
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

import polars as pl
import streamlit as st

from dashboards import access, display, url_state
from dashboards.forms import drafts
from dashboards.forms.fields import Given, plain_amount
from dashboards.forms.money import named
from dashboards.forms.posting import Outcome, each_administered, outcomes_of
from dashboards.forms.sheet_rows import SHEETS, TEXTS, rows_of
from dashboards.refusals import refusal, translated
from dashboards.translations import sentence, tr
from ledger.core.outcomes import Declined, Done, Posted
from ledger.errors import Failure
from ledger.food.core import commands
from ledger.postgres import desk_queries, four_eyes
from ledger.postgres import drafts as saved_drafts
from reports.core.report import Column

MOST_ROWS = 2_000
FIELDS = {
    "account": "Account number or reference",
    "amount": "Amount",
    "brand": "Brand",
    "channel": "Channel",
    "value_date": "Bank's date (if known)",
    "payment": "Payment or refund: number or key",
    "reason": "Reason",
    "note": "Note",
    "payer": "Payer's account",
    "period": "Window",
    "count": "Count",
    "reference": "Reference",
    "name": "Name",
    "phone": "Telephone",
    "email": "E-mail",
}
KINDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "payment": ("Payment", ("account", "amount", "brand", "channel", "value_date", "note")),
    "allocate": ("Allocation", ("payment", "account", "amount", "note")),
    "adjustment": ("Correction", ("account", "amount", "brand", "reason", "note")),
    "write_off_limit": ("Write-off limits", ("payer", "account", "period", "amount", "count")),
    "employee": ("Employees", ("payer", "reference", "name", "amount", "period", "phone", "email")),
}
"""Title and columns of each kind of rows; the columns stand in this order where no heading names them."""


@dataclass(frozen=True)
class Line:
    """A row as it was given, what it sends, and what the ledger answered, or would answer, or why it is not sent."""

    number: int
    given: Given
    sends: tuple[Given, ...]
    key: str
    state: str = ""
    is_good: bool = True
    is_posted: bool = False


def many(by: str) -> None:
    """Draw the form: paste, check, mend what is marked, post the rest."""
    kind = url_state.one_of(st, "Rows of", list(KINDS), "kind", shown=lambda kind: sentence(KINDS[kind][0]))
    form = f"many {kind}"
    draft = drafts.of(form)
    names = [sentence(FIELDS[name]) for name in KINDS[kind][1]]
    st.caption(f"{tr('columns, in this order or under these headings')}: {' · '.join(names)}")
    file = st.file_uploader(sentence("a file of rows (XLSX, CSV)"), [*SHEETS, *TEXTS], key=f"file {draft.id}")
    text = st.text_area(
        sentence("rows, pasted from a spreadsheet"), key=f"{form}/text", height=220, persist_state="page"
    )
    text = rows_of(file.name, file.getvalue()) if file is not None else text
    if draft.saved is not None and (draft.saved.state == "answered" or not text.strip()):  # blank: somebody came back
        text = str(draft.saved.fields.get("text", text))
    if not text.strip():
        return
    lines = _checked(kind, read_rows(kind, text, draft.key, by))
    if len(lines) > MOST_ROWS:
        st.error(sentence("at most {n} rows at once", n=display.count(MOST_ROWS)))
        return
    _show(kind, lines)
    _post(draft, kind, text, lines)


def read_rows(kind: str, text: str, key: str, by: str) -> list[Line]:
    """Return the rows of a text, each with what it sends; blank ones are passed over."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max("\t;,", key=first.count)
    rows = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if any(cell.strip() for cell in row)]
    columns = _columns(kind, rows[0]) if rows else None
    names = columns or list(KINDS[kind][1])
    seen: Counter[str] = Counter()
    currency = cache(_currency)  # a company's employees are of its own
    lines = []
    for number, row in enumerate(rows[1:] if columns else rows, start=1):
        given = {name: cell.strip() for name, cell in zip(names, row, strict=False) if name and cell.strip()}
        said = hashlib.sha256(repr(sorted(given.items())).encode()).hexdigest()[:16]
        seen[said] += 1
        sends = tuple({**line, "by": by} for line in _sent(kind, given, currency))
        lines.append(Line(number, given, sends, f"{key}-{said}-{seen[said]}"))
    return lines


def _columns(kind: str, row: Sequence[str]) -> list[str] | None:
    """Return which column is which, if a row is a heading: in either language, or by the ledger's own names."""
    known = {label.lower(): name for name in KINDS[kind][1] for label in (name, FIELDS[name], tr(FIELDS[name]))}
    found = [known.get(cell.strip().lower(), "") for cell in row]
    return found if sum(map(bool, found)) >= 2 else None


def _sent(kind: str, given: Given, currency: Callable[[int | str | None], str | None]) -> list[Given]:
    """Return the ledger's lines for a row."""
    row = dict(given)
    row |= {"amount": plain_amount(row["amount"])} if "amount" in row else {}
    row |= {name: named(row[name]) for name in ("account", "payer") if name in row}
    row |= {"value_date": _day(row["value_date"])} if "value_date" in row else {}
    row |= {"count": int(row["count"])} if row.get("count", "").isdecimal() else {}
    if kind == "allocate":
        split = {name: row.pop(name) for name in ("account", "amount") if name in row}
        return [{"type": kind, **row, "split": [split]}]
    if kind != "employee":
        return [{"type": kind, **row}]
    reference, payer = row.get("reference"), row.get("payer")
    person: Given = {name: row[name] for name in ("name", "phone", "email") if name in row}
    limit: Given = {name: row[name] for name in ("amount", "period") if name in row}
    ends: Given = {"account": reference, "payer": payer}
    return [
        {"type": "party", "reference": reference, "kind": "individual", **person},
        {"type": "account", "reference": reference, "party": reference, "currency": currency(payer)},
        *([{"type": "write_off_limit", **ends, "period": "day", **limit}] if "amount" in limit else []),
        {"type": "link", **ends},
    ]


def _day(text: str) -> str:
    """Return a day as the ledger has it; one that is written 31.12.2026 is that day, anything else stays."""
    found = re.fullmatch(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", text)
    try:
        return date(*map(int, found.groups()[::-1])).isoformat() if found else text
    except ValueError:
        return text


def _currency(payer: int | str | None) -> str | None:
    """Return the currency of a payer's account, which is that of whoever it pays for."""
    if payer is None:
        return None
    try:
        with access.reading() as connection:
            return desk_queries.account(connection, payer)["currency"]
    except Failure:
        return None


def _checked(kind: str, lines: Sequence[Line]) -> list[Line]:
    """Return the rows with what is wrong with each; those of which nothing is are quoted together."""
    checked, quoted = [], []
    for line in lines:
        try:
            for part in line.sends:
                commands.parse({**part, "key": line.key} if kind in COMMANDS else part)
        except ValueError as error:
            checked.append(replace(line, state=translated(str(error)), is_good=False))
            continue
        checked.append(line)
        quoted.append(line)
    if kind not in COMMANDS:
        return checked
    answers = outcomes_of({line.key: line.sends[0] for line in quoted}, post=False)
    return [_answered(line, answers[line.key]) if line.key in answers else line for line in checked]


COMMANDS = ("payment", "allocate", "adjustment")
"""Kinds whose rows move money; the others are terms, of which there is no quote."""


def _answered(line: Line, outcome: Any) -> Line:
    match outcome:
        case Posted() if outcome.replayed or line.is_posted:
            return replace(line, state=tr("posted as transaction {n}", n=outcome.transaction), is_posted=True)
        case Posted() | Done():
            return line
        case Declined():
            return replace(line, state=refusal(outcome.code, outcome.named_facts), is_good=False)
        case _:
            return replace(line, state=translated(outcome.message), is_good=False)


def _show(kind: str, lines: Sequence[Line]) -> None:
    """Draw how many rows are good and what they come to; what is wrong stands above."""
    bad = [line for line in lines if not line.is_good]
    good = [line for line in lines if line.is_good]
    posted = [line for line in good if line.is_posted]
    amounts = [
        Decimal(plain_amount(line.given["amount"])) for line in good if "amount" in line.given and not line.is_posted
    ]
    parts = [f"{tr('rows: {n}', n=display.count(len(lines)))}"]
    parts += [f"**{tr('with a fault: {n}', n=display.count(len(bad)))}**"] if bad else []
    parts += [tr("posted: {n}", n=display.count(len(posted)))] if posted else []
    parts += [f"{tr('the others come to {amount}', amount=display.money(sum(amounts, Decimal(0))))}"] if amounts else []
    st.markdown(" · ".join(parts))
    if bad:
        st.error(sentence("rows with a fault are not posted: mend them here, or in the spreadsheet"))
        _table(kind, bad, key="bad rows")
    if good:
        _table(kind, good, key="good rows")


def _table(kind: str, lines: Sequence[Line], *, key: str) -> None:
    columns = [
        Column("number", "number", "Row", "Строка"),
        Column("state", "text", "State", "Состояние"),
        *(Column(name, "text", FIELDS[name], tr(FIELDS[name])) for name in KINDS[kind][1]),
    ]
    rows = [[line.number, line.state, *(line.given.get(name) for name in KINDS[kind][1])] for line in lines]
    schema = {column.name: pl.Int64 if column.kind == "number" else pl.String for column in columns}
    display.table(pl.DataFrame(rows, schema=schema, orient="row"), columns, key=key, hide_empty=True, rows=12)


def _as_text(kind: str, lines: Sequence[Line]) -> str:
    written = io.StringIO()
    rows = csv.writer(written, delimiter="\t", lineterminator="\n")
    rows.writerows([line.given.get(name, "") for name in KINDS[kind][1]] for line in lines)
    return written.getvalue()


def _post(draft: drafts.Draft, kind: str, text: str, lines: Sequence[Line]) -> None:
    """Post the good rows on request, each under its own key; what was sent before is asked about."""
    if alone := st.session_state.pop(f"alone {draft.form}", ()):
        note = "rows {numbers} need another person, who agrees to each by itself: post them on their own form"
        st.warning(sentence(note, numbers=", ".join(map(str, alone))), icon=":material/group:")
    new = [line for line in lines if line.is_good and not line.is_posted]
    bad = [line for line in lines if not line.is_good]
    if not new:
        label = "mend the rows with a fault" if bad else "Another one"
        if st.button(sentence(label), key=f"another {draft.form}"):
            drafts.renew(draft.form, empty=True)
            if bad:
                st.session_state[f"{draft.form}/text"] = _as_text(kind, bad)
            st.rerun()
        return
    same = hashlib.sha256(text.encode()).hexdigest()
    with access.reading() as connection:
        again = saved_drafts.sent_lately(connection, draft.id, access.person().login, same)
    if again:
        st.warning(sentence("you have posted the same rows a few minutes ago"), icon=":material/content_copy:")
    label = "post {n} rows once more" if again else "post {n} rows"
    if not st.button(sentence(label, n=display.count(len(new))), type="primary", key=f"post {draft.form}"):
        return
    sends: list[Mapping[str, Any]] = [part for line in new for part in line.sends]
    drafts.keep(draft, [dict(part) for part in sends], same, text=text)
    with st.spinner(sentence("posting …")):
        if kind in COMMANDS:
            outcomes = outcomes_of({line.key: line.sends[0] for line in new}, post=True)
            alone = [line.number for line in new if isinstance(outcomes[line.key], four_eyes.Alone)]
            st.session_state[f"alone {draft.form}"] = alone
        else:
            saved = _saved(new, each_administered([dict(part) for part in sends]))
    drafts.settle(draft, "answered")
    if kind in COMMANDS:
        st.rerun()
    if refused := [line for line in saved if not line.is_good]:
        st.error(sentence("these rows were refused: mend them"), icon=":material/block:")
        _table(kind, refused, key="refused rows")
    if done := len(saved) - len(refused):
        st.success(sentence("rows saved: {n}", n=display.count(done)), icon=":material/check:")


def _saved(lines: Sequence[Line], outcomes: Sequence[Outcome]) -> list[Line]:
    """Return the rows with what was refused of each, if anything was; a row may have sent several lines."""
    left = iter(outcomes)
    answers = [[next(left) for _ in line.sends] for line in lines]
    refused = [next((one for one in parts if not isinstance(one, Done)), None) for parts in answers]
    return [line if one is None else _answered(line, one) for line, one in zip(lines, refused, strict=True)]
