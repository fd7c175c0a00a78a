"""Metrics: to the cent what the standard reports have, the same through every door, with totals that are right."""

from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import Phase, given, settings
from typer.testing import CliRunner

from ledger.errors import Failure
from reports.cli.metric import app
from reports.formats import rendered
from reports.lake import duckdb_file
from reports.lake.restricted import RestrictedLake
from reports.metrics.metric import HOUSE, all_metrics, read
from reports.pivot import Question, pivot
from reports.run import LakeBook
from tests.reports.spark.test_spark import two_months
from tests.reports.standard.test_against_sql import HISTORY, begun, happen
from tests.reports.story import Story
from tests.reports.write_lake import write_lake

MONTHS = ("2017-02", "2017-03")
DAYS: dict[str, Any] = {"first_day": "2017-02-01", "last_day": "2017-03-31"}


@pytest.fixture(scope="module")
def book() -> LakeBook:
    """Return two closed months in which everything happens, in two currencies."""
    story = Story()
    for brand in ("sushi", "pizza"):
        story.brand(brand)
    story.account("anna", holder="sushi")
    story.account("boris", currency="USD", holder="pizza")
    story.account("romashka", holder="sushi", kind="legal_entity")
    two_months(story)
    story.holder("2017-03-15", "romashka", "pizza")
    story.close("2017-03-31")
    return story.book()


def same(book: LakeBook, names: str, of: str, report: str, figures: str, **given: Any) -> int:
    """Hold that metrics are the figures of a report, row by row without those of zeros, and return how many rows."""
    keys, found = of.split(), book.metric(*names.split(), by=of.split(), **DAYS)
    assert found.holds and not found.provisional
    result = book.report(report, **DAYS, **given).frame

    def figures_of(frame: pl.DataFrame, columns: str) -> dict[Any, Any]:
        rows = frame.select(*(pl.col(key).fill_null("") for key in (*keys, "currency")), *columns.split()).rows()
        split = [(row[: len(keys) + 1], [float(figure or 0) for figure in row[len(keys) + 1 :]]) for row in rows]
        return {key: each for key, each in split if any(each)}

    assert figures_of(found.frame, names) == figures_of(result, figures)
    return found.frame.height


def every_standard_figure(book: LakeBook) -> list[int]:
    revenue, columns = "gross net kept orders average_order", "gross net kept orders average"
    pieces = {"total": "brand", "month": "month brand", "week": "week brand"}
    return [
        *(same(book, revenue, of, "brand-revenue", columns, by=piece) for piece, of in pieces.items()),
        same(book, "receipts", "brand channel", "receipts", "net", by="total"),
        same(book, "charged receivable dso", "brand", "dso", "charged owed dso"),
        same(book, "bonus_liability", "brand", "bonuses", "closing"),
        same(book, "declined", "code", "declines", "count", by="code"),
    ]


def test_standard_figures_are_those_of_the_reports(book: LakeBook) -> None:
    """Of brands, channels, codes, months and weeks; what is owed by the holder of the day; receivables in total."""
    assert all(every_standard_figure(book))
    owed = book.report("receivables-aging", as_of="2017-03-31").frame.group_by("currency").agg(pl.col("total").sum())
    assert dict(book.metric("receivable", **DAYS).frame.rows()) == dict(owed.filter(pl.col("total") > 0).rows())


