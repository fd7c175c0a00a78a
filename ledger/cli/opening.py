"""`tiffin opening`: the book's opening beside the balances of the system before it."""

from pathlib import Path
from typing import Annotated

import typer

from ledger.cli.shared import AsJson, open_book, print_json, print_rows
from ledger.errors import Failure
from ledger.postgres.opening import compare, sums

app = typer.Typer()


@app.command()
def opening(
    file: Annotated[Path, typer.Argument(help="CSV of the old balances: account, brand, money and points.")],
    json_: AsJson = False,
) -> None:
    """Compare what the book opened with to the old system's balances, by account and brand."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise Failure(f"{file}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise Failure(f"{file}: is not UTF-8 text") from None
    with open_book() as connection:
        rows = compare(connection, text)
    wrong = [row for row in rows if row.difference]
    if json_:
        print_json({"balances": len(rows), "differences": [each.to_json() for each in wrong], "totals": sums(rows)})
    else:
        print_rows(sums(rows))
        if wrong:
            print_rows([each.to_json() for each in wrong])
    if wrong:
        first = wrong[0]
        raise Failure(
            f"{len(wrong)} of {len(rows)} balances differ, the first: {first.kind} of account {first.account} with "
            f"{first.brand}: {first.before} before, opened with {first.opened}, difference {first.difference} "
            f"{first.currency}"
        )
