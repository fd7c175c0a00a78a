"""The migrated database agrees with the models, and its guards refuse what the ledger must never do."""

from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from psycopg import errors
from sqlalchemy import CheckConstraint, create_engine, inspect
from sqlmodel import SQLModel

import ledger.bank.postgres.tables
import ledger.food.postgres.tables
import ledger.postgres.door_tables
import ledger.postgres.seal_tables
import ledger.postgres.tables  # noqa: F401  # its tables register themselves
from ledger.postgres import database, grants

APPEND_ONLY = ["transaction", "entry", "credit_terms", "change"]
TRANSACTION = (
    "INSERT INTO transaction (id, key, fingerprint, kind, status, posted_at, business_date) "
    "VALUES (%s, %s, '', 'payment', 'posted', now(), current_date)"
)
ENTRY = "INSERT INTO entry (transaction_id, leg, account_id, currency, amount, held) VALUES "

PAID = (
    "INSERT INTO entry (transaction_id, leg, account_id, currency, amount, held, version, balance_after, held_after) "
    "VALUES ({0}, 1, 1000025, 'RUB', 300, 0, 1, 300, 0), ({0}, 2, 1000017, 'RUB', -300, 0, NULL, NULL, NULL)"
)
"""Entries of a payment of 3.00, Anna's first."""