@settings(max_examples=3, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(HISTORY.filter(lambda days: len(days) > 12))
def test_they_are_of_any_history(history: list[Any]) -> None:
    """Random payments, debits, refunds, reversals, transfers, points, in two currencies."""
    story = begun()
    story.payment("2017-02-01", "anna", 5, "sushi", channel="card")
    story.debit("2017-02-01", "carol", ("pizza", 7))
    story.bonus("2017-02-01", "anna-points", 3)
    happen(story, [(day, event) for day, event in history if day < 6])
    story.decline("2017-03-30", "anna", 999, "insufficient_funds")
    story.close("2017-03-31")
    every_standard_figure(story.book())


def test_all_doors_have_the_same(book: LakeBook) -> None:
    """The view in a night's DuckDB file, the one in SQL, Explore's table, and the page, ratios and totals too."""
    found = book.metric("receivable", "charged", "dso", by=["month", "brand"], **DAYS)
    wanted, totals = found.frame.rows(), found.totals
    assert totals is not None and len(wanted) > 3
    query = (
        "WITH q AS (SELECT month, brand, currency, sum(receivable) AS r, sum(charged) AS c "
        "FROM metric_dso GROUP BY ALL) SELECT *, CASE WHEN c > 0 THEN "
        "round(r::DOUBLE / c::DOUBLE * CASE month WHEN '2017-02' THEN 28 ELSE 31 END, 2) END "
        "FROM q WHERE r <> 0 OR c <> 0 ORDER BY ALL"
    )
    assert book.sql(query).rows() == wanted
    with duckdb.connect() as connection:
        for table in duckdb_file.TABLES:
            duckdb_file.fill(connection, book.lake, table)
        duckdb_file._metrics(connection, book.lake)
        assert connection.execute(query).fetchall() == wanted
        for name in all_metrics():
            connection.execute(f"SELECT * FROM metric_{name}").fetchall()
        made = connection.execute("SELECT view_name, comment FROM duckdb_views() WHERE NOT internal").fetchall()
    assert sorted(made) == sorted((f"metric_{name}", one.en) for name, one in all_metrics().items())
    explored = pivot(book, Question(*found.parameters.days, ("brand",), "month", measure="dso"))
    cells = {(m, row["brand"], row["currency"]): row.get(m) for row in explored.frame.rows(named=True) for m in MONTHS}
    assert {key: dso for key, dso in cells.items() if dso} == {row[:3]: row[5] for row in wanted if row[5]}
    assert dict(explored.totals.select("currency", "total").rows()) == dict(
        totals.filter(pl.col("dso") > 0).select("currency", "dso").rows()
    )
    assert rendered(found, "xlsx")[:2] == b"PK"
    assert "Оборот дебиторской задолженности, дней" in rendered(found, "html", language="ru").decode()


def test_totals_of_a_ratio_are_no_sums(story: Story) -> None:
    """Ten orders of 10 and one of 120 are 20 on average, not 130."""
    story.account("anna", holder="sushi")
    for _ in range(10):
        story.debit("2017-03-01", "anna", ("sushi", 10))
    story.debit("2017-03-02", "anna", ("pizza", 120))
    story.close("2017-03-31")
    found = story.book().metric("average_order", by="brand", **DAYS)
    assert found.frame["average_order"].to_list() == [120.0, 10.0]
    assert found.totals is not None and found.totals["average_order"].to_list() == [20.0]
    assert "20.00" in rendered(found, "html").decode() and "130.00" not in rendered(found, "html").decode()
    assert found.to_pandas()["average_order"].sum() == 130.0


def test_what_is_wrong_is_one_sentence(story: Story) -> None:
    """Names, dimensions and values that there are not, with names like them."""
    story.account("anna", holder="sushi")
    story.debit("2017-03-01", "anna", ("sushi", 5))
    book = story.book()
    with pytest.raises(Failure, match="there is no metric nett: did you mean net"):
        book.metric("nett")
    with pytest.raises(Failure, match="net is not shown by chart: it is by day, week, month"):
        book.metric("net", by="chart")
    with pytest.raises(Failure, match="shown by day, week or month, and by one of them only"):
        book.metric("receivable", by="weekday")
    with pytest.raises(Failure, match="for those who may see them all"):
        LakeBook(RestrictedLake(book.lake, ("sushi",))).metric("decline_rate")
    assert book.metric("net", brand="o'hara", first_day="2017-03-01").frame.height == 0
    assert not book.metric("net", "dso", by=["month"], first_day="2017-01-01").frame["net"].is_null().any()


def test_a_broken_metric_is_named_with_its_line_and_stops_only_itself(tmp_path: Path, story: Story) -> None:
    """Of form when it is read; of its expression when it is asked."""
    path = tmp_path / "metrics.toml"
    head = 'en = "A"\nru = "А"\nunit = "money"\n'
    path.write_text(
        f'[good]\n{head}table = "entries"\nexpression = "sum(amount)"\n'
        f'[typo]\n{head}tabel = "entries"\n'
        f'[lost]\n{head}table = "entrys"\nexpression = "sum(amount)"\n'
        f'[half]\n{head}numerator = "good"\ndenominator = "bad"\n'
    )
    found = read(path)
    assert list(found) == ["good"]
    assert [problem.replace(str(tmp_path), "") for problem in found.problems] == [
        "/metrics.toml, line 11: metric typo: tabel: extra inputs are not permitted",
        "/metrics.toml, line 12: metric lost: there is no table entrys: did you mean entries or bank_entries?",
        "/metrics.toml, line 18: half is a ratio of bad, which is no metric with an expression",
    ]
    path.write_text("[broken\n")
    assert "at line 1" in read(path).problems[0]


def test_the_command_lists_and_shows_them(tmp_path: Path, story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """With dimensions, narrowed, in any form; in Russian too."""
    story.account("anna", holder="sushi")
    story.debit("2017-03-01", "anna", ("sushi", 70), ("pizza", 30))
    story.close("2017-03-31")
    monkeypatch.setenv("TIFFIN_LAKE", str(write_lake(story, tmp_path)))
    listed = CliRunner().invoke(app, ["--language", "ru"], env={"COLUMNS": "200"})
    assert "average_order" in listed.output and "Средний чек" in listed.output
    words = ["net,kept", "--by", "month,brand", "--brand", "sushi", "--format", "csv"]
    shown = CliRunner().invoke(app, words, catch_exceptions=False)
    assert "2017-03,sushi,RUB,70.00,70.00" in shown.output.splitlines()
    table = CliRunner().invoke(app, ["net", "--by", "brand"], catch_exceptions=False)
    assert "100.00" in table.output


def test_the_book_says_what_metrics_are(story: Story) -> None:
    """Beside their unit and dimensions."""
    meaning = dict(story.book().metrics.select("name", "meaning").rows())
    assert meaning["dso"] == "receivable / charged × days of the period"
    assert meaning["receivable"] == (
        "greatest(0, -sum(amount)) of each account_id, added up, over entries where account_kind = 'money', "
        "of all up to the last day"
    )


def test_every_metric_of_the_house_is_short() -> None:
    """At most fifteen lines each."""
    blocks = HOUSE.read_text().split("\n\n")[1:]
    assert len(blocks) == len(all_metrics()) and all(len(block.splitlines()) <= 15 for block in blocks)
