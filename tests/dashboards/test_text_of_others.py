"""Text that somebody else wrote, through every way out: it is shown, and it does nothing."""

import csv
import email
import io
import json
import os
import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pikepdf
import pytest
from rich.console import Console

from dashboards import translations
from reports.core.csv_text import frame_csv
from reports.core.result import Result
from reports.documents import letters, render
from reports.documents.design import KINDS, Design
from reports.formats import rendered
from reports.formats.hledger import journal_text
from reports.formats.terminal import show
from tests.dashboards.conftest import Open, run_query, words
from tests.reports.documents.samples import sample
from tests.reports.story import Story
from tests.reports.write_lake import write_lake

HOSTILE = {
    "rich": "[red]big[/red] [/]",
    "terminal": "\x1b[31mred\x1b[2J \x9b1A\x07",
    "html": "<script>alert(1)</script><b>&lt;",
    "markdown": "# *a* [x](https://evil.example) :material/error: https://evil.example www.evil.example a@evil.example",
    "formula": '=HYPERLINK("https://evil.example")',
    "wide formula": "＠SUM(1)",
    "turned": "\u202egnp.exe \u2066x",
    "no character": "a\ufffeb\U0001fffe",
    "lines": "a\u2028b\u2029c\x85d",
    "long": "Ж" * 10_000,
}
ALL = pytest.mark.parametrize("hostile", HOSTILE.values(), ids=list(HOSTILE))
UNFIT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff\U0001fffe]")
MARCH = {"from": "2017-03-01", "to": "2017-03-31"}


@pytest.fixture
def hostile_story(story: Story, hostile: str) -> Story:
    """Return a small book in which everything that a caller may write is that text."""
    story.account("vera", holder="sushi")
    story.rows["parties"][-1] |= {"name": hostile, "legal_name": hostile}
    story.payment("2017-03-02", "vera", 300, "sushi", key=f"k {hostile}", note=hostile, channel=hostile)
    line = {"brand": "sushi", "amount": 20, "service": hostile, "reference": hostile, "attributes": {"dish": hostile}}
    story.debit("2017-03-03", "vera", line, key=f"d {hostile}", note=hostile)
    return story


@pytest.fixture
def card(hostile_story: Story) -> Result:
    """Return a report that has such texts in many columns."""
    return hostile_story.book().report("account-card", account="vera", **MARCH)


@ALL
def test_reports_in_every_form(card: Result, hostile: str, tmp_path: Path) -> None:
    """Nothing is run, nothing is broken, nothing moves a screen."""
    page = rendered(card, "html").decode()
    assert "<script" not in page
    assert not UNFIT.search(page)
    assert "<b>" not in page
    workbook = zipfile.ZipFile(io.BytesIO(rendered(card, "xlsx")))
    for name in workbook.namelist():
        ElementTree.fromstring(workbook.read(name))  # well-formed, or Excel would not open it
    assert b"<f>=" not in workbook.read("xl/worksheets/sheet1.xml")
    assert b"hyperlink" not in workbook.read("xl/worksheets/sheet1.xml")
    read = list(csv.reader(io.StringIO(rendered(card, "csv").decode(), newline="")))
    cells = [cell for row in read for cell in row if not re.fullmatch(r"-?[\d.]*", cell)]
    assert not [cell for cell in cells if cell[:1] in tuple("=+@\t\r＝＋－＠")]
    assert not UNFIT.search("".join(cells))
    written = rendered(card, "json").decode()
    assert not UNFIT.search(written)
    assert len(written.splitlines()) == written.count("\n")
    assert {row["kind"] for row in json.loads(written)["rows"]} == {"payment", "debit"}
    with pikepdf.open(io.BytesIO(rendered(card, "pdf"))) as pdf:
        assert len(pdf.pages) >= 1


@ALL
def test_the_terminal(card: Result, hostile: str) -> None:
    """A table whose cells are neither markup nor control sequences; every row is one line."""
    out = io.StringIO()
    show(card, "en", Console(file=out, force_terminal=True, color_system=None, width=500))
    assert not UNFIT.search(out.getvalue())
    assert not set(out.getvalue()) & set("\u202e\u2066\u2028\u2029")
    if "[/]" in hostile:
        assert hostile in out.getvalue()


ON_PAPER = pytest.mark.parametrize(
    "hostile",
    [
        *(pytest.param(text[:500], id=name) for name, text in HOSTILE.items()),
        # Pages of one word are slow to lay out.
        pytest.param(HOSTILE["long"], id="10,000 letters", marks=pytest.mark.soak),
    ],
)


