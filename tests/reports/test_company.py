"""A company of five brands acted out: every control holds, brands are even, and nothing is left on its way."""

import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ledger.bank.core.depositors import Depositor
from ledger.bank.core.read_file import read_file
from ledger.bank.postgres.bank_report import bank_days
from ledger.bank.postgres.depositors import make_known
from ledger.bank.postgres.import_statements import import_statements
from ledger.food.core.commands import parse
from reports.core.report import REPORTS
from reports.documents.papers import statement_of
from reports.lake.publish_cut import frequent_cut
from reports.lake.verify import verify
from reports.run import LakeBook
from tests.ledger.bank import written
from tests.reports.acted import Acted
from tests.reports.company import ACQUIRER, BRANDS, COLLECTION, COMPANIES, FEE, TWICE, Company, deposits
from tests.reports.standard.test_every_report import parameters_for

BATCH = 200
OTHERS_POINTS = """
    SELECT e.vat_rate, sum(e.vat) FROM entries e JOIN accounts a ON a.id = e.source_id AND a.kind = 'bonus'
    WHERE e.account_kind = 'revenue' AND a.brand_id <> e.brand_id AND e.vat IS NOT NULL GROUP BY 1
"""
NOTHING = Decimal("0.00")


def batched(items: Sequence[Any], most: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), most):
        yield items[start : start + most]


def acted_out(url: str, folder: Path, company: Company) -> Acted:
    """Return the company's book after all its weeks; what was declined was declined for a rule, nothing was invalid."""
    acted = Acted(url, folder)
    acted.administer(*company.administration())
    connection = acted.desk.ledger.connection()
    with connection.transaction():
        for brand in BRANDS:
            for payer, channel, fee in ((ACQUIRER, "card", FEE), (COLLECTION, "cash", None)):
                make_known(connection, Depositor(payer=payer, brand=brand, channel=channel, fee_percent=fee), "seed")
    lines, answers = company.commands(), Counter[str]()
    done = Counter[str]()
    for merges, run in groupby(lines, key=lambda line: line["type"] == "merge"):
        for batch in batched([parse(line) for line in run], BATCH):
            if merges:
                outcomes = [outcome.to_json() for outcome in acted.desk.administer(batch)]  # type: ignore[arg-type]
                done.update(each["account"] for each in outcomes if each["status"] == "done")
                continue
            said = [outcome.to_json() for outcome in acted.desk.post(batch)]  # type: ignore[arg-type]
            answers.update(f"{each['status']} {each.get('code') or ''}".strip() for each in said)
    assert len(done) == len(TWICE), done
    assert {"declined account_closed"} <= {*answers}, answers
    assert answers["posted"] > 3 * (len(lines) - answers["posted"]), answers
    assert answers["invalid"] == 0, answers
    assert {"declined insufficient_funds", "declined order_not_found"} <= {*answers}, answers
    return acted


def banked(acted: Acted, last: date) -> None:
    """Bring everything to the banks by files: cards and cash by week, and what companies owe."""
    with psycopg.connect(acted.url) as connection:
        rows = connection.execute(
            "SELECT b.code, e.channel, t.business_date, -sum(e.amount) FROM entry e "
            "JOIN account a ON a.id = e.account_id JOIN brand b ON b.id = a.brand_id "
            "JOIN transaction t ON t.id = e.transaction_id WHERE a.kind = 'cash' GROUP BY 1, 2, 3"
        )
        paid = {(brand, channel, day): Decimal(int(amount)) / 100 for brand, channel, day, amount in rows}
        owing = connection.execute(
            "SELECT a.reference, -b.balance FROM account a JOIN balance b ON b.account_id = a.id "
            "WHERE a.reference = ANY(%s) AND b.balance < 0",
            [[*COMPANIES]],
        )
        owed = {reference: Decimal(amount) / 100 for reference, amount in owing}
    assert {channel for _, channel, _ in paid} == {"card", "cash"}
    assert {*owed} == {*COMPANIES}
    files = []
    for number, statement in enumerate(deposits(paid, owed, last)):
        files.append(acted.folder / f"{statement.account}.txt")
        text = written.mt940(statement) if number % 2 else written.camt(statement)
        files[-1].write_text(text)
    statements = [statement for file in files for statement in read_file(file)]
    imported = import_statements(acted.desk.ledger, statements)
    assert {row.result for each in imported for row in each.rows} == {"posted"}
    assert not [row for each in imported for row in each.rows if row.unallocated]
    again = import_statements(acted.desk.ledger, statements)
    assert {row.result for each in again for row in each.rows} == {"there already"}


