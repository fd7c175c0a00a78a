"""What `tiffin balance` answers for a past evening is what the reports say of that day."""

from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from ledger.administration.administration_lines import parse as record
from ledger.core.commands import parse
from ledger.postgres import balances
from ledger.postgres.database import connect
from ledger.postgres.post import Ledger
from ledger.values.money import decimal
from reports.lake.publish_cut import nightly_cut
from reports.run import LakeBook
from tests.reports.random_book import FIRST, LAST, post_at_random

DAYS = [FIRST + timedelta(days=10 * n) for n in range(10)]


def test_balance_and_reports_agree_on_every_evening(database_url: str, tmp_path: Path) -> None:
    """Balance, held, credit and what is overdue of every account; credit runs out, or was never there."""
    post_at_random(database_url, 300, seed=3)
    book = LakeBook(nightly_cut(database_url, str(tmp_path / "lake"), LAST)[0])
    zone, seen = ZoneInfo(book.cut.time_zone), set()
    for day in DAYS:
        debts = book.report("open-items", as_of=day).frame
        exposure = {
            row["account"]: row for row in book.report("credit-exposure", as_of=day).frame.iter_rows(named=True)
        }
        evening = datetime.combine(day, time(23, 59, 59), zone)
        for account in ("anna", "boris", "carol", "dora", "romashka", "vega"):
            with connect(database_url, autocommit=True) as connection:
                answer = balances.balance(connection, account, at=evening)
            owed = debts.filter(account=answer.account)
            late = owed.drop_nulls("days_late").height > 0
            assert (answer.unpaid_since, answer.overdue) == (owed["business_date"].min(), late), (account, day)
            assert owed["unpaid"].sum() == max(0, -decimal(answer.balance))
            seen.add((account, answer.overdue))
            if row := exposure.get(answer.account):
                shown = row["balance"], row["held"], row["limit"], row["available"]
                figures = (answer.balance, answer.held, answer.credit_limit or 0, answer.available)
                assert tuple(map(decimal, figures)) == shown, (account, day)
    assert {("romashka", True), ("romashka", False), ("boris", True), ("vega", False)} <= seen


def test_a_debt_keeps_its_due_date_when_credit_has_ended_and_has_none_where_credit_never_was(database_url: str) -> None:
    """Two clients owe since 1 September: one on 10 days of credit that ended on the 5th, one without credit."""
    ledger = Ledger(database_url)
    outcomes = ledger.administer(
        [
            record(line)
            for line in (
                {"type": "brand", "code": "sushi"},
                {"type": "party", "reference": "anna", "kind": "individual"},
                {"type": "account", "reference": "anna", "party": "anna", "currency": "RUB"},
                {"type": "account", "reference": "boris", "party": "anna", "currency": "RUB"},
                {
                    "type": "credit_terms",
                    "account": "anna",
                    "limit": "100.00",
                    "period_days": 10,
                    "valid_from": "2025-01-01",
                    "valid_until": "2025-09-05",
                },
            )
        ]
    )
    assert {outcome.to_json()["status"] for outcome in outcomes} == {"done"}
    at = datetime(2025, 9, 1, 12, tzinfo=ZoneInfo("Europe/Moscow")).isoformat()
    for account in ("anna", "boris"):
        command = {
            "type": "adjustment",
            "key": account,
            "account": account,
            "amount": "-50.00",
            "brand": "sushi",
            "reason": "test",
            "at": at,
        }
        assert ledger.post([parse(command)])[0].to_json()["status"] == "posted"
    with connect(database_url, autocommit=True) as connection:

        def overdue(account: str, day: int) -> tuple[bool, int | None, int]:
            evening = datetime(2025, 9, day, 23, tzinfo=ZoneInfo("Europe/Moscow"))
            standing = balances.balance(connection, account, at=evening)
            return standing.overdue, standing.credit_limit, standing.available

        assert overdue("anna", 5) == (False, 10_000, 5_000)
        assert overdue("anna", 6) == (False, None, 0)
        assert overdue("anna", 11) == (False, None, 0)
        assert overdue("anna", 12) == (True, None, 0)
        assert overdue("boris", 1) == (False, None, 0)
        assert overdue("boris", 2) == (False, None, 0)
    ledger.close()
