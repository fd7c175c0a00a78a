"""The `tiffin` command: the one module that puts the ledger, its second level, the lake and the reports together.

Exit 0 done, 1 refused or failed with one clear line on stderr, 2 wrong usage. Only the module of the command that
was typed is imported: the others are known by their line of help.
"""

import importlib
import os
import sys
from typing import Annotated

import typer

from ledger.cli.text_commands import TextGroup
from ledger.errors import Failure, first_line
from ledger.values.text import printable

COMMANDS = {
    "init": ("ledger.cli.lifecycle", "Create the book, or bring its tables up to date after an upgrade."),
    "status": ("reports.cli.status", "Show the state of the book, its lake, its nights and its server."),
    "stop": ("ledger.cli.lifecycle", "Stop the embedded PostgreSQL."),
    "post": ("ledger.cli.post", "Post commands and administration lines; write one outcome per line, in order."),
    "quote": ("ledger.cli.post", "Show what posting would do now, without writing anything."),
    "schema": ("ledger.cli.post", "Print the JSON Schema of what `tiffin post` reads and writes, with every decline."),
    "balance": ("ledger.cli.accounts", "Show an account's balance and credit, now or at a past moment."),
    "history": ("ledger.cli.accounts", "List every change of an account's balance, in order."),
    "opening": ("ledger.cli.opening", "Compare what the book opened with to the old system's balances."),
    "limits": ("ledger.cli.accounts", "Show an account's write-off limits and what is left of each."),
    "serve": ("ledger.cli.door", "Answer commands and questions over HTTP, for order systems in any language."),
    "token": ("ledger.cli.door", "Make, list and revoke the bearer tokens of the door."),
    "notify": ("ledger.cli.door", "Notify endpoints of what happened: signed events, at least once, in order."),
    "import-bank": ("ledger.cli.bank", "Post money in from bank statements, matched to accounts."),
    "bank-report": (
        "ledger.cli.bank",
        "Compare the bank's balances and turnovers with the ledger's, by day and account.",
    ),
    "bank-payers": ("ledger.cli.bank", "List the payers learned from what the desk allocated, or revoke one."),
    "bank-depositors": ("ledger.cli.bank", "List acquirers and depositors, add one, or revoke it."),
    "bank-csv": ("ledger.cli.bank", "Show how a bank's CSV is read, and keep the layout of its columns."),
    "nightly": ("reports.cli.lake", "Close a day: cut and export, verify, write the reports and papers."),
    "verify": ("reports.cli.lake", "Check the ledger by its rules, and the lake against the ledger."),
    "prove": ("reports.cli.proof", "Prove an account's entries over some days to anyone with a copy of the seals."),
    "check": ("reports.cli.proof", "Check a paper or a proof with a copy of the seals, and nothing else."),
    "lake": ("reports.cli.lake", "Maintain the lake."),
    "backup": ("reports.cli.backup", "Back up the server, the lake and the papers, or keep the server's WAL."),
    "restore": ("reports.cli.backup", "Restore a book from a backup, up to the end of its WAL or to a given moment."),
    "erase": ("reports.cli.erase", "Erase a person, once documents no longer have to be kept."),
    "report": ("reports.cli.report", "Run a standard report over the lake."),
    "metric": ("reports.cli.metric", "Show standard metrics and those of a pack, by any dimension."),
    "explain": ("reports.cli.explain", "Show the entries behind a figure of a report."),
    "statement": ("reports.cli.papers", "Make one account's statement, act or invoice as PDF."),
    "statements": ("reports.cli.papers", "Make a month's papers for many accounts."),
    "papers": ("reports.cli.issued", "List issued papers, and hand them out again."),
    "dashboard": ("reports.cli.dashboard", "Show the figures in a browser."),
    "desk": ("reports.cli.desk", "Manage who may use the dashboard, and in which role."),
    "notebook": ("reports.cli.notebook", "Run, list, serve or edit the notebooks."),
    "editions": ("reports.cli.editions", "Make the editions of notebooks that are due, or list the kept ones."),
    "pack": ("reports.cli.pack", "Create, list or check a pack: a company's own files."),
    "demo": ("reports.cli.demo", "Play a real year of orders through the ledger, the reports and the papers."),
}
"""Each command: the module whose `app` has it, and its line in `tiffin --help`."""

app = typer.Typer(
    cls=TextGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: Rich takes as long to load as all the rest of `tiffin --help`
    help="Tiffin: a billing ledger for a food delivery company with many brands, and its reports.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"tiffin {version('tiffin')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Take the options of `tiffin` itself."""


def assemble(typed: str | None = None) -> None:
    """Add the commands to `app`: all of them or, when one is `typed`, those of its module and lines for the rest."""
    modules = dict.fromkeys(module for name, (module, _) in COMMANDS.items() if typed in (None, name))
    if any(module.startswith("ledger.") for module in modules):
        from ledger.cli import shared
        from ledger.food.cli import level

        shared.level = level
    for module in modules:
        app.add_typer(importlib.import_module(module).app)
    for name, (module, line) in COMMANDS.items():
        if module not in modules:
            app.command(name, help=line, short_help=line)(_line_of_help)


def _line_of_help() -> None:
    """Stand for a command that was not typed."""


def main() -> None:
    """Run the command line; a Failure becomes one line on stderr and exit code 1."""
    os.umask(0o077)  # whatever is written, of the home, the lake and papers, is its owner's alone
    try:
        # With no command to carry out (help, a word that is none), the lines of help are all there is to show.
        assemble(next((word for word in sys.argv[1:] if word in COMMANDS), ""))
        app()
    except OSError as error:
        # Such as a full disk under our output, or `head` that read enough: nothing more is written there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if not isinstance(error, BrokenPipeError):
            print(f"tiffin: {printable(_sentence(error) or str(error))}", file=sys.stderr)
        sys.exit(1)
    except BaseException as error:  # a panic of Polars is no Exception
        sentence = _sentence(error)
        if sentence is None:
            raise
        print(f"tiffin: {printable(sentence.replace(chr(10), ' '))}", file=sys.stderr)
        sys.exit(1)


def _sentence(error: BaseException) -> str | None:
    """Return what to print for an error that a user can do something about."""
    if isinstance(error, Failure):
        return str(error)
    if "reports.lake.storage" in sys.modules:
        from ledger.settings import Settings
        from reports.lake import faults

        if of_lake := faults.sentence(error, Settings().lake_url):
            return of_lake
    if isinstance(error, UnicodeEncodeError) and error.reason == "surrogates not allowed":
        return f"{error.object[:100]} is not UTF-8"  # a word of the command line
    if "psycopg" not in sys.modules:
        return None
    import psycopg

    if isinstance(error, psycopg.errors.UndefinedTable | psycopg.errors.UndefinedColumn):
        return f"the tables are not those of this version ({first_line(error)}): run tiffin init"
    # Such as a role without the rights, or a full disk: the server's own words are the clearest.
    return f"PostgreSQL: {first_line(error)}" if isinstance(error, psycopg.Error) else None
