"""`tiffin backup` and `tiffin restore`."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ledger.cli.shared import AsJson, instant, print_json
from ledger.errors import Failure
from ledger.settings import Settings

app = typer.Typer()

Folder = Annotated[Path, typer.Argument(help="The folder of backups.")]
Name = Annotated[str | None, typer.Option("--backup", metavar="NAME", help="Which one; by default the latest.")]


@app.command()
def backup(
    folder: Folder,
    keep: Annotated[
        int | None, typer.Option(min=1, help="Then keep this many backups, and the WAL since the oldest.")
    ] = None,
    wal: Annotated[bool, typer.Option("--wal", help="Instead: receive the server's WAL until stopped.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Instead: read a backup again, every file of it.")] = False,
    name: Name = None,
    json_: AsJson = False,
) -> None:
    """Back up the server, the lake's latest cut and the papers into a new folder within FOLDER, and check the copy.

    With --wal running beside it, a restore loses nothing that was received.
    """
    if wal + check + (keep is not None) > 1:
        raise Failure("--wal, --check and --keep: give one of them")
    if name is not None and not check:
        raise Failure("--backup goes with --check")
    from reports.backup import take

    settings = Settings()
    if check:
        done = take.check(folder, name)
    else:
        from ledger.postgres.database import server_url

        url = server_url(settings)
        if wal:
            _receive(url, folder)
            return
        done = take.take(settings, url, folder)
    gone = take.delete_old(folder, keep) if keep is not None else []
    if json_:
        print_json({**done.model_dump(mode="json", exclude={"files"}), "size": done.size, "let_go": gone})
        return
    cut = f"cut {done.cut} of the lake" if done.cut else "no lake"
    typer.echo(
        f"{folder / done.name} holds: transactions up to {done.last_transaction} and later, {cut}, "
        f"{done.size / 1e6:,.1f} MB, every file checked"
    )
    for name_ in gone:
        typer.echo(f"{name_} was deleted")


def _receive(url: str, folder: Path) -> None:
    from ledger.postgres import base_backup
    from ledger.postgres.database import connect
    from reports.backup.archive import WAL
    from reports.cli.lake import until_stopped

    with connect(url) as connection:
        major = base_backup.major_version(connection)
    base_backup.receive_wal(url, major, folder / WAL, until_stopped())


@app.command()
def restore(
    folder: Folder,
    name: Name = None,
    until: Annotated[
        str | None, typer.Option(help="Up to this moment, ISO 8601 with a time zone; by default everything.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="For a server of your own: the data folder to make. Nothing is started.")
    ] = None,
    json_: AsJson = False,
) -> None:
    """Restore a server under an empty home from a backup and the WAL received since, and put lake and papers back.

    Nothing that is there already is overwritten.
    """
    from reports.backup.restore import restore as restored

    done = restored(Settings(), folder, name=name, until=instant(until), data=data)
    if json_:
        print_json({**asdict(done), "posted_at": done.posted_at.isoformat() if done.posted_at else None})
        return
    typer.echo(f"restored {done.backup} and {done.segments} segments of WAL into {done.database}")
    lake = {"restored": "restored, and carried on", "kept": "there already, and left as it is", "none": "none"}
    typer.echo(f"the lake: {lake[done.lake]}; {done.kept_files} other files were there already")
    if data is not None:
        typer.echo("start PostgreSQL over it, then run tiffin init --restored and tiffin lake rebuild")
        return
    typer.echo(
        f"the last transaction is {done.last_transaction}, key {done.key}, of {done.posted_at}; "
        f"incarnation {done.incarnation}"
    )
    typer.echo("next: tiffin verify, and have callers send again, by key, what they sent since; then a new backup")
