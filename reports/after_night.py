"""What is done after a night: the command that `TIFFIN_AFTER_NIGHT` names is told how it went, as JSON on its input.

It is told of every night, also of one that did not hold or could not begin: who watches must not have to ask.
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
def told(settings: Settings) -> Iterator[dict[str, Any]]:
    """Tell how the night went that is run meanwhile and puts its facts into what this yields.

    Where it fails, `error` is why. Raises Failure when the command fails after a night that did not.
    """
    facts: dict[str, Any] = {"complete": False}
    try:
        yield facts
    except Exception as error:
        with suppress(Failure):
            tell(settings, {**facts, "error": str(error)})
        raise
    tell(settings, facts)


def tell(settings: Settings, facts: dict[str, Any]) -> None:
    """Run the command, if one is set. Raises Failure when it fails: then nobody may have been told."""
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
        said = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()[-1]
        raise Failure(f"TIFFIN_AFTER_NIGHT, {settings.after_night!r}, ended with {done.returncode}: {said}")
