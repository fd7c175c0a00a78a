"""Bad lines: one clear sentence each, nothing moved, the lines after them answered, exit 1."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from stdnum import luhn

from ledger.administration import administration_lines as administration
from ledger.core import commands
from ledger.core.outcomes import Invalid, Moved, Posted
from ledger.intake.json_lines import Cutter, line_of, read, written
from ledger.postgres.post import Ledger
from ledger.values.money import is_account_number

Record = dict[str, Any]
TIFFIN = [sys.executable, "-c", "from reports.cli.main import main; main()"]
START = [
    {"type": "brand", "code": "sushi", "name": "Sushi House"},
    {"type": "party", "reference": "anna", "kind": "individual", "name": "Anna"},
    {"type": "account", "reference": "anna", "party": "anna", "currency": "RUB"},
    {"type": "payment", "key": "p1", "account": "anna", "amount": "100.00", "brand": "sushi"},
]
DEBIT: Record = {"type": "debit", "key": "d1", "account": "anna", "lines": [{"brand": "sushi", "amount": "1.00"}]}
PAYMENT: Record = {"type": "payment", "key": "p2", "account": "anna", "amount": "1.00", "brand": "sushi"}


def debit(**changes: Any) -> Record:
    return {**DEBIT, **changes}


def line(**changes: Any) -> Record:
    return debit(lines=[{"brand": "sushi", "amount": "1.00", **changes}])


def payment(**changes: Any) -> Record:
    return {name: value for name, value in {**PAYMENT, **changes}.items() if value != "absent"}


BAD: list[tuple[Record | str | bytes, str]] = [
    ("hello", "not JSON: Expecting value at character 1"),
    ('{"type": "debit"', "not JSON: Expecting ',' delimiter at character 17"),
    ("[1]", "is not a JSON object"),
    ('"debit"', "is not a JSON object"),
    ('{"type": "payment", "key": "a", "key": "b"}', "key: is given twice"),
    ('{"type": "payment", "amount": NaN}', "NaN is not JSON"),
    ('{"type": "payment", "amount": -Infinity}', "-Infinity is not JSON"),
    ("[" * 100_000, "not JSON: nested too deep"),
    (b'{"type": "payment", "note": "\xff\xfe"}', "not JSON: not UTF-8 at character 30"),
    (b'{"type": "payment", "\xff": 1}', "not JSON: not UTF-8 at character 22"),
    (b'{"type": "payment"\x00}', "not JSON: Expecting ',' delimiter at character 19"),
    ({"key": "x"}, "type: is missing"),
    ({"type": "debt", "key": "x"}, "type: debt is not a known type"),
    ({"type": None, "key": "x"}, "type: null is not a known type"),
    ({"type": ["debit"], "key": "x"}, 'type: ["debit"] is not a known type'),
    (payment(key="absent"), "key: is missing"),
    (payment(key=""), "key: is blank"),
    (payment(key="k" * 65), "key: has 65 characters, at most 64 are allowed"),
    (payment(key="tiffin:expiry:1"), "key: keys that start with tiffin: are the ledger's own"),
    (payment(key=7), "key: 7 is not text"),
    (payment(key="a\x00b"), "key: has control characters"),
    (payment(colour="red"), "colour: is not a known field"),
    (payment(note="\ud800"), "note: has an unpaired surrogate"),
    (payment(amount="absent"), "amount: is missing"),
    (payment(amount=12.5), 'amount: 12.5 is a float; write the amount as a string, such as "12.50"'),
    (
        '{"type": "payment", "key": "p2", "account": "anna", "brand": "sushi", "amount": 1e400}',
        'amount: inf is a float; write the amount as a string, such as "12.50"',
    ),
    (payment(amount="1e400"), "amount: 1e400 is not an amount in plain notation"),
    (payment(amount="NaN"), "amount: NaN is not an amount in plain notation"),
    (payment(amount="10.005"), "amount: 10.005 has more than two decimals"),
    (payment(amount="0.00"), "amount: is zero"),
    (payment(amount="-1.00"), "amount: -1.00 is negative"),
    (payment(amount=True), "amount: true is not an amount"),
    (payment(amount=None), "amount: null is not an amount"),
    (payment(amount=[]), "amount: [] is not an amount"),
    (payment(amount=""), "amount:  is not an amount in plain notation"),
    (payment(amount="١٢"), "amount: ١٢ is not an amount in plain notation"),
    (payment(amount="9999999999999.995"), "amount: 9999999999999.995 has more than two decimals"),
    (payment(amount="10000000000000.00"), "amount: 10000000000000.00 is more than 9999999999999.99"),
    (
        '{"type": "payment", "key": "p2", "account": "anna", "brand": "sushi", "amount": ' + "9" * 5000 + "}",
        "not JSON: a number of more than 4300 digits",
    ),
    (payment(account=1000018), "account: 1000018 is not an account number: its last digit is not the check digit"),
    (payment(account=-17), "account: -17 is not an account number: its last digit is not the check digit"),
    (payment(account=1.0), "account: 1.0 is neither an account number nor a reference"),
    (payment(account={"a": 1}), 'account: {"a": 1} is neither an account number nor a reference'),
    (payment(account=" "), "account: is blank"),
    (payment(brand="absent"), "brand: is missing"),
    (payment(currency="XXX"), "currency: XXX is not an ISO 4217 currency with two decimals"),
    (payment(currency="JPY"), "currency: JPY is not an ISO 4217 currency with two decimals"),
    (payment(split=[{"account": "anna", "amount": "1.00"}]), "split: cannot be combined with account"),
    (
        payment(account="absent", split=[{"account": "anna", "amount": "2.00"}]),
        "split: the parts sum to 2.00, not to the amount 1.00",
    ),
    (payment(account="absent", split=[]), "split: has 0 parts, 1 to 1000 are allowed"),
    (payment(at="yesterday"), "at: yesterday is not a time in ISO 8601"),
    (payment(at="2026-03-02T09:00:00"), "at: 2026-03-02T09:00:00 has no time zone"),
    (payment(at="2026-02-30T09:00:00Z"), "at: 2026-02-30T09:00:00Z is not a time in ISO 8601"),
    (payment(at=1700000000), "at: 1700000000 is not a time in ISO 8601"),
    (payment(at="0001-01-01T00:00:00Z"), "at: 0001-01-01T00:00:00Z is not between the years 1900 and 9998"),
    (payment(value_date="2026-13-01"), "value_date: 2026-13-01 is not a date"),
    (debit(lines=[]), "lines: there are 0, 1 to 1000 are allowed"),
    (debit(lines={"a": 1}), "lines: should be a list"),
    (debit(lines=[1]), "lines.0: should be a dictionary or an instance of Line"),
    (line(amount="absent"), "lines.0.amount: absent is not an amount in plain notation"),
    (line(amount="0"), "lines.0.amount: is zero and so is gross; a free line needs a gross and a discount"),
    (line(gross="2.00", discount="0.50"), "lines.0: gross 2.00 less discount 0.50 is not the amount 1.00"),
    (line(gross="0.50"), "lines.0: gross 0.50 less discount -0.50 is not the amount 1.00"),
    (line(vat_rate="120"), "lines.0.vat_rate: 120.00 is not a rate from 0 to 100 percent"),
    (line(vat="1.01"), "lines.0.vat: 1.01 is more than the amount 1.00"),
    (line(attributes=[1]), "lines.0.attributes: should be a valid dictionary"),
    (line(attributes={"a": [[[[[[[[[[1]]]]]]]]]]}), "lines.0.attributes: are nested more than eight levels deep"),
    (
        line(attributes={f"a{n}": "x" * 1000 for n in range(10)}),
        "lines.0.attributes: have 10081 bytes as JSON, at most 10000 are allowed",
    ),
    (payment(note="x" * 1_000_000), "the line has more than 1000000 characters"),
    ({"type": "capture", "key": "c", "hold": "h", "final": "yes"}, "final: should be a valid boolean"),
    (
        {"type": "capture", "key": "c", "hold": "h", "amount": "1", "lines": [{"line": 1}]},
        "amount: cannot be combined with lines",
    ),
    ({"type": "refund", "key": "c", "debit": "d", "lines": [{"line": 1}, {"line": 1}]}, "lines: a line is named twice"),
    (
        {"type": "refund", "key": "c", "debit": "d", "lines": [{"line": 1, "amount": "0"}]},
        "lines: their amounts sum to zero",
    ),
    ({"type": "refund", "key": "c", "debit": "d", "lines": [{"line": "1"}]}, "lines.0.line: should be a valid integer"),
    ({"type": "transfer", "key": "t", "account": "anna", "to": "anna", "amount": "1"}, "to: is the account itself"),
    (
        {"type": "adjustment", "key": "a", "account": "anna", "amount": "0", "brand": "sushi", "reason": "x"},
        "amount: is zero",
    ),
    (
        {"type": "adjustment", "key": "a", "account": "anna", "amount": "1", "brand": "sushi", "reason": " "},
        "reason: is blank",
    ),
    ({"type": "reverse", "key": "v", "transaction": "p1"}, "reason: is missing"),
    ({"type": "hold", "key": "h", "account": "anna", "lines": DEBIT["lines"]}, "expires_at: is missing"),
    ({"type": "party", "reference": "x", "kind": "person"}, "kind: should be 'individual' or 'legal_entity'"),
    ({"type": "party", "reference": "anna", "name": None}, "name: may not be null"),
    ({"type": "brand", "code": "sushi", "status": None}, "status: may not be null"),
    (
        {"type": "brand", "code": "sushi", "bank_details": {"iban": "GB33BUKB20201555555556"}},
        "bank_details: GB33BUKB20201555555556 is not a valid IBAN: its check digit is wrong",
    ),
    (
        {"type": "brand", "code": "sushi", "bank_details": {"bank": "a\x00"}},
        "bank_details.bank: has control characters",
    ),
    ({"type": "account", "reference": "anna", "currency": None}, "currency: may not be null"),
    (
        {"type": "write_off_limit", "payer": "anna", "period": "year"},
        "period: should be 'order', 'day', 'week', 'month' or 'total'",
    ),
    (
        {"type": "write_off_limit", "payer": "anna", "period": "day", "count": -1},
        "count: -1 is not between 0 and 1000000",
    ),
    (
        {"type": "credit_terms", "account": "anna", "limit": "1", "period_days": "30"},
        "period_days: 30 is not a whole number",
    ),
    (
        {"type": "link", "account": "anna", "payer": "anna", "draw": "first"},
        "draw: should be 'payer_first' or 'own_first'",
    ),
]


@pytest.mark.parametrize(("said", "sentence"), BAD, ids=[sentence[:40] for _, sentence in BAD])
def test_a_bad_line_gets_one_clear_sentence(said: Record | str | bytes, sentence: str) -> None:
    """Read alone, without a database."""
    answer = read(as_text(said), 9)
    assert isinstance(answer, Invalid), answer
    assert (answer.line, answer.message) == (9, sentence)
    assert "\n" not in answer.message


def as_text(said: Record | str | bytes) -> str:
    if isinstance(said, bytes):
        return said.decode("utf-8", "surrogateescape")
    return said if isinstance(said, str) else json.dumps(said)


def test_what_is_deep_or_long_is_not_repeated() -> None:
    """A sentence stays a sentence, whatever was sent."""
    deep = "[" * 900 + "]" * 900
    for text in (
        f'{{"type": "payment", "account": {deep}}}',
        f'{{"type": {deep}}}',
        f'{{"type": "payment", "at": {deep}}}',
        f'{{"type": "payment", "note": {deep}, "key": {deep}}}',
        f'{{"type": "link", "priority": {deep}}}',
        json.dumps({"type": "x" * 100_000}),
        json.dumps({"type": "payment", "at": "y" * 100_000}),
        json.dumps({"type": "payment", "z" * 100_000: 1}),
        json.dumps({"type": "payment", "currency": "R" * 999}),
    ):
        answer = read(text, 1)
        assert isinstance(answer, Invalid)
        assert len(answer.message) < 250


def test_spaces_and_the_byte_order_mark_are_forgiven() -> None:
    """Editors write them."""
    text = "\ufeff  " + json.dumps({**PAYMENT, "amount": 5}) + " \r\n"
    assert read(text, 1) == commands.parse({**PAYMENT, "amount": "5.00"})


def test_the_order_of_fields_and_the_way_of_writing_do_not_make_another_command() -> None:
    """A fingerprint is of the content."""
    one = {
        **DEBIT,
        "at": "2026-03-02T09:00:00+03:00",
        "lines": [{"brand": "sushi", "amount": "1.00", "attributes": {"a": 1, "b": 2}}],
    }
    other = {
        **DEBIT,
        "at": "2026-03-02T06:00:00Z",
        "lines": [{"attributes": {"b": 2, "a": 1}, "amount": 1, "brand": "sushi"}],
    }
    assert commands.parse(one).fingerprint == commands.parse(other).fingerprint
    zero = {**DEBIT, "lines": [{"brand": "sushi", "amount": "-0.00", "gross": "5.00"}]}
    other = {**DEBIT, "lines": [{"brand": "sushi", "amount": "0", "gross": "5"}]}
    assert commands.parse(zero).fingerprint == commands.parse(other).fingerprint


@pytest.fixture
def url(database_url: str) -> str:
    """Return a book with a brand, Anna, and 100.00 on her account."""
    ledger = Ledger(database_url)
    ledger.administer([administration.parse(record) for record in START[:3]])
    ledger.post([commands.parse(START[3])])
    ledger.close()
    return database_url


def tiffin(url: str, *arguments: str, lines: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "TIFFIN_DATABASE_URL": url}
    return subprocess.run([*TIFFIN, *arguments], input=lines, env=environment, capture_output=True, check=False)


def told(process: subprocess.CompletedProcess[bytes]) -> list[Record]:
    assert process.stderr == b"", process.stderr.decode()
    return [json.loads(text) for text in process.stdout.decode().splitlines()]


def as_bytes(said: Sequence[Record | str | bytes]) -> bytes:
    return b"".join((s if isinstance(s, bytes) else as_text(s).encode()) + b"\n" for s in said)


def test_bad_lines_in_a_stream_move_nothing_and_those_after_them_are_answered(url: str) -> None:
    """All of them at once, each followed by nothing but its answer, then a good one."""
    declined = [
        (debit(key="x1", account="nobody"), "no such account: reference nobody"),
        (debit(key="x2", account=1000116), "no such account: number 1000116"),
        (debit(key="x3", account="anna", currency="USD"), "account 1000017 (Anna) is in RUB, not in USD"),
    ]
    future = debit(key="x4", at="2999-01-01T00:00:00Z")
    process = tiffin(url, "post", "-", lines=as_bytes([s for s, _ in BAD] + [s for s, _ in declined] + [future, DEBIT]))
    answers = told(process)
    assert process.returncode == 1
    assert len(answers) == len(BAD) + 5
    for number, ((_, sentence), answer) in enumerate(zip(BAD, answers, strict=False), 1):
        assert (answer["status"], answer["line"], answer["message"]) == ("invalid", number, sentence)
    for (_, sentence), answer in zip(declined, answers[len(BAD) :], strict=False):
        assert (answer["status"], answer["message"]) == ("declined", sentence)
    assert answers[-2]["message"].startswith("at: 2999-01-01T00:00:00Z is in the future; it is ")
    assert answers[-2]["line"] == len(answers) - 1
    assert answers[-1]["status"] == "posted"
    [standing] = told(tiffin(url, "balance", "anna", "--json"))
    assert (standing["balance"], standing["version"]) == ("99.00", 2)


def test_empty_lines_crlf_and_a_missing_last_newline_are_fine(url: str) -> None:
    """Line numbers still count them."""
    text = b"\r\n\n" + json.dumps(PAYMENT).encode() + b"\r\n   \n" + b"nonsense\r\n" + json.dumps(DEBIT).encode()
    process = tiffin(url, "post", "-", lines=text)
    answers = told(process)
    assert [(a["status"], a.get("line")) for a in answers] == [("posted", None), ("invalid", 5), ("posted", None)]
    assert process.returncode == 1


def test_good_lines_exit_0_and_a_file_serves_as_well(url: str, tmp_path: Any) -> None:
    """So scripts can tell."""
    file = tmp_path / "day.jsonl"
    file.write_bytes(as_bytes([{"type": "brand", "code": "pizza"}, PAYMENT, DEBIT]))
    process = tiffin(url, "post", str(file))
    assert [answer["status"] for answer in told(process)] == ["done", "posted", "posted"]
    assert process.returncode == 0
    again = tiffin(url, "post", str(file), "--batch", "1")
    assert [a.get("replayed") for a in told(again)] == [None, True, True]
    assert again.returncode == 0


def test_a_file_that_is_not_there_is_one_line_on_stderr(url: str) -> None:
    """And exit 1."""
    process = tiffin(url, "post", "nowhere.jsonl")
    assert (process.returncode, process.stdout) == (1, b"")
    assert b"cannot read nowhere.jsonl: No such file or directory" in process.stderr
    assert b"Traceback" not in process.stderr


def test_a_caller_may_write_a_line_and_wait_for_its_answer(url: str) -> None:
    """Before standard input is closed, over and over."""
    environment = {**os.environ, "TIFFIN_DATABASE_URL": url}
    with subprocess.Popen(
        [*TIFFIN, "post", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdin and process.stdout
        for number in range(3):
            process.stdin.write(as_bytes([debit(key=f"w{number}")]))
            process.stdin.flush()
            answer = json.loads(process.stdout.readline())
            assert (answer["key"], answer["status"]) == (f"w{number}", "posted")
        process.stdin.close()
        assert process.wait() == 0


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_lines_are_cut_wherever_a_chunk_ends(size: int) -> None:
    """Also within a character of several bytes; the last line needs no end."""
    text = "первая\n\nthird\nещё одна".encode()
    cutter = Cutter()
    lines = [line for at in range(0, len(text), size) for line in cutter.lines(text[at : at + size])]
    assert [line.decode() for line in (*lines, *cutter.last())] == ["первая", "", "third", "ещё одна"]


def test_a_line_that_is_too_long_is_not_kept_whole() -> None:
    """Of a line without end so much is kept as shows that it is one, in any alphabet."""
    cutter, chunk = Cutter(), "ы".encode() * 200_000
    for _ in range(40):
        assert cutter.lines(chunk) == []
    [line] = cutter.lines(b"\n")
    assert len(line) < 5_000_000
    assert read(line, 1) == Invalid(line=1, message="the line has more than 1000000 characters")


def test_check_digits_are_those_of_the_standard() -> None:
    """Beside python-stdnum, for numbers of every length that an account's may have."""
    chance = random.Random(7)
    numbers = [chance.randrange(10 ** (digits - 1), 10**digits) for digits in range(1, 19) for _ in range(50)]
    assert [is_account_number(n) for n in numbers] == [n >= 10 and luhn.is_valid(str(n)) for n in numbers]


