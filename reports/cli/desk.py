"""`tiffin desk`: who may use the dashboard, and as what. It runs as the owner of the tables."""

from typing import Annotated, LiteralString

import typer

from ledger.errors import Failure
from ledger.postgres import four_eyes as rules
from ledger.postgres import members
from ledger.postgres.database import AnyConnection, connect, server_url
from ledger.settings import Settings
from ledger.values.money import amount_of, decimal, is_currency, minor

app = typer.Typer()
desk = typer.Typer(no_args_is_help=True, help="Manage who may use the dashboard, and what needs a second person.")
app.add_typer(desk, name="desk")

Login = Annotated[str, typer.Argument(help="The login that the provider returns, such as o.petrova@example.com.")]
Role = Annotated[members.Role, typer.Argument(help="The role.")]


@desk.command()
def grant(
    login: Login,
    role: Role,
    brand: Annotated[list[str] | None, typer.Option(help="Only this brand; may be repeated. Without: all.")] = None,
) -> None:
    """Give a login its role; any earlier one is replaced."""
    with connect(server_url(Settings(), make=False)) as connection:
        known = {code for (code,) in connection.execute("SELECT code FROM brand").fetchall()}
        for code in brand or ():
            if code not in known:
                raise Failure(f"there is no brand {code}")
        brands = tuple(dict.fromkeys(brand)) if brand else None
        members.grant(connection, members.Member(login, role, brands))


@desk.command()
def revoke(login: Login) -> None:
    """Take a login's role away."""
    with connect(server_url(Settings(), make=False)) as connection:
        if not members.revoke(connection, login):
            raise Failure(f"{login} has no role here")


@desk.command()
def four_eyes(
    kind: Annotated[rules.Kind, typer.Argument(help="Kind of command.")],
    above: Annotated[str, typer.Argument(help="From this amount on, such as 5000.00; never: nobody else is needed.")],
    currency: Annotated[
        str | None,
        typer.Argument(help="Currency of the amount, by default the book's; with never, by default all of them."),
    ] = None,
) -> None:
    """Require a second person for a kind of command from an amount on, wherever it is sent from.

    In a currency without an amount, a kind that needs a second person anywhere needs one for every amount.
    """
    if currency is not None and not is_currency(currency):
        raise Failure(f"currency {currency!r} is not an ISO 4217 currency with two decimals")
    with connect(server_url(Settings(), make=False)) as connection:
        if above == "never" and currency is None:
            rules.drop_rules(connection, kind)
            return
        of = currency or str(_only(connection, "SELECT currency FROM book"))
        rules.set_rule(connection, kind, of, None if above == "never" else _amount(above))


def _only(connection: AnyConnection, query: LiteralString) -> object:
    row = connection.execute(query).fetchone()
    if row is None:
        raise Failure("there is no book yet: run tiffin init")
    return row[0]


def _amount(text: str) -> int:
    try:
        amount = minor(amount_of(text))
    except ValueError as error:
        raise Failure(str(error)) from None
    if amount < 0:
        raise Failure(f"{text} is negative: give an amount such as 5000.00, or never")
    return amount


@desk.command("list")
def list_() -> None:
    """List logins with their roles and brands, and what needs a second person."""
    with connect(server_url(Settings(), make=False)) as connection:
        for member in members.everybody(connection):
            brands = "all brands" if member.brands is None else ", ".join(member.brands)
            typer.echo(f"{member.login:40}{member.role:12}{brands}")
        for (kind, currency), above in sorted(rules.rules(connection).items()):
            start = "never" if above is None else f"from {decimal(above)}"
            typer.echo(f"{kind:40}{currency:12}{start}")
