"""A new report is one new file: nothing else is edited for it."""

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

import reports.standard
from dashboards import links
from reports.cli.report import app
from reports.core.report import REPORTS
from tests.dashboards.conftest import Open
from tests.reports.story import Story

MARCH = ["--from", "2017-03-01", "--to", "2017-03-31"]
LARGE_DEBITS = '''
"""Large debits: those of at least a given amount."""

import narwhals as nw
from pydantic import Field

from reports.core.leads import to_transaction
from reports.core.parameters import Period
from reports.core.report import Check, Column, Report
from reports.core.tables import Frame, Tables, beside, within


class Parameters(Period):
    """A period and an amount."""

    at_least: int = Field(500, description="the smallest amount that counts")


def large_debits(tables: Tables, p: Parameters) -> Frame:
    """Return one row per debit."""
    posted = (nw.col("status") == "posted") & (nw.col("kind") == "debit") & (nw.col("amount") >= p.at_least)
    found = tables.transactions.filter(within(p.first_day, p.last_day), posted).sort("id")
    return found.select("currency", "amount", transaction="id")


def nothing(tables: Tables, p: Parameters, rows: Frame) -> Frame:
    """Set the rows beside themselves."""
    return beside(rows.select("currency", "amount"), rows.select("currency", "amount"))


REPORT = Report(
    name="large-debits",
    en="Large debits",
    ru="Крупные списания",
    question="who spent much at once",
    parameters=Parameters,
    columns=(
        Column("transaction", "number", "Transaction", "Операция"),
        Column("currency", "currency", "Currency", "Валюта"),
        Column("amount", "money", "Amount", "Сумма", total=True),
    ),
    key=("transaction",),
    frame=large_debits,
    checks=(Check("same", "rows = rows", "строки = строки", nothing),),
    leads_to=to_transaction(),
)
'''


def _forget() -> None:
    REPORTS.__dict__.pop("_found", None)


@pytest.fixture
def large_debits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put one new file beside the standard reports."""
    folder = tmp_path / "standard"
    folder.mkdir()
    (folder / "large_debits.py").write_text(LARGE_DEBITS)
    monkeypatch.setattr(reports.standard, "__path__", [*reports.standard.__path__, str(folder)])
    importlib.invalidate_caches()
    _forget()
    yield
    sys.modules.pop("reports.standard.large_debits", None)
    _forget()


@pytest.mark.usefixtures("large_debits")
def test_the_command_line_lists_and_runs_it_with_its_own_parameter(lake: Story) -> None:
    """`--at-least` is known from the report's own file; a parameter of no report is named."""
    assert "--at-least" in CliRunner().invoke(app, ["--list"], env={"COLUMNS": "200"}).output
    for option in (["--at-least", "100"], ["--at-least=100"]):
        shown = CliRunner().invoke(app, ["large-debits", *MARCH, *option, "--format", "json"], catch_exceptions=False)
        assert [row["amount"] for row in json.loads(shown.output)["rows"]] == ["700.00"]
    refused = CliRunner().invoke(app, ["large-debits", *MARCH, "--at-leats", "100"])
    assert "large-debits takes no parameter at-leats" in str(refused.exception)
    assert CliRunner().invoke(app, ["large-debits", *MARCH, "--at-least"]).exit_code == 2


@pytest.mark.usefixtures("large_debits")
def test_the_dashboard_shows_it_and_its_rows_lead_where_it_says(screen: Open, lake: Story) -> None:
    """A field for its parameter, and a click that goes to the transaction."""
    page = screen("screens/standard.py", report="large-debits", from_="2017-03-01", to="2017-03-31", at_least="100")
    assert "at least" in [field.label.lower() for field in page.text_input]
    assert list(page.dataframe[0].value["transaction"]) == [4]
    result = lake.book().report("large-debits", **{"from": "2017-03-01", "to": "2017-03-31"})
    row = result.frame.row(0, named=True)
    assert links.target_of(result, row) == links.Target("screens/transaction.py", {"transaction": 4})


def test_reading_a_month_loads_nothing_that_draws() -> None:
    """The pages that only turn "2017-03" into two days do not wait for WeasyPrint."""
    code = (
        "import sys; from dashboards import charts, links; from ledger.values.dates import month_days;"
        "print(*month_days('2017-02')); print(sorted({'weasyprint', 'reports.documents'} & {*sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["2017-02-01 2017-02-28", "[]"]
