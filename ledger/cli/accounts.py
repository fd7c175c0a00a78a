"""`tiffin balance`, `history`, `limits`: one account's money."""

from datetime import datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from ledger.cli import shared
from ledger.cli.shared import (
    AccountArgument,
    AsJson,
    account_argument,
    instant,
    open_book,
    print_json,
    print_list,
    print_rows,
)
from ledger.cli.text_commands import TextCommand
from ledger.errors import Failure
from ledger.postgres import account_queries, balances
from ledger.postgres.database import AnyConnection
from ledger.values.dates import read_date

app = typer.Typer()


@app.command(cls=TextCommand)
def balance(
    account: AccountArgument,
    at: Annotated[str | None, typer.Option(help="A past moment, ISO 8601 with a time zone.")] = None,
    json_: AsJson = False,
) -> None:
    """Show an account's balance and credit, now or at a past moment."""
    moment = instant(at)
    with open_book() as connection:
        state = balances.balance(connection, account_argument(account), at=moment)
        more = shared.level.more(connection, state.account, moment) if json_ else {}
    if json_:
        print_json(state.to_json() | more)
    else:
        print_rows([state.to_json()])


@app.command(cls=TextCommand)
def history(
    account: AccountArgument,
    since: Annotated[str | None, typer.Option("--from", help="First day, YYYY-MM-DD.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="Last day, YYYY-MM-DD.")] = None,
    json_: AsJson = False,
) -> None:
    """List every change of an account's balance, in order."""
    with open_book() as connection:
        zone = _zone(connection)
        entries = account_queries.history(
            connection, account_argument(account), since=_start(since, zone), until=_start(until, zone, days=1)
        )
        if json_:
            for entry in entries:
                print_json(entry.to_json())
        else:
            print_rows([entry.to_json() for entry in entries])


@app.command(cls=TextCommand)
def limits(account: AccountArgument, json_: AsJson = False) -> None:
    """Show which write-off limits concern an account and what is left of each."""
    with open_book() as connection:
        rows = [limit.to_json() for limit in account_queries.limits(connection, account_argument(account))]
    print_list(rows, json_)


def _start(text: str | None, zone: ZoneInfo, *, days: int = 0) -> datetime | None:
    if text is None:
        return None
    try:
        day = read_date(text) + timedelta(days=days)
    except OverflowError:
        raise Failure(f"{text} is the last day there is") from None
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def _zone(connection: AnyConnection) -> ZoneInfo:
    row = connection.execute("SELECT time_zone FROM book").fetchone()
    assert row is not None
    return ZoneInfo(row[0])
