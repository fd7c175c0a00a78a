"""`tiffin import-bank`, and what belongs to it: the bank beside the ledger, learned payers, layouts of CSV files."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from ledger.bank.core.csv_file import COLUMNS, Layout
from ledger.bank.core.depositors import Depositor
from ledger.bank.core.read_file import FORMATS, headers_of, read_file
from ledger.bank.core.statement import current, fault, normal
from ledger.bank.postgres.bank_records import layout_of, learn, list_payers, revoke_payer, save_layout
from ledger.bank.postgres.bank_report import FIGURES, BankDay, bank_days
from ledger.bank.postgres.depositors import list_depositors, make_known, revoke_depositor
from ledger.bank.postgres.import_statements import import_statements
from ledger.bank.postgres.plan_import import Imported, Row
from ledger.bank.postgres.undo_returned import undo_returned
from ledger.cli.progress import progress
from ledger.cli.shared import AsJson, console, open_ledger, print_table
from ledger.errors import Failure
from ledger.values.dates import read_date
from ledger.values.text import escaped_json, printable

app = typer.Typer()
PREVIEW = 10


@app.command("import-bank")
def import_bank(
    files: Annotated[list[Path], typer.Argument(help=f"Statements in {FORMATS}, or zipped; CSV with --csv-of.")],
    brand: Annotated[
        str | None, typer.Option(help="Brand of these statements, if no brand's bank details have their account.")
    ] = None,
    by: Annotated[str | None, typer.Option(help="Who imports them, kept with each payment.")] = None,
    csv_of: Annotated[
        str | None, typer.Option(help="The bank account that CSV files belong to; its layout (bank-csv) reads them.")
    ] = None,
    undo: Annotated[
        bool, typer.Option("--undo-returned", help="Reverse the payouts and payments that came back, where named.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be posted, and post nothing.")] = False,
    json_: AsJson = False,
) -> None:
    """Post money in from bank statements, matched to accounts; again, and nothing is posted twice."""
    # Read first, all of them: one that cannot be read leaves nothing half done.
    ledger = open_ledger()
    layout = None
    if csv_of is not None:
        with ledger.connection().transaction():
            layout = csv_of, layout_of(ledger.connection(), csv_of)
    statements = [statement for file in files for statement in read_file(file, layout)]
    with progress("payments", beyond=1000) as report:
        imported = import_statements(ledger, statements, brand=brand, by=by, dry_run=dry_run, progress=report)
    if undo and not dry_run:
        imported = undo_returned(ledger, imported, by=by)
    if json_:
        typer.echo(json.dumps({"dry_run": dry_run, "statements": [to_json(each) for each in imported]}))
    else:
        _print(imported)
    _fail_on_refusals(imported)


def _shown(text: str) -> str:
    """Return a text of others as Rich prints it: no markup, and nothing that moves a terminal's cursor."""
    return escape(printable(text))


def _fail_on_refusals(imported: Sequence[Imported]) -> None:
    refused = [each.refused for each in imported if each.refused]
    declined = [row.why for each in imported for row in each.rows if row.result == "declined"]
    if refused:
        of = f"{len(refused)} of {len(imported)} statements were not imported, the first: " if len(imported) > 1 else ""
        raise Failure(f"{of}{refused[0]}")
    if declined:
        raise Failure(f"{len(declined)} payments were declined, the first: {declined[0]}")


def to_json(imported: Imported) -> dict[str, Any]:
    """Return what became of a statement as programs read it, amounts as strings."""
    statement = imported.statement
    return {
        "account": statement.account,
        "number": statement.number,
        "brand": imported.brand or None,
        "currency": statement.currency,
        "opening": _plain(statement.opening),
        "closing": _plain(statement.closing),
        "money_in": _plain(statement.money_in),
        "money_out": _plain(statement.money_out),
        "checked": statement.checked,
        "refused": imported.refused or None,
        "foreign": list(statement.foreign),
        **{name: _plain(amount) for name, amount in imported.totals().items()},
        "entries": [_row_json(row) for row in imported.rows],
    }


def _row_json(row: Row) -> dict[str, Any]:
    entry = row.entry
    return {
        "key": row.key,
        "booked_on": entry.booked_on.isoformat(),
        "value_date": entry.value_date.isoformat(),
        "amount": _plain(entry.amount),
        "result": row.result,
        "account": row.account,
        "rule": row.rule or None,
        "why": row.why or None,
        "transaction": row.transaction,
        "name": entry.name,
        "tax_id": entry.tax_id,
        "text": entry.text,
        "undoes": row.undoes,
        "channel": row.depositor.channel if row.depositor else None,
        "suggested": [{"account": each.account, "party": each.party, "alike": alike} for each, alike in row.suggested],
    }


def _plain(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:.2f}"


def _print(imported: Sequence[Imported]) -> None:
    for each in imported:
        if each.rows:
            _print_rows(each)
        elif each.refused and len(imported) > 1:  # a single one is reported on standard error
            console().print(f"\nnot imported: {_shown(each.refused)}")
    empty = sum(not each.rows and not each.refused for each in imported)
    if empty:
        console().print(f"\nstatements without entries: {empty}")
    _print_totals(imported)


