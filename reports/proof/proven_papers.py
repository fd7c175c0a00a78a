"""Give papers their proofs: all that the documents know of seals."""

import zlib
from collections.abc import Iterator
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


def proven(paper: Statement, kind: Kind, prover: Prover | None) -> tuple[Statement, bytes | None]:
    """Return a paper of sealed days with its seal, and the proof that goes into it; else the paper as it is, and None.

    A proof that would be too long is left out: `tiffin prove` makes it.
    """
    if prover is None or paper.provisional or (paper.since, paper.until) != (prover.since, prover.until):
        return paper, None
    sealed = replace(paper, seal=prover.seal.short)
    content = paper_proof(prover.of(paper.account), as_json(sealed, kind), prover.key)
    return (sealed, content) if len(zlib.compress(content, 6)) <= LONGEST else (paper, None)


@contextmanager
def prover_for(settings: Settings, since: date, until: date, *, url: str | None = None) -> Iterator[Prover | None]:
    """Lend what proves papers of some days; None where there is no ledger to prove from, or they are not sealed."""
    key = load_key(settings.seal_key)
    try:
        prover = Prover(url or server_url(settings, make=False), since, until, key)
    except Failure:
        yield None
        return
    with prover:
        yield prover
