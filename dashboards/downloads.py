"""A result as a file: a button for each form.

A file is made when it is requested, a large one beside the server. Streamlit gives up a download that takes minutes, so
a long PDF is begun first, which the page says, and handed out when it is there.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboards import access, file_workers
from dashboards.refusals import on_screen
from dashboards.translations import as_markdown, language, sentence, tr
from ledger.errors import Failure
from reports.core.forms import FORMS, MEDIA_TYPES, Form, Language
from reports.core.result import Result
from reports.explain import parameters_of
from reports.formats import rendered
from reports.formats.html import MOST_PDF_ROWS

LONG_ROWS = 500
"""A page or a workbook of more rows is not written by the server, and a PDF is begun first."""


def downloads(result: Result, *, key: str) -> None:
    """Draw the buttons."""
    first, last = result.parameters.days
    name = f"{result.report.name}-{first}" + ("" if first == last else f"-{last}")
    rows = result.frame.height
    for column, form in zip(st.columns(len(FORMS) + 2), FORMS, strict=False):
        button = partial(_button, column, form, f"{name}.{form}", key=f"{key}-{form}")
        if form == "pdf" and rows > MOST_PDF_ROWS:
            button(b"", disabled=True, help=tr("too many rows for a PDF"))
        elif form == "pdf" and rows > LONG_ROWS:
            _long(column, button, result, key=f"{key}-{form}")
        else:
            beside = form == "pdf" or (rows > LONG_ROWS and form in ("xlsx", "html"))
            button(partial(file_workers.file_of if beside else _here, result, form, language()))


def _here(result: Result, form: str, language: Language) -> bytes:
    return rendered(result, form, language=language)


def _button(column: DeltaGenerator, form: Form, name: str, data: Any, *, key: str, **options: Any) -> None:
    column.download_button(
        form.upper(), data, name, MEDIA_TYPES[form], key=key, on_click="ignore", width="stretch", **options
    )


def _long(column: DeltaGenerator, button: Callable[..., None], result: Result, *, key: str) -> None:
    """Draw the button of a long PDF: one that begins it, one that turns, or one that hands it out."""
    given = tuple(parameters_of(result).items())
    name = (result.cut.number, access.person().brands, result.report.name, given, language())
    making = file_workers.being_made(name)
    if making is None:
        begin = partial(file_workers.begin, name, result, "pdf", language())
        column.button(
            "PDF", key=f"{key}-begin", on_click=begin, width="stretch", help=tr("takes a while; the page stays usable")
        )
    elif not making.done():
        column.button("PDF", key=f"{key}-begun", disabled=True, icon="spinner", width="stretch")
        _being_made(name)
    else:
        try:
            button(file_workers.waited(making), icon=":material/check:")
        except Failure as failure:
            file_workers.forget(name)
            st.error(as_markdown(on_screen(failure)), icon=":material/error:")


@st.fragment(run_every=1.0)
def _being_made(name: Any) -> None:
    making = file_workers.being_made(name)
    if making is None or making.done():
        st.rerun()
    st.html(f"<span class='tiffin-open'>● {sentence('the PDF is being made …')}</span>")