def _print_rows(imported: Imported) -> None:
    statement = imported.statement
    days = " to ".join(dict.fromkeys(str(day) for day in (statement.since, statement.until) if day))
    unchecked = "" if statement.checked else "not checked: the bank reports no balances"
    about = ", ".join(part for part in (imported.brand and f"brand {imported.brand}", days, unchecked) if part)
    console().print(f"\n[bold]{_shown(statement.title)}[/bold], {_shown(about)}")
    headings = ("date", "amount", "from or to", "result", "account", "rule, or why")
    print_table(headings, map(cells, imported.rows), right=("amount",))


def cells(row: Row) -> tuple[str, str, str, str, str, str]:
    """Return a row for people: date, amount, who, result, account, the rule or the reason."""
    account = f"{row.account} {row.party}" if row.account else ("unallocated" if row.unallocated else "")
    account = f"from {row.depositor.channel}" if row.depositor else account
    return (
        str(row.entry.booked_on),
        f"{row.entry.amount:,.2f}",
        (row.entry.name or row.entry.tax_id or " ".join(row.entry.text.split()))[:40],
        row.result,
        account,
        row.rule or "; ".join(filter(None, (row.why, suggestion(row)))),
    )


def suggestion(row: Row) -> str:
    """Return whose money it may be by the payer's name, for a person to decide; blank when no name is alike."""
    names = ", ".join(f"{client.account} {client.party} ({alike} %)" for client, alike in row.suggested)
    return f"by name perhaps {names}" if names else ""


def _print_totals(imported: Sequence[Imported]) -> None:
    figures = ("bank: in", "posted", "there already", "not imported", "declined", "unallocated", "bank: out")
    rows = []
    for statement, totals in ((each.statement, each.totals().values()) for each in imported if each.rows):
        numbers = (f"{figure:,.2f}" for figure in (statement.money_in, *totals, statement.money_out))
        rows.append((statement.name, statement.currency, *numbers))
    if rows:
        console().print()
        print_table(("statement", "currency", *figures), rows, right=figures)


