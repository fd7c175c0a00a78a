"""The bank beside the ledger, from the lake: what the live report says of every sample file, and of no later one."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import psycopg
import pytest

from ledger.bank.core.read_file import read_file
from ledger.bank.core.statement import fault
from ledger.bank.postgres.bank_report import FIGURES, bank_days
from ledger.bank.postgres.import_statements import import_statements
from reports.core.result import Result
from reports.lake.publish_cut import frequent_cut
from reports.run import LakeBook
from tests.ledger.bank.test_more_banks import DATA
from tests.ledger.bank.test_more_banks import FILES as MORE_BANKS
from tests.reports.acted import Acted

HARD = sorted(path.name for path in DATA.glob("hard-*") if path.suffix != ".jsonl")
FILES = [*HARD, *(file for file in MORE_BANKS if not file.startswith("mt942"))]
COLUMNS = ("bank_account", "brand", "currency", "day", *FIGURES)
ALL = {"from": "1990-01-01", "to": "2100-01-01"}


@pytest.fixture
def company(database_url: str, tmp_path: Path) -> Acted:
    """Return a book into which every sample file was imported that adds up; one unallocated payment got its account."""
    acted = Acted(database_url, tmp_path)
    acted.administer(*(json.loads(line) for line in (DATA / "hard-books.jsonl").read_text().splitlines()))
    for name in FILES:
        good = [statement for statement in read_file(DATA / name) if fault(statement) is None]
        import_statements(acted.desk.ledger, good, brand=None if name in HARD else "eu")
    with psycopg.connect(database_url) as connection:
        waiting = connection.execute(
            "SELECT key, amount::numeric / 100 FROM transaction t WHERE kind = 'payment' AND account_id IS NULL "
            "AND currency = 'EUR' ORDER BY amount DESC LIMIT 1"
        ).fetchone()
    assert waiting is not None
    acted.post(
        {"type": "allocate", "key": "a1", "payment": waiting[0], "split": [{"account": "alice-1", "amount": "7.00"}]}
    )
    return acted


def reported(company: Acted, **parameters: str) -> Result:
    """Return the report of a lake of now."""
    book = LakeBook(frequent_cut(company.url, str(company.folder / "lake"))[0])
    return book.report("bank", **ALL | parameters)


def test_every_sample_file_is_balanced_and_as_the_live_report_says(company: Acted) -> None:
    """Each row, each figure; difference 0.00 on all days, every control holds.

    No balance has a gap, but on the one account that the hard files are of, each as if there were no other.
    """
    with company.desk.ledger.connection().transaction():
        live = [tuple(getattr(day, name) for name in COLUMNS) for day in bank_days(company.desk.ledger.connection())]
    result = reported(company)
    assert result.frame.select(COLUMNS).rows() == live
    assert len({row[0] for row in live}) > 15
    assert result.holds
    assert [control.name for control in result.controls if control.actual] != []
    assert set(result.frame["difference"]) == {0}
    others = result.frame.filter(pl.col("brand") == "eu", pl.col("bank_account") != "DE91100000000123456789")
    assert set(others["gap"].drop_nulls()) == {0}
    assert result.frame["waiting"].sum() > 0 < result.frame["matched"].sum()
    one = reported(company, bank_account=live[0][0])
    assert set(one.frame["bank_account"]) == {live[0][0]}
    assert one.holds


def test_what_was_not_posted_is_a_difference_and_booked_until_a_day_nothing_is_added(company: Acted) -> None:
    """A lost payment: a difference in its row, and a control that fails; before the import there was nothing."""
    today = datetime.now(UTC).date()
    assert reported(company, booked_until=str(today - timedelta(days=2))).frame.height == 0
    with psycopg.connect(company.url) as connection:
        connection.execute(
            "INSERT INTO bank_entry (key, movement, statement_id, bank_account, currency, brand_id, booked_on, "
            "value_date, amount, payments, bank_reference, end_to_end, reference, name, tax_id, account, bank, payer, "
            "text, reversal, reason) SELECT 'lost', 'lost', statement_id, bank_account, currency, brand_id, booked_on, "
            "value_date, 30000, 1, '', '', '', '', '', '', '', '', '', false, '' FROM bank_entry "
            "WHERE bank_account <> '' AND amount > 0 LIMIT 1"
        )
    company.post({"type": "payment", "key": "p", "account": "alice-1", "amount": "1.00", "brand": "eu"})
    result = reported(company)
    assert [f"{figure:.2f}" for figure in result.frame["difference"] if figure] == ["300.00"]
    [broken] = [control for control in result.controls if not control.holds]
    assert (broken.name, f"{abs(broken.difference):.2f}") == ("ledger", "300.00")
