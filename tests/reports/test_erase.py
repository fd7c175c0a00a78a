"""A person is erased: no table, no file of the lake names her, and every figure, version, seal and answer stays."""

from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import psycopg
import pytest
from psycopg import sql

from ledger.errors import Failure
from ledger.food.core.commands import parse
from ledger.food.postgres.post_orders import Desk
from ledger.postgres import notes, saved_queries
from ledger.postgres.post import Ledger
from ledger.postgres.saved_queries import SavedQuery
from ledger.settings import Settings
from reports.documents.register import Register
from reports.erase import Erased, erase
from reports.lake.publish_cut import nightly_cut
from reports.lake.reader import open_lake
from reports.lake.verify import verify
from reports.proof.seal import FILE, read_seals
from reports.run import LakeBook
from tests.ledger.http.conftest import administer

WORDS = ("Karenina", "500100732259", "anna@example.org", "+79991234567", "Tverskaya")
BOOK: list[dict[str, Any]] = [
    {"type": "brand", "code": "sushi", "name": "Sushi House", "country": "RU"},
    {"type": "party", "reference": "anna", "kind": "individual", "name": "Anna Arkadyevna", "note": "Karenina phoned"},
    {
        "type": "party",
        "reference": "anna",
        "kind": "individual",
        "name": "Anna Karenina",
        "tax_id": "500100732259",
        "country": "RU",
        "email": "anna@example.org",
        "phone": "+79991234567",
        "address": "Tverskaya 1",
    },
    {"type": "party", "reference": "boris", "kind": "individual", "name": "Boris", "note": "a friend"},
    {"type": "party", "reference": "romashka", "kind": "legal_entity", "name": "Romashka"},
    {"type": "account", "reference": "anna", "party": "anna", "currency": "RUB", "holder": "sushi"},
    {"type": "account", "reference": "boris", "party": "boris", "currency": "RUB", "holder": "sushi"},
    {
        "type": "credit_terms",
        "account": "anna",
        "limit": "10.00",
        "valid_from": "2019-01-01",
        "by": "o.petrova",
        "note": "Karenina asked",
    },
]
COMMANDS: list[dict[str, Any]] = [
    {
        "type": "payment",
        "key": "p1",
        "account": "anna",
        "amount": "100.00",
        "brand": "sushi",
        "channel": "card",
        "note": "from Karenina",
        "at": "2019-03-02T09:00:00+03:00",
    },
    {
        "type": "payment",
        "key": "p2",
        "amount": "50.00",
        "brand": "sushi",
        "note": "Karenina, for lunches",
        "at": "2019-03-02T09:30:00+03:00",
    },
    {
        "type": "allocate",
        "key": "l1",
        "payment": "p2",
        "split": [{"account": "anna", "amount": "50.00"}],
        "at": "2019-03-02T09:40:00+03:00",
    },
    {
        "type": "debit",
        "key": "d1",
        "account": "anna",
        "at": "2019-03-02T10:00:00+03:00",
        "lines": [
            {
                "brand": "sushi",
                "service": "order",
                "reference": "A-1",
                "amount": "120.00",
                "attributes": {"door": "Karenina, Tverskaya 1"},
            }
        ],
    },
    {
        "type": "hold",
        "key": "h1",
        "account": "anna",
        "at": "2019-03-02T11:00:00+03:00",
        "note": "Karenina",
        "expires_at": "2019-03-05T00:00:00+03:00",
        "lines": [{"brand": "sushi", "service": "preorder", "amount": "10.00", "attributes": {"for": "Karenina"}}],
    },
    {"type": "release", "key": "r1", "hold": "h1", "at": "2019-03-02T12:00:00+03:00"},
    {
        "type": "debit",
        "key": "d2",
        "account": "anna",
        "at": "2019-03-02T12:30:00+03:00",
        "note": "Karenina again",
        "lines": [{"brand": "sushi", "amount": "999.00"}],
    },
    {
        "type": "order",
        "key": "o1",
        "account": "anna",
        "at": "2019-03-02T13:00:00+03:00",
        "note": "for Karenina",
        "attributes": {"door": "Karenina"},
        "items": [{"brand": "sushi", "sku": "roll", "price": "30.00", "attributes": {"wish": "Karenina: no onions"}}],
    },
    {
        "type": "payment",
        "key": "p3",
        "account": "boris",
        "amount": "7.00",
        "brand": "sushi",
        "note": "kept",
        "at": "2019-03-02T14:00:00+03:00",
    },
]
MARCH, APRIL = date(2019, 3, 31), date(2019, 4, 30)


def posted(url: str) -> list[dict[str, Any]]:
    """Return what all commands are answered."""
    ledger = Ledger(url)
    desk = Desk(ledger)
    try:
        return [outcome.to_json() for outcome in desk.post([parse(line) for line in COMMANDS])]
    finally:
        desk.close()


def named_in(url: str) -> set[str]:
    """Return the tables of the database in which any word that names her stands."""
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('public', 'desk')"
        ).fetchall()
        return {
            name
            for schema, name in tables
            for (row,) in connection.execute(
                sql.SQL("SELECT t::text FROM {}.{} t").format(sql.Identifier(schema), sql.Identifier(name))
            )
            if any(word in row for word in WORDS)
        }


