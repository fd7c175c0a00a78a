"""A figure opens exactly the rows that it is made of: their sum stands beside it, and the difference is 0.00."""

import re
from decimal import Decimal
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboards import links
from reports.core.report import REPORTS
from tests.dashboards.conftest import Open, run_query, small_book, words
from tests.reports.story import Story

MARCH = {"from_": "2017-03-01", "to": "2017-03-31"}
TILE = re.compile(r"<p>(The figure|Sum of the rows below|Difference)</p>\n<p class='figure'>(\S+)</p>")


def figures(app: AppTest) -> tuple[str, str, str]:
    """Return the figure, the sum of its rows, and the difference, as the page has them."""
    found = dict(TILE.findall(words(app)))
    return found["The figure"], found["Sum of the rows below"], found["Difference"]


def opened(screen: Open, target: links.Target | None) -> AppTest:
    """Open an address; its sum is its figure."""
    assert target is not None
    assert target.page == links.BEHIND
    query = {name: "" if value is None else value for name, value in target.query.items()}
    app = screen(target.page, **{f"{name}_": value for name, value in query.items() if name != "figure" or value})
    assert not app.error, app.error
    figure, total, difference = figures(app)
    assert (figure, difference) == (total, "0.00")
    return app


@pytest.mark.parametrize("name", [name for name in REPORTS if REPORTS[name].contributions])
def test_a_money_cell_of_a_report_opens_its_entries(screen: Open, lake: Story, name: str) -> None:
    """A cell of its first row, and a sum by currency."""
    given: dict[str, Any] = {"account": "anna"} if name == "account-card" else {}
    days = {} if "as_of" in REPORTS[name].parameters.model_fields else {"from": "2017-02-01", "to": "2017-03-31"}
    result = lake.book().report(name, **given, **days)
    columns = [column for column in result.columns if links.is_explained(result, column.name)]
    rows = result.frame.rows(named=True)
    found = next(((row, each.name) for each in columns for row in rows if row[each.name]), None)
    if found is None:
        return  # the small book has nothing of it
    row, column = found
    app = opened(screen, links.cell(result, row, column))
    assert figures(app)[0] == f"{row[column]:,.2f}".replace("-", "−")
    assert app.dataframe[0].value["adds"].sum() == pytest.approx(float(row[column]))


def test_a_sum_opens_the_rows_that_it_is_of(screen: Open, lake: Story) -> None:
    """The largest first; of sums in two currencies there is none."""
    result = lake.book().report("turnover", **{"from": "2017-02-01", "to": "2017-03-31"})
    sums = {"currency": "RUB", "kind": "money", "closing": Decimal("20.00")}
    app = opened(screen, links.sum_of(result, sums, "closing"))
    assert [float(amount) for amount in app.dataframe[0].value["closing"]] == [120, -100]
    mixed = screen(links.BEHIND, report="turnover", column="closing", **{"row.kind": "money"})
    assert "different currencies" in mixed.error[0].value


def test_tiles_of_the_overview_open_what_they_are_the_sum_of(screen: Open) -> None:
    """Each of the six; what clients owe is one row per debtor."""
    app = screen("screens/overview.py", currency="RUB", **MARCH)
    tiles = [link.proto for link in app.get("page_link") if link.proto.page == "explanation"]
    assert len(tiles) == 6
    columns = []
    for tile in tiles:
        query = dict(part.split("=", 1) for part in tile.query_string.split("&"))
        behind = opened(screen, links.Target(links.BEHIND, query))
        assert figures(behind)[0] == tile.label.replace("\u00a0", " ")
        columns.append(query["column"])
    assert columns == ["closing", "total", "received", "net", "refunds", "kept"]


def test_a_figure_that_its_rows_do_not_come_to_is_red(screen: Open) -> None:
    """An address that was read beside another figure says so."""
    app = screen(links.BEHIND, report="receivables-aging", column="total", figure="100.01", as_of="2017-03-31")
    assert figures(app) == ("100.01", "100.00", "0.01")
    assert "do not come to the figure" in app.error[0].value


KEPT = {"report": "brand-revenue", "column": "kept", "by": "month", **MARCH}
OTHER = {"against.from": "2017-02-01", "against.to": "2017-02-28"}


def test_a_figure_is_compared_from_its_own_page(screen: Open) -> None:
    """With the period before, a year ago, another brand: of one brand's month, and of the sum of all."""
    app = screen(links.BEHIND, **KEPT, **{"row.brand": "sushi", "row.month": "2017-03", "row.currency": "RUB"})
    before, ago = "The period before: 2017-02-01 – 2017-02-28", "A year ago: 2016-03-01 – 2016-03-31"
    offered = [before, ago, "Brand: Pizza Piazza"]
    assert app.selectbox[-1].options == offered
    chosen = app.selectbox[-1].select(offered[0]).run()
    assert not chosen.exception
    assert {name: chosen.query_params[name] for name in OTHER} == OTHER
    assert dict(TILE.findall(words(chosen)))["Difference"] == "500.00"
    assert screen(links.BEHIND, **KEPT, **{"row.currency": "RUB"}).selectbox[-1].options == offered[:2]
    assert not screen(links.BEHIND, **{**KEPT, "column": "vat"}, **{"row.currency": "RUB"}).selectbox


