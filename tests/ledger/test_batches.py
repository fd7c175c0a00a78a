"""Batches on PostgreSQL: what is loaded for one must be all that its commands can touch."""

from datetime import datetime
from typing import Any

import pytest

from ledger.core import commands
from ledger.core.outcomes import Declined
from ledger.core.scope import Scope
from ledger.postgres.post import Ledger, Posting
from tests.ledger.checks import check, same
from tests.ledger.worlds import MOSCOW, Postgres, Pure

Record = dict[str, Any]
LINE = {"brand": "sushi", "amount": "50.00"}


class Both:
    """The two worlds, told the same: the pure core one by one, PostgreSQL in the batches given."""

    def __init__(self, postgres: Postgres) -> None:
        self.pure, self.postgres = Pure(), postgres
        for record in (
            {"type": "brand", "code": "sushi"},
            {"type": "party", "reference": "anna", "kind": "individual"},
            {"type": "account", "reference": "anna", "party": "anna", "currency": "RUB"},
            {"type": "party", "reference": "boris", "kind": "individual"},
            {"type": "account", "reference": "boris", "party": "boris", "currency": "RUB"},
            {"type": "credit_terms", "account": "anna", "limit": "1000.00", "valid_from": "2024-01-01"},
        ):
            self.administer(record)

    def administer(self, record: Record) -> None:
        self.pure.administer(record)
        self.postgres.administer(record)

    def post(self, *batch: Record) -> list[Record]:
        """Return the answers of a batch, which both worlds agree on."""
        batch = tuple({"at": at(4), **record} for record in batch)
        answers = self.postgres.post(batch)
        assert answers == self.pure.post(batch)
        state = self.postgres.state()
        same(self.pure.state(), state)
        check(state)
        return answers


def at(day: int, hour: int = 12) -> str:
    return datetime(2024, 3, day, hour, tzinfo=MOSCOW).isoformat()


def debit(key: str, amount: str = "50.00", account: str = "anna", **rest: Any) -> Record:
    return {"type": "debit", "key": key, "account": account, "lines": [{"brand": "sushi", "amount": amount}], **rest}


def payment(key: str, amount: str, account: str = "anna", **rest: Any) -> Record:
    return {"type": "payment", "key": key, "account": account, "amount": amount, "brand": "sushi", **rest}


@pytest.fixture
def both(postgres: Postgres) -> Both:
    return Both(postgres)


def codes(answers: list[Record]) -> list[str]:
    return [answer.get("code", answer["status"]) for answer in answers]


def test_a_refund_said_again_beside_a_new_one_counts_once(both: Both) -> None:
    """A follower found twice, by its own key and by what it refers to, is one follower."""
    first = {"type": "refund", "key": "f1", "debit": "d1", "amount": "20.00"}
    both.post(payment("p1", "100.00"), debit("d1"))
    both.post(first)
    answers = both.post(first, {"type": "refund", "key": "f2", "debit": "d1", "amount": "30.00"})
    assert codes(answers) == ["posted", "posted"]


def test_an_allocation_said_again_beside_a_new_one_counts_once(both: Both) -> None:
    """The same, for allocations."""
    first = {"type": "allocate", "key": "l1", "payment": "p1", "split": [{"account": "anna", "amount": "60.00"}]}
    both.post({"type": "payment", "key": "p1", "amount": "100.00", "brand": "sushi"})
    both.post(first)
    second = {"type": "allocate", "key": "l2", "payment": "p1", "split": [{"account": "anna", "amount": "40.00"}]}
    assert codes(both.post(first, second)) == ["posted", "posted"]


def test_a_key_twice_in_a_batch_is_posted_once(both: Both) -> None:
    """The second is the first one's replay, or its misuse."""
    answers = both.post(payment("p1", "10.00"), payment("p1", "10.00"), payment("p1", "11.00"))
    assert [a.get("replayed") for a in answers[:2]] == [False, True]
    assert codes(answers) == ["posted", "posted", "key_reused"]


