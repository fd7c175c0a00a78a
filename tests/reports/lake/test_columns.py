"""The lake's schema follows the ledger's tables: each column is exported in its type, or left out on purpose."""

import pytest
from sqlalchemy import Column
from sqlmodel import SQLModel

import ledger.food.postgres.tables as food
import ledger.postgres.door_tables
import ledger.postgres.seal_tables
import ledger.postgres.tables as ledger
from reports.lake.schema import TABLES

SOURCES: dict[str, tuple[type[SQLModel], ...]] = {
    "transactions": (ledger.Transaction,),
    "entries": (ledger.Entry,),
    "parties": (ledger.Party,),
    "brands": (ledger.Brand,),
    "accounts": (ledger.Account,),
    "credit_terms": (ledger.CreditTerms,),
    "links": (ledger.Link,),
    "limits": (ledger.WriteOffLimit,),
    "usage": (ledger.Usage,),
    "holds": (ledger.HoldPart, ledger.Hold),
    "changes": (ledger.Change,),
    "closings": (ledger.Closing,),
    "orders": (food.FoodOrder,),
    "order_lines": (food.OrderLine,),
    "promotions": (food.Promotion,),
    "promotion_uses": (food.PromotionUse,),
    "bonus_programs": (food.BonusProgram,),
    "bonus_lots": (food.BonusLot,),
    "bonus_owed": (food.BonusOwed,),
}
DERIVED = {"attributes", "bank_entries", "bank_statements", "holders", "lot_changes", "open_debits"}
"""Tables of the lake that are made of several."""

NOT_EXPORTED = set(
    """
    door_token webhook webhook_stuck book balance unpaid_place cut_gate lake_gate payment_gate owned seal seal_leaf
    seal_salt erasure erased_row
    entry_group merged_account aging_item order_step order_accrual bonus_points bonus_lot_use
""".split()
)
LEFT_OUT = {
    "transaction": {"fingerprint", "xid"},  # of the content as sent, for retries; for the order of events
    "change": {"xid", "place"},
    "entry": {"attributes"},  # a table of its own, one row per attribute
    "hold": {"transaction_id"},  # the parts' hold_id
    "hold_part": {"gross", "discount", "vat_rate", "vat", "attributes"},  # what a capture will write
    "food_order": {"main_id", "void_at", "late_at"},  # charged_by; their days
    "order_line": {"weighed_of", "financed"},  # how many of it `weighed` is of; what entries of the brands say
    "promotion_use": {"number"},  # 1, 2, 3 … of one order
    "bonus_owed": {"posted_at"},  # of its transaction
    "bonus_lot": {
        "lapsed",
        "expired",
        "given_until",
        "extended_by",
        "given_by",
    },  # which of an expired lot's points may come back
    "promotion": {"value", "used"},  # percent or amount, by its kind; uses have a table of their own
}
TYPES = {
    "BIGINT": {"int", "money"},
    "INTEGER": {"int", "rate"},  # hundredths of a percent
    "SMALLINT": {"int"},
    "NUMERIC(5, 2)": {"rate"},
    "TEXT": {"text"},
    "CHAR(3)": {"text"},
    "JSONB": {"json"},
    "ARRAY": {"json"},
    "DATE": {"date"},
    "DATETIME": {"instant"},
    "BOOLEAN": {"bool"},
}


def _columns(table: type[SQLModel]) -> list[Column[object]]:
    return list(table.__table__.columns)  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", SOURCES)
def test_every_column_is_exported_in_its_type(name: str) -> None:
    """A column that is added to a table of the ledger and not to the lake's schema fails here."""
    declared = {column.name: column.type for table in TABLES if table.name == name for column in table.columns}
    for table in SOURCES[name]:
        left_out = LEFT_OUT.get(str(table.__tablename__), set())
        for column in _columns(table):
            if column.name in left_out and column.name not in declared:
                continue
            assert column.name in declared, f"{name} has no {column.name}"
            assert declared[column.name] in TYPES[str(column.type)], f"{name}.{column.name}"


def test_every_table_is_exported_or_left_out_on_purpose() -> None:
    """A table that is added to the ledger, or to the lake, is placed above."""
    exported = {str(table.__tablename__) for tables in SOURCES.values() for table in tables}
    # What banks reported stays in the ledger's database, save the amounts that a control of cash wants.
    kept = {name for name in SQLModel.metadata.tables if not name.startswith("bank_")}
    assert exported | NOT_EXPORTED == kept
    assert {*SOURCES, *DERIVED} == {table.name for table in TABLES}
