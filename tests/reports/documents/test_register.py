"""The register of issued papers: one number, one date, the same bytes again."""

import csv
import json
from dataclasses import replace
from email import message_from_bytes
from email.policy import default
from hashlib import sha256
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ledger.errors import Failure
from reports.cli.issued import app
from reports.documents import papers as papers_module
from reports.documents.bulk import render_statements
from reports.documents.design import Design, Mailing
from reports.documents.papers import Issuing, issued_pdf
from reports.documents.register import Register
from tests.reports.documents.samples import PIZZA, sample
from tests.reports.documents.test_bulk import MONTH, files, march

__all__ = ["march"]

OWING = [("debit", "-75.25")]
INVOICE = Design("invoice", "ru")


@pytest.fixture
def register(tmp_path: Path) -> Register:
    """Return an empty register."""
    return Register(tmp_path / "home" / "papers")


def test_a_paper_printed_again_is_the_paper_that_was_issued(register, monkeypatch):
    """Number, date and bytes, though the templates and the fonts are others by now."""
    number, first = issued_pdf(sample(OWING), INVOICE, register)
    monkeypatch.setattr(papers_module, "pdf", lambda *_: b"another look")
    assert issued_pdf(sample(OWING), INVOICE, register) == (number, first)
    (row,) = register.rows()
    assert (row.number, row.issued_on, row.client) == ("I-1000017-2017-03", "2017-03-31", "ООО «Ромашка»")
    assert (row.amount, row.currency, row.size) == ("75.25", "RUB", len(first))
    assert row.sha256 == sha256(first).hexdigest()
    assert register.content(row) == first


def test_other_content_is_a_new_edition_and_the_old_one_stays(register):
    """The client's name is corrected: `.2`, in both languages; the first is given out as it was."""
    _, first = issued_pdf(sample(OWING), INVOICE, register)
    renamed = sample(OWING, client=replace(sample().client, legal_name="ООО «Ромашка и дети»"))
    number, second = issued_pdf(renamed, INVOICE, register)
    assert number == "I-1000017-2017-03.2"
    assert issued_pdf(renamed, Design("invoice", "en"), register)[0] == number
    assert issued_pdf(sample(OWING), INVOICE, register) == ("I-1000017-2017-03", first)
    assert issued_pdf(renamed, INVOICE, register) == (number, second)
    assert [(row.number, row.language) for row in register.rows()] == [
        ("I-1000017-2017-03", "ru"),
        (number, "en"),
        (number, "ru"),
    ]


def test_a_paper_is_issued_anew_only_when_wanted(register):
    """A mended template: the same content as a second edition, which is then the one that is given out."""
    issued_pdf(sample(OWING), INVOICE, register)
    number, again = issued_pdf(sample(OWING), INVOICE, register, anew=True)
    assert number == "I-1000017-2017-03.2"
    assert issued_pdf(sample(OWING), INVOICE, register) == (number, again)


def test_what_makes_a_paper_prettier_is_no_new_content(register):
    """A new logo, colour or e-mail address is no reason for another edition."""
    number, first = issued_pdf(sample(OWING), INVOICE, register)
    issuer = replace(sample().issuer or PIZZA, colour="#000000")
    client = replace(sample().client, email="new@romashka.example")
    assert issued_pdf(sample(OWING, issuer=issuer, client=client), INVOICE, register) == (number, first)


def test_a_draft_of_open_days_is_in_no_register(register):
    """It may still change; nothing is kept, not even a folder."""
    number, content = issued_pdf(replace(sample(OWING), provisional=True, cut=3), INVOICE, register)
    assert number == "I-1000017-2017-03"
    assert content.startswith(b"%PDF")
    assert register.rows() == []
    assert not register.folder.exists()


