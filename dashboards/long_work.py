"""Work that takes longer than a page: a `tiffin` command in a process of its own, which a reload does not end.

One at a time: whoever presses again, in whichever tab, comes upon the one that is under way.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import IO

import streamlit as st

from dashboards.translations import as_markdown, sentence, tr

ROOT = Path(__file__).parents[1]
TIFFIN = "from reports.cli.main import main; main()"
SHOWN_LINES = 12


@dataclass
class Work:
    """A command under way, or done: who started it, and the file of its output."""

    command: tuple[str, ...]
    who: str
    process: "subprocess.Popen[bytes]"
    written: IO[bytes]
    since: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def is_done(self) -> bool:
        """Return whether it has ended."""
        return self.process.poll() is not None

    def lines(self) -> list[str]:
        """Return the last lines of its output."""
        return Path(self.written.name).read_text(encoding="utf-8", errors="replace").splitlines()[-SHOWN_LINES:]


_starting = Lock()
_latest: list[Work] = []


def latest() -> Work | None:
    """Return the work under way, or the last one."""
    return _latest[-1] if _latest else None


def start(command: Sequence[str], who: str) -> Work:
    """Start a command of `tiffin` as somebody's, or return the one that is under way."""
    with _starting:
        running = latest()
        if running is not None and not running.is_done:
            return running
        written = tempfile.NamedTemporaryFile(prefix="tiffin-", suffix=".log")  # noqa: SIM115 it lives as the work does
        path = os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", "")))
        process = subprocess.Popen(
            [sys.executable, "-c", TIFFIN, *command],
            env=os.environ | {"LOGNAME": who, "PYTHONPATH": path},
            stdout=written,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
        _latest[:] = [Work(tuple(command), who, process, written)]
        return _latest[0]


@st.fragment(run_every=1.0)
def _under_way() -> None:
    work = latest()
    if work is None or work.is_done:
        st.rerun()
    st.info(f"{sentence('under way')}: `tiffin {' '.join(work.command)}`", icon=":material/hourglass:")
    _draw_output(work)


def _draw_output(work: Work) -> None:
    lines = work.lines()
    if lines:
        st.code("\n".join(lines), language=None)


def draw() -> bool:
    """Draw the work under way, or how the last one ended; return whether it is still under way."""
    work = latest()
    if work is None:
        return False
    if not work.is_done:
        _under_way()
        return True
    what = f"`tiffin {' '.join(work.command)}` · {as_markdown(work.who)}"
    if work.process.returncode:
        st.error(f"{tr('failed')}: {what}", icon=":material/error:")
    else:
        st.success(f"{tr('done')}: {what}", icon=":material/check:")
    _draw_output(work)
    return False
