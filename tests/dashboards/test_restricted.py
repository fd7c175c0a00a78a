"""Somebody who may see one brand finds no figure, name or total of another, wherever it is looked for."""

from typing import Any

import pytest

from dashboards import access
from ledger.errors import Failure
from reports import lookups
from reports.core.csv_text import frame_csv
from reports.core.report import REPORTS
from reports.journal import Parameters, entries_behind
from reports.lake.restricted import _RULES, BETWEEN, RestrictedLake
from reports.lake.schema import TABLES
from reports.lake.sql import answer_sql
from reports.pivot import DIMENSIONS, OF, Question, pivot, values
from reports.run import LakeBook
from tests.dashboards.conftest import Open, run_query, words
from tests.reports.story import Story

MARCH = {"from": "2017-03-01", "to": "2017-03-31"}
OTHERS = ("pizza", "Pizza", "boris", "Boris", "50.00", "12.50", "set 4")
"""Names of the other brand, of its client, and its figures. What it charged Anna, whose account is Sushi's, is on her
account, without its name."""


@pytest.fixture
def some(story: Story) -> LakeBook:
    """Return the small book as Sushi's manager sees it."""
    return LakeBook(RestrictedLake(story.book().lake, ["sushi"]))


def shown(text: object) -> None:
    """Hold that nothing of the other brand is in a text."""
    found = [name for name in OTHERS if name in str(text)]
    assert not found, (found, str(text)[:2000])


@pytest.mark.parametrize("name", [table.name for table in TABLES])
def test_no_table_has_a_row_of_another_brand(some: LakeBook, name: str) -> None:
    """Every table of the lake has a rule; one without would be refused."""
    assert name in _RULES
    shown(frame_csv(some.lake.scan(name).collect()).decode())


@pytest.mark.parametrize("name", list(REPORTS))
def test_no_report_shows_another_brand(some: LakeBook, story: Story, name: str) -> None:
    """What it shows of the own brand is what everybody sees of it; what needs all brands is refused."""
    given: dict[str, Any] = {"account": "anna"} if name == "account-card" else {}
    if name in BETWEEN:
        with pytest.raises(Failure, match="is about all brands together"):
            some.report(name, **given)
        return
    result = some.report(name, **given)
    shown(frame_csv(result.frame).decode())
    assert result.controls == []
    if "brand" in result.frame.columns and name != "account-card":
        whole = story.book().report(name, **given).frame
        assert result.frame.rows() == whole.filter(whole["brand"] == "sushi").rows()


@pytest.mark.parametrize("name", [name for name in REPORTS if name not in BETWEEN])
def test_no_explanation_does(some: LakeBook, name: str) -> None:
    """Figures of the own brand open as its own rows; of entries that name another, nothing is shown but the amount."""
    result = some.report(name, **({"account": "anna"} if name == "account-card" else {}))
    contributions = result.report.contributions
    for column in [one for one in contributions.names if one in result.frame.columns] if contributions else []:
        for row in range(min(result.frame.height, 2)):
            said = some.explain(result, row, column)
            assert said.residual == 0, (column, row)
            shown(frame_csv(said.entries.drop("amount", "adds")).decode())


def test_no_difference_does(some: LakeBook) -> None:
    """Nor the rows of its parts, nor the brands that orders are counted by."""
    result = some.report("brand-revenue", **MARCH)
    said = some.explain(result, {"currency": "RUB"}, "kept", against={"from": "2017-02-01", "to": "2017-02-28"})
    assert said.residual == 0
    for part in said.parts:
        found = some.part_rows(said, part.name)
        assert found.residual == 0
        shown(frame_csv(found.entries.drop("amount", "adds")).decode())
        shown([] if found.brands is None else found.brands.rows())


@pytest.mark.parametrize("of", OF)
@pytest.mark.parametrize("measure", ["amount", "clients"])
def test_no_pivot_does(some: LakeBook, of: str, measure: str) -> None:
    """By any dimension, nor in the values to choose from."""
    for name in DIMENSIONS:
        shown(values(some, (name,))[name])
        since, until = some.last_day.replace(day=1), some.last_day
        found = pivot(some, Question(since, until, (name,), None, of, measure))
        shown(frame_csv(found.frame).decode() + frame_csv(found.totals).decode())


