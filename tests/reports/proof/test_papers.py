"""Papers carry their proof; what a reader sees of them is checked with a copy of the seals alone."""

import io
import re
import zlib
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pikepdf
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from ledger.errors import Failure
from ledger.settings import Settings
from reports.cli import main
from reports.documents.design import Design
from reports.documents.papers import statement_of
from reports.documents.render import pdf
from reports.documents.statement import Statement
from reports.lake.reader import open_lake
from reports.proof.check_paper import _first_unlike, check_paper
from reports.proof.paper_proof import LONGEST
from reports.proof.prove import Prover
from reports.proof.proven_papers import proven, prover_for
from reports.proof.seal import read_seals
from reports.run import LakeBook
from tests.reports.proof.conftest import SealedBook

JANUARY = (date(2024, 1, 1), date(2024, 1, 31))


def facts(book: SealedBook, account: str, days: tuple[date, date] = JANUARY) -> Statement:
    """Return the facts of a client's paper, with a holder for it to be issued by."""
    return statement_of(LakeBook(open_lake(book.lake)), account, *days)


def issued(book: SealedBook, paper: Statement, kind: str = "statement", language: str = "en") -> bytes:
    """Return a paper with its proof, signed."""
    with Prover(book.url, paper.since, paper.until, Ed25519PrivateKey.generate()) as prover:
        paper, proof = proven(paper, kind, prover)  # type: ignore[arg-type]
    assert proof is not None
    assert len(zlib.compress(proof, 6)) < LONGEST
    return pdf(paper, Design(kind, language), proof)  # type: ignore[arg-type]


def problems(book: SealedBook, content: bytes) -> tuple[str, ...]:
    """Return what is wrong with a paper by the copy of the seals."""
    return check_paper(
        content, "it.pdf", list(read_seals((Path(book.lake) / "seals.jsonl").read_bytes(), "s"))
    ).problems


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_paper_is_genuine_complete_and_unchanged(sealed: SealedBook, language: str) -> None:
    """It prints the short form of its seal, and says when it was closed."""
    content = issued(sealed, facts(sealed, "anna"), language=language)
    found = check_paper(content, "it.pdf", list(read_seals((Path(sealed.lake) / "seals.jsonl").read_bytes(), "s")))
    assert found.problems == ()
    assert (found.account, found.since, found.until) == (1000017, "2024-01-01", "2024-01-31")
    assert found.is_signed
    assert found.rows == len(facts(sealed, "anna").operations) > 10


def with_pages_of(content: bytes, other: bytes) -> bytes:
    """Return a paper whose pages are those of another one; what is inside stays."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(content)) as paper, pikepdf.open(io.BytesIO(other)) as pages:
        del paper.pages[:]
        paper.pages.extend(pages.pages)
        paper.save(out)
    return out.getvalue()


def test_figures_that_a_reader_sees_are_compared_with_what_is_proven(sealed: SealedBook) -> None:
    """A row altered, a row removed, a sum altered, another month put in: the pages differ, the data inside do not."""
    paper = facts(sealed, "anna")
    content = issued(sealed, paper)
    first, *rest = paper.operations
    other = replace(paper, operations=(replace(first, amount=first.amount + Decimal("0.01")), *rest))
    pages = {
        "a row altered": other,
        "a row removed": replace(paper, operations=tuple(rest)),
        "rows exchanged": replace(paper, operations=(rest[0], first, *rest[1:])),
        "the closing balance": replace(
            paper, summary=replace(paper.summary, closing=paper.summary.closing + Decimal("0.01"))
        ),
        "another month": facts(sealed, "anna", (date(2024, 2, 1), date(2024, 2, 29))),
        "another client": facts(sealed, "boris"),
    }
    for name, drawn in pages.items():
        found = problems(sealed, with_pages_of(content, pdf(replace(drawn, seal=None))))
        assert any("page 1 shows" in problem or "the pages end" in problem for problem in found), name


@pytest.mark.parametrize(
    ("shown", "due", "unlike"),
    [
        ("paid 5.00, left 7.00 ", ["5.00,", "7.00"], None),
        ("lunch\x02company-01-\r\nemployee-14 5.00", ["lunch-company-01-employee-14", "5.00"], None),
        ("0123456789\r\n0123456789-A 5.00", ["01234567890123456789-A", "5.00"], None),
        ("-5.00 7.00", ["5.00", "7.00"], "5.00"),
        ("5.00 7.00", ["-5.00", "7.00"], "-5.00"),
        ("1 23.00", ["12", "3.00"], "12"),
        ("1\r\n234.00", ["1234.00"], "1234.00"),  # a digit that was moved to the end of the line before
        ("5.00 6.00 7.00", ["5.00", "7.00"], "7.00"),
        ("7.00 5.00", ["5.00", "7.00"], "5.00"),
        ("5.00", ["5.00", "7.00"], "7.00"),
        ("5.00 7.00", ["5.00"], ""),
    ],
)
def test_what_is_shown_is_what_is_due_word_by_word(shown: str, due: list[str], unlike: str | None) -> None:
    """Names may be broken over lines, as long references are; figures may not, nor may their signs or order change."""
    found = _first_unlike(shown, due)
    assert (found and (found[1] or "")) == unlike


def test_the_head_of_a_table_may_stand_on_each_of_its_pages() -> None:
    """With a client's name that has a digit; in the midst of a page it is one figure too many."""
    pages = ["Household 1 Debit\n5.00\n", "Household 1 Debit\n7.00\n"]
    begins, heads, due = [0, len(pages[0])], [["1"]], ["1", "5.00", "7.00"]
    assert _first_unlike("".join(pages), due, begins, heads) is None
    assert _first_unlike("".join(pages), due, [0], heads) == (len(pages[0]) - 1, "7.00")


