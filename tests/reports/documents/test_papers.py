"""Papers as files: valid by two validators, readable aloud, the same bytes again, with the right figures."""

import csv
import io
import json
import re
import subprocess
import sys
import zlib
from dataclasses import replace
from datetime import date
from hashlib import sha256
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pikepdf
import pydyf
import pytest

from reports.documents import embedded, render
from reports.documents.design import KINDS, Design
from reports.documents.language import language
from reports.documents.pdf import stream_bytes
from reports.documents.statement import ZERO, BonusRow, Client, Credit, Due, OpenHold, Statement
from tests.reports.documents.inspected import complaints, shown, text
from tests.reports.documents.samples import PIZZA, ROMASHKA, RUSSIAN, SUSHI, line, money, sample, with_lines

EURO = replace(SUSHI, country="DE", bank_details=(("iban", "DE89370400440532013000"), ("bic", "COBADEFFXXX")))
LONG = "Общество с ограниченной ответственностью «" + "Длинное название " * 9 + "»!"


def three_rates() -> Statement:
    """Return a statement whose first charge has lines of three VAT rates, and one without VAT."""
    lines = [
        line("60", vat_rate="20", discount="5"),
        line("33", brand="Пекарня", vat_rate="10"),
        line("7.50", vat_rate="5"),
        line("20", vat_rate=None),
    ]
    return with_lines(sample(), lines)


def everything() -> Statement:
    """Return a statement in which every part that a paper can have is shown."""
    owing = sample([("debit", "-120.50")], opening="-950")
    bands = zip(owing.ages, ("500", "400", "100", "50", "20", "0.50"), strict=True)
    return replace(
        owing,
        overdue=money("570.50"),
        dues=(
            Due(date(2017, 3, 30), money("570.50"), 1),
            Due(date(2017, 4, 2), money(450), 0),
            Due(None, money(50), 0),
        ),
        credit=Credit(money(5000), money(0)),
        ages=tuple(replace(age, amount=money(amount)) for age, amount in bands),
        holds=(OpenHold(77, date(2017, 3, 30), money(250), date(2017, 4, 2)),),
        bonuses=(BonusRow("Sushi House", money(10), money("55.50"), money(20), money("45.50")),),
        summary=replace(owing.summary, held=money(250), other=(("payout", money(0)),)),
    )


def by_an_agent() -> Statement:
    """Return a statement of a Russian seller's own lines and of lines of a principal, each with VAT of its own."""
    own = [line("60", service="dish", vat_rate="22", discount="5"), line("20", service="delivery", vat_rate="18.03")]
    principals = [
        line("30.50", service="dish", brand="Пицца Рим", vat_rate=None),
        line("10", service="packaging", brand="Пицца Рим", vat_rate="5"),
    ]
    paper = with_lines(everything(), [*own, *(replace(one, brand_code="pizza") for one in principals)])
    seller, client = replace(SUSHI, bank_details=RUSSIAN), replace(ROMASHKA, kpp="773601001")
    return replace(paper, issuer=seller, client=client, principals=(PIZZA,))


CASES = {
    "by an agent": by_an_agent,
    "no operations": lambda: sample([]),
    "one operation": lambda: sample([("payment", "0.01")]),
    "everything": everything,
    "negative opening": lambda: sample(opening="-5000"),
    "dollars": lambda: sample(currency="USD", opening="-10"),
    "euro to pay": lambda: sample([("debit", "-75.25")], currency="EUR", issuer=EURO),
    "a currency without grammar": lambda: sample(currency="GEL"),
    "long names": lambda: sample(client=Client(name=LONG, legal_name=LONG), issuer=replace(SUSHI, legal_name=LONG)),
    "right to left": lambda: sample(client=Client(name="שרה כהן"), issuer=replace(SUSHI, name="بيت السوشي")),
    "markup in names": lambda: sample(client=Client(name="<b>Tom & Jerry</b>"), issuer=replace(SUSHI, name='a"};<x')),
    "three rates": three_rates,
    "expired credit": lambda: sample(credit=Credit(money(0), money(0), expired_on=date(2017, 2, 28))),
    "largest amounts": lambda: sample([("payment", "9999999999999.99")], opening="-9999999999999.99"),
    "provisional": lambda: replace(sample(), provisional=True, cut=91, last_transaction=None),
    "200 operations": lambda: sample([("debit", "-1.25")] * 200),
    "1,000 operations": lambda: sample([("debit", "-1.25")] * 1000),
    "30,000 operations": lambda: sample([("payment", "0.02"), ("debit", "-0.03")] * 15_000),
}