@pytest.fixture
def connection(database_url: str) -> Any:
    """Return a connection to a book with a brand, its cash 1000017 and revenue 1000033, and Anna's account 1000025."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("INSERT INTO brand (code, name, status) VALUES ('sushi', 'Sushi', 'open')")
        connection.execute(
            "INSERT INTO party (reference, kind, name, status) VALUES ('anna', 'individual', 'Anna', 'open')"
        )
        connection.execute(
            "INSERT INTO account (id, kind, currency, party_id, brand_id, status) VALUES "
            "(1000017, 'cash', 'RUB', NULL, 1, 'open'), (1000025, 'money', 'RUB', 1, NULL, 'open'), "
            "(1000033, 'revenue', 'RUB', NULL, 1, 'open')"
        )
        connection.execute("INSERT INTO balance (account_id, balance, held, version) VALUES (1000025, 0, 0, 0)")
        connection.execute(TRANSACTION, [1, "p1"])
        yield connection


def engine(url: str) -> Any:
    return create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url))


def test_the_migrated_tables_are_the_models_tables(database_url: str) -> None:
    """Alembic finds no difference in tables, columns, types, indexes, unique and foreign keys."""
    with engine(database_url).connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, SQLModel.metadata) == []


def test_the_migrated_checks_are_the_models_checks(database_url: str) -> None:
    """Alembic does not compare check constraints, so their names are compared here."""
    with engine(database_url).connect() as connection:
        found = {
            (table, check["name"])
            for table in SQLModel.metadata.tables
            for check in inspect(connection).get_check_constraints(table)
        }
    declared = {
        (table.name, constraint.name)
        for table in SQLModel.metadata.tables.values()
        for constraint in table.constraints
        if isinstance(constraint, CheckConstraint)
    }
    assert found == declared


def test_migrating_twice_changes_nothing(database_url: str) -> None:
    """The second run finds the newest migration in place."""
    database.migrate(database_url)


def test_migrations_go_down_to_nothing_and_up_again(empty_database_url: str) -> None:
    """A downgrade leaves no table of ours behind."""

    config = Config()
    config.set_main_option("script_location", str(database.MIGRATIONS))
    database.migrate(empty_database_url)
    with engine(empty_database_url).connect() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        connection.commit()
        assert inspect(connection).get_table_names() == ["alembic_version"]
    database.migrate(empty_database_url)


def test_entries_that_sum_to_zero_are_taken(connection: psycopg.Connection) -> None:
    """Anna +300.00, cash -300.00."""
    connection.execute(ENTRY + "(1, 1, 1000033, 'RUB', 30000, 0), (1, 2, 1000017, 'RUB', -30000, 0)")
    assert count(connection, "entry") == 2


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ("(1, 1, 1000033, 'RUB', 30000, 0)", "does not sum to zero: its entries in RUB sum to 30000"),
        ("(1, 1, 1000033, 'RUB', 30000, 0), (1, 2, 1000017, 'RUB', -29999, 0)", "sum to 1"),
        ("(1, 2, 1000033, 'RUB', 300, 0), (1, 3, 1000017, 'RUB', -300, 0)", "are not legs 1 to 2"),
        ("(1, 1, 1000033, 'RUB', 300, 0), (1, 3, 1000017, 'RUB', -300, 0)", "are not legs 1 to 2"),
    ],
    ids=["one-sided", "a-kopeck-short", "from-leg-2", "a-gap"],
)
def test_entries_that_do_not_balance_are_refused(connection: psycopg.Connection, entries: str, said: str) -> None:
    """A transaction sums to zero, and its legs run 1..n within one statement."""
    with pytest.raises(errors.CheckViolation, match=said):
        connection.execute(ENTRY + entries)
    assert count(connection, "entry") == 0


def test_a_second_statement_cannot_add_to_a_transaction(connection: psycopg.Connection) -> None:
    """At leg 1 it meets the primary key, at leg 3 the guard."""
    connection.execute(ENTRY + "(1, 1, 1000033, 'RUB', 300, 0), (1, 2, 1000017, 'RUB', -300, 0)")
    with pytest.raises(errors.UniqueViolation):
        connection.execute(ENTRY + "(1, 1, 1000033, 'RUB', 5, 0), (1, 2, 1000017, 'RUB', -5, 0)")
    with pytest.raises(errors.CheckViolation):
        connection.execute(ENTRY + "(1, 3, 1000033, 'RUB', 5, 0), (1, 4, 1000017, 'RUB', -5, 0)")
    assert count(connection, "entry") == 2


def test_copy_is_guarded_like_insert(connection: psycopg.Connection) -> None:
    """The ledger writes large batches by COPY."""
    with (
        pytest.raises(errors.CheckViolation),
        connection.cursor() as cursor,
        cursor.copy("COPY entry (transaction_id, leg, account_id, currency, amount, held) FROM STDIN") as copy,
    ):
        copy.write_row([1, 1, 1000033, "RUB", 300, 0])
    assert count(connection, "entry") == 0


def test_an_entry_is_in_its_accounts_currency(connection: psycopg.Connection) -> None:
    """The guard looks for account and currency together; an account that is not there is refused likewise."""
    with pytest.raises(errors.ForeignKeyViolation):
        connection.execute(ENTRY + "(1, 1, 1000033, 'USD', 300, 0), (1, 2, 1000017, 'USD', -300, 0)")
    with pytest.raises(errors.ForeignKeyViolation):
        connection.execute(ENTRY + "(1, 1, 1000041, 'RUB', 300, 0), (1, 2, 1000017, 'RUB', -300, 0)")
    with pytest.raises(errors.RestrictViolation):
        connection.execute("DELETE FROM account")


def test_an_entry_is_of_a_transaction_that_is_there(connection: psycopg.Connection) -> None:
    """In place of a foreign key the guard looks for all transactions of a statement at once."""
    with pytest.raises(errors.ForeignKeyViolation, match="there is no transaction 7"):
        connection.execute(
            ENTRY + "(1, 1, 1000033, 'RUB', 5, 0), (1, 2, 1000017, 'RUB', -5, 0), "
            "(7, 1, 1000033, 'RUB', 300, 0), (7, 2, 1000017, 'RUB', -300, 0)"
        )
    assert count(connection, "entry") == 0


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize(
    "statement", ["UPDATE {} SET {} = NULL", "DELETE FROM {}", "TRUNCATE {} CASCADE"], ids=str.lower
)
def test_what_was_written_is_not_changed(connection: psycopg.Connection, table: str, statement: str) -> None:
    """Not even by the owner of the tables."""
    column = "attributes" if table == "entry" else "note"
    with pytest.raises(errors.RestrictViolation, match="is append-only"):
        connection.execute(statement.format(table, column))
    assert count(connection, "transaction") == 1


def test_account_numbers_start_at_100001_without_their_check_digit(connection: psycopg.Connection) -> None:
    """With the Luhn digit the first account is 1000017."""
    assert connection.execute("SELECT nextval('account_number_seq')").fetchone() == (100001,)


def test_a_writer_posts_but_cannot_change_what_is_posted(connection: psycopg.Connection) -> None:
    """The guards refuse the owner; the writer does not even get that far."""
    connection.execute("SET ROLE tiffin_writer")
    connection.execute("SELECT nextval('transaction_id_seq')")
    connection.execute(TRANSACTION, [2, "p2"])
    connection.execute("SELECT 1 FROM balance FOR NO KEY UPDATE")
    connection.execute(PAID.format(2))
    connection.execute("UPDATE balance SET latest_due = '9999-12-31'")
    moved = connection.execute(
        "SELECT balance, held, version, b.posted_at = t.posted_at FROM balance b, transaction t WHERE t.id = 2"
    )
    assert moved.fetchone() == (300, 0, 1, True)
    for table in APPEND_ONLY:
        for statement in (f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
            with pytest.raises(errors.InsufficientPrivilege):
                connection.execute(statement)
    with pytest.raises(errors.InsufficientPrivilege):
        connection.execute("UPDATE alembic_version SET version_num = '0000'")


def test_a_reader_reads_and_nothing_else(connection: psycopg.Connection) -> None:
    """Tables that later migrations make are covered, too; the secrets of those who are notified are not."""
    connection.execute("CREATE TABLE later (id int)")
    connection.execute("SET ROLE tiffin_reader")
    for table in {*SQLModel.metadata.tables, "later"} - {"webhook"}:
        count(connection, table)
    secrets = "SELECT secret FROM webhook"
    for statement in ("UPDATE balance SET balance = 1", "INSERT INTO later VALUES (1)", "DELETE FROM link", secrets):
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute(statement)


def test_the_grants_cover_every_table() -> None:
    """A table that is added is granted to writers on purpose, or is the owner's."""
    assert set(grants.WRITER) == set(SQLModel.metadata.tables)


