"""Run a night and be killed in it: `python -m tests.reports.lake.killed URL LAKE DAY AT`.

AT counts what leaves a trace outside the process: commits of Delta tables, objects written or
renamed. The process kills itself (SIGKILL: nothing is cleaned up) before the one numbered AT;
without AT it prints how many there were.
"""

import os
import signal
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from reports.lake import delta
from reports.lake.publish_cut import nightly_cut
from reports.lake.storage import Place


class _Fate:
    """Counts effects, and strikes at one."""

    def __init__(self, at: int | None) -> None:
        self.at, self.seen = at, 0

    def before(self, effect: Callable[..., Any]) -> Callable[..., Any]:
        def struck(*given: Any, **named: Any) -> Any:
            if self.seen == self.at:
                os.kill(os.getpid(), signal.SIGKILL)
            self.seen += 1
            return effect(*given, **named)

        return struck


def main(url: str, lake: str, day: str, at: str | None = None) -> None:
    """Make the cut, unless struck down."""
    fate = _Fate(int(at) if at else None)
    delta.write_deltalake = fate.before(delta.write_deltalake)  # type: ignore[assignment]
    Place.write = fate.before(Place.write)  # type: ignore[method-assign]
    Path.replace = fate.before(Path.replace)  # type: ignore[method-assign]
    nightly_cut(url, lake, date.fromisoformat(day))
    print(fate.seen)


if __name__ == "__main__":
    main(*sys.argv[1:])