@app.command("bank-report")
def bank_report(
    account: Annotated[str | None, typer.Argument(help="An account at the bank; all without it.")] = None,
    since: Annotated[str | None, typer.Option("--from", help="First day, YYYY-MM-DD.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="Last day, YYYY-MM-DD.")] = None,
    json_: AsJson = False,
) -> None:
    """Compare the bank's balances and turnovers with the ledger's, by day and account."""
    first_day, last_day = (read_date(each) if each else None for each in (since, until))
    ledger = open_ledger()
    with ledger.connection().transaction():
        days = bank_days(ledger.connection(), account=account, since=first_day, until=last_day)
    if json_:
        typer.echo(json.dumps([_day_json(day) for day in days]))
    elif not days:
        filtered = account is not None or since is not None or until is not None
        console().print(f"no statement was imported{' of that account and these days' if filtered else ''}")
    else:
        _print_days(days)
    wrong = [day for day in days if day.difference or day.gap]
    if wrong:
        first = wrong[0]
        what = f"{first.difference} of money in is not in the ledger" if first.difference else f"a gap of {first.gap}"
        raise Failure(
            f"{len(wrong)} days differ, the first: {first.bank_account}, {first.day}: {what} {first.currency}"
        )


def _day_json(day: BankDay) -> dict[str, Any]:
    of = {"bank_account": day.bank_account, "brand": day.brand, "currency": day.currency, "day": str(day.day)}
    return {**of, **{name: _plain(getattr(day, name)) for name in FIGURES}}


def _print_days(days: Sequence[BankDay]) -> None:
    headings = {"money_in": "in", "money_out": "out", "reported": "bank says", "taken_back": "taken back"}
    figures = [headings.get(name, name) for name in FIGURES]
    rows = []
    for day in days:
        found = (getattr(day, name) for name in FIGURES)
        numbers = ("" if figure is None else f"{figure:,.2f}" for figure in found)
        rows.append((day.bank_account, day.brand, day.currency, str(day.day), *numbers))
    print_table(("account", "brand", "", "day", *figures), rows, right=figures)


@app.command("bank-payers")
def bank_payers(
    revoke: Annotated[str | None, typer.Option(help="A payer, as listed, that is no longer recognised.")] = None,
    account: Annotated[int | None, typer.Option(help="With --revoke: only for this account of ours.")] = None,
    by: Annotated[str | None, typer.Option(help="Who revokes it.")] = None,
    json_: AsJson = False,
) -> None:
    """List the payers whose bank accounts were learned from what the desk allocated, or revoke one."""
    if account is not None and revoke is None:
        raise Failure("--account goes with --revoke")
    ledger = open_ledger()
    connection = ledger.connection()
    with connection.transaction():
        if revoke is not None and not revoke_payer(connection, revoke, account, by):
            raise Failure(f"no such learned payer: {revoke}")
        learn(connection)
        payers = list_payers(connection)
    if json_:
        typer.echo(escaped_json(json.dumps([asdict(payer) for payer in payers], default=str, ensure_ascii=False)))
        return
    rows = []
    for payer in payers:
        revoked = f"{payer.revoked_at:%Y-%m-%d} {payer.revoked_by or ''}" if payer.revoked_at else ""
        learned = f"{payer.learned_at:%Y-%m-%d}", str(payer.learned_from), payer.learned_by or ""
        rows.append((payer.payer, payer.name, str(payer.account), payer.party, *learned, revoked))
    print_table(("payer", "name", "account", "client", "learned", "allocation", "by", "revoked"), rows)


@app.command("bank-depositors")
def bank_depositors(
    add: Annotated[str | None, typer.Option(help="A payer: an IBAN, or bank/account, as bank-report lists it.")] = None,
    revoke: Annotated[str | None, typer.Option(help="A payer that is a depositor no longer.")] = None,
    brand: Annotated[str | None, typer.Option(help="Whose money it brings; with --revoke, only this brand's.")] = None,
    channel: Annotated[str | None, typer.Option(help="With --add: the channel that the money leaves.")] = None,
    fee: Annotated[str | None, typer.Option(help="With --add: the fee it keeps, in percent of what it got.")] = None,
    by: Annotated[str | None, typer.Option(help="The person responsible.")] = None,
    json_: AsJson = False,
) -> None:
    """List the acquirers and depositors whose money is moved to the bank, add one, or revoke it."""
    if add is not None and (revoke is not None or brand is None or channel is None):
        raise Failure("--add goes with --brand and --channel, and without --revoke")
    if add is None and (channel is not None or fee is not None):
        raise Failure("--channel and --fee go with --add")
    percent = None
    if fee is not None:
        try:
            percent = Decimal(fee)
        except ArithmeticError:
            raise Failure(f"fee: {fee} is not a percentage") from None
    ledger = open_ledger()
    connection = ledger.connection()
    with connection.transaction():
        if add is not None and brand is not None and channel is not None:
            make_known(connection, Depositor(payer=add, brand=brand, channel=channel, fee_percent=percent), by)
        if revoke is not None and not revoke_depositor(connection, revoke, brand, by):
            raise Failure(f"no such depositor: {revoke}")
        known = list_depositors(connection)
    if json_:
        typer.echo(escaped_json(json.dumps([asdict(each) for each in known], default=str, ensure_ascii=False)))
        return
    rows = []
    for each in known:
        revoked = f"{each.revoked_at:%Y-%m-%d} {each.revoked_by or ''}" if each.revoked_at else ""
        fee_ = "" if each.fee_percent is None else str(each.fee_percent)
        since = f"{each.known_since:%Y-%m-%d}", each.known_by or ""
        rows.append((each.payer, each.name, each.brand, each.channel, fee_, *since, revoked))
    print_table(("payer", "name", "brand", "channel", "fee, %", "known since", "by", "revoked"), rows)


@app.command("bank-csv")
def bank_csv(
    account: Annotated[str, typer.Argument(help="An account of ours at the bank.")],
    file: Annotated[Path, typer.Argument(help="A CSV file of it, to see how it is read.")],
    currency: Annotated[str | None, typer.Option(help="The account's currency.")] = None,
    column: Annotated[list[str] | None, typer.Option(help=f"date=Header, and so on: {', '.join(COLUMNS)}.")] = None,
    option: Annotated[list[str] | None, typer.Option(help="decimal=, or date_format=%d/%m/%Y.")] = None,
    save: Annotated[bool, typer.Option("--save", help="Keep this layout for the account's files.")] = False,
    by: Annotated[str | None, typer.Option(help="The person responsible.")] = None,
) -> None:
    """Show how a bank's CSV is read, and keep the layout of its columns for an account."""
    if not normal(account):
        raise Failure(f"{account or 'nothing'} is not an account at a bank")
    ledger = open_ledger()
    connection = ledger.connection()
    if column:
        if currency is None:
            raise Failure("a layout needs --currency")
        try:
            layout = Layout(current(currency), _pairs(column), _pairs(option or []))
        except ValueError as error:
            raise Failure(str(error)) from None
    else:
        console().print(f"headers: {_shown(', '.join(headers_of(file)))}")
        with connection.transaction():
            layout = layout_of(connection, account)
    statements = read_file(file, (account, layout))
    if len(statements) > 1:
        raise Failure(f"{file.name}: has {len(statements)} statements; name a file of one")
    [statement] = statements
    rows = [
        Row(entry=entry, key="", result="would be posted" if entry.amount > 0 else "not imported")
        for entry in statement.entries[:PREVIEW]
    ]
    _print([Imported(statement=statement, rows=tuple(rows))])
    if wrong := fault(statement):
        raise Failure(wrong)
    checked = "balances agree" if statement.checked else "no balances to check against"
    console().print(f"entries: {len(statement.entries)}; {checked}")
    if save:
        with connection.transaction():
            save_layout(connection, account, layout, by)
        console().print(f"kept for {_shown(account)}")


def _pairs(texts: Sequence[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in texts]
    wrong = next((text for text, sign, _ in pairs if not sign), None)
    if wrong is not None:
        raise Failure(f"{wrong} is not name=value")
    return {name.strip(): value.strip() for name, _, value in pairs}
