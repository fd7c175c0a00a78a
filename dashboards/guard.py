"""What stands before every request to the dashboard: the host it was sent to, its origin, and the token of a local one.

A name that an attacker lets point to this machine (DNS rebinding) is not ours, a page of somebody else's is not our
origin, and neither has the token. No page may be shown in another's frame.
"""

import hashlib
import hmac
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEALTH = "/_stcore/health"
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


class Guard:
    """Let through what was sent to `address` itself; where there is a `token`, by who has shown it.

    The token comes once, in the address, and leaves a cookie made from it: it is in no later address, and in no log.
    """

    def __init__(self, app: ASGIApp, *, address: str, token: str | None = None) -> None:
        self.app = app
        self.address = address
        self.token = token
        url = urlsplit(address)
        self.hosts = {url.netloc, *(f"{name}:{url.port}" for name in ("localhost", "127.0.0.1") if token)}
        self.origins = {f"{url.scheme}://{host}" for host in self.hosts}
        self.secure = url.scheme == "https"
        self.cookie = f"tiffin_{url.port or 443}"
        self.proof = hmac.new((token or "").encode(), b"shown", hashlib.sha256).hexdigest()

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

        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._seal(MutableHeaders(scope=message))
            await send(message)

        if self._shows_token(scope) and self._is_here(headers):
            await self._welcome(scope, receive, sealed)
        elif refused:
            await PlainTextResponse(refused, status_code=403)(scope, receive, sealed)
        else:
            await self.app(scope, receive, sealed)

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
        return "open the address that tiffin dashboard wrote when it started: it has the token that is missing here"

    def _has_shown(self, headers: dict[str, str]) -> bool:
        try:
            found = SimpleCookie(headers.get("cookie", "")).get(self.cookie)
        except CookieError:
            return False
        return found is not None and hmac.compare_digest(found.value, self.proof)

    def _shows_token(self, scope: Scope) -> bool:
        if self.token is None or scope["method"] != "GET":
            return False
        given = dict(parse_qsl(scope["query_string"].decode("latin-1"))).get("token", "")
        return hmac.compare_digest(given.encode(), self.token.encode())

    async def _welcome(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send on to the same page, without the token, with the cookie."""
        query = [(name, value) for name, value in parse_qsl(scope["query_string"].decode()) if name != "token"]
        path = f"/{scope['path'].lstrip('/')}"  # never //another.site
        answer = RedirectResponse(f"{path}?{urlencode(query)}" if query else path, status_code=303)
        answer.set_cookie(self.cookie, self.proof, httponly=True, samesite="strict", secure=self.secure)
        await answer(scope, receive, send)

    def _seal(self, headers: MutableHeaders) -> None:
        for name, value in HEADERS.items():
            headers[name] = value
        if self.secure:
            cookies = headers.getlist("set-cookie")
            del headers["set-cookie"]
            for cookie in cookies:
                headers.append("set-cookie", cookie if "secure" in cookie.lower() else f"{cookie}; Secure")
