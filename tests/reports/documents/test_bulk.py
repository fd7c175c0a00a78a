"""Many papers: in parallel, resumable, each on its own."""

import json
from decimal import Decimal
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from ledger.errors import Failure
from reports.documents.bulk import Selection, render_statements
from reports.documents.design import Design, Mailing
from reports.documents.manifest import NAME, Noted, PapersManifest
from reports.documents.papers import Issuing
from tests.reports.story import Story

MONTH = "2017-03"


@pytest.fixture
def march(story: Story) -> Story:
    """Return three clients of which two moved in March; one has an address and one no holder."""
    story.account("anna", holder="sushi")
    story.account("boris", holder="pizza")
    story.account("vera")
    story.rows["parties"][0]["email"] = "anna@example.org"
    for name in ("anna", "boris", "vera"):
        story.payment("2017-02-10", name, 300, "sushi")
    story.debit("2017-03-02", "anna", ("sushi", 120))
    story.debit("2017-03-03", "vera", ("pizza", 50))
    story.close("2017-03-31")
    return story


def files(folder: Path) -> dict[str, bytes]:
    """Return the papers of a folder."""
    return {path.name: path.read_bytes() for path in folder.glob("*.pdf")}


def test_a_paper_for_each_account_and_the_second_run_writes_nothing(march, tmp_path):
    """Everybody with a balance gets one; the manifest names them; the rerun finds them all."""
    steps = []
    first = render_statements(march.book(), MONTH, tmp_path, workers=2, progress=lambda *step: steps.append(step))
    assert (first.requested, first.written, first.unchanged, first.failed) == (3, 3, 0, [])
    assert [(done, of) for done, of, _ in steps] == [(1, 3), (2, 3), (3, 3)]
    before = files(tmp_path)
    noted = [json.loads(line) for line in (tmp_path / NAME).read_text().splitlines()]
    assert sorted(row["file"] for row in noted) == sorted(before)
    second = render_statements(march.book(), MONTH, tmp_path, workers=1)
    assert (second.written, second.unchanged) == (0, 3)
    assert files(tmp_path) == before


def test_a_broken_off_run_goes_on_where_it_was(march, tmp_path):
    """A missing file, a changed one and half a line of the manifest are made good, the rest left alone."""
    render_statements(march.book(), MONTH, tmp_path, workers=2)
    whole = files(tmp_path)
    gone, damaged, kept = sorted(tmp_path.glob("*.pdf"))
    gone.unlink()
    damaged.write_bytes(b"%PDF")
    time = kept.stat().st_mtime_ns
    with (tmp_path / NAME).open("a") as manifest:
        manifest.write('{"number": "S-1')
    again = render_statements(march.book(), MONTH, tmp_path, workers=1)
    assert (again.written, again.unchanged) == (2, 1)
    assert files(tmp_path) == whole
    assert kept.stat().st_mtime_ns == time


def test_a_paper_whose_figures_changed_is_made_again(march, tmp_path):
    """One client's name changes: one paper is written."""
    render_statements(march.book(), MONTH, tmp_path, workers=1)
    march.rows["parties"][0]["name"] = "Anna Karenina"
    again = render_statements(march.book(), MONTH, tmp_path, workers=1)
    assert (again.written, again.unchanged) == (1, 2)


def test_accounts_are_narrowed_by_movement_brand_and_number(march, tmp_path):
    """Only who moved, only whom a brand holds, only the first so many."""
    book = march.book()
    assert render_statements(book, MONTH, tmp_path / "a", Selection(changed_only=True), workers=1).requested == 2
    assert render_statements(book, MONTH, tmp_path / "b", Selection(brand="pizza"), workers=1).requested == 1
    assert render_statements(book, MONTH, tmp_path / "c", Selection(limit=1), workers=1).requested == 1
    with pytest.raises(Failure, match="there is no brand sashima: did you mean sushi"):
        render_statements(book, MONTH, tmp_path / "d", Selection(brand="sashima"))


def test_a_broken_account_is_named_and_stops_no_other(march, tmp_path):
    """An act of the account that no brand holds cannot be; the others are made."""
    done = render_statements(march.book(), MONTH, tmp_path, issuing=Issuing(Design("act")), workers=2)
    vera = march.accounts["vera"]["id"]
    assert (done.written, done.failed) == (2, [(vera, "has no holder: an act must name a seller")])


def test_an_invoice_of_nothing_is_not_printed(march, tmp_path):
    """Anna has money left; Boris owes 100 and gets one; Vera, whom no brand holds, has nothing to pay either."""
    march.debit("2017-03-31", "boris", ("pizza", 400))
    march.close("2017-03-31")
    steps = []
    done = render_statements(
        march.book(),
        MONTH,
        tmp_path,
        issuing=Issuing(Design("invoice")),
        workers=1,
        progress=lambda *step: steps.append(step[:2]),
    )
    assert (done.written, done.nothing_to_pay, done.failed) == (1, 2, [])
    assert list(files(tmp_path)) == [f"I-{march.accounts['boris']['id']}-2017-03.pdf"]
    assert steps[-1] == (3, 3)


