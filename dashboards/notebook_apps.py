"""The notebooks as live apps, behind the dashboard's own login: a server of marimo, and the way to it (DECISIONS D209).

It runs in a process of its own, begun by the first who asks, without the settings that are secrets; it ends with the
dashboard. Only this program knows its token, and passes on what somebody asks who may see the figures of all brands.
No cookie of the dashboard's reaches it, and none of its own a browser.
"""

import asyncio
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Mapping

import httpx
import websockets
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket
from streamlit.web.server.starlette import starlette_websocket

from dashboards import access
from dashboards.guard import APPS
from ledger.errors import Failure
from reports.editions.run import paths
from reports.provider import Provider

SECONDS = 60
COOKIE = "_streamlit_user"
"""What Streamlit keeps the claims of a login in, signed."""
KEPT = ("HOME", "LAKE", "LANGUAGE", "PACK")
"""The settings that notebooks need: where the lake and the pack are, and the language."""
_CHILD = """
import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.buffer.read(), os._exit(0)), daemon=True).start()
sys.argv = ["marimo", *sys.argv[1:], "--token", "--token-password", os.environ.pop("NOTEBOOKS_TOKEN")]
from marimo._cli.cli import main
main()
"""
"""Ends when the dashboard does, however that ends: then nobody holds the other end of its standard input."""
_NOT_PASSED_ON = ("host", "cookie", "authorization", "connection", "transfer-encoding", "content-length", "set-cookie")


class NotebookApps:
    """Passes what is asked for under APPS on to the server of notebooks; everything else to the dashboard."""

    def __init__(self, app: ASGIApp, *, address: str) -> None:
        self.app = app
        self.address = address
        self.token = secrets.token_urlsafe(32)
        self.lock = asyncio.Lock()
        self.process: subprocess.Popen[bytes] | None = None
        self.at = ""
        self.client = httpx.AsyncClient(timeout=None, headers={"Authorization": f"Bearer {self.token}"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, or have it answered."""
        if scope["type"] not in ("http", "websocket") or not f"{scope['path']}/".startswith(APPS):
            await self.app(scope, receive, send)
            return
        refused = await run_in_threadpool(self.refused, HTTPConnection(scope).cookies)
        if scope["type"] == "websocket":
            await self._socket(WebSocket(scope, receive, send), refused)
        elif refused:
            await PlainTextResponse(refused, status_code=403)(scope, receive, send)
        else:
            try:
                answer = await self._answer(Request(scope, receive))
            except Failure as failure:
                answer = PlainTextResponse(str(failure), status_code=503)
            await answer(scope, receive, send)

    def refused(self, cookies: Mapping[str, str]) -> str:
        """Return why whoever sends these cookies may not see the notebooks, in a sentence; blank if they may."""
        try:
            who = person(cookies, self.address)
        except Failure as failure:
            return str(failure)
        return "" if who.may("figures") and who.brands is None else "notebooks are for those who may see all brands"

    async def _answer(self, request: Request) -> Response:
        headers = [(name, value) for name, value in request.headers.items() if name not in _NOT_PASSED_ON]
        url = f"http://{await self._begun()}{request.url.path}?{request.url.query}"
        asked = self.client.build_request(request.method, url, headers=headers, content=await request.body())
        found = await self.client.send(asked, stream=True)
        answer = StreamingResponse(found.aiter_raw(), found.status_code, background=BackgroundTask(found.aclose))
        answer.raw_headers = [
            (name.lower(), value) for name, value in found.headers.raw if name.decode().lower() not in _NOT_PASSED_ON
        ]
        return answer

    async def _socket(self, browser: WebSocket, refused: str) -> None:
        if refused:
            await browser.close(1008)
            return
        url = f"ws://{await self._begun()}{browser.url.path}?{browser.url.query}"
        own = {"Authorization": f"Bearer {self.token}"}
        async with websockets.connect(url, additional_headers=own, max_size=None) as server:
            await browser.accept()
            ways = [asyncio.create_task(way) for way in (self._up(browser, server), self._down(server, browser))]
            _, waiting = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in waiting:
                way.cancel()

    async def _up(self, browser: WebSocket, server: websockets.ClientConnection) -> None:
        while (message := await browser.receive())["type"] == "websocket.receive":
            if await run_in_threadpool(self.refused, browser.cookies):
                return
            await server.send(message.get("text") or message.get("bytes") or b"")

    async def _down(self, server: websockets.ClientConnection, browser: WebSocket) -> None:
        async for message in server:
            if await run_in_threadpool(self.refused, browser.cookies):
                break
            await (browser.send_text(message) if isinstance(message, str) else browser.send_bytes(message))
        await browser.close()

    async def _begun(self) -> str:
        """Return host and port of the server of notebooks, once it answers. Raises Failure where it does not."""
        async with self.lock:
            if self.process is not None and self.process.poll() is None:
                return self.at
            self.process, self.at = self._begin()
            for _ in range(SECONDS * 10):
                try:
                    await self.client.get(f"http://{self.at}{APPS}health")
                    return self.at
                except httpx.TransportError:
                    await asyncio.sleep(0.1)
            self.process.kill()
            raise Failure("the server of notebooks does not answer")

    def _begin(self) -> tuple[subprocess.Popen[bytes], str]:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            host, port = free.getsockname()
        folders = dict.fromkeys(str(path.parent) for path in reversed(paths().values()))
        words = ["run", *folders, "--host", host, "--port", str(port), "--headless", "--base-url", APPS.rstrip("/")]
        plain = {name: value for name, value in os.environ.items() if not name.startswith("TIFFIN_")}
        own = {f"TIFFIN_{name}": os.environ[f"TIFFIN_{name}"] for name in KEPT if f"TIFFIN_{name}" in os.environ}
        environment = {**plain, **own, "NOTEBOOKS_TOKEN": self.token}
        command = [sys.executable, "-c", _CHILD, *words]
        none = subprocess.DEVNULL
        process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=none, stderr=none)
        return process, f"{host}:{port}"


def person(cookies: Mapping[str, str], address: str) -> access.Person:
    """Return who sent a request, by the cookie of their login. Raises Failure unless somebody is logged in."""
    if not access.signs_in():
        return access.person()
    signed = starlette_websocket._get_signed_cookie_with_chunks(dict(cookies), COOKIE)
    claims = starlette_websocket._parse_decoded_user_cookie(signed, address) if signed else {}
    if not claims.get("is_logged_in"):
        raise Failure("log in to the dashboard first")
    return access.of_claims(claims, Provider())
