"""Sealed papers: signed, and still what two validators call PDF/A-3a and PDF/UA-1."""

import io
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from cryptography.x509.oid import NameOID
from pyhanko.pdf_utils.reader import PdfFileReader

from ledger.errors import Failure
from ledger.settings import Settings
from reports.documents import render
from reports.documents.bulk import render_statements
from reports.documents.design import KINDS, Design, Kind, SigningKey, design_of
from reports.documents.papers import Issuing, issued_pdf
from reports.documents.register import Register
from tests.reports.documents.inspected import complaints
from tests.reports.documents.samples import PIZZA, sample
from tests.reports.documents.test_bulk import MONTH, files, march
from tests.reports.documents.test_papers import by_an_agent

__all__ = ["march"]

OWING = [("debit", "-75.25")]


def key_file(path: Path, *, name: str = "Sushi House", days: int = 36500) -> Path:
    """Write a key and a certificate of its own, valid from 2017, and return the file."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    since = datetime(2017, 1, 1, tzinfo=UTC)
    usage = x509.KeyUsage(True, True, False, False, False, False, False, False, False)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(since)
        .not_valid_after(since + timedelta(days=days))
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    content = pkcs12.serialize_key_and_certificates(b"seal", key, certificate, None, BestAvailableEncryption(b"secret"))
    path.write_bytes(content)
    return path


@pytest.fixture
def seal(tmp_path: Path) -> SigningKey:
    """Return a company's seal."""
    return SigningKey(key_file(tmp_path / "seal.p12"), "secret")


def verdict(file: Path) -> str:
    """Return what poppler says of a file's signatures."""
    return subprocess.run(["pdfsig", "-nocert", str(file)], check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("kind", KINDS)
def test_a_sealed_paper_is_signed_and_passes_both_validators(kind: Kind, seal: SigningKey, tmp_path: Path) -> None:
    """A signature over the whole file, of the company's key, on an accessible archive file."""
    file = tmp_path / "paper.pdf"
    file.write_bytes(render.pdf(by_an_agent(), Design(kind, "ru", seal=seal)))
    assert complaints(file) == []
    said = verdict(file)
    assert "Signature is Valid" in said
    assert "ETSI.CAdES.detached" in said
    assert "Total document signed" in said
    assert "Sushi House" in said


def test_a_figure_changed_after_the_seal_is_found(seal: SigningKey, tmp_path: Path) -> None:
    """One byte of the embedded data is enough."""
    content = bytearray(render.pdf(sample(OWING), Design(seal=seal)))
    content[len(content) // 3] ^= 1
    file = tmp_path / "paper.pdf"
    file.write_bytes(bytes(content))
    assert "Signature is Valid" not in verdict(file)


def test_every_paper_is_read_by_a_strict_reader() -> None:
    """No object is counted in the index of a stream that does not have it."""
    with_gone_elements = render.pdf(sample([("debit", "-1.25")] * 120))
    reader = PdfFileReader(io.BytesIO(with_gone_elements))
    assert str(reader.trailer["/Info"]["/Producer"]).startswith("WeasyPrint")


def test_the_register_gives_the_sealed_paper_out_again(seal: SigningKey, tmp_path: Path) -> None:
    """A signature has a time in it: printed again it is the file of then, not a new signature."""
    register, design = Register(tmp_path / "papers"), Design("invoice", seal=seal)
    assert issued_pdf(sample(OWING), design, register) == issued_pdf(sample(OWING), design, register)


def test_each_brand_seals_with_its_own_key(tmp_path: Path) -> None:
    """A folder of keys: pizza has one, sushi has none and goes out unsealed; no code leads out of the folder."""
    key_file(tmp_path / "pizza.p12", name="Pizza Rome")
    seal = SigningKey(tmp_path, "secret")
    assert b"/ByteRange" not in render.pdf(sample(OWING), Design(seal=seal))
    assert b"/ByteRange" in render.pdf(sample(OWING, issuer=PIZZA), Design(seal=seal))
    assert seal.file("../pizza") is None


def test_a_months_papers_are_sealed(march, seal, tmp_path) -> None:
    """Those with an issuer; the account that no brand holds gets its statement for information."""
    done = render_statements(march.book(), MONTH, tmp_path / "out", issuing=Issuing(Design(seal=seal)), workers=1)
    assert (done.written, done.failed) == (3, [])
    assert sum(b"/ByteRange" in content for content in files(tmp_path / "out").values()) == 2


def test_a_key_that_cannot_be_used_stops_everything_before_the_first_paper(march, tmp_path) -> None:
    """No file, no key, a wrong password, a certificate out of its time: one sentence each."""
    (tmp_path / "torn.p12").write_bytes(b"torn")
    (tmp_path / "none").mkdir()
    late = key_file(tmp_path / "late.p12", days=30)
    for seal, sentence in (
        (SigningKey(tmp_path / "gone.p12"), r"cannot read the seal's key .*gone\.p12: no such file"),
        (SigningKey(tmp_path / "torn.p12"), r"cannot use the seal's key .*torn\.p12"),
        (SigningKey(late, "wrong"), r"cannot use the seal's key .*late\.p12"),
        (SigningKey(late, "secret"), r"is valid from 2017-01-01 to 2017-01-31, not now"),
        (SigningKey(tmp_path / "none"), r"TIFFIN_CERTIFICATE names the folder .*none, which has no file BRAND\.p12"),
    ):
        with pytest.raises(Failure, match=sentence):
            render_statements(march.book(), MONTH, tmp_path / "out", issuing=Issuing(Design(seal=seal)), workers=1)
    assert not (tmp_path / "out").exists()


def test_the_settings_name_the_key_and_never_show_the_password(monkeypatch, tmp_path) -> None:
    """TIFFIN_CERTIFICATE and TIFFIN_CERTIFICATE_PASSWORD; a printed design or setting has no password in it."""
    monkeypatch.setenv("TIFFIN_CERTIFICATE", str(tmp_path / "seal.p12"))
    monkeypatch.setenv("TIFFIN_CERTIFICATE_PASSWORD", "hunter2")
    settings = Settings()
    design = design_of(settings, "act")
    assert design.seal == SigningKey(tmp_path / "seal.p12", "hunter2")
    assert "hunter2" not in repr(settings) + repr(design)
