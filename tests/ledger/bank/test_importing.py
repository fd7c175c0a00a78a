"""Statements into a real ledger: what is posted, where, once; what is not, and why."""

import importlib
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.administration.administration_lines import parse as record
from ledger.bank.core.recognition import keys
from ledger.bank.core.statement import BankEntry, Statement
from ledger.bank.postgres.import_statements import import_statements
from ledger.bank.postgres.plan_import import Imported
from ledger.core.commands import parse
from ledger.core.outcomes import Done, Posted
from ledger.errors import Failure
from tests.ledger.bank import written
from tests.ledger.bank.test_reading import entry, stmt
from tests.ledger.worlds import Postgres

OURS, PIZZAS = "40702810000000074935", "40702810100000000002"
BOOK: list[dict[str, Any]] = [
    {"type": "brand", "code": "sushi", "bank_details": {"bank": "A Bank", "account": "40702 810 0 0000 0074935"}},
    {"type": "brand", "code": "pizza", "bank_details": {"account": PIZZAS}},
    {"type": "party", "reference": "romashka", "kind": "legal_entity", "name": "Romashka", "tax_id": "7736050003"},
    {"type": "account", "reference": "romashka-01", "party": "romashka", "currency": "RUB", "holder": "sushi"},
    {"type": "party", "reference": "anna", "kind": "individual", "name": "Anna"},
    {"type": "account", "reference": "anna-01", "party": "anna", "currency": "RUB"},
]
ROMASHKA, ANNA = 1000017, 1000025


@pytest.fixture
def book(postgres: Postgres) -> Postgres:
    """Return a book of two brands, a company and Anna."""
    assert all(isinstance(o, Done) for o in postgres.ledger.administer([record(line) for line in BOOK]))
    return postgres


def run(book: Postgres, *statements: Statement, **how: Any) -> list[Imported]:
    """Import statements."""
    return import_statements(book.ledger, statements, **how)


def results(imported: Sequence[Imported]) -> list[tuple[str, int | None, str]]:
    """Return what became of each entry: result, account, the rule or the reason."""
    return [(row.result, row.account, row.rule or row.why) for each in imported for row in each.rows]


def balances(book: Postgres) -> dict[str, int]:
    """Return the sums of all accounts that took an entry, by kind or reference."""
    return dict(
        book.rows(
            "SELECT coalesce(a.reference, a.kind || ' ' || b.code), sum(e.amount)::bigint FROM entry e "
            "JOIN account a ON a.id = e.account_id LEFT JOIN brand b ON b.id = a.brand_id GROUP BY 1 ORDER BY 1"
        )
    )


def test_money_in_goes_to_its_account_or_waits_unallocated(book: Postgres) -> None:
    """By the text, by the tax number, by nothing; with the bank's value date and text, booked now."""
    [(before,)] = book.rows("SELECT clock_timestamp()")
    named = entry(
        "300.00", 5, text="for account 1000025", value_date=date(2024, 3, 4), bank_reference="1", name="A. K."
    )
    taxed = entry("500.00", 6, tax_id="7736050003", bank_reference="2")
    stray = entry("75.00", 6, name="Nobody", text="thank you", bank_reference="3")
    imported = run(book, stmt(named, taxed, stray), by="o.petrova")
    assert results(imported) == [
        ("posted", ANNA, "named in the text"),
        ("posted", ROMASHKA, "tax number"),
        ("posted", None, "no account is named, no tax number given"),
    ]
    assert balances(book) == {
        "anna-01": 30000,
        "romashka-01": 50000,
        "unallocated sushi": 7500,
        "cash sushi": -87500,
    }
    rows = book.rows('SELECT value_date, channel, note, "by", posted_at FROM transaction ORDER BY id')
    assert [row[:4] for row in rows] == [
        (date(2024, 3, 4), "bank", "A. K.; for account 1000025", "o.petrova"),
        (date(2024, 3, 6), "bank", "tax number 7736050003", "o.petrova"),
        (date(2024, 3, 6), "bank", "Nobody; thank you", "o.petrova"),
    ]
    assert all(posted_at > before for *_, posted_at in rows)


