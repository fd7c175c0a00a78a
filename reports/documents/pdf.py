"""HTML to one PDF that is PDF/A-3a (ISO 19005-3) and PDF/UA-1 (ISO 14289-1) at once.

WeasyPrint makes one standard at a time, so what the other requires is added here: the
PDF/UA identifier inside the same rdf:RDF, and tags that make sense (`tagging`). The same
HTML and files give the same bytes, on any day: every date in the file is the one passed in (DECISIONS D45).
"""

import gc
import logging
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from io import BytesIO
from threading import get_ident
from typing import Any
from xml.etree.ElementTree import Element, SubElement, fromstring, register_namespace, tostring

import pydyf
from weasyprint import CSS, DEFAULT_OPTIONS, Attachment
from weasyprint.logger import LOGGER
from weasyprint.pdf import VARIANTS, generate_pdf
from weasyprint.pdf.metadata import DocumentMetadata
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import URLFetcher

from ledger.values.text import printable
from reports.documents.embedded import Embedded
from reports.documents.markup import Markup
from reports.documents.seal import add_field
from reports.documents.tagging import finish_tags

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_UA = "http://www.aiim.org/pdfua/ns/id/"
_EXTENSION = "http://www.aiim.org/pdfa/ns/extension/"
_SCHEMA = "http://www.aiim.org/pdfa/ns/schema#"
_PROPERTY = "http://www.aiim.org/pdfa/ns/property#"
_VARIANT = "pdf/a-3a"
for _prefix, _url in (("pdfaExtension", _EXTENSION), ("pdfaSchema", _SCHEMA), ("pdfaProperty", _PROPERTY)):
    register_namespace(_prefix, _url)


class NoGlyph(Exception):
    """A page has characters that no installed font can print: it would show boxes in their place."""

    def __init__(self, characters: Iterable[str]) -> None:
        named = ", ".join(f"{printable(one)} (U+{ord(one):04X})" for one in sorted(characters)[:5])
        super().__init__(f"has {named}, which no installed font can print: bin/setup names the packages of fonts")


class _Metadata(DocumentMetadata):  # type: ignore[misc]  # WeasyPrint has no types
    """The XMP of a paper: PDF/A's by WeasyPrint, PDF/UA's added to the same rdf:RDF."""

    def generate_rdf_metadata(self, *arguments: Any) -> bytes:
        rdf = fromstring(super().generate_rdf_metadata(*arguments))
        part = SubElement(rdf, f"{{{_RDF}}}Description", {f"{{{_RDF}}}about": ""})
        SubElement(part, f"{{{_UA}}}part").text = "1"
        rdf.append(_extension_schema())
        return bytes(tostring(rdf, encoding="utf-8"))

    def include_in_pdf(self, pdf: Any, variant: str, version: int, conformance: str, compress: bool) -> None:
        # ISO 19005 wants metadata that a plain text search can find: never compressed.
        super().include_in_pdf(pdf, variant, version, conformance, compress=False)


def _resource(parent: Element, tag: str) -> Element:
    return SubElement(parent, tag, {f"{{{_RDF}}}parseType": "Resource"})


def _extension_schema() -> Element:
    """Return the description of pdfuaid:part that ISO 19005-3, 6.6.2.3 requires."""
    description = Element(f"{{{_RDF}}}Description", {f"{{{_RDF}}}about": ""})
    schemas = SubElement(SubElement(description, f"{{{_EXTENSION}}}schemas"), f"{{{_RDF}}}Bag")
    schema = _resource(schemas, f"{{{_RDF}}}li")
    for name, text in (
        ("schema", "PDF/UA identification schema"),
        ("namespaceURI", _UA),
        ("prefix", "pdfuaid"),
    ):
        SubElement(schema, f"{{{_SCHEMA}}}{name}").text = text
    properties = SubElement(SubElement(schema, f"{{{_SCHEMA}}}property"), f"{{{_RDF}}}Seq")
    part = _resource(properties, f"{{{_RDF}}}li")
    conforms = "Part of ISO 14289 that the file conforms to"
    part_of = {"name": "part", "valueType": "Integer", "category": "internal", "description": conforms}
    for name, text in part_of.items():
        SubElement(part, f"{{{_PROPERTY}}}{name}").text = text
    return description


class _Finished(pydyf.Object):  # type: ignore[misc]  # pydyf has no types
    """An object that no longer changes, as its bytes: the file and its identifier need each of them."""

    def __init__(self, made: pydyf.Object) -> None:
        super().__init__()
        self.number, self.generation, self.free = made.number, made.generation, made.free
        self._data, self._compressible = b"" if made.free == "f" else made.data, made.compressible

    @property
    def data(self) -> bytes:
        return bytes(self._data)

    @property
    def compressible(self) -> bool:
        return bool(self._compressible)