def named_files(folder: Path) -> list[str]:
    """Return the files of a lake in which any word that names her stands."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".parquet":
            text = str(pl.read_parquet(path, hive_partitioning=False).rows())
        elif path.suffix == ".duckdb":
            with duckdb.connect(str(path), read_only=True) as base:
                tables = [name for (name,) in base.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
                text = str([base.execute(f'SELECT * FROM "{name}"').fetchall() for name in tables])
        else:
            text = path.read_text() if path.is_file() else ""
        found += [path.name] if any(word in text for word in WORDS) else []
    return found


def figures(lake: str) -> Any:
    """Return what reports say of March, but for names."""
    book = LakeBook(open_lake(lake))
    names = ("turnover", "brand-revenue", "trial-balance")
    results = [book.report(name, first_day="2019-03-01", last_day="2019-03-31") for name in names]
    assert all(result.holds for result in results)
    return [result.frame.drop("client", "name", "party", strict=False).rows() for result in results]


def broken(url: str, lake: str, copy: bytes) -> list[Any]:
    """Return the checks that fail, all sealed days read again and held against a copy of the seals."""
    copies = {"copy": list(read_seals(copy, "copy"))}
    return [check for _, check in verify(url, lake, copies=copies) if not check.holds]


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Return the settings of a book in which Anna's account is closed, for good."""
    settings = Settings(home=tmp_path, database_url=database_url, lake=None, retention="RU=5,*=10")
    administer(database_url, BOOK)
    posted(database_url)
    administer(
        database_url, [{"type": "account_status", "account": "anna", "status": "closed", "note": "Karenina left"}]
    )
    return settings


def erased(
    settings: Settings, *, reference: str = "anna", remove: bool = False, reason: str = "asked for it"
) -> Erased:
    url = settings.database_url or ""
    return erase(settings, url, reference, reason=reason, by="o.petrova", remove=remove, folder=None)


def facts(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer without its sentence, and without whether it is a replay."""
    return {name: value for name, value in answer.items() if name not in ("message", "replayed")}


def paper(home: Path, number: str, account: int) -> Path:
    """Register a paper of an account, and write a report that names it; return the paper's file."""
    register = Register(home / "papers")
    file = home / "papers" / "files" / "ab" / "abcd.pdf"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"of Anna Karenina")
    with register._open(make=True) as base, base:
        values = [
            number,
            "en",
            "statement",
            1,
            account,
            "Anna Karenina",
            "2019-03-31",
            "2019-03-01",
            "2019-03-31",
            "0.00",
            "RUB",
            "x",
            "abcd",
            16,
            "2019-04-01T00:00:00Z",
        ]
        base.execute(f"INSERT INTO paper VALUES ({', '.join('?' * len(values))})", values)
        base.execute("INSERT INTO sent VALUES ('abcd', 'anna@example.org', '2019-04-01')")
    night = home / "reports" / "2019-03-31"
    night.mkdir(parents=True)
    for name in ("turnover.csv", "turnover.xlsx"):
        (night / name).write_text(f"{account},Anna Karenina")
    (night / "vat.csv").write_text("sushi")
    for letter in (
        f"reminders/{account}-2019-03-31.eml",
        f"2019-03/S-{account}-2019-03.2.eml",
        "2019-03/S-7-2019-03.eml",
    ):
        (home / "outbox" / letter).parent.mkdir(parents=True, exist_ok=True)
        (home / "outbox" / letter).write_text("Anna Karenina")
    for period, text in (("2019-02", "Anna &amp; Karenina"), ("2019-03", f"account {account}"), ("2019-04", "sushi")):
        edition = home / "editions" / "brands" / period
        edition.mkdir(parents=True)
        (edition / "brands.html").write_text(text)
        (edition / "edition.json").write_text("{}")
    return file


