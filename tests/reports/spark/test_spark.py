"""Every standard report on Spark gives cell by cell what it gives on Polars. Only in make test-spark.

There each report has two months in its first shape, and an edge in its last; `make soak` has all shapes and edges.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import cycle, product
from pathlib import Path
from typing import Any

import duckdb
import pytest

import reports
from reports.core.report import REPORTS, Report
from reports.lake.spark import session
from reports.metrics.metric import all_metrics
from reports.metrics.query import quoted
from tests.reports.spark.compared import compared, shapes
from tests.reports.standard.test_every_report import parameters_for
from tests.reports.story import Story
from tests.reports.write_lake import write_lake

pytestmark = pytest.mark.spark

PERIODS = {
    "two currencies": ("2017-03-01", "2017-03-31"),
    "before anything": ("2015-01-01", "2015-01-31"),
    "a leap day": ("2016-02-29", "2016-02-29"),
    "the hour that a clock change repeats": ("2017-10-29", "2017-10-29"),
}


def two_months(story: Story) -> None:
    """Let everything happen, in two currencies."""
    for reference in ("anna", "boris", "romashka"):
        story.payment("2017-02-01", reference, 500, "pizza", channel="card", value_date="2017-01-31")
    story.bonus_account("points", of="anna", brand="sushi")
    story.terms("romashka", 1000, 30, "2017-01-01", "2017-12-31")
    story.link("anna", "romashka")
    story.limit("romashka", "anna", "day", 500)
    story.bonus("2017-03-01", "points", 30)
    sushi = {"brand": "sushi", "attributes": {"dish": "set 4"}}
    story.debit("2017-02-15", "romashka", {**sushi, "amount": 900}, key="d0")
    story.debit(
        "2017-03-02",
        "anna",
        {**sushi, "amount": 70, "source": "romashka"},
        ("pizza", 40),
        {**sushi, "amount": 5, "source": "points"},
        key="d1",
    )
    story.refund("2017-03-05", "d1", ("pizza", "13.33"))
    hold = story.hold("2017-03-06", "boris", 60, "2017-04-06")
    story.capture("2017-03-07", hold, ("pizza", 20))
    story.decline("2017-03-08", "anna", 999, "insufficient_funds")
    story.adjustment("2017-03-09", "anna", -3, "sushi", by="o.petrova")
    story.transfer("2017-03-09", "anna", "romashka", 7)
    story.change("2017-03-10", "link", "anna", None, {"payer": "romashka"})
    for day, opening in (("2017-02-27", 0), ("2017-03-11", 70)):
        waiting = story.unknown_payment(day, 70, "sushi", channel="bank")
        story.bank(day, waiting, "sushi", opening=opening)
    story.allocate("2017-03-11", waiting, "anna", 30, "sushi")
    story.order("2017-03-12", "o1", "anna", 90, code="TEN", discount=10)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a lake with a leap day, two months, and the hour that comes twice; carla's account never moves."""
    story = Story(time_zone="Europe/Berlin")
    for brand in ("sushi", "pizza"):
        story.brand(brand)
    for reference, currency in (("anna", "RUB"), ("boris", "USD"), ("romashka", "RUB"), ("carla", "RUB")):
        story.account(reference, currency=currency, holder="sushi")
    story.payment("2016-02-28T23:59", "anna", 10, "sushi", channel="cash")
    story.payment("2016-02-29T00:00", "anna", 20, "sushi", channel="cash")
    story.debit("2016-02-29T23:59", "anna", ("pizza", 30))
    two_months(story)
    for offset in ("+02:00", "+01:00"):
        story.payment(f"2017-10-29T02:30{offset}", "boris", 40, "sushi", channel="card")
        story.debit(f"2017-10-29T02:45{offset}", "boris", ("pizza", 50))
    story.close("2017-10-29")
    return write_lake(story, tmp_path_factory.mktemp("spark"))


LITTLE = {
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.shuffle.partitions": "1",
}
"""Settings for a few rows: what Spark plans anew, compiles and shuffles takes longer than the rows do."""


@pytest.fixture
def _settings(request: pytest.FixtureRequest) -> Iterator[None]:
    """Give Spark its settings for little data, but in the soak."""
    conf = session().conf
    usual = {name: conf.get(name) for name in LITTLE}
    for name, value in LITTLE.items() if request.node.get_closest_marker("soak") is None else ():
        conf.set(name, value)
    yield
    for name, value in usual.items():
        conf.set(name, value)