def test_a_file_of_the_register_that_was_changed_is_never_given_out(register):
    """Other bytes, or none: a sentence that names the paper and the file."""
    issued_pdf(sample(OWING), INVOICE, register)
    (row,) = register.rows()
    (file,) = register.folder.glob("files/*/*.pdf")
    file.write_bytes(b"%PDF forged")
    with pytest.raises(Failure, match="I-1000017-2017-03 in the register is not what was issued"):
        issued_pdf(sample(OWING), INVOICE, register)
    file.unlink()
    with pytest.raises(Failure, match=r"cannot read I-1000017-2017-03 from the register, .*: no such file"):
        register.content(row)


def test_a_register_that_cannot_be_used_is_named(tmp_path):
    """A folder that is a file, and a file that is no register."""
    (tmp_path / "papers").write_text("mine")
    with pytest.raises(Failure, match="cannot write into the register of papers"):
        issued_pdf(sample(OWING), INVOICE, Register(tmp_path / "papers"))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "register.sqlite").write_text("no register at all, but text of some length" * 100)
    with pytest.raises(Failure, match="cannot use the register of papers"):
        Register(tmp_path / "other").rows()


def test_a_months_papers_are_issued_once_and_given_out_again(march, register, tmp_path):
    """Into another folder the same bytes; the register says where each was sent, the letter number and hash."""
    mailing = Mailing(tmp_path / "out", "bills@example.org")
    first = render_statements(
        march.book(), MONTH, tmp_path / "a", issuing=Issuing(mailing=mailing, register=register), workers=1
    )
    assert (first.written, first.failed) == (3, [])
    march.rows["parties"][0]["email"] = "other@example.org"
    second = render_statements(march.book(), MONTH, tmp_path / "b", issuing=Issuing(register=register), workers=1)
    again = render_statements(march.book(), MONTH, tmp_path / "b", issuing=Issuing(register=register), workers=1)
    assert (second.written, again.written, again.unchanged) == (3, 0, 3)
    assert files(tmp_path / "a") == files(tmp_path / "b")
    rows = {row.number: row for row in register.rows()}
    assert {f"{number}.pdf": register.content(row) for number, row in rows.items()} == files(tmp_path / "a")
    (letter,) = (tmp_path / "out").iterdir()
    assert [one.address for one in register.sendings(rows[letter.stem])] == ["anna@example.org"]
    body = message_from_bytes(letter.read_bytes(), policy=default).get_body().get_content()
    assert letter.stem in body
    assert rows[letter.stem].sha256 in body


def test_issued_papers_are_listed_shown_and_exported(register, tmp_path, monkeypatch):
    """tiffin papers: the list, the very bytes of one, and all of them in a folder with a table."""
    _, first = issued_pdf(sample(OWING), INVOICE, register)
    issued_pdf(sample(OWING), Design("act", "en"), register)
    register.sent(sha256(first).hexdigest(), "buh@romashka.example")
    monkeypatch.setenv("TIFFIN_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> str:
        done = CliRunner().invoke(app, ["papers", *words], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    listed = run("list").splitlines()
    assert [line.split()[0] for line in listed] == ["A-1000017-2017-03", "I-1000017-2017-03"]
    assert listed[1].endswith("sent to buh@romashka.example")
    (row,) = [
        json.loads(line) for line in run("list", "--kind", "invoice", "--month", "2017-03", "--json").splitlines()
    ]
    assert row["sent"][0]["address"] == "buh@romashka.example"
    assert run("list", "--month", "2017-04") == ""
    run("show", "I-1000017-2017-03", "-o", "again.pdf")
    assert (tmp_path / "again.pdf").read_bytes() == first
    assert "2 papers in all" in run("export", "all")
    assert (tmp_path / "all" / "ru" / "I-1000017-2017-03.pdf").read_bytes() == first
    table = list(csv.DictReader((tmp_path / "all" / "register.csv").read_text().splitlines()))
    assert [line["number"] for line in table] == ["A-1000017-2017-03", "I-1000017-2017-03"]
    with pytest.raises(Failure, match=r"no paper I-1000017-2017-04 was issued: did you mean I-1000017-2017-03"):
        CliRunner().invoke(app, ["papers", "show", "I-1000017-2017-04"], catch_exceptions=False)
