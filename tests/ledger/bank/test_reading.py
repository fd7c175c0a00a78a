"""Files as banks write them: every sample is read entry by entry, or refused in the sentence that is right."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.bank.core.read_file import read, read_file
from ledger.bank.core.statement import BankEntry, Statement, fault
from ledger.errors import Failure
from tests.ledger.bank import written

DATA = Path(__file__).parent / "data"
D = Decimal


def sample(name: str) -> list[Statement]:
    """Return the statements of a sample file."""
    return read_file(DATA / name)


def told(entry: BankEntry, *names: str) -> tuple[Any, ...]:
    """Return some of what is told of an entry."""
    return tuple(getattr(entry, name) for name in names)


def moves(statement: Statement) -> list[tuple[str, str]]:
    """Return day and amount of each entry."""
    return [(str(entry.booked_on), str(entry.amount)) for entry in statement.entries]


# ---- the samples


def test_a_month_of_statements_one_a_day() -> None:
    """ASN: 31 messages in SWIFT envelopes, references longer than the standard has."""
    statements = sample("mt940-asn.sta")
    assert [s.number for s in statements] == [str(day) for day in range(1, 32)]
    assert {(s.account, s.currency) for s in statements} == {("NL81ASNB9999999999", "EUR")}
    assert [fault(s) for s in statements] == [None] * 31
    assert (statements[0].opening, statements[30].closing) == (D("444.29"), D("501.23"))
    assert {s.number: moves(s) for s in statements if s.entries} == {
        "1": [("2020-01-01", "-65.00")],
        "5": [("2020-01-05", "1000.00"), ("2020-01-05", "-801.55")],
        "25": [("2020-01-25", "-1.65")],
        "29": [("2020-01-29", "828.72"), ("2020-01-29", "-1000.00")],
        "31": [("2020-01-31", "1000.18"), ("2020-01-31", "-903.76")],
    }
    assert "INTERNE OVERBOEKING VIA MOBIEL" in statements[4].entries[0].text


def test_pages_are_put_together() -> None:
    """betterplace: 26 messages of 20 accounts, five of them on pages; reversals, equal entries, SEPA fields."""
    statements = sample("mt940-betterplace-sepa.sta")
    assert [len(s.entries) for s in statements] == [
        7,
        2,
        5,
        3,
        5,
        1,
        8,
        11,
        12,
        9,
        1,
        12,
        1,
        3,
        4,
        7,
        3,
        1,
        1,
        1,
    ]
    assert [fault(s) for s in statements] == [None] * 20
    three = statements[11]
    assert (three.account, three.opening, three.closing) == (
        "50880050/0194785000888",
        D("-3612519.02"),
        D("-5113593.52"),
    )
    first = statements[0]
    assert [(str(e.amount), e.reversal) for e in first.entries] == [
        ("300", True),
        ("335.33", True),
        ("15000", True),
        ("66295.08", False),
        ("915311.55", True),
        ("-204.88", True),
        ("-999946.95", False),
    ]
    # Transfers of ours that came back (code 159) are reversals as much as a bank's own (RC, RD).
    assert told(statements[1].entries[0], "bank_reference", "end_to_end", "account", "name") == (
        "0724710290621954",
        "EndToEndIdTFNR2000400001",
        "DE42100100100043921105",
        "Richter Renate 70 Zeichen Beginn Fuellzeichen xxxxxxxx",
    )


def test_lines_of_a_bank_s_own() -> None:
    """Sberbank: `:NS:` instead of `:86:`, CRLF, letters lost before it was published."""
    (statement,) = sample("mt940-sberbank.sta")
    assert fault(statement) is None
    assert (statement.account, statement.currency, statement.number) == ("1966315302010001", "HUF", "46")
    assert moves(statement) == [("2017-10-11", "-2402.00"), ("2017-10-11", "-3460.00"), ("2017-10-11", "-3575.00")]
    assert "ERGO Eletbiztosito Zrt." in statement.entries[1].text


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (
            "mt940-abnamro.sta",
            "statement 19321 of 517852257 does not add up: opening balance 3236.28 + in 0.00 - out 321.44 = 2914.84, "
            "closing balance 876.84 EUR; off by 2038.00",
        ),
        (
            "mt940-ing.sta",
            "statement of 0001234567 up to 2010-07-23 does not add up: opening balance 0.00 + in 4.68 - out 50.27 = "
            "-45.59, closing balance 3.47 EUR; off by 49.06",
        ),
        (
            "mt940-postfinance.sta",
            "statement 999 of 123456789 does not add up: opening balance 0.00 + in 239.30 - out 79.90 = 159.40, "
            "closing balance 159.60 CHF; off by 0.20",
        ),
        (
            "camt053-v2-five-decimals.xml",
            "statement 12312 of NL26VAYB8060476890 does not add up: opening balance 18.15 + in 8.85 - out 0.00 = 27.00, "
            "closing balance 27.05 EUR; off by 0.05",
        ),
        (
            "1c-clbnk.txt",
            "statement of 40702810000000074935 up to 2024-04-11 does not add up: opening balance 252842.49 + in 0.00 - out "
            "156936.00 = 95906.49, closing balance 79245.05 RUB; off by 16661.44",
        ),
    ],
)
def test_what_does_not_add_up_is_refused_with_its_figures(name: str, sentence: str) -> None:
    """The publishers changed amounts, not balances."""
    assert fault(sample(name)[0]) == sentence


def test_what_stands_behind_the_closing_balance_is_not_the_last_entry_s() -> None:
    """ING: an `:86:` after `:62F:` sums the statement up."""
    (statement,) = sample("mt940-ing.sta")
    assert len(statement.entries) == 7
    assert "C28,71" not in statement.entries[-1].text
    assert {(e.booked_on, e.value_date) for e in statement.entries[:6]} == {(date(2010, 7, 22), date(2010, 7, 22))}


def test_statements_of_a_camt() -> None:
    """Two in one document, money in and out, value days of their own."""
    first, second = sample("camt053-v2-multi.xml")
    assert (first.number, first.opening, first.closing) == ("12312", D("18.15"), D("27.00"))
    assert told(first.entries[0], "booked_on", "value_date", "amount", "end_to_end", "text") == (
        date(2014, 12, 31),
        date(2015, 1, 2),
        D("8.85"),
        "000000001",
        "Transaction Description 1",
    )
    assert told(second.entries[0], "amount", "name", "account") == (
        D("-7.00"),
        "Company Name 2",
        "NL56AGDH9619008421",
    )
    assert (fault(first), fault(second)) == (None, None)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("camt053-v2-minimal.xml", "statement 253EURNL26VAYB8060476890: a balance is in SEK, the account in EUR"),
        ("camt053-v4.xml", "statement 253EURNL26VAYB8060476890: a balance is in SEK, the account in EUR"),
    ],
)
def test_what_contradicts_itself_is_refused(name: str, sentence: str) -> None:
    """Balances in other currencies."""
    with pytest.raises(Failure) as failure:
        sample(name)
    assert str(failure.value) == f"{name}: {sentence}"


def test_the_1c_sample_made_whole() -> None:
    """With the account as it was: windows-1251, both money out, and turnovers that tell of documents not in it."""
    text = (DATA / "1c-clbnk.txt").read_bytes().replace(b"40702810000000077777", b"40702810000000074935")
    (statement,) = read(text, "whole.txt")
    assert (statement.account, statement.currency) == ("40702810000000074935", "RUB")
    assert (statement.since, statement.until) == (date(2024, 1, 1), date(2024, 4, 11))
    assert moves(statement) == [("2024-01-01", "-6936.00"), ("2024-01-09", "-13056.00"), ("2024-01-10", "-150000.00")]
    assert told(statement.entries[1], "name", "tax_id", "account") == (
        "ИП Пупкин О.А.",
        "7123456789012",
        "40702810267020000630",
    )
    assert statement.entries[1].text == "Оплата по заказу клиента №9614, НДС не облагается"
    assert str(fault(statement)).startswith(
        "statement of 40702810000000074935 up to 2024-04-11 does not add up: opening balance"
    )


# ---- figures and encodings


def stmt(*entries: BankEntry, account: str = "40702810000000074935", currency: str = "RUB", **more: Any) -> Statement:
    """Return a statement of these entries in March 2024."""
    days = {"since": date(2024, 3, 1), "until": date(2024, 3, 31)}
    return Statement(account=account, currency=currency, entries=entries, **(days | more))


def entry(amount: str, day: int = 5, **more: Any) -> BankEntry:
    """Return an entry of March 2024."""
    on = date(2024, 3, day)
    return BankEntry(**({"booked_on": on, "value_date": on, "amount": D(amount), "bank_reference": "B1"} | more))


def test_zeros_behind_two_decimals_are_taken_other_figures_not() -> None:
    """18.150 is 18.15; 18.155 is refused."""
    (good,) = read(written.camt(stmt(entry("8.85000"))).encode(), "f")
    assert fault(good) is None
    (bad,) = read(written.camt(stmt(entry("8.855"))).encode(), "f")
    assert fault(bad) == "statement 1 of 40702810000000074935: 8.855 has more than two decimals"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1251", "cp866"])
def test_the_encoding_of_mt940_is_told_by_what_is_in_it(encoding: str) -> None:
    """No header says it."""
    said = entry("5.00", text="Оплата по договору за обеды сотрудников", name="ООО Ромашка")
    (statement,) = read(written.mt940(stmt(said)).encode(encoding), "f")
    assert told(statement.entries[0], "name") == ("ООО Ромашка",)
    assert "Оплата по договору за обеды сотрудников" in statement.entries[0].text


def test_western_letters_are_read_too() -> None:
    """latin-1, as many banks still write."""
    said = entry("5.00", text="Zahlung für das Mittagessen im März", name="Bäckerei Müller")
    (statement,) = read(written.mt940(stmt(said, currency="EUR")).encode("latin-1"), "f")
    assert statement.entries[0].name == "Bäckerei Müller"


@pytest.mark.parametrize(
    ("encoding", "claimed"), [("cp1251", "Windows"), ("cp866", "DOS"), ("utf-8", "UTF-8"), ("utf-8", "Windows")]
)
def test_the_encoding_of_1c_is_that_of_its_own_words(encoding: str, claimed: str) -> None:
    """Whatever the header claims."""
    said = stmt(entry("5.00", name="ООО Ромашка", tax_id="7736050003"))
    (statement,) = read(written.one_c(said, encoding=claimed).encode(encoding), "f")
    assert told(statement.entries[0], "name", "tax_id") == ("ООО Ромашка", "7736050003")


def test_a_document_between_two_accounts_of_ours_moves_both() -> None:
    """Once in the file with both days, or once for each."""
    ours, other = stmt(), stmt(account="40702810100000000002")
    text = written.one_c(ours, other)
    both = [
        "СекцияДокумент=Платежное поручение",
        "Номер=1",
        "Дата=05.03.2024",
        "Сумма=10.00",
        "ПлательщикСчет=40702810000000074935",
        "ПолучательСчет=40702810100000000002",
    ]
    went, came = "ДатаСписано=05.03.2024", "ДатаПоступило=06.03.2024"
    once = "\n".join([*both, went, came, "КонецДокумента", "КонецФайла"])
    twice = "\n".join([*both, went, "КонецДокумента", *both, came, "КонецДокумента", "КонецФайла"])
    for documents in (once, twice):
        first, second = read(text.replace("КонецФайла", documents).encode("cp1251"), "f")
        assert moves(first) == [("2024-03-05", "-10.00")]
        assert moves(second) == [("2024-03-06", "10.00")]


def test_an_order_not_carried_out_is_pending() -> None:
    """It has neither day, and is not in the turnovers."""
    text = written.one_c(stmt(entry("5.00"))).replace("ДатаПоступило=05.03.2024", "ДатаПоступило=")
    (statement,) = read(text.encode("cp1251"), "f")
    assert [(e.booked_on, e.pending) for e in statement.entries] == [(date(2024, 3, 5), True)]
    assert str(fault(statement)).startswith("statement of 40702810000000074935 up to 2024-03-31 does not add up")


def test_the_rouble_of_before_1998_is_the_rouble() -> None:
    """RUR is still written."""
    (statement,) = read(written.mt940(stmt(entry("5.00"), currency="RUR")).encode(), "f")
    assert (statement.currency, fault(statement)) == ("RUB", None)


def test_a_section_a_day_has_the_documents_of_its_day() -> None:
    """As some banks write an account's days."""
    days = [stmt(since=date(2024, 3, day), until=date(2024, 3, day)) for day in (5, 6)]
    text = written.one_c(*days).replace("КонецФайла", "")
    documents = written.one_c(stmt(entry("1.00", 6), entry("2.00", 5))).split("КонецРасчСчет\r\n")[1]
    first, second = read((text + documents).encode("cp1251"), "f")
    assert (moves(first), moves(second)) == ([("2024-03-05", "2.00")], [("2024-03-06", "1.00")])


