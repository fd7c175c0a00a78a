"""Are the guards of the ledger in force: triggers, functions, checks, keys, as this version's migrations make them?

They are compared with those of a scratch database on the same server, made by the same migrations, as PostgreSQL
shows definitions differently from version to version. What was found there is kept under the home, for the server's
version and these migrations, so that a scratch database is made once a release and not each night (DECISIONS D181).
"""

import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from ledger.postgres.database import MIGRATIONS, AnyConnection, connect, migrate
from ledger.settings import Settings

_DEFINITIONS = """
WITH ours AS (SELECT oid FROM pg_namespace WHERE nspname IN ('public', 'desk'))
SELECT 'trigger ' || tgname || ' of ' || relname, pg_get_triggerdef(t.oid) || ' ' || tgenabled::text
FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid WHERE NOT tgisinternal AND relnamespace IN (TABLE ours)
UNION ALL
SELECT 'trigger of key ' || conname || ' of ' || relname, string_agg(tgenabled::text, '' ORDER BY tgtype, relname)
FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid JOIN pg_constraint k ON k.oid = tgconstraint
WHERE tgisinternal AND relnamespace IN (TABLE ours) GROUP BY conname, relname
UNION ALL
SELECT 'function ' || proname, pg_get_functiondef(p.oid) FROM pg_proc p
WHERE pronamespace IN (TABLE ours) AND prokind = 'f' AND NOT EXISTS (
    SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
UNION ALL
SELECT 'constraint ' || conname || ' of ' || relname, pg_get_constraintdef(k.oid) || ' ' || convalidated::text
FROM pg_constraint k JOIN pg_class c ON c.oid = conrelid
WHERE k.connamespace IN (TABLE ours) AND contype IN ('c', 'p', 'u', 'f', 'x')
UNION ALL
SELECT 'unique index ' || i.relname, pg_get_indexdef(i.oid) || ' ' || indisvalid::text
FROM pg_index x JOIN pg_class i ON i.oid = indexrelid
WHERE indisunique AND i.relnamespace IN (TABLE ours)
UNION ALL
SELECT 'rule ' || rulename || ' of ' || relname, pg_get_ruledef(r.oid)
FROM pg_rewrite r JOIN pg_class c ON c.oid = ev_class
WHERE relnamespace IN (TABLE ours) AND relkind IN ('r', 'p')
"""
_SETTINGS = """
SELECT setting FROM pg_db_role_setting s LEFT JOIN pg_database d ON d.oid = setdatabase, unnest(setconfig) setting
WHERE (setdatabase = 0 OR datname = current_database()) AND setting LIKE 'session_replication_role=%'
"""
"""A database or role whose sessions begin with the guards off."""


@dataclass(frozen=True)
class Guards:
    """The verdict on the guards. `compared` counts them, zero where no scratch database may be made."""

    compared: int
    problems: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """Return the verdict as a seal has it."""
        if self.problems:
            return "broken"
        return "whole" if self.compared else "not compared"


def guards_in_force(url: str) -> Guards:
    """Compare the guards with those that the migrations make."""
    with connect(url) as connection:
        there = _definitions(connection)
        off = [row[0] for row in connection.execute(_SETTINGS)]
        version = connection.info.server_version
    due = _due(url, version)
    problems = [f"{setting} is set for all sessions: guards are off" for setting in off]
    if due is None:
        return Guards(0, tuple(problems))
    return Guards(len(due), (*problems, *_unlike(due, there)))


def _unlike(due: dict[str, str], there: dict[str, str]) -> Iterator[str]:
    for name in sorted(due.keys() | there.keys()):
        if name not in there:
            yield f"{name} is missing"
        elif name not in due and name.startswith(("trigger", "rule")):
            yield f"{name} is not of Tiffin's making"
        elif due.get(name, there[name]) != there[name]:
            yield f"{name} is not as it was made: {' '.join(there[name].split())[:200]}"


def _definitions(connection: AnyConnection) -> dict[str, str]:
    return dict(connection.execute(_DEFINITIONS).fetchall())


def _due(url: str, version: int) -> dict[str, str] | None:
    """Return what the migrations make on this server, None where no database may be made."""
    kept = _folder() / f"guards-{version}-{_migrations()}.json"
    try:
        found: dict[str, str] = json.loads(kept.read_text())
    except (OSError, ValueError):
        made = _made(url)
        if made is None:
            return None
        found = made
        kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside = kept.with_name(f".{kept.name}.{os.getpid()}")
        beside.write_text(json.dumps(found, indent=1))
        beside.replace(kept)
    return found


def _folder() -> Path:
    return Settings().home.expanduser() / "guards"


def _migrations() -> str:
    total = sha256(_DEFINITIONS.encode())
    for path in sorted((MIGRATIONS / "versions").glob("[0-9]*.py")):
        total.update(path.read_bytes())
    return total.hexdigest()[:16]


def _made(url: str) -> dict[str, str] | None:
    """Migrate a scratch database and return the definitions that are in it."""
    name = f"tiffin_guards_{secrets.token_hex(6)}"
    with connect(url, autocommit=True) as connection:
        try:
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        except psycopg.errors.InsufficientPrivilege:
            return None
        try:
            scratch = _on(url, name)
            migrate(scratch)
            with connect(scratch) as made:
                return _definitions(made)
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _on(url: str, name: str) -> str:
    """Return the URL of another database on the same server."""
    return urlsplit(url)._replace(path=f"/{name}").geturl()
