"""OFX, CSV by a layout, MT942, camt.052 and camt.054, archives: read as the rest, or refused in one sentence."""

import io
import json
import zipfile
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from ledger.bank.core.csv_file import Layout, headers
from ledger.bank.core.read_file import read
from ledger.bank.core.statement import Statement, fault
from ledger.errors import Failure
from tests.ledger.bank import written
from tests.ledger.bank.test_importing import BOOK
from tests.ledger.bank.test_reading import entry, stmt
from tests.typed import tiffin

OFX = """OFXHEADER:100
DATA:OFXSGML
VERSION:102
SECURITY:NONE
ENCODING:USASCII
CHARSET:1252
COMPRESSION:NONE
OLDFILEUID:NONE
NEWFILEUID:NONE

<OFX><SIGNONMSGSRSV1><SONRS><STATUS><CODE>0<SEVERITY>INFO</STATUS><DTSERVER>20240331<LANGUAGE>ENG</SONRS></SIGNONMSGSRSV1>
<BANKMSGSRSV1><STMTTRNRS><TRNUID>1<STATUS><CODE>0<SEVERITY>INFO</STATUS><STMTRS><CURDEF>EUR
<BANKACCTFROM><BANKID>10000000<ACCTID>0123456789<ACCTTYPE>CHECKING</BANKACCTFROM>
<BANKTRANLIST><DTSTART>20240301<DTEND>20240331
<STMTTRN><TRNTYPE>CREDIT<DTPOSTED>20240305000000[+3:MSK]<TRNAMT>50.25<FITID>F-0001<NAME>Alice<MEMO>alice-1 lunches</STMTTRN>
<STMTTRN><TRNTYPE>DEBIT<DTPOSTED>20240306120000<TRNAMT>-7.00<FITID>F-0002<NAME>Rent</STMTTRN>
</BANKTRANLIST><LEDGERBAL><BALAMT>143.25<DTASOF>20240331</LEDGERBAL></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>
"""


def moves(statement: Statement) -> list[tuple[str, str, str]]:
    return [(str(each.booked_on), f"{each.amount:.2f}", each.name) for each in statement.entries]


def test_an_ofx_is_read_on_the_bank_s_own_days() -> None:
    """Midnight in Moscow is the day before in Greenwich: the day that the bank wrote counts."""
    (statement,) = read(OFX.encode(), "f")
    assert (statement.account, statement.currency, statement.checked) == ("10000000/0123456789", "EUR", False)
    assert moves(statement) == [("2024-03-05", "50.25", "Alice"), ("2024-03-06", "-7.00", "Rent")]
    assert statement.entries[0].bank_reference == "F-0001"
    assert fault(statement) is None


@pytest.mark.parametrize(
    "broken", [OFX[:-60], OFX.replace("<TRNAMT>50.25", "<TRNAMT>fifty"), OFX.replace("20240305000000", "someday")]
)
def test_a_broken_ofx_is_one_sentence(broken: str) -> None:
    """Cut short, or with what is no amount and no day."""
    with pytest.raises(Failure) as failure:
        read(broken.encode(), "march.ofx")
    assert str(failure.value).startswith("march.ofx: ")
    assert "\n" not in str(failure.value)


SPARKASSE = Layout("EUR", {"date": "Buchungstag", "amount": "Betrag", "name": "Name", "text": "Verwendungszweck"})
GERMAN = """Kontoauszug für;DE91100000000123456789

Buchungstag;Name;Verwendungszweck;Betrag
05.03.2024;Müller;household-900, danke;1.700,50
06.03.2024;Miete;"März; Büro";-7,00

Summe;;;1.693,50
"""


def test_a_csv_is_read_by_its_layout() -> None:
    """Lines before the headers, sums below the entries, thousands with points, cp1252."""
    (statement,) = read(GERMAN.encode("cp1252"), "f", ("DE91", SPARKASSE))
    assert moves(statement) == [("2024-03-05", "1700.50", "Müller"), ("2024-03-06", "-7.00", "Miete")]
    assert headers(GERMAN) == ["Buchungstag", "Name", "Verwendungszweck", "Betrag"]
    assert Layout.restored(SPARKASSE.stored()) == SPARKASSE