def test_a_batch_is_its_parts_when_their_amounts_are_told() -> None:
    """Else it is one entry of so many payments."""
    whole = written.camt(stmt(entry("8.00", name="Anna")))
    part = whole.split("<TxDtls>")[1].split("</TxDtls>")[0]
    parts = [
        f"<TxDtls><Amt Ccy='RUB'>{amount}</Amt>{part.replace('Anna', name)}</TxDtls>"
        for amount, name in (("3.00", "Anna"), ("5.00", "Boris"))
    ]
    (told_apart,) = read(whole.replace(f"<TxDtls>{part}</TxDtls>", "".join(parts)).encode(), "f")
    assert [(str(e.amount), e.name, e.payments) for e in told_apart.entries] == [
        ("3.00", "Anna", 1),
        ("5.00", "Boris", 1),
    ]
    (one,) = read(whole.replace(f"<TxDtls>{part}</TxDtls>", f"<TxDtls>{part}</TxDtls>" * 2).encode(), "f")
    assert [(str(e.amount), e.name, e.payments) for e in one.entries] == [("8.00", "", 2)]


def test_what_is_pending_is_not_in_the_balance() -> None:
    """PDNG entries are told, and left out of the sum."""
    (statement,) = read(written.camt(stmt(entry("5.00"), entry("7.00", pending=True))).encode(), "f")
    assert [e.pending for e in statement.entries] == [False, True]
    assert (statement.money_in, fault(statement)) == (D("5.00"), None)


