"""Open the door: a socket, the writers, uvicorn; and close it in good order."""

import asyncio
import json
import logging
import os
import socket
import stat
import sys
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path
from types import FrameType

import uvicorn

from ledger.errors import Failure
from ledger.http.app import Door, DoorSettings
from ledger.http.connection import Connection
from ledger.intake.levels import Level
from ledger.intake.writers import Writers
from ledger.postgres import tokens
from ledger.postgres.database import check_book, connect

DRAIN_SECONDS = 30
KEEP_ALIVE_SECONDS = 75
CONNECTIONS = 10_000


def serve(
    level: Level,
    url: str,
    *,
    listen: str | None = None,
    path: Path | None = None,
    writers: int = 2,
    hosts: Sequence[str] = (),
    replica_url: str | None = None,
    grace: float = 0.0,
    certificate: Path | None = None,
    key: Path | None = None,
    double: bool = False,
) -> None:
    """Serve until SIGTERM or SIGINT: then take no new work, answer every command that was accepted, and return.

    `listen` is HOST:PORT, `path` a Unix socket in its place. For `grace` seconds after the signal it still takes work
    and reports that it is not ready, so that a balancer can look elsewhere. A `double` has no database. Raises Failure
    where nobody may listen.
    """
    opened = _unix_socket(path) if path else _tcp_socket(*_address(listen or "127.0.0.1:8600"))
    local = path is not None or _is_local(opened.getsockname()[0])
    if double:
        if not local:
            raise Failure("a test double is for this machine alone")
    elif not _has_tokens(url) and not local:
        raise Failure("without a token only 127.0.0.1 or a socket may be listened on: see tiffin token create")
    intake = Writers(level, url, count=writers)
    name = () if path else (_address(listen or "")[0],) if listen else ()
    settings = DoorSettings(local=local, double=double, hosts=(*hosts, *name))
    door = Door(level, url, writers=intake, settings=settings, replica_url=replica_url)
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # our own log has the requests
    config = uvicorn.Config(
        door,
        loop="uvloop",
        http=Connection,
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=DRAIN_SECONDS,
        limit_concurrency=CONNECTIONS,
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )
    where = str(path) if path else "{}:{}".format(*opened.getsockname()[:2])
    listening = {"event": "listening", "at": where, "writers": writers, "pid": os.getpid()}
    try:
        _Server(config, door, grace, json.dumps(listening)).run(sockets=[opened])
    finally:
        if path:
            path.unlink(missing_ok=True)


def _has_tokens(url: str) -> bool:
    with connect(url) as connection:
        check_book(connection)
        return bool(tokens.callers(connection)[0])


class _Server(uvicorn.Server):
    """uvicorn, which first reports that it is not ready."""

    def __init__(self, config: uvicorn.Config, door: Door, grace: float, listening: str) -> None:
        super().__init__(config)
        self._door, self._grace, self._listening = door, grace, listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then announce the address."""
        await super().startup(sockets)
        self._door.settings.log(self._listening)
        sys.stderr.flush()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Drain at a signal; at a second one wait for nobody. The process then ends with 0: it stopped as requested."""
        if self._door.draining:
            self.force_exit = self.should_exit = True
            return
        self._door.draining = True
        if self._grace:
            asyncio.get_running_loop().call_later(self._grace, self._leave)
        else:
            self._leave()

    def _leave(self) -> None:
        self.should_exit = True


def _address(listen: str) -> tuple[str, int]:
    host, colon, port = listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isdecimal() or int(port) > 65535:
        raise Failure(f"--listen is {listen!r}, expected HOST:PORT such as 127.0.0.1:8600")
    return host, int(port)


def _tcp_socket(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        opened = socket.socket(family, kind, protocol)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(address)
    except OSError as error:
        raise Failure(f"cannot listen on {host}:{port}: {error.strerror or error}") from None
    return opened


def _unix_socket(path: Path) -> socket.socket:
    """Return a socket that only this user can reach; one that a killed door left behind is replaced."""
    opened = socket.socket(socket.AF_UNIX)
    try:
        if path.exists() and stat.S_ISSOCK(path.stat().st_mode):
            with socket.socket(socket.AF_UNIX) as other:
                if not other.connect_ex(str(path)):
                    raise Failure(f"cannot listen on {path}: another door does")
            path.unlink()
        opened.bind(str(path))
        path.chmod(0o600)
    except OSError as error:
        raise Failure(f"cannot listen on {path}: {error.strerror or error}") from None
    return opened


def _is_local(host: str) -> bool:
    return ip_address(host).is_loopback