def cases() -> Iterator[Any]:
    """Give report, days and shape: in two months every shape of every report, on edges the first and the last."""
    usual, *edges = PERIODS
    for report, edge in zip(REPORTS.values(), cycle(edges), strict=False):
        every = list(shapes(report))
        first, last = every[0], every[-1]
        runs = [*product([usual], every), *product(edges, [first] if first == last else [first, last])]
        for name, shape in runs:
            sampled = (name, shape) == (usual, first) or ((name, shape) == (edge, last) and report.name != "control")
            marks = () if sampled else pytest.mark.soak
            yield pytest.param(
                report, PERIODS[name], shape, marks=marks, id=" ".join((report.name, *shape.values(), name))
            )


@pytest.mark.parametrize(("report", "days", "shape"), list(cases()))
@pytest.mark.usefixtures("_settings")
def test_spark_says_what_polars_says(lake: Path, report: Report, days: tuple[str, str], shape: dict[str, str]) -> None:
    """The same rows in the same order, of the same types, and the same control totals."""
    first_day, last_day = days
    polars, spark = (reports.open(str(lake), engine=engine) for engine in ("polars", "spark"))
    one = compared(
        polars, spark, report.name, **parameters_for(report, first_day=first_day, last_day=last_day), **shape
    )
    assert not one.differ
    assert one.result.holds
    assert one.result.frame.height > 0 or days != PERIODS["two currencies"]


def test_metrics_are_the_same(lake: Path) -> None:
    """Of every table, by time and brand, in total; a view of SQL is the same query."""
    polars, spark = (reports.open(str(lake), engine=engine) for engine in ("polars", "spark"))
    names = polars.metrics["name"].to_list()
    for by in (["month", "brand"], ["week"], []):
        wanted = [name for name in names if not by[1:] or "brand" in all_metrics().dimensions(all_metrics()[name])]
        one, other = (
            book.metric(*wanted, by=by, first_day="2017-02-01", last_day="2017-03-31") for book in (polars, spark)
        )
        assert one.frame.height and one.frame.equals(other.frame) and one.totals is not None
        assert other.totals is not None and one.totals.equals(other.totals)
    by_weekday = [
        book.metric("net", by=["weekday", "client"], first_day="2017-02-01").frame for book in (polars, spark)
    ]
    assert by_weekday[0].height and by_weekday[0].equals(by_weekday[1])
    odd = r"O'Brien \' Co"
    assert duckdb.execute(f"SELECT {quoted(odd)}").fetchone() == (odd,)
    assert session().sql(f"SELECT {quoted(odd, 'spark')}").first()[0] == odd


def test_the_command_writes_the_same_bytes_and_nothing_else(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A CSV from Spark is the one from Polars, and nothing of Java's stands on either output."""
    monkeypatch.setenv("TIFFIN_LAKE", str(lake))
    ask = [Path(sys.executable).with_name("tiffin"), "report", "turnover", "--from", "2017-03-01", "--format", "csv"]
    polars, spark = (
        subprocess.run([*ask, "--engine", e], capture_output=True, check=True) for e in ("polars", "spark")
    )
    assert polars.stdout
    assert (spark.stdout, spark.stderr) == (polars.stdout, polars.stderr)


def test_spark_submit_takes_the_file_of_the_page(lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As docs/operations.md writes it; the report on a cluster is the one from Polars."""
    page = (Path(__file__).parents[3] / "docs" / "operations.md").read_text(encoding="utf-8")
    [script] = [block for block in page.split("```python\n")[1:] if block.startswith("# report.py")]
    (tmp_path / "report.py").write_text(script.partition("```")[0])
    monkeypatch.setenv("TIFFIN_LAKE", str(lake))
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    asked = ["report", "turnover", "--from", "2017-03-01", "--format", "csv"]
    submitted = ["spark-submit", "--master", "local[1]", tmp_path / "report.py", *asked, "--engine", "spark"]
    found = subprocess.run(submitted, capture_output=True, check=True).stdout
    assert found == subprocess.run(["tiffin", *asked], capture_output=True, check=True).stdout
