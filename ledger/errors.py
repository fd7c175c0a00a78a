"""The one exception that users see as a sentence."""


class Failure(Exception):
    """Refused or failed: its text is one clear sentence, shown on stderr with exit code 1, no traceback."""
