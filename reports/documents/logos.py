"""A brand's logo as a page can carry it: a data URL, or a file of the brand's own folder made into one.

The folder is brands/CODE in the company's folder of templates. A page reads no file by itself, so a picture that an
SVG names is never loaded.
"""

import base64
import mimetypes
from pathlib import Path

from ledger.errors import Failure, reason
from ledger.values.text import printable
from reports.documents.statement import Statement

TYPES = ("image/svg+xml", "image/png", "image/jpeg", "image/gif", "image/webp")
LARGEST_BYTES = 1_000_000


def logo(paper: Statement, templates: Path | None) -> str | None:
    """Return the issuer's logo as a data URL; None if it has none.

    Raises Failure for a logo that is neither a data URL of a picture nor a picture in the brand's folder.
    """
    issuer = paper.issuer
    if issuer is None or not issuer.logo:
        return None
    if issuer.logo.startswith("data:"):
        if issuer.logo.split(";")[0].split(",")[0].removeprefix("data:") not in TYPES:
            raise Failure(f"the logo of {issuer.code} is a data URL that is not a picture: {', '.join(TYPES)}")
        return issuer.logo
    wanted = f"brands/{issuer.code} in the folder that TIFFIN_TEMPLATES names"
    if templates is None:
        raise Failure(
            f"the logo of {issuer.code} is {printable(issuer.logo)}: it must be a data URL, or a file of {wanted}"
        )
    folder = (templates / "brands" / issuer.code).resolve()
    file = (folder / issuer.logo).resolve()
    # A code may hold a slash or dots: what counts is where the path ends.
    if not file.is_relative_to(folder) or not folder.is_relative_to(templates.resolve() / "brands"):
        raise Failure(f"the logo of {issuer.code} is {printable(issuer.logo)}, which is not in {wanted}")
    kind = mimetypes.guess_type(file.name)[0]
    if kind not in TYPES:
        raise Failure(
            f"the logo of {issuer.code} is {printable(issuer.logo)}, which is not a picture: {', '.join(TYPES)}"
        )
    return f"data:{kind};base64,{base64.b64encode(_content(file, issuer.code)).decode()}"


def _content(file: Path, code: str) -> bytes:
    try:
        if file.stat().st_size > LARGEST_BYTES:
            raise Failure(f"the logo of {code} has more than {LARGEST_BYTES:,} bytes: {file}")
        return file.read_bytes()
    except OSError as error:
        raise Failure(f"cannot read the logo of {code}, {file}: {reason(error)}") from None
