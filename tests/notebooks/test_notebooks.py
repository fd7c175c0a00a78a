"""The notebooks run, as scripts and as pages, over a real lake of a small story."""

import importlib
import io
import json
import os
import runpy
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2
import pytest
from typer.testing import CliRunner

from ledger.errors import Failure
from reports.cli.notebook import app
from reports.editions.facts import FORMATS
from reports.editions.parameters import Misused, PeriodParameters, read
from reports.editions.run import declared, folder, names, run
from tests.dashboards.chromium import browsing
from tests.dashboards.test_axe import faults
from tests.reports.story import Story
from tests.reports.write_lake import write_lake

FEBRUARY = {"from": date(2017, 2, 1), "to": date(2017, 2, 28)}
MARCH = {"from": "2017-03-01", "to": "2017-03-31"}


def made(folder: Path) -> Path:
    """Return the lake of a month in which everything happened."""
    story = Story()
    for brand in ("sushi", "pizza"):
        story.brand(brand)
    story.account("anna", holder="sushi")
    story.account("romashka", holder="pizza", kind="legal_entity")
    story.terms("romashka", 1000, 10, "2017-01-01")
    story.payment("2017-02-10", "anna", 500, "pizza")
    story.debit("2017-02-11", "romashka", ("sushi", 70))
    story.debit("2017-03-02", "anna", {"brand": "sushi", "amount": 80, "gross": 100}, ("pizza", 20), key="d1")
    story.debit("2017-03-03", "romashka", ("sushi", 300))
    story.refund("2017-03-05", "d1", ("pizza", 5))
    story.adjustment("2017-03-06", "anna", -1, "sushi")
    story.decline("2017-03-07", "anna", 9000, "insufficient_funds")
    story.unknown_payment("2017-03-08", 60, "sushi")
    story.close("2017-03-31")
    return write_lake(story, folder)


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return that lake, made the one of the settings."""
    path = made(tmp_path)
    monkeypatch.setenv("TIFFIN_LAKE", str(path))
    return path


def ran(name: str, **asked: str) -> dict[str, Any]:
    """Return what the notebook's cells define."""
    module = importlib.import_module(f"notebooks.{name}")
    sys.argv = [name, *(f"--{key}={value}" for key, value in asked.items())]
    _, definitions = module.app.run()
    return dict(definitions)


@pytest.fixture(autouse=True)
def _arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["notebook"])


def test_there_are_the_notebooks_of_the_plan() -> None:
    """A notebook that is not here is not run by the tests below."""
    assert {"tour", "month_close", "receivables_review", "limits_review", "brands", "cohorts"} <= set(names())


