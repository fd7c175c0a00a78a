"""Check a paper with nothing but itself and a copy of the seals: no database, no lake.

What a reader sees is compared with what is proven, on every page: data that were left alone behind pages that were
altered prove nothing.
"""

import html
import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import pikepdf
import pypdfium2  # type: ignore[import-untyped]  # has no types
from pydantic import TypeAdapter, ValidationError

from ledger.errors import Failure
from reports.documents.build_statement import CHARGES, RECEIPTS
from reports.documents.design import Design
from reports.documents.render import html as drawn
from reports.documents.statement import ZERO, Statement, vat_by_rate
from reports.proof.paper_proof import SUFFIX, PaperProof, read_paper_proof
from reports.proof.proof import problems
from reports.proof.seal import Sealed
from reports.proof.verify_seals import money

_MARGIN = 18 / 25.4 * 72
"""Points at the foot of each page that hold the paper's number and the page's."""
_FIGURE, _DIGIT = re.compile(r"\S*\d\S*"), re.compile(r"\d")
_AMOUNT = re.compile(r"[^\w\s]?[\d.,]{1,20}")
_SPACES = re.compile("[\u00a0\u202f\u2009\u00ad]")


@dataclass(frozen=True)
class Checked:
    """What was found out about a paper; it is genuine, complete and unchanged when there are no problems."""

    number: str
    account: int
    since: str
    until: str
    seal: Sealed
    rows: int
    is_signed: bool
    problems: tuple[str, ...]


def check_paper(content: bytes, name: str, seals: Sequence[Sealed] | None, templates: Path | None = None) -> Checked:
    """Check a paper. Raises Failure when it is no PDF, or carries no proof."""
    try:
        with pikepdf.open(BytesIO(content)) as pdf:
            files = {title: attachment.get_file().read_bytes() for title, attachment in pdf.attachments.items()}
            language: Literal["en", "ru"] = "ru" if str(pdf.Root.get("/Lang", "en")).startswith("ru") else "en"
    except pikepdf.PdfError:
        raise Failure(f"{name} is not a PDF file") from None
    inside = next((file for file in files if file.endswith(SUFFIX)), None)
    if inside is None:
        raise Failure(f"{name} carries no proof: it was made before its days were sealed, or is not of Tiffin's making")
    proof, data = read_paper_proof(files[inside], inside), files.get(inside.replace(SUFFIX, ".json"), b"")
    found = [*problems(proof.proof, seals)]
    if problem := proof.problem(data):
        found.append(problem)
    paper, facts = _paper(data)
    if paper is None:
        found.append("the data inside are missing, or not those of a paper")
    else:
        found += _unproven(proof, paper)
        found += _seen(content, drawn(paper, Design(facts["paper"], language, templates)))
    return Checked(
        number=inside.removesuffix(SUFFIX),
        account=proof.proof.account,
        since=proof.proof.since,
        until=proof.proof.until,
        seal=proof.proof.after.sealed,
        rows=len(proof.proof.proven),
        is_signed=proof.signature is not None,
        problems=tuple(found),
    )


def _paper(data: bytes) -> tuple[Statement | None, dict[str, Any]]:
    """Return the statement that a paper's data hold."""
    try:
        facts = json.loads(data)
        fields = {name: value for name, value in facts.items() if name not in ("paper", "number")}
        for seller in filter(None, [fields.get("issuer"), *fields["principals"]]):
            seller["bank_details"] = list(seller["bank_details"].items())
        fields["summary"]["other"] = list(fields["summary"]["other"].items())
        return TypeAdapter(Statement).validate_python(fields), facts
    except (ValueError, KeyError, TypeError, AttributeError, ValidationError):
        return None, {}


def _unproven(proof: PaperProof, paper: Statement) -> Iterator[str]:
    """Compare the paper's operations and sums with the proven entries."""
    rows = {int(row["version"]): row for row in proof.proof.proven}
    days = (proof.proof.account, proof.proof.since, proof.proof.until)
    if (paper.account, paper.since.isoformat(), paper.until.isoformat()) != days:
        yield f"it is proven for account {days[0]} from {days[1]} to {days[2]}, not for what the paper states"
    for one in paper.operations:
        row = rows.pop(one.version, None)
        if row is None:
            yield f"operation {one.version} of {one.posted_on} is not among the proven entries"
            continue
        moved = map(_minor, (one.amount, one.held, one.balance))
        figures = (one.transaction, one.kind, one.posted_on.isoformat(), *moved)
        names = ("transaction", "kind", "date", "amount", "held", "balance_after")
        if figures != tuple(row[name] for name in names):
            yield (
                f"operation {one.version} of {one.posted_on} shows {one.amount}, balance {one.balance}; proven is "
                f"{money(int(row['amount']))} on {row['date']}, balance {money(int(row['balance_after']))}"
            )
    for version, row in rows.items():
        yield f"entry {version} of {row['date']}, {money(int(row['amount']))}, is missing from the paper"
    proven, summary = proof.proof, paper.summary
    opening, closing = ("opening", proven.opening, summary.opening), ("closing", proven.closing, summary.closing)
    for name, due, stated in (opening, closing):
        if due != _minor(stated):
            yield f"the {name} balance is {stated}, proven is {money(due)}"
    yield from _wrong_sums(paper)


