"""The proof inside a paper: the account's entries of its period, and a signature of the paper's data. Pure.

Entries prove dates, amounts and balances, to whoever has a copy of the seals. What stands beside them (services, gross,
discounts, VAT) is the issuer's word: it is signed, where the issuer has a key.
"""

import json
from dataclasses import dataclass
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.errors import Failure
from reports.proof.canonical import canonical
from reports.proof.proof import Proof, as_json, read_proof
from reports.proof.seal import sign, signed

SUFFIX = "-proof.json"
LONGEST = 20_000
"""Bytes that a proof may take in a paper, packed."""


@dataclass(frozen=True)
class PaperProof:
    """A proof as a paper has it. `data` is the SHA-256 of the paper's data, signed if there is a signature."""

    proof: Proof
    data: str
    public_key: str | None
    signature: str | None

    def problem(self, data: bytes) -> str | None:
        """Return why the paper's data are not those that it was issued with, None when they are."""
        if sha256(data).hexdigest() != self.data:
            return "the data inside are not those that it was issued with"
        if self.signature and not signed(_signed(self.data, self.proof), self.public_key or "", self.signature):
            return "the signature of the data inside is not by the key that it names"
        return None


def paper_proof(proof: Proof, data: bytes, key: Ed25519PrivateKey | None) -> bytes:
    """Return the proof of a paper with that data, as JSON."""
    hash_ = sha256(data).hexdigest()
    public_key, signature = sign(_signed(hash_, proof), key)
    paper = {"data": hash_, "public_key": public_key, "signature": signature}
    return f'{canonical(paper)[:-1]},"proof":{as_json(proof).decode()}}}'.encode()


def read_paper_proof(content: bytes, name: str) -> PaperProof:
    """Return the proof that a paper has inside. Raises Failure when it is none."""
    try:
        facts = json.loads(content)
        inner = canonical(facts["proof"]).encode()
        data, public_key, signature = str(facts["data"]), facts.get("public_key"), facts.get("signature")
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Failure(f"{name} is not the proof of a paper") from None
    return PaperProof(read_proof(inner, name), data, public_key, signature)


def _signed(data: str, proof: Proof) -> str:
    """Return what is signed: the data of a paper, and the seal that it leads to."""
    return sha256(f"{data}{proof.after.sealed.hash}".encode()).hexdigest()
