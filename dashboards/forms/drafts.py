"""The draft behind a form on the screen: its id is in the URL, what was typed into it is in the ledger's database.

A form has one draft until it is answered. A second click, a reload, Back, a second tab, or a server that was killed
and started again come upon the same draft, and so upon the same key (DECISIONS D170).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import streamlit as st

from dashboards import access, url_state
from dashboards.forms.fields import Given, forget
from ledger.postgres import drafts
from ledger.postgres.drafts import Draft as Saved

PARAMETER = "draft"


@dataclass
class Draft:
    """A form's draft in this session: what was quoted, what was answered, and what of it is in the database."""

    id: UUID
    form: str
    saved: Saved | None = None
    seen: bool = False
    stage: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Return the key that it is posted under."""
        return f"desk-{self.id}"


def of(form: str) -> Draft:
    """Return the form's draft: the one in the URL, else the session's, else a new one."""
    mine: dict[str, Draft] = st.session_state.setdefault("drafts", {})
    wanted = _uuid(url_state.get(PARAMETER))
    if wanted is not None and all(draft.id != wanted for draft in mine.values()):
        _arrive(mine, form, wanted)
    draft = mine.setdefault(form, Draft(uuid4(), form))
    url_state.remember(PARAMETER, draft.id)
    return draft


def _arrive(mine: dict[str, Draft], form: str, wanted: UUID) -> None:
    """Take over the draft that the URL names, if it is this person's and of this form, with what was typed."""
    with access.reading() as connection:
        saved = drafts.find(connection, wanted)
    if saved is None:
        mine[form] = Draft(wanted, form)
    elif (saved.form, saved.who) == (form, access.person().login):
        mine[form] = Draft(wanted, form, saved)
        forget(form)
        for name, value in saved.fields.items():
            st.session_state[f"{form}/{name}"] = _read(value)


def done_before(kind: str) -> bool:
    """Return whether the draft that the URL names is of terms of this kind, and was carried out; it is let go then.

    Terms that were saved are another form already, whose fields start from them.
    """
    wanted = _uuid(url_state.get(PARAMETER))
    if wanted is None or any(draft.id == wanted for draft in st.session_state.get("drafts", {}).values()):
        return False
    with access.reading() as connection:
        saved = drafts.find(connection, wanted)
        if saved is None or saved.who != access.person().login or saved.form.split()[0] != kind:
            return False
        done = drafts.carried_out(connection, saved) or (
            saved.state == "answered" and drafts.approval_request(connection, saved.key) is None
        )
    if done:
        url_state.remember(PARAMETER, None)
    return done


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None


def keep(draft: Draft, lines: Sequence[Given], same: str, **uploaded: str) -> Saved:
    """Save what was typed or uploaded, before anything is posted. Raises Failure when it was decided on meanwhile."""
    access.require("post")
    prefix = f"{draft.form}/"
    fields = {
        str(name).removeprefix(prefix): _written(value)
        for name, value in st.session_state.items()
        if str(name).startswith(prefix) and value not in (None, "", [])
    }
    saved = Saved(draft.id, access.person().login, draft.form, fields | uploaded, [*lines], same)
    with access.writing() as connection:
        drafts.save(connection, saved)
    draft.saved, draft.seen = saved, True
    return saved


def settle(draft: Draft, state: drafts.State) -> None:
    """Write what became of it."""
    with access.writing() as connection:
        drafts.settle(connection, draft.id, state)


def renew(form: str, *, empty: bool) -> None:
    """Give the form a new draft, and with it a new key; what was typed stays unless it is to be `empty`."""
    st.session_state["drafts"].pop(form, None)
    url_state.remember(PARAMETER, None)
    if empty:
        forget(form)


def _written(value: Any) -> Any:
    return {"day": value.isoformat()} if isinstance(value, date) else value


def _read(value: Any) -> Any:
    return date.fromisoformat(value["day"]) if isinstance(value, dict) else value
