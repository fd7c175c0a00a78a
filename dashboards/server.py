"""Serve the dashboard: `python -m dashboards.server`, which `tiffin dashboard` starts, behind the guard."""

import os
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import streamlit as st
from starlette.middleware import Middleware

from dashboards.guard import Guard
from dashboards.notebook_apps import NotebookApps
from ledger.settings import Settings
from reports.cli.dashboard import announce
from reports.provider import Provider

HERE = Path(__file__).parent


def main() -> None:
    """Serve until stopped. Port, host to listen on and token come from `tiffin dashboard`, in the environment."""
    host, port = os.environ.get("TIFFIN_DASHBOARD_HOST", "127.0.0.1"), int(os.environ["TIFFIN_DASHBOARD_PORT"])
    token = os.environ.pop("TIFFIN_DASHBOARD_TOKEN", None)
    provider = Provider()
    if token is None and not provider.is_set:
        raise SystemExit("the dashboard needs a token or a provider of logins: start it with tiffin dashboard")
    address = provider.address(port)
    guard = Middleware(Guard, address=address, token=token, announce=partial(announce, Settings().home, address))
    secrets = {"auth": sign_in(provider, address)} if provider.is_set else {}
    url = urlsplit(address)
    options: dict[str, Any] = {
        "server.address": host,
        "server.port": port,
        "server.headless": True,
        "server.allowedHosts": [url.hostname, *(("localhost", "127.0.0.1") if token else ())],
        "server.corsAllowedOrigins": [address],
        "client.allowedOrigins": [address],
        "browser.serverAddress": url.hostname,
        "logger.level": "error",
    }
    apps = Middleware(NotebookApps, address=address)
    st.App(HERE / "app.py", middleware=[guard, apps], secrets=secrets).run(config=options)


def sign_in(provider: Provider, address: str) -> dict[str, Any]:
    """Return what `st.login` needs to know."""
    assert provider.client_secret is not None
    return {
        "redirect_uri": f"{address}/oauth2callback",
        "cookie_secret": provider.cookie_secret.get_secret_value(),
        "client_id": provider.client_id,
        "client_secret": provider.client_secret.get_secret_value(),
        "server_metadata_url": provider.metadata_url,
    }


if __name__ == "__main__":
    main()