@pytest.mark.parametrize("name", names())
def test_every_notebook_runs_as_a_script(lake: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With nothing but the settings; a failing cell fails the script."""
    path = folder() / f"{name}.py"
    monkeypatch.setattr(sys, "argv", [str(path)])
    runpy.run_path(str(path), run_name="__main__")


def test_a_process_of_its_own_runs_one_and_fails_with_a_cell(lake: Path) -> None:
    """As `python notebooks/tour.py`; without a lake its exit code says so."""
    for settings, code in (({}, 0), ({"TIFFIN_LAKE": "nowhere"}, 1)):
        run = [sys.executable, folder() / "tour.py"]
        done = subprocess.run(run, capture_output=True, text=True, cwd=folder().parent, env=os.environ | settings)
        assert done.returncode == code, done.stderr


def test_the_tour_shows_the_book(lake: Path) -> None:
    """Its figures are the reports'; SQL and lazy frames answer."""
    shown = ran("tour", **MARCH)
    assert shown["control"].holds
    assert shown["revenue"].frame["net"].sum() == 400
    assert shown["largest"].height == 2
    assert set(shown["kinds"]["kind"]) == {"payment", "debit", "refund", "adjustment"}


def test_the_month_close_says_what_is_left(lake: Path) -> None:
    """A payment without a payer, an adjustment without a reason, a decline; no day is open."""
    left = ran("month_close", **MARCH)["left"]
    assert [what.split()[0] for what in left] == ["allocate", "explain", "look"]


def test_the_receivables_review_names_whom_to_call(lake: Path) -> None:
    """Romashka is late with both debits, and owes 300 more than a month before."""
    shown = ran("receivables_review", **{"as-of": "2017-03-31"})
    assert shown["to_call"]["client"].to_list() == ["Romashka"]
    assert shown["to_call"]["overdue"].to_list() == [370]
    assert shown["changed"].select("client", "before", "now", "change").rows() == [("Romashka", 70, 370, 300)]


def test_the_limits_review_says_what_other_limits_would_do(tmp_path: Path) -> None:
    """Romashka owes 70 and takes 300 on a credit of 1000: less than 0.37 of it is too little."""
    story = Story()
    story.brand("sushi")
    story.account("romashka", holder="sushi", kind="legal_entity")
    story.terms("romashka", 1000, None, "2017-01-01")
    story.debit("2017-02-11", "romashka", ("sushi", 70))
    story.debit("2017-03-03", "romashka", ("sushi", 300))
    path = str(write_lake(story, tmp_path))
    shown = ran("limits_review", lake=path, month="2017-03", credit="0.35")
    assert shown["found"].unlike.height == 0
    assert shown["touched"].select("effect", "reference", "count", "amount").rows() == [
        ("declined", "romashka", 1, 300)
    ]
    assert ran("limits_review", lake=path, month="2017-03", credit="0.4")["touched"].height == 0


def test_the_brands_are_compared(lake: Path) -> None:
    """Shares are of each currency's own whole."""
    shown = ran("brands", **MARCH)
    assert shown["shares"].sort("brand")["of_all"].to_list() == [0.05, 0.95]
    assert shown["settlements"].holds


def test_cohorts_count_who_came_back(lake: Path) -> None:
    """Romashka first ordered in February and again in March, anna in March; of pizza anna alone."""
    shown = ran("cohorts")["cohorts"]
    assert shown.select("cohort", "after", "clients", "kept").rows() == [
        ("2017-02", 0, 1, 1.0),
        ("2017-02", 1, 1, 1.0),
        ("2017-03", 0, 1, 1.0),
    ]
    assert ran("cohorts", brand="pizza")["cohorts"].select("cohort", "clients").rows() == [("2017-03", 1)]


@pytest.fixture(scope="module")
def editions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return the tour of March in every form, and its page once more by the command."""
    folder = tmp_path_factory.mktemp("editions")
    files = {form: folder / form for form in FORMATS}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TIFFIN_LAKE", str(made(folder)))
        run("tour", files, {"to": "2017-03-31"})
        words = ["run", "tour", "-o", str(folder / "again"), "--", "--to", "2017-03-31"]
        result = CliRunner().invoke(app, ["notebook", *words])
        assert result.exit_code == 0, result.exception
    return {path.name: path.read_bytes() for path in (*files.values(), folder / "again")}


def test_a_notebook_becomes_one_file_that_needs_no_network(editions: dict[str, bytes]) -> None:
    """It holds the figures, its charts as vectors, the controls, and neither a program nor an address."""
    page = editions["html"].decode()
    assert "Brand revenue" in page and "400.00" in page and "data:image/svg+xml;base64," in page
    assert "<script" not in page and "http" not in page.replace("http://www.w3.org", "")
    assert "marimo" not in page and "book.report(" in page and "def _" not in page
    assert len(page) < 500_000


def test_the_same_cut_gives_the_same_bytes(editions: dict[str, bytes]) -> None:
    """No clock and no random name is in a page."""
    assert editions["again"] == editions["html"]


def test_an_edition_as_pdf_is_tagged_and_holds_the_rows_of_its_charts(editions: dict[str, bytes]) -> None:
    """PDF/UA, with text to search, and a CSV for each chart."""
    with pikepdf.open(io.BytesIO(editions["pdf"])) as pdf:
        assert pdf.Root.MarkInfo.Marked
        assert [name.endswith(".csv") for name in pdf.attachments] == [True]
        assert not [image for page in pdf.pages for image in page.get_images()]  # the chart is of vectors
        assert b"Sushi" in pdf.attachments["01-net-revenue-by-brand.csv"].get_file().read_bytes()
    document = pypdfium2.PdfDocument(editions["pdf"])
    assert "400.00" in "".join(page.get_textpage().get_text_range() for page in document)


@pytest.mark.browser
def test_a_page_opens_offline_without_a_serious_fault(editions: dict[str, bytes], tmp_path: Path) -> None:
    """Its picture is drawn, nothing is fetched, and axe finds nothing serious, nor at a telephone's width."""
    kept = tmp_path / "tour.html"
    kept.write_bytes(editions["html"])
    with browsing(tmp_path / "profile") as context:
        context.set_offline(True)
        page, asked = context.new_page(), []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(kept.as_uri())
        assert page.locator("img").evaluate_all("all => all.map(one => one.naturalWidth > 300)") == [True]
        assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 900})
            assert faults(page) == []


