"""Seals: made when days are closed, chained, signed, kept in ledger, manifest and `seals.jsonl`."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from typer.testing import CliRunner

from ledger.errors import Failure
from reports.cli import main
from reports.lake import manifest, publish_cut
from reports.lake.publish_cut import nightly_cut, rebuild
from reports.lake.storage import Place
from reports.lake.verify import NIGHT, Depth, verify
from reports.proof.seal import Sealed, load_key, read_seals, short_form
from reports.proof.verified import BUDGET, QUARTER, Verified, load_verified, months_due
from tests.reports.proof.conftest import NIGHTS, SealedBook


def kept(book: SealedBook) -> list[Sealed]:
    """Return the seals in the lake's file."""
    return list(read_seals((Path(book.lake) / "seals.jsonl").read_bytes(), "seals.jsonl"))


def test_each_closing_makes_a_seal_that_follows_from_the_one_before(sealed: SealedBook) -> None:
    """In the ledger, in the manifest, and as a line of the file: the same hash."""
    seals = kept(sealed)
    assert [one.seal.until for one in seals] == list(NIGHTS)
    assert [one.seal.previous for one in seals] == [None, seals[0].hash, seals[1].hash]
    assert {one.seal.guards for one in seals} == {"whole"}
    with psycopg.connect(sealed.url) as connection:
        assert [row[0] for row in connection.execute("SELECT hash FROM seal ORDER BY number")] == [
            one.hash for one in seals
        ]
        (entries,) = connection.execute("SELECT count(*) FROM entry").fetchone() or (0,)
    pointer = json.loads((Path(sealed.lake) / "current.json").read_text())
    manifest = json.loads((Path(sealed.lake) / pointer["manifest"]).read_text())
    assert manifest["seal"] == {"number": 3, "day": "2024-02-29", "hash": seals[2].hash}
    assert seals[2].seal.entries == entries
    assert all(sum(kinds.values()) == 0 for kinds in seals[2].seal.totals.values())
    assert len(short_form(seals[2].hash)) == 19


@pytest.mark.parametrize(("budget", "to_read"), [(BUDGET, [("2024-03", 1, 1)]), (0, [])])
def test_a_book_and_a_lake_of_before_are_sealed_from_their_next_closing_on(
    sealed: SealedBook, monkeypatch: pytest.MonkeyPatch, budget: int, to_read: list[tuple[str, int, int]]
) -> None:
    """Without a seal they hold; the first seal covers everything that is there.

    It was read for it: of a large book the next night does not read it all again.
    """
    monkeypatch.setattr(publish_cut, "BUDGET", budget)
    with psycopg.connect(sealed.url) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("DELETE FROM seal_leaf")
        connection.execute("DELETE FROM seal")
        connection.execute("DELETE FROM seal_salt")
    for name in ("seals.jsonl", "verified.json"):
        (Path(sealed.lake) / name).unlink()
    pointer = json.loads((Path(sealed.lake) / "current.json").read_text())
    latest = manifest.current(Place(sealed.lake))
    assert latest is not None
    assert pointer["number"] == latest.manifest.cut.number
    manifest.publish(Place(sealed.lake), latest.manifest.model_copy(update={"seal": None}))
    nightly_cut(*sealed, date(2024, 3, 31))
    (first,) = kept(sealed)
    assert (first.seal.number, first.seal.until, first.seal.previous) == (1, date(2024, 3, 31), None)
    assert [*load_verified(Place(sealed.lake)).parts([first], NIGHT.budget, None)] == to_read
    assert [check for _, check in verify(*sealed) if not check.holds] == []