def test_text_laid_over_a_figure_is_found(sealed: SealedBook) -> None:
    """Text on the page beside what was drawn, and an annotation over it."""
    content = issued(sealed, facts(sealed, "anna"))
    with pikepdf.open(io.BytesIO(content)) as paper:
        page = paper.pages[0]
        font = pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica)
        page.Resources.Font["/Laid"] = paper.make_indirect(font)
        page.contents_add(b"q BT /Laid 12 Tf 300 400 Td (9999.99) Tj ET Q")
        out = io.BytesIO()
        paper.save(out)
    assert any("9999.99" in problem for problem in problems(sealed, out.getvalue()))
    with pikepdf.open(io.BytesIO(content)) as paper:
        note = pikepdf.Dictionary(
            Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.FreeText, Rect=[100, 400, 300, 430], Contents="9999.99"
        )
        paper.pages[0].Annots = paper.make_indirect(pikepdf.Array([note]))
        out = io.BytesIO()
        paper.save(out)
    assert "page 1 has something laid over it" in problems(sealed, out.getvalue())


def test_data_that_were_altered_with_the_pages_are_not_proven(sealed: SealedBook) -> None:
    """Pages and data agree with each other and were drawn by the same program; the proof is of other entries."""
    paper = facts(sealed, "anna")
    first, *rest = paper.operations
    with Prover(sealed.url, *JANUARY) as prover:
        _, proof = proven(paper, "statement", prover)
    other = replace(paper, operations=(replace(first, amount=first.amount + Decimal("0.01")), *rest))
    found = problems(sealed, pdf(other, Design(), proof))
    assert "the data inside are not those that it was issued with" in found
    assert any(problem.startswith(f"operation {first.version} of {first.posted_on} shows ") for problem in found)
    short = problems(sealed, pdf(replace(paper, operations=tuple(rest)), Design(), proof))
    assert any(problem.startswith(f"entry {first.version} of {first.posted_on}") for problem in short)


def test_a_paper_that_goes_out_without_its_proof_is_named(
    sealed: SealedBook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database is away, the days are not sealed, the proof is too long: one sentence each. Before, silence."""
    away, said = Settings(database_url="postgresql://nobody@127.0.0.1:1/none", home=tmp_path), list[str]()
    with prover_for(away, *JANUARY, said.append) as prover:
        assert prover is None
    assert said.pop().startswith("papers of 2024-01-01 to 2024-01-31 carry no proof: ")
    there, april = Settings(database_url=sealed.url, home=tmp_path), (date(2024, 4, 1), date(2024, 4, 30))
    with prover_for(there, *april, said.append) as prover:
        assert prover is None
    assert "carry no proof: 2024-04-30 is not sealed: the last seal is of 2024-02-29" in said.pop()
    monkeypatch.setattr("reports.proof.proven_papers.LONGEST", 100)
    with prover_for(there, *JANUARY, said.append) as prover:
        paper, proof = proven(facts(sealed, "anna"), "statement", prover)
    assert (paper.seal, proof) == (None, None)
    assert re.fullmatch(
        r"the paper of account 1000017 carries no proof, which would take [\d,]+ bytes of 100: "
        r"tiffin prove 1000017 --from 2024-01-01 --to 2024-01-31 makes it",
        said.pop(),
    )


def test_figures_that_the_ledger_does_not_prove_are_not_issued(sealed: SealedBook) -> None:
    """A lake of another ledger, or one that was altered: no paper. Before, it was issued and did not check."""
    paper = facts(sealed, "anna")
    summary = replace(paper.summary, closing=paper.summary.closing + Decimal("0.01"))
    with Prover(sealed.url, *JANUARY) as prover, pytest.raises(Failure, match="account 1000017: the lake has "):
        proven(replace(paper, summary=summary), "statement", prover)


def test_a_paper_without_a_proof_is_one_sentence(sealed: SealedBook) -> None:
    """As is what is no PDF at all."""
    with pytest.raises(Failure, match=r"it\.pdf carries no proof"):
        problems(sealed, pdf(facts(sealed, "anna")))
    with pytest.raises(Failure, match=r"it\.pdf is not a PDF file"):
        problems(sealed, b"%PDF-1.7 nonsense")


def test_the_command_line_proves_and_checks(
    sealed: SealedBook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prove from the ledger; check with the file of seals and nothing else."""
    monkeypatch.setenv("TIFFIN_DATABASE_URL", sealed.url)
    main.assemble("prove")
    runner, file = CliRunner(), tmp_path / "anna.json"
    words = ["prove", "anna", "--from", "2024-01-01", "--to", "2024-01-31", "-o", str(file)]
    assert runner.invoke(main.app, words).exit_code == 0
    monkeypatch.setenv("TIFFIN_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    seals = ["--seals", str(Path(sealed.lake) / "seals.jsonl")]
    checked = runner.invoke(main.app, ["check", str(file), *seals])
    assert checked.output.startswith("account 1000017, 2024-01-01 to 2024-01-31: complete and unchanged: ")
    paper = tmp_path / "paper.pdf"
    paper.write_bytes(issued(sealed, facts(sealed, "anna")))
    assert ": genuine, complete, unchanged: " in runner.invoke(main.app, ["check", str(paper), *seals]).output
    file.write_text(file.read_text().replace('"until":"2024-01-31"', '"until":"2024-12-31"'))
    refused = runner.invoke(main.app, ["check", str(file), *seals])
    assert "account 1000017 is not proven" in str(refused.exception)
