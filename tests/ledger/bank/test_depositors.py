"""Our own money at the bank: what an acquirer or a depositor brings is moved from its channel, not paid once more."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from ledger.bank.core.depositors import Depositor
from ledger.bank.postgres.bank_report import bank_days
from ledger.bank.postgres.depositors import list_depositors, make_known, revoke_depositor
from ledger.errors import Failure
from tests.ledger.bank import written
from tests.ledger.bank.test_desk import IBAN, command
from tests.ledger.bank.test_importing import BOOK, book, run  # noqa: F401
from tests.ledger.bank.test_reading import entry, stmt
from tests.ledger.worlds import Postgres
from tests.typed import tiffin

COURIER = "DE12500105170648489890"


def known(book: Postgres, payer: str, channel: str, fee: str | None = None) -> None:  # noqa: F811
    depositor = Depositor(
        payer=payer, brand="sushi", channel=channel, fee_percent=None if fee is None else Decimal(fee)
    )
    with book.ledger.connection().transaction():
        make_known(book.ledger.connection(), depositor, "o.petrova")


def cash(book: Postgres) -> dict[str, str]:  # noqa: F811
    """Return what the brand has in cash by channel."""
    with book.ledger.connection().transaction():
        rows = book.ledger.connection().execute(
            "SELECT coalesce(e.channel, ''), (-sum(e.amount) / 100.0)::numeric(12, 2) FROM entry e "
            "JOIN account a ON a.id = e.account_id AND a.kind = 'cash' GROUP BY 1 ORDER BY 1"
        )
        return {channel: str(amount) for channel, amount in rows}


def test_card_and_couriers_cash_do_not_count_twice(book: Postgres) -> None:  # noqa: F811
    """
    Posted at the orders: card 1,000.00 and cash 700.00. The statement brings 985.00 (1.5 % are the acquirer's) and
    700.00: receipts stay 1,700.00, of which 1,685.00 are at the bank and nothing is on its way.
    """
    for channel, amount in (("card", "1000.00"), ("cash", "700.00")):
        command(book, type="payment", key=channel, account="anna-01", amount=amount, brand="sushi", channel=channel)
    known(book, "de42 1001 0010 0043 9211 05", "card", "1.5")
    known(book, COURIER, "cash")
    statement = stmt(
        entry("985.00", 5, account=IBAN, name="Acquirer", bank_reference="A-00001"),
        entry("700.00", 5, account=COURIER, name="Collection", bank_reference="A-00002"),
    )
    (offered,) = run(book, statement, dry_run=True)
    assert [(row.result, row.rule, row.unallocated) for row in offered.rows] == [
        ("would be posted", "known depositor", False)
    ] * 2
    assert cash(book) == {"card": "1000.00", "cash": "700.00"}
    (posted,) = run(book, statement)
    assert [row.result for row in posted.rows] == ["posted", "posted"]
    assert cash(book) == {"bank": "1685.00", "card": "0.00", "cash": "0.00"}
    assert [row.result for row in run(book, statement)[0].rows] == ["there already", "there already"]
    with book.ledger.connection().transaction():
        (day,) = bank_days(book.ledger.connection())
    assert (day.matched, day.waiting, day.difference) == (Decimal("1685.00"), 0, 0)


def test_a_fee_learned_later_is_moved_then(book: Postgres) -> None:  # noqa: F811
    """985.00 of 1,000.00 arrive while nobody knows the fee: 15.00 stay on their way until a move of nothing but fee."""
    command(book, type="payment", key="p", account="anna-01", amount="1000.00", brand="sushi", channel="card")
    known(book, IBAN, "card")
    run(book, stmt(entry("985.00", 5, account=IBAN, bank_reference="A-00001")))
    assert cash(book) == {"bank": "985.00", "card": "15.00"}
    fee = {"from": "card", "to": "bank", "amount": "15.00", "fee": "15.00"}
    command(book, type="move", key="f", brand="sushi", **fee)
    assert cash(book) == {"bank": "985.00", "card": "0.00"}


def test_a_depositor_revoked_or_of_another_brand_is_a_payer_as_any(book: Postgres) -> None:  # noqa: F811
    """Its money waits unallocated; made known again with a fee, the earlier knowledge is revoked."""
    known(book, IBAN, "card")
    known(book, IBAN, "card", "2")
    with book.ledger.connection().transaction():
        latest, earlier = list_depositors(book.ledger.connection())
        assert (latest.fee_percent, latest.known_by, latest.revoked_at) == (Decimal("2.00"), "o.petrova", None)
        assert earlier.revoked_by == "o.petrova"
        assert revoke_depositor(book.ledger.connection(), IBAN, "pizza", "i.sidorov") == 0
        assert revoke_depositor(book.ledger.connection(), IBAN, None, "i.sidorov") == 1
    (offered,) = run(book, stmt(entry("985.00", 5, account=IBAN, bank_reference="A-00001")))
    assert [row.unallocated for row in offered.rows] == [True]


@pytest.mark.parametrize(
    ("depositor", "why"),
    [
        ({"payer": " / "}, " /  is not an account at a bank"),
        ({"brand": "soup"}, "no such brand: soup"),
        ({"channel": "bank"}, "channel: bank is not where money waits for the bank"),
        ({"channel": ""}, "channel: nothing is not where money waits for the bank"),
        ({"channel": "c\x00"}, "channel: has control characters"),
        ({"fee": "100"}, "fee: 100 is not a percentage from 0 to less than 100 with at most two decimals"),
        ({"fee": "NaN"}, "fee: NaN is not a percentage from 0 to less than 100 with at most two decimals"),
        ({"fee": "1.555"}, "fee: 1.555 is not a percentage from 0 to less than 100 with at most two decimals"),
    ],
)
def test_nonsense_is_refused_in_a_sentence(book: Postgres, depositor: dict[str, str], why: str) -> None:  # noqa: F811
    """Nothing is kept of it."""
    given = {"payer": IBAN, "brand": "sushi", "channel": "card", "fee": "1", **depositor}
    fee = Decimal(given.pop("fee"))
    with book.ledger.connection().transaction():
        with pytest.raises(Failure) as caught:
            make_known(book.ledger.connection(), Depositor(**given, fee_percent=fee), None)
        assert str(caught.value) == why
        assert list_depositors(book.ledger.connection()) == []


def test_the_command_lists_makes_known_and_revokes(database_url: str, tmp_path: Path) -> None:
    """What import-bank then offers names the channel; a half-said wish is one sentence."""
    assert tiffin(database_url, "post", "-", said="\n".join(map(json.dumps, BOOK))).returncode == 0
    made = tiffin(
        database_url, "bank-depositors", "--add", IBAN, "--brand", "sushi", "--channel", "card", "--fee", "1.5"
    )
    assert made.returncode == 0, made.stderr
    (tmp_path / "march.sta").write_text(written.mt940(stmt(entry("985.00", account=IBAN), number="3")))
    shown = json.loads(tiffin(database_url, "import-bank", tmp_path / "march.sta", "--dry-run", "--json").stdout)
    assert shown["statements"][0]["entries"][0]["channel"] == "card"
    assert "from card" in tiffin(database_url, "import-bank", tmp_path / "march.sta").stdout
    refused = tiffin(database_url, "bank-depositors", "--add", IBAN)
    assert refused.stderr == "tiffin: --add goes with --brand and --channel, and without --revoke\n"
    assert tiffin(database_url, "bank-depositors", "--revoke", IBAN, "--by", "me").returncode == 0
    (listed,) = json.loads(tiffin(database_url, "bank-depositors", "--json").stdout)
    assert (listed["payer"], listed["fee_percent"], listed["revoked_by"]) == (IBAN, "1.50", "me")
    assert tiffin(database_url, "bank-depositors", "--revoke", IBAN).returncode == 1
