"""Settings, read from the environment (`TIFFIN_…`): plain, for pydantic takes longer to load than a balance."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal

from ledger.errors import Failure


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"{text} is not a whole number")
    return int(text)


def _variable(
    name: str,
    default: str | None = None,
    *,
    of: Callable[[str], Any] = str,
    one_of: tuple[str, ...] = (),
    before: str | None = None,
) -> Any:
    """Return what reads a field from the environment, when settings are made; `before` is a name that it had."""

    def read() -> object:
        value = os.environ.get(f"TIFFIN_{name}", default)
        if value is None and before and (value := os.environ.get(f"TIFFIN_{before}")) is not None:
            _warn_renamed(before, name)
        if one_of and value not in one_of:
            raise Failure(f"TIFFIN_{name}: {value} is not one of {', '.join(one_of)}")
        try:
            return None if value is None else of(value)
        except ValueError as error:
            raise Failure(f"TIFFIN_{name}: {error}") from None

    return read


@cache
def _warn_renamed(before: str, name: str) -> None:
    print(
        f"TIFFIN_{before} is called TIFFIN_{name} now; the next release no longer reads the old name", file=sys.stderr
    )


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where the ledger and its lake live, and the language of screens and papers.

    `templates` is a folder of a company's own templates of papers, `sender` the address its letters come from.
    `certificate` is the PKCS#12 file that seals papers, or a folder with one a brand, `certificate_password` its
    password; `seal_key` signs the seals of closed days, which is another thing.
    `retention` is for how many years documents are kept, by country of the brand; `after_night` is a command that is
    notified of each night. `pack` is the folder of a company's own reports, metrics, notebooks and names.
    `dashboard_url` is where people open the dashboard: figures in files link to their explanations there.
    `replica_url` is a read replica of the database, for questions; `log` is the form of log lines, on standard
    error. Of the lake's DuckDB files those of the latest `duckdb_days` are kept, and the last of each of the
    `duckdb_months` before. Raises Failure for a value that is none of those allowed.
    """

    home: Path = field(default_factory=_variable("HOME", ".tiffin", of=Path))
    database_url: str | None = field(default_factory=_variable("DATABASE_URL"))
    replica_url: str | None = field(default_factory=_variable("REPLICA_URL"))
    lake: str | None = field(default_factory=_variable("LAKE"))
    language: Literal["en", "ru"] = field(default_factory=_variable("LANGUAGE", "en", one_of=("en", "ru")))
    templates: Path | None = field(default_factory=_variable("TEMPLATES", of=Path))
    sender: str | None = field(default_factory=_variable("SENDER"))
    seal_key: str | None = field(default_factory=_variable("SEAL_KEY"), repr=False)
    certificate: Path | None = field(default_factory=_variable("CERTIFICATE", of=Path, before="SEAL"))
    certificate_password: str | None = field(
        default_factory=_variable("CERTIFICATE_PASSWORD", before="SEAL_PASSWORD"), repr=False
    )
    retention: str = field(default_factory=_variable("RETENTION", "RU=5,*=10"))
    after_night: str | None = field(default_factory=_variable("AFTER_NIGHT"))
    duckdb_days: int = field(default_factory=_variable("DUCKDB_DAYS", "14", of=_number))
    duckdb_months: int = field(default_factory=_variable("DUCKDB_MONTHS", "24", of=_number))
    pack: Path | None = field(default_factory=_variable("PACK", of=Path))
    dashboard_url: str | None = field(default_factory=_variable("DASHBOARD_URL"))
    log: Literal["text", "json"] = field(default_factory=_variable("LOG", "text", one_of=("text", "json")))

    @cached_property
    def pack_folder(self) -> Path:
        """Return the folder of the company's own pack; by default `pack` beside the home."""
        return self.pack.resolve() if self.pack else self.home.resolve().parent / "pack"

    @cached_property
    def lake_url(self) -> str:
        """Return the lake's folder or object-store URL; by default `lake` under the home."""
        return self.lake or str(self.home.resolve() / "lake")