WRITERS_ATTEMPTS = {
    "reopen days": "UPDATE book SET closed_until = NULL",
    "close days": "INSERT INTO closing (closed_until, last_transaction) VALUES ('2020-01-01', 0)",
    "delete the book": "DELETE FROM book",
    "another time zone": "UPDATE book SET time_zone = 'UTC'",
    "delete an account": "DELETE FROM account",
    "move an account to another party": "UPDATE account SET party_id = NULL",
    "another currency": "UPDATE account SET currency = 'USD'",
    "another code": "UPDATE brand SET code = 'x'",
    "another reference": "UPDATE party SET reference = 'x'",
    "delete a brand": "DELETE FROM brand",
    "forget a balance": "DELETE FROM balance",
    "set a balance": "UPDATE balance SET balance = 100000",
    "set what is held": "UPDATE balance SET held = 0",
    "go back in time": "UPDATE balance SET version = 0",
    "post before the latest entry": "UPDATE balance SET posted_at = NULL",
    "a balance of another": "UPDATE balance SET account_id = 1",
    "date a transaction back": (
        "INSERT INTO transaction (id, key, fingerprint, kind, status, posted_at, business_date, recorded_at) "
        "VALUES (9, 'p9', '', 'payment', 'posted', now(), current_date, '2020-01-01')"
    ),
    "rewrite a transaction": "UPDATE transaction SET note = 'x'",
    "rewrite an entry": "UPDATE entry SET amount = 1",
    "rewrite terms": "UPDATE credit_terms SET credit_limit = 1",
    "forget a change": "DELETE FROM change",
    "date a change back": (
        "INSERT INTO change (kind, subject, after, business_date, recorded_at) "
        "VALUES ('brand', 'sushi', '{}', current_date, '2020-01-01')"
    ),
    "forget an order": "DELETE FROM food_order",
    "stop every writer": "LOCK TABLE cut_gate IN EXCLUSIVE MODE",
    "stop the night": "LOCK TABLE lake_gate IN EXCLUSIVE MODE",
    "stop an upgrade": "LOCK TABLE alembic_version IN SHARE UPDATE EXCLUSIVE MODE",
    "another version": "UPDATE alembic_version SET version_num = '0000'",
    "a table of its own": "CREATE TABLE own (id int)",
    "take the guard off": "ALTER TABLE entry DISABLE TRIGGER ALL",
    "drop a table": "DROP TABLE entry CASCADE",
    "the owner's triggers": "SET session_replication_role = replica",
}


