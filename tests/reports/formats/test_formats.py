"""One result in every form."""

import csv
import io
import json
import re
import subprocess
import zipfile
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console
from sqlalchemy import CheckConstraint
from sqlmodel import SQLModel

import ledger.food.postgres.tables
import ledger.postgres.tables  # noqa: F401  # both levels declare their tables when they are imported
from reports.core.csv_text import frame_csv
from reports.core.forms import FORMS
from reports.core.result import Result
from reports.formats import rendered
from reports.formats.code_names import code_name
from reports.formats.terminal import show
from tests.reports.story import Story

MARCH = {"first_day": "2017-03-01", "last_day": "2017-03-31"}


@pytest.fixture
def result(story: Story) -> Result:
    """Return a turnover of two currencies, with a client whose name would be a formula."""
    story.account("=cmd|' /C calc'!A0", holder="sushi")
    story.account("boris", currency="USD")
    story.payment("2017-03-02", "=cmd|' /C calc'!A0", "1234567.89", "sushi")
    story.debit("2017-03-03", "boris", ("pizza", "20.50"))
    return story.book().report("turnover", **MARCH)


@pytest.fixture
def broken(story: Story) -> Result:
    """Return a result whose control does not hold."""
    story.account("anna")
    story.payment("2017-03-02", "anna", 10, "sushi")
    story.rows["entries"][0]["balance_after"] += 5
    return story.book().report("turnover", **MARCH)


def test_json_is_exact_and_without_totals(result: Result) -> None:
    """Amounts are strings; the five keys of the design and no more."""
    read = json.loads(rendered(result, "json"))
    assert list(read) == ["report", "parameters", "cut", "controls", "rows"]
    assert read["parameters"] == {"from": "2017-03-01", "to": "2017-03-31", "by": "account", "dated_by": "booking"}
    assert [row["closing"] for row in read["rows"]] == ["1234567.89", "-20.50"]
    assert read["cut"]["provisional"] is True
    assert all(control["holds"] and control["difference"] == "0.00" for control in read["controls"])


def test_csv_is_the_same_frame_and_safe_in_excel(result: Result) -> None:
    """Text that Excel would run is quoted; everything else reads back as it was."""
    lines = rendered(result, "csv").decode().splitlines()
    rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    assert [row["closing"] for row in rows] == ["1234567.89", "-20.50"]
    assert rows[0]["reference"] == "'=cmd|' /C calc'!A0"
    assert any(line.startswith("# rows,2") for line in lines)
    assert sum(line.startswith("# control,") for line in lines) == len(result.controls)


def test_csv_with_decimal_comma_opens_in_a_russian_excel(result: Result) -> None:
    """A byte order mark, semicolons, decimal commas, Russian labels."""
    text = rendered(result, "csv", language="ru", decimals="comma")
    assert text.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(text.decode("utf-8-sig")), delimiter=";"))
    assert rows[0][-1] == "Конечный остаток"
    assert rows[1][-1] == "1234567,89"


def test_parquet_keeps_types_and_carries_what_it_is(result: Result) -> None:
    """The frame is read back equal; controls are in the metadata."""
    content = rendered(result, "parquet")
    assert pl.read_parquet(io.BytesIO(content)).equals(result.frame)
    about = json.loads(pl.read_parquet_metadata(io.BytesIO(content))["tiffin"])
    assert about["report"] == "turnover"
    assert about["controls"]


def test_a_workbook_has_typed_cells_sums_by_currency_and_a_sheet_about_it(result: Result, tmp_path: Path) -> None:
    """LibreOffice's own recalculation of the sums is not needed: values are stored with the formulas."""
    content = rendered(result, "xlsx")
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        sheet, about = (parts.read(f"xl/worksheets/sheet{number}.xml").decode() for number in (1, 2))
    assert "<v>1234567.89</v>" in sheet
    assert "SUMIFS(" in sheet
    assert "=cmd" not in sheet  # a shared string, never a formula
    assert 'state="frozen"' in sheet
    assert about.count("<row ") == 11 + 1 + len(result.controls)
    assert content == rendered(result, "xlsx")


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_page_says_all_and_escapes(result: Result, language: str) -> None:
    """Parameters, cut, controls, open days; names cannot bring markup."""
    page = rendered(result, "html", language=language).decode()  # type: ignore[arg-type]
    assert "2017-03-31" in page
    assert "Europe/Moscow" in page
    assert "&#39; /C calc" in page
    assert ("PROVISIONAL" if language == "en" else "ПРЕДВАРИТЕЛЬНО") in page
    assert ("1,234,567.89" if language == "en" else "1\u00a0234\u00a0567,89") in page


