"""A proof shows an account's entries of some days, that they are all, and that none is altered; with no database."""

import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import psycopg
import pytest

from ledger.errors import Failure
from reports.proof.proof import Proof, as_json, problems, read_proof
from reports.proof.prove import Prover, account_number
from reports.proof.seal import Sealed, read_seals
from tests.reports.proof.conftest import SealedBook

ANNA = 1000017
PERIODS = [
    (date(2024, 1, 1), date(2024, 1, 12)),  # before the first seal: from the first entry on
    (date(2024, 1, 13), date(2024, 1, 31)),  # from one seal to the next
    (date(2024, 1, 9), date(2024, 1, 15)),  # within seals, across one
    (date(2024, 2, 10), date(2024, 2, 20)),  # nothing moved
    (date(2023, 5, 1), date(2023, 5, 31)),  # before anything
]


def proven(book: SealedBook, since: date, until: date, account: int = ANNA) -> Proof:
    """Return a proof, written and read again."""
    with Prover(book.url, since, until) as prover:
        return read_proof(as_json(prover.prove([account])[account]), "proof.json")


def kept(book: SealedBook) -> list[Sealed]:
    """Return the copy of the seals."""
    return list(read_seals((Path(book.lake) / "seals.jsonl").read_bytes(), "seals.jsonl"))


def test_what_is_proven_is_what_the_ledger_has(sealed: SealedBook) -> None:
    """Every entry of the days, for every client, the balance before and after; also where nothing was."""
    with psycopg.connect(sealed.url) as connection:
        accounts = [row[0] for row in connection.execute("SELECT id FROM account WHERE party_id IS NOT NULL")]
        for since, until in PERIODS:
            with Prover(sealed.url, since, until) as prover:
                proofs = prover.prove(accounts)
            for account, proof in proofs.items():
                assert list(problems(proof, kept(sealed))) == []
                rows = connection.execute(
                    "SELECT version, e.amount, balance_after FROM entry e JOIN transaction t ON t.id = transaction_id "
                    "WHERE e.account_id = %s AND version IS NOT NULL AND business_date BETWEEN %s AND %s "
                    "ORDER BY business_date, version",
                    [account, since, until],
                ).fetchall()
                assert [(row["version"], row["amount"], row["balance_after"]) for row in proof.proven] == rows
                (opening,) = connection.execute(
                    "SELECT coalesce(sum(e.amount), 0) FROM entry e JOIN transaction t ON t.id = transaction_id "
                    "WHERE e.account_id = %s AND version IS NOT NULL AND business_date < %s",
                    [account, since],
                ).fetchone() or (None,)
                assert proof.opening == opening
                assert proof.closing == opening + sum(row[1] for row in rows)


@pytest.mark.parametrize("period", PERIODS[:4])
def test_whatever_is_altered_is_not_proven(sealed: SealedBook, period: tuple[date, date]) -> None:
    """Each value of each row, a row removed, doubled, exchanged; the state, the paths, the seals, the days."""
    proof = proven(sealed, *period)
    assert list(problems(proof, kept(sealed))) == []
    forged = []
    for at, row in enumerate(proof.rows):
        for place, value in enumerate(row):
            other = value + 1 if isinstance(value, int) else f"{value[:-1]}{'0' if value[-1] != '0' else '1'}"
            altered = (*row[:place], other, *row[place + 1 :])
            forged.append(replace(proof, rows=(*proof.rows[:at], altered, *proof.rows[at + 1 :])))
        forged.append(replace(proof, rows=(*proof.rows[:at], *proof.rows[at + 1 :])))
        forged.append(replace(proof, rows=(*proof.rows[: at + 1], row, *proof.rows[at + 1 :])))
    forged.append(
        replace(proof, rows=tuple(reversed(proof.rows))) if len(proof.rows) > 1 else replace(proof, account=1)
    )
    forged.append(replace(proof, account=1000025))
    forged.append(replace(proof, after=replace(proof.after, value=None)))
    forged.append(replace(proof, after=replace(proof.after, sealed=replace(proof.after.sealed, hash="00" * 32))))
    forged.append(replace(proof, until="2030-01-01"))
    if proof.before:
        forged.append(replace(proof, before=replace(proof.before, value=None)))
    for one in forged:
        assert list(problems(one, kept(sealed))) != []


def test_the_first_entries_cannot_be_left_out(sealed: SealedBook) -> None:
    """A proof that begins later, with the state of then, lacks the entry before its days."""
    whole = proven(sealed, date(2024, 1, 1), date(2024, 1, 12))
    with Prover(sealed.url, date(2024, 1, 9), date(2024, 1, 12)) as prover:
        later = prover.prove([ANNA])[ANNA]
    assert len(later.rows) < len(whole.rows)
    forged = replace(later, since="2024-01-01", rows=later.rows)
    found = list(problems(forged, None))
    assert found == ["the last entry before 2024-01-01 is missing: others may be, too"]


def test_a_proof_made_with_other_seals_is_not_one_of_the_copy(sealed: SealedBook) -> None:
    """The ledger that made it anew proves everything by its own seals; the copy has others."""
    proof = proven(sealed, *PERIODS[1])
    copy = kept(sealed)
    other = replace(copy[1], hash="ab" * 32)
    assert next(problems(proof, [copy[0], other, copy[2]])).startswith("seal 2 of 2024-01-31 is ")
    assert list(problems(proof, [])) != []


def test_days_that_are_not_sealed_are_refused(sealed: SealedBook) -> None:
    """Naming the last seal."""
    with pytest.raises(Failure, match="2024-03-01 is not sealed: the last seal is of 2024-02-29"):
        Prover(sealed.url, date(2024, 2, 1), date(2024, 2, 29) + timedelta(days=1))
    with pytest.raises(Failure, match="there is no account nobody"):
        account_number(sealed.url, "nobody")
    assert account_number(sealed.url, "anna") == account_number(sealed.url, str(ANNA)) == ANNA


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"proof":1}', b'{"proof":1,"entries":{}}', b"\xff"])
def test_what_is_no_proof_is_one_sentence(content: bytes) -> None:
    """Whatever it is."""
    with pytest.raises(Failure, match=r"it\.json is not a proof"):
        read_proof(content, "it.json")


def test_a_proof_of_a_form_to_come_is_refused() -> None:
    """Better a sentence than a wrong verdict."""
    with pytest.raises(Failure, match="form 2, this version of Tiffin reads form 1"):
        read_proof(json.dumps({"proof": 2}).encode(), "it.json")
