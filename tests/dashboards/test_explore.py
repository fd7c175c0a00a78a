"""Explore: the table as a picture and as a workbook, and questions that are kept under a name."""

import json

import pytest

from dashboards import access
from dashboards.screens import explore
from ledger.postgres import saved_queries
from reports.pivot import Question, pivot
from tests.dashboards.conftest import Open, opened, run_query, words
from tests.dashboards.test_desk import Desk, Sheet, press
from tests.dashboards.test_desk import book as book
from tests.dashboards.test_desk import desk as desk
from tests.reports.story import Story

MARCH = {"from_": "2017-03-01", "to": "2017-03-31"}


def test_a_change_after_a_refused_question_needs_no_run(screen: Open) -> None:
    """What a person chooses is the person's own question, even where the one before could not be answered."""
    app = run_query(screen("screens/explore.py", rows="brand", **MARCH), "Run")
    [across] = [box for box in app.selectbox if box.label == "Across"]
    across.set_value("brand").run()
    assert [error.value for error in app.error] == ["brand is already on the rows"]
    [across] = [box for box in app.selectbox if box.label == "Across"]
    across.set_value("month").run()
    assert "press Run" not in words(app)
    assert app.dataframe


def test_a_question_of_a_link_waits_even_after_a_run_that_was_broken_off(
    screen: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its fields have written the address by then, which makes it nobody's own question."""
    real = explore._question

    def broken(last_day: object) -> Question:
        real(last_day)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(explore, "_question", broken)
    app = screen("screens/explore.py", rows="client", **MARCH)
    monkeypatch.setattr(explore, "_question", real)
    assert "press Run" in words(app.run())


def test_a_table_is_a_picture_of_one_currency(screen: Open) -> None:
    """Bars of the larger brand first; dollars, lines and no picture are choices."""
    app = run_query(screen("screens/explore.py", rows="brand", across="month", of="revenue", **MARCH), "Run")
    [chart] = app.get("vega_lite_chart")
    spec = json.loads(chart.proto.spec)
    assert spec["mark"]["type"] == "bar"
    assert spec["encoding"]["color"]["scale"]["domain"] == ["sushi", "pizza"]
    assert spec["encoding"]["y"]["title"] == "RUB"
    assert [button.label for button in app.get("download_button")] == ["CSV", "XLSX"]
    one = screen("screens/explore.py", rows="brand", across="month", chart="lines", chart_currency="USD", **MARCH)
    [chart] = run_query(one, "Run").get("vega_lite_chart")
    spec = json.loads(chart.proto.spec)
    assert (spec["mark"]["type"], spec["encoding"]["y"]["title"]) == ("line", "USD")
    none = run_query(screen("screens/explore.py", rows="brand", chart="no chart", **MARCH), "Run")
    assert not none.get("vega_lite_chart")


def test_a_share_is_drawn_in_per_cent_and_a_row_without_anything_across_is_a_bar(screen: Open) -> None:
    """The unit is the measure's."""
    query = {"rows": "brand", "across": "nothing across", "measure": "average_order", **MARCH}
    [chart] = run_query(screen("screens/explore.py", **query), "Run").get("vega_lite_chart")
    spec = json.loads(chart.proto.spec)
    assert spec["encoding"]["x"]["title"] == "RUB"
    assert spec["encoding"]["y"]["sort"] == ["sushi", "pizza"]


def test_the_workbook_has_the_words_of_the_screen(lake: Story, screen: Open) -> None:
    """Names of dimensions and of the measure in the reader's language."""
    screen("screens/explore.py")
    found = pivot(lake.book(), Question(lake.book().last_day.replace(day=1), lake.book().last_day, ("brand",), "month"))
    assert [explore._word(name) for name in (*found.question.rows, found.question.measure)] == ["Brand", "Amount"]


def test_a_question_is_kept_under_a_name_and_shared_by_role(
    desk: Desk, book: Sheet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Approvers open it, where it waits for Run; analysts do not see it; only its owner forgets it."""
    app = opened("screens/explore.py", rows="client", across="nothing across")
    app.text_input(key="explore name").set_value("By client")
    app.multiselect(key="explore roles").set_value(["approver"])
    press(app, "Save")
    kept = book.execute("SELECT who, name, roles, query ->> 'rows' FROM desk.saved_query").fetchall()
    assert kept == [("o.petrova", "By client", ["approver"], "client")]
    assert "approver" in [part.value for part in app.caption]
    press(app, "Save")
    assert "name: is blank" in [error.value for error in app.error]

    monkeypatch.setattr(access, "person", lambda: access.Person("i.sidorov", "approver"))
    other = press(opened("screens/explore.py"), "By client")
    [rows] = [field.value for field in other.multiselect if field.label == "Rows"]
    assert (other.query_params["rows"], rows) == ("client", ["client"])
    assert "press Run" in words(other)
    assert not [button for button in other.button if button.label == "✕"]
    monkeypatch.setattr(access, "person", lambda: access.Person("a", "analyst"))
    assert "By client" not in [button.label for button in opened("screens/explore.py").button]
    monkeypatch.setattr(access, "person", lambda: access.Person("o.petrova", "accountant"))
    press(opened("screens/explore.py"), "✕")
    assert book.execute("SELECT FROM desk.saved_query").fetchall() == []


def test_a_saved_sql_query_is_opened_and_read_before_it_runs(desk: Desk, book: Sheet) -> None:
    """It is in the field; Run query answers it."""
    app = opened("screens/sql.py", q="SELECT 41 + 1 AS n")
    app.text_input(key="sql name").set_value("The answer")
    press(app, "Save")
    app = press(opened("screens/sql.py"), "The answer")
    assert app.text_area[0].value == "SELECT 41 + 1 AS n"
    assert not app.dataframe
    assert list(run_query(app).dataframe[0].value["n"]) == [42]


def test_the_queries_that_were_run_are_kept_the_latest_first(desk: Desk, book: Sheet) -> None:
    """Of each person apart, wrong ones too, each once; one is opened, and waits for Run query. The last thirty are."""
    for query in ("SELECT 1 AS n", "SELEC 2", "SELECT 1 AS n"):
        app = run_query(opened("screens/sql.py", q=query))
    assert [button.label for button in app.button if (button.key or "").startswith("run ")] == [
        "SELECT 1 AS n",
        "SELEC 2",
    ]
    other = press(opened("screens/sql.py"), "SELEC 2")
    assert other.text_area[0].value == "SELEC 2" and not other.error
    for number in range(saved_queries.MOST_RUNS):
        saved_queries.note_run(book, "a", f"SELECT {number}")
        saved_queries.note_run(book, "o.petrova", f"SELECT {number}")
    runs = [query for _, query in saved_queries.runs_of(book, "o.petrova")]
    assert (len(runs), runs[0]) == (saved_queries.MOST_RUNS, "SELECT 29") and "SELEC 2" not in runs
    assert not run_query(opened("screens/sql.py", q="SELECT '\0'")).exception


def test_the_schema_is_searched(screen: Open) -> None:
    """By part of a table's name, or of a column's: of that table only these columns."""
    app = screen("screens/sql.py")
    app.text_input(key="schema").set_value("due_on").run()
    assert "`entries`" in [part.label for part in app.expander] and "`brands`" not in [p.label for p in app.expander]
    shown = "\n".join(part.value for part in app.markdown)
    assert "`due_on`" in shown and "`leg`" not in shown
