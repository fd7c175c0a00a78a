"""Fields of the desk's forms, side by side, and what a person writes into them as the ledger's JSON has it.

A field's key starts with its form's name; what was written stays while another form, or a quote, is on the page.
"""

import re
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import streamlit as st

from dashboards.translations import language, sentence, tr

Given = dict[str, Any]


class Fields:
    """The fields of one form; `given` are their values, blanks left out."""

    def __init__(self, form: str, columns: int = 3) -> None:
        self.form = form
        self.given: Given = {}
        self._columns = columns
        self._row: list[Any] = []

    def text(self, name: str, label: str, default: str = "", *, blank: str = "") -> str:
        """Draw a line of text."""
        start = "" if self._is_kept(name) else default
        written = self._place().text_input(
            sentence(label), start, placeholder=tr(blank) if blank else None, **self._kept(name)
        )
        return str(self._keep(name, written.strip()))

    def amount(self, name: str, label: str, default: str = "", *, blank: str = "") -> str:
        """Draw an amount, and return it in plain notation if it is one."""
        shown = default.replace(".", ",") if language() == "ru" else default
        return str(self._keep(name, plain_amount(self.text(name, label, shown, blank=blank))))

    def number(self, name: str, label: str, default: int | None = None, *, blank: str = "") -> int | str | None:
        """Draw a whole number; what is none is returned as it was written, for the ledger to refuse."""
        written = self.text(name, label, "" if default is None else str(default), blank=blank)
        number = int(written) if written.isdecimal() and len(written) < 10 else written or None
        self._keep(name, number)
        return number

    def choice(
        self,
        name: str,
        label: str,
        options: Sequence[Any],
        default: Any = None,
        *,
        shown: Callable[[Any], str] = tr,
    ) -> Any:
        """Draw a choice of one; nothing is chosen without a default."""
        self._only(name, options)
        place = options.index(default) if default in options and not self._is_kept(name) else None
        chosen = self._place().selectbox(
            sentence(label), options, place, format_func=shown, placeholder=tr("choose"), **self._kept(name)
        )
        return self._keep(name, chosen)

    def several(
        self,
        name: str,
        label: str,
        options: Sequence[Any],
        default: Sequence[Any] = (),
        *,
        blank: str,
        shown: Callable[[Any], str] = str,
    ) -> list[Any]:
        """Draw a choice of any of them."""
        self._only(name, options)
        known = [] if self._is_kept(name) else [option for option in default if option in options]
        chosen: list[Any] = self._place().multiselect(
            sentence(label), options, known, format_func=shown, placeholder=tr(blank), **self._kept(name)
        )
        self._keep(name, chosen or None)
        return chosen

    def day(self, name: str, label: str, default: date | None = None) -> date | None:
        """Draw a day that need not be chosen."""
        start = None if self._is_kept(name) else default
        chosen: date | None = self._place().date_input(sentence(label), start, format="YYYY-MM-DD", **self._kept(name))
        self._keep(name, chosen and chosen.isoformat())  # as JSON has it: a draft is kept as such
        return chosen

    def _place(self) -> Any:
        # Row by row: where columns stand one below the other, as on a telephone, the order stays.
        self._row = self._row or list(st.columns(self._columns))
        return self._row.pop(0)

    def _is_kept(self, name: str) -> bool:
        """Return whether the field has a value already: typed before, or of a draft."""
        return f"{self.form}/{name}" in st.session_state

    def _only(self, name: str, options: Sequence[Any]) -> None:
        """Drop what was chosen before and is no option any more."""
        kept = st.session_state.get(f"{self.form}/{name}")
        chosen = kept if isinstance(kept, list) else [kept]
        if kept is not None and not all(option in options for option in chosen):
            del st.session_state[f"{self.form}/{name}"]

    def _kept(self, name: str) -> dict[str, Any]:
        return {"key": f"{self.form}/{name}", "persist_state": "page"}

    def _keep(self, name: str, value: Any) -> Any:
        if value in (None, ""):
            self.given.pop(name, None)
        else:
            self.given[name] = value
        return value


def forget(form: str) -> None:
    """Empty the form's fields."""
    for key in [key for key in st.session_state if str(key).startswith(f"{form}/")]:
        del st.session_state[key]


def plain_amount(text: str) -> str:
    """Return an amount as the ledger reads it: without blanks between digits, in Russian with a point for its comma.

    What is no amount comes back as it was written, for the ledger to refuse.
    """
    tight = re.sub(r"(?<=\d)[ \u00a0\u202f](?=\d)", "", text.strip()).replace("\u2212", "-")
    return re.sub(r"^([+-]?\d+),(\d{1,2})$", r"\1.\2", tight) if language() == "ru" else tight
