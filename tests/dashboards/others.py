"""A small book in which every text that somebody else wrote is hostile, and what each way out makes of it."""

import importlib
import io
import json
import re
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from xml.etree import ElementTree

import marimo
import pikepdf
import pypdfium2
from lxml import html
from rich.console import Console

from ledger.values.text import readable
from reports.core.result import Result
from reports.documents.design import Design, Kind
from reports.documents.letters import letter
from reports.documents.statement import Statement
from reports.formats import rendered
from reports.formats.terminal import show
from tests.reports.story import Story

TEXTS = {
    "rich": "[red]big[/red] [/]",
    "terminal": "\x1b[31mcrimson\x1b[2J \x9b1A\x07",
    "html": "<script>alert(1)</script><b>&lt;<a href='//evil.example'>elements</a><img src=x onerror=alert(2)>",
    "markdown": "# *headed* [x](//evil.example) :material/error: https://evil.example www.evil.example a@evil.example",
    "formula": '=HYPERLINK("https://evil.example")',
    "wide formula": "＠SUM(wide)",
    "turned": "\u202egnp.exe \u2066isolated",
    "no character": "nothing\ufffe\U0001fffe",
    "lines": "upper\u2028lower\u2029third\x85fourth",
    "end of a script": "</script></style></title>]]>--> {{ ended }} ${ended} %(ended)s",
    "long": "Ж" * 10_000,
}
MARKS = {name: max(re.findall(r"\w+", text, re.ASCII) or [text[:50]], key=len) for name, text in TEXTS.items()}
"""A word of each, which is found even where a way out breaks lines or turns letters."""
UNFIT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff\U0001fffe\ud800-\udfff]")
MARCH = {"from": "2017-03-01", "to": "2017-03-31"}
EVIL = re.compile(r"evil\.example")


@dataclass(frozen=True)
class Shown:
    """What one way out shows: as its reader reads it, and what of others' texts would act there.

    `form` gives a text as it stands there, None where only its mark can be looked for.
    """

    read: str
    form: Callable[[str], str] | None = readable
    alive: list[str] = field(default_factory=list)

    def has(self, name: str) -> bool:
        """Return whether the text of that name is shown."""
        return (self.form(TEXTS[name]) if self.form else MARKS[name]) in self.read


def together(names: list[str]) -> str:
    """Return the texts as one."""
    return " · ".join(TEXTS[name][:500] for name in names)


def told(names: list[str]) -> Story:
    """Tell of Vera, whose name and debit "all" are all the texts in one, and of clients and brands called so each."""
    story = Story()
    for number, name in enumerate(names):
        story.brand(f"b{number}", TEXTS[name])
    story.account("vera", holder="b0")
    whole = together(names)
    story.rows["parties"][-1] |= {"name": whole, "legal_name": whole, "email": whole, "address": whole}
    line = {"brand": "b0", "amount": 20, "service": whole, "reference": whole, "attributes": {whole: whole}}
    story.debit("2017-03-01", "vera", line, key="all", note=whole)
    for number, text in enumerate(map(TEXTS.get, names)):
        assert text is not None
        story.account(f"a{number}", holder="b0")
        story.rows["parties"][-1] |= {"name": text, "legal_name": text, "email": text, "phone": text}
        facts = {"note": text, "channel": text, "by": text}
        story.payment("2017-03-02", "vera", 300, "b0", key=f"p {text}", **facts)
        attributes = {"dish": text, text[:60]: "x"}
        line = {"brand": f"b{number}", "amount": 20, "service": text, "reference": text, "attributes": attributes}
        story.debit("2017-03-03", "vera", line, key=f"d {text}", **facts)
        story.debit("2017-03-03", f"a{number}", line | {"brand": "b0"}, **facts)
        story.adjustment("2017-03-04", f"a{number}", -1, "b0", reason=text, **facts)
        story.decline(
            "2017-03-05",
            f"a{number}",
            900,
            "insufficient_funds",
            subject=f"account 1 ({text})",
            balance="0.00",
            held="0.00",
            what="debit",
            drawn="900.00",
            currency="RUB",
            short_by="900.00",
            **{text[:60]: text},
        )
    story.close("2017-03-31")
    return story


