"""The forms of file that a report is handed out in: their names and media types, in one place and cheap to import."""

from typing import Literal, get_args

Language = Literal["en", "ru"]
Form = Literal["csv", "json", "parquet", "xlsx", "html", "pdf"]
FORMS: tuple[Form, ...] = get_args(Form)

MEDIA_TYPES: dict[Form, str] = {
    "csv": "text/csv",
    "json": "application/json",
    "parquet": "application/vnd.apache.parquet",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "html": "text/html",
    "pdf": "application/pdf",
}
BINARY = ("parquet", "xlsx", "pdf")
"""Forms that are not for a terminal."""
NIGHTLY: tuple[Form, ...] = ("xlsx", "csv")
"""Forms that the nightly run writes."""
