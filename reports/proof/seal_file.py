"""`seals.jsonl` in the lake: a line for each seal, made to be copied to where nobody of us can change it."""

from ledger.errors import Failure
from ledger.postgres.database import AnyConnection
from reports.lake.manifest import SealedBy
from reports.lake.storage import Place
from reports.proof.read_rows import SEALS
from reports.proof.seal import FILE, Sealed, read_seals


def kept_seals(place: Place) -> list[Sealed]:
    """Return the seals in the lake's file; none where it is not there. Raises Failure when it cannot be read."""
    return list(read_seals(place.read(FILE) or b"", place.address(FILE)))


def latest_seal(connection: AnyConnection, place: Place) -> SealedBy | None:
    """Return the ledger's latest seal, None before the first.

    Raises Failure when the file has other seals than the ledger: one of them was rewritten, or the ledger restored.
    """
    seals, kept = _seals(connection), kept_seals(place)
    for number, (ours, theirs) in enumerate(zip(seals, kept, strict=False), 1):
        if ours.hash != theirs.hash:
            raise Failure(
                f"seal {number} of {ours.seal.day} is {ours.short} in the ledger and {theirs.short} in "
                f"{place.address(FILE)}: run tiffin verify"
            )
    if len(kept) > len(seals):
        raise Failure(f"{place.address(FILE)} has {len(kept)} seals, the ledger only {len(seals)}: run tiffin verify")
    return SealedBy(number=len(seals), day=seals[-1].seal.until, hash=seals[-1].hash) if seals else None


def add_seals(connection: AnyConnection, place: Place) -> None:
    """Add the seals that are new to the file: after their cut was published, so that it never names what was not."""
    seals = _seals(connection)
    if len(seals) > len(kept_seals(place)):
        place.write(FILE, "".join(f"{sealed.as_line()}\n" for sealed in seals).encode())


def _seals(connection: AnyConnection) -> list[Sealed]:
    return [Sealed(*row[2:]) for row in connection.execute(SEALS)]


def set_aside(place: Place, cut: int) -> None:
    """Keep the file under another name: a rebuilt lake begins with the seals that its ledger has."""
    content = place.read(FILE)
    if content is not None:
        place.write(f"seals-before-cut-{cut}.jsonl", content)
        place.delete([FILE])