def test_what_waits_is_allocated_by_its_key(book: Postgres) -> None:
    """As any unallocated payment."""
    ((row,),) = [each.rows for each in run(book, stmt(entry("75.00")))]
    allocate = {
        "type": "allocate",
        "key": "l1",
        "payment": row.key,
        "split": [{"account": "anna-01", "amount": "75.00"}],
    }
    (outcome,) = book.ledger.post([parse(allocate)])
    assert isinstance(outcome, Posted)
    assert balances(book) == {"anna-01": 7500, "unallocated sushi": 0, "cash sushi": -7500}


def test_money_out_reversals_and_pending_entries_are_told_and_not_posted(book: Postgres) -> None:
    """What they may be about, of the same amount, is named beside them, once."""
    for command in (
        {"type": "payment", "key": "p1", "account": "anna-01", "amount": "90.00", "brand": "sushi"},
        {"type": "payout", "key": "o1", "account": "anna-01", "amount": "40.00", "brand": "sushi"},
    ):
        assert isinstance(book.ledger.post([parse(command)])[0], Posted)
    today = book.rows("SELECT max(business_date) FROM transaction")[0][0]
    now = {"booked_on": today, "value_date": today}
    back = now | {"reversal": True}
    statement = stmt(
        entry("-40.00", **now, bank_reference="1"),
        entry("-40.00", **now, bank_reference="2"),
        entry("-90.00", **back),
        entry("-7.00", **back),
        entry("8.00", **back),
        entry("9.00", pending=True),
        since=None,
        until=None,
    )
    before = balances(book)
    [(payment, payout)] = book.rows("SELECT min(id), max(id) FROM transaction")
    assert [why for _, _, why in results(run(book, statement))] == [
        f"money out; payout {payout} has this amount",
        "money out",
        f"reversal of a payment, taken back: reverse the payment at the desk; payment {payment} has this amount",
        "reversal of a payment, taken back: reverse the payment at the desk",
        "reversal of money out, come back: reverse the payout at the desk",
        "not booked yet",
    ]
    assert balances(book) == before


def test_an_account_that_would_refuse_leaves_the_money_unallocated(book: Postgres) -> None:
    """The refusal is told, and not kept under the key: the money did come in."""
    most = {
        "type": "adjustment",
        "account": "anna-01",
        "amount": "9999999999999.99",
        "brand": "sushi",
        "reason": "test",
    }
    posted = book.ledger.post([parse(most | {"key": f"a{number}"}) for number in range(1000)])
    assert all(isinstance(outcome, Posted) for outcome in posted)
    statement = stmt(entry("9999999999999.99", text="1000025"))
    for dry_run, result in ((True, "would be posted"), (False, "posted")):
        ((found, account, why),) = results(run(book, statement, dry_run=dry_run))
        assert (found, account) == (result, None)
        assert why.startswith("balance out of range on account 1000025 (Anna): it would be")
    assert book.rows("SELECT count(*) FROM transaction WHERE status = 'declined'") == [(0,)]


def test_a_payment_declined_before_is_told_again(book: Postgres) -> None:
    """Somebody posted the key by hand, and was refused."""
    statement = stmt(entry("5.00"))
    taken = {"type": "payment", "key": keys(statement)[0], "account": 1000033, "amount": "5.00", "brand": "sushi"}
    book.ledger.post([parse(taken)])
    ((result, _, why),) = results(run(book, statement))
    [(first,)] = book.rows("SELECT id FROM transaction")
    assert result == "declined"
    assert why == f"declined before, by transaction {first}: account_not_found; post it at the desk"


def test_closed_days_are_booked_now_with_the_bank_s_date(book: Postgres) -> None:
    """A statement may come late."""
    book.close(date(2024, 12, 31))
    assert [result for result, _, _ in results(run(book, stmt(entry("5.00"))))] == ["posted"]
    assert book.rows("SELECT value_date, business_date > '2024-12-31' FROM transaction") == [(date(2024, 3, 5), True)]


# ---- whose statement


def test_our_account_says_the_brand_or_somebody_does(book: Postgres) -> None:
    """By the brands' bank details; an unknown account is refused unless a brand is given; another's always."""
    strange = stmt(entry("5.00"), account="DE42100100100043921105", currency="EUR")
    sushi, pizza, unknown = run(book, stmt(entry("5.00")), stmt(entry("5.00"), account=PIZZAS), strange)
    assert (sushi.brand, pizza.brand) == ("sushi", "pizza")
    assert unknown.refused == (
        "statement of DE42100100100043921105 up to 2024-03-31: no brand has that account in the bank details: "
        "name its brand with --brand"
    )
    assert unknown.rows == ()
    (given_,) = run(book, strange, brand="pizza")
    assert (given_.brand, results([given_])[0][0]) == ("pizza", "posted")
    (other,) = run(book, stmt(entry("5.00")), brand="pizza")
    assert other.refused == f"statement of {OURS} up to 2024-03-31: that account is sushi's, not pizza's"
    with pytest.raises(Failure, match="no such brand: kebab"):
        run(book, strange, brand="kebab")


