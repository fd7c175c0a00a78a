"""What a writer is granted is enough for all that an order system posts and administers."""

import os

import psycopg
import pytest

from ledger.administration.administration_lines import parse as record
from ledger.food.core.commands import parse
from ledger.food.postgres.post_orders import Desk
from ledger.postgres.post import Ledger
from tests.ledger.streams import Stream, opening


def test_a_member_of_the_writers_posts_every_command_and_administers(database_url: str) -> None:
    """Clients, terms, promotions, and two hundred commands of both levels, as a login that owns nothing."""
    role = f"tiffin_shop_{os.getpid()}"
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute(f"CREATE ROLE {role} LOGIN IN ROLE tiffin_writer")
    desk = Desk(Ledger(database_url.replace("postgres@", f"{role}@")))
    try:
        done = desk.administer([parse(record) for record in opening()])  # type: ignore[misc]
        assert {outcome.to_json()["status"] for outcome in done} == {"done"}
        stream = Stream(7).commands(200)
        answers = [
            outcome.to_json()["status"]
            for start in range(0, len(stream), 50)
            for outcome in desk.post([parse(record) for record in stream[start : start + 50]])  # type: ignore[misc]
        ]
        assert len(answers) == len(stream)
        assert set(answers) == {"posted", "declined"}
        twin = [
            {"type": "party", "reference": "twin", "kind": "individual", "name": "Twin", "orders_before": 2},
            {"type": "account", "reference": "twin", "party": "twin", "currency": "RUB"},
            {"type": "payment", "key": "twin's", "account": "twin", "amount": "5.00", "brand": "sushi"},
            {"type": "merge", "account": "twin", "into": "anna"},
        ]
        outcomes = [
            [*desk.administer([parse(line)]), *desk.post([])] if line["type"] != "payment" else desk.post([parse(line)])  # type: ignore
            for line in twin
        ]
        assert [outcome.to_json()["status"] for [outcome] in outcomes] == ["done", "done", "posted", "done"]
        closing = {"type": "account_status", "account": "lotos", "status": "frozen", "by": "desk"}
        [frozen] = desk.administer([parse(closing)])  # type: ignore[list-item]
        assert frozen.to_json()["status"] == "done"
    finally:
        desk.close()
        with psycopg.connect(database_url, autocommit=True) as owner:
            owner.execute(f"DROP ROLE {role}")


@pytest.mark.parametrize(
    ("table", "column"), [("brand", "name"), ("party", "legal_name"), ("account", "contract_number")]
)
def test_a_writer_changes_no_details_without_the_row_that_tells_it(database_url: str, table: str, column: str) -> None:
    """What a change row of the same database transaction says may be written, nothing beside it."""
    ledger = Ledger(database_url)
    ledger.administer([record(line) for line in opening() if line["type"] in ("brand", "party", "account")])
    ledger.close()
    key = "code" if table == "brand" else "reference"
    change = f"UPDATE {table} SET {column} = %s WHERE {key} = (SELECT min({key}) FROM {table})"
    note = (
        "INSERT INTO change (kind, subject, after, business_date) "
        f"SELECT %s, min({key}), jsonb_build_object(%s::text, %s::text), current_date FROM {table}"
    )
    with psycopg.connect(database_url) as connection:
        connection.execute("SET ROLE tiffin_writer")
        connection.execute(note, [table, column, "Other"])
        connection.execute(change, ["Other"])
        connection.commit()
        connection.execute("SET ROLE tiffin_writer")
        for said in ((), ("Other",)):
            for value in said:
                connection.execute(note, [table, column, value])
            connection.execute(change, ["Mine"])
            with pytest.raises(
                psycopg.errors.RestrictViolation, match=f"{table} .* is changed without a row of change"
            ):
                connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
            connection.rollback()
            connection.execute("SET ROLE tiffin_writer")
