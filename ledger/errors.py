"""The exceptions that users see as a sentence."""


class Failure(Exception):
    """Refused or failed: its text is one clear sentence, shown on stderr with exit code 1, no traceback."""


class GaveUp(Failure):
    """The database refused this batch for now (such as when a lock is not released); another may be carried out."""


def reason(error: OSError) -> str:
    """Return why the system refused, as the end of a sentence."""
    return (error.strerror or str(error)).lower()


LONGEST = 300


def first_line(error: BaseException) -> str:
    """Return an error's message on one line, not longer than a person reads."""
    line = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
