"""The `tiffin` command: the one module that puts the ledger, its second level, the lake and the reports together.

Exit 0 done, 1 refused or failed with one clear line on stderr, 2 wrong usage.
"""

import importlib
import os
import pkgutil
import sys

import psycopg
import typer

from ledger.errors import Failure

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Tiffin: a billing ledger for a food delivery company with many brands, and its reports.",
)


def _assemble() -> None:
    from ledger.cli import bank as bank_cli
    from ledger.cli import commands as ledger_cli
    from ledger.food import cli as food_cli
    from reports import cli as reports_cli

    ledger_cli.level = food_cli.level
    app.add_typer(ledger_cli.app)
    app.add_typer(bank_cli.app)
    for module in sorted(info.name for info in pkgutil.iter_modules(reports_cli.__path__) if info.name != "main"):
        commands = getattr(importlib.import_module(f"reports.cli.{module}"), "app", None)
        if commands is not None:  # a helper that commands share has none
            app.add_typer(commands)


def main() -> None:
    """Run the command line; a Failure becomes one line on stderr and exit code 1."""
    _assemble()
    try:
        app()
    except Failure as failure:
        print(f"tiffin: {failure}", file=sys.stderr)
        sys.exit(1)
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn) as error:
        print(
            f"tiffin: the tables are not those of this version ({_first_line(error)}): run tiffin init", file=sys.stderr
        )
        sys.exit(1)
    except psycopg.Error as error:
        # Such as a role without the rights, or a full disk: the server's own words are the clearest.
        print(f"tiffin: PostgreSQL: {_first_line(error)}", file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:
        # The reader of our output went away (such as `head`): nothing is left to say.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