def test_an_edition_as_markdown_holds_its_outputs(editions: dict[str, bytes]) -> None:
    """Tables with right-aligned figures, and controls."""
    text = editions["md"].decode()
    assert text.startswith("# Tiffin: a tour\n") and "---:" in text and "400.00" in text and "holds" in text


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--mont", "2017-12"], "there is no parameter --mont: did you mean --month?"),
        (["--month", "2017-13"], "2017-13 is not a month: write YYYY-MM"),
        (["--from", "yesterday"], "yesterday is not a date: write YYYY-MM-DD"),
        (["--month", "2017-03", "--to", "2017-03-05"], "give either --month or --from and --to"),
        (["--from", "2017-03-05", "--to", "2017-03-01"], "from 2017-03-05 is after to 2017-03-01"),
        (["--month"], "--month has no value"),
        (["2017-03"], "2017-03 is no parameter: they are written as --name value"),
        (["--month", "2017-03", "--month=2017-04"], "--month is given twice"),
    ],
)
def test_a_parameter_that_a_notebook_does_not_take_is_wrong_usage(words: list[str], sentence: str) -> None:
    """Exit 2, before anything runs; never a page of another month."""
    result = CliRunner().invoke(app, ["notebook", "run", "month_close", *words], env={"COLUMNS": "300"})
    assert result.exit_code == 2
    assert sentence in " ".join(result.output.replace("│", " ").split())


def test_a_number_out_of_range_is_wrong_usage() -> None:
    """Factors of limits go from 0 to 10."""
    with pytest.raises(Misused, match="--credit 11: input should be less than or equal to 10"):
        read(declared("limits_review"), {"credit": "11"})
    assert read(declared("limits_review"), {"write-off": "2"}).model_dump()["write_off"] == 2


def test_the_parameters_of_a_notebook_are_listed() -> None:
    """How each is written, what it means, its default."""
    shown = CliRunner().invoke(app, ["notebook", "options", "limits_review"]).output
    assert "--month YYYY-MM         a month" in shown
    assert "--credit NUMBER         credit limits times [default: 0.5]" in shown


def test_an_unknown_notebook_suggests_names() -> None:
    """One sentence."""
    result = CliRunner().invoke(app, ["notebook", "run", "toor"])
    assert isinstance(result.exception, Failure)
    assert str(result.exception) == "there is no notebook toor: did you mean tour or cohorts?"


def test_a_notebook_without_a_lake_fails_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No page is kept as if it were good."""
    monkeypatch.setenv("TIFFIN_LAKE", str(tmp_path / "none"))
    result = CliRunner().invoke(app, ["notebook", "run", "tour", "-o", str(tmp_path / "tour.html")])
    assert isinstance(result.exception, Failure)
    assert "no cut yet" in str(result.exception)


def test_the_jupyter_notebook_runs_over_the_same_door(lake: Path) -> None:
    """By nbmake, in a kernel of its own; a failing cell fails it, and the file keeps no outputs."""
    notebook = folder() / "jupyter_tour.ipynb"
    run = [sys.executable, "-m", "pytest", "--nbmake", "-p", "no:cacheprovider", "-p", "no:xdist", str(notebook)]
    done = subprocess.run(run, capture_output=True, text=True, cwd=folder().parent)
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout
    cells = json.loads(notebook.read_text())["cells"]
    assert all(not cell["outputs"] for cell in cells if cell["cell_type"] == "code")


def test_the_form_of_a_live_notebook_is_in_words_of_the_reader(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Months and brands by name to choose from, days as days; they count unless a month is chosen."""
    monkeypatch.setenv("TIFFIN_LANGUAGE", "ru")
    asked = ran("cohorts")["form"]
    assert {name: field.value for name, field in asked.elements.items()} == {
        "month": "",
        "from": date(2017, 2, 10),  # of cohorts from the first day of the book
        "to": date(2017, 3, 31),
        "brand": "",
    }
    assert "Месяц" in asked.elements["month"].text
    assert list(asked.elements["month"].options) == ["нет: дни рядом", "март 2017", "февраль 2017"]
    assert list(asked.elements["brand"].options) == ["все", "Pizza (pizza)", "Sushi (sushi)"]
    for month, days in (("", {"from": date(2017, 2, 10), "to": date(2017, 3, 31)}), ("2017-02", FEBRUARY)):
        chosen = read(declared("cohorts"), {**asked.value, "month": month})
        assert isinstance(chosen, PeriodParameters) and chosen.period == days
    limits = ran("limits_review")["form"]
    assert "Кредитные лимиты, раз" in limits.elements["credit"].text