def test_a_failed_control_is_red_everywhere(broken: Result) -> None:
    """In the page, in the workbook, on the terminal."""
    assert 'class="differs"' in rendered(broken, "html").decode()
    with zipfile.ZipFile(io.BytesIO(rendered(broken, "xlsx"))) as parts:
        assert "DIFFERS" in parts.read("xl/sharedStrings.xml").decode()
    terminal = io.StringIO()
    show(broken, "en", Console(file=terminal, force_terminal=True, color_system="standard", width=160))
    assert (
        "\x1b[1;31mclosing = the ledger's balances: expected 15.00, actual 10.00 RUB money – DIFFERS"
        in terminal.getvalue()
    )


def test_nothing_is_cut_where_there_is_no_terminal(result: Result) -> None:
    """A narrow pipe still gets whole names and figures."""
    pipe = io.StringIO()
    show(result, "en", Console(file=pipe, width=20))
    assert "=cmd|' /C calc'!A0" in pipe.getvalue()
    assert any("1,234,567.89" in line and "RUB" in line for line in pipe.getvalue().splitlines())


def test_a_pdf_is_landscape_where_wide(result: Result, tmp_path: Path) -> None:
    """Ten columns lie on their side, and the text is in the file."""
    (tmp_path / "wide.pdf").write_bytes(rendered(result, "pdf", language="ru"))
    info = subprocess.run(["pdfinfo", tmp_path / "wide.pdf"], capture_output=True, text=True, check=True).stdout
    width, height = (float(word) for word in info.split("Page size:")[1].split()[:3:2])
    assert width > height
    text = subprocess.run(["pdftotext", tmp_path / "wide.pdf", "-"], capture_output=True, text=True, check=True).stdout
    assert "Оборотно-сальдовая ведомость" in text


def test_every_form_takes_an_empty_result(story: Story) -> None:
    """Nothing to show is shown as such."""
    result = story.book().report("brand-revenue", **MARCH)
    assert {form: bool(rendered(result, form)) for form in FORMS} == dict.fromkeys(FORMS, True)


def test_the_repeated_hour_carries_its_offset() -> None:
    """When clocks go back, two payments at half past one are distinguished."""
    story = Story(time_zone="America/New_York")
    story.brand("sushi")
    story.account("anna", currency="USD")
    story.payment("2017-11-05T01:30:00-04:00", "anna", 1, "sushi")
    story.payment("2017-11-05T01:30:00-05:00", "anna", 2, "sushi")
    result = story.book().report("account-card", account="anna", first_day="2017-11-05", last_day="2017-11-05")
    page = rendered(result, "html").decode()
    assert "2017-11-05 01:30:00-04:00" in page
    assert "2017-11-05 01:30:00-05:00" in page


def test_readers_of_russian_see_the_ledgers_words_in_it_and_programs_the_codes(story: Story) -> None:
    """A payment is "платёж" on the page, and payment in CSV, JSON, Parquet and XLSX; a brand called payment stays."""
    story.brand("payment", "Payment Cafe")
    story.account("anna", holder="payment")
    story.payment("2017-03-02", "anna", 10, "payment")
    card = story.book().report("account-card", account=story.accounts["anna"]["id"], **MARCH)
    page = rendered(card, "html", language="ru").decode()
    assert "платёж" in page
    assert ">payment<" in page
    assert "платёж" not in rendered(card, "html").decode()
    assert card.frame["kind"].to_list() == ["payment"]
    for form in ("csv", "json", "parquet"):
        assert "платёж".encode() not in rendered(card, form, language="ru")
    assert card.frame.equals(pl.read_parquet(io.BytesIO(rendered(card, "parquet", language="ru"))))