def test_an_account_of_two_brands_has_to_be_given_one(book: Postgres) -> None:
    """Nothing is guessed."""
    book.ledger.administer([record({"type": "brand", "code": "kebab", "bank_details": {"account": OURS}})])
    (refused,) = run(book, stmt(entry("5.00")))
    assert "2 brands have that account in the bank details" in refused.refused
    assert run(book, stmt(entry("5.00")), brand="kebab")[0].brand == "kebab"


def test_a_statement_that_does_not_add_up_is_refused_whole_and_alone(book: Postgres) -> None:
    """The one beside it is imported."""
    bad = stmt(entry("5.00"), opening=Decimal("1.00"), closing=Decimal("7.00"))
    refused, good = run(book, bad, stmt(entry("6.00"), account=PIZZAS))
    assert refused.refused.endswith(
        "opening balance 1.00 + in 5.00 - out 0.00 = 6.00, closing balance 7.00 RUB; off by 1.00"
    )
    assert balances(book) == {"unallocated pizza": 600, "cash pizza": -600}
    assert [row.result for row in good.rows] == ["posted"]


# ---- exactly once


def test_again_posts_nothing(book: Postgres) -> None:
    """The same file, an overlapping statement, another brand's opinion: what is there is there already."""
    first = [entry("5.00", 5), entry("5.00", 5), entry("6.00", 6, bank_reference="B2", text="1000025")]
    assert [r for r, _, _ in results(run(book, stmt(*first)))] == ["posted"] * 3
    after = balances(book)
    assert [r for r, _, _ in results(run(book, stmt(*first)))] == ["there already"] * 3
    overlap = stmt(*first[1:], entry("7.00", 7), since=date(2024, 3, 6))
    again = run(book, stmt(*first, number="9"), replace(overlap, entries=(*first, overlap.entries[-1])))
    assert [r for r, _, _ in results(again)] == ["there already"] * 6 + ["posted"]
    [(third,)] = book.rows("SELECT id FROM transaction WHERE amount = 600")
    assert (again[0].rows[2].account, again[0].rows[2].transaction) == (ANNA, third)
    assert sum(balances(book)[name] - after[name] for name in ("unallocated sushi", "anna-01")) == 700


def test_two_files_of_one_run_that_tell_the_same_post_it_once(book: Postgres) -> None:
    """The second says that it was told twice."""
    imported = run(book, stmt(entry("5.00")), stmt(entry("5.00"), entry("6.00", bank_reference="B2")))
    assert [(r, why) for r, _, why in results(imported)][1:] == [
        ("there already", "reported twice in this run"),
        ("posted", "no account is named, no tax number given"),
    ]


def test_a_day_in_two_statements_has_entries_of_the_same_amount(book: Postgres) -> None:
    """The bank's reference tells them apart; without one, the end-to-end reference or the text does."""
    for name in ("bank_reference", "end_to_end", "text"):
        blank = {"bank_reference": "", "account": name}
        for number in ("1", "2"):
            one = entry("5.00", **(blank | {name: f"{name} {number}"}))
            assert [r for r, _, _ in results(run(book, stmt(one, number=number)))] == ["posted"]


def test_the_key_is_the_entry_s_not_its_words(book: Postgres) -> None:
    """A bank that writes names or purposes otherwise next time tells the same entry."""
    run(book, stmt(entry("5.00", text="lunch", name="ROMASHKA")))
    changed = entry("5.0", text="Lunch for 1000025", name="Romashka LLC", value_date=date(2024, 3, 9))
    assert results(run(book, stmt(changed, number="2")))[0][:2] == ("there already", None)


def test_a_dry_run_posts_nothing(book: Postgres) -> None:
    """And says what a run would do."""
    statement = stmt(entry("5.00", text="1000025"), entry("-1.00"))
    dry = run(book, statement, dry_run=True)
    assert [r for r, _, _ in results(dry)] == ["would be posted", "not imported"]
    assert book.rows("SELECT count(*) FROM transaction") == [(0,)]
    assert [(row.account, row.rule) for row in run(book, statement)[0].rows] == [
        (row.account, row.rule) for row in dry[0].rows
    ]


