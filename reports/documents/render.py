"""Draw a paper: templates to HTML, HTML to PDF.

A company replaces any template or the style sheet by a file of the same name in the
folder that TIFFIN_TEMPLATES names; what is not there comes from here.
"""

from dataclasses import replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined, TemplateError
from markupsafe import Markup

from ledger.errors import Failure
from ledger.logs import log
from ledger.values.text import printable, readable
from reports.documents.act_and_invoice import ActPage, InvoicePage, ServicesPage
from reports.documents.design import Design, Kind
from reports.documents.embedded import as_json, embedded
from reports.documents.language import LANGUAGES, language
from reports.documents.logos import logo
from reports.documents.names import names as names_in
from reports.documents.page import Page
from reports.documents.seal import sealed
from reports.documents.statement import Statement
from reports.pack import current

TEMPLATES = Path(__file__).parent / "templates"
_PAGES: dict[Kind, type[Page]] = {
    "statement": Page,
    "act": ActPage,
    "invoice": InvoicePage,
    "services": ServicesPage,
}


def _on_paper(text: str) -> str:
    """Return text without what no font has: Unicode's separators of lines and paragraphs are white space."""
    return readable(text).translate({0x2028: " ", 0x2029: " "})


def _css_string(text: str) -> Markup:
    """Return text as the inside of a CSS string: every odd character escaped, none can end it."""
    text = _on_paper(text)
    return Markup("".join(c if c.isalnum() or c in " -.,·" else f"\\{ord(c):x} " for c in text))


@cache
def environment(code: str, templates: Path | None = None) -> Environment:
    """Return the templates in one language. Raises Failure for a language or a folder that is not there."""
    if code not in LANGUAGES:
        raise Failure(f"papers are written in {', '.join(LANGUAGES)}, not in {code}")
    if templates is not None and not templates.is_dir():
        raise Failure(f"TIFFIN_TEMPLATES names {templates}, which is not a folder")
    folders = [templates, TEMPLATES] if templates else [TEMPLATES]
    made = Environment(
        loader=ChoiceLoader([FileSystemLoader(folder) for folder in folders]),
        extensions=["jinja2.ext.i18n"],
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.install_gettext_translations(language(code).translations)  # type: ignore[attr-defined]
    made.filters["cssstring"] = _css_string
    return made


@cache
def stylesheet(templates: Path | None = None) -> str:
    """Return the style sheet of papers, the company's own if it has one."""
    return _source(environment("en", templates), "paper.css")


def _source(made: Environment, name: str) -> str:
    assert made.loader is not None
    return made.loader.get_source(made, name)[0]


def look(design: Design) -> str:
    """Return a fingerprint of everything but the figures that decides how a paper looks."""
    made = environment(design.language, design.templates)
    names = [name for name in made.list_templates() if name.endswith((".html", ".css", ".txt"))]
    parts = [design.language, *(f"{name}\0{_source(made, name)}" for name in sorted(names))]
    parts += [path.read_text() for path in sorted(Path(__file__).parent.glob("translations/*.po"))]
    parts.append(str(design.seal.path if design.seal else ""))
    parts.append(repr(names_in(design.language, design.templates).sections))
    return sha256("\0".join(parts).encode()).hexdigest()


def fingerprint(paper: Statement, kind: Kind, look: str) -> str:
    """Return what names this paper's content: the same figures in the same design give the same bytes."""
    brand = (paper.issuer.colour, paper.issuer.logo) if paper.issuer else ()
    return sha256(b"\0".join([look.encode(), repr(brand).encode(), as_json(paper, kind)])).hexdigest()


def html(paper: Statement, design: Design = Design()) -> str:
    """Return a paper as one HTML page, without its style sheet.

    Raises Failure when an act or an invoice has no issuer, or a company's own template is broken.
    """
    made = environment(design.language, design.templates)
    names, picture = names_in(design.language, design.templates), logo(paper, design.templates)
    page = _PAGES[design.kind](paper, design.kind, language(design.language), names=names, logo=picture)
    name = f"ru/{design.kind}.html" if page.russian and design.kind != "statement" else f"{design.kind}.html"
    try:
        return _on_paper(made.get_template(name).render(_context(page)))
    except TemplateError as error:
        if design.templates is not None and design.templates == current().templates:
            # A pack never stops a client's paper: it goes out by our own template (DECISIONS D204).
            log("a template of the pack cannot be drawn", template=name, error=str(error))
            return html(paper, replace(design, templates=None))
        raise Failure(f"the template {name} cannot be drawn: {error}") from error


def _context(page: Page) -> dict[str, Any]:
    names = ("paper", "lang", "kind", "title", "issuer", "client", "accent", "footer")
    return {"page": page, **{name: getattr(page, name) for name in names}}


def pdf(paper: Statement, design: Design = Design(), proof: bytes | None = None) -> bytes:
    """Return a paper as a PDF that is PDF/A-3a and PDF/UA-1, with its data embedded as JSON and CSV, and its proof.

    With the issuer's key it is sealed, unless it is provisional: the seal is the company's word for it.
    Raises Failure as `html` does, when no font here has a character of the paper, and when the key cannot be used.
    """
    # It loads WeasyPrint: commands that may have no paper to draw, such as `tiffin nightly`, start without it.
    from reports.documents.pdf import NoGlyph, pdf_from_html

    key = design.seal.file(paper.issuer.code) if design.seal and paper.issuer and not paper.provisional else None
    lang = language(design.language)
    try:
        drawn = pdf_from_html(
            html(paper, design),
            stylesheet(design.templates),
            made_at=paper.known_at,
            embedded=embedded(paper, design.kind, lang, proof),
            seal_name=lang.text("Seal of the issuer") if key else None,
        )
    except NoGlyph as error:
        raise Failure(f"account {paper.account}: the paper of {printable(paper.client.name)} {error}") from None
    return drawn if key is None or design.seal is None else sealed(drawn, key, design.seal.password)


def preview(paper: Statement, design: Design = Design()) -> str:
    """Return the HTML with its style sheet inside, to be looked at in a browser."""
    style = f"<style>{stylesheet(design.templates)}</style>"
    return html(paper, design).replace("<style>", f"{style}\n<style>", 1)