def on_a_terminal(result: Result) -> str:
    """Return what a terminal is sent, without colours of our own; wide, so that nothing is folded."""
    out = io.StringIO()
    show(result, "en", Console(file=out, force_terminal=True, color_system=None, width=150_000))
    return out.getvalue()


def in_a_workbook(result: Result) -> Shown:
    """Return all strings of a workbook whose every part is well-formed, or Excel would not open it."""
    workbook = zipfile.ZipFile(io.BytesIO(rendered(result, "xlsx")))
    parts = {name: ElementTree.fromstring(workbook.read(name)) for name in workbook.namelist()}
    texts = ["".join(part.itertext()) for part in parts["xl/sharedStrings.xml"]]
    # Sums are formulas of our own: of cells, by names that nobody else wrote.
    formulas = [tag.text or "" for part in parts.values() for tag in part.iter() if tag.tag.endswith("}f")]
    links = [tag.tag for part in parts.values() for tag in part.iter() if tag.tag.endswith("}hyperlink")]
    return Shown("\n".join(texts), alive=[one for one in formulas if EVIL.search(one) or "SUM(wide" in one] + links)


def living(page: str) -> list[str]:
    """Return what of others would act in an HTML page: scripts, links, pictures, handlers, elements of theirs."""
    root = html.fromstring(page)
    elements = root.iter("script", "b", "iframe", "img")
    drawn = "data:image/svg+xml;base64,"  # our own pictures, which run nothing and load nothing
    found = [tag.tag for tag in elements if not (tag.tag == "img" and tag.get("src", "").startswith(drawn))]
    found += [
        f"{name}={value}"
        for tag in root.iter()
        for name, value in tag.attrib.items()
        if name.startswith("on") or (name in ("href", "src") and EVIL.search(str(value)))
    ]
    return found


def in_a_pdf(content: bytes) -> Shown:
    """Return the words of a PDF; nothing in it leads or runs anywhere, and its own files hold texts as they are."""
    document = pypdfium2.PdfDocument(content)
    words = "\n".join(page.get_textpage().get_text_bounded() for page in document)
    with pikepdf.open(io.BytesIO(content)) as opened:
        notes = [note for page in opened.pages for note in page.get("/Annots", [])]
        alive = [str(note.A.S) for note in notes if "/A" in note and str(note.A.S) != "/GoTo"]
        alive += [name for name in ("/OpenAction", "/AA") if name in opened.Root and "JavaScript" in str(opened.Root)]
        for name, file in opened.attachments.items():
            text = file.get_file().read_bytes().decode()
            if name.endswith(".json"):
                json.loads(text)
    return Shown("".join(words.split()), form=None, alive=alive)


def in_a_letter(paper: Statement, kind: Kind, drawn: bytes) -> Shown:
    """Return subject and text of a letter; its only headers and parts are our own."""
    content = letter(paper, drawn, Design(kind), sender="bills@example.org")
    read = message_from_bytes(content, policy=policy.default)
    assert read.get_all("To") == ["vera@example.org"]
    headers = {"from", "to", "subject", "date", "message-id", "mime-version", "content-type"}
    alive = [name for name in read.keys() if name.lower() not in headers]  # noqa: SIM118  # a letter is no dict
    parts = [part.get_content_type() for part in read.walk()]
    alive += parts if parts != ["multipart/mixed", "text/plain", "application/pdf"] else []
    body = next(part for part in read.walk() if part.get_content_type() == "text/plain").get_content()
    return Shown(f"{read['Subject']}\n{body}".replace("\r\n", "\n"), form=None, alive=alive)


def in_notebooks(names: list[str]) -> Iterator[str]:
    """Yield what the cells of notebooks show, as the HTML that the browser is sent."""
    for name in names:
        module = importlib.import_module(f"notebooks.{name}")
        outputs, _ = module.app.run()
        yield from (marimo.as_html(output).text for output in outputs if output is not None)


def argv(*words: str) -> list[str]:
    """Return the command line of `tiffin` in a process of its own."""
    return [sys.executable, "-c", "from reports.cli.main import main; main()", *words]