SMALL = st.lists(
    st.builds(
        lambda amount, day, reference: entry(f"{amount}.00", day, bank_reference=reference),
        st.sampled_from([1, 2, -1]),
        st.integers(1, 4),
        st.sampled_from(["", "B1"]),
    ),
    max_size=10,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SMALL, st.lists(st.tuples(st.integers(1, 4), st.integers(1, 4)), min_size=1, max_size=4))
def test_however_days_are_cut_into_statements_each_entry_is_posted_once(
    book: Postgres, entries: list[BankEntry], cuts: list[tuple[int, int]]
) -> None:
    """Whole days, overlapping or not, in any order: in the end each entry told is there once."""
    account = f"DE{time.monotonic_ns()}"  # a bank account that no other example used
    told: set[int] = set()
    before = book.rows("SELECT count(*) FROM transaction")[0][0]
    for since, until in cuts:
        days = range(min(since, until), max(since, until) + 1)
        told.update(days)
        part = [e for e in entries if e.booked_on.day in days]
        run(book, stmt(*part, account=account), brand="sushi")
    posted = book.rows("SELECT count(*) FROM transaction")[0][0] - before
    assert posted == sum(e.amount > 0 and e.booked_on.day in told for e in entries)


def test_two_imports_at_once_post_once(book: Postgres) -> None:
    """Whoever comes second finds it there."""
    statement = stmt(*(entry("1.00", day, bank_reference=str(day)) for day in range(1, 29)))
    ledgers = [book.again().ledger for _ in range(3)]
    found: list[list[Imported]] = []
    threads = [
        threading.Thread(target=lambda ledger=ledger: found.append(import_statements(ledger, [statement])))
        for ledger in ledgers
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    everything = [result for each in found for result, _, _ in results(each)]
    assert (everything.count("posted"), everything.count("there already")) == (28, 56)
    assert balances(book) == {"unallocated sushi": 2800, "cash sushi": -2800}


def test_a_run_killed_in_the_middle_is_finished_by_the_next(book: Postgres, tmp_path: Path) -> None:
    """kill -9 after the first batches; then the same file again."""
    many = [entry("1.00", 1 + n % 28, bank_reference=str(n)) for n in range(6000)]
    file = tmp_path / "march.sta"
    file.write_text(written.mt940(stmt(*many)))
    command = [sys.executable, "-c", "from reports.cli.main import main; main()", "import-bank", str(file), "--json"]
    environment = {"TIFFIN_DATABASE_URL": book.ledger.url, "PATH": "", "PYTHONPATH": ":".join(filter(None, sys.path))}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    while (posted := book.rows("SELECT count(*) FROM transaction")[0][0]) == 0:
        assert process.poll() is None
        time.sleep(0.005)
    process.kill()
    process.wait()
    assert 0 < posted < 6000, "there was nothing left to kill: the run is too short"
    assert subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=False).returncode == 0
    assert book.rows("SELECT count(*), count(DISTINCT key), sum(amount) FROM transaction") == [(6000, 6000, 600_000)]


def test_what_was_imported_before_entries_were_kept_is_known_by_its_note(book: Postgres) -> None:
    """An upgraded book: the same file again posts nothing; another client's equal payment of that day is posted."""
    anna = entry("5.00", 5, name="Anna", text="for account 1000025", bank_reference="B-00001")
    stray = entry("5.00", 5, name="Nobody", text="thank you", bank_reference="B-00002")
    run(book, stmt(anna, stray))
    connection = book.ledger.connection()
    with connection.transaction():
        connection.execute("DELETE FROM bank_entry")
        connection.execute("DELETE FROM bank_statement")
        connection.execute(importlib.import_module("migrations.versions.0009_bank").TAKE_UP)
    other = entry("5.00", 5, name="Boris", text="for romashka-01", bank_reference="B-00003")
    again = results(run(book, stmt(other, stray, anna)))
    assert [(result, account) for result, account, _ in again] == [
        ("posted", ROMASHKA),
        ("there already", None),
        ("there already", ANNA),
    ]
    assert [r for r, _, _ in results(run(book, stmt(stray, other, anna)))] == ["there already"] * 3
