"""Questions about now and any past moment: balance, history, limits; against stories and a replay of random runs."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test

from ledger.administration import administration_lines as administration
from ledger.core import commands
from ledger.errors import Failure
from ledger.postgres import account_queries, balances
from ledger.postgres.database import connect
from ledger.postgres.post import Ledger
from ledger.values.money import plain
from tests.ledger.machine import ACCOUNTS, Twin
from tests.ledger.story import Story
from tests.ledger.test_machine import CALM, twins
from tests.ledger.worlds import MOSCOW, Postgres

Record = dict[str, Any]


def state(postgres: Postgres, account: str, at: str) -> Record:
    moment = datetime.fromisoformat(at).replace(tzinfo=MOSCOW)
    with connect(postgres.ledger.url, autocommit=True) as connection:
        found = balances.balance(connection, account, at=moment).to_json()
    return {name: value for name, value in found.items() if name not in ("account", "reference", "currency")}


def test_a_balance_is_as_the_ledger_stood(story: Story, postgres: Postgres) -> None:
    """
    account anna   credit 100.00  3 days
    payment p1  anna  20.00   posted
    debit   d1  anna  50.00   posted
    at      2024-03-05
    hold    h1  anna  10.00  until 2024-03-06T12:00   posted
    at      2024-03-07
    debit   d2  anna  5.00    posted
    at      2024-03-08
    payment p2  anna  30.00   posted
    """
    story.holds()

    def seen(at: str) -> tuple[Any, ...]:
        found = state(postgres, "anna", at)
        return tuple(found[name] for name in ("balance", "held", "available", "unpaid_since", "overdue", "version"))

    assert seen("2024-03-04T11:59") == ("0.00", "0.00", "100.00", None, False, 0)
    assert seen("2024-03-04T12:00") == ("-30.00", "0.00", "70.00", "2024-03-04", False, 2)
    assert seen("2024-03-06T11:59") == ("-30.00", "10.00", "60.00", "2024-03-04", False, 3)
    assert seen("2024-03-06T12:00") == ("-30.00", "0.00", "70.00", "2024-03-04", False, 4)
    assert seen("2024-03-07T23:59") == ("-35.00", "0.00", "65.00", "2024-03-04", False, 5)
    assert seen("2024-03-08T00:00") == ("-35.00", "0.00", "0.00", "2024-03-04", True, 5)
    assert seen("2024-03-08T12:00") == ("-5.00", "0.00", "95.00", "2024-03-07", False, 6)
    assert state(postgres, "anna", "2024-03-08T12:00")["credit_limit"] == "100.00"


def test_what_was_unpaid_then_is_found_without_reading_the_history(
    story: Story, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    account anna   credit 100.00  3 days
    debit   d1  anna  50.00   posted
    debit   d2  anna  20.00   posted
    at      2024-03-05
    payment p1  anna  60.00   posted
    at      2024-03-06
    refund  r1  d2            posted
    debit   d3  anna  5.00    posted
    debit   d4  anna  10.00   posted
    at      2024-03-07
    payment p2  anna  50.00   posted
    """
    story.holds()

    def seen(at: str) -> tuple[Any, ...]:
        found = state(postgres, "anna", at)
        return tuple(found[name] for name in ("balance", "unpaid_since", "overdue"))

    moments = [f"2024-03-0{day}T{time}" for day in range(4, 8) for time in ("12:00", "23:59")]
    slowly = {}
    with monkeypatch.context() as patched:
        patched.setattr(balances, "_THEN", balances._THEN.replace("place ON ", "place ON false AND "))
        slowly = {at: seen(at) for at in moments}
    monkeypatch.setattr(balances, "_unpaid_then", None)
    assert {at: seen(at) for at in moments} == slowly
    assert slowly["2024-03-04T23:59"] == ("-70.00", "2024-03-04", False)
    assert slowly["2024-03-05T23:59"] == ("-10.00", "2024-03-04", False)
    assert slowly["2024-03-06T23:59"] == ("-5.00", "2024-03-06", False)


def test_a_hold_that_ran_out_holds_nothing_even_before_that_is_booked(story: Story, postgres: Postgres) -> None:
    """
    account anna   balance 100.00
    hold    h1  anna  sushi 10.00 + pizza 20.00  until 2024-03-06T12:00   posted
    capture c1  h1  line 1   posted
    """
    story.holds()
    assert state(postgres, "anna", "2024-03-06T11:59")["held"] == "20.00"
    assert state(postgres, "anna", "2024-03-06T12:00")["held"] == "0.00"
    assert state(postgres, "anna", "2024-03-06T12:00")["available"] == "90.00"


