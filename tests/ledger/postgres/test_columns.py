"""The SQLModel tables are the one declaration of columns: what posting writes and reads by hand is held equal to it."""

import pytest
from sqlalchemy.dialects import postgresql
from sqlmodel import SQLModel

from ledger.food.postgres import shop_store
from ledger.food.postgres import tables as food
from ledger.postgres import load_book, tables, write_book

WRITTEN: list[tuple[type[SQLModel], dict[str, str], set[str]]] = [
    (tables.Transaction, write_book.TRANSACTION, {"recorded_at", "xid"}),  # the database's clock
    (tables.Entry, write_book.ENTRY, set()),
    (tables.Owned, write_book.OWNED, set()),
    (tables.EntryGroup, write_book.ENTRY_GROUP, set()),
    (tables.Hold, write_book.HOLD, set()),
    (tables.HoldPart, write_book.HOLD_PART, set()),
    (tables.Balance, write_book.BALANCE, {"balance", "held", "version", "posted_at"}),  # its entries move these
    (tables.Usage, write_book.USAGE, set()),
    (tables.AgingItem, write_book.AGING_ITEM, {"terms_id"}),
    (tables.UnpaidPlace, write_book.UNPAID_PLACE, set()),
    (tables.CreditTerms, write_book.TERMS, {"id", "recorded_at"}),
    (tables.Change, write_book.CHANGE, {"id", "recorded_at", "xid", "place"}),
    (food.FoodOrder, shop_store.ORDER, set()),
    (food.OrderLine, shop_store.LINE, set()),
    (food.PromotionUse, shop_store.USE, set()),
    (food.OrderAccrual, shop_store.ACCRUAL, set()),
    (food.OrderStep, shop_store.STEP, set()),
    (food.BonusPoints, shop_store.POINTS, set()),
    (food.BonusLot, shop_store.LOT, set()),
    (food.BonusLotUse, shop_store.LOT_USE, set()),
    (food.BonusOwed, shop_store.OWED, {"id"}),
]
"""Each table that posting writes: the columns that it writes, and those that it leaves to the database."""

NAMES = {"TIMESTAMP WITH TIME ZONE": "timestamptz", "CHAR(3)": "text", "NUMERIC(5, 2)": "numeric"}


def columns(table: type[SQLModel]) -> dict[str, str]:
    """Return a table's columns with their types, as posting writes them."""
    declared = table.__table__.columns  # type: ignore[attr-defined]
    types = {column.name: column.type.compile(postgresql.dialect()) for column in declared}
    return {name: NAMES.get(type_, type_.lower()) for name, type_ in types.items()}


@pytest.mark.parametrize(("table", "written", "left"), WRITTEN, ids=lambda value: getattr(value, "__name__", ""))
def test_posting_writes_every_column_in_its_type(
    table: type[SQLModel], written: dict[str, str], left: set[str]
) -> None:
    """A column that is added to a table and not to what posting writes, or in another type, fails here."""
    assert written == {name: type_ for name, type_ in columns(table).items() if name not in left}


@pytest.mark.parametrize("module", [write_book, shop_store])
def test_every_list_of_columns_is_compared(module: object) -> None:
    """A list that is added to posting is added above."""
    lists = [value for value in vars(module).values() if isinstance(value, dict) and "bigint" in value.values()]
    assert len(lists) == len([written for _, written, _ in WRITTEN if written in lists])


def test_posting_reads_what_it_writes() -> None:
    """Of a transaction all but its status, which its code tells; of an entry all but its place and currency."""
    assert [name for name in write_book.TRANSACTION if name != "status"] == load_book.TRANSACTION_COLUMNS
    assert [name for name in write_book.ENTRY if name not in ("leg", "currency")] == load_book.ENTRY_COLUMNS
