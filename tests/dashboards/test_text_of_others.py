"""Text that somebody else wrote, through every way out: it is shown, and it does nothing."""

import csv
import io
import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import redirect_stderr
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
import streamlit as st
from lxml import html
from rich.console import Console

from dashboards import translations
from ledger.cli import accounts, shared
from ledger.food.cli import level
from ledger.logs import log
from ledger.postgres import database
from ledger.postgres.post import Ledger
from ledger.values.text import printable
from reports.core.csv_text import frame_csv, guarded
from reports.core.result import Result
from reports.documents import render
from reports.documents.design import KINDS, Design, Kind
from reports.documents.embedded import as_json, lines_csv, operations_csv
from reports.documents.statement import Statement
from reports.formats import rendered
from reports.formats.hledger import journal_text
from reports.run import LakeBook
from tests.conftest import made
from tests.dashboards import others
from tests.dashboards.conftest import opened, run_query, words
from tests.dashboards.others import MARCH, TEXTS, UNFIT, Shown
from tests.reports.documents.samples import sample
from tests.reports.story import Story
from tests.reports.write_lake import write_lake

SHORT = {name: text for name, text in TEXTS.items() if name != "long"}
TURNS = "\u2028\u2029\u202a\u202e\u2066\u2069"
_numbers = count(1)


@pytest.fixture(scope="module")
def story() -> Story:
    return others.told(list(TEXTS))


@pytest.fixture(scope="module")
def book(story: Story) -> LakeBook:
    return story.book()


@pytest.fixture(scope="module")
def results(book: LakeBook) -> list[Result]:
    """Return reports that have such texts in names, keys, notes, channels, services, references, reasons and facts."""
    return [
        book.report("account-card", account="vera", **MARCH),
        *(book.report(name, **MARCH) for name in ("turnover", "services", "receipts", "corrections", "declines")),
    ]


@pytest.fixture(scope="module")
def paper() -> Statement:
    return hostile_paper(SHORT)


@pytest.fixture(scope="module")
def drawn(paper: Statement) -> dict[Kind, bytes]:
    return {kind: render.pdf(paper, Design(kind)) for kind in KINDS}


def hostile_paper(texts: dict[str, str]) -> Statement:
    """Return a paper with every text in a note, a reason and a service; seller and client are called by all of them."""
    drawn = sample([("debit", "-12.50")] * len(texts))
    operations = tuple(
        replace(one, note=text, reason=text, lines=tuple(replace(line, service=text) for line in one.lines))
        for one, text in zip(drawn.operations, texts.values(), strict=True)
    )
    name = others.together(list(texts))
    assert drawn.issuer
    issuer = replace(drawn.issuer, name=name, legal_name=name, address=name)
    client = replace(drawn.client, name=name, legal_name=name, email="vera@example.org")
    return replace(drawn, operations=operations, issuer=issuer, client=client)