BALANCES = "Date,In,Out,Balance\n2024-03-06,,7.00,143.25\n2024-03-05,50.25,,150.25\n"
TWO = {"date": "Date", "money_in": "In", "money_out": "Out", "balance": "Balance"}


def test_balances_of_a_csv_are_held_against_its_amounts() -> None:
    """Newest first or last; a line that is missing is seen."""
    (statement,) = read(BALANCES.encode(), "f", ("X", Layout("EUR", TWO)))
    assert (statement.opening, statement.closing) == (Decimal("100.00"), Decimal("143.25"))
    assert [str(each.amount) for each in statement.entries] == ["50.25", "-7.00"]
    with pytest.raises(Failure, match="has balances that do not follow from its amounts"):
        read(BALANCES.replace("143.25", "142.25").encode(), "f", ("X", Layout("EUR", TWO)))


ONE = {"date": "Date", "amount": "Amount"}


@pytest.mark.parametrize(
    ("content", "layout", "sentence"),
    [
        ("Date,Sum\n2024-03-05,1.00\n", Layout("EUR", ONE), "has no line with the headers Amount"),
        ("Date,Amount\n", Layout("EUR", ONE), "has no entry below its headers"),
        ("Date,Amount,Amount\n2024-03-05,1.00,2.00\n", Layout("EUR", ONE), "has two columns Amount"),
        ("Date;Amount\n2024-03-05;1,234\n", Layout("EUR", ONE), "has amounts that can be read in two ways"),
        ("Date;Amount\n2024-03-05;1,50\n2024-03-05;1.50\n", Layout("EUR", ONE), "can be read in two ways"),
        ("Date;Amount\n2024-03-05;1,5x0\n2024-03-05;1,2,3\n", Layout("EUR", ONE), "1,2,3 is not an amount"),
        ("Date;Amount\n05/03/2024;1.50\n", Layout("EUR", ONE), "05/03/2024 is not a date"),
        ("Date;Amount;Cur\n2024-03-05;1.50;USD\n", Layout("EUR", {**ONE, "currency": "Cur"}), "an entry is in USD"),
    ],
)
def test_a_csv_in_doubt_is_refused(content: str, layout: Layout, sentence: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(Failure) as failure:
        read(content.encode(), "f.csv", ("X", layout))
    assert sentence in str(failure.value)


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"date": "D"}, "needs the column of the amount"),
        ({"amount": "A"}, "needs the column of the date"),
        ({"date": "D", "amount": "A", "money_in": "I"}, "needs the column of the amount"),
        ({"date": "D", "amont": "A"}, "amont is not a column of a statement"),
    ],
)
def test_a_layout_says_what_it_lacks(columns: dict[str, str], sentence: str) -> None:
    """Date and amount, or money in and out."""
    with pytest.raises(ValueError, match=sentence):
        Layout("EUR", columns)


@pytest.mark.parametrize("form", ["", "%", "%Q", "%d%d", "%d.%m", "%d.%m.%Y %d", "day"])
def test_a_form_of_dates_says_day_month_and_year(form: str) -> None:
    """Before a file is read by it."""
    with pytest.raises(ValueError, match="has no day, month and year"):
        Layout("EUR", ONE, {"date_format": form})
    with pytest.raises(ValueError, match="XXX is not an ISO 4217 currency"):
        Layout("XXX", ONE)


def test_a_line_break_in_a_cell_is_one(tmp_path: Path) -> None:
    """Whose money it is, must not hang on what a bank put between two lines of a purpose."""
    content = b'Date;Amount;Text\r\n2024-03-05;1.50;"household-90\r\n0"\r\n2024-03-06;2.50;x\r\n'
    (statement,) = read(content, "f.csv", ("X", Layout("EUR", {**ONE, "text": "Text"})))
    assert [entry.text for entry in statement.entries] == ["household-90\n0", "x"]