def _wrong_sums(paper: Statement) -> Iterator[str]:
    """Compare the paper's sums with those of its operations and their lines."""
    for one in paper.operations:
        served = -sum((line.amount for line in one.lines), start=ZERO)
        if one.kind in (*CHARGES, "refund") and served != one.amount:
            yield f"the lines of operation {one.version} add up to {served}, the paper shows {one.amount}"
    charged = [line for one in paper.operations if one.kind in CHARGES for line in one.lines]
    summary = paper.summary
    for name, stated, due in (
        ("charged", summary.charged, (line.gross for line in charged)),
        ("discounts", summary.discounts, (line.discount for line in charged)),
        ("refunds", summary.refunds, (one.amount for one in paper.operations if one.kind == "refund")),
        ("paid", summary.paid, (one.amount for one in paper.operations if one.kind in RECEIPTS)),
    ):
        if stated != (makes := sum(due, start=ZERO)):
            yield f"{name} is {stated}, the operations add up to {makes}"
    if paper.vat != vat_by_rate([line for one in paper.operations for line in one.lines]):
        yield "VAT by rate is not that of the service lines"


def _minor(amount: Decimal) -> int:
    return int(amount.scaleb(2))


def _seen(content: bytes, page: str) -> Iterator[str]:
    """Compare the figures that the pages show, in the order of reading, with those of the paper drawn again."""
    body = re.sub(r"(?s)<(style|head|title)\b.*?</\1>", "", page)
    due = _figures(_words(body))
    heads = [head for each in re.findall(r"(?s)<thead\b.*?</thead>", body) if (head := _figures(_words(each)))]
    footer = {*_figures(html.unescape(page)), *due}
    shown, begins = "", list[int]()
    document = pypdfium2.PdfDocument(content)
    try:
        for number, sheet in enumerate(document, 1):
            text = sheet.get_textpage()
            begins.append(len(shown))
            shown += f"{_plain(text.get_text_bounded(bottom=_MARGIN))}\n"
            for figure in _figures(text.get_text_bounded(top=_MARGIN)):
                if figure not in footer and not figure.isdecimal():
                    yield f"page {number} shows {figure} at its foot, which is not proven"
            if _annotated(sheet):
                yield f"page {number} has something laid over it"
    finally:
        document.close()
    if unlike := _first_unlike(shown, due, begins, heads):
        at, wanted = unlike
        there = _FIGURE.search(shown, at)
        sees = f"page {bisect_right(begins, there.start())} shows {there.group()}" if there else "the pages end"
        yield f"{sees} where {wanted} is proven" if wanted else f"{sees}, of which nothing is proven"


def _first_unlike(
    shown: str, due: Iterable[str], begins: Sequence[int] = (0,), heads: Sequence[Sequence[str]] = ()
) -> tuple[int, str | None] | None:
    """Return from where on a text does not show the next figure that is due, or one more than are due.

    `begins` are where its pages begin: there one of the `heads` of tables may be repeated.
    """
    at = 0
    for figure in due:
        after = _after(shown, at, [figure])
        if after is None and (past := _past_head(shown, at, begins, heads)):
            after = _after(shown, past, [figure])
        if after is None:
            return at, figure
        at = after
    return (at, None) if _DIGIT.search(shown, at) else None


def _after(shown: str, at: int, figures: Iterable[str]) -> int | None:
    """Return where a text continues after these figures, None if they are not the next ones."""
    for figure in figures:
        found = _as_shown(figure).search(shown, at)
        if found is None or _DIGIT.search(shown, at, found.start()):
            return None
        at = found.end()
    return at


def _past_head(shown: str, at: int, begins: Sequence[int], heads: Sequence[Sequence[str]]) -> int | None:
    """Return where a text continues after the head of a table that is repeated on a new page."""
    digit = _DIGIT.search(shown, at)
    if digit is None or begins[bisect_right(begins, digit.start()) - 1] < at:
        return None
    return next((after for head in heads if (after := _after(shown, at, head)) is not None), None)


@cache
def _as_shown(figure: str) -> re.Pattern[str]:
    """Return the pattern of a word; a name, no amount, may be broken over lines, with a hyphen shown as U+0002."""
    if _AMOUNT.fullmatch(figure):
        return re.compile(rf"(?<!\S){re.escape(figure)}(?!\S)")
    letters = ("[-\x02]" if letter == "-" else re.escape(letter) for letter in figure)
    return re.compile(r"(?<!\S)" + r"(?:\r?\n)?".join(letters) + r"(?!\S)")


def _annotated(sheet: pypdfium2.PdfPage) -> bool:
    """Return whether a page has annotations; that of an issuer's signature takes no place on it."""
    raw = pypdfium2.raw
    for number in range(raw.FPDFPage_GetAnnotCount(sheet.raw)):
        annotation, place = raw.FPDFPage_GetAnnot(sheet.raw, number), raw.FS_RECTF()
        raw.FPDFAnnot_GetRect(annotation, place)
        raw.FPDFPage_CloseAnnot(annotation)
        if place.left != place.right and place.top != place.bottom:
            return True
    return False


def _figures(text: str) -> list[str]:
    """Return the words with a digit in them."""
    return _FIGURE.findall(_plain(text))


def _words(page: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", " ", page))


def _plain(text: str) -> str:
    return _SPACES.sub(" ", text)
