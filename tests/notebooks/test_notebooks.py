"""The notebooks run, as scripts and as pages, over a real lake of a small story."""

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ledger.errors import Failure
from reports.cli.notebook import app, folder, names
from tests.reports.story import Story
from tests.reports.write_lake import write_lake

MARCH = {"from": "2017-03-01", "to": "2017-03-31"}


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the lake of a month in which everything happened, made the lake of the settings."""
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
    path = write_lake(story, tmp_path)
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
    assert {"tour", "month_close", "receivables_review", "limits_review", "brands"} <= set(names())


@pytest.mark.parametrize("name", names())
def test_every_notebook_runs_as_a_script(lake: Path, name: str) -> None:
    """With nothing but the settings; a failing cell fails the script."""
    path = folder() / f"{name}.py"
    done = subprocess.run([sys.executable, path], capture_output=True, text=True, cwd=folder().parent)
    assert done.returncode == 0, done.stderr


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


def test_a_notebook_becomes_a_page(lake: Path, tmp_path: Path) -> None:
    """With its parameters after --; the page holds the figures."""
    page = tmp_path / "tour.html"
    result = CliRunner().invoke(app, ["notebook", "run", "tour", "-o", str(page), "--", "--to", "2017-03-31"])
    assert result.exit_code == 0, result.exception
    assert "Brand revenue" in page.read_text()


def test_an_unknown_notebook_suggests_names() -> None:
    """One sentence."""
    result = CliRunner().invoke(app, ["notebook", "run", "toor"])
    assert isinstance(result.exception, Failure)
    assert str(result.exception) == "there is no notebook toor: did you mean tour?"


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