def test_limits_show_what_is_left_now(postgres: Postgres) -> None:
    """Of each that concerns the account; holds that ran out count no more, but what was captured of them does."""
    for record in (
        {"type": "brand", "code": "sushi"},
        {"type": "party", "reference": "anna", "kind": "individual"},
        {"type": "account", "reference": "anna", "party": "anna", "currency": "RUB"},
        {"type": "account", "reference": "romashka", "party": "anna", "currency": "RUB"},
        {"type": "link", "account": "anna", "payer": "romashka"},
        {
            "type": "write_off_limit",
            "payer": "romashka",
            "account": "anna",
            "period": "total",
            "amount": "100.00",
            "count": 5,
        },
        {"type": "write_off_limit", "payer": "romashka", "account": "anna", "period": "order", "amount": "60.00"},
        {"type": "write_off_limit", "payer": "romashka", "period": "total", "amount": "500.00"},
        {"type": "write_off_limit", "payer": "anna", "period": "month", "count": 1},
    ):
        postgres.administer(record)
    at = (datetime.now(UTC) - timedelta(hours=3)).isoformat()
    gone = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    lines = [{"brand": "sushi", "amount": "10.00"}, {"brand": "sushi", "amount": "20.00"}]
    found = postgres.post(
        [
            {"type": "payment", "key": "p", "account": "romashka", "amount": "1000.00", "brand": "sushi", "at": at},
            {"type": "debit", "key": "d", "account": "anna", "lines": lines, "at": at},
            {"type": "hold", "key": "h1", "account": "anna", "lines": lines, "at": at, "expires_at": gone},
            {"type": "hold", "key": "h2", "account": "anna", "lines": lines, "at": at, "expires_at": gone},
            {"type": "capture", "key": "c", "hold": "h2", "lines": [{"line": 1}], "at": at},
        ]
    )
    assert [answer["status"] for answer in found] == ["posted"] * 5
    with connect(postgres.ledger.url, autocommit=True) as connection:
        rows = [limit.to_json() for limit in account_queries.limits(connection, "anna")]
        names = postgres.names()
    shown = [
        (
            names[r["payer"]],
            names.get(r["account"]),
            r["period"],
            r["used"],
            r["left"],
            r["used_count"],
            r["left_count"],
        )
        for r in rows
    ]
    assert sorted(shown, key=str) == sorted(
        [
            ("romashka", "anna", "order", "0.00", "60.00", 0, None),
            ("romashka", "anna", "total", "40.00", "60.00", 2, 3),
            ("romashka", None, "total", "40.00", "460.00", 2, None),
            ("anna", None, "month", "0.00", None, 0, 1),
        ],
        key=str,
    )


def test_history_lists_every_change_in_order_by_page_and_by_day(story: Story, postgres: Postgres) -> None:
    """
    account anna   balance 100.00
    debit   d1  anna  5.00    posted
    at      2024-03-05
    hold    h1  anna  10.00  until 2024-03-06   posted
    at      2024-03-07
    debit   d2  anna  5.00    posted
    """
    story.holds()
    with connect(postgres.ledger.url, autocommit=True) as connection:
        rows = [entry.to_json() for entry in account_queries.history(connection, "anna")]
        day = datetime(2024, 3, 5, tzinfo=MOSCOW)
        of_the_5th = list(account_queries.history(connection, "anna", since=day, until=day + timedelta(1)))
    keys = ("version", "key", "kind", "amount", "held", "balance")
    assert [tuple(row[name] for name in keys) for row in rows] == [
        (1, "anna-opening", "payment", "100.00", "0.00", "100.00"),
        (2, "d1", "debit", "-5.00", "0.00", "95.00"),
        (3, "h1", "hold", "0.00", "10.00", "95.00"),
        (4, rows[3]["key"], "expiry", "0.00", "-10.00", "95.00"),
        (5, "d2", "debit", "-5.00", "0.00", "90.00"),
    ]
    assert [entry.key for entry in of_the_5th] == ["h1"]
    assert rows[3]["posted_at"] == "2024-03-05T21:00:00Z"


def test_a_long_history_comes_page_by_page_without_gaps(postgres: Postgres) -> None:
    """2,500 entries are three pages."""
    for record in (
        {"type": "brand", "code": "sushi"},
        {"type": "party", "reference": "anna", "kind": "individual"},
        {"type": "account", "reference": "anna", "party": "anna", "currency": "RUB"},
    ):
        postgres.administer(record)
    pay = {"type": "payment", "account": "anna", "amount": "1.00", "brand": "sushi"}
    postgres.ledger.post([commands.parse({**pay, "key": f"p{n}"}) for n in range(2500)])
    with connect(postgres.ledger.url, autocommit=True) as connection:
        versions = [entry.version for entry in account_queries.history(connection, "anna")]
    assert versions == list(range(1, 2501))


def test_what_cannot_be_answered_is_one_sentence(postgres: Postgres) -> None:
    """Unknown accounts, the future, a book that is not there."""
    with connect(postgres.ledger.url, autocommit=True) as connection:
        with pytest.raises(Failure, match=r"^no such account: reference nobody$"):
            balances.balance(connection, "nobody")
        with pytest.raises(Failure, match=r"^no such account: number 1000017$"):
            list(account_queries.history(connection, 1000017))
        postgres.administer({"type": "party", "reference": "anna", "kind": "individual"})
        postgres.administer({"type": "account", "reference": "anna", "party": "anna", "currency": "RUB"})
        with pytest.raises(Failure, match=r"^2999-01-01T00:00:00Z is in the future; it is "):
            balances.balance(connection, "anna", at=datetime(2999, 1, 1, tzinfo=UTC))


