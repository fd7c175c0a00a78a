"""The ad-hoc table: sums in every cell and total, never across currencies."""

import io
import re
from datetime import date
from xml.etree import ElementTree
from zipfile import ZipFile

import fastexcel
import polars as pl
import pytest

from ledger.errors import Failure
from reports.core.report import Column
from reports.formats.pivot_workbook import pivot_workbook
from reports.pivot import Pivot, Question, explain_cell, pivot, source, values
from tests.reports.story import Story

MARCH = (date(2017, 3, 1), date(2017, 3, 31))


@pytest.fixture
def story(story: Story) -> Story:
    """Anna buys from both brands at once, Boris in dollars."""
    story.account("anna")
    story.account("boris", currency="USD")
    story.payment("2017-03-01", "anna", 300, "sushi", channel="card")
    story.debit("2017-03-02", "anna", ("sushi", 50), {"brand": "pizza", "amount": 20, "line": 2})
    story.debit("2017-03-03", "anna", ("sushi", 30))
    story.debit("2017-03-03", "boris", ("pizza", 7))
    story.debit("2017-04-01", "anna", ("sushi", 1000))
    return story


def pivoted(story: Story, *rows: str, **options: object) -> Pivot:
    """Return the table of March."""
    return pivot(story.book(), Question(*MARCH, rows, **options))  # type: ignore[arg-type]  # the tests' own names


def test_rows_and_columns_with_totals(story: Story) -> None:
    """A cell without entries is empty, not zero."""
    found = pivoted(story, "brand", across="day")
    assert found.frame.columns == ["brand", "currency", "2017-03-02", "2017-03-03", "total"]
    assert found.frame.rows() == [
        ("pizza", "RUB", 20, None, 20),
        ("pizza", "USD", None, 7, 7),
        ("sushi", "RUB", 50, 30, 80),
    ]
    assert found.totals.rows() == [("RUB", 70, 30, 100), ("USD", None, 7, 7)]


def test_a_transaction_in_two_cells_is_one_in_the_total(story: Story) -> None:
    """Anna's order has a line for each brand."""
    found = pivoted(story, "brand", measure="transactions")
    assert found.frame.rows() == [("pizza", "RUB", 1), ("pizza", "USD", 1), ("sushi", "RUB", 2)]
    assert found.totals.rows() == [("RUB", 2), ("USD", 1)]


def test_a_dimension_is_narrowed(story: Story) -> None:
    """Only some of its values."""
    assert pivoted(story, "client", only={"brand": ("pizza",)}).frame.rows() == [
        ("Anna", "RUB", 20),
        ("Boris", "USD", 7),
    ]


def test_only_one_kind_of_account_is_looked_at(story: Story) -> None:
    """The sale and the money it was paid with would come to zero."""
    assert pivoted(story, "channel", of="cash").frame.rows() == [("card", "RUB", -300)]
    assert pivoted(story, "client", of="money").totals.rows() == [("RUB", 200), ("USD", -7)]


@pytest.mark.parametrize("options", [{}, {"across": "day"}, {"only": {"brand": ("sushi",)}}, {"measure": "gross"}])
def test_every_cell_is_the_sum_of_its_entries(story: Story, options: dict[str, object]) -> None:
    """Of each row, column and total, a hundred on a page."""
    found, book = pivoted(story, "brand", **options), story.book()
    for row in (*found.frame.rows(named=True), *found.totals.rows(named=True)):
        key = {name: row[name] for name in ("brand", "currency") if name in row}
        for column in [name for name in row if name not in key and row[name] is not None]:
            said = explain_cell(found, book, key, column)
            assert (said.figure, said.residual) == (row[column], 0)
            assert said.entries["adds"].sum() == row[column]


def test_what_is_counted_has_no_entries_behind_it(story: Story) -> None:
    """A client in two cells is one in the total."""
    with pytest.raises(Failure, match="clients are counted, not added up"):
        explain_cell(pivoted(story, "brand", measure="clients"), story.book(), {"currency": "RUB"}, "total")