def _write(pdf: pydyf.PDF) -> bytes:
    """Return the file of a document that is done; its objects are not looked at again."""
    for item in pdf.objects:
        if isinstance(item, pydyf.Stream) and "Interpolate" in item.extra:
            item.extra["Interpolate"] = "false"  # ISO 19005-3, 6.2.8: a reader must not smooth pictures
    pdf.objects = [_Finished(one) for one in pdf.objects]
    file = BytesIO()
    pdf.write(file, b"1.7", identifier=True, compress=True)
    return file.getvalue()


def stream_bytes(stream: pydyf.Stream) -> bytes:
    """Return a stream's bytes, compressed where requested, and never with a carriage return at the end.

    The line feed before `endstream` would make of that an end of line of two bytes, and a
    validator that measures the stream by it finds another length than the one declared.
    """
    content = b"\n".join(pydyf._to_bytes(item) for item in stream.stream)
    extra = pydyf.Dictionary(stream.extra.copy())
    if stream.compress:
        # Level 6 costs a third of WeasyPrint's 9 and gives papers one percent larger.
        packed = zlib.compress(content, 6)
        if packed.endswith(b"\r") and extra.get("Type") == "/ObjStm":
            packed = zlib.compress(content + b"\n", 6)  # white space after the last object has no meaning
        if not packed.endswith(b"\r"):
            content, extra["Filter"] = packed, "/FlateDecode"
    extra["Length"] = len(content)
    return b"\n".join((extra.data, b"stream", content, b"endstream"))


def _page_references(pdf: pydyf.PDF) -> tuple[bytes, ...]:
    """Return what names each page: made again when one is added, and not for every tag of a long paper."""
    numbers = pdf.pages["Kids"][::3]
    known: tuple[bytes, ...] = vars(pdf).get("_known_references", ())
    if len(known) != len(numbers):
        known = pdf._known_references = tuple(b"%d 0 R" % number for number in numbers)
    return known


pydyf.PDF.page_references = property(_page_references)
pydyf.Stream.data = property(stream_bytes)


@cache
def _fonts() -> FontConfiguration:
    return FontConfiguration()


@cache
def _stylesheet(css: str) -> CSS:
    """Return the parsed style sheet: parsed once a process, it is most of a short paper's cost."""
    # Only a company writes its style sheet: its own fonts are files.
    own = URLFetcher(allowed_protocols={"data", "file"}, fail_on_errors=False)
    return CSS(string=css, font_config=_fonts(), url_fetcher=own)


def pdf_from_html(
    html: str, css: str, *, made_at: datetime, embedded: Sequence[Embedded] = (), seal_name: str | None = None
) -> bytes:
    """Return the PDF of a page of HTML; its title and language are those of the HTML.

    `made_at` is the only date in the file. Each embedded file has the relationship Data. With a `seal_name` there is
    an empty field to sign, of that name to readers.
    """
    stamp = made_at.astimezone(UTC).replace(tzinfo=None, microsecond=0)
    with _seldom_collecting(), _unprintable() as boxes:
        pdf = _drawn(html, css, stamp=stamp, embedded=embedded)
        if boxes:
            raise NoGlyph(boxes)
        if seal_name is not None:
            add_field(pdf, seal_name)
        return _write(pdf)


@contextmanager
def _unprintable() -> Iterator[set[str]]:
    """Collect the characters that WeasyPrint, in this thread, has no glyph for: it draws a box and logs a warning."""
    found: set[str] = set()
    thread = get_ident()

    def note(record: logging.LogRecord) -> bool:
        if record.thread == thread and record.msg.startswith(".notdef") and isinstance(record.args, tuple):
            found.add(str(record.args[0]))
        return True

    LOGGER.addFilter(note)
    try:
        yield found
    finally:
        LOGGER.removeFilter(note)


@contextmanager
def _seldom_collecting() -> Iterator[None]:
    """Look for garbage less often: WeasyPrint makes many objects that live until the paper is done (DECISIONS D49)."""
    usual = gc.get_threshold()
    gc.set_threshold(100_000, 20, 20)
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def _drawn(html: str, css: str, *, stamp: datetime, embedded: Sequence[Embedded]) -> pydyf.PDF:
    document = Markup(html, css).render(stylesheets=[_stylesheet(css)], font_config=_fonts(), pdf_variant=_VARIANT)
    # An Attachment can be read once, so each paper gets its own.
    stamps = {"created": stamp, "modified": stamp, "relationship": "Data"}
    attachments = [
        Attachment(string=item.content, name=item.name, description=item.description, **stamps) for item in embedded
    ]
    metadata = vars(document.metadata) | {"created": f"{stamp:%Y-%m-%dT%H:%M:%SZ}"}
    document.metadata = _Metadata(**metadata | {"modified": metadata["created"]})
    options = DEFAULT_OPTIONS | VARIANTS[_VARIANT][1] | {"pdf_variant": _VARIANT, "attachments": attachments}
    pdf = generate_pdf(document, None, 1, **options)
    finish_tags(document, pdf)
    return pdf
