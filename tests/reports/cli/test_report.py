"""`tiffin report`, over a real lake of a small story."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ledger.errors import Failure
from reports.cli.report import app
from tests.reports.story import Story
from tests.reports.write_lake import write_lake

FORMS = "table, csv, json, parquet, xlsx, html, pdf, hledger"
MARCH = ["--from", "2017-03-01", "--to", "2017-03-31"]


@pytest.fixture
def lake(story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Story:
    """Publish a small story and make it the lake of the settings."""
    story.account("anna", holder="sushi")
    story.payment("2017-03-01", "anna", 300, "sushi")
    story.debit("2017-03-02", "anna", ("sushi", 120))
    story.close("2017-03-31")
    monkeypatch.setenv("TIFFIN_LAKE", str(write_lake(story, tmp_path)))
    return story


def output(*arguments: str) -> str:
    """Return what the command prints."""
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def refused(*arguments: str) -> str:
    """Return the sentence the command fails with."""
    result = CliRunner().invoke(app, list(arguments))
    assert isinstance(result.exception, Failure)
    return str(result.exception)


def test_a_report_of_a_period_as_json(lake: Story) -> None:
    """The design's JSON, and nothing else on the output."""
    read = json.loads(output("turnover", *MARCH, "--format", "json"))
    assert [(row["reference"], row["closing"]) for row in read["rows"]] == [("anna", "180.00")]
    assert read["cut"]["provisional"] is False


def test_dates_not_given_are_the_latest_closed_month(lake: Story) -> None:
    """Without dates a report ends on the latest closed day and begins its month."""
    assert json.loads(output("turnover", "--format", "json"))["parameters"]["from"] == "2017-03-01"


def test_an_account_is_given_by_number_or_reference(lake: Story) -> None:
    """Both find the same account."""
    number = str(lake.accounts["anna"]["id"])
    cards = [output("account-card", "--account", name, *MARCH, "--format", "csv") for name in ("anna", number)]
    assert cards[0] == cards[1]
    assert "debit-2" in cards[0]


@pytest.mark.parametrize("name", ["t.csv", "t.json", "t.parquet", "t.xlsx", "t.html", "t.pdf"])
def test_the_form_follows_the_files_name(lake: Story, tmp_path: Path, name: str) -> None:
    """A file is written, and nothing is printed."""
    assert output("turnover", *MARCH, "-o", str(tmp_path / name)) == ""
    assert (tmp_path / name).stat().st_size > 100


def test_a_table_can_go_to_a_file(lake: Story, tmp_path: Path) -> None:
    """What the screen shows, in a file."""
    output("turnover", *MARCH, "--format", "table", "-o", str(tmp_path / "t.txt"))
    assert "180.00" in (tmp_path / "t.txt").read_text()


def test_the_list_names_reports_and_parameters() -> None:
    """It needs no lake."""
    assert "turnover" in output("--list")
    assert "account-card" in output()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["turnovr"], "there is no report turnovr: did you mean turnover?"),
        (["turnover", "--from", "yesterday"], "yesterday is not a date: write YYYY-MM-DD"),
        (["turnover", "--from", "2017-04-01", "--to", "2017-03-01"], "from 2017-04-01 is after to 2017-03-01"),
        (["turnover", "--account", "1000018"], "1000018 is not an account number: its check digit is wrong"),
        (["turnover", "--account", "79927398713"], "there is no account 79927398713"),
        (["turnover", "--account", "ana"], "no account has the reference ana"),
        (["turnover", "--brand", "sishi"], "there is no brand sishi: did you mean sushi?"),
        (["account-card"], "account-card needs --account"),
        (["turnover", "-o", "x.doc"], f"x.doc: give --format, or a name that ends in one of {FORMS}"),
        (["turnover", "-o", "/nowhere/x.csv"], "cannot write /nowhere/x.csv: no such file or directory"),
    ],
)
def test_what_cannot_be_answered_is_one_sentence(lake: Story, arguments: list[str], sentence: str) -> None:
    """No traceback, and the way out where there is one."""
    assert refused(*arguments) == sentence


def test_the_journal_is_for_hledger_only(lake: Story) -> None:
    """Every transaction with amounts, signs as accountants have them; nothing narrows it."""
    assert output("journal", "--format", "hledger").splitlines() == [
        "commodity 1000.00 RUB",
        "account brands:sushi:cash",
        "account brands:sushi:revenue",
        "account clients:money:1000017",
        "",
        "2017-03-01 (1) payment | payment-1",
        "    clients:money:1000017  -300.00 RUB",
        "    brands:sushi:cash  300.00 RUB",
        "",
        "2017-03-02 (2) debit | debit-2",
        "    clients:money:1000017  120.00 RUB",
        "    brands:sushi:revenue  -120.00 RUB",
    ]
    assert refused("journal").startswith("the journal is written for hledger")
    assert refused("turnover", "--format", "hledger").startswith("the journal is written for hledger")
    assert "takes no --from or --to" in refused("journal", *MARCH, "--format", "hledger")


def test_without_a_lake_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the first cut there is nothing to report."""
    monkeypatch.setenv("TIFFIN_LAKE", str(tmp_path / "none"))
    assert refused("turnover").startswith("no cut yet")


def test_a_broken_control_is_shown_and_fails(story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows are given, the exit says that they are not to be trusted."""
    story.account("anna")
    story.payment("2017-03-01", "anna", 300, "sushi")
    story.rows["entries"][0]["balance_after"] += 1
    monkeypatch.setenv("TIFFIN_LAKE", str(write_lake(story, tmp_path)))
    result = CliRunner().invoke(app, ["turnover", *MARCH, "--format", "json"])
    assert json.loads(result.output)["rows"]
    assert str(result.exception) == (
        "turnover: control ledger_balance does not hold: expected 301.00, actual 300.00 RUB money; "
        "1 of 2 controls differ"
    )
