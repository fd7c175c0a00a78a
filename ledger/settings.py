"""Settings, read from the environment (`TIFFIN_…`): plain, for pydantic takes longer to load than a balance."""

import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from ledger.errors import Failure


def _variable(name: str, default: str | None = None, *, of: type = str, one_of: tuple[str, ...] = ()) -> Any:
    """Return what reads a field from the environment, when settings are made."""

    def read() -> object:
        value = os.environ.get(f"TIFFIN_{name}", default)
        if one_of and value not in one_of:
            raise Failure(f"TIFFIN_{name}: {value} is not one of {', '.join(one_of)}")
        return None if value is None else of(value)

    return read


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where the ledger and its lake live, and the language of screens and papers.

    `templates` is a folder of a company's own templates of papers, `sender` the address its letters come from.
    `seal` is the PKCS#12 file that seals papers, or a folder with one a brand, `seal_password` its password.
    `replica_url` is a read replica of the database, for questions; `log` is the form of log lines, on standard
    error. Raises Failure for a value that is none of those allowed.
    """

    home: Path = field(default_factory=_variable("HOME", ".tiffin", of=Path))
    database_url: str | None = field(default_factory=_variable("DATABASE_URL"))
    replica_url: str | None = field(default_factory=_variable("REPLICA_URL"))
    lake: str | None = field(default_factory=_variable("LAKE"))
    language: Literal["en", "ru"] = field(default_factory=_variable("LANGUAGE", "en", one_of=("en", "ru")))
    templates: Path | None = field(default_factory=_variable("TEMPLATES", of=Path))
    sender: str | None = field(default_factory=_variable("SENDER"))
    seal_key: str | None = field(default_factory=_variable("SEAL_KEY"), repr=False)
    seal: Path | None = field(default_factory=_variable("SEAL", of=Path))
    seal_password: str | None = field(default_factory=_variable("SEAL_PASSWORD"), repr=False)
    log: Literal["text", "json"] = field(default_factory=_variable("LOG", "text", one_of=("text", "json")))

    @cached_property
    def lake_url(self) -> str:
        """Return the lake's folder or object-store URL; by default `lake` under the home."""
        return self.lake or str(self.home.resolve() / "lake")