# ---- round trips

# What SWIFT's own field separators are not.
WORDS = st.text("abcdefgхцч 0123456789-", min_size=1, max_size=30).map(lambda text: " ".join(text.split())).filter(bool)
ENTRIES = st.builds(
    lambda cents, day, name, text, number, reversal: entry(
        str(D(cents).scaleb(-2)),
        day,
        name=f"x{name}",
        text=f"y{text}",
        bank_reference=f"N{number}",
        account="DE42100100100043921105",
        reversal=reversal,
    ),
    st.integers(-(10**12), 10**12).filter(bool),
    st.integers(1, 31),
    WORDS,
    WORDS,
    st.integers(0, 99999),
    st.booleans(),
)
STATEMENTS = st.builds(
    lambda entries, opening: stmt(*entries, currency="RUB", number="7", opening=D(opening).scaleb(-2)),
    st.lists(ENTRIES, max_size=8),
    st.integers(-(10**12), 10**12),
)


@settings(max_examples=60, deadline=None)
@given(STATEMENTS)
def test_what_is_written_is_read(statement: Statement) -> None:
    """Every figure, day, reference and name, in all three formats."""
    files = {
        "mt940": written.mt940(statement).encode(),
        "camt": written.camt(statement).encode(),
        "1c": written.one_c(statement).encode("cp1251"),
    }
    for kind, content in files.items():
        (found,) = read(content, kind)
        assert fault(found) is None
        assert (found.account, found.currency, found.opening) == (
            statement.account,
            statement.currency,
            statement.opening,
        )
        names = ["booked_on", "amount", "name", "account"] + (["reversal", "bank_reference"] if kind != "1c" else [])
        assert [told(e, *names) for e in found.entries] == [told(e, *names) for e in statement.entries]
        assert all(said.text in read_.text for said, read_ in zip(statement.entries, found.entries, strict=True))


