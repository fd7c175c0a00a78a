"""The provider of logins (OpenID Connect) that identifies people for the dashboard, as the settings name it."""

import secrets
from urllib.parse import urlsplit

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from ledger.errors import Failure

LOOPBACK = ("127.0.0.1", "localhost", "::1")
REQUIRED = ("metadata_url", "client_id", "client_secret")


class Provider(BaseSettings):
    """A provider of logins (`TIFFIN_OIDC_…`), and the address that people type (`TIFFIN_DASHBOARD_URL`).

    `login_claim` names who somebody is; `role_claim` and `brands_claim` what they may do and see, unless `tiffin desk`
    sets it. Signed-in people stay so for `session_hours` at most.
    """

    model_config = SettingsConfigDict(env_prefix="TIFFIN_OIDC_", extra="ignore")

    metadata_url: str | None = None
    client_id: str | None = None
    client_secret: SecretStr | None = None
    login_claim: str = "email"
    role_claim: str = "tiffin_role"
    brands_claim: str = "tiffin_brands"
    session_hours: float = Field(12, gt=0, le=24 * 7)
    cookie_secret: SecretStr = Field(default_factory=lambda: SecretStr(secrets.token_urlsafe(32)))
    dashboard_url: str | None = Field(None, validation_alias="TIFFIN_DASHBOARD_URL")

    @property
    def is_set(self) -> bool:
        """Return whether there is a provider. Raises Failure when only parts of one are set."""
        missing = [name for name in REQUIRED if not getattr(self, name)]
        if len(missing) == len(REQUIRED):
            return False
        if missing:
            raise Failure(f"a provider of logins needs TIFFIN_OIDC_{missing[0].upper()}, too")
        return True

    def address(self, port: int) -> str:
        """Return scheme, host and port that browsers see. Raises Failure unless they are the network's over TLS."""
        url = urlsplit(self.dashboard_url or f"http://127.0.0.1:{port}")
        if url.scheme not in ("http", "https") or not url.hostname or url.path.strip("/") or url.query:
            raise Failure(f"TIFFIN_DASHBOARD_URL is {self.dashboard_url}, expected https://name, without a path")
        if url.scheme == "http" and url.hostname not in LOOPBACK:
            raise Failure(
                f"TIFFIN_DASHBOARD_URL is {self.dashboard_url}, which others on the network could read: "
                "serve it as https, with a proxy that ends TLS in front"
            )
        return f"{url.scheme}://{url.netloc}"
