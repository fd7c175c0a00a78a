"""After a night: the command that `TIFFIN_AFTER_NIGHT` names gets its outcome, as JSON on standard input.

Every night is reported, also one that failed or could not begin: whoever watches need not poll.
"""

import json
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from ledger.errors import Failure
from ledger.settings import Settings

SECONDS = 600


@contextmanager
def reported(settings: Settings) -> Iterator[dict[str, Any]]:
    """Report the night that runs meanwhile; it puts its facts into the dictionary yielded.

    Where it fails, `error` is why. Raises Failure when the command fails after a night that did not.
    """
    facts: dict[str, Any] = {"complete": False}
    try:
        yield facts
    except Exception as error:
        with suppress(Failure):
            report(settings, {**facts, "error": str(error)})
        raise
    report(settings, facts)


def report(settings: Settings, facts: dict[str, Any]) -> None:
    """Run the command, if one is set. Raises Failure when it fails: the report may then have reached nobody."""
    if not settings.after_night:
        return
    try:
        words = shlex.split(settings.after_night)
        done = subprocess.run(
            words, input=json.dumps(facts, default=str), text=True, capture_output=True, check=False, timeout=SECONDS
        )
    except (OSError, ValueError) as error:
        raise Failure(f"TIFFIN_AFTER_NIGHT, {settings.after_night!r}, cannot be run: {error}") from None
    except subprocess.TimeoutExpired:
        raise Failure(f"TIFFIN_AFTER_NIGHT, {settings.after_night!r}, did not end within {SECONDS} seconds") from None
    if done.returncode:
        output = (done.stderr.strip() or done.stdout.strip() or "it printed nothing").splitlines()[-1]
        raise Failure(f"TIFFIN_AFTER_NIGHT, {settings.after_night!r}, ended with {done.returncode}: {output}")
