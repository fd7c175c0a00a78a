"""Results as a page: HTML with everything inside; PDF from HTML, without the columns that stand aside."""

from dataclasses import replace
from functools import cache
from itertools import repeat
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from ledger.values.text import readable
from reports.core.forms import Language
from reports.core.pictures import as_image
from reports.core.result import Result, TooLarge
from reports.explain import links
from reports.formats.captions import NUMBERS, abridged, control_line, facts, shown_rows, shown_subtotals, word

MOST_PDF_ROWS = 20_000
_PORTRAIT_COLUMNS = 6


@cache
def _environment() -> Environment:
    loader = PackageLoader("reports.formats", "templates")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def _page(template: str, context: dict[str, Any]) -> str:
    return readable(_environment().get_template(template).render(context))


def html_text(result: Result, language: Language, *, dashboard: str | None = None) -> str:
    """Return the page, complete in itself; figures link to their explanations in the dashboard at that address."""
    return _page("report.html", _context(result, language, dashboard, picture=True))


def fragment(result: Result, language: Language, *, most: int = 200) -> str:
    """Return the result for a notebook's cell: at most `most` rows, with a note when there are more."""
    rows = result.frame.height
    shown = replace(result, frame=result.frame.head(most)) if rows > most else result
    context = _context(shown, language) | {
        "facts": facts(result, language),
        "subtotals": shown_subtotals(result, language),
        "left_out": f"{most} / {rows}" if rows > most else "",
    }
    return _page("fragment.html", context)


def _context(
    result: Result, language: Language, dashboard: str | None = None, *, picture: bool = False
) -> dict[str, Any]:
    columns = result.columns
    linked = links(result, dashboard) if dashboard else repeat({})
    names = [column.name for column in columns]
    return {
        "title": result.report.title(language),
        "language": language,
        "facts": facts(result, language),
        "provisional": word("provisional", language) if result.provisional else "",
        "left_out": "",
        "labels": [column.label(language) for column in columns],
        "classes": ["n" if column.kind in NUMBERS else column.kind for column in columns],
        "rows": (
            [(cell, of.get(name)) for cell, name in zip(cells, names, strict=True)]
            for cells, of in zip(shown_rows(result, language), linked, strict=False)
        ),
        "subtotals": shown_subtotals(result, language),
        "controls": [(control_line(control, language), control.holds) for control in result.controls],
        "controls_title": word("controls", language),
        "picture": as_image(result.chart(language))
        if picture and result.report.picture and result.frame.height
        else "",
        "landscape": len(columns) > _PORTRAIT_COLUMNS,
        "small": len(columns) > 2 * _PORTRAIT_COLUMNS,
    }


def pdf_bytes(result: Result, language: Language) -> bytes:
    """Return the page as PDF; TooLarge if nobody could leaf through it."""
    if result.frame.height > MOST_PDF_ROWS:
        raise TooLarge(
            f"{result.frame.height} rows are too many for a PDF, which takes {MOST_PDF_ROWS}: "
            "narrow the report, or use xlsx"
        )
    from weasyprint import HTML

    shown, left_out = abridged(result, language)
    context = _context(shown, language, picture=True)
    context["facts"] += left_out
    pdf: bytes = HTML(string=_page("report.html", context)).write_pdf()
    return pdf