@ON_PAPER
@pytest.mark.parametrize("kind", KINDS)
def test_papers_and_letters(hostile: str, kind: Any) -> None:
    """A client, a brand and a service of that name have their paper, and the letter has only its own headers."""
    paper = sample([("debit", "-12.50")])
    operations = tuple(
        replace(one, note=hostile, reason=hostile, lines=tuple(replace(line, service=hostile) for line in one.lines))
        for one in paper.operations
    )
    issuer = replace(paper.issuer, name=hostile, legal_name=hostile, address=hostile) if paper.issuer else None
    client = replace(paper.client, name=hostile, legal_name=hostile, email="vera@example.org")
    paper = replace(paper, operations=operations, issuer=issuer, client=client)
    design = Design(kind)
    page = render.html(paper, design)
    assert "<script" not in page
    ElementTree.fromstring(page)
    content = render.pdf(paper, design)
    with pikepdf.open(io.BytesIO(content)) as pdf:
        assert "/URI" not in {
            str(note.get("/A", {}).get("/S")) for page_ in pdf.pages for note in page_.get("/Annots", [])
        }
    letter = email.message_from_bytes(letters.letter(paper, content, design, sender="bills@example.org"))
    assert letter.get_all("To") == ["vera@example.org"]
    assert len(letter.keys()) == len(set(letter.keys()))


@ALL
def test_the_dashboard(
    hostile_story: Story, hostile: str, screen: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Heading, card, transaction, entries, SQL: no link, no icon, no element of theirs."""
    (tmp_path / "hostile").mkdir()
    monkeypatch.setenv("TIFFIN_LAKE", str(write_lake(hostile_story, tmp_path / "hostile")))
    app = screen("screens/account.py", account="vera", from_="2017-03-01", to="2017-03-31")
    number = hostile_story.keys[f"d {hostile}"]["id"]
    pages = [
        app,
        screen("screens/transaction.py", transaction=number),
        screen("screens/entries.py", from_="2017-03-01"),
    ]
    pages.append(run_query(screen("screens/sql.py", q="SELECT name FROM parties")))
    for page in pages:
        shown = words(page)
        assert not re.search(r"(?<!\\)<script", shown)
        assert not UNFIT.search(shown)
        marked = [part.value for kind in ("title", "markdown", "caption", "error") for part in page.get(kind)]
        assert not re.search(r"(https?://|www\.|@)\w*evil|:material/error:", "\n".join(marked))
        for frame in page.dataframe:
            assert not UNFIT.search(frame.value.to_csv())
    assert app.title[0].value == translations.as_markdown(hostile)


@ALL
def test_other_ways_out(hostile_story: Story, hostile: str, tmp_path: Path) -> None:
    """A notebook's cell, an hledger journal, any frame as CSV, a sentence on stderr."""
    book = hostile_story.book()
    result = book.report("turnover", **MARCH)
    shown = replace(result, draw=lambda one: rendered(one, "html").decode())._repr_html_() or ""
    assert "<script" not in shown
    assert not UNFIT.search(shown)
    assert not UNFIT.search(journal_text(book))
    guarded = frame_csv(book.parties.select("name").collect()).decode().replace("\r\n", "")
    assert not UNFIT.search(guarded)
    if "\x00" not in hostile and len(hostile) < 1000:
        tiffin = str(Path(sys.executable).with_name("tiffin"))
        lake = str(write_lake(hostile_story, tmp_path))
        done = subprocess.run(
            [tiffin, "report", "account-card", "--account", hostile],
            capture_output=True,
            env=os.environ | {"TIFFIN_LAKE": lake},
        )
        assert done.returncode == 1
        assert len(done.stderr.decode().splitlines()) == 1
        assert not set(done.stderr.decode().rstrip("\n")) & set("\x1b\x9b\x07\x85\u202e\u2066\u2028\ufffe\U0001fffe")


def test_markdown_of_others_stands_for_itself() -> None:
    """Every mark escaped, links and icons broken up where nobody sees it, one line."""
    joiner = "\N{WORD JOINER}"
    for text, shown in {
        "*Star* [x](y) $5 a_b": r"\*Star\* \[x\](y) \$5 a\_b",
        "https://e.example": f"https:{joiner}//e.example",
        "www.e.example a@e.example": f"www{joiner}.e.example a@{joiner}e.example",
        ":material/error:": f":{joiner}material/error:",
        "a\n\n# b": r"a \# b",
        "&lt;": r"\&lt;",
        "1. one at 12:30": r"1\. one at 12:30",
    }.items():
        assert translations.as_markdown(text) == shown