def test_a_reversal_in_the_batch_of_what_it_undoes_leaves_things_as_they_were(both: Both) -> None:
    """A fine and its reversal in one batch: the debits of before stay unpaid, each as old as it is."""
    both.post(debit("d1", "10.00"), debit("d2", "20.00"), debit("d3", "30.00"))
    fine = {
        "type": "adjustment",
        "key": "a1",
        "account": "anna",
        "amount": "-25.00",
        "brand": "sushi",
        "reason": "fine",
    }
    both.post(fine, {"type": "reverse", "key": "v1", "transaction": "a1", "reason": "no fine"})
    owed = both.postgres.state()["owed"]["anna"]
    assert [(key, unpaid) for key, _, _, unpaid in owed] == [("d1", 1000), ("d2", 2000), ("d3", 3000)]


def test_payments_walk_over_as_many_open_debits_as_they_settle(both: Both) -> None:
    """Thirty open debits, paid in one batch by a few payments and refunds."""
    both.post(*(debit(f"d{n}", "10.00") for n in range(30)))
    both.post(
        payment("p1", "95.00"),
        {"type": "refund", "key": "f1", "debit": "d9", "amount": "1.00"},
        {"type": "refund", "key": "f2", "debit": "d20"},
        payment("p2", "130.00"),
        debit("d30", "5.00"),
        payment("p3", "0.01"),
    )
    both.post(payment("p4", "1000.00"))
    assert both.postgres.state()["owed"] == {}


def test_an_exact_payment_lets_the_next_debit_see_the_next_oldest(both: Both) -> None:
    """Overdue is judged by the debit that is oldest after the payment of the same batch."""
    both.administer({"type": "credit_terms", "account": "anna", "limit": "1000.00", "period_days": 3})
    both.post(debit("d1", at=at(1)))
    both.post(debit("d2", at=at(2)))
    answers = both.post(payment("p1", "50.00", at=at(6)), debit("d3", "1.00", at=at(6)))
    assert codes(answers) == ["posted", "credit_overdue"]
    assert codes(both.post(payment("p2", "50.00", at=at(6)), debit("d4", "1.00", at=at(6)))) == ["posted", "posted"]


def test_a_posting_asked_one_by_one_walks_on_from_where_it_was(both: Both) -> None:
    """The seam decides commands one at a time: credits so far count when more open debits are loaded."""
    both.post(*(debit(f"d{n}", "10.00") for n in range(6)))
    payments = [commands.parse({**payment(f"p{n}", "10.00"), "at": at(5)}) for n in range(5)]
    connection = both.postgres.ledger.connection()
    with (
        connection.transaction(),
        both.postgres.ledger.posting(connection, commands.scope_of(payments)) as posting,
    ):
        for one in payments:
            assert posting.decide(one).to_json()["status"] == "posted"
        posting.write()
    assert [key for key, *_ in both.postgres.state()["owed"]["anna"]] == ["d5"]


def test_a_posting_refuses_what_it_was_not_opened_with(both: Both) -> None:
    """A stray account would be decided on facts that were never loaded."""
    connection = both.postgres.ledger.connection()
    with connection.transaction(), both.postgres.ledger.posting(connection, Scope({"anna"}, keys=["p1"])) as posting:
        assert isinstance(posting, Posting)
        with pytest.raises(LookupError, match="was not opened with"):
            posting.decide(commands.parse(payment("p1", "1.00", "boris")))


def test_a_free_hold_runs_out_unseen(both: Both) -> None:
    """It sets nothing aside, so its end moves nobody's account."""
    free = {"brand": "sushi", "amount": "0.00", "gross": "5.00"}
    both.post({"type": "hold", "key": "h1", "account": "anna", "lines": [free], "expires_at": at(5)})
    both.post(payment("p1", "1.00", at=at(6)))
    assert codes(both.post({"type": "capture", "key": "c1", "hold": "h1", "at": at(6)})) == ["hold_expired"]


