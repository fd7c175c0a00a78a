"""`tiffin` as it is typed, in this process: one of its own takes most of a second to start."""

import io
import os
import subprocess
import sys
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from tempfile import TemporaryFile
from unittest.mock import patch

from ledger.cli import shared
from reports.cli import main as root


def tiffin(settings: str | dict[str, str], *words: object, said: str = "") -> subprocess.CompletedProcess[str]:
    """Return what the command prints about a database, or by settings, and its exit code."""
    typed = ["tiffin", *map(str, words)]
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with ExitStack() as then, TemporaryFile("w+") as given:
        given.write(said)
        given.seek(0)
        then.callback(os.umask, os.umask(0o022))
        for mine in (
            patch.dict(os.environ, {"TIFFIN_DATABASE_URL": settings} if isinstance(settings, str) else settings),
            patch.object(sys, "argv", typed),
            patch.object(sys, "stdin", given),
            patch.object(shared, "level", shared.level),
            patch.object(root.app, "registered_groups", [*root.app.registered_groups]),
            patch.object(root.app, "registered_commands", [*root.app.registered_commands]),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            then.enter_context(mine)
        try:
            root.main()
            code = 0
        except SystemExit as left:
            code = int(left.code or 0)
    printed = [stream.buffer.getvalue().decode() for stream in (out, err)]  # type: ignore[attr-defined]
    return subprocess.CompletedProcess(typed, code, *printed)
