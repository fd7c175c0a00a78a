"""`GET /v1/events`: what happened since a cursor, waited for if nothing did."""

import asyncio
import json
import time
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from ledger.errors import Failure
from ledger.http.problems import problem
from ledger.http.questions import whole_number
from ledger.postgres import feed
from ledger.postgres.tokens import Caller

if TYPE_CHECKING:
    from ledger.http.app import Door

LONGEST_WAIT = 60
POLL_SECONDS = 1.0
"""How often the feed is looked at for what others than this door's writers posted."""


async def events(door: "Door", request: Request, _: Mapping[str, str]) -> Response:
    """Answer the events after a cursor, in order, and the cursor after them; `wait` seconds for the first."""
    caller: Caller | None = request.scope.get("caller")
    if caller is not None and caller.brands is not None:
        return problem("forbidden", f"token {caller.name} is limited to {', '.join(sorted(caller.brands))}")
    after = request.query_params.get("after") or None
    most = whole_number(request.query_params.get("limit"), "limit") or feed.MOST
    wait = whole_number(request.query_params.get("wait"), "wait") or 0
    if most > feed.MOST:
        raise Failure(f"limit: {most} is more than {feed.MOST}")
    refusals = door.level.refusals()
    until = time.monotonic() + min(wait, LONGEST_WAIT)
    while True:
        posted = door.posted
        try:
            found, cursor = await door.primary.run(partial(feed.events, after=after, refusals=refusals, most=most))
        except feed.Gone as gone:
            return problem("gone", str(gone), cursor=gone.cursor)
        left = until - time.monotonic()
        if found or left <= 0 or door.draining:
            return Response(json.dumps({"events": found, "cursor": cursor}), media_type="application/json")
        after = cursor
        try:
            async with asyncio.timeout(min(left, POLL_SECONDS)):
                await posted.wait()
        except TimeoutError:
            continue
        await asyncio.sleep(0.05)  # what was posted together is sent together
