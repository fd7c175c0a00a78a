"""`tiffin import-bank` as people and programs call it: tables, JSON, exit codes, one sentence on standard error."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ledger.bank import written
from tests.ledger.bank.test_importing import BOOK
from tests.ledger.bank.test_reading import entry, stmt
from tests.typed import tiffin

GOOD = stmt(
    entry("300.00", text="for account 1000025", name="Anna [K.]"),
    entry("75.00", name="Nobody"),
    entry("-7.00"),
    number="3",
)


@pytest.fixture
def url(database_url: str) -> str:
    """Return a book of two brands and two clients."""
    assert tiffin(database_url, "post", "-", said="\n".join(map(json.dumps, BOOK))).returncode == 0
    return database_url


def test_a_table_tells_what_became_of_each_entry(url: str, tmp_path: Path) -> None:
    """First dry, then posted, then there already; the totals stand beside the bank's."""
    (tmp_path / "march.sta").write_text(written.mt940(GOOD))
    for options, result in ((["--dry-run"], "would be posted"), ([], "posted"), ([], "there already")):
        done = tiffin(url, "import-bank", tmp_path / "march.sta", *options)
        assert (done.returncode, done.stderr) == (0, "")
        lines = [" ".join(line.split()) for line in done.stdout.splitlines() if line.strip()]
        assert lines[0] == "statement 3 of 40702810000000074935, brand sushi, 2024-03-05"
        rule = " named in the text" if result != "there already" else ""
        assert lines[2] == f"2024-03-05 300.00 Anna [K.] {result} 1000025 Anna{rule}"
        why = " unallocated no account is named, no tax number given" if rule else ""
        assert lines[3] == f"2024-03-05 75.00 Nobody {result}{why}"
        assert lines[4] == "2024-03-05 -7.00 TRANSFER not imported money out"
        posted, there, waits = ("375.00", "0.00", "75.00") if rule else ("0.00", "375.00", "0.00")
        assert lines[6] == f"40702810000000074935, 3 RUB 375.00 {posted} {there} 0.00 0.00 {waits} 7.00"


def test_json_is_for_programs(url: str, tmp_path: Path) -> None:
    """Every figure as a string; the refused statement beside the good one, and exit code 1."""
    bad = stmt(entry("5.00"), account="40702810000000000001")
    (tmp_path / "march.txt").write_bytes(written.one_c(GOOD, bad).encode("cp1251"))
    done = tiffin(url, "import-bank", tmp_path / "march.txt", "--json")
    assert done.returncode == 1
    assert done.stderr == (
        "tiffin: 1 of 2 statements were not imported, the first: statement of 40702810000000000001 up to 2024-03-31: "
        "no brand has that account in the bank details: name its brand with --brand\n"
    )
    good, refused = json.loads(done.stdout)["statements"]
    assert refused["refused"] in done.stderr
    assert {name: good[name] for name in ("brand", "money_in", "posted", "unallocated", "money_out", "checked")} == {
        "brand": "sushi",
        "money_in": "375.00",
        "posted": "375.00",
        "unallocated": "75.00",
        "money_out": "7.00",
        "checked": True,
    }
    first = good["entries"][0]
    assert {name: first[name] for name in ("amount", "result", "account", "rule", "value_date")} == {
        "amount": "300.00",
        "result": "posted",
        "account": 1000025,
        "rule": "named in the text",
        "value_date": "2024-03-05",
    }


def test_a_statement_without_balances_says_that_it_was_not_checked(url: str, tmp_path: Path) -> None:
    """As some banks send camt.053."""
    text = re.sub("<Bal>.*?</Bal>", "", written.camt(GOOD))
    (tmp_path / "march.xml").write_text(text)
    assert "not checked: the bank reports no balances" in tiffin(url, "import-bank", tmp_path / "march.xml").stdout


def test_one_bad_file_and_nothing_is_posted(url: str, tmp_path: Path) -> None:
    """All are read before the first is posted."""
    (tmp_path / "good.sta").write_text(written.mt940(GOOD))
    (tmp_path / "bad.sta").write_text(written.mt940(GOOD)[:-60])
    done = tiffin(url, "import-bank", tmp_path / "good.sta", tmp_path / "bad.sta")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("tiffin: bad.sta: statement 3 of 40702810000000074935 has no closing balance")
    assert json.loads(tiffin(url, "status", "--json").stdout)["posted"] == 0


def test_wrong_usage_is_exit_code_two(url: str) -> None:
    """As with every command."""
    assert tiffin(url, "import-bank").returncode == 2
    missing = tiffin(url, "import-bank", "none.sta")
    assert (missing.returncode, missing.stderr) == (1, "tiffin: cannot read none.sta: No such file or directory\n")


def test_a_file_of_several_statements_shows_no_layout(url: str, tmp_path: Path) -> None:
    """Nor does one that is wrong: one sentence, and nothing is kept."""
    (tmp_path / "two.sta").write_text(written.mt940(GOOD) + written.mt940(GOOD))
    (tmp_path / "wrong.csv").write_text("Date;Amount\n2024-03-05;1.005\n2024-03-05;1.00\n")
    layout = [
        "--currency",
        "RUB",
        "--column",
        "date=Date",
        "--column",
        "amount=Amount",
        "--option",
        "decimal=.",
        "--save",
    ]
    for file, account, why in (
        ("two.sta", "4070", "tiffin: two.sta: has 2 statements; name a file of one"),
        ("wrong.csv", "4070", "tiffin: statement of 4070 up to 2024-03-05: 1.005 has more than two decimals"),
        ("wrong.csv", "", "tiffin: nothing is not an account at a bank"),
    ):
        done = tiffin(url, "bank-csv", account, tmp_path / file, *layout)
        assert (done.returncode, done.stderr) == (1, f"{why}\n")
    assert tiffin(url, "import-bank", tmp_path / "wrong.csv", "--csv-of", "4070").returncode == 1


def test_who_imports_is_looked_at_before_anything_is_kept(url: str, tmp_path: Path) -> None:
    """Not when the first payment is made of it."""
    (tmp_path / "march.sta").write_text(written.mt940(GOOD))
    done = tiffin(url, "import-bank", tmp_path / "march.sta", "--by", "a" * 1001)
    assert (done.returncode, done.stderr) == (1, "tiffin: by: is longer than 1000 characters\n")
    assert "no statement was imported" in tiffin(url, "bank-report").stdout


def test_controls_in_a_bank_s_text_stop_no_payment(url: str, tmp_path: Path) -> None:
    """NEL and such are of no use in a note: they are shown as what they are not."""
    (tmp_path / "march.xml").write_text(written.camt(stmt(entry("5.00", text="a\x85b"))), encoding="utf-8")
    done = tiffin(url, "import-bank", tmp_path / "march.xml", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["statements"][0]["entries"][0]["result"] == "posted"


def test_what_is_not_utf_8_or_cannot_be_written_is_one_line(url: str, tmp_path: Path) -> None:
    """A word of the command line, and a full disk."""
    run = [sys.executable, "-c", "from reports.cli.main import main; main()", "balance"]
    environment = os.environ | {"TIFFIN_DATABASE_URL": url}
    said = subprocess.run([*run, b"a\xff"], capture_output=True, env=environment, check=False)
    assert (said.returncode, said.stderr.decode()) == (1, "tiffin: a\ufffd is not UTF-8\n")
    with Path("/dev/full").open("w") as full:
        said = subprocess.run([*run, "1000017"], stdout=full, stderr=subprocess.PIPE, env=environment, check=False)
    assert (said.returncode, said.stderr.decode()) == (1, "tiffin: [Errno 28] No space left on device\n")