@pytest.mark.parametrize("statement", WRITERS_ATTEMPTS.values(), ids=WRITERS_ATTEMPTS)
def test_a_writer_may_not(connection: psycopg.Connection, statement: str) -> None:
    """What neither posting nor administration does, a writer has no right to."""
    connection.execute("SET ROLE tiffin_writer")
    with pytest.raises(errors.InsufficientPrivilege), connection.transaction():
        connection.execute(statement)


DECLINED = TRANSACTION.replace("'posted'", "'declined'").replace("status,", "code, status,")
DECLINED = DECLINED.replace("'payment', ", "'payment', 'account_frozen', ")
WRITERS_FORGERIES = {
    "a balance out of nothing": (
        "INSERT INTO balance (account_id, balance, held, version) VALUES (1000033, 1, 0, 0)",
        "begins at nothing",
    ),
    "one side only": (ENTRY + "(1, 1, 1000025, 'RUB', 300, 0)", "does not sum to zero"),
    "a client's entry out of the count": (
        ENTRY + "(1, 1, 1000025, 'RUB', 300, 0), (1, 2, 1000017, 'RUB', -300, 0)",
        "has no version",
    ),
    "a version that is not the next": (PAID.format(1).replace("300, 0, 1, 300", "300, 0, 2, 300"), "do not continue"),
    "a balance that is not the sum": (PAID.format(1).replace("0, 1, 300, 0", "0, 1, 900, 0"), "do not continue"),
    "something held that is not the sum": (PAID.format(1).replace("1, 300, 0", "1, 300, 7"), "do not continue"),
    "entries of a declined command": (
        DECLINED.replace("%s, %s", "5, 'p5'") + "; " + PAID.format(5),
        "takes no entries: it is declined",
    ),
    "entries of a closed day": (
        TRANSACTION.replace("current_date", "'2024-01-31'").replace("%s, %s", "5, 'p5'") + "; " + PAID.format(5),
        "takes no entries: it is posted and of 2024-01-31",
    ),
    "bank details without a dated row": (
        """UPDATE brand SET bank_details = '{"account": "mine"}'""",
        "brand sushi is changed without",
    ),
    "bank details under another change": (
        """INSERT INTO change (kind, subject, after, business_date) VALUES ('brand', 'sushi', '{"colour": "red"}',
        current_date); UPDATE brand SET bank_details = '{"account": "mine"}'""",
        "brand sushi is changed without",
    ),
    "a status without a dated row": ("UPDATE account SET status = 'frozen'", "account 1000025 is changed without"),
    "a client without a dated row": (
        "INSERT INTO party (reference, kind, name, status) VALUES ('eve', 'individual', 'Eve', 'open')",
        "party eve is changed without",
    ),
    "a client renamed": ("UPDATE party SET name = 'Eve'", "party anna is changed without"),
    "a limit without a dated row": (
        "INSERT INTO write_off_limit (payer_id, account_id, period, amount) VALUES (1000025, 1000025, 'day', 1)",
        "write_off_limit 1000025 -> 1000025 day is changed without",
    ),
    "a promotion without a dated row": (
        "INSERT INTO promotion (code, kind, value, first_order_only, stackable, used) "
        "VALUES ('FREE', 'percent', 10000, false, true, 0)",
        "promotion FREE is changed without",
    ),
}