# ---- nonsense

BOMB = """<!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02">&c;</Document>"""
OUTSIDE = """<!DOCTYPE d [<!ENTITY e SYSTEM "file:///etc/hostname">]>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt>&e;</BkToCstmrStmt></Document>"""
GOOD_MT = written.mt940(stmt(entry("5.00"), entry("-2.00")))
GOOD_1C = written.one_c(stmt(entry("5.00"), entry("-2.00")))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b" \r\n\r\n", "is empty"),
        (b"%PDF-1.7", "is not a bank statement in MT940, MT942, camt.052, camt.053,"),
        (b"PK\x03\x04", "is an archive that cannot be read"),
        (b"date;amount\n2024-01-01;5", "is not a bank statement in MT940, MT942, camt.052, camt.053,"),
        (BOMB.encode(), "has a DOCTYPE, which no camt file has"),
        (OUTSIDE.encode(), "has a DOCTYPE, which no camt file has"),
        (b"<html/>", "is not a camt.052, camt.053 or camt.054: it is html of no namespace"),
        (
            b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.056.001.02"/>',
            "is not a camt.052, camt.053 or camt.054: it is Document of urn:iso:std:iso:20022:tech:xsd:camt.056.001.02",
        ),
        (f'<Document xmlns="{written.CAMT}"/>'.encode(), "has no statement in it"),
        (written.camt(stmt(entry("5.00"))).encode()[:-30], "is not well-formed XML"),
        (written.camt(stmt(entry("5.00", name="ж"))).encode("cp1251"), "is not well-formed XML"),
        (written.camt(stmt(entry("5.00"))).replace("5.00", "5,00").encode(), "5,00 is not an amount"),
        (written.camt(stmt(entry("5.00"))).replace("2024-03-05", "05.03.2024").encode(), "05.03.2024 is not a date"),
        (
            GOOD_MT[: GOOD_MT.index(":62F")].encode(),
            "statement 1 of 40702810000000074935 has no closing balance: the file may be cut short",
        ),
        (GOOD_MT.replace(":61:240305", ":61:249999").encode(), "has a line that is not MT940"),
        (GOOD_MT.replace("C5,00", "C5,0,0").encode(), "has a line that is not MT940"),
        (GOOD_1C.removesuffix("КонецФайла\r\n").encode("cp1251"), "is cut short: its last line is not КонецФайла"),
        (GOOD_1C[:300].encode("cp1251"), "is cut short"),
        (GOOD_1C.replace("Сумма=5.00", "Сумма=5 рублей").encode("cp1251"), "Сумма=5 рублей is not an amount"),
        (GOOD_1C.replace("Сумма=5.00", "Сумма=NaN").encode("cp1251"), "Сумма=NaN is not an amount"),
        (
            GOOD_1C.replace("Поступило=05.03.2024", "Поступило=2024-03-05").encode("cp1251"),
            "ДатаПоступило=2024-03-05 is not a date, expected DD.MM.YYYY",
        ),
        (GOOD_1C.encode("utf-16-be"), "is 1CClientBankExchange without a line such as Кодировка= in an encoding"),
        (
            GOOD_1C.encode("utf-8").replace("Платежное".encode(), b"\xff\xfe"),
            "is not in utf-8, which its header names, at byte",
        ),
        ("1CClientBankExchange\nКодировка=Windows\nКонецФайла".encode("cp1251"), "names none of our accounts"),
    ],
)
def test_nonsense_is_one_sentence(content: bytes, sentence: str) -> None:
    """And starts with the file's name."""
    with pytest.raises(Failure) as failure:
        read(content, "march.txt")
    assert str(failure.value).startswith("march.txt: ")
    assert sentence in str(failure.value)
    assert "\n" not in str(failure.value)