def test_the_end_of_a_free_hold_is_booked_after_what_came_before_it(both: Both) -> None:
    """Nobody looks for it while anna pays on the 6th: booked later, it is the 6th's, as her entries are in order."""
    free = {"brand": "sushi", "amount": "0.00", "gross": "5.00"}
    both.post({"type": "hold", "key": "h1", "account": "anna", "lines": [free], "expires_at": at(5)})
    both.post(payment("p1", "1.00", at=at(6)))
    until = datetime(2024, 3, 7, tzinfo=MOSCOW)
    assert both.postgres.ledger.book_expired(until) == 1
    both.pure.book_expired(until)
    both.post(payment("p2", "1.00", at=at(7)))
    days = both.postgres.rows(
        "SELECT t.business_date FROM entry e JOIN transaction t ON t.id = e.transaction_id "
        "WHERE e.version IS NOT NULL ORDER BY e.version"
    )
    assert [day.day for (day,) in days][1:] == [6, 6, 7]


def test_holds_that_ran_out_are_booked_once_at_their_time(both: Both) -> None:
    """As before a cut."""
    hold = {"type": "hold", "key": "h1", "account": "anna", "lines": [LINE], "expires_at": at(5)}
    both.post(payment("p1", "10.00", "boris"), hold)
    until = datetime(2024, 3, 6, tzinfo=MOSCOW)
    assert both.postgres.ledger.book_expired(datetime(2024, 3, 5, tzinfo=MOSCOW)) == 0
    assert both.postgres.ledger.book_expired(until) == 1
    assert both.postgres.ledger.book_expired(until) == 0
    both.pure.book_expired(until)
    both.post(payment("p2", "1.00", at=at(6)))
    [(when,)] = both.postgres.rows("SELECT posted_at FROM transaction WHERE kind = 'expiry'")
    assert when == datetime(2024, 3, 5, 12, tzinfo=MOSCOW)


