"""What the desk does with a bank's money: payers learned and revoked, names suggested, returns undone, the report."""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from ledger.bank.postgres.bank_records import list_payers, revoke_payer
from ledger.bank.postgres.bank_report import BankDay, bank_days
from ledger.bank.postgres.undo_returned import undo_returned
from ledger.core.commands import parse
from ledger.core.outcomes import Posted
from ledger.postgres import four_eyes
from ledger.postgres.database import connect
from tests.ledger.bank import written
from tests.ledger.bank.test_importing import ANNA, BOOK, ROMASHKA, balances, book, results, run  # noqa: F401
from tests.ledger.bank.test_reading import entry, stmt
from tests.ledger.worlds import Postgres
from tests.typed import tiffin

IBAN = "DE42100100100043921105"


def command(book: Postgres, **fields: Any) -> None:  # noqa: F811
    """Post one command, which is posted."""
    (outcome,) = book.ledger.post([parse(fields)])
    assert isinstance(outcome, Posted), outcome


def unallocated(book: Postgres, day: int, **more: Any) -> str:  # noqa: F811
    """Import 75.00 that names nobody; return its key."""
    ((row,),) = [each.rows for each in run(book, stmt(entry("75.00", day, bank_reference=f"W-{day:05}", **more)))]
    assert row.unallocated
    return row.key


def allocate(book: Postgres, payment: str, *parts: tuple[str, str]) -> None:  # noqa: F811
    split = [{"account": account, "amount": amount} for account, amount in parts]
    command(book, type="allocate", key=f"a-{payment}", payment=payment, split=split, by="o.petrova")


def test_what_the_desk_allocates_teaches_the_payer(book: Postgres) -> None:  # noqa: F811
    """The next payment from that account is for the same client; a name in the text still goes first."""
    allocate(book, unallocated(book, 5, account=IBAN, name="A. K."), ("anna-01", "75.00"))
    again = entry("30.00", 6, account="DE42 1001 0010 0043 9211 05", bank_reference="X-00001")
    assert results(run(book, stmt(again), dry_run=True)) == [("would be posted", ANNA, "known payer")]
    assert results(run(book, stmt(again))) == [("posted", ANNA, "known payer")]
    named = replace(again, bank_reference="X-00002", text="for romashka-01")
    assert results(run(book, stmt(named))) == [("posted", ROMASHKA, "named in the text")]
    with book.ledger.connection().transaction():
        (payer,) = list_payers(book.ledger.connection())
    assert (payer.payer, payer.name, payer.account, payer.learned_by) == (IBAN, "A. K.", ANNA, "o.petrova")


def test_a_payer_revoked_is_forgotten_until_taught_again(book: Postgres) -> None:  # noqa: F811
    """What was allocated before does not count any more."""
    allocate(book, unallocated(book, 5, account=IBAN), ("anna-01", "75.00"))
    run(book, stmt(entry("1.00", 6, bank_reference="Y-00001")))
    with book.ledger.connection().transaction():
        assert revoke_payer(book.ledger.connection(), IBAN, None, "i.sidorov") == 1
    waiting = unallocated(book, 7, account=IBAN)
    allocate(book, waiting, ("romashka-01", "75.00"))
    assert results(run(book, stmt(entry("2.00", 8, account=IBAN, bank_reference="Y-00002")))) == [
        ("posted", ROMASHKA, "known payer")
    ]


def test_a_payer_of_two_clients_is_nobody_s(book: Postgres) -> None:  # noqa: F811
    """Both waited when the desk allocated them: money in doubt waits."""
    first, second = (unallocated(book, day, account=IBAN) for day in (5, 6))
    allocate(book, first, ("anna-01", "75.00"))
    allocate(book, second, ("romashka-01", "75.00"))
    assert results(run(book, stmt(entry("2.00", 9, account=IBAN, bank_reference="Z-00001"))))[0][1:] == (
        None,
        "known payer: 2 accounts, 1000017, 1000025",
    )


