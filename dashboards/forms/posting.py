"""A form's life: filled in, quoted, confirmed, answered.

A form has one key until it is answered, that of its draft: a second click, a reload or a
broken connection sends the same key again, and the ledger replays its first answer. Where
money would be gone for good, the ledger's quote is shown, and only what was quoted is posted (DECISIONS D59).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

import streamlit as st

from dashboards import access, display, links
from dashboards.forms import approvals, drafts
from dashboards.forms.drafts import Draft
from dashboards.forms.fields import Fields, Given
from dashboards.refusals import refusal, translated
from dashboards.translations import as_markdown, sentence, tr
from ledger.administration.administration_lines import Record
from ledger.core.commands import Command
from ledger.core.outcomes import Declined, Done, Invalid, Posted
from ledger.errors import Failure
from ledger.food.core import commands
from ledger.food.postgres.post_orders import Desk
from ledger.postgres import desk_queries, four_eyes
from ledger.postgres import drafts as saved_drafts
from ledger.postgres.database import server_url
from ledger.postgres.post import Ledger
from ledger.settings import Settings
from ledger.values.money import decimal

Outcome = Posted | Declined | Invalid | Done
REPEATED = ("amount", "brand", "channel", "reason", "note")
"""What was written that the quote does not show by itself."""
Fill = Callable[[Fields], Given]


connected = access.reading


@contextmanager
def _desk(action: access.Action = "post") -> Iterator[Desk]:
    access.require(action)
    desk = Desk(Ledger(server_url(Settings())))
    try:
        yield desk
    finally:
        desk.close()


def command(kind: str, fill: Fill, *, about: object = "", sure: bool = False, columns: int = 3) -> None:
    """Draw the form of one command until it is answered; `fill` draws its fields and returns what they come to.

    Forms of one kind about different things are different forms. `sure`: it is posted after its quote was seen.
    """
    form = f"{kind} {about}".rstrip()
    draft = drafts.of(form)
    if _answered(draft) or _quoted(draft):
        return
    with st.form(form):
        given = fill(Fields(form, columns))
        posted = False
        with st.container(horizontal=True):
            checked = st.form_submit_button(sentence("Check"), type="primary" if sure else "secondary")
            if not sure:
                posted = st.form_submit_button(sentence("Post"), type="primary")
    if checked or posted:
        given = {"type": kind, **given, "by": access.person().login}
        _pressed(draft, given, post=posted, sure=sure)
    for outcome in st.session_state.pop(f"outcomes {form}", ()):
        show(outcome)


def _pressed(draft: Draft, given: Given, *, post: bool, sure: bool) -> None:
    """Quote or post what was filled in; the same again within minutes needs confirmation."""
    _unless_answered(draft)
    saved = drafts.keep(draft, [given], _same(given))
    quote = _outcome_of(draft, given, post=False)
    if isinstance(quote, Posted) and not quote.replayed:
        with access.reading() as connection:
            again = saved_drafts.similar(connection, saved)
        if sure or (post and again):
            draft.stage["quoted"] = given, quote, again
            st.rerun()
    if post:
        _settle(draft, _outcome_of(draft, given, post=True), quote)
    show(quote, quoted=True)


def _unless_answered(draft: Draft) -> None:
    """Show the answer instead, if another tab, or a run that was broken off, got one under the draft's key."""
    with access.reading() as connection:
        if saved_drafts.posted(connection, draft.key) is not None:
            draft.saved, draft.seen, draft.stage = saved_drafts.find(connection, draft.id), False, {}
            st.rerun()


def _quoted(draft: Draft) -> bool:
    """Show what was quoted, to be posted or changed; return whether it still waits for that."""
    if "quoted" not in draft.stage:
        return False
    given, outcome, again = draft.stage["quoted"]
    with st.container(border=True):
        show(outcome, quoted=True)
        written = [f"{translated(name)} **{as_markdown(given[name])}**" for name in REPEATED if name in given]
        st.caption(" · ".join([sentence(given["type"]), *written]))
        if again:
            note = "the same amount was posted by you a few minutes ago, as transaction {n}: is this another one?"
            st.warning(sentence(tr(note, n=again[-1][0])), icon=":material/content_copy:")
        with st.container(horizontal=True):
            label = sentence("Post once more") if again else sentence("Post")
            posted = st.button(label, type="primary", key=f"post {draft.form}")
            changed = st.button(sentence("Change"), key=f"change {draft.form}")
    if posted:
        _unless_answered(draft)
        _settle(draft, _outcome_of(draft, given, post=True), outcome)
    if changed:
        del draft.stage["quoted"]
        st.rerun()
    return True


