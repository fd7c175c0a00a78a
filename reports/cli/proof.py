"""`tiffin prove` and `tiffin check`: an account's history that proves itself, and papers checked without us."""

import sys
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.errors import Failure
from ledger.settings import Settings
from ledger.values.dates import period, read_date
from ledger.values.text import printable

if TYPE_CHECKING:
    from reports.proof.seal import Sealed

app = typer.Typer()


@app.command()
def prove(
    account: Annotated[str, typer.Argument(help="Account number or reference.")],
    from_: Annotated[str, typer.Option("--from", help="First day, included: YYYY-MM-DD.")],
    to: Annotated[str, typer.Option("--to", help="Last day, included.")],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="File to write; by default stdout.")] = None,
) -> None:
    """Prove an account's entries of some days: that they are all, and as they were sealed.

    The proof is JSON. Whoever has a copy of seals.jsonl checks it with tiffin check, or as docs/seals.md shows.
    """
    from ledger.postgres.database import server_url
    from reports.cli.papers import write_file
    from reports.proof.proof import as_json
    from reports.proof.prove import Prover, account_number

    days = period(read_date(from_), read_date(to))
    url = server_url(Settings(), make=False)
    number = account_number(url, account)
    with Prover(url, *days) as prover:
        content = as_json(prover.prove([number])[number])
    if output is None:
        sys.stdout.write(content.decode() + "\n")
        return
    write_file(output, content)
    print(output)


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A paper (PDF), or what tiffin prove wrote.")],
    seals: Annotated[Path, typer.Option(help="A copy of seals.jsonl that was kept elsewhere.")],
) -> None:
    """Check a paper or a proof, with no database and no lake: genuine, complete, unchanged; or what is not."""
    from reports.cli.lake import content_of
    from reports.proof.check_paper import check_paper
    from reports.proof.proof import problems, read_proof
    from reports.proof.seal import read_seals

    copy = list(read_seals(content_of(seals), str(seals)))
    content = content_of(file)
    if content.startswith(b"%PDF"):
        found = check_paper(content, str(file), copy, Settings().templates)
        _end(found.number, found.problems)
        beside = "" if found.is_signed else "; services, discounts and VAT are not signed"
        print(f"{found.number}: genuine, complete, unchanged: {found.rows} entries, {_closed(found.seal)}{beside}")
        return
    proof = read_proof(content, str(file))
    _end(f"account {proof.account}", tuple(problems(proof, copy)))
    days = f"account {proof.account}, {proof.since} to {proof.until}"
    print(
        f"{days}: complete and unchanged: {len(proof.proven)} entries, "
        f"opening {_money(proof.opening)}, closing {_money(proof.closing)}, {_closed(proof.after.sealed)}"
    )


def _closed(sealed: "Sealed") -> str:
    return f"closed on {sealed.seal.closed_on}, seal {sealed.short}"


def _end(subject: str, problems: tuple[str, ...]) -> None:
    """Print what is wrong. Raises Failure when anything is."""
    for problem in problems:
        print(printable(problem))
    if problems:
        raise Failure(f"{subject} is not proven: {problems[0]}")


def _money(minor: int) -> Decimal:
    return Decimal(minor).scaleb(-2)