def test_an_account_where_a_bank_gathers_payments_teaches_nothing(book: Postgres) -> None:  # noqa: F811
    """Many people's money comes from it."""
    gathered = "30232810000000000001"
    allocate(book, unallocated(book, 5, account=gathered), ("anna-01", "75.00"))
    assert results(run(book, stmt(entry("2.00", 9, account=gathered, bank_reference="Z-00001"))))[0][1] is None


def test_an_allocation_to_several_teaches_nothing(book: Postgres) -> None:  # noqa: F811
    """Whose the payer is, it does not say."""
    allocate(book, unallocated(book, 5, account=IBAN), ("anna-01", "70.00"), ("romashka-01", "5.00"))
    assert results(run(book, stmt(entry("2.00", 9, account=IBAN, bank_reference="Z-00001"))))[0][1] is None


def test_names_are_suggested_and_never_post(book: Postgres) -> None:  # noqa: F811
    """Beside what waits, with how alike they are."""
    ((row,),) = [each.rows for each in run(book, stmt(entry("75.00", name="OOO ROMASHKA")))]
    assert (row.result, row.account, row.unallocated) == ("posted", None, True)
    assert [(client.account, alike) for client, alike in row.suggested] == [(ROMASHKA, 100)]


def test_a_returned_payout_is_undone_once(book: Postgres) -> None:  # noqa: F811
    """The reversal has the entry's key: again, it is there already."""
    command(book, type="payment", key="p1", account="anna-01", amount="40.00", brand="sushi")
    command(book, type="payout", key="o1", account="anna-01", amount="40.00", brand="sushi", channel="bank")
    today = book.rows("SELECT max(business_date) FROM transaction")[0][0]
    back = stmt(
        entry("40.00", booked_on=today, value_date=today, reversal=True, reason="AC04", bank_reference="R-00001"),
        since=None,
        until=None,
    )
    with connect(book.ledger.url, autocommit=True) as owner:
        four_eyes.set_rule(owner, "reverse", "RUB", 4000)
        (row,) = undo_returned(book.ledger, run(book, back), by="o.petrova")[0].rows
        assert row.why == "reverse: from 40.00 RUB on it needs a second person, who agrees to it at the desk"
        four_eyes.drop_rules(owner, "reverse")
    (row,) = undo_returned(book.ledger, run(book, back), by="o.petrova")[0].rows
    [(payout,)] = book.rows("SELECT id FROM transaction WHERE key = 'o1'")
    assert (row.result, row.rule) == ("posted", f"reversed {payout}")
    assert balances(book)["anna-01"] == 4000
    assert book.rows("SELECT reason FROM transaction WHERE kind = 'reverse'") == [("returned by the bank, AC04",)]
    assert [each.result for each in undo_returned(book.ledger, run(book, back))[0].rows] == ["there already"]


# ---- the report


def days(book: Postgres, **which: Any) -> list[BankDay]:  # noqa: F811
    with book.ledger.connection().transaction():
        return bank_days(book.ledger.connection(), **which)


def test_the_bank_stands_beside_the_ledger(book: Postgres) -> None:  # noqa: F811
    """Matched, waiting, returned; noon, evening and the next day; nothing differs."""
    noon = entry("300.00", 5, text="1000025", bank_reference="N-00001")
    stray, back = entry("75.00", 5, bank_reference="N-00002"), entry("9.00", 5, reversal=True, bank_reference="N-00003")
    out = entry("-20.00", 6, bank_reference="N-00004")
    first = {"opening": Decimal("10.00"), "since": date(2024, 3, 5), "until": date(2024, 3, 5)}
    run(book, stmt(noon, closing=Decimal("310.00"), **first))
    run(book, stmt(noon, stray, back, closing=Decimal("394.00"), **first))
    run(book, stmt(out, opening=Decimal("394.00"), closing=Decimal("374.00"), until=date(2024, 3, 6)))
    one, two = days(book)
    assert (one.opening, one.money_in, one.money_out, one.closing, one.reported) == tuple(
        map(Decimal, ("10.00", "384.00", "0.00", "394.00", "394.00"))
    )
    assert (one.matched, one.waiting, one.returned) == (Decimal("300.00"), Decimal("75.00"), Decimal("9.00"))
    assert (two.opening, two.money_out, two.closing, two.reported) == tuple(
        map(Decimal, ("394.00", "20.00", "374.00", "374.00"))
    )
    assert [(each.difference, each.gap) for each in (one, two)] == [(0, 0), (0, 0)]
    assert days(book, since=date(2024, 3, 6)) == [two]
    allocate(book, book.rows("SELECT key FROM transaction WHERE account_id IS NULL")[0][0], ("anna-01", "50.00"))
    assert next((each.matched, each.waiting) for each in days(book)) == (Decimal("350.00"), Decimal("25.00"))


