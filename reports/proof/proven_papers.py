"""Give papers their proofs: all that the documents know of seals. A paper without one is never issued in silence."""

import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date

from ledger.errors import Failure
from ledger.postgres.database import server_url
from ledger.settings import Settings
from reports.documents.design import Kind
from reports.documents.embedded import as_json
from reports.documents.statement import Statement
from reports.proof.paper_proof import LONGEST, paper_proof
from reports.proof.prove import Prover
from reports.proof.seal import load_key
from reports.proof.verify_seals import money


def proven(paper: Statement, kind: Kind, prover: Prover | None) -> tuple[Statement, bytes | None]:
    """Return a paper of sealed days with its seal, and the proof that goes into it; else the paper as it is, and None.

    A proof that would be too long is left out, and the prover notes it: `tiffin prove` makes it. Raises Failure when
    the ledger does not prove the paper's balances: its lake belongs to another ledger, or one of them was altered.
    """
    if prover is None or paper.provisional or (paper.since, paper.until) != (prover.since, prover.until):
        return paper, None
    proof, summary = prover.of(paper.account), paper.summary
    if (proof.opening, proof.closing) != tuple(int(100 * amount) for amount in (summary.opening, summary.closing)):
        raise Failure(
            f"account {paper.account}: the lake has {summary.opening} and {summary.closing} as balances before and "
            f"after, the ledger proves {money(proof.opening)} and {money(proof.closing)}: run tiffin verify"
        )
    sealed = replace(paper, seal=prover.seal.short)
    content = paper_proof(proof, as_json(sealed, kind), prover.key)
    if (size := len(zlib.compress(content, 6))) <= LONGEST:
        return sealed, content
    prover.too_long[paper.account] = size
    return paper, None


@contextmanager
def prover_for(
    settings: Settings, since: date, until: date, without: Callable[[str], object], *, url: str | None = None
) -> Iterator[Prover | None]:
    """Lend what proves papers of some days; None where there is no ledger to prove from, or they are not sealed.

    `without` is called with a sentence for each paper that goes out without a proof, and why.
    """
    key = load_key(settings.seal_key)
    try:
        prover = Prover(url or server_url(settings, make=False), since, until, key)
    except Failure as failure:
        yield None
        without(f"papers of {since} to {until} carry no proof: {failure}")
        return
    with prover:
        yield prover
    for account, size in prover.too_long.items():
        without(
            f"the paper of account {account} carries no proof, which would take {size:,} bytes of {LONGEST:,}: "
            f"tiffin prove {account} --from {since} --to {until} makes it"
        )
