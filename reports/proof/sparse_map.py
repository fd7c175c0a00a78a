"""A sparse Merkle map: one hash, the root, stands for every name and value in it, and for every name that is not.

A name's place is the path that the bits of its SHA-256 spell. A part of the map with one name in it is that leaf, an
empty part 32 zero bytes, so the map of a million names is twenty nodes deep (as in the Jellyfish Merkle tree of Diem,
2021). Leaves and nodes are hashed with another first byte each, as in RFC 6962, so that one never passes for the other.
"""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

EMPTY = bytes(32)


@dataclass(frozen=True)
class Path:
    """The way from the root to where a name is, or would be: the hashes beside it, from the root on.

    `other` is the leaf in its place, as place and hash of value, when the name is not in the map; None where that
    part of the map is empty, or the name is there.
    """

    beside: tuple[str, ...]
    other: tuple[str, str] | None = None


def place_of(name: str) -> bytes:
    """Return the place of a name in every map."""
    return sha256(name.encode()).digest()


def _leaf(place: bytes, value_hash: bytes) -> bytes:
    return sha256(b"\x00" + place + value_hash).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


class SparseMap:
    """The map of some names and values."""

    def __init__(self, values: Mapping[str, str]) -> None:
        """Place the values. It takes a microsecond or two a name."""
        leaves = sorted((place_of(name), sha256(value.encode()).digest()) for name, value in values.items())
        self._places = [place for place, _ in leaves]
        self._values = [value for _, value in leaves]
        self._known: dict[tuple[int, int, int], bytes] = {}

    @property
    def root(self) -> str:
        """Return the root, hexadecimal."""
        return self._hash(0, len(self._places), 0).hex()

    def path(self, name: str) -> Path:
        """Return the way to a name, by which its value, or that it has none, is proven."""
        place, low, high, depth = place_of(name), 0, len(self._places), 0
        beside = []
        while high - low > 1:
            middle = self._middle(low, high, depth)
            right = _bit(place, depth)
            beside.append(self._hash(low, middle, depth + 1) if right else self._hash(middle, high, depth + 1))
            low, high = (middle, high) if right else (low, middle)
            depth += 1
        there = high > low and self._places[low] != place
        other = (self._places[low].hex(), self._values[low].hex()) if there else None
        return Path(tuple(hash_.hex() for hash_ in beside), other)

    def _hash(self, low: int, high: int, depth: int) -> bytes:
        if low == high:
            return EMPTY
        if high - low == 1:
            return _leaf(self._places[low], self._values[low])
        part = (low, high, depth)
        if part not in self._known:
            middle = self._middle(low, high, depth)
            self._known[part] = _node(self._hash(low, middle, depth + 1), self._hash(middle, high, depth + 1))
        return self._known[part]

    def _middle(self, low: int, high: int, depth: int) -> int:
        """Return where the places with the next bit set begin: all between low and high share those before it."""
        first = int.from_bytes(self._places[low], "big")
        border = (first >> (256 - depth) << (256 - depth)) | 1 << (255 - depth)
        return bisect_left(self._places, border.to_bytes(32, "big"), low, high)


def _bit(place: bytes, depth: int) -> int:
    return place[depth // 8] >> (7 - depth % 8) & 1


def root_by(path: Path, name: str, value: str | None) -> str | None:
    """Return the root of the maps in which this path leads to that value, or to none; None when it proves nothing."""
    place = place_of(name)
    if value is not None:
        found = _leaf(place, sha256(value.encode()).digest())
    elif path.other is None:
        found = EMPTY
    else:
        other, value_hash = (bytes.fromhex(part) for part in path.other)
        # The leaf in its place has to lie on the same path, and be another one.
        if other == place or any(_bit(other, depth) != _bit(place, depth) for depth in range(len(path.beside))):
            return None
        found = _leaf(other, value_hash)
    for depth in reversed(range(len(path.beside))):
        beside = bytes.fromhex(path.beside[depth])
        found = _node(beside, found) if _bit(place, depth) else _node(found, beside)
    return found.hex()