def pem(key: Ed25519PrivateKey) -> str:
    """Return a key as PEM."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def test_a_seal_is_signed_where_there_is_a_key(sealed: SealedBook, tmp_path: Path) -> None:
    """By Ed25519; the public key stands in the line. A signature by another key is named."""
    file = tmp_path / "seal.pem"
    file.write_text(pem(Ed25519PrivateKey.generate()))
    nightly_cut(*sealed, date(2024, 3, 31), key=load_key(str(file)))
    seals = kept(sealed)
    assert [one.signature is None for one in seals] == [True, True, True, False]
    assert seals[-1].problem is None
    other = Sealed(seals[-1].line, seals[-1].hash, seals[-1].public_key, "00" * 64)
    assert other.problem == "its signature is not by the key that it names"
    assert [check for _, check in verify(*sealed) if not check.holds] == []


@pytest.mark.parametrize("given", ["nowhere.pem", "-----BEGIN NONSENSE-----"])
def test_a_key_that_is_none_is_one_sentence(given: str) -> None:
    """Which does not repeat it."""
    with pytest.raises(Failure, match="TIFFIN_SEAL_KEY") as refused:
        load_key(given)
    assert given not in str(refused.value)
    assert load_key(None) is None


def test_a_rebuilt_lake_keeps_the_seals_of_before_aside(sealed: SealedBook) -> None:
    """The file begins anew with the seals of the ledger; the one of before stays under another name."""
    before = (Path(sealed.lake) / "seals.jsonl").read_bytes()
    made, unlike = rebuild(*sealed)
    assert unlike == []
    assert (Path(sealed.lake) / f"seals-before-cut-{made.cut.number}.jsonl").read_bytes() == before
    assert (Path(sealed.lake) / "seals.jsonl").read_bytes() == before


def test_verification_reads_what_is_new_and_what_was_read_longest_ago(sealed: SealedBook) -> None:
    """Nothing more within no budget, a month when it is named, everything when it is asked for."""

    def read(depth: Depth) -> tuple[int, str]:
        (check,) = (check for _, check in verify(*sealed, depth=depth) if check.name == "sealed-days")
        return check.checked, check.rule.rpartition(" ")[2]

    with psycopg.connect(sealed.url) as connection:
        (entries,) = connection.execute("SELECT count(*) FROM entry").fetchone() or (0,)
    assert read(Depth()) == (entries, "2024-01-12")
    assert read(Depth(budget=0))[0] < entries
    assert read(Depth(budget=None, month="2024-02")) == (0, "2024-02-29")
    assert read(Depth(budget=None)) == (entries, "2024-01-12")


@pytest.mark.parametrize("months", [1, 7, 12, 200])
def test_every_closed_month_is_read_again_within_a_quarter(months: int) -> None:
    """All were read on one night, and then each on its turn: one or a few a night, none later than a quarter."""
    ages, most = [timedelta()] * months, 0
    for _ in range(250):
        ages = sorted((age + timedelta(days=1) for age in ages), reverse=True)
        due = months_due(ages)
        ages[:due], most = [timedelta()] * due, max(most, due)
        assert max(ages) < QUARTER
    assert most <= -(-months // QUARTER.days)


def test_a_night_reads_what_is_new_and_a_month_on_its_turn(sealed: SealedBook) -> None:
    """A large month, too. Before, a month larger than the night's share of a large book was never read again."""
    chain = kept(sealed)
    read = Verified(number=3, hash=chain[-1].hash)
    read.months = {"2024-01": datetime.now(UTC) - QUARTER, "2024-02": datetime.now(UTC)}
    assert [name for name, _, _ in read.parts(chain, 0, None)] == ["2024-01"]
    read.note("2024-01")
    assert [name for name, _, _ in read.parts(chain, 0, None)] == ["2024-02"]  # in which nothing was posted
    read.number, read.hash = 2, chain[1].hash
    assert list(read.parts(chain, 0, None)) == [("2024-02", 3, 3)]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--all", "--month", "2024-01"], "give either --all or --month"),
        (["--month", "2024-13"], "2024-13"),
        (["--seals", "nowhere.jsonl"], "nowhere.jsonl cannot be read: no such file"),
    ],
)
def test_a_wrong_option_is_one_sentence(words: list[str], sentence: str) -> None:
    """Nothing is read."""
    main.assemble("verify")
    result = CliRunner().invoke(main.app, ["verify", *words])
    assert sentence in str(result.exception)


def test_a_file_that_holds_no_seals_is_one_sentence() -> None:
    """Its name and its line."""
    with pytest.raises(Failure, match=r"mailed\.jsonl, line 1 is not a seal"):
        list(read_seals(b"{}\n", "mailed.jsonl"))
