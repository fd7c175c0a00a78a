"""The canonical form: what PostgreSQL hashes is what the page says, on examples that never change."""

import json
from datetime import date
from hashlib import sha256

import psycopg
import pytest
from sqlmodel import SQLModel

import ledger.food.postgres.tables as food
import ledger.postgres.tables as tables
from ledger.postgres.database import connect
from reports.proof import canonical as c
from reports.proof import read_rows
from reports.proof.running import State
from reports.proof.seal import Seal
from tests.reports.proof.conftest import SealedBook

SALT = bytes(16)


def private(*values: object) -> str:
    """Return the hash of what may be erased."""
    return sha256(SALT + json.dumps(values, ensure_ascii=False).encode()).hexdigest()


@pytest.fixture
def small(database_url: str) -> str:
    """Return a book with one transaction of two legs, every column of it set, and texts that are hard to quote."""
    with psycopg.connect(database_url) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(
            "INSERT INTO transaction (id, key, fingerprint, kind, status, account_id, amount, currency, posted_at, "
            "business_date, recorded_at, value_date, reason, note, occurred_at) VALUES (7, %s, '\\x0aff', 'debit', "
            "'posted', 1000017, 70000, 'RUB', '2026-03-02 06:00:01.5+00', '2026-03-02', '2026-03-02 06:00:02+00', "
            "'2026-03-01', 'sent \\ \"back\"', E'ночь\\t\\u0001', '2026-03-02 05:00:00+00')",
            ['d"1\\é'],
        )
        connection.execute(
            "INSERT INTO entry (transaction_id, leg, account_id, currency, amount, held, version, balance_after, "
            "held_after, line, service, reference, gross, discount, vat_rate, attributes, source_id) VALUES "
            "(7, 1, 1000017, 'RUB', -70000, 0, 4, 57500, 0, null, null, null, null, null, null, null, null), "
            "(7, 2, 12, 'RUB', 70000, 0, null, null, null, 1, 'order', 'A-1', 80000, 10000, 20, "
            '\'{"dish": "set 4", "n": 1.50}\', 1000017)'
        )
        connection.execute("INSERT INTO seal_salt VALUES (0, %s)", [SALT])
    return database_url


TRANSACTION = {
    "transaction": 7,
    "key": 'd"1\\é',
    "fingerprint": "0aff",
    "kind": "debit",
    "status": "posted",
    "account": 1000017,
    "amount": 70000,
    "currency": "RUB",
    "posted_at": 1772431201500000,
    "date": "2026-03-02",
    "recorded_at": 1772431202000000,
    "value_date": "2026-03-01",
    "private": private('sent \\ "back"', None, "ночь\t\x01"),
    "occurred_at": 1772427600000000,
}
LEGS: list[dict[str, object]] = [
    {
        "leg": 1,
        "account": 1000017,
        "currency": "RUB",
        "amount": -70000,
        "held": 0,
        "version": 4,
        "balance_after": 57500,
        "held_after": 0,
    },
    {
        "leg": 2,
        "account": 12,
        "currency": "RUB",
        "amount": 70000,
        "held": 0,
        "source": 1000017,
        "line": 1,
        "service": "order",
        "gross": 80000,
        "discount": 10000,
        "vat_rate": 2000,
        "private": private("A-1", '{"n": 1.50, "dish": "set 4"}'),
    },
]
HASH = "de8c05aeffa00302fd02bd681f496d8c77b2322b13c74c078a49b5b8838dfd32"
RUNNING = "19a53f5a686a15b37c6c6323e3c64dbee37ce0d9110305279844e5c7ce40944b"


def test_postgresql_hashes_what_the_page_says(small: str) -> None:
    """A transaction with its legs, and the entries that the running hashes of both accounts follow."""
    text = "\n".join([c.canonical(TRANSACTION), *(c.canonical(leg) for leg in LEGS)])
    hash_ = sha256(text.encode()).hexdigest()
    with connect(small) as connection:
        rows = connection.execute(read_rows.entries(None, date(2026, 3, 2)).encode()).fetchall()
    client = {
        "account": 1000017,
        "version": 4,
        "transaction": 7,
        "leg": 1,
        "kind": "debit",
        "posted_at": 1772431201500000,
        "date": "2026-03-02",
        "amount": -70000,
        "held": 0,
        "balance_after": 57500,
        "held_after": 0,
        "hash": hash_,
    }
    brand = {
        "account": 12,
        "transaction": 7,
        "leg": 2,
        "kind": "debit",
        "posted_at": 1772431201500000,
        "date": "2026-03-02",
        "amount": 70000,
        "held": 0,
        "hash": hash_,
    }
    assert [row[-1] for row in rows] == [c.canonical(brand), c.canonical(client)]


def test_the_form_never_changes() -> None:
    """The hashes of the example, and of a seal."""
    text = "\n".join([c.canonical(TRANSACTION), *(c.canonical(leg) for leg in LEGS)])
    assert sha256(text.encode()).hexdigest() == HASH
    state = State()
    state.follow([text, "second"])
    assert state.running == RUNNING
    seal = Seal(
        number=2,
        day="2026-03-31",
        previous="11" * 32,
        root="22" * 32,
        book="b",
        time_zone="Europe/Moscow",
        closed_at=1,
        last_transaction=7,
        last_change=3,
        leaves=4,
        entries=5,
        totals={"RUB": {"money": -1}},
        guards="whole",
        schema="0020",
    )
    assert seal.hash == "ca27c9a69809a4c7895bd85ddac3131d09ce3bfd337135241c15702fdb302c6b"


# `xid` tells readers of events how far they may read; a restored database counts anew.
SEALED: list[tuple[type[SQLModel], c.Fields, str, set[str]]] = [
    (tables.Transaction, c.TRANSACTION, "t", {"xid"}),
    (tables.Entry, c.LEG, "e", {"transaction_id"}),  # the legs are hashed with their transaction
    (tables.Change, c.CHANGE, "c", {"xid"}),
    (tables.CreditTerms, c.TERMS, "c", set()),
    (food.BonusProgram, c.PROGRAM, "c", set()),
    (food.Promotion, c.PROMOTION, "c", {"used"}),  # counted from its uses
]


@pytest.mark.parametrize(("table", "fields", "alias", "left_out"), SEALED)
def test_every_column_is_sealed(table: type[SQLModel], fields: c.Fields, alias: str, left_out: set[str]) -> None:
    """A column that is added to a table and not to the canonical form fails here: it could be rewritten unnoticed."""
    sql = " ".join(expression for _, expression in fields)
    columns = {column.name for column in table.__table__.columns}  # type: ignore[attr-defined]
    assert {name for name in columns if not _mentioned(sql, f"{alias}.{name}")} == left_out


def _mentioned(sql: str, column: str) -> bool:
    return any(sql[at + len(column) :][:1] not in "abcdefghijklmnopqrstuvwxyz_" for at in _places(sql, column))


def _places(sql: str, column: str) -> list[int]:
    return [at for at in range(len(sql)) if sql.startswith(column, at)]


def test_a_text_that_was_erased_is_not_to_be_guessed(sealed: SealedBook) -> None:
    """Each client has a salt of its own, 128 random bits; without it a hash tells nothing about the text."""
    with psycopg.connect(sealed.url) as connection:
        salts = [row[0] for row in connection.execute("SELECT salt FROM seal_salt")]
        parties = connection.execute("SELECT count(*) FROM party").fetchone()
    assert parties is not None
    assert len(set(salts)) == len(salts) == parties[0] + 1
    assert {len(salt) for salt in salts} == {16}