def drawn(paper: Statement, kind: str, code: str, folder: Path) -> Path:
    """Draw a paper into a file."""
    file = folder / f"{kind}-{code}.pdf"
    file.write_bytes(render.pdf(paper, Design(kind, code)))
    return file


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=[pytest.mark.soak] if case == "1,000 operations" else []) for case in CASES]
)
def test_a_paper_passes_both_validators_and_shows_the_totals(case, kind, tmp_path):
    """PDF/A-3a and PDF/UA-1 by one validator, PDF/UA and sense by another; closing and sums are in the text."""
    paper, code = CASES[case](), "ru" if case in ("everything", "long names", "by an agent") else "en"
    file = drawn(paper, kind, code, tmp_path)
    assert complaints(file) == []
    words = text(file)
    served = sum((one.amount for operation in paper.operations for one in operation.lines), start=ZERO)
    figure = {"act": abs(paper.summary.closing), "services": served}.get(kind, paper.summary.to_pay)
    assert shown(figure, code) in words
    if kind == "statement":
        for amount in (paper.summary.opening, -paper.summary.charged, paper.summary.paid, paper.summary.closing):
            assert shown(amount, code) in words


def test_the_same_papers_have_the_same_bytes_in_another_process(tmp_path):
    """Nothing of a paper, of any kind in either language, hangs on the clock, on the process or on a hash's order."""
    program = (
        "import sys; from hashlib import sha256; from reports.documents import render;"
        "from tests.reports.documents.test_papers import Design, everything;"
        "print(*(sha256(render.pdf(everything(), Design(*one.split('-')))).hexdigest() for one in sys.argv[1:]))"
    )
    papers = [(kind, code) for kind in KINDS for code in ("en", "ru")]
    run = [sys.executable, "-c", program, *("-".join(paper) for paper in reversed(papers))]
    other = subprocess.run(run, check=True, capture_output=True, text=True).stdout.split()
    here = [sha256(drawn(everything(), *paper, tmp_path).read_bytes()).hexdigest() for paper in papers]
    assert len(set(here)) == len(papers)
    assert other == here[::-1]


def test_the_data_is_inside_as_json_and_csv(tmp_path):
    """Three files with the relationship Data; each row of the paper is in them with its amounts."""
    paper = three_rates()
    with pikepdf.open(drawn(paper, "statement", "ru", tmp_path)) as pdf:
        files = {name: spec.get_file().read_bytes() for name, spec in pdf.attachments.items()}
        kinds = {str(spec.AFRelationship) for spec in pdf.Root.AF}
    assert kinds == {"/Data"}
    stem = "S-1000017-2017-03"
    assert set(files) == {f"{stem}.json", f"{stem}-operations.csv", f"{stem}-lines.csv"}
    facts = json.loads(files[f"{stem}.json"])
    rows = list(csv.DictReader(io.StringIO(files[f"{stem}-operations.csv"].decode("utf-8-sig")), delimiter=";"))
    lines = list(csv.DictReader(io.StringIO(files[f"{stem}-lines.csv"].decode("utf-8-sig")), delimiter=";"))
    assert [row["amount"].replace(",", ".") for row in rows] == [one["amount"] for one in facts["operations"]]
    assert [one["amount"] for one in facts["operations"]] == [str(one.amount) for one in paper.operations]
    assert [row["amount"].replace(",", ".") for row in lines] == [
        str(one.amount) for op in paper.operations for one in op.lines
    ]
    assert facts["summary"]["closing"] == str(paper.summary.closing)


def test_a_very_long_statement_is_summed_by_day_and_carries_every_operation(tmp_path):
    """Thirty thousand operations are one row per day on paper, and all in the files; the day sums make the total."""
    paper = CASES["30,000 operations"]()
    file = drawn(paper, "statement", "en", tmp_path)
    with pikepdf.open(file) as pdf:
        assert len(pdf.pages) <= 3
        rows = pdf.attachments["S-1000017-2017-03-operations.csv"].get_file().read_bytes().count(b"\r\n")
    assert rows == 30_001
    assert "30,000 operations, summed by day" in text(file)


def test_the_paper_says_title_language_and_conformance(tmp_path):
    """Readers show the title, screen readers choose the voice, archives find what it conforms to."""
    with pikepdf.open(drawn(sample(), "invoice", "ru", tmp_path)) as pdf:
        assert str(pdf.Root.Lang) == "ru"
        assert bool(pdf.Root.ViewerPreferences.DisplayDocTitle)
        with pdf.open_metadata() as meta:
            assert meta["dc:title"] == "Счёт на оплату I-1000017-2017-03, март 2017"
            assert (meta["pdfaid:part"], meta["pdfaid:conformance"], meta["pdfuaid:part"]) == ("3", "A", "1")
        assert pdf.Root.Metadata.get("/Filter") is None


