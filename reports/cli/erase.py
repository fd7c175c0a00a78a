"""`tiffin erase`."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ledger.cli.shared import AsJson
from ledger.settings import Settings

app = typer.Typer()


@app.command()
def erase(
    party: Annotated[str, typer.Argument(help="The person's reference.")],
    reason: Annotated[str, typer.Option(help="Why: kept, so it should name nobody.")],
    by: Annotated[str | None, typer.Option(help="Who decided it.")] = None,
    remove: Annotated[
        bool, typer.Option("--remove", help="Also remove the papers, dated files and kept cuts that name the person.")
    ] = False,
    backups: Annotated[
        Path | None, typer.Option(help="A folder of backups: list those that still name the person.")
    ] = None,
    json_: AsJson = False,
) -> None:
    """Erase a person's name, contacts, address, tax id and all free text; figures, versions and seals stay valid.

    Refused while documents must by law be kept (TIFFIN_RETENTION). What else names the person is listed.
    """
    from ledger.postgres.database import server_url
    from reports.erase import erase as erased

    settings = Settings()
    done = erased(settings, server_url(settings), party, reason=reason, by=by, remove=remove, folder=backups)
    if json_:
        print(json.dumps(asdict(done)))
        return
    print(f"party {party} is erased" if done.now else f"party {party} was erased before")
    if done.cut:
        print(f"cut {done.cut} of the lake does not name the person")
    what = "removed" if done.removed else "still names the person, --remove removes it"
    for kind, names in (("paper", done.papers), ("file", done.files), ("cut", [str(n) for n in done.cuts])):
        for name in names:
            print(f"{kind} {name}: {what}")
    for name in done.backups:
        print(f"backup {name}: names the person until it is deleted")
