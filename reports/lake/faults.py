"""What goes wrong with a lake's files, object store or disk, as one sentence instead of a library's traceback."""

import duckdb
import obstore
import polars as pl
from deltalake.exceptions import DeltaError

from ledger.errors import first_line

UNREADABLE = (
    pl.exceptions.PolarsError,
    pl.exceptions.PanicException,  # Polars panics where a file is shorter than its table's log states
    DeltaError,
    obstore.exceptions.BaseError,
    duckdb.Error,
    OSError,
)
"""What the libraries raise when a lake cannot be read or written."""


def sentence(error: BaseException, lake: str) -> str | None:
    """Return the sentence for an error that a lake's place or files raised; None for any other error."""
    if not isinstance(error, UNREADABLE):
        return None
    if "os error 28" in str(error) or "No space left" in str(error) or getattr(error, "errno", None) == 28:
        return f"no space left on the device: {first_line(error)}; free some and run it again: it continues"
    if isinstance(error, obstore.exceptions.BaseError) and not isinstance(error, FileNotFoundError):
        return f"the lake {lake} cannot be reached: {first_line(error)}"
    return f"the lake {lake} cannot be read or written: {first_line(error)}; tiffin verify names what is damaged"
