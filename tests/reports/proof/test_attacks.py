"""The attacker's list: every way of rewriting the past is named, and nothing that happens by rights is."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import psycopg
import pytest

from reports.lake import checks
from reports.lake.publish_cut import frequent_cut, nightly_cut
from reports.lake.verify import verify
from reports.proof.seal import Sealed, read_seals
from tests.reports.proof import attacks
from tests.reports.proof.conftest import NIGHTS, SealedBook, post

ALL = [(kind, name) for kind, named in attacks.LEDGER.items() for name in named]
SAMPLE = {
    "a payment raised, every sum right": ("sealed-days", "account 10000"),
    "revenue of another brand": ("sealed-days", "was sealed"),
    "the fingerprint": ("sealed-days", "other content than was sealed"),
    "a decline deleted": ("sealed-days", "declines: of those sealed on 2024-01-12"),
    "the last transaction of an account": ("sealed-days", "account 1000058"),
    "a change back and its row": ("sealed-days", "changes: of those sealed on 2024-01-12"),
    "a link deleted": ("links", "link anna <- acme: None, the latest change noted"),
    "a closing deleted": ("seals", "the closing of 2024-01-31"),
    "a guard hollowed": ("guards", "function append_only is not as it was made"),
    "a sealed state deleted": ("sealed-map", "seal 3 of 2024-02-29"),
    "a dish of an order": ("snapshots", "sku is other in the ledger"),
}
"""A sample of each kind, and what names it."""


def wrong(book: SealedBook, copies: Mapping[str, Sequence[Sealed]] | None = None) -> dict[str, list[str]]:
    """Return the problems that verification finds, by check."""
    found = [check for _, check in verify(*book, copies=copies)]
    return {check.name: list(check.problems) for check in found if not check.holds}


def attack(url: str, sql: str) -> int:
    """Carry out an attack behind the guards, which changes something; return how many rows its last statement did."""
    with psycopg.connect(url) as connection:
        connection.execute("SET session_replication_role = replica")
        cursor = connection.execute(sql)
        counts = [cursor.rowcount]
        while cursor.nextset():
            counts.append(cursor.rowcount)
        assert any(counts), "the attack found nothing to change"  # -1 for a statement that is no DML
        return counts[-1]


def change_terms(url: str) -> None:
    """Change terms of another client by rights, and post something."""
    terms = {"type": "credit_terms", "account": "clara", "limit": "60.00", "valid_from": "2030-01-01"}
    pay = {"type": "payment", "key": "later", "account": "boris", "amount": "1.00", "brand": "sushi"}
    post(url, [terms], [pay])


def test_at_least_sixty_ways_are_tried() -> None:
    """And a sample of each kind by every `make test`."""
    assert len(ALL) + len(attacks.LAKE) >= 100
    assert {kind for kind, name in ALL if name in SAMPLE} == set(attacks.LEDGER)


def test_a_sample_of_each_kind_is_named_at_once(sealed: SealedBook, monkeypatch: pytest.MonkeyPatch) -> None:
    """Carried out all together, each has its own sentence; and the pointer of the lake is set back."""
    monkeypatch.setattr(checks, "NAMED", 1000)
    for kind, name in ALL:
        if name in SAMPLE:
            attack(sealed.url, attacks.LEDGER[kind][name])
    attacks.LAKE["the pointer set back"](Path(sealed.lake))
    found = wrong(sealed)
    for name, (check, sentence) in SAMPLE.items():
        assert any(sentence in problem for problem in found[check]), name
    assert any("the pointer names cut 2 with seal 2, one with seal 3 was published" in it for it in found["seals"])


@pytest.mark.soak
@pytest.mark.parametrize(("kind", "name"), ALL, ids=[name for _, name in ALL])
def test_each_way_to_rewrite_the_past_is_named(sealed: SealedBook, kind: str, name: str) -> None:
    """As it stands, and after a later change of terms and a later payment, which hide nothing."""
    attack(sealed.url, attacks.LEDGER[kind][name])
    if kind == "guards":
        assert "guards" in wrong(sealed)
        return
    change_terms(sealed.url)
    assert wrong(sealed)


@pytest.mark.soak
@pytest.mark.parametrize("name", attacks.LAKE)
def test_each_way_to_forge_the_lake_is_named(sealed: SealedBook, name: str) -> None:
    """Files, hashes, pointers, manifests, seals."""
    attacks.LAKE[name](Path(sealed.lake))
    assert wrong(sealed)


def test_a_past_that_was_made_anew_is_named_by_a_copy_of_the_seals_alone(sealed: SealedBook, tmp_path: Path) -> None:
    """
    A debit is lowered, every seal and closing thrown away, all days closed again, on an empty lake.

    Ledger, lake and seals agree with each other. The copy that was mailed out does not.
    """
    copy = list(read_seals((Path(sealed.lake) / "seals.jsonl").read_bytes(), "seals.jsonl"))
    attack(sealed.url, attacks.WORDS["the reference"])
    attack(
        sealed.url, "DELETE FROM seal_leaf; DELETE FROM seal; DELETE FROM closing; UPDATE book SET closed_until = NULL"
    )
    forged = SealedBook(sealed.url, str(tmp_path / "forged"))
    nightly_cut(*forged, NIGHTS[-1])
    assert wrong(forged) == {}
    found = wrong(forged, {"mailed.jsonl": copy})
    assert list(found) == ["seals"]
    assert found["seals"][0].startswith("seal 1 of 2024-01-12 is ")
    assert found["seals"][0].endswith(" in the ledger")


def test_an_altered_closed_day_is_named_by_day_account_and_version(sealed: SealedBook) -> None:
    """The note of Anna's first transaction, which no sum depends on."""
    with psycopg.connect(sealed.url) as connection:
        row = connection.execute(
            "SELECT transaction_id FROM entry WHERE account_id = 1000017 AND version = 1"
        ).fetchone()
    assert row is not None
    attack(sealed.url, f"UPDATE transaction SET note = 'x' WHERE id = {row[0]}")
    days = wrong(sealed)["sealed-days"]
    (sentence,) = (sentence for sentence in days if sentence.startswith("account 1000017, "))
    assert sentence.endswith(", of days closed on 2024-01-12: other content than was sealed")
    assert sentence.startswith("account 1000017, versions 1 to ")


def test_what_happens_by_rights_is_no_alarm(sealed: SealedBook) -> None:
    """Later changes and postings, frequent cuts, a closing, verification of everything: all hold."""
    change_terms(sealed.url)
    assert wrong(sealed) == {}
    frequent_cut(*sealed)
    details = [
        {"type": "party", "reference": "anna", "name": "Anna Karenina"},
        {"type": "account_status", "account": "lotos", "status": "frozen"},
        {"type": "link", "account": "anna", "payer": "acme", "draw": None},
        {"type": "write_off_limit", "payer": "acme", "account": "anna", "period": "day", "amount": None},
        {"type": "promotion", "code": "TEN", "kind": "percent", "value": "12"},
        {"type": "brand", "code": "sushi", "name": "Sushi House"},
    ]
    post(sealed.url, details, [])
    assert wrong(sealed) == {}
    nightly_cut(*sealed, date(2024, 3, 31))
    assert wrong(sealed, {"copy": list(read_seals((Path(sealed.lake) / "seals.jsonl").read_bytes(), "copy"))}) == {}
