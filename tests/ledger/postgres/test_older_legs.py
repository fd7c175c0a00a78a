"""Entries that were written before legs named the client account that they face are read as if they had."""

import psycopg

from ledger.administration.administration_lines import parse as record
from ledger.core.commands import parse
from ledger.postgres.post import Ledger

BOOK = [
    {"type": "brand", "code": "sushi"},
    {"type": "brand", "code": "pizza"},
    {"type": "party", "reference": "anna", "kind": "individual"},
    *({"type": "account", "reference": name, "party": "anna", "currency": "RUB"} for name in ("anna", "boris")),
]
SPLIT = [{"account": "anna", "amount": "50.00"}, {"account": "boris", "amount": "30.00", "brand": "pizza"}]
LEGS = """
SELECT a.kind, b.code, e.amount, s.reference FROM entry e JOIN account a ON a.id = e.account_id
JOIN brand b ON b.id = a.brand_id LEFT JOIN account s ON s.id = e.source_id JOIN transaction t ON t.id = e.transaction_id
WHERE t.key = %s ORDER BY leg
"""


def forget_sources(url: str) -> None:
    """Let the book's entries be as an earlier release wrote them."""
    with psycopg.connect(url) as connection:
        connection.execute("ALTER TABLE entry DISABLE TRIGGER USER")
        connection.execute("UPDATE entry SET source_id = NULL WHERE line IS NULL")
        connection.execute("ALTER TABLE entry ENABLE TRIGGER USER")


def test_a_reversal_names_what_its_payment_did_not(database_url: str) -> None:
    """Sushi took 50.00 for anna and pizza 30.00 for boris, in one payment of before."""
    ledger = Ledger(database_url)
    ledger.administer([record(line) for line in BOOK])
    payment = {"type": "payment", "key": "p1", "amount": "80.00", "brand": "sushi", "split": SPLIT}
    assert ledger.post([parse(payment)])[0].to_json()["status"] == "posted"
    forget_sources(database_url)
    reverse = {"type": "reverse", "key": "v1", "transaction": "p1", "reason": "chargeback"}
    assert ledger.post([parse(reverse)])[0].to_json()["status"] == "posted"
    with ledger.connection() as connection:
        assert connection.execute(LEGS, ["v1"]).fetchall() == [
            ("cash", "sushi", 5000, "anna"),
            ("cash", "pizza", 3000, "boris"),
        ]
    ledger.close()
