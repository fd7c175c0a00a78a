"""Seal a paper: a PAdES signature, baseline B-B (ETSI EN 319 142-1), by the company's own key and certificate.

The key is a PKCS#12 file, or one a brand (CODE.p12) in a folder. The signed paper is still PDF/A-3a and PDF/UA-1: its
field is invisible, tagged as a form and named, and is in the file before the signature, which only adds to it. The
signature carries the time of signing, so the same paper sealed twice is two files: the register keeps the issued one.
A proof of another kind (of the closed day's own seal, say) may be one more embedded file (DECISIONS D153).
"""

import io
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pydyf

from ledger.errors import Failure, reason
from ledger.values.text import printable
from reports.documents.design import SigningKey

FIELD = "Seal"


def add_field(pdf: pydyf.PDF, name: str) -> None:
    """Add an empty, invisible signature field to a drawn document, as PDF/UA wants one: named, and tagged as a form."""
    page = pdf.objects[pdf.pages["Kids"][0]]  # kids are a flat list: number, generation, R
    root = pdf.objects[_number(pdf.catalog["StructTreeRoot"])]
    document = pdf.objects[_number(root["K"][0] if isinstance(root["K"], list) else root["K"])]
    tree = pdf.objects[_number(root["ParentTree"])]["Nums"]
    key = max(tree[::2]) + 1
    widget = pydyf.Dictionary(
        {
            "Type": "/Annot",
            "Subtype": "/Widget",
            "FT": "/Sig",
            "T": pydyf.String(FIELD),
            "TU": pydyf.String(name),
            "Rect": pydyf.Array((0, 0, 0, 0)),
            "F": 132,
            "P": page.reference,
            "StructParent": key,
        }
    )
    pdf.add_object(widget)
    pointer = pydyf.Dictionary({"Type": "/OBJR", "Obj": widget.reference, "Pg": page.reference})
    form = pydyf.Dictionary(
        {
            "Type": "/StructElem",
            "S": "/Form",
            "P": document.reference,
            "Pg": page.reference,
            "K": pydyf.Array([pointer.data]),
            "Alt": pydyf.String(name),
        }
    )
    pdf.add_object(form)
    document["K"].append(form.reference)
    tree.extend((key, form.reference))
    page["Annots"] = pydyf.Array([*page.get("Annots", ()), widget.reference])
    page["Tabs"] = "/S"
    pdf.catalog["AcroForm"] = pydyf.Dictionary({"Fields": pydyf.Array([widget.reference]), "SigFlags": 3})


def _number(reference: bytes | str) -> int:
    return int(reference.split()[0])


def sealed(content: bytes, key: Path, password: str | None) -> bytes:
    """Return a paper with its field signed. Raises Failure when the key cannot be used."""
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign import fields, signers

    class Writer(IncrementalPdfFileWriter):
        def _update_meta(self) -> None:
            # A new date of change would rewrite the XMP, and lose the schema of PDF/UA in it.
            pass

    facts = signers.PdfSignatureMetadata(
        field_name=FIELD, subfilter=fields.SigSeedSubFilter.PADES, md_algorithm="sha256"
    )
    signed = signers.sign_pdf(Writer(io.BytesIO(content)), facts, signer=signer(key, password))
    return bytes(signed.getvalue())


@cache
def signer(key: Path, password: str | None) -> Any:
    """Return who signs, read once a process. Raises Failure for a key that cannot be read or is out of its time."""
    from pyhanko.sign import signers

    try:
        found = signers.SimpleSigner.load_pkcs12_data(
            key.read_bytes(), other_certs=[], passphrase=password.encode() if password else None
        )
    except OSError as error:
        raise Failure(f"cannot read the seal's key {key}: {reason(error)}") from None
    except Exception as error:  # whatever a damaged file makes the libraries raise
        raise Failure(f"cannot use the seal's key {key}: {printable(str(error))}") from None
    if found is None or found.signing_cert is None:
        raise Failure(f"cannot use the seal's key {key}: the password is wrong, or it has no certificate with its key")
    certificate = found.signing_cert
    if not certificate.not_valid_before <= datetime.now(UTC) <= certificate.not_valid_after:
        raise Failure(
            f"the seal's certificate in {key} is valid from {certificate.not_valid_before:%Y-%m-%d} "
            f"to {certificate.not_valid_after:%Y-%m-%d}, not now"
        )
    return found


def usable(seal: SigningKey | None) -> None:
    """Raise a Failure when a seal is wanted and its keys cannot be used: before the first paper of many."""
    if seal is None:
        return
    files = sorted(seal.path.glob("*.p12")) if seal.path.is_dir() else [seal.path]
    if not files:
        raise Failure(f"TIFFIN_CERTIFICATE names the folder {seal.path}, which has no file BRAND.p12")
    for file in files:
        signer(file, seal.password)
