"""Cash by channel beside the bank's statements, through a real book."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

from ledger.bank.core.depositors import Depositor
from ledger.bank.core.statement import Statement
from ledger.bank.postgres.depositors import make_known
from ledger.bank.postgres.import_statements import import_statements
from reports.lake.publish_cut import frequent_cut
from reports.run import LakeBook
from tests.ledger.bank.test_reading import entry, stmt
from tests.reports.acted import Acted
from tests.reports.standard.test_turnover import figures

ACQUIRER, COLLECTION = "DE42100100100043921105", "DE12500105170648489890"


@pytest.fixture
def company(database_url: str, tmp_path: Path) -> Acted:
    """Return a brand that took 1,000.00 by card eight days ago, 700.00 by courier two days ago, and its depositors."""
    acted = Acted(database_url, tmp_path)
    acted.administer(
        {"type": "brand", "code": "sushi", "bank_details": {"account": "40702810000000074935"}},
        {"type": "party", "reference": "anna", "kind": "individual", "name": "Anna"},
        {"type": "account", "reference": "anna", "party": "anna", "currency": "RUB", "holder": "sushi"},
    )
    for channel, amount, days in (("card", "1000.00", 8), ("cash", "700.00", 2)):
        acted.post(
            {
                "type": "payment",
                "key": channel,
                "account": "anna",
                "amount": amount,
                "brand": "sushi",
                "channel": channel,
                "at": (datetime.now(UTC) - timedelta(days=days)).isoformat(),
            }
        )
    connection = acted.desk.ledger.connection()
    with connection.transaction():
        for payer, channel, fee in ((ACQUIRER, "card", Decimal("1.5")), (COLLECTION, "cash", None)):
            make_known(connection, Depositor(payer=payer, brand="sushi", channel=channel, fee_percent=fee), None)
    return acted


def brought(company: Acted, statement: Statement) -> None:
    """Import a statement."""
    import_statements(company.desk.ledger, [statement])


def now(company: Acted) -> LakeBook:
    """Return the book as it is now."""
    return LakeBook(frequent_cut(company.url, str(company.folder / "lake"))[0])


def test_in_transit_the_oldest_first_and_nothing_left_when_the_bank_has_it(company: Acted) -> None:
    """Card since eight days, cash since two; 985.00 and 700.00 arrive, 15.00 were the fee: 0.00 on their way."""
    before = now(company).report("cash-by-channel")
    assert figures(before.frame, "channel", "state", "days", "amount") == [
        ("card", "in_transit", 8, "1000.00"),
        ("cash", "in_transit", 2, "700.00"),
    ]
    assert before.holds
    brought(
        company,
        stmt(
            entry("985.00", 5, account=ACQUIRER, bank_reference="A-00001"),
            entry("700.00", 5, account=COLLECTION, bank_reference="A-00002"),
        ),
    )
    after = now(company).report("cash-by-channel")
    assert figures(after.frame, "channel", "state", "amount") == [("bank", "arrived", "1685.00")]
    [statements] = [control for control in after.controls if control.name == "statements"]
    assert (statements.expected, statements.actual, statements.holds) == (Decimal("1685.00"), Decimal("1685.00"), True)


def test_what_a_statement_brought_and_nobody_posted_is_missing_from_the_next_day_on(company: Acted) -> None:
    """300.00 whose posting was lost: today it may still come, tomorrow the control names it."""
    brought(company, stmt(entry("985.00", 5, account=ACQUIRER, bank_reference="A-00001")))
    with psycopg.connect(company.url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO bank_entry (key, movement, statement_id, bank_account, currency, brand_id, booked_on, "
            "value_date, amount, payments, bank_reference, end_to_end, reference, name, tax_id, account, bank, payer, "
            "text, reversal, reason) SELECT 'lost', 'lost', statement_id, bank_account, currency, brand_id, booked_on, "
            "value_date, 30000, 1, '', '', '', '', '', '', '', '', '', false, '' FROM bank_entry LIMIT 1"
        )
        assert now(company).report("cash-by-channel").holds
        connection.execute("UPDATE bank_statement SET imported_at = imported_at - interval '1 day'")
    company.post({"type": "payment", "key": "p", "account": "anna", "amount": "1.00", "brand": "sushi"})
    [broken] = [control for control in now(company).report("cash-by-channel").controls if not control.holds]
    assert (broken.name, abs(broken.difference)) == ("statements", Decimal("300.00"))
    assert now(company).report("cash-by-channel", as_of=date(2020, 1, 1)).holds
