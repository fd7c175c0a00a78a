"""Files of more banks, as published: every statement read, or refused whole; what is imported is there once."""

from datetime import date
from pathlib import Path

import pytest

from ledger.administration.administration_lines import parse as record
from ledger.bank.core.read_file import read_file
from ledger.bank.core.statement import fault
from ledger.bank.postgres.bank_report import bank_days
from ledger.bank.postgres.import_statements import import_statements
from tests.ledger.worlds import Postgres

DATA = Path(__file__).parent / "data"
STATEMENTS = [
    # file, account, currency, entries, money in, money out, whether it adds up
    ("mt940-rabobank-iban.sta", "NL71RABO0123456789", "EUR", 2, "0.00", "35.00", True),
    ("mt940-rabobank-iban.sta", "NL71RABO0123456789", "EUR", 2, "0.00", "35.00", True),
    ("mt940-rabobank.sta", "1291.99.348EUR", "EUR", 1, "0.00", "1213.28", False),
    ("mt940-rabobank.sta", "1291.99.348EUR", "EUR", 0, "0.00", "0.00", True),
    ("mt940-rabobank.sta", "1291.99.348EUR", "EUR", 2, "0.00", "281.51", False),
    ("mt940-rabobank.sta", "1526.89.184EUR", "EUR", 2, "0.00", "94.30", True),
    ("mt940-sns.sta", "0123456789", "EUR", 2, "0.00", "25.00", True),
    ("mt940-sns.sta", "0123456789", "EUR", 0, "0.00", "0.00", True),
    ("mt940-knab.sta", "123456789", "EUR", 1, "500.00", "0.00", True),
    ("mt940-knab.sta", "123456789", "EUR", 2, "500.00", "7260.00", False),
    ("mt940-triodos.sta", "TRIODOSBANK/0390123456", "EUR", 2, "0.00", "715.70", False),
    ("mt940-mbank.sta", "PL29114010810000267002001002", "PLN", 3, "0.03", "0.00", True),
    ("mt942-mbank.sta", "PL29114010810000267002001002", "PLN", 3, "0.03", "0.00", True),
    ("mt940-bph.sta", "45050050/76198810", "DEM", 11, "49396.74", "49309.44", False),
    ("mt940-bph.sta", "10020030/1234567", "EUR", 2, "3000.00", "800.00", True),
    ("mt940-bph.sta", "BPHKPLPK/320000546101", "PLN", 3, "20040.00", "10000.00", True),
    ("mt940-wirecard.sta", "51230800/0000007055", "EUR", 3, "13095.30", "193282.05", True),
    ("mt940-wirecard.sta", "51230800/0000007304", "EUR", 1, "1120.00", "0.00", True),
    ("mt940-raiffeisen.sta", "UBRTHUHB/123456789150ABCDEF002/HUF", "HUF", 7, "2066637.00", "3078850.50", False),
    ("mt940-garanti.sta", "0067-00763/93984487", "TRY", 0, "0.00", "0.00", True),
    ("ofx-anz.ofx", "1234123412341234", "AUD", 1, "0.00", "5.50", True),
    ("ofx-suncorp.ofx", "123456789", "AUD", 1, "0.00", "16.85", True),
    ("ofx-canada.ofx", "12300 000012345678", "CAD", 3, "0.00", "345.27", True),
    ("camt052-v2.xml", "CH2801234000123456789", "SEK", 1, "0.00", "200000.00", True),
    ("camt054-v4.xml", "CH2801234000123456789", "SEK", 1, "0.00", "200000.00", True),
]
FILES = sorted({name for name, *_ in STATEMENTS})


@pytest.mark.parametrize("name", FILES)
def test_a_bank_s_file_is_read(name: str) -> None:
    """Account, currency, entries, turnovers; what its publisher changed does not add up, and is refused."""
    found = [
        (name, s.account, s.currency, len(s.entries), f"{s.money_in:.2f}", f"{s.money_out:.2f}", fault(s) is None)
        for s in read_file(DATA / name)
    ]
    assert found == [row for row in STATEMENTS if row[0] == name]


@pytest.fixture
def book(postgres: Postgres) -> Postgres:
    """Return a book of one brand, whose the files are said to be."""
    postgres.ledger.administer([record({"type": "brand", "code": "eu"})])
    return postgres


def test_all_of_them_are_posted_once_and_the_bank_stands_beside_the_ledger(book: Postgres) -> None:
    """Twice, in both orders: the same payments; no day differs, no balance has a gap."""
    statements = [s for name in FILES for s in read_file(DATA / name) if fault(s) is None]
    import_statements(book.ledger, statements, brand="eu")
    posted = book.rows("SELECT count(*), sum(amount) FROM transaction")
    again = import_statements(book.ledger, statements[::-1], brand="eu")
    assert {row.result for each in again for row in each.rows} <= {"there already", "not imported"}
    assert book.rows("SELECT count(*), sum(amount) FROM transaction") == posted
    with book.ledger.connection().transaction():
        days = bank_days(book.ledger.connection())
    assert [(day.bank_account, day.day) for day in days if day.difference or day.gap] == []
    assert sum(day.money_in for day in days) * 100 == posted[0][1]


@pytest.mark.parametrize("order", [("mt942", "mt940"), ("mt940", "mt942")])
def test_a_bank_s_report_of_the_day_and_its_statement_are_posted_once(book: Postgres, order: tuple[str, ...]) -> None:
    """mBank: the same three entries in both."""
    for kind in order:
        import_statements(book.ledger, read_file(DATA / f"{kind}-mbank.sta"), brand="eu")
    assert book.rows("SELECT count(*), sum(amount) FROM transaction") == [(3, 3)]


def test_a_number_that_payers_see_is_read_from_polish_details() -> None:
    """`020?00…` begins behind a blank, and its texts have question marks of their own."""
    entry = read_file(DATA / "mt940-bph.sta")[2].entries[0]
    assert (entry.name, entry.booked_on) == ("HUTA SZKLA TOPIC UL PRZEMYSLOWA 67 32-669 WROCLAW", date(2003, 10, 20))