def test_a_day_that_is_missing_is_a_gap(book: Postgres) -> None:  # noqa: F811
    """As are two entries alike in everything that two files report one each: the bank has more than the ledger."""
    alike = entry("5.00", 5, bank_reference="", name="Bob", text="rent")
    for number, opening in (("1", "0.00"), ("2", "5.00")):
        run(
            book,
            stmt(alike, number=number, opening=Decimal(opening), closing=Decimal(opening) + 5, until=date(2024, 3, 5)),
        )
    (day,) = days(book)
    assert (day.closing, day.difference, day.gap) == (Decimal("5.00"), 0, Decimal("5.00"))
    run(book, stmt(entry("1.00", 8), opening=Decimal("100.00"), closing=Decimal("101.00"), until=date(2024, 3, 8)))
    assert [each.gap for each in days(book)] == [Decimal("5.00"), Decimal("95.00")]


def test_commands_show_the_report_and_the_payers(database_url: str, tmp_path: Path) -> None:
    """Exit 0 while nothing differs; a payer is listed and revoked."""
    lines = [*BOOK, {"type": "payment", "key": "x", "account": "anna-01", "amount": "1.00", "brand": "sushi"}]
    assert tiffin(database_url, "post", "-", said="\n".join(map(json.dumps, lines))).returncode == 0
    (tmp_path / "march.sta").write_text(written.mt940(stmt(entry("75.00", account=IBAN, name="Nobody"), number="3")))
    (posted,) = json.loads(tiffin(database_url, "import-bank", tmp_path / "march.sta", "--json").stdout)["statements"]
    allocate_ = {
        "type": "allocate",
        "key": "l",
        "payment": posted["entries"][0]["key"],
        "split": [{"account": "anna-01", "amount": "75.00"}],
    }
    assert tiffin(database_url, "post", "-", said=json.dumps(allocate_)).returncode == 0
    report = tiffin(database_url, "bank-report", "--json")
    assert report.returncode == 0, report.stderr
    (day,) = json.loads(report.stdout)
    assert (day["matched"], day["waiting"], day["difference"], day["gap"]) == ("75.00", "0.00", "0.00", "0.00")
    listed = json.loads(tiffin(database_url, "bank-payers", "--json").stdout)
    assert [(payer["payer"], payer["account"]) for payer in listed] == [(IBAN, ANNA)]
    assert tiffin(database_url, "bank-payers", "--revoke", IBAN, "--by", "me").returncode == 0
    refused = tiffin(database_url, "bank-payers", "--revoke", IBAN)
    assert (refused.returncode, refused.stderr) == (1, f"tiffin: no such learned payer: {IBAN}\n")
    assert "Nobody" in tiffin(database_url, "bank-payers").stdout
    assert "2024-03-05" in tiffin(database_url, "bank-report").stdout


def test_a_statement_without_days_of_its_own_is_of_its_last_entry_s(book: Postgres) -> None:  # noqa: F811
    """A camt.053 that names no period: its closing balance is compared on the day of its last entry."""
    undated = replace(
        stmt(entry("60.00", 5), entry("40.00", 7), opening=Decimal("0.00"), closing=Decimal("100.00")),
        since=None,
        until=None,
    )
    run(book, undated)
    assert [(each.day, each.closing, each.gap) for each in days(book)] == [
        (date(2024, 3, 5), Decimal("60.00"), None),
        (date(2024, 3, 7), Decimal("100.00"), Decimal("0.00")),
    ]