def test_no_drill_down_does(some: LakeBook, story: Story) -> None:
    """The entries behind a figure, an order's transaction, the other's transactions and accounts."""
    parameters = Parameters(first_day=some.last_day.replace(day=1), last_day=some.last_day)
    shown(frame_csv(entries_behind(some, parameters).frame).decode())
    both = lookups.transaction(some, "d1")
    shown((both.sentence, frame_csv(both.lines).decode()))
    assert both.facts["amount"] is not None  # the account is Sushi's, and so is what was charged to it
    with pytest.raises(Failure) as unknown:
        lookups.transaction(some, "d2")
    shown(str(unknown.value).replace("d2", ""))
    with pytest.raises(Failure, match="no account has the reference"):
        lookups.account(some, "boris")
    number = story.book().account("boris")
    with pytest.raises(Failure, match="there is no account"):
        some.account(number)
    with pytest.raises(Failure, match=r"there is no brand pizza: there are sushi$"):
        some.report("brand-revenue", brand="pizza")
    shown(frame_csv(lookups.accounts_like(some)).decode())


def test_no_sql_does(some: LakeBook) -> None:
    """It runs on files of these rows: there is nothing else to find."""
    rows = " UNION ALL ".join(
        f"SELECT '{table.name}' AS of, {table.name}::VARCHAR FROM {table.name}" for table in TABLES
    )
    answer = answer_sql(some.lake, rows, most_rows=1_000).frame
    assert {"accounts", "entries"} < set(answer["of"])
    shown(frame_csv(answer).decode())
    with pytest.raises(Failure, match="does not exist"):
        answer_sql(some.lake, "SELECT * FROM balances_closed")


PAGES = [
    ("overview", {}),
    ("accounts", {}),
    ("accounts", {"q": "boris"}),
    ("account", {"account": "anna", **MARCH}),
    ("account", {"account": "boris"}),
    ("transaction", {"transaction": "d1"}),
    ("transaction", {"transaction": "d2"}),
    ("entries", MARCH),
    ("entries", {**MARCH, "brand": "pizza"}),
    ("standard", {"report": "turnover", **MARCH}),
    ("standard", {"report": "brand-settlements"}),
    ("standard", {"report": "brand-revenue", "brand": "pizza"}),
    ("explore", {**MARCH, "rows": "brand,client", "across": "service"}),
    ("declined", MARCH),
    ("sql", {}),
]


@pytest.mark.parametrize(("page", "query"), PAGES, ids=[f"{page} {list(query.values())}" for page, query in PAGES])
def test_no_page_does(screen: Open, page: str, query: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Not by its address either; what was kept for somebody who sees all brands is not handed on."""
    screen(f"screens/{page}.py", **{f"{name}_": value for name, value in query.items()})
    monkeypatch.setattr(access, "person", lambda: access.Person("m.sushi", "analyst", ("sushi",)))
    app = screen(f"screens/{page}.py", **{f"{name}_": value for name, value in query.items()})
    app = run_query(app, "Run") if page == "explore" else app
    seen = words(app) + " ".join(table.value.to_csv() for table in app.dataframe)
    for box in (*app.selectbox, *app.multiselect):
        seen += str(box.options)
    for typed in query.values():
        seen = seen.replace(typed, "") if typed in ("boris", "pizza", "d2") else seen
    shown(seen.split("<style>")[0] + seen.split("</style>")[-1])


def test_a_query_of_theirs_counts_their_rows(screen: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same question, asked before by somebody who sees all brands, has another answer."""
    query = "SELECT count(*) AS n FROM brands"
    assert run_query(screen("screens/sql.py", q=query)).dataframe[0].value["n"].to_list() == [2]
    monkeypatch.setattr(access, "person", lambda: access.Person("m.sushi", "analyst", ("sushi",)))
    assert run_query(screen("screens/sql.py", q=query)).dataframe[0].value["n"].to_list() == [1]
