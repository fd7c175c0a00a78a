"""Files that were once read wrong: money for the right client, once, or for nobody."""

import json
from pathlib import Path
from typing import Any

import pytest

from ledger.administration.administration_lines import parse as record
from ledger.bank.core.read_file import read_file
from ledger.bank.postgres.bank_report import bank_days
from ledger.bank.postgres.import_statements import import_statements
from ledger.bank.postgres.plan_import import Imported, Row
from ledger.core.commands import parse
from ledger.core.outcomes import Done, Posted
from tests.ledger.worlds import Postgres

DATA = Path(__file__).parent / "data"


@pytest.fixture
def book(postgres: Postgres) -> Postgres:
    """Return the book that the files are for."""
    lines = (DATA / "hard-books.jsonl").read_text().splitlines()
    assert all(isinstance(o, Done) for o in postgres.ledger.administer([record(json.loads(line)) for line in lines]))
    return postgres


def put(book: Postgres, name: str, **how: Any) -> list[Imported]:
    """Import a file; it is not refused."""
    imported = import_statements(book.ledger, read_file(DATA / name), **how)
    assert [each.refused for each in imported] == [""] * len(imported)
    return imported


def rows(imported: list[Imported]) -> list[Row]:
    return [row for each in imported for row in each.rows]


def received(book: Postgres) -> dict[str, str]:
    """Return what each client account has, by reference, and what waits."""
    found = book.rows(
        "SELECT coalesce(a.reference, a.kind), sum(e.amount)::numeric / 100 FROM entry e "
        "JOIN account a ON a.id = e.account_id WHERE a.kind IN ('money', 'unallocated') GROUP BY 1 ORDER BY 1"
    )
    return {name: f"{amount:.2f}" for name, amount in found}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a1-camt-reference-split-ustrd.xml", {"unallocated": "40.00"}),
        ("a1-mt940-reference-wrapped.sta", {"unallocated": "50.00", "1000017": "51.00"}),
        ("a3-point-decimals.sta", {"alice-1": "50.25"}),
        ("b-28c-without-number.sta", {"alice-1": "5.00"}),
        ("b-account-with-currency.sta", {"alice-1": "2.00"}),
        ("b-blz-account.sta", {"alice-1": "3.00"}),
        ("b-batch-count-only.xml", {"unallocated": "300.00"}),
        ("c-1c-no-encoding-line.txt", {"klient-1": "11.00"}),
        ("c-1c-upper-case-sections.txt", {"klient-1": "10.00"}),
        ("c-1c-one-foreign-document.txt", {"klient-1": "12.00"}),
        ("c-tag-inside-text.sta", {"alice-1": "5.00"}),
        ("c-cp437.sta", {"unallocated": "3.00"}),
    ],
)
def test_money_is_for_the_right_client(book: Postgres, name: str, expected: dict[str, str]) -> None:
    """Whatever the layout; and again posts nothing."""
    reference = dict(book.rows("SELECT id::text, reference FROM account WHERE kind = 'money'"))
    put(book, f"hard-{name}")
    assert received(book) == {reference.get(who, who): amount for who, amount in expected.items()}
    assert {row.result for row in rows(put(book, f"hard-{name}"))} == {"there already"}
    with book.ledger.connection().transaction():
        days = bank_days(book.ledger.connection())
    assert days
    assert [day for day in days if day.difference or day.gap] == []


@pytest.mark.parametrize(("kind", "amount"), [("eref", "50.00"), ("same-payer-ref", "60.00")])
@pytest.mark.parametrize("order", [("noon", "evening"), ("evening", "noon"), ("noon", "noon", "evening", "evening")])
def test_an_entry_of_the_noon_and_the_evening_is_one(
    book: Postgres, kind: str, amount: str, order: tuple[str, ...]
) -> None:
    """A marker is no reference, and one that two payers chose does not make them one."""
    for when in order:
        put(book, f"hard-a2-{kind}-{when}.sta")
    assert received(book) == {"alice-1": amount, "bob-22": amount}
    one_run = import_statements(
        book.ledger, [s for when in order for s in read_file(DATA / f"hard-a2-{kind}-{when}.sta")]
    )
    assert {row.result for row in rows(one_run)} == {"there already"}


@pytest.mark.parametrize("dry_run", [True, False])
def test_two_files_in_one_run_report_an_entry_once(book: Postgres, dry_run: bool) -> None:
    """Dry or not, the second file's Bob is the first's."""
    files = [s for when in ("noon", "evening") for s in read_file(DATA / f"hard-a2-eref-{when}.sta")]
    found = rows(import_statements(book.ledger, files, dry_run=dry_run))
    done = "would be posted" if dry_run else "posted"
    assert [row.result for row in found] == [done, done, "there already"]
    assert found[2].why == "reported twice in this run"


def test_a_payout_that_comes_back_is_no_payment(book: Postgres) -> None:
    """The payout is named, of several the one of the account that the bank's reference names."""
    for number, who in enumerate(("bob-22", "alice-1", "bob-22")):
        for command in (
            {"type": "payment", "amount": "25.00", "channel": "card"},
            {"type": "payout", "amount": "25.00"},
        ):
            key = f"{command['type']}-{number}"
            outcome = book.ledger.post([parse({**command, "key": key, "account": who, "brand": "eu"})])[0]
            assert isinstance(outcome, Posted)
    (row,) = rows(put(book, "hard-b-returned-payout-rtrinf.xml"))
    [(payout,)] = book.rows("SELECT id FROM transaction WHERE key = 'payout-1'")
    assert (row.result, row.undoes) == ("not imported", payout)
    assert row.why == (
        f"reversal of money out, come back (AC04): reverse the payout at the desk; payout {payout} has this amount"
    )
    assert received(book) == {"alice-1": "0.00", "bob-22": "0.00"}


def test_a_document_of_others_is_shown_beside_the_good_ones() -> None:
    """It moves none of our accounts."""
    (statement,) = read_file(DATA / "hard-c-1c-one-foreign-document.txt")
    assert statement.foreign == ("document 11 of 02.03.2026, 5.00, is neither from nor to an account of the file",)
    assert [str(entry.amount) for entry in statement.entries] == ["12.00"]


def test_thousands_may_be_parted_by_blanks_and_a_tax_number_may_stand_in_the_text(book: Postgres) -> None:
    """`1 700,50`; `ИНН 7736207543` before a name or in the purpose; a bank's own number is nobody's."""
    found = rows(put(book, "hard-c-1c-amount-with-blank.txt"))
    reference = dict(book.rows("SELECT id, reference FROM account WHERE kind = 'money'"))
    assert [(str(row.entry.amount), reference.get(row.account)) for row in found] == [
        ("100.00", "klient-1"),
        ("200.00", "klient-2"),
        ("300.00", None),
        ("400.00", None),
        ("500.00", "klient-2"),
        ("600.00", "klient-2"),
        ("1700.50", "klient-1"),
    ]


def test_an_old_western_encoding_is_not_taken_for_cyrillic() -> None:
    """cp437 and cp850 have their umlauts where others have Cyrillic."""
    (statement,) = read_file(DATA / "hard-c-cp437.sta")
    assert statement.entries[0].name == "MüLLER GRößE"
