"""A drawn paper as others find it: validators, a reader of its text, a screen reader, a phone.

What a validator guesses wrong is answered here (DECISIONS D50).
"""

import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import outloud
import page
import pikepdf
import zxingcpp
from PIL import Image

from reports.documents.language import language


def complaints(file: Path) -> list[str]:
    """Return what two validators say against a paper: of PDF/A-3a and PDF/UA-1, and of sense when read aloud."""
    found = []
    for profile in ("pdfa-3a", "ua1"):
        report = page.validate_pdf(file, profile=profile, limits=page.SafetyLimits.unlimited())
        found += [f"{profile} {failure.rule_id}: {failure.message}" for failure in report.failures]
        if not report.is_compliant and not report.failures:
            found.append(f"{profile}: not compliant")
    heard = outloud.check(str(file))
    if heard.error:
        found.append(f"outloud: {heard.error}")
    # PAG-001 is a guess: rows alike but for their figures, high or low on three pages, are taken for running
    # headers. What it is about, that a reader hears no header or footer again on each page, is looked up instead.
    found += [
        f"outloud {one.rule}: {one.message} {one.evidence or ''}"
        for one in heard.findings
        if one.severity != "info" and one.rule != "PAG-001"
    ]
    return found + [f"read on every page: {words}" for words in heard_again(file)]


def heard_again(file: Path) -> list[str]:
    """Return what stands at the head or foot of pages for the eye, and is read again on a later page."""
    pages = [[line.strip() for line in page_.splitlines() if line.strip()] for page_ in text(file).split("\f")[:-1]]
    # A row differs from any other by its number or its time; heads of tables do not, and of footers only the figures.
    seen: set[str] = set()
    again = []
    with pikepdf.open(file) as pdf:
        for lines, page_ in zip(pages, pdf.pages, strict=True):
            words_read = {_spaced(one) for one in _marked(page_).values()}
            ends = {line: re.sub(r"\s+", " ", line) for line in lines[:2]} | {lines[-1]: _plain(lines[-1])}
            repeated = [line for line, plain in ends.items() if plain in seen]
            again += [line for line in repeated if words_read.issuperset(re.split(r"\s{2,}", line))]
            seen |= set(ends.values())
    return again


def _plain(words: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"\d+", "", words)).strip()


def _spaced(words: str) -> str:
    return re.sub(r"[\u00a0\u202f]", " ", words).replace("−", "-").strip()


def text(file: Path) -> str:
    """Return what pdftotext reads, with plain spaces and minus signs."""
    read = subprocess.run(["pdftotext", "-layout", str(file), "-"], check=True, capture_output=True, text=True).stdout
    return re.sub(r"[\u00a0\u202f]", " ", read).replace("−", "-")


def shown(amount: Any, code: str) -> str:
    """Return an amount as a paper in that language prints it, with plain spaces and minus signs."""
    return re.sub(r"[\u00a0\u202f]", " ", language(code).money(amount)).replace("−", "-")


def scanned(file: Path) -> list[str]:
    """Return what the codes on the first page say, as a camera reads them off the paper."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["pdftoppm", "-r", "150", "-png", str(file), f"{folder}/page"], check=True)
        return [
            code.text
            for picture in sorted(Path(folder).iterdir())
            for code in zxingcpp.read_barcodes(Image.open(picture), formats=zxingcpp.BarcodeFormat.QRCode)
        ]


def read_aloud(file: Path) -> list[str]:
    """Return the tagged text in the order of the structure tree: what a screen reader says."""
    with pikepdf.open(file) as pdf:
        words_read = {page_.objgen: _marked(page_) for page_ in pdf.pages}
        found: list[str] = []
        _walk(pdf.Root.StructTreeRoot.K, None, words_read, found)
    return found


def _walk(node: Any, on: Any, words_read: dict[tuple[int, int], dict[int, str]], found: list[str]) -> None:
    """Collect the marked content under a node, in order."""
    if isinstance(node, pikepdf.Array):
        for kid in node:
            _walk(kid, on, words_read, found)
    elif isinstance(node, pikepdf.Dictionary) and "/Alt" in node:
        found.append(str(node.Alt))
    elif isinstance(node, pikepdf.Dictionary):
        _walk(node.get("/K", pikepdf.Array()), node.get("/Pg", on), words_read, found)
    elif isinstance(node, int):
        found.append(words_read[on.objgen][node])


def _marked(page_: pikepdf.Page) -> dict[int, str]:
    """Return the text of each marked content of a page, by its number."""
    maps = {name: _to_unicode(font) for name, font in page_.Resources.Font.items()}
    texts: dict[int, str] = {}
    at, font = None, None
    for operands, operator in pikepdf.parse_content_stream(page_):
        if str(operator) in ("BDC", "BMC", "EMC"):
            properties = operands[1] if str(operator) == "BDC" else {}
            at = int(properties["/MCID"]) if "/MCID" in properties else None
        elif str(operator) == "Tf":
            font = str(operands[0])
        elif str(operator) in ("TJ", "Tj") and at is not None:
            parts = operands[0] if isinstance(operands[0], pikepdf.Array) else [operands[0]]
            glyphs = b"".join(bytes(part) for part in parts if isinstance(part, pikepdf.String))
            texts[at] = texts.get(at, "") + _decoded(glyphs, maps[font])
    return texts


def _to_unicode(font: Any) -> dict[int, str]:
    """Return what each glyph of a font means, by its ToUnicode map."""
    map_ = font.ToUnicode.read_bytes().decode("latin-1")
    pairs = re.findall(r"<([0-9a-fA-F]{4})> <([0-9a-fA-F]+)>\n", map_)
    return {int(glyph, 16): bytes.fromhex(letters).decode("utf-16-be") for glyph, letters in pairs}


def _decoded(glyphs: bytes, map_: dict[int, str]) -> str:
    """Return the text of two-byte glyphs."""
    return "".join(map_.get(int.from_bytes(glyphs[at : at + 2], "big"), "?") for at in range(0, len(glyphs), 2))