def _ask(draft: Draft, quoted: Mapping[str, Any]) -> NoReturn:
    """Let the draft wait for another person."""
    with access.writing() as connection:
        saved_drafts.ask(connection, draft.id, quoted)
    draft.seen, draft.stage = False, {}
    st.rerun()


def _same(given: Given) -> str:
    """Return what two drafts have in common that are probably one: the command's kind, account and amount."""
    account = given.get("account", given.get("transaction", given.get("debit", given.get("payment", ""))))
    if isinstance(account, str) and "account" in given:
        with access.reading() as connection, suppress(Failure):  # reported when it is posted
            account = desk_queries.account(connection, account)["number"]
    try:
        amount = f"{Decimal(str(given['amount'])):.2f}"
    except (KeyError, InvalidOperation):
        amount = str({name: value for name, value in sorted(given.items()) if name not in ("note", "by", "key")})
    return f"{given['type']} {account or given.get('brand', '')} {amount}"


def _outcome_of(draft: Draft, given: Given, *, post: bool) -> Outcome:
    access.require("post")
    return outcome_of(draft.key, given, post=post, action="post")


def outcome_of(key: str, given: Mapping[str, Any], *, post: bool, action: access.Action = "approve") -> Outcome:
    """Return what the ledger answers, or would answer, to what a draft sends."""
    try:
        parsed = commands.parse({**given, "key": key})
    except ValueError as error:
        return Invalid(message=str(error))
    assert isinstance(parsed, Command)
    with _desk(action) as desk:
        (outcome,) = desk.post([parsed]) if post else desk.quote([parsed])
    return outcome


def outcomes_of(lines: Mapping[str, Given], *, post: bool) -> dict[str, Outcome]:
    """Return what the ledger answers, or would answer, to commands by key. Raises ValueError for what is none."""
    parsed = [commands.parse({**line, "key": key}) for key, line in lines.items()]
    with _desk() as desk:
        wanted = [each for each in parsed if isinstance(each, Command)]
        outcomes = desk.post(wanted) if post else desk.quote(wanted)
    return dict(zip(lines, outcomes, strict=True))


def _settle(draft: Draft, outcome: Outcome, quote: Outcome) -> NoReturn:
    """Keep a posting on the screen with its key; after a refusal the next attempt has a key of its own.

    What needs another person waits for one, with its quote.
    """
    if isinstance(outcome, four_eyes.Alone):
        _ask(draft, quote.to_json())
    draft.stage.pop("quoted", None)
    if isinstance(outcome, Posted):
        draft.stage["answer"] = outcome
        drafts.settle(draft, "answered")
    else:
        st.session_state[f"outcomes {draft.form}"] = [outcome]
        if isinstance(outcome, Declined):
            drafts.settle(draft, "answered")
            drafts.renew(draft.form, empty=False)
    st.rerun()


def answered(kind: str, about: object) -> bool:
    """Return whether a form was answered, and its answer is still to be shown."""
    draft = drafts.of(f"{kind} {about}".rstrip())
    if "answer" not in draft.stage:
        draft.seen = False
        _look(draft)
    return "answer" in draft.stage


def _look(draft: Draft) -> None:
    """Ask the ledger once what became of a draft; another session, or a tab, may have sent it."""
    if draft.seen:
        return
    draft.seen = True
    with access.reading() as connection:
        draft.saved = saved_drafts.find(connection, draft.id)
        if draft.saved is None:
            return
        number = saved_drafts.posted(connection, draft.key)
        request = saved_drafts.approval_request(connection, draft.key)
    if number is None and request is not None:
        draft.stage["request"] = request
        return
    if number is None:
        draft.stage["unposted"] = draft.saved.state != "answered"
        return
    outcome = _outcome_of(draft, dict(draft.saved.lines[0]), post=False)
    if isinstance(outcome, Posted):
        draft.stage["answer"] = outcome
    else:
        st.session_state[f"outcomes {draft.form}"] = [outcome]
        drafts.renew(draft.form, empty=False)
        st.rerun()


def _answered(draft: Draft, unanswered: str = "not posted yet: what was typed is here again") -> bool:
    _look(draft)
    if "request" in draft.stage and "answer" not in draft.stage:
        approvals.show_state(draft.stage["request"])
        if st.button(sentence("Another one"), key=f"another {draft.form}"):
            drafts.renew(draft.form, empty=True)
            st.rerun()
        return True
    if draft.stage.pop("unposted", False):
        st.info(sentence(unanswered), icon=":material/history:")
    outcome = draft.stage.get("answer")
    if outcome is None:
        return False
    show(outcome)
    if isinstance(outcome, Posted):
        target = links.Target("screens/transaction.py", {"transaction": outcome.transaction})
        links.link(target, f"{sentence('Transaction')} {outcome.transaction} →")
    if st.button(sentence("Another one"), key=f"another {draft.form}"):
        drafts.renew(draft.form, empty=True)
        st.rerun()
    return True


