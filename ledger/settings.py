"""Settings, read from the environment (`TIFFIN_…`)."""

from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Where the ledger and its lake live, and the language of screens and papers.

    `templates` is a folder of a company's own templates of papers, `sender` the address its letters come from.
    `seal` is the PKCS#12 file that seals papers, or a folder with one a brand, `seal_password` its password.
    `replica_url` is a read replica of the database, for questions; `log` says how log lines, on standard error, are
    written.
    """

    model_config = SettingsConfigDict(env_prefix="TIFFIN_", extra="ignore")

    home: Path = Path(".tiffin")
    database_url: str | None = None
    replica_url: str | None = None
    lake: str | None = None
    language: Literal["en", "ru"] = "en"
    templates: Path | None = None
    sender: str | None = None
    seal_key: str | None = None
    seal: Path | None = None
    seal_password: SecretStr | None = None
    log: Literal["text", "json"] = "text"

    @cached_property
    def lake_url(self) -> str:
        """Return the lake's folder or object-store URL; by default `lake` under the home."""
        return self.lake or str(self.home.resolve() / "lake")
