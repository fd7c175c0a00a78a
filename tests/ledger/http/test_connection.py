"""Clients that stand still: those that read late get all their answers, those that stop for good are cut off."""

import json
import socket
import threading
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from ledger.http import connection
from ledger.http.connection import Connection
from tests.ledger.http.conftest import Served

PART = b"x" * (1 << 20)
WHOLE = b"GET /24 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


def test_a_stream_that_is_sent_whole_before_an_answer_is_read(door: Served) -> None:
    """Twenty megabytes of lines, more answers than sockets hold: the answers wait, the lines go on."""
    line = json.dumps({"type": "debit", "key": "k" * 200, "lines": []}).ljust(700) + "\n"
    body = line.encode() * 30_000
    with socket.socket() as client:
        client.settimeout(30)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 14)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 14)
        client.connect((door.client.base_url.host, door.client.base_url.port))
        head = f"POST /v1/commands HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n"
        client.sendall(f"{head}Content-Type: application/x-ndjson\r\nConnection: close\r\n\r\n".encode() + body)
        answers = b"".join(iter(lambda: client.recv(1 << 20), b""))
    assert answers.count(b'"invalid"') == 30_000
    assert len(answers) > 8_000_000


@pytest.fixture
def port(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Return the port of a server that answers with as many megabytes as the path names, and looks often."""
    monkeypatch.setattr(connection, "LOOK_SECONDS", request.param)
    monkeypatch.setattr(connection, "UNREAD_BYTES", 1 << 16)
    server = uvicorn.Server(uvicorn.Config(_megabytes, http=Connection, lifespan="off", log_level="critical"))
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield listening.getsockname()[1]
    server.should_exit = True
    thread.join(30)
    assert not thread.is_alive()


async def _megabytes(scope: Scope, receive: Receive, send: Send) -> None:
    many = int(scope["path"].strip("/"))
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    for _ in range(many):
        await send({"type": "http.response.body", "body": PART, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


@pytest.mark.parametrize("port", [0.2], indirect=True)
@pytest.mark.parametrize(
    ("sent", "later"),
    [(b"", b""), (b"GET / HT", b""), (b"GET /0 HTTP/1.1\r\nHost: a\r\n\r\n", b"GET /0 HT"), (WHOLE, b"")],
    ids=["nothing", "half a head", "half a second head", "reads nothing"],
)
def test_a_client_that_stands_still_is_cut_off(port: int, sent: bytes, later: bytes) -> None:
    """Half a head, and answers that nobody reads, do not keep a connection."""
    with socket.create_connection(("127.0.0.1", port), 4) as client:
        client.sendall(sent)
        if later:
            client.recv(1 << 10)
            client.sendall(later)
        if sent == WHOLE:
            threading.Event().wait(1)
        assert _all_of_it(client) < 24 << 20


@pytest.mark.parametrize("port", [0.8], indirect=True)
def test_a_client_that_reads_slowly_gets_everything(port: int) -> None:
    """Whoever goes on is waited for, here for longer than a client may stand still."""
    with socket.create_connection(("127.0.0.1", port), 30) as client:
        client.sendall(WHOLE)
        assert _all_of_it(client, pause=0.1) > 24 << 20


def _all_of_it(client: socket.socket, pause: float = 0) -> int:
    read = 0
    try:
        while part := client.recv(1 << 20, socket.MSG_WAITALL):
            read += len(part)
            threading.Event().wait(pause)
    except ConnectionResetError:
        pass
    return read