def test_nothing_names_the_person_and_everything_holds(settings: Settings) -> None:
    """Not one table; the lake's cut neither, and with --remove no file of it, no paper, no report of a night."""
    url, lake, home = settings.database_url or "", settings.lake_url, settings.home
    for night in (date(2019, 3, 15), MARCH):
        nightly_cut(url, lake, night)
    first = posted(url)
    assert [answer["status"] for answer in first] == ["posted"] * 6 + ["declined"] + ["posted"] * 2
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT id FROM account WHERE reference = 'anna'").fetchone()
    assert row
    file = paper(home, "S-1", row[0])
    before, copy = figures(lake), (Path(lake) / FILE).read_bytes()
    with psycopg.connect(url) as connection:
        numbers = dict(connection.execute("SELECT reference, id FROM party").fetchall())
        notes.add(connection, numbers["anna"], "o.petrova", "Karenina pays late")
        notes.add(connection, numbers["boris"], "o.petrova", "a friend of hers")
        for name, query in (("hers", "WHERE name = 'Anna Karenina'"), ("kept", "SELECT 'banana, Annabel'")):
            saved = SavedQuery("o.petrova", name, [], {"q": query})
            saved_queries.save(connection, "sql", saved)
    assert named_in(url) >= {
        "note",
        "saved_query",
        "party",
        "change",
        "transaction",
        "entry",
        "credit_terms",
        "food_order",
        "order_line",
        "hold_part",
    }
    done = erased(settings)
    assert (done.now, done.papers, done.removed) == (True, ["S-1"], False)
    assert {Path(name).name for name in done.files} >= {"turnover.csv", "turnover.xlsx"}
    assert "vat.csv" not in {Path(name).name for name in done.files}
    assert [name for name in done.files if "/editions/" in name] == [
        str(home.resolve() / "editions" / "brands" / "2019-03" / name) for name in ("brands.html", "edition.json")
    ]
    assert named_in(url) == set()
    assert file.exists()
    assert broken(url, lake, copy) == []
    assert figures(lake) == before
    again = posted(url)
    assert all(answer["replayed"] for answer in again)
    assert [facts(answer) for answer in again] == [facts(answer) for answer in first]  # the sentence had the name

    last = erased(settings, remove=True)
    assert (last.now, last.papers, last.removed, len(last.cuts) > 0) == (False, ["S-1"], True, True)
    assert named_files(Path(lake)) == []
    assert not file.exists()
    assert [path.name for path in (home / "reports" / "2019-03-31").iterdir()] == ["vat.csv"]
    assert [path.name for path in (home / "outbox").rglob("*.eml")] == ["S-7-2019-03.eml"]
    assert [path.parent.name for path in sorted((home / "editions").rglob("*.html"))] == ["2019-02", "2019-04"]
    assert Register(home / "papers").rows()[0].client == "erased"
    assert b"anna@" not in (home / "papers" / "register.sqlite").read_bytes()
    nightly_cut(url, lake, APRIL)
    assert broken(url, lake, copy) == []
    assert figures(lake) == before
    with psycopg.connect(url) as connection:
        recorded = connection.execute("SELECT reason, by FROM erasure").fetchall()
        assert connection.execute("SELECT text FROM desk.note").fetchall() == [("a friend of hers",)]
        assert connection.execute("SELECT name FROM desk.saved_query").fetchall() == [("kept",)]
    assert recorded == [("asked for it", "o.petrova")]


@pytest.mark.parametrize(
    ("reference", "reason", "sentence"),
    [
        ("nobody", "x", "no such party: reference nobody"),
        ("romashka", "x", "party romashka is a legal entity: only persons are erased"),
        ("boris", "x", r"account \d+ of boris is open: close it first"),
        ("anna", " ", "--reason is blank"),
    ],
)
def test_who_cannot_be_erased_is_named(settings: Settings, reference: str, reason: str, sentence: str) -> None:
    """And nothing is erased."""
    with pytest.raises(Failure, match=sentence):
        erased(settings, reference=reference, reason=reason)
    assert "party" in named_in(settings.database_url or "")


def test_documents_are_kept_as_long_as_the_brands_law_says(settings: Settings) -> None:
    """Of 2019, in Russia: five years after its end, were it set to eight until the end of 2027."""
    eight = Settings(home=settings.home, database_url=settings.database_url, lake=None, retention="RU=8,*=1")
    with pytest.raises(Failure) as refused:
        erased(eight)
    assert str(refused.value) == (
        "documents of anna, the last of 2019-03-02, must be kept until 2027-12-31 "
        "(8 years after the end of their year, RU): erase the person after that"
    )
    for wrong in ("RU=5", "five", "RU=5;*=10"):
        bad = Settings(home=settings.home, database_url=settings.database_url, lake=None, retention=wrong)
        with pytest.raises(Failure, match="TIFFIN_RETENTION is"):
            erased(bad)
    assert "party" in named_in(settings.database_url or "")


BESIDE = [
    "UPDATE transaction SET note = NULL",
    "{erasing}; UPDATE transaction SET amount = amount + 1 WHERE key = 'p1'",
    "{erasing}; UPDATE transaction SET note = 'another' WHERE key = 'p1'",
    "{erasing}; UPDATE entry SET amount = 0",
    "{erasing}; UPDATE change SET after = '{{}}' || jsonb_build_object('name', 'x')",
    "{erasing}; DELETE FROM transaction",
    "{erasing}; UPDATE erasure SET reason = ''",
    "SET ROLE tiffin_writer; {erasing}",
    "SET ROLE tiffin_writer; SELECT erase_party(1, 'x', 'x')",
]


def test_an_erasure_lets_nothing_else_through(settings: Settings) -> None:
    """Only what is personal goes, only to nothing, only in a database transaction that says so, only by the owner."""
    erasing = "INSERT INTO erasure (party_id, reason) VALUES (1, 'x')"
    with psycopg.connect(settings.database_url or "") as connection:
        for statement in BESIDE:
            *before, last = statement.format(erasing=erasing).split("; ")
            for part in before:
                connection.execute(part)
            with pytest.raises((psycopg.errors.RestrictViolation, psycopg.errors.InsufficientPrivilege)):
                connection.execute(last)
            connection.rollback()