@pytest.mark.parametrize("rows", [15, 33, 58])
def test_the_sentence_and_signatures_of_an_act_stand_below_rows_of_its_table(rows, tmp_path):
    """However the rows fall, the last page begins with the table's head, an operation and the totals."""
    pages = text(drawn(sample([("debit", "-1.25")] * rows), "act", "en", tmp_path)).strip("\f").split("\f")
    assert len(pages) > 1
    order = ("By the books of", "Debit", f"No. {1000 + rows}", "Turnover", "Balance at the end", "Debtor", "Signature")
    places = [pages[-1].find(words) for words in order]
    assert places == sorted(places)
    assert places[0] >= 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_template_that_is_not_xml_draws_the_same_paper(kind, tmp_path, monkeypatch):
    """Our pages are read by the XML reader; read by HTML's rules they make the same bytes."""
    quick = drawn(everything(), kind, "en", tmp_path).read_bytes()
    page_ = render.html(everything(), Design(kind))
    assert fromstring(page_).tag == "html"
    monkeypatch.setattr(render, "html", lambda *_, **__: page_.replace("<head>", "<head><meta name=plain>"))
    assert quick == drawn(everything(), kind, "en", tmp_path).read_bytes()


def test_a_company_may_write_footnotes_and_lists(tmp_path):
    """Their numbers are drawn though our own papers leave such styles out to be quicker."""
    own = """{% extends "base.html" %}{% block paper %}<ol><li>first</li></ol><p style="display: list-item">own</p>
    <p>Sum<span style="float: footnote">of all</span></p>{% endblock %}"""
    (tmp_path / "statement.html").write_text(own)
    file = tmp_path / "own.pdf"
    file.write_bytes(render.pdf(sample(), Design(templates=tmp_path)))
    assert re.findall(r"1\. first|• own|Sum1|1\. of all", re.sub(" +", " ", text(file))) == [
        "1. first",
        "• own",
        "Sum1",
        "1. of all",
    ]


def test_client_names_are_text_never_markup():
    """A name with tags and quotes is shown as it is, in the page and in the style sheet."""
    drawn_ = render.html(CASES["markup in names"]())
    assert "<b>" not in drawn_
    assert "&lt;b&gt;" in drawn_
    assert 'content: "S-1000017-2017-03 · a\\22 \\7d \\3b \\3c x"' in drawn_


def test_a_colour_that_is_none_does_not_reach_the_style_sheet():
    """What a brand calls its colour is not taken on trust."""
    drawn_ = render.html(sample(issuer=replace(SUSHI, colour="red; } body { display: none")))
    assert "display: none" not in drawn_
    assert "#1f4e79" in drawn_


def test_the_client_of_the_sample_is_named_by_its_legal_name():
    """An accountant looks for the name that is in the contract."""
    assert ROMASHKA.legal_name in render.html(sample())


def test_the_embedded_csv_is_guarded_and_that_of_a_russian_paper_opens_in_a_russian_excel() -> None:
    """A note that begins like a formula; semicolons, decimal commas and a byte order mark in a Russian paper only."""
    paper = sample([("debit", "-12.50")])
    paper = replace(paper, operations=tuple(replace(one, note="=cmd()") for one in paper.operations))
    for code, mark, comma in (("en", b"", "12.50"), ("ru", b"\xef\xbb\xbf", "12,50")):
        files = {file.name: file.content for file in embedded.embedded(paper, "statement", language(code))}
        content = next(content for name, content in files.items() if name.endswith("operations.csv"))
        assert content.startswith(mark + (b"version;" if mark else b"version,"))
        (row,) = csv.DictReader(io.StringIO(content.decode("utf-8-sig")), delimiter=";" if mark else ",")
        assert row["note"] == "'=cmd()"
        assert row["amount"] == f"-{comma}"


@pytest.mark.parametrize("kind", ["/ObjStm", "/XRef", None])
def test_no_stream_ends_in_a_carriage_return(kind: str | None) -> None:
    # A validator takes it and the line feed before `endstream` for one end of line, and finds a length too long.
    plain = 0
    for number in range(2000):
        content = sha256(b"%d" % number).digest()
        made = stream_bytes(pydyf.Stream([content], {"Type": kind} if kind else {}, compress=True))
        assert not made.endswith(b"\r\nendstream")
        inside = made.partition(b"\nstream\n")[2].removesuffix(b"\nendstream")
        packed = b"/FlateDecode" in made
        plain += not packed
        assert (zlib.decompress(inside) if packed else inside).removesuffix(b"\n") == content.removesuffix(b"\n")
        assert b"/Length %d" % len(inside) in made
    assert plain == 0 if kind == "/ObjStm" else 0 < plain < 100
