"""A company's own pack: what stands there appears everywhere; what is broken is named, and stops only itself."""

from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

import reports
from ledger.errors import Failure
from ledger.settings import Settings
from reports.cli.pack import app as pack_cli
from reports.cli.report import app as report_cli
from reports.core.report import REPORTS, STANDARD
from reports.documents.design import design_of
from reports.documents.names import names
from reports.documents.render import environment, html
from reports.editions.kept import listed
from reports.editions.run import declared, path_of
from reports.editions.run import names as notebooks
from reports.formats import rendered
from reports.nightly import Step, _pack
from reports.pack import current
from reports.pack.check import begin, checked
from reports.run import LakeBook
from tests.reports.documents.samples import sample
from tests.reports.story import Story
from tests.reports.write_lake import write_lake

DAYS = {"first_day": "2017-03-01", "last_day": "2017-03-31"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a new pack."""
    monkeypatch.setenv("TIFFIN_PACK", str(tmp_path / "pack"))
    begin(tmp_path / "pack")
    return tmp_path / "pack"


@pytest.fixture
def book(story: Story) -> LakeBook:
    """Return a closed month with a large debit and a catering."""
    story.account("anna", holder="sushi")
    story.debit("2017-03-01", "anna", {"brand": "sushi", "amount": 700, "gross": 800, "discount": 100})
    story.debit("2017-03-02", "anna", {"brand": "pizza", "amount": 200, "service": "catering"})
    story.close("2017-03-31")
    return story.book()


def test_what_stands_in_the_folder_appears_without_an_edit(folder: Path, book: LakeBook) -> None:
    """A report and metrics in Python, files and the dictionary; names of services in both languages; a notebook."""
    assert current().problems == () and "large-debits" in REPORTS and "large-debits" not in STANDARD
    result = book.report("large-debits", **DAYS)
    assert result.holds and result.frame["amount"].to_list() == [700]
    assert book.describe("large-debits")["column"].to_list() == ["transaction", "currency", "amount"]
    assert "Крупные списания" in rendered(result, "html", language="ru").decode()
    assert "large-debits" in CliRunner().invoke(report_cli, ["--list"], env={"COLUMNS": "200"}).output
    share = book.metric("discount_share", by="brand", **DAYS)
    assert dict(share.frame.select("brand", "discount_share").rows())["sushi"] == 0.125
    assert "Скидки, доля" in rendered(share, "html", language="ru").decode()
    assert book.sql("SELECT sum(discounts) FROM metric_discount_share").item() == 100
    services = book.report("services", **DAYS)
    for language, word in (("en", "Catering"), ("ru", "Кейтеринг")):
        assert word in rendered(services, "html", language=language).decode()
        assert names(language).service("catering") == word
    assert rendered(services, "csv").decode().count("catering") == 1  # programs read codes
    assert "discounts" in notebooks() and path_of("discounts").parent == folder / "notebooks"
    assert "month" in declared("discounts").model_fields
    (folder / "reports" / "large_debits.py").unlink()
    assert "large-debits" not in REPORTS
    services_file = folder / "services.toml"
    services_file.write_text(services_file.read_text("utf-8").replace("Catering", "Banquets"), "utf-8")
    assert names("en").service("catering") == "Banquets", "a program that runs sees what was changed"


def test_a_broken_file_is_named_with_its_line_and_stops_only_itself(folder: Path, book: LakeBook) -> None:
    """Of form, of names, when it runs; reports of the house and the others of the pack go on."""
    (folder / "reports" / "typo.py").write_text("import reports\n\ndef (:\n")
    (folder / "reports" / "lost.py").write_text("\nfrom reports.core.report import Reprot\n")
    (folder / "services.toml").write_text('[services]\ncatering = "Catering"\n')
    (folder / "templates" / "statement.html").write_text("\n{% if %}")
    sick = (folder / "reports" / "large_debits.py").read_text().replace('"large-debits"', '"sick"')
    (folder / "reports" / "sick.py").write_text(sick.replace('.sort("transaction")', ".sort(nothing)"))
    problems = [problem.replace(f"{folder}/", "") for problem in current().problems]
    assert problems == [
        "reports/lost.py, line 2: ImportError: cannot import name 'Reprot' from 'reports.core.report' "
        f"({Path(__file__).parents[2]}/reports/core/report.py)",
        "reports/typo.py, line 3: SyntaxError: invalid syntax",
        'services.toml: line 2: catering must be catering = { en = "…", ru = "…" }',
        "templates/statement.html, line 2: Expected an expression, got 'end of statement block'",
    ]
    assert book.report("turnover", **DAYS).holds and book.report("large-debits", **DAYS).holds
    line = 1 + sick.splitlines().index(
        '    return found.select("currency", "amount", transaction="id").sort("transaction")'
    )
    with pytest.raises(Failure, match=rf"sick.py, line {line}: NameError: name 'nothing' is not defined$"):
        book.report("sick", **DAYS)
    assert book.report("control", **DAYS).holds


def test_a_night_writes_its_reports_last_and_names_what_is_wrong(folder: Path, book: LakeBook, tmp_path: Path) -> None:
    """Files of what holds; a control that differs, a report that fails and a metric that cannot be asked are named."""
    text = (folder / "reports" / "large_debits.py").read_text()
    (folder / "reports" / "off.py").write_text(
        text.replace('"large-debits"', '"off"').replace(
            'rows.select("currency", "amount")', 'rows.head(0).select("currency", "amount")'
        )
    )
    (folder / "metrics.toml").open("a").write(
        '\n[bad]\nen = "B"\nru = "Б"\nunit = "money"\ntable = "entries"\nexpression = "sum(amuont)"\n'
    )
    step = Step("pack")
    _pack(step, book, date(2017, 3, 31), tmp_path / "out", Settings())
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"large-debits.csv", "large-debits.xlsx"}
    off, bad = step.problems
    assert off == "off: control entries expected 700.00, actual 0.00 RUB"
    assert "metrics.toml, line 28: metric bad: Binder Error" in bad and "amuont" in bad


def test_a_template_that_cannot_be_drawn_stops_no_paper(folder: Path) -> None:
    """It goes out by ours."""
    paper = sample()
    own = folder / "templates" / "statement.html"
    own.write_text("<p>our own</p>")
    assert "our own" in html(paper, design_of(Settings()))
    environment.cache_clear()  # which a process keeps
    own.write_text("<p>{{ nothing.at.all }}</p>")
    assert html(paper, design_of(Settings())) == html(paper)


def test_the_check_runs_everything(folder: Path, story: Story, tmp_path: Path) -> None:
    """Reports, metrics, notebooks, pages and tests of the pack; what fails is named with its line."""
    story.account("anna", holder="sushi")
    story.debit("2025-03-01", "anna", {"brand": "sushi", "amount": 700, "gross": 800, "discount": 100})
    story.debit("2025-03-02", "anna", {"brand": "pizza", "amount": 450, "gross": 450, "discount": 0})
    story.close("2025-03-31")
    tests = folder / "tests" / "test_pack.py"
    tests.write_text(tests.read_text() + "\n\ndef test_wrong(book):\n    assert book.cut.number == 2, 'one cut'\n")
    (folder / "pages" / "lost.py").write_text("\nst.title('Lost')\n")
    found = list(checked(current(), reports.open(write_lake(story, tmp_path))))
    assert len(found) == 10
    assert [one.problem for one in found if one.problem] == [
        f"{folder}/pages/lost.py, line 2: NameError: name 'st' is not defined",
        f"{tests}, line {len(tests.read_text().splitlines())}: AssertionError: one cut",
    ]


@pytest.mark.soak
@pytest.mark.usefixtures("folder")
def test_the_check_makes_up_a_book() -> None:
    """A server and a lake of its own, which go afterwards."""
    done = CliRunner().invoke(pack_cli, ["pack", "check"], catch_exceptions=False)
    assert done.exit_code == 0 and done.output.count("ok ") == 8


def test_the_command_begins_a_pack_and_lists_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once; by default beside the home."""
    monkeypatch.delenv("TIFFIN_PACK", raising=False)
    monkeypatch.setenv("TIFFIN_HOME", str(tmp_path / ".tiffin"))
    assert "there is no pack" in str(CliRunner().invoke(pack_cli, ["pack", "check"]).exception)
    made = CliRunner().invoke(pack_cli, ["pack", "new"], catch_exceptions=False).output.splitlines()
    assert str(tmp_path / "pack" / "metrics.toml") in made
    assert "is not empty" in str(CliRunner().invoke(pack_cli, ["pack", "new"]).exception)
    listed = CliRunner().invoke(pack_cli, ["pack", "list"]).output.splitlines()
    assert [line.split() for line in listed][:2] == [["report", "large-debits"], ["notebook", "discounts"]]


def test_the_pack_lists_editions_of_its_notebooks(folder: Path, tmp_path: Path) -> None:
    """Where the home has no list of its own."""
    assert listed(tmp_path) == []
    (folder / "editions.toml").write_text('[[edition]]\nnotebook = "discounts"\nevery = "month"\n')
    [one] = listed(tmp_path)
    assert one.given(date(2017, 3, 1), date(2017, 3, 31)) == {"month": "2017-03"}
    (tmp_path / "editions.toml").write_text('[[edition]]\nnotebook = "brands"\n')
    assert [one.notebook for one in listed(tmp_path)] == ["brands"]