def test_asking_waits_for_no_lock(postgres: Postgres) -> None:
    """A writer in the middle of a long batch keeps nobody from a balance or a quote."""
    postgres.administer({"type": "brand", "code": "sushi"})
    postgres.administer({"type": "party", "reference": "anna", "kind": "individual"})
    postgres.administer({"type": "account", "reference": "anna", "party": "anna", "currency": "RUB"})
    debit = commands.parse(
        {"type": "debit", "key": "q", "account": "anna", "lines": [{"brand": "sushi", "amount": "1.00"}]}
    )
    with psycopg.connect(postgres.ledger.url) as busy, connect(postgres.ledger.url, autocommit=True) as connection:
        busy.execute("SELECT * FROM balance FOR UPDATE")
        connection.execute("SET statement_timeout = '2s'")
        assert balances.balance(connection, "anna").balance == 0
        asking = Ledger(postgres.ledger.url, statement_timeout_ms=2000)
        assert asking.quote([debit])[0].to_json()["code"] == "insufficient_funds"
        asking.close()


class Historian(Twin):
    """A twin that notes what each account had after each step, by the model, and asks PostgreSQL at the end.

    A past moment is judged by the terms that are known for it at the end, and by what was owed then.
    """

    def __init__(self, postgres: Postgres) -> None:
        super().__init__(postgres)
        self.seen: dict[tuple[str, datetime], tuple[int, int]] = {}

    @rule(hours=st.sampled_from((1, 30)))
    def look_and_wait(self, hours: int) -> None:
        for account in ACCOUNTS:
            self.seen[account, self.now] = self.model.balance(account), self.model.held(account, self.now)
        self.now += timedelta(hours=hours)

    def expected(self, account: str, at: datetime, balance: int, held: int, status: str) -> Record:
        day = at.astimezone(MOSCOW).date()
        owed, terms = self.model.owed(account, day, at), self.model.in_force(account, day)
        overdue = self.model.overdue(account, day, at)
        credit = terms.limit if terms and not overdue else 0
        return {
            "balance": plain(balance),
            "held": plain(held),
            "credit_limit": plain(terms.limit) if terms else None,
            "available": plain(max(0, balance - held + credit) if status == "open" else 0),
            "unpaid_since": min(day for _, day, _, _ in owed).isoformat() if owed else None,
            "overdue": overdue,
        }

    def teardown(self) -> None:
        self.flush()
        with connect(self.postgres.ledger.url) as connection:
            for (account, at), (balance, held) in self.seen.items():
                answer = balances.balance(connection, account, at=at).to_json()
                expected = self.expected(account, at, balance, held, "open")  # statuses were changed after 2024
                assert {name: answer[name] for name in expected} == expected, (account, at)
            now = datetime.now(UTC)
            for account, status in self.model.status.items():
                answer = balances.balance(connection, account).to_json()
                balance, held = self.model.balance(account), self.model.held(account, now)
                expected = self.expected(account, now, balance, held, status)
                assert {name: answer[name] for name in expected} == expected, account
        super().teardown()


def test_past_balances_are_what_the_model_had_then(server: str, template_database: str) -> None:
    """Whatever happened since: what each account had, held and owed at each moment of random runs."""
    past_balances(server, template_database, max_examples=3)


@pytest.mark.soak
def test_past_balances_are_what_the_model_had_then_for_long(server: str, template_database: str) -> None:
    """The same, for 300 runs, other ones each time."""
    past_balances(server, template_database, max_examples=300, derandomize=False)


def past_balances(server: str, template: str, **size: Any) -> None:
    machines = twins(server, template, Historian)
    calm = settings(CALM, suppress_health_check=list(HealthCheck), **size)
    run_state_machine_as_test(lambda: next(machines), settings=calm)  # type: ignore[no-untyped-call]
    machines.close()


def test_quote_and_balance_speak_json(postgres: Postgres) -> None:
    """The shapes that callers of other languages read."""
    postgres.administer({"type": "brand", "code": "sushi"})
    postgres.administer({"type": "party", "reference": "anna", "kind": "individual"})
    done = postgres.ledger.administer(
        [administration.parse({"type": "account", "reference": "anna", "party": "anna", "currency": "RUB"})]
    )
    with connect(postgres.ledger.url, autocommit=True) as connection:
        found = json.loads(json.dumps(balances.balance(connection, "anna").to_json()))
    number = done[0].to_json()["account"]
    assert found == {
        "account": number,
        "reference": "anna",
        "currency": "RUB",
        "balance": "0.00",
        "held": "0.00",
        "credit_limit": None,
        "available": "0.00",
        "unpaid_since": None,
        "overdue": False,
        "version": 0,
    }