@pytest.mark.parametrize(("statements", "said"), WRITERS_FORGERIES.values(), ids=WRITERS_FORGERIES)
def test_a_writer_may_not_forge(connection: psycopg.Connection, statements: str, said: str) -> None:
    """What its grants would let it do, the guards refuse, at the latest with the commit; nothing has moved."""
    connection.execute("UPDATE book SET closed_until = '2024-01-31'")
    connection.execute("SET ROLE tiffin_writer")
    refused = (errors.CheckViolation, errors.RestrictViolation)
    with pytest.raises(refused, match=said), connection.transaction():
        connection.execute(statements)
    assert connection.execute("SELECT balance, held, version FROM balance").fetchall() == [(0, 0, 0)]
    assert count(connection, "entry") == 0


def test_a_change_of_the_past_covers_no_change_of_now(connection: psycopg.Connection) -> None:
    """The dated row is written by the database transaction that makes the change, or it does not count."""
    said = """INSERT INTO change (kind, subject, after, business_date) VALUES ('brand', 'sushi',
              '{"bank_details": {"account": "ours"}}', current_date)"""
    ours = """UPDATE brand SET bank_details = '{"account": "ours"}'"""
    mine = ours.replace("ours", "mine")
    connection.execute("SET ROLE tiffin_writer")
    with connection.transaction():
        connection.execute(said)
        with connection.transaction():  # a savepoint changes nothing
            connection.execute(ours)
    with pytest.raises(errors.RestrictViolation):
        connection.execute(mine)
    with pytest.raises(errors.RestrictViolation):
        connection.execute("UPDATE brand SET bank_details = NULL")
    with connection.transaction():
        connection.execute("""INSERT INTO change (kind, subject, after, business_date) VALUES ('brand', 'sushi',
                              '{"bank_details": null}', current_date)""")
        connection.execute("UPDATE brand SET bank_details = NULL")
    with pytest.raises(errors.RestrictViolation):  # said again, in another database transaction
        connection.execute(ours)


def test_init_without_the_right_to_create_roles_says_what_to_run(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The book works for its owner; once the roles are there, `init` run again grants them their rights."""
    monkeypatch.setattr(grants, "ROLES", ("tiffin_writer", "tiffin_absent"))
    name = psycopg.conninfo.conninfo_to_dict(empty_database_url)["dbname"]
    with psycopg.connect(empty_database_url, autocommit=True) as owner:
        owner.execute("CREATE ROLE tiffin_small LOGIN")
        owner.execute(f"ALTER DATABASE {name} OWNER TO tiffin_small")
        owner.execute("ALTER SCHEMA public OWNER TO tiffin_small")
    small = empty_database_url.replace("postgres@", "tiffin_small@")
    try:
        assert database.migrate(small) == (
            "tiffin_small may not create roles: have an administrator run CREATE ROLE tiffin_absent NOLOGIN; "
            "GRANT tiffin_absent TO tiffin_small; "
            "and then run tiffin init again"
        )
        monkeypatch.undo()
        assert database.migrate(small) is None
        with psycopg.connect(empty_database_url, autocommit=True) as writer:
            writer.execute("SET ROLE tiffin_writer")
            assert count(writer, "balance") == 0
    finally:
        with psycopg.connect(empty_database_url, autocommit=True) as owner:
            owner.execute("REASSIGN OWNED BY tiffin_small TO postgres")
            owner.execute("DROP OWNED BY tiffin_small")
            owner.execute("DROP ROLE tiffin_small")


def count(connection: psycopg.Connection, table: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    assert row is not None
    return int(row[0])
