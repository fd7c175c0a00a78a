"""A statement of 50,000 lines: read, matched and shown within seconds, for a book of many clients."""

import time
from datetime import date
from decimal import Decimal

import pytest

from ledger.administration.administration_lines import parse as record
from ledger.bank.core.read_file import read
from ledger.bank.core.statement import BankEntry, Statement
from ledger.bank.postgres.import_statements import import_statements
from ledger.core.outcomes import Done
from tests.ledger.bank import written
from tests.ledger.worlds import Postgres

LINES, CLIENTS = 50_000, 1_000
SECONDS = 20
"""Of the processor, without PostgreSQL: far above what it takes (docs/bank.md), so that a slower one passes too."""

BOOK = [
    {"type": "brand", "code": "eu", "bank_details": {"iban": "DE91100000000123456789"}},
    *({"type": "party", "reference": f"p{n}", "kind": "individual", "name": f"Client {n}"} for n in range(CLIENTS)),
    *(
        {"type": "account", "reference": f"household-{n}", "party": f"p{n}", "currency": "EUR", "holder": "eu"}
        for n in range(CLIENTS)
    ),
]


def statement() -> Statement:
    """Return a statement whose payments name one of the clients, or nobody, every tenth."""
    entries = (
        BankEntry(
            booked_on=date(2024, 3, 1 + n % 28),
            value_date=date(2024, 3, 1 + n % 28),
            amount=Decimal(100 + n % 9000).scaleb(-2),
            bank_reference=f"N{n:08}",
            name=f"Payer {n}",
            account="DE42100100100043921105",
            text=f"Payment for lunches, invoice {n} of " + (f"household-{n % CLIENTS} thanks" if n % 10 else "nobody"),
        )
        for n in range(LINES)
    )
    return Statement(account="DE91100000000123456789", currency="EUR", entries=tuple(entries), number="7")


@pytest.mark.soak
def test_a_dry_run_of_fifty_thousand_lines_takes_seconds(postgres: Postgres) -> None:
    """From the file's bytes to what would be posted."""
    assert all(isinstance(o, Done) for o in postgres.ledger.administer([record(line) for line in BOOK]))
    wall = time.perf_counter()
    content = written.mt940(statement()).encode()
    began = time.process_time()
    statements = read(content, "large.sta")
    was_read = time.process_time()
    (imported,) = import_statements(postgres.ledger, statements, dry_run=True)
    done = time.process_time()
    print(
        f"read {was_read - began:.1f} s, matched and quoted {done - was_read:.1f} s, in all {time.perf_counter() - wall:.1f} s on the clock"
    )
    assert [len(imported.rows), sum(row.unallocated for row in imported.rows)] == [LINES, LINES // 10]
    assert done - began < SECONDS