def test_a_difference_has_its_parts_and_each_its_rows(screen: Open) -> None:
    """In March Sushi sold 600.00 less 100.00, and Pizza 200.00, of which 20.00 came back; in February nothing."""
    query = {**KEPT, "row.currency": "RUB", **OTHER}
    app = screen(links.DIFFERENCE, **query)
    assert not app.error, app.error
    amounts = {row["words"]: row["amount"] for row in app.dataframe[0].value.to_dict("records") if row["amount"]}
    assert amounts == {"New clients": 800, "Discounts": -100, "Refunds": -20}
    assert app.get("vega_lite_chart") or app.get("arrow_vega_lite_chart")
    new = screen(links.DIFFERENCE, **query, part="new_clients")
    assert new.dataframe[1].value["adds"].tolist() == [600, 200]
    russian = screen(links.DIFFERENCE, language="ru", **query, part="mix")
    assert "Соотношение брендов" in words(russian)
    assert "не дают" not in words(russian)
    wrong = screen(links.DIFFERENCE, **{**query, "against.cut": "soon"})
    assert "expected the number of a cut" in wrong.error[0].value
    assert "does not say what" in screen(links.DIFFERENCE, **KEPT).error[0].value


def test_what_a_debtor_owes_is_compared_with_an_earlier_day(screen: Open) -> None:
    """Romashka paid 400.00 and its 500.00 were debited; changed terms are the report's of these days."""
    query = {"report": "credit-exposure", "column": "balance", "as_of": "2017-03-31", "row.currency": "RUB"}
    account = next(iter(small_book().book().report("credit-exposure").frame.filter(reference="romashka")["account"]))
    app = screen(links.BEHIND, **query, **{"row.account": account})
    assert app.selectbox[-1].options == ["The end of the month before: 2017-02-28", "A year ago: 2016-03-31"]
    moved = screen(
        links.DIFFERENCE, **query, **{"row.account": account, "against.as_of": "2017-02-28", "part": "payments"}
    )
    assert moved.dataframe[0].value["amount"].sum() == -100
    assert moved.dataframe[1].value["amount"].tolist() == [400]
    terms = screen(
        links.DIFFERENCE, **query, **{"row.account": account, "against.as_of": "2017-02-28", "part": "terms"}
    )
    assert "Changes of terms in these days" in words(terms)


def test_a_cell_of_explore_opens_its_entries(screen: Open) -> None:
    """The row, the column, and a total."""
    query = {"report": "explore", "from": "2017-03-01", "to": "2017-03-31", "rows": "brand", "across": "month"}
    query |= {"measure": "amount", "of": "revenue", "row.currency": "RUB"}
    cell = opened(screen, links.Target(links.BEHIND, query | {"row.brand": "pizza", "column": "2017-03"}))
    assert [float(amount) for amount in cell.dataframe[0].value["adds"]] == [200, -20]
    assert figures(opened(screen, links.Target(links.BEHIND, query | {"column": "total"})))[0] == "680.00"


def test_a_question_that_a_link_brings_waits_for_a_person(screen: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Explore asks nothing of the book until Run is pressed, or the question is changed by hand; its own it asks."""
    query = {"rows": "client,account", "across": "day", "of": "money", **MARCH}
    asked: list[object] = []
    monkeypatch.setattr("reports.pivot.pivot", lambda book, question: asked.append(question))
    app = screen("screens/explore.py", **query)
    assert "press Run" in words(app)
    app.run()  # whatever else makes the page draw itself anew
    assert asked == []


def test_run_answers_it_once_and_for_all(screen: Open) -> None:
    """And a change by hand needs no Run."""
    query = {"rows": "client", "across": "month", "of": "money", **MARCH}
    app = run_query(screen("screens/explore.py", **query), "Run")
    assert app.dataframe
    assert app.run().dataframe
    changed = screen("screens/explore.py", **query)
    changed.multiselect[0].set_value(["brand"]).run()
    assert changed.dataframe


def test_explore_measures_a_metric_whose_total_is_no_sum(screen: Open) -> None:
    """The average order of each brand, and of both together."""
    query = {"rows": "brand", "across": "nothing across", "measure": "average_order", **MARCH}
    app = run_query(screen("screens/explore.py", **query), "Run")
    brands, together = (app.dataframe[place].value["total"].tolist() for place in (0, 1))
    assert (brands, together) == ([180.0, 12.5, 500.0], [340.0, 12.5])


def test_a_query_that_a_link_brings_waits_for_a_person(screen: Open) -> None:
    """SQL runs when Run query is pressed, not when the page is drawn again."""
    app = screen("screens/sql.py", q="SELECT 1 AS one")
    assert not app.dataframe
    assert "press Run query" in words(app)
    assert not app.run().dataframe
    assert list(run_query(app).dataframe[0].value["one"]) == [1]