def terms(kind: str, fill: Callable[[Fields], Sequence[Given]], *, about: object = "", columns: int = 3) -> None:
    """Draw a form of terms; `fill` returns the administration lines to write, together.

    `about` names all that the fields start from, so that they start anew when it changes.
    """
    form = f"{kind} {about}".rstrip()
    if drafts.done_before(kind):
        st.session_state[f"outcomes {kind}"] = [Done(kind=kind, facts={})]
    draft = drafts.of(form)
    if _answered(draft, "not saved yet: what was typed is here again"):
        return
    with st.form(form):
        lines = [{**line, "by": access.person().login} for line in fill(Fields(form, columns))]
        saved = st.form_submit_button(sentence("Save"), type="primary")
    if saved:
        drafts.keep(draft, lines, form)
        since = _clock()
        outcomes = administered(lines)
        if any(isinstance(outcome, four_eyes.Alone) for outcome in outcomes):
            with access.reading() as connection:
                _ask(draft, {"terms": desk_queries.terms(connection, lines[0]["account"])})
        done = all(isinstance(outcome, Done) for outcome in outcomes)
        st.session_state[f"outcomes {kind}"] = outcomes if not done or _has_changed(lines, since) else [None]
        if done:
            drafts.settle(draft, "answered")
            drafts.renew(form, empty=False)
        st.rerun()  # what stands above the form is what it set
    for outcome in st.session_state.pop(f"outcomes {kind}", ()):
        if outcome is None:
            st.info(sentence("nothing was changed: it is so already"), icon=":material/info:")
        else:
            show(outcome)


def _clock() -> datetime:
    with access.reading() as connection:
        [(now,)] = connection.execute("SELECT clock_timestamp()").fetchall()
    assert isinstance(now, datetime)
    return now


def _has_changed(lines: Sequence[Given], since: datetime) -> bool:
    """Return whether lines that were carried out have changed anything; what the book has already is no change."""
    with access.reading() as connection:
        kinds = [line["type"] for line in lines]
        return desk_queries.changes_since(connection, access.person().login, kinds, since) > 0


def administered(lines: Sequence[Given], *, action: access.Action = "post") -> list[Outcome]:
    """Carry out lines of terms together; return what was refused of them, else the first outcome, if there is one."""
    try:
        outcomes = each_administered(lines, action=action)
    except ValueError as error:
        return [Invalid(message=str(error))]
    refused = [outcome for outcome in outcomes if not isinstance(outcome, Done)]
    return [*(refused or outcomes[:1])]


def each_administered(lines: Sequence[Given], *, action: access.Action = "post") -> list[Outcome]:
    """Carry out lines of terms together; return the outcome of each, in order. Raises ValueError for no line."""
    parsed = [commands.parse(line) for line in lines]
    with _desk(action) as desk:
        return list(desk.administer([record for record in parsed if isinstance(record, Record)]))


def show(outcome: Outcome, *, quoted: bool = False) -> None:
    """Draw what the ledger answered, or would answer."""
    match outcome:
        case Posted():
            text = tr("would be posted") if quoted else tr("posted as transaction {n}", n=outcome.transaction)
            (st.info if quoted else st.success)(sentence(text), icon=":material/check:")
            if outcome.replayed:
                st.info(sentence("the answer of the first time: nothing was posted twice"))
            _moved(outcome)
        case Declined():
            st.error(as_markdown(refusal(outcome.code, outcome.named_facts)), icon=":material/block:")
        case Done():
            st.success(sentence("done"), icon=":material/check:")
        case _:
            st.error(as_markdown(translated(outcome.message)), icon=":material/error:")


def _moved(outcome: Posted) -> None:
    with connected() as connection:
        names = desk_queries.clients(connection, [moved.account for moved in outcome.accounts])
    for moved in outcome.accounts:
        change, balance = (display.money(decimal(part)) for part in (moved.amount, moved.balance))
        named = f"{sentence('Account')} **{moved.account}** {as_markdown(names.get(moved.account, ''))}"
        st.markdown(f"{named} · {change} · {tr('balance after')} **{balance}**")
        if moved.balance < 0 and moved.amount < 0:
            st.warning(sentence("the account is below zero after it"), icon=":material/trending_down:")