def test_what_is_no_csv_is_one_sentence(tmp_path: Path) -> None:
    """A cell of a megabyte, bytes of a program, a marked file that is cut in a letter."""
    for content in (b"Date;Amount\n" + b"1" * 1_000_000, b"Date;Amount\n\0;1\n", b"\xff\xfeD\0a"):
        (tmp_path / "f.csv").write_bytes(content)
        with pytest.raises(Failure, match=r"^f\.csv: "):
            read(content, "f.csv", ("X", Layout("EUR", ONE)))


def zipped(**files: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()


def test_an_archive_is_its_files() -> None:
    """Each of its own kind; a file that is no statement refuses the whole, by name."""
    good = zipped(a=OFX.encode(), b=written.mt940(stmt(entry("5.00"))).encode())
    assert [len(each.entries) for each in read(good, "march.zip")] == [2, 1]
    for content, sentence in (
        (zipped(a=OFX.encode(), scan=b"%PDF-1.7"), "march.zip/scan: is not a bank statement"),
        (zipped(), "march.zip: is an archive"),
        (good[:-40], "march.zip: is an archive that cannot be read"),
        (zipped(inner=good), "is an archive with an archive in it"),
        (zipped(huge=b"0" * 50_000_001), "more than 50 MB"),
    ):
        with pytest.raises(Failure) as failure:
            read(content, "march.zip")
        assert sentence in str(failure.value)


def test_reports_of_the_day_have_sums_and_no_balances() -> None:
    """MT942, camt.052, camt.054: what is pending is left out of the sums."""
    day = stmt(entry("5.00", name="Anna", text="x"), entry("-2.00", name="B", text="y"), currency="EUR", number="2")
    for writer in (written.mt942, written.camt052, written.camt054):
        (statement,) = read(writer(day).encode(), "f")
        assert (statement.interim, statement.opening, statement.closing) == (True, None, None)
        assert [str(each.amount) for each in statement.entries] == ["5.00", "-2.00"]
        assert fault(statement) is None
    (wrong,) = read(written.mt942(day).replace(":90C:1EUR5,00", ":90C:1EUR6,00").encode(), "f")
    assert str(fault(wrong)).endswith("the bank reports 6.00 in, its entries come to 5.00 EUR; off by 1.00")


def test_a_csv_is_shown_first_and_its_layout_kept(database_url: str, tmp_path: Path) -> None:
    """Seen, kept, imported; without a layout the command says what to do."""
    assert tiffin(database_url, "post", "-", said="\n".join(map(json.dumps, BOOK))).returncode == 0
    account, file = "40702810000000074935", tmp_path / "march.csv"
    file.write_text("Дата;Сумма;Кто;За что\n05.03.2024;300,00;Анна;1000025\n06.03.2024;-7,00;Банк;комиссия\n")
    refused = tiffin(database_url, "import-bank", file, "--csv-of", account)
    assert (refused.returncode, refused.stderr[:44]) == (1, "tiffin: no CSV layout is saved for 407028100")
    columns = [word for pair in ("date=Дата", "amount=Сумма", "name=Кто", "text=За что") for word in ("--column", pair)]
    shown = tiffin(database_url, "bank-csv", account, file, "--currency", "RUB", *columns, "--save")
    assert shown.returncode == 0, shown.stderr
    assert "entries: 2; no balances to check against" in shown.stdout
    done = tiffin(database_url, "import-bank", file, "--csv-of", account, "--json")
    (statement,) = json.loads(done.stdout)["statements"]
    assert [(row["result"], row["account"]) for row in statement["entries"]] == [
        ("posted", 1000025),
        ("not imported", None),
    ]
    assert date(2024, 3, 5).isoformat() == statement["entries"][0]["booked_on"]