@pytest.mark.parametrize(
    ("rows", "options", "sentence"),
    [
        (("dish",), {}, "there is no dimension dish"),
        (("brand",), {"measure": "profit"}, "there is no measure profit"),
        (("brand",), {"of": "gold"}, "there is no kind of account gold"),
        (("brand",), {"across": "brand"}, "brand is already on the rows"),
    ],
)
def test_what_cannot_be_asked(story: Story, rows: tuple[str, ...], options: dict[str, str], sentence: str) -> None:
    """One sentence says what there is."""
    with pytest.raises(Failure, match=sentence):
        pivoted(story, *rows, **options)


def test_more_columns_than_a_screen_takes_are_refused(story: Story) -> None:
    """Rather than cut off in silence."""
    for number in range(61):
        story.account(f"client-{number:02}")
        story.debit("2017-03-10", f"client-{number:02}", ("sushi", 1))
    with pytest.raises(Failure, match="client has 63 values, and 60 columns are the most"):
        pivoted(story, "brand", across="client")


def test_values_to_choose_from(story: Story) -> None:
    """Sorted, each once."""
    assert values(story.book(), ("brand", "channel")) == {"brand": ["pizza", "sushi"], "channel": ["card"]}


def workbook(found: Pivot, story: Story) -> ZipFile:
    """Return the workbook of a table, in capitals."""
    question = found.question
    names = [*question.rows, "currency"]
    columns = [Column(name, "text" if name in names else "money", name, name) for name in found.frame.columns]
    return ZipFile(io.BytesIO(pivot_workbook(found, source(story.book(), question), columns, str.upper)))


def test_a_workbook_has_a_pivot_table_over_its_rows(story: Story) -> None:
    """Its fields are the rows' headings, currency comes first on its rows, and no sum is of two currencies."""
    found = pivoted(story, "brand", across="day")
    file = workbook(found, story)
    assert file.fp is not None
    sheets = fastexcel.read_excel(file.fp.getvalue())  # type: ignore[attr-defined]
    assert sheets.sheet_names == ["TABLE", "PIVOT TABLE", "ROWS"]
    rows = sheets.load_sheet("ROWS").to_polars()
    assert rows.columns[:4] == ["CURRENCY", "BRAND", "DAY", "MONTH"]
    assert rows.group_by("CURRENCY", maintain_order=True).agg(pl.col("AMOUNT").sum()).rows() == [
        ("RUB", 100),
        ("USD", 7),
    ]
    cache = ElementTree.fromstring(file.read("xl/pivotCache/pivotCacheDefinition1.xml"))
    assert [field.get("name") for field in cache.iterfind(".//{*}cacheField")] == rows.columns
    reference = cache.find(".//{*}worksheetSource")
    assert reference is not None
    assert (reference.get("ref"), reference.get("sheet")) == (f"A1:K{rows.height + 1}", "ROWS")
    table = ElementTree.fromstring(file.read("xl/pivotTables/pivotTable1.xml"))
    places = {kind: [one.get("x") for one in table.iterfind(f".//{{*}}{kind}/{{*}}field")] for kind in FIELDS}
    assert places == {"rowFields": ["0", "1"], "colFields": ["2"]}
    assert table.get("colGrandTotals") == "0", "of two currencies"
    sums = re.findall(r"<f>(SUMIFS[^<]*)</f><v>([^<]*)</v>", file.read("xl/worksheets/sheet1.xml").decode())
    assert [float(value) for _, value in sums] == [70, 30, 100, 7, 7]


FIELDS = ("rowFields", "colFields")


def test_what_does_not_add_up_has_no_pivot_table(story: Story) -> None:
    """Clients of two brands are one: their table is in the workbook, with its totals as values."""
    found = pivoted(story, "brand", measure="clients")
    assert source(story.book(), found.question) is None
    file = workbook(found, story)
    assert not [name for name in file.namelist() if "pivot" in name]
    assert "<f>" not in file.read("xl/worksheets/sheet1.xml").decode()