@pytest.fixture(scope="module")
def lake(story: Story, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return the book as a lake, made that of the settings."""
    folder = tmp_path_factory.mktemp("others")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TIFFIN_HOME", str(folder))
        patch.setenv("TIFFIN_LAKE", str(write_lake(story, folder)))
        patch.setenv("TIFFIN_LANGUAGE", "en")
        yield folder / "lake"


@pytest.fixture(scope="module")
def reports_on_a_terminal(results: list[Result]) -> Shown:
    text = "".join(map(others.on_a_terminal, results))
    return Shown(text, form=printable, alive=[letter for letter in TURNS if letter in text])


@pytest.fixture(scope="module")
def questions_on_a_terminal(server: str, template_database: str) -> Iterator[Shown]:
    """Read `tiffin balance` and `tiffin history`; the texts were stored before there was a rule for them."""
    for url in made(server, f"tiffin_others_{os.getpid()}_{next(_numbers)}", template_database):
        database.initialise(url, "Europe/Moscow")
        lines: list[dict[str, Any]] = [
            {"type": "brand", "code": "sushi"},
            {"type": "party", "reference": "vera", "kind": "individual"},
            {"type": "account", "reference": "vera", "party": "vera", "currency": "RUB"},
        ]
        ledger = Ledger(url)
        ledger.administer([level.parse(line) for line in lines])  # type: ignore[misc]
        payment = {"type": "payment", "account": "vera", "amount": "1.00", "brand": "sushi"}
        ledger.post([level.parse({**payment, "key": name}) for name in TEXTS])  # type: ignore[misc]
        ledger.close()
        out = io.StringIO()
        wide = Console(file=out, force_terminal=True, color_system=None, width=30_000)
        with psycopg.connect(url, autocommit=True) as owner, pytest.MonkeyPatch.context() as patch:
            owner.execute("SET session_replication_role = replica")
            for name, text in TEXTS.items():
                owner.execute("UPDATE transaction SET key = %s, note = %s WHERE key = %s", [text, text, name])
            owner.execute("UPDATE account SET reference = %s WHERE reference = 'vera'", ["[/] \x1b[2J=1 \u202e"])
            [(number,)] = owner.execute("SELECT id FROM account WHERE reference LIKE '[/]%'").fetchall()
            patch.setenv("TIFFIN_DATABASE_URL", url)
            patch.setattr(shared, "console", lambda wide=wide: wide)
            accounts.balance(str(number))
            accounts.history(str(number))
        text = out.getvalue()
        assert printable("[/] \x1b[2J=1 \u202e") in text
        yield Shown(text, form=printable, alive=[letter for letter in TURNS if letter in text])


@pytest.fixture(scope="module")
def sentences_on_standard_error(lake: Path) -> Shown:
    """Read one sentence in which a command names what it was given."""
    asked = " ".join(SHORT.values())
    run = others.argv("report", "account-card", "--account", asked)
    done = subprocess.run(run, capture_output=True, env=os.environ | {"TIFFIN_LAKE": str(lake)})
    text = done.stderr.decode()
    assert (done.returncode, len(text.splitlines())) == (1, 1), text
    return Shown(text + TEXTS["long"], form=printable, alive=[letter for letter in TURNS if letter in text])


@pytest.fixture(scope="module")
def csv_files(results: list[Result], book: LakeBook, paper: Statement) -> Shown:
    """Read what `report`, a page of the dashboard and a paper write as CSV, with points and with commas."""
    files = [(rendered(result, "csv"), ",") for result in results]
    files += [(rendered(result, "csv", language="ru", decimals="comma"), ";") for result in results]
    files += [(frame_csv(frame.collect()), ",") for frame in (book.parties, book.transactions, book.attributes)]
    for made_ in (operations_csv, lines_csv):
        files += [(made_(paper), ","), (made_(paper, "comma"), ";")]
    cells = [
        cell
        for content, delimiter in files
        for row in csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=delimiter)
        for cell in row
    ]
    texts = [cell for cell in cells if not re.fullmatch(r"-?[\d.,]*", cell)]
    alive = [cell for cell in texts if cell[:1] in tuple("=+-@\t\r\n＝＋－＠\ufeff")]
    return Shown("\n".join(texts), form=guarded, alive=alive)


@pytest.fixture(scope="module")
def xlsx_files(results: list[Result]) -> Shown:
    shown = [others.in_a_workbook(result) for result in results]
    return Shown("\n".join(each.read for each in shown), alive=[one for each in shown for one in each.alive])


@pytest.fixture(scope="module")
def html_pages(results: list[Result]) -> Shown:
    pages = [rendered(result, "html").decode() for result in results]
    read = "\n".join(html.fromstring(page).text_content() for page in pages)
    return Shown(read, alive=[one for page in pages for one in others.living(page)])


@pytest.fixture(scope="module")
def pdf_files(paper: Statement, drawn: dict[Kind, bytes]) -> Shown:
    """Read a report and every kind of paper."""
    card = others.told(list(SHORT)).book().report("account-card", account="vera", **MARCH)
    shown = [others.in_a_pdf(rendered(card, "pdf"))]
    for kind in KINDS:
        assert not others.living(render.html(paper, Design(kind)))
        shown.append(others.in_a_pdf(drawn[kind]))
        facts = json.loads(as_json(paper, kind))
        assert [one["note"] for one in facts["operations"]] == list(SHORT.values())
    each_has_all = [name for name in SHORT for one in shown if not one.has(name)]
    assert not each_has_all
    read = "\n".join(each.read for each in shown)
    return Shown(read + TEXTS["long"], form=None, alive=[one for each in shown for one in each.alive])


@pytest.fixture(scope="module")
def letters(paper: Statement, drawn: dict[Kind, bytes]) -> Shown:
    shown = [others.in_a_letter(paper, kind, drawn[kind]) for kind in KINDS]
    read = "\n".join(each.read for each in shown)
    return Shown(read + TEXTS["long"], form=None, alive=[one for each in shown for one in each.alive])


@pytest.fixture(scope="module")
def screens(story: Story, lake: Path) -> Shown:
    """Read the pages that show texts of others: headings, tables, sentences."""
    st.cache_data.clear()
    st.cache_resource.clear()
    card = {"account": "vera", **MARCH}
    pages: list[tuple[str, dict[str, Any]]] = [
        ("account", card),
        ("accounts", {}),
        ("entries", MARCH),
        ("declined", MARCH),
        ("sql", {}),
        (
            "behind",
            {"report": "turnover", "column": "closing", "by": "party", "row.currency": "RUB"},
        ),
        ("transaction", {"transaction": story.keys["all"]["id"]}),
        *(("standard", {"report": name, **MARCH}) for name in ("turnover", "services")),
    ]
    read, alive = [], []
    app = opened("screens/about.py")
    for page, query in pages:
        app.query_params.clear()
        app.switch_page(f"screens/{page}.py")
        for name, value in query.items():
            app.query_params[name] = str(value)
        app.run()
        assert not app.exception, (page, app.exception)
        if page == "sql":
            app.text_area[0].set_value("SELECT name, legal_name FROM parties")
            run_query(app)
        shown = words(app)
        marked = "\n".join(
            part.value
            for kind in ("title", "header", "subheader", "markdown", "caption", "error", "warning", "info")
            for part in app.get(kind)
        )
        alive += re.findall(r"(?<!\\)<(?:script|b|a|img)\b|(?:https?://|www\.|@)\w*evil|:material/error:", marked)
        read += [shown, *(frame.value.to_csv() for frame in app.dataframe)]
    return Shown("\n".join(read), form=None, alive=alive)


@pytest.fixture(scope="module")
def notebooks(lake: Path, book: LakeBook) -> Shown:
    """Read what marimo sends the browser of the house's notebooks, and Jupyter's form of a result."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["notebook", "--from=2017-03-01", "--to=2017-03-31"])
        pages = list(others.in_notebooks(["tour", "month_close", "brands"]))
        patch.setattr("sys.argv", ["notebook", "--as-of=2017-03-31"])
        pages += others.in_notebooks(["receivables_review"])
    turnover = book.report("turnover", **MARCH)
    pages.append(replace(turnover, draw=lambda one: rendered(one, "html").decode())._repr_html_() or "")
    read = "\n".join(html.fromstring(page).text_content() for page in pages)
    return Shown(read, form=None, alive=[one for page in pages for one in others.living(page)])


@pytest.fixture(scope="module")
def journal(book: LakeBook) -> Shown:
    """Read the journal for hledger, whose every line must stay one."""
    text = journal_text(book)
    return Shown(text, form=None, alive=[line for line in text.split("\n") if len(line.splitlines()) > 1])


def logged(form: str) -> str:
    """Return what a process logs of texts that came from outside."""
    out = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stderr(out):
        patch.setenv("TIFFIN_LOG", form)
        for text in TEXTS.values():
            log("webhook", error=text, path=[text], key=text)
    return out.getvalue()


@pytest.fixture(scope="module")
def log_lines_for_people() -> Shown:
    text = logged("text")
    alive = [letter for letter in TURNS if letter in text]
    assert len(text.splitlines()) == len(TEXTS)
    return Shown(text, form=None, alive=alive)


@pytest.fixture(scope="module")
def log_lines_as_json() -> Shown:
    lines = logged("json").splitlines()
    assert all(line.isascii() and line.isprintable() for line in lines)
    assert [json.loads(line)["error"] for line in lines] == list(TEXTS.values())
    return Shown("\n".join(lines), form=lambda text: json.dumps(text)[1:-1])


WAYS = (
    "reports_on_a_terminal",
    "questions_on_a_terminal",
    "sentences_on_standard_error",
    "csv_files",
    "xlsx_files",
    "html_pages",
    "pdf_files",
    "letters",
    "screens",
    "notebooks",
    "journal",
    "log_lines_for_people",
    "log_lines_as_json",
)
EACH_WAY = pytest.mark.parametrize("way", WAYS)


@EACH_WAY
@pytest.mark.parametrize("name", TEXTS)
def test_text_of_others_is_shown(request: pytest.FixtureRequest, way: str, name: str) -> None:
    """As it was written, save the characters that no text may have."""
    assert request.getfixturevalue(way).has(name)


@EACH_WAY
def test_text_of_others_does_nothing(request: pytest.FixtureRequest, way: str) -> None:
    """No control, half a character or what is none; no link, script, formula, header or element of theirs."""
    shown: Shown = request.getfixturevalue(way)
    assert shown.alive == []
    assert not UNFIT.search(shown.read)


@pytest.mark.soak
@pytest.mark.parametrize("kind", KINDS)
def test_ten_thousand_letters_on_paper(kind: Any) -> None:
    """One word of many pages is slow to lay out."""
    shown = others.in_a_pdf(render.pdf(hostile_paper({"long": TEXTS["long"]}), Design(kind)))
    assert shown.has("long")


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