def now(acted: Acted) -> LakeBook:
    """Return the book as it is now."""
    return LakeBook(frequent_cut(acted.url, str(acted.folder / "lake"))[0])


def settled(acted: Acted, period: dict[str, Any]) -> None:
    """Move what acquirers' rounding left in channels, and pay what brands owe each other."""
    moves = []
    for row in now(acted).report("cash-by-channel").frame.rows(named=True):
        if row["channel"] != "bank":
            assert abs(row["amount"]) <= Decimal("0.05"), row
            way = (
                {"from": row["channel"], "to": "bank"} if row["amount"] > 0 else {"from": "bank", "to": row["channel"]}
            )
            moves.append({"brand": row["brand"], **way, "amount": str(abs(row["amount"]))})
    for row in now(acted).report("brand-settlements", **period).frame.rows(named=True):
        if row["due"] > 0:
            pair = {"brand": row["other"], "to_brand": row["brand"]}
            moves.append({**pair, "from": "bank", "to": "bank", "amount": str(row["due"])})
    acted.post(*({"type": "move", "key": f"m{number}", **move} for number, move in enumerate(moves)))


def everything_holds(acted: Acted, company: Company) -> None:
    """Hold that the company's books are in order, whatever one asks of them."""
    last = now(acted).last_day
    period = {"first_day": company.first.isoformat(), "last_day": last.isoformat()}
    banked(acted, last - timedelta(days=1))
    settled(acted, period)
    book = now(acted)
    failed = []
    for name, report in REPORTS.items():
        given = parameters_for(report, **period)
        result = book.report(name, **given | ({"account": "romashka-01"} if "account" in given else {}))
        failed += [
            (name, control.name, control.expected, control.actual) for control in result.controls if not control.holds
        ]
    assert failed == []
    assert [check.name for _, check in verify(acted.url, str(acted.folder / "lake")) if not check.holds] == []
    due = book.report("brand-settlements", **period).frame
    assert due.height > 3
    assert set(due["due"].to_list()) == {NOTHING}
    cash = book.report("cash-by-channel").frame
    assert set(cash["state"]) == {"arrived"}
    assert set(cash["channel"]) == {"bank"}
    with acted.desk.ledger.connection().transaction():
        days = bank_days(acted.desk.ledger.connection())
    assert [(day.bank_account, day.day) for day in days if day.difference or day.gap] == []
    assert book.report("receivables-aging").frame["total"].sum() == NOTHING
    papers_say_the_same(book, company, last)


def papers_say_the_same(book: LakeBook, company: Company, last: date) -> None:
    """Hold that VAT on all clients' papers, and of what another brand's points paid, is what the vat report gives."""
    on_papers: dict[Any, Decimal] = defaultdict(Decimal)
    for account in (*company.clients, *company.employees, *COMPANIES):
        for vat in statement_of(book, account, company.first, last).vat:
            on_papers[vat.rate] += vat.vat
    others = book.sql(OTHERS_POINTS).rows()
    assert others
    for rate, amount in others:
        on_papers[rate] += amount
    rows = book.report("vat", first_day=company.first.isoformat(), last_day=last.isoformat()).frame
    reported: dict[Any, Decimal] = defaultdict(Decimal)
    for rate, amount in rows.select("vat_rate", "base_vat").rows():
        reported[rate] += amount
    assert {rate: amount for rate, amount in on_papers.items() if amount} == {
        rate: amount for rate, amount in reported.items() if amount
    }
    assert len(reported) > 2


def test_three_weeks_of_a_company_of_five_brands(database_url: str, tmp_path: Path) -> None:
    """Every control holds, settlements are paid to 0.00 by moves, and the banks have all the cash."""
    company = Company(days=21, seed=15)
    everything_holds(acted_out(database_url, tmp_path, company), company)


@pytest.mark.soak
def test_a_year_of_a_company_of_five_brands(database_url: str, tmp_path: Path) -> None:
    """The same over a year, by another seed each time; it is printed when it fails."""
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    company = Company(days=365, seed=seed)
    everything_holds(acted_out(database_url, tmp_path, company), company)