def test_a_paper_that_takes_too_long_is_named(march, tmp_path):
    """The worker is ended, the file never appears."""
    done = render_statements(march.book(), MONTH, tmp_path, workers=1, timeout_s=0.001)
    assert [why for _, why in done.failed] == ["not ready after 0.001 seconds"] * 3
    assert files(tmp_path) == {}


def test_a_failed_control_stops_everything_before_the_first_file(march, tmp_path):
    """A balance that does not agree with the entries: no folder, no paper, and the control is named."""
    row = next(row for row in march.rows["entries"] if row.get("version") == 2)
    row["balance_after"] += Decimal(1)
    with pytest.raises(Failure, match="no papers: control ledger_balance of turnover does not hold"):
        render_statements(march.book(), MONTH, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_letters_carry_the_paper_to_those_with_an_address(march, tmp_path):
    """One client has an address: one letter, whose attachment is the very file."""
    book = march.book()
    done = render_statements(
        book,
        MONTH,
        tmp_path / "papers",
        issuing=Issuing(mailing=Mailing(tmp_path / "out", "Sushi <bills@example.org>")),
        workers=1,
    )
    assert (done.mailed, done.without_address) == (1, 2)
    (path,) = (tmp_path / "out").iterdir()
    letter = message_from_bytes(path.read_bytes(), policy=default)
    assert (letter["To"], letter["From"]) == ("anna@example.org", "Sushi <bills@example.org>")
    assert letter["Subject"] == f"Account statement {path.stem}, March 2017"
    (attached,) = letter.iter_attachments()
    assert attached.get_content() == (tmp_path / "papers" / f"{path.stem}.pdf").read_bytes()
    written = path.read_bytes()
    path.unlink()
    render_statements(
        book,
        MONTH,
        tmp_path / "papers",
        issuing=Issuing(mailing=Mailing(tmp_path / "out", "Sushi <bills@example.org>")),
    )
    assert path.read_bytes() == written


@pytest.mark.parametrize("where", ["papers", "outbox"])
def test_a_folder_that_is_a_file_is_named_before_the_first_paper(where, march, tmp_path):
    """One sentence; nothing is written anywhere."""
    (tmp_path / "file").write_text("mine")
    folders = {"papers": tmp_path / "papers", "outbox": tmp_path / "letters", where: tmp_path / "file"}
    mailing = Mailing(folders["outbox"], "bills@example.org")
    with pytest.raises(Failure, match=r"cannot write into .*file: file exists"):
        render_statements(march.book(), MONTH, folders["papers"], issuing=Issuing(mailing=mailing), workers=1)
    assert not list(tmp_path.rglob("*.pdf"))
    assert (tmp_path / "file").read_text() == "mine"


def test_letters_need_a_sender(march, tmp_path):
    """Without one nothing is written."""
    with pytest.raises(Failure, match="letters need a sender"):
        render_statements(march.book(), MONTH, tmp_path, issuing=Issuing(mailing=Mailing(tmp_path / "out", None)))


@pytest.mark.parametrize("sender", ["not an address", "@example.org", "bills@", "a@b.example, c@d.example"])
def test_letters_need_a_sender_that_is_one_address(sender, march, tmp_path):
    """It is reported once, before the first paper, and not for every letter."""
    with pytest.raises(Failure, match="is not an address: write"):
        render_statements(
            march.book(), MONTH, tmp_path / "papers", issuing=Issuing(mailing=Mailing(tmp_path / "out", sender))
        )
    assert not list(tmp_path.iterdir())


def test_a_client_whose_address_is_none_is_named(march, tmp_path):
    """The letter cannot be; the other papers are made."""
    march.rows["parties"][0]["email"] = "anna at home"
    done = render_statements(
        march.book(),
        MONTH,
        tmp_path,
        issuing=Issuing(mailing=Mailing(tmp_path / "out", "bills@example.org")),
        workers=1,
    )
    anna = march.accounts["anna"]["id"]
    assert (done.written, done.failed) == (2, [(anna, "anna at home is not an address")])


def test_a_manifest_believes_only_bytes(tmp_path):
    """A paper is there when its file has the bytes that were written."""
    manifest = PapersManifest(tmp_path)
    manifest.note(Noted("S-1", 1, "S-1.pdf", "mark", "0" * 64, 4))
    assert not manifest.has("S-1", "mark")
    (tmp_path / "S-1.pdf").write_bytes(b"%PDF")
    assert not PapersManifest(tmp_path).has("S-1", "mark")
