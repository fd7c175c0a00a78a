"""The `tiffin` command starts fast: it imports what the typed command needs, and nothing else."""

import importlib
import json
import os
import pkgutil
import subprocess
import sys
from importlib.metadata import version

import pytest
import typer

from ledger import cli as ledger_cli
from ledger.administration import administration_lines as administration
from ledger.postgres.post import Ledger
from reports import cli as reports_cli
from reports.cli.main import COMMANDS, app, assemble

LINES = [
    {"type": "brand", "code": "sushi"},
    {"type": "party", "reference": "anna", "kind": "individual"},
    {"type": "account", "reference": "anna", "party": "anna", "currency": "RUB"},
]
PAYMENT = {"type": "payment", "key": "p1", "account": "anna", "amount": "5.00", "brand": "sushi"}

LOADED = """
import sys
from reports.cli.main import main
try:
    main()
finally:
    print(*{name.partition(".")[0] for name in sys.modules}, *sys.modules, file=sys.stderr)
"""
"""Runs the command line, then says what it loaded."""


def loaded(*words: str, url: str = "", typed: str = "") -> set[str]:
    """Return the modules that a command loaded, all of it done well."""
    environment = {**os.environ, "TIFFIN_DATABASE_URL": url}
    run = [sys.executable, "-c", LOADED, *words]
    done = subprocess.run(run, env=environment, input=typed, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[:300]
    return set(done.stderr.split())


def test_help_imports_no_command() -> None:
    """Neither a database driver nor the models of commands: the lines of help stand in one table."""
    modules = loaded("--help")
    assert "typer" in modules
    assert not modules & {"psycopg", "pydantic", "sqlalchemy", "polars", "rich", "ledger.core.commands"}


def test_the_version_is_that_of_the_package() -> None:
    """Short enough for a bug report; nothing else is loaded for it."""
    done = subprocess.run([sys.executable, "-c", LOADED, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"tiffin {version('tiffin')}\n"
    assert not set(done.stderr.split()) & {"psycopg", "pydantic", "rich"}


def test_posting_and_asking_import_no_orm(database_url: str) -> None:
    """SQLModel is there for administration and migrations only; a balance needs no models of commands either."""
    Ledger(database_url).administer([administration.parse(line) for line in LINES])
    posted = loaded("post", "-", url=database_url, typed=json.dumps(PAYMENT))
    assert "ledger.postgres.post" in posted
    assert not posted & {"sqlalchemy", "sqlmodel", "alembic", "polars"}
    modules = loaded("balance", "anna", "--json", url=database_url)
    assert "ledger.postgres.account_queries" in modules
    assert not modules & {"sqlalchemy", "sqlmodel", "polars", "pydantic", "rich", "structlog", "ledger.core.commands"}


def test_nights_and_checks_start_without_what_draws_and_what_migrates() -> None:
    """WeasyPrint, pandas and SQLModel took two thirds of the start of `tiffin nightly`, `verify` and `lake`."""
    code = "import sys, reports.nightly, reports.lake.verify, reports.lake.maintenance; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "adbc_driver_postgresql" in done.stdout.split()
    assert not set(done.stdout.split()) & {"weasyprint", "pandas", "sqlmodel", "sqlalchemy"}


def test_the_pure_names_need_nothing_of_the_shell() -> None:
    """`import ledger` loads no module of ours before a name is used, and no driver then."""
    code = "import sys, ledger; assert 'ledger.core.commands' not in sys.modules; ledger.Payment; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "ledger.core.commands" in done.stdout.split()
    assert "psycopg" not in done.stdout


def test_the_table_of_commands_has_every_command() -> None:
    """A module of either folder that has commands stands in the table with each of them, and with no other."""
    found: dict[str, set[str]] = {}
    for package in (ledger_cli, reports_cli):
        for info in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            its = getattr(importlib.import_module(info.name), "app", None)
            if its is not None and its is not app:
                names = {command.name or command.callback.__name__ for command in its.registered_commands}
                found[info.name] = names | {group.name for group in its.registered_groups}
    listed: dict[str, set[str]] = {}
    for name, (module, _) in COMMANDS.items():
        listed.setdefault(module, set()).add(name)
    assert listed == found


@pytest.mark.parametrize("typed", [None, "", "balance"])
def test_all_commands_are_listed_whichever_is_typed(typed: str | None) -> None:
    """Each once; a word that is no command has the same list."""
    root = typer.Typer()
    before = app.registered_commands, app.registered_groups
    app.registered_commands, app.registered_groups = root.registered_commands, root.registered_groups
    try:
        assemble(typed)
        names = [name for name, _ in typer.main.get_command(app).commands.items()]  # type: ignore[attr-defined]
    finally:
        app.registered_commands, app.registered_groups = before
    assert sorted(names) == sorted(COMMANDS)
