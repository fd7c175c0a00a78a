"""Make the structure tree express what the paper means: what PDF/UA requires and WeasyPrint leaves out.

Table headers get a Scope. What is repeated on each page for the eye (headers and footers of
pages, the head of a table that continues) becomes an artifact, and a table that continues over
pages is one table: nobody has to hear the same headings on every page.
"""

from collections.abc import Iterator
from typing import Any

import pydyf
from weasyprint.document import Document
from weasyprint.formatting_structure.boxes import Box, ParentBox

Node = Any  # a pydyf.Dictionary of type StructElem: pydyf has no types


def finish_tags(document: Document, pdf: pydyf.PDF) -> None:
    """Mend the structure tree of a drawn document, before it is written."""
    headers = _headers(document)
    for header in headers:
        header.mark["A"]["Scope"] = "/Row" if header.element.attrib.get("scope") == "row" else "/Column"
    gone = _Gone(pdf)
    for pages in _tables(headers, pdf).values():
        for later in pages[1:]:
            _join(pages[0], later, pdf, gone)
    gone.add(_outside(pdf))
    gone.mark()


def _number(reference: bytes | str) -> int:
    return int(reference.split()[0])


def _boxes(box: Box) -> Iterator[Box]:
    yield box
    if isinstance(box, ParentBox):
        for child in box.children:
            yield from _boxes(getattr(child, "_box", child))


def _headers(document: Document) -> list[Box]:
    boxes = (box for page in document.pages for box in _boxes(page._page_box))
    return [box for box in boxes if getattr(box, "mark", None) is not None and box.mark["S"] == "/TH"]


def _above(node: Node, kind: str, pdf: pydyf.PDF) -> Node | None:
    """Return the nearest element of that kind above, or None."""
    while node["S"] != "/Document":
        node = pdf.objects[_number(node["P"])]
        if node["S"] == kind:
            return node
    return None


def _tables(headers: list[Box], pdf: pydyf.PDF) -> dict[Any, list[Node]]:
    """Return the parts of each table with a head, a part per page, in order; by the first header's HTML element."""
    found: dict[Any, list[Node]] = {}
    for box in headers:
        if _above(box.mark, "/THead", pdf) is not None:
            parts = found.setdefault(box.element, [])
            parts.append(_above(box.mark, "/Table", pdf))
    # Every header of a table finds the same parts: the first one's are enough.
    return {parts[0].number: parts for parts in reversed(found.values())}


def _kids(node: Node, pdf: pydyf.PDF) -> list[Node]:
    return [pdf.objects[_number(kid)] for kid in node["K"] if isinstance(kid, bytes)]


def _join(first: Node, later: Node, pdf: pydyf.PDF, gone: "_Gone") -> None:
    """Hang the rows of a table's later part under its first; the repeated head goes."""
    prefix, own = f"{later.number}-", f"{first.number}-"
    for group in _kids(later, pdf):
        if group["S"] == "/THead":
            gone.add(_all(group, pdf))
            continue
        group["P"] = first.reference
        first["K"].append(group.reference)
        heads = sum(len(_kids(head, pdf)) for head in _kids(first, pdf) if head["S"] == "/THead")
        for cell in _all(group, pdf):
            if cell["S"] == "/TD":
                _point_to(cell, prefix, own, heads)
    parent = pdf.objects[_number(later["P"])]
    parent["K"].remove(later.reference)
    later["K"] = pydyf.Array()
    gone.add([later])


def _point_to(cell: Node, prefix: str, own: str, heads: int) -> None:
    """Let a cell name the headers of the first part where it named the repeated ones: rows 0 to `heads` - 1."""
    for header in cell["A"].get("Headers", ()):
        row = header.string.removeprefix(prefix).split("-")[0]
        if header.string.startswith(prefix) and int(row) < heads:
            header.string = own + header.string.removeprefix(prefix)


def _all(node: Node, pdf: pydyf.PDF) -> list[Node]:
    return [node, *(below for kid in _kids(node, pdf) for below in _all(kid, pdf))]


def _outside(pdf: pydyf.PDF) -> list[Node]:
    """Return the elements of page headers and footers: WeasyPrint makes them, but not in the tree."""
    elements: list[Node] = [one for one in pdf.objects if isinstance(one, dict) and one.get("Type") == "/StructElem"]
    inside = {kid for element in elements for kid in element["K"] if isinstance(kid, bytes)}
    roots = [one for one in elements if one["S"] != "/Document" and one.reference not in inside]
    return [below for root in roots for below in _all(root, pdf)]


class _Gone:
    """Elements to leave the tree; what they showed becomes artifacts."""

    def __init__(self, pdf: pydyf.PDF) -> None:
        self.pdf = pdf
        self.elements: dict[int, Node] = {}

    def add(self, elements: list[Node]) -> None:
        """Add elements; one may be added twice."""
        self.elements.update({element.number: element for element in elements})

    def mark(self) -> None:
        """Free the elements, and mark what they showed as artifacts in the parent tree and on the pages."""
        root = self.pdf.objects[_number(self.pdf.catalog["StructTreeRoot"])]
        tree = self.pdf.objects[_number(root["ParentTree"])]["Nums"]
        by_page: dict[bytes, set[int]] = {}
        for element in self.elements.values():
            by_page.setdefault(element["Pg"], set()).update(kid for kid in element["K"] if isinstance(kid, int))
            # Emptied, not freed: pydyf counts freed objects in the index of a stream that does not have them.
            element.clear()
        for reference, marks in by_page.items():
            page = self.pdf.objects[_number(reference)]
            nums = tree[2 * page["StructParents"] + 1]
            for mark in marks:
                nums[mark] = "null"
            _retag(self.pdf.objects[_number(page["Contents"])].stream, marks)


def _retag(stream: list[Any], marks: set[int]) -> None:
    for at, item in enumerate(stream):
        if isinstance(item, dict) and item.get("MCID") in marks:
            stream[at - 1] = b"/Artifact"
            stream[at] = pydyf.Dictionary({"Type": "/Pagination"})
