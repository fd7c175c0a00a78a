"""`tiffin serve` and `tiffin token`: the door for order systems in any language, and who may come in."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated

import typer

from ledger.cli import shared
from ledger.cli.shared import AsJson, open_book, print_list
from ledger.errors import Failure
from ledger.postgres.database import pool_size, server_url
from ledger.settings import Settings

app = typer.Typer()
token = typer.Typer(no_args_is_help=True, help="Make, list and revoke the bearer tokens of the door.")
app.add_typer(token, name="token")


@app.command()
def serve(
    listen: Annotated[str | None, typer.Option(help="HOST:PORT. Default: 127.0.0.1:8600.")] = None,
    socket: Annotated[Path | None, typer.Option(help="A Unix socket instead.")] = None,
    writers: Annotated[
        int | None, typer.Option(min=1, max=100, help="Processes that post. Default: the URL's pool_size, or 2.")
    ] = None,
    host: Annotated[list[str] | None, typer.Option(help="A Host that requests may name; may be repeated.")] = None,
    grace: Annotated[
        float, typer.Option(min=0, max=600, help="Seconds of /readyz not being ready before draining.")
    ] = 0,
    certificate: Annotated[Path | None, typer.Option(help="TLS: the certificate, with its chain, as PEM.")] = None,
    key: Annotated[Path | None, typer.Option(help="TLS: its key, as PEM.")] = None,
    sandbox: Annotated[bool, typer.Option("--sandbox", help="Serve a throw-away book, to try things out.")] = False,
    double: Annotated[
        bool, typer.Option("--double", help="A test double in memory that answers commands only.")
    ] = False,
) -> None:
    """Answer commands and questions over HTTP until SIGTERM; every accepted command is answered first."""
    if listen and socket:
        raise Failure("--listen and --socket: give one of them")
    if (certificate is None) != (key is None):
        raise Failure("--certificate and --key go together")
    for file in (certificate, key):
        if file is not None and not file.is_file():
            raise Failure(f"cannot read {file}")
    if sandbox and double:
        raise Failure("--sandbox and --double: give one of them")
    with nullcontext("") if double else _book(sandbox) as url:
        from ledger.http.serve import serve as run

        if double:
            from ledger.intake.double import level
        else:
            level = shared.level
        run(
            level,
            url,
            listen=listen,
            path=socket,
            writers=1 if double else writers or pool_size(url),
            hosts=host or (),
            replica_url=None if sandbox or double else Settings().replica_url,
            grace=grace,
            certificate=certificate,
            key=key,
            double=double,
        )


@contextmanager
def _book(sandbox: bool) -> Iterator[str]:
    if sandbox:
        from ledger.http.sandbox import book

        with book(shared.level) as url:
            yield url
        return
    with open_book():
        url = server_url(Settings())
    yield url


@token.command("create")
def create_token(
    name: Annotated[str, typer.Argument(help="Who it is for: the `by` of what it posts.")],
    role: Annotated[list[str], typer.Option(help="post, ask or administer; may be repeated.")],
    brand: Annotated[list[str] | None, typer.Option(help="Only this brand's business; may be repeated.")] = None,
) -> None:
    """Make a token and print it, this once: only its hash is kept."""
    from ledger.postgres import tokens

    if unknown := sorted({*role} - {*tokens.ROLES}):
        raise Failure(f"--role {unknown[0]} is not one of {', '.join(tokens.ROLES)}")
    with open_book() as connection:
        number, secret = tokens.create(connection, name, role, brand)
    typer.echo(f"token {number}, of {name}: keep it, it is not shown again", err=True)
    typer.echo(secret)


@token.command("list")
def list_tokens(json_: AsJson = False) -> None:
    """List all tokens, revoked ones included; never the secrets."""
    from ledger.postgres import tokens

    with open_book() as connection:
        print_list([found.to_json() for found in tokens.listed(connection)], json_)


@token.command("revoke")
def revoke_token(number: Annotated[int, typer.Argument(help="The token's number, of `tiffin token list`.")]) -> None:
    """Revoke a token: within two seconds no door takes it any more."""
    from ledger.postgres import tokens

    with open_book() as connection:
        tokens.revoke(connection, number)
    typer.echo(f"Token {number} is revoked.")


notify = typer.Typer(
    no_args_is_help=True, help="Notify endpoints of what happened: signed events, at least once, in order."
)
app.add_typer(notify, name="notify")


@notify.command("run")
def run_notify(
    once: Annotated[bool, typer.Option("--once", help="Send what is there now, then stop.")] = False,
) -> None:
    """Notify until the process is stopped; several may run."""
    from ledger.http.notify import run as notify_all

    with open_book():
        url = server_url(Settings())
    notify_all(url, shared.level.refusals(), once=once)


@notify.command("add")
def add_endpoint(
    url: Annotated[str, typer.Argument(help="An https address.")],
    beginning: Annotated[
        bool, typer.Option("--from-the-beginning", help="Send it everything from the beginning.")
    ] = False,
) -> None:
    """Add an endpoint and print the secret that its events are signed with."""
    from ledger.http import notify as http_notify

    with open_book() as connection:
        number, secret = http_notify.add(connection, url, refusals=shared.level.refusals(), beginning=beginning)
    typer.echo(f"endpoint {number}: its secret is not shown again", err=True)
    typer.echo(secret)


@notify.command("list")
def list_endpoints(json_: AsJson = False) -> None:
    """List the endpoints: how far each is, since when it fails and why."""
    from ledger.http import notify as http_notify

    with open_book() as connection:
        print_list([found.to_json() for found in http_notify.endpoints(connection)], json_)


@notify.command("stuck")
def list_stuck(json_: AsJson = False) -> None:
    """List the events that an endpoint refused, and those that wait behind them."""
    from ledger.http import notify as http_notify

    with open_book() as connection:
        print_list(http_notify.stuck(connection), json_)


@notify.command("resend")
def resend(
    number: Annotated[int, typer.Argument(help="The endpoint's number.")],
    after: Annotated[str | None, typer.Option(help="A cursor: everything since then, once more.")] = None,
) -> None:
    """Send what is stuck again at once, or everything since a cursor."""
    from ledger.http import notify as http_notify

    with open_book() as connection:
        http_notify.send_again(connection, number, after=after)
    typer.echo(f"Deliveries to endpoint {number} are resumed.")


@notify.command("remove")
def remove_endpoint(number: Annotated[int, typer.Argument(help="The endpoint's number.")]) -> None:
    """Remove an endpoint: it is not notified any more."""
    from ledger.http import notify as http_notify

    with open_book() as connection:
        http_notify.remove(connection, number)
    typer.echo(f"Endpoint {number} is removed.")