def test_every_kind_of_the_ledger_has_its_word() -> None:
    """Commands, administration lines, accounts, statuses, of both levels."""
    constraints = [
        str(constraint.sqltext)
        for table in SQLModel.metadata.tables.values()
        for constraint in table.constraints
        if isinstance(constraint, CheckConstraint) and " IN ('" in str(constraint.sqltext)
    ]
    known = {code for text in constraints for code in re.findall(r"'(\w+)'", text)}
    assert {"payment", "posted", "frozen", "delivered", "payer_first", "bonus_expense"} < known
    assert {code for code in known if code_name(code, "ru") == code} == set()


def test_a_pdf_leaves_out_what_stands_aside_and_says_so(story: Story, tmp_path: Path) -> None:
    """An account's card with all its columns is wider than the paper: its amounts must be on it."""
    story.brand("sushi")
    story.account("anna", holder="sushi")
    story.payment("2017-03-02", "anna", "1234567.89", "sushi", note="with a note that is rather long", channel="bank")
    card = story.book().report("account-card", account=story.accounts["anna"]["id"], **MARCH)
    pdf = tmp_path / "card.pdf"
    pdf.write_bytes(rendered(card, "pdf"))
    words = subprocess.run(["pdftotext", "-bbox", str(pdf), "-"], capture_output=True, text=True, check=True).stdout
    ends = [float(end) for end in re.findall(r'xMax="([\d.]+)"', words)]
    assert 700 < max(ends) < 842 - 30  # A4 across, less its margin
    assert "1,234,567.89" in words
    assert "rather" not in words
    assert "only:" in words
    assert "rather" in rendered(card, "html").decode()


def test_every_csv_is_guarded_against_formulas() -> None:
    """Texts and headings of any frame: SQL answers and pivots, whose columns may be names of clients."""
    frame = pl.DataFrame({"=1+1": ["=cmd", "＝cmd", "+1", "－1", "@x", "\tx", "plain"], "n": [-1, 2, 3, 4, 5, 6, 7]})
    header, *rows = csv.reader(io.StringIO(frame_csv(frame).decode(), newline=""))
    assert header == ["'=1+1", "n"]
    assert [row[0] for row in rows] == ["'=cmd", "'＝cmd", "'+1", "'－1", "'@x", "'\tx", "plain"]
    assert rows[0][1] == "-1"


def test_a_workbook_keeps_the_kopecks_of_any_amount(story: Story) -> None:
    """Excel keeps 15 digits: larger amounts and their sums are text, and the sheet says so."""
    story.account("anna", holder="sushi")
    story.payment("2017-03-02", "anna", "9999999999999.99", "sushi")
    story.payment("2017-03-03", "anna", "9999999999999.99", "sushi")
    content = rendered(story.book().report("turnover", **MARCH), "xlsx")
    strings = _part(content, "xl/sharedStrings.xml")
    assert "19999999999999.98" in strings
    assert "amounts from 10,000,000,000,000 are text" in strings
    assert "1.999999999999998" not in _part(content, "xl/worksheets/sheet1.xml")
    assert "SUMIFS" in _part(content, "xl/worksheets/sheet1.xml")  # what is short is a number, and its sum a formula


def test_a_text_longer_than_a_cell_is_cut_and_not_lost(story: Story) -> None:
    """Excel holds 32,767 characters in a cell; xlsxwriter would leave the cell empty."""
    story.account("anna", holder="sushi")
    story.change("2017-03-10", "link", "anna", None, {"payer": "x" * 40_000})
    strings = _part(rendered(story.book().report("terms-changes", **MARCH), "xlsx"), "xl/sharedStrings.xml")
    assert "x" * 30_000 in strings
    assert "…" in strings


def _part(workbook: bytes, name: str) -> str:
    return zipfile.ZipFile(io.BytesIO(workbook)).read(name).decode()