def test_a_quote_answers_as_a_posting_would_and_writes_nothing(both: Both) -> None:
    """Lines of one batch see one another; transactions have no number yet."""
    both.administer({"type": "brand", "code": "pizza"})
    both.post(payment("p1", "30.00"))
    tables = ("transaction", "entry", "balance", "account", "open_debit")
    before = [both.postgres.rows(f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables]
    said = [
        debit("q1", "40.00"),
        {**debit("q2"), "lines": [{"brand": "pizza", "amount": "1.00"}]},
        debit("q3", "990.00"),
        debit("q1", "40.00"),
        payment("p1", "30.00"),
    ]
    quoted = [outcome.to_json() for outcome in both.postgres.ledger.quote([commands.parse(record) for record in said])]
    assert codes(quoted) == ["posted", "posted", "credit_limit_exceeded", "posted", "key_reused"]
    assert [quote.get("transaction") for quote in quoted[:2]] == [None, None]
    assert quoted[3]["replayed"]
    assert [both.postgres.rows(f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables] == before
    posted = both.post(debit("q1", "40.00"), {**debit("q2"), "lines": [{"brand": "pizza", "amount": "1.00"}]})
    assert [[a["balance"] for a in p["accounts"]] for p in posted] == [
        [a["balance"] for a in q["accounts"]] for q in quoted[:2]
    ]


def test_a_booking_time_that_nobody_named_is_the_databases_clock_after_the_locks(both: Both) -> None:
    """It is moved up to an account's latest entry if the clock was set back."""
    before = both.postgres.rows("SELECT clock_timestamp()")[0][0]
    [outcome] = both.postgres.ledger.post([commands.parse(payment("p1", "1.00"))])
    [(posted_at, recorded_at)] = both.postgres.rows("SELECT posted_at, recorded_at FROM transaction")
    assert before <= posted_at <= recorded_at
    assert outcome.to_json()["posted_at"].endswith("Z")
    with both.postgres.ledger.connection().transaction():
        both.postgres.ledger.connection().execute("UPDATE balance SET posted_at = '2999-01-01' WHERE version = 1")
    [outcome] = both.postgres.ledger.post([commands.parse(payment("p2", "1.00"))])
    assert outcome.to_json()["posted_at"] == "2999-01-01T00:00:00Z"


def test_another_process_captures_and_gives_points_with_all_it_needs(both: Both) -> None:
    """A capture names no brand, and a process that has just begun knows none of the brands' accounts."""
    number = both.pure.points("anna", "sushi"), both.postgres.points("anna", "sushi")
    hold = {"type": "hold", "key": "h1", "account": "anna", "lines": [LINE], "expires_at": at(5)}
    both.post(hold)
    both.postgres = both.postgres.again()
    assert codes(both.post({"type": "capture", "key": "c1", "hold": "h1"})) == ["posted"]
    both.postgres = both.postgres.again()
    give = {"type": "bonus", "key": "b1", "amount": "5.00", "reason": "welcome", "at": at(4)}
    given = [world.post([{**give, "account": n}]) for world, n in zip((both.pure, both.postgres), number, strict=True)]
    assert given[0] == given[1]
    assert codes(given[0]) == ["posted"]


def test_a_company_with_thousands_of_open_debits_loads_a_few_of_them(both: Both) -> None:
    """A payment reads what it pays off and one more; a debit reads none; a chargeback what it opens again."""
    ledger = both.postgres.ledger
    ledger.post([commands.parse({**debit(f"d{n}", "0.10"), "at": at(4)}) for n in range(3000)])
    connection = ledger.connection()
    with (
        connection.transaction(),
        ledger.posting(connection, Scope({"anna"}, keys=["p1"], brands={("sushi", None)})) as posting,
    ):
        number = posting.book.references["anna"]
        assert number not in posting.book.ages
        posting.decide(commands.parse({**payment("p1", "1.05"), "at": at(4)}))
        assert len(posting.book.ages[number].known) == 11
        posting.write()
    assert len(both.postgres.state()["owed"]["anna"]) == 2990
    ledger.post([commands.parse({**payment("p2", "298.95"), "at": at(4)})])
    assert both.postgres.state()["owed"] == {}
    with (
        connection.transaction(),
        ledger.posting(connection, Scope({"anna"}, ["v1"], ["p1"], {("sushi", None)}, payments=["p1"])) as posting,
    ):
        posting.decide(commands.parse({"type": "reverse", "key": "v1", "transaction": "p1", "reason": "chargeback"}))
        assert len(posting.book.ages[number].known) < 50
        posting.write()
    owed = both.postgres.state()["owed"]["anna"]
    assert [(key, unpaid) for key, _, _, unpaid in owed] == [("d2989", 5), *((f"d{n}", 10) for n in range(2990, 3000))]


def test_what_was_left_undone_on_the_ledgers_connection_is_not_lost(postgres: Postgres) -> None:
    """Though the payer is only found under way, and locks are let go for him."""
    for reference in ("anna", "romashka"):
        postgres.administer({"type": "party", "reference": reference, "kind": "individual"})
        postgres.administer({"type": "account", "reference": reference, "party": reference, "currency": "RUB"})
    postgres.administer({"type": "brand", "code": "sushi"})
    postgres.administer({"type": "link", "account": "anna", "payer": "romashka"})
    ledger = Ledger(postgres.ledger.url)
    ledger.connection().execute("UPDATE party SET name = 'Anna K.' WHERE reference = 'anna'")
    [outcome] = ledger.post([commands.parse({"type": "debit", "key": "d1", "account": "anna", "lines": [LINE]})])
    ledger.close()
    assert isinstance(outcome, Declined)
    assert postgres.rows("SELECT name FROM party WHERE reference = 'anna'") == [("Anna K.",)]
