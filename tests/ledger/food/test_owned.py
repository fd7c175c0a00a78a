"""Every posting of an order carries its owner."""

from pathlib import Path
from typing import Any

import psycopg
import pytest

from ledger.postgres import database
from tests.ledger.postgres.test_migrations import engine
from tests.reports.acted import Acted

UNOWNED = """
SELECT t.key FROM transaction t LEFT JOIN owned o ON o.transaction_id = t.id
WHERE t.status = 'posted' AND t.kind <> 'payment' AND t.reason IS DISTINCT FROM 'expired' AND o.owner IS NULL
"""


@pytest.fixture
def owned(database_url: str, tmp_path: Path) -> Any:
    """Return a book with an order of each fate: kept with a dish back, cancelled for a fee, released."""
    acted = Acted(database_url, tmp_path)
    acted.administer(
        {"type": "brand", "code": "sushi"},
        {"type": "party", "reference": "anna", "kind": "individual", "name": "Anna"},
        {"type": "account", "reference": "anna", "party": "anna", "currency": "RUB"},
        {
            "type": "bonus_program",
            "brand": "sushi",
            "accrue_percent": "10",
            "redeem_percent": "50",
            "expires_after_days": 300,
            "valid_from": "2026-01-01",
        },
    )
    set_ = {"brand": "sushi", "sku": "set", "price": "100.00", "quantity": 2}
    for line in (
        {"type": "payment", "key": "p", "account": "anna", "amount": "1000.00", "brand": "sushi"},
        {"type": "order", "key": "kept", "account": "anna", "items": [set_]},
        {"type": "deliver", "key": "kept-d", "order": "kept"},
        {"type": "refund_items", "key": "kept-r", "order": "kept", "items": [{"sku": "set", "quantity": 1}]},
        {"type": "order", "key": "gone", "account": "anna", "items": [set_]},
        {"type": "cancel", "key": "gone-c", "order": "gone", "fee": "10.00"},
        {"type": "refund_items", "key": "gone-r", "order": "gone", "amount": "4.00"},
        {"type": "order", "key": "held", "account": "anna", "items": [set_], "due_at": "2026-03-05T12:00:00+03:00"},
        {"type": "cancel", "key": "held-c", "order": "held"},
    ):
        acted.post({**line, "at": "2026-03-02T12:00:00+03:00"})
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


def _owners(connection: psycopg.Connection[Any]) -> list[Any]:
    return connection.execute(
        "SELECT o.owner, t.kind FROM owned o JOIN transaction t ON t.id = o.transaction_id ORDER BY t.id"
    ).fetchall()


def test_every_posting_of_an_order_carries_its_owner(owned: psycopg.Connection[Any]) -> None:
    """Charges, refunds, a release, a fee and what came back of it, points given and taken: none is nobody's."""
    assert owned.execute(UNOWNED).fetchall() == []
    assert _owners(owned) == [
        ("kept", "debit"),
        ("kept", "mark"),
        ("kept", "bonus"),
        ("kept", "refund"),
        ("kept", "bonus"),
        ("gone", "debit"),
        ("gone", "refund"),
        ("gone", "debit"),
        ("gone", "refund"),
        ("held", "hold"),
        ("held", "release"),
    ]


def test_an_upgrade_tells_the_owners_of_what_was_posted_before(
    owned: psycopg.Connection[Any], database_url: str
) -> None:
    """The rows that the version before did not write come out the same."""
    from alembic import command
    from alembic.config import Config

    expected = _owners(owned)
    config = Config()
    config.set_main_option("script_location", str(database.MIGRATIONS))
    with engine(database_url).connect() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0019")
        connection.commit()
    assert len(_owners(owned)) == 4
    database.migrate(database_url)
    assert _owners(owned) == expected
