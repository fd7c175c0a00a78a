"""What stands before every request to the dashboard: the host it was sent to, its origin, and the token of a local one.

A name that an attacker lets point to this machine (DNS rebinding) is not ours, a page of somebody else's is not our
origin, and neither has the token. No page may be shown in another's frame.
"""

import hmac
import secrets
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEALTH = "/_stcore/health"
APPS = "/live/"
"""Where the notebooks are (dashboards/notebook_apps.py), whose pages are not Streamlit's."""
# Vega compiles its expressions: hence eval.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; worker-src 'self' blob:; connect-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

HEAD = b"<head><script>" + Path(__file__).with_name("history.js").read_bytes() + b"</script>"
"""What pages begin with (DECISIONS D201)."""


class Guard:
    """Let through what was sent to `address` itself; where there is a `token`, by browsers that have shown one.

    A token works once: it is exchanged for a cookie, and `announce` gets the next one, for another browser. An address
    that was left in a history, a chat or a log lets nobody in (DECISIONS D184).
    """

    def __init__(
        self, app: ASGIApp, *, address: str, token: str | None = None, announce: Callable[[str], object] | None = None
    ) -> None:
        self.app = app
        self.address = address
        self.token = token
        self.announce = announce or (lambda _: None)
        url = urlsplit(address)
        self.hosts = {url.netloc, *(f"{name}:{url.port}" for name in ("localhost", "127.0.0.1") if token)}
        self.origins = {f"{url.scheme}://{host}" for host in self.hosts}
        self.secure = url.scheme == "https"
        self.cookie = f"tiffin_{url.port or 443}"
        self.proof = secrets.token_urlsafe(32)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, or have it answered."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        refused = self._refused(scope, headers)
        if scope["type"] == "websocket":
            if refused:
                await send({"type": "websocket.close", "code": 1008})
                return
            await self.app(scope, receive, send)
            return

        own = f"{scope['path']}/".startswith(APPS)
        page = _Page(send)

        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._seal(MutableHeaders(scope=message))
            await (send(message) if own else page.send(message))

        if self._is_here(headers) and scope["path"] == "/overview":
            query = scope["query_string"].decode("latin-1")
            await RedirectResponse(f"/?{query}" if query else "/", status_code=307)(scope, receive, sealed)
        elif self._is_here(headers) and self._comes_with_token(scope, headers):
            await self._welcome(scope, receive, sealed)
        elif refused:
            await PlainTextResponse(refused, status_code=403)(scope, receive, sealed)
        else:
            # A page comes as it is, not compressed: its head is to be begun.
            plain = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
            is_page = "." not in scope["path"].rpartition("/")[2]
            await self.app({**scope, "headers": plain} if is_page else scope, receive, sealed)

    def _is_here(self, headers: dict[str, str]) -> bool:
        return headers.get("host", "").lower() in self.hosts

    def _refused(self, scope: Scope, headers: dict[str, str]) -> str | None:
        """Return why a request is not answered, in a sentence; None if it is."""
        if not self._is_here(headers):
            return "this name is not the dashboard's"
        origin = headers.get("origin")
        if origin not in (self.origins if scope["type"] == "websocket" else {None, *self.origins}):
            return "the request came from another site"
        if self.token is None or scope["path"] == HEALTH or self._has_shown(headers):
            return None
        return "the token is missing or was used before: open the address that tiffin dashboard wrote last"

    def _has_shown(self, headers: dict[str, str]) -> bool:
        try:
            found = SimpleCookie(headers.get("cookie", "")).get(self.cookie)
        except CookieError:
            return False
        return found is not None and hmac.compare_digest(found.value, self.proof)

    def _comes_with_token(self, scope: Scope, headers: dict[str, str]) -> bool:
        """Return whether an address has a token that lets its browser in; one that is in already needs none."""
        if self.token is None or scope["method"] != "GET":
            return False
        given = dict(parse_qsl(scope["query_string"].decode("latin-1"))).get("token", "")
        return hmac.compare_digest(given.encode(), self.token.encode()) or bool(given and self._has_shown(headers))

    async def _welcome(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send on to the same page, without the token, with the cookie; the next browser needs the next token."""
        query = parse_qsl(scope["query_string"].decode())
        path = f"/{scope['path'].lstrip('/')}"  # never //another.site
        rest = urlencode([(name, value) for name, value in query if name != "token"])
        # Lax: a browser that follows a link, such as that of the page in the home, sends no strict cookie.
        answer = RedirectResponse(f"{path}?{rest}" if rest else path, status_code=303)
        answer.set_cookie(self.cookie, self.proof, httponly=True, samesite="lax", secure=self.secure)
        if dict(query)["token"] == self.token:
            self.token = secrets.token_urlsafe(32)
            self.announce(self.token)
        await answer(scope, receive, send)

    def _seal(self, headers: MutableHeaders) -> None:
        for name, value in HEADERS.items():
            headers[name] = value
        if self.secure:
            cookies = headers.getlist("set-cookie")
            del headers["set-cookie"]
            for cookie in cookies:
                headers.append("set-cookie", cookie if "secure" in cookie.lower() else f"{cookie}; Secure")


class _Page:
    """What is answered to one request: of HTML the whole is awaited, and its head begun with HEAD."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None
        self._body = b""

    async def send(self, message: Message) -> None:
        """Pass a part of the answer on, now or when it is whole."""
        if message["type"] == "http.response.start":
            if not MutableHeaders(scope=message).get("content-type", "").startswith("text/html"):
                await self._send(message)
                return
            self._start = message
        elif self._start is None:
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                await self._whole(self._start)

    async def _whole(self, start: Message) -> None:
        headers = MutableHeaders(scope=start)
        body = self._body.replace(b"<head>", HEAD, 1) if start["status"] == 200 else self._body
        if body != self._body:
            headers["content-length"] = str(len(body))
            del headers["etag"], headers["last-modified"]
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body})