def test_a_page_that_is_missing_is_told() -> None:
    """The next page begins with another balance than the one before it ended with."""
    text = (DATA / "mt940-betterplace-sepa.sta").read_text()
    with pytest.raises(Failure, match=r"lacks a page: one ends with -3632585\.04, the next begins with -3814901\.47"):
        read((text[: text.index(":20:T089414056000002")] + text[text.index(":20:T089414056000003") :]).encode(), "f")


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(DATA.glob("*.*"))), st.data())
def test_whatever_is_done_to_a_file_it_is_read_or_refused(path: Path, data: st.DataObject) -> None:
    """Cut anywhere, bytes changed anywhere: statements or a sentence, never anything else."""
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(0, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    since, until = sorted(data.draw(st.integers(0, len(content))) for _ in range(2))
    for piece in (bytes(content), bytes(content[:until]), bytes(content[since:until])):
        assert all("\n" not in sentence for sentence in sentences(piece))


def sentences(content: bytes) -> list[str]:
    """Return the sentence that refuses the file, or those that refuse statements in it."""
    try:
        return [fault(statement) or "" for statement in read(content, "f")]
    except Failure as failure:
        return [str(failure)]


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (b"<Sum>5.00</Sum>", b"<Sum>1E+999999</Sum>", "an amount of more than 30 digits"),
        (b"2024-03-05</Dt></ValDt>", b"0001-01-01</Dt></ValDt>", "an entry is dated 0001-01-01"),
    ],
)
def test_figures_and_days_that_no_bank_has_refuse_the_statement(old: bytes, new: bytes, why: str) -> None:
    """In one sentence: they could not be compared, or kept."""
    content = written.camt(stmt(entry("5.00"))).encode()
    content = content.replace(
        b"<Ntry>", b"<TxsSummry><TtlCdtNtries><Sum>5.00</Sum></TtlCdtNtries></TxsSummry><Ntry>", 1
    )
    assert old in content, content
    [sentence] = sentences(content.replace(old, new, 1))
    assert sentence.endswith(f": {why}")


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    """Fifty megabytes are more than any statement."""
    with (tmp_path / "huge.sta").open("wb") as file:
        file.truncate(50_000_001)
    with pytest.raises(Failure, match=r"huge\.sta: is larger than 50 MB"):
        read_file(tmp_path / "huge.sta")
    with pytest.raises(Failure, match="cannot read"):
        read_file(tmp_path / "none.sta")
    with pytest.raises(Failure, match="cannot read"):
        read_file(tmp_path)
