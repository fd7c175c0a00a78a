"""A connection of the door of which every wait has an end, also where its client stops in the middle.

uvicorn waits forever for the rest of a request's head, and for a client that stops reading.
"""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LOOK_SECONDS = 30
"""A client that stands still is cut off at the second look that finds it so: after 30 to 60 seconds."""
UNREAD_BYTES = 16 << 20
"""Answers kept for a client that does not read yet: many programs send a whole stream first, 100,000 lines here."""


class Connection(HttpToolsProtocol):
    """uvicorn's connection, which is looked at now and then."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Start to look."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=UNREAD_BYTES)
        self._stood: int | None = None
        self._timer = self.loop.call_later(LOOK_SECONDS, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop looking."""
        self._timer.cancel()
        super().connection_lost(exc)

    def _look(self) -> None:
        stands = self._stands()
        if stands is not None and stands == self._stood:
            self.transport.abort()
            return
        self._stood = stands
        self._timer = self.loop.call_later(LOOK_SECONDS, self._look)

    def _stands(self) -> int | None:
        """Return what the client has not read, 0 where it owes the rest of a request's head; None when neither."""
        if unread := self.transport.get_write_buffer_size():
            return unread
        between = self.cycle is None or self.cycle.response_complete
        return 0 if between and self.timeout_keep_alive_task is None else None
