"""SQL over a cut: reading only, so many rows, so many seconds."""

import os
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from ledger.administration.administration_lines import parse
from ledger.errors import Failure
from ledger.postgres.database import initialise
from ledger.postgres.post import Ledger
from reports.lake.publish_cut import frequent_cut, rebuild
from reports.lake.reader import Lake, open_lake
from reports.lake.sql import answer_sql
from tests.conftest import made
from tests.reports.story import Story
from tests.reports.write_lake import write_lake


@pytest.fixture(scope="module", params=["tables", "file"])
def lake(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """Return a cut without a DuckDB file, and one with it; both know two brands."""
    folder = tmp_path_factory.mktemp("sql")
    if request.param == "tables":
        story = Story()
        story.brand("sushi", "Sushi House")
        story.brand("pizza", "Pizza Piazza")
        yield open_lake(str(write_lake(story, folder)))
        return
    server, template = request.getfixturevalue("server"), request.getfixturevalue("template_database")
    for url in made(server, f"tiffin_sql_{os.getpid()}", template):
        initialise(url, "Europe/Moscow")
        ledger = Ledger(url)
        ledger.administer([parse({"type": "brand", "code": code, "name": code}) for code in ("sushi", "pizza")])
        ledger.close()
        frequent_cut(url, str(folder / "lake"))
        yield rebuild(url, str(folder / "lake"))[0]


def test_rows_come_and_more_is_said(lake: Lake) -> None:
    """The first so many, and whether there are others."""
    answer = answer_sql(lake, "SELECT code FROM brands ORDER BY code", most_rows=1)
    assert (answer.frame.rows(), answer.more) == ([("pizza",)], True)
    assert not answer_sql(lake, "SELECT code FROM brands", most_rows=2).more


def test_values_and_frames_stand_in_a_query(lake: Lake) -> None:
    """By place or by name, of any type, never text of the query; frames of Polars, lazy or not, and pandas."""
    of = pl.DataFrame({"code": ["sushi", "pizza"], "plan": [Decimal("900.10"), None], "on": [date(2017, 3, 1)] * 2})
    query = "SELECT b.code, p.plan, p.on FROM brands b JOIN plan p USING (code) WHERE code = $code"
    for frame in (of, of.lazy(), of.select("code", "plan", "on").to_pandas()):
        [row] = answer_sql(lake, query, parameters={"code": "sushi"}, frames={"plan": frame}).frame.rows()
        assert (row[0], row[1], str(row[2])[:10]) == ("sushi", Decimal("900.10"), "2017-03-01")
    values = [date(2017, 3, 1), Decimal("0.10"), None, "' OR 1 = 1 --"]
    assert answer_sql(lake, "SELECT ?, ?, ?, ?", parameters=values).frame.row(0) == (*values,)
    assert answer_sql(lake, "SELECT count(*) AS n FROM brands").frame.item() == 2, "nothing of another question is left"
    with pytest.raises(Failure, match="plan does not exist"):
        answer_sql(lake, "SELECT * FROM plan")
    with pytest.raises(Failure, match="the lake has a table entries: give the frame another name"):
        answer_sql(lake, "SELECT 1", frames={"entries": of})
    with pytest.raises(Failure, match="plan is not a Polars or pandas frame"):
        answer_sql(lake, "SELECT 1", frames={"plan": {"code": ["sushi"]}})
    with pytest.raises(Failure, match=r"(?i)values? .*not"):
        answer_sql(lake, "SELECT $code")


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("SELEC 1", "syntax error"),
        ("SELECT * FROM nope", "nope does not exist"),
        ("SELECT * FROM read_csv('/etc/passwd')", "Permission Error"),
        ("COPY (SELECT 1) TO 'copied.csv'", "COPY is not allowed here"),
        ("ATTACH 'other.duckdb'", "ATTACH is not allowed here"),
        ("SET memory_limit = '1GB'", "SET is not allowed here"),
        ("DROP TABLE brands", "DROP is not allowed here"),
        ("", "one statement at a time"),
        ("SELECT 1; SELECT 2", "one statement at a time"),
    ],
)
def test_anything_else_is_one_sentence(lake: Lake, query: str, sentence: str) -> None:
    """No traceback, no line breaks, nothing read or written outside."""
    with pytest.raises(Failure, match=sentence) as raised:
        answer_sql(lake, query, most_rows=10)
    assert "\n" not in str(raised.value)


def test_a_query_that_takes_too_long_is_stopped(lake: Lake) -> None:
    """Others wait for the same processors."""
    endless = "SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range + b.range = 7"
    with pytest.raises(Failure, match=r"stopped after 0\.2 seconds: narrow it"):
        answer_sql(lake, endless, most_rows=1, seconds=0.2)