@pytest.mark.parametrize("spaced", ["", " ", "\t", "\r"])
@pytest.mark.parametrize(
    ("body", "twice"),
    [
        ('"type"~: "mark", "lines": [{"a": 1, "a"~: 2}]', "a"),
        ('"a"~: 1, "b"~: "\\":", "a": 2', "a"),
        ('"a": {"b": [[{"c"~: 1, "c": 2}]]}', "c"),
        ('"\\u0061"~: 1, "a": 2', "a"),
    ],
)
def test_a_name_that_is_given_twice_is_found_however_it_is_written(body: str, twice: str, spaced: str) -> None:
    """Also where white space, or a text that looks like a name, could hide it from whoever counts."""
    found = read(f"{{{body.replace('~', spaced)}}}".encode(), 1)
    assert found.message == f"{twice}: is given twice"


@pytest.mark.parametrize("name", ["anna", 'a"\\b', "Анна\u2028", "\x7f\ud800", None])
@pytest.mark.parametrize("transaction", [-1, 77])
def test_what_was_posted_is_written_as_any_outcome(name: str | None, transaction: int) -> None:
    """The short way and the long one give the same line."""
    moved = (Moved(1234567897, name, -5, 12345, 0, 3), Moved(26, None, 0, -1, 10**15, 1))
    for accounts, replayed in ((moved, False), ((), True)):
        posted = Posted(
            key=name or "k", transaction=transaction, posted_at=datetime.now(UTC), accounts=accounts, replayed=replayed
        )
        assert written([posted]) == line_of(posted.to_json())
