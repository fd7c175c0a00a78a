"""A seal: what the past was when a day was closed, chained to the seal before, signed where there is a key.

Its line is JSON without spaces, in this order of fields; its hash is the SHA-256 of that line. Ed25519 (RFC 8032)
signs the 32 bytes of the hash. Form 1; a field is never changed, a new form gets a number of its own.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from zoneinfo import ZoneInfo

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from ledger.errors import Failure
from reports.proof.canonical import canonical

FORM = 1
FILE = "seals.jsonl"


@dataclass(frozen=True, kw_only=True)
class Seal:
    """What was sealed. `totals` are sums of all sealed entries in minor units, by currency and kind of account."""

    form: int = FORM
    number: int
    day: str
    previous: str | None = None
    root: str
    book: str
    time_zone: str
    closed_at: int
    last_transaction: int
    last_change: int
    leaves: int
    entries: int
    totals: dict[str, dict[str, int]]
    guards: str
    schema: str

    @property
    def until(self) -> date:
        """Return the last day that it covers."""
        return date.fromisoformat(self.day)

    @property
    def closed_on(self) -> date:
        """Return the day on which it was made, in the book's time zone."""
        return datetime.fromtimestamp(self.closed_at // 1_000_000, ZoneInfo(self.time_zone)).date()

    @property
    def line(self) -> str:
        """Return what is hashed."""
        return canonical(asdict(self))

    @property
    def hash(self) -> str:
        """Return the seal's hash, hexadecimal."""
        return sha256(self.line.encode()).hexdigest()


@dataclass(frozen=True)
class Sealed:
    """A seal as it is kept: its line as it was hashed, and who signed it."""

    line: str
    hash: str
    public_key: str | None = None
    signature: str | None = None

    @property
    def seal(self) -> Seal:
        """Return what was sealed. Raises Failure when this is no line of a seal."""
        try:
            return Seal(**json.loads(self.line))
        except (TypeError, ValueError) as error:
            raise Failure(f"this is not a line of a seal: {self.line[:60]}") from error

    @property
    def short(self) -> str:
        """Return the form that papers print."""
        return short_form(self.hash)

    @property
    def problem(self) -> str | None:
        """Return why this is not a seal as it was made, None when it is."""
        if sha256(self.line.encode()).hexdigest() != self.hash:
            return "its hash is not that of its line"
        if self.signature is None:
            return None
        if not signed(self.hash, self.public_key or "", self.signature):
            return "its signature is not by the key that it names"
        return None

    def as_line(self) -> str:
        """Return the seal as a line of `seals.jsonl`."""
        kept = {"hash": self.hash, "public_key": self.public_key, "signature": self.signature}
        return f'{canonical(kept)[:-1]},"seal":{self.line}}}'


def short_form(hash_: str) -> str:
    """Return the first sixteen characters of a hash in groups of four."""
    return " ".join(hash_[start : start + 4] for start in range(0, 16, 4))


def read_seals(content: bytes, name: str) -> Iterator[Sealed]:
    """Return the seals of a `seals.jsonl`, in its order. Raises Failure, naming file and line, when one is none."""
    for number, raw in enumerate(content.decode("utf-8", errors="replace").splitlines(), 1):
        try:
            found = json.loads(raw)
            line = canonical(found["seal"])
            yield Sealed(line, str(found["hash"]), found.get("public_key"), found.get("signature"))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Failure(f"{name}, line {number} is not a seal") from None


def load_key(given: str | None) -> Ed25519PrivateKey | None:
    """Return the key that TIFFIN_SEAL_KEY gives: PEM (PKCS #8) text, or a file of it; None when it is not set.

    Raises Failure, without repeating it, when it is no Ed25519 key.
    """
    if not given:
        return None
    try:
        pem = given.encode() if "-----BEGIN" in given else Path(given).expanduser().read_bytes()
        found = load_pem_private_key(pem, password=None)
    except OSError as error:
        raise Failure(f"TIFFIN_SEAL_KEY: its file cannot be read: {(error.strerror or 'unknown').lower()}") from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        found = None
    if not isinstance(found, Ed25519PrivateKey):
        raise Failure("TIFFIN_SEAL_KEY is not an Ed25519 key in PEM: openssl genpkey -algorithm ed25519 makes one")
    return found


def sign(hash_: str, key: Ed25519PrivateKey | None) -> tuple[str | None, str | None]:
    """Return public key and signature of a hash, hexadecimal; None and None without a key."""
    if key is None:
        return None, None
    return key.public_key().public_bytes_raw().hex(), key.sign(bytes.fromhex(hash_)).hex()


def signed(hash_: str, public_key: str, signature: str) -> bool:
    """Return whether a hash was signed by the owner of a key."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
        key.verify(bytes.fromhex(signature), bytes.fromhex(hash_))
    except (ValueError, InvalidSignature):
        return False
    return True


def chain_problems(chain: list[Sealed]) -> Iterator[str]:
    """Return a sentence for each seal that is not as made, or does not follow from the one before."""
    before: Sealed | None = None
    for sealed in chain:
        seal = sealed.seal
        if problem := sealed.problem:
            yield f"seal {seal.number} of {seal.day}: {problem}"
        expected = (1 if before is None else before.seal.number + 1, None if before is None else before.hash)
        if (seal.number, seal.previous) != expected:
            yield f"seal {seal.number} of {seal.day} does not follow the one before, {expected[0] - 1}"
        elif before is not None and seal.day <= before.seal.day:
            yield f"seal {seal.number} is of {seal.day}, not after {before.seal.day}"
        before = sealed
