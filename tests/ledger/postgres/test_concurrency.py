"""Many writers at once, as real processes: nothing lost, nothing doubled, no limit passed, no deadlock told."""

import multiprocessing
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest

from ledger.administration import administration_lines as administration
from ledger.core import commands
from ledger.postgres.database import connect, initialise
from ledger.postgres.drafts import Draft, save
from ledger.postgres.post import Ledger
from tests.ledger.checks import check
from tests.ledger.worlds import Postgres

Record = dict[str, Any]
WRITERS = 8
FORKING = multiprocessing.get_context("forkserver")
FORKING.set_forkserver_preload([__name__])  # writers are forked from a process that has the imports, and nothing else
AT = "2024-03-04T12:00:00+03:00"


def write(url: str, batches: list[list[Record]], start: Any, answers: Any) -> None:
    """Post batches as one of several processes; tell what each command was answered."""
    try:
        ledger = Ledger(url)
        ledger.connection()
        start.wait()
        said = [outcome.to_json() for batch in batches for outcome in ledger.post([commands.parse(r) for r in batch])]
    except Exception as error:  # told to the parent, who fails
        said = [{"status": f"{type(error).__name__}: {error}"}]
    answers.put(said)


def all_at_once(url: str, work: Sequence[list[list[Record]]]) -> list[list[Record]]:
    """Return what each writer was answered; all begin together."""
    start, answers = FORKING.Barrier(len(work)), FORKING.Queue()
    writers = [FORKING.Process(target=write, args=(url, batches, start, answers)) for batches in work]
    for writer in writers:
        writer.start()
    said = [answers.get(timeout=120) for _ in writers]
    for writer in writers:
        writer.join()
    return said


def statuses(said: list[list[Record]]) -> Counter[str]:
    return Counter(a.get("code") or a["status"] for answers in said for a in answers)


def fill(world: Postgres, accounts: Sequence[str], amount: str) -> None:
    lines: list[Record] = [{"type": "brand", "code": "sushi"}]
    for reference in accounts:
        lines.append({"type": "party", "reference": reference, "kind": "individual"})
        lines.append({"type": "account", "reference": reference, "party": reference, "currency": "RUB"})
    done = world.ledger.administer([administration.parse(record) for record in lines])
    assert all(outcome.to_json()["status"] == "done" for outcome in done)
    if amount != "0":
        world.ledger.post([commands.parse(payment(f"open-{a}", a, amount)) for a in accounts])


def payment(key: str, account: str, amount: str) -> Record:
    return {"type": "payment", "key": key, "account": account, "amount": amount, "brand": "sushi"}


def debit(key: str, account: str, amount: str) -> Record:
    return {"type": "debit", "key": key, "account": account, "lines": [{"brand": "sushi", "amount": amount}]}


def balances(world: Postgres) -> dict[str, int]:
    return {account: state[0] for account, state in world.state()["balances"].items()}


def test_opposing_transfers_of_eight_writers_neither_deadlock_nor_lose(postgres: Postgres) -> None:
    """Each writer moves 1.00 round a ring of five accounts, every other one against the others."""
    ring = ["a", "b", "c", "d", "e"]
    fill(postgres, ring, "100.00")
    work = []
    for writer in range(WRITERS):
        way = ring if writer % 2 else ring[::-1]
        pairs = [(way[n % 5], way[(n + 1) % 5]) for n in range(20)]
        transfers = [
            {"type": "transfer", "key": f"t{writer}-{n}", "account": one, "to": other, "amount": "1.00"}
            for n, (one, other) in enumerate(pairs)
        ]
        work.append([transfers[n : n + 4] for n in range(0, 20, 4)])
    assert statuses(all_at_once(postgres.ledger.url, work)) == {"posted": WRITERS * 20}
    assert set(balances(postgres).values()) == {10000}
    check(postgres.state())


def test_a_hot_payer_of_a_thousand_employees_never_passes_its_limit(postgres: Postgres) -> None:
    """1,000 lunches of 10.00 against 5,000.00 a day: exactly 500 are paid, whoever sent them."""
    employees = [f"employee-{n}" for n in range(1000)]
    fill(postgres, ["company"], "20000.00")
    fill(postgres, employees, "0")
    links = [{"type": "link", "account": employee, "payer": "company"} for employee in employees]
    postgres.ledger.administer([administration.parse(record) for record in links])
    postgres.administer({"type": "write_off_limit", "payer": "company", "period": "day", "amount": "5000.00"})
    mine = [[{**debit(f"d-{e}", e, "10.00"), "at": None} for e in employees[w::WRITERS]] for w in range(WRITERS)]
    work = [[lunches[n : n + 50] for n in range(0, len(lunches), 50)] for lunches in mine]
    said = all_at_once(postgres.ledger.url, work)
    assert statuses(said) == {"posted": 500, "write_off_limit_exceeded": 500}
    state = postgres.state()
    assert state["balances"]["company"][:2] == (1500000, 0)
    [(used, times)] = [u for key, u in state["usage"].items() if key[:3] == ("company", "company", "day")]
    assert (used, times) == (500000, 500)
    check(state)


def test_the_same_keys_from_two_writers_are_posted_once(postgres: Postgres) -> None:
    """In opposite order, in batches, for accounts that they share and that they do not."""
    fill(postgres, ["anna", "boris"], "1000.00")
    lines = [debit(f"d{n}", ("anna", "boris")[n % 2], "1.00") for n in range(60)]
    batches = [lines[n : n + 6] for n in range(0, 60, 6)]
    said = all_at_once(postgres.ledger.url, [batches, [b[::-1] for b in batches[::-1]], batches, batches[::-1]])
    assert statuses(said) == {"posted": 240}
    assert Counter(a["replayed"] for answers in said for a in answers) == {False: 60, True: 180}
    first = {a["key"]: a["transaction"] for answers in said for a in answers}
    assert all(a["transaction"] == first[a["key"]] for answers in said for a in answers)
    assert set(balances(postgres).values()) == {97000}


def test_one_key_with_other_content_from_two_writers_is_used_once(postgres: Postgres) -> None:
    """Different accounts share no lock: the key itself decides."""
    fill(postgres, ["anna", "boris"], "1000.00")
    work = [[[debit(f"d{n}", account, "1.00")] for n in range(20)] for account in ("anna", "boris")]
    assert statuses(all_at_once(postgres.ledger.url, work)) == {"posted": 20, "key_reused": 20}
    assert sum(balances(postgres).values()) == 200000 - 2000


@pytest.mark.parametrize("kind", ["refund", "capture", "reverse", "allocate", "reverse and allocate"])
def test_what_one_transaction_allows_is_done_once_by_many(postgres: Postgres, kind: str) -> None:
    """Refunds, captures, reversals and allocations of one transaction, all at once, by writers of different accounts."""
    accounts = [f"a{n}" for n in range(WRITERS)]
    fill(postgres, accounts, "100.00")
    rounds = 8
    first = {
        "refund": lambda n: debit(f"x{n}", "a0", "10.00"),
        "capture": lambda n: {**debit(f"x{n}", "a0", "10.00"), "type": "hold", "expires_at": "2998-01-01T00:00:00Z"},
        "reverse": lambda n: payment(f"x{n}", "a0", "10.00"),
    }.get(kind, lambda n: {"type": "payment", "key": f"x{n}", "amount": "10.00", "brand": "sushi"})
    postgres.ledger.post([commands.parse(first(n)) for n in range(rounds)])

    def second(writer: int, n: int) -> Record:
        key = f"{kind[0]}{writer}-{n}"
        if kind == "refund":
            return {"type": "refund", "key": key, "debit": f"x{n}", "amount": "6.00"}
        if kind == "capture":
            return {"type": "capture", "key": key, "hold": f"x{n}", "amount": "6.00"}
        if kind == "reverse" or (kind == "reverse and allocate" and writer % 2):
            return {"type": "reverse", "key": key, "transaction": f"x{n}", "reason": "twice"}
        return {
            "type": "allocate",
            "key": key,
            "payment": f"x{n}",
            "split": [{"account": accounts[writer], "amount": "6.00"}],
        }

    work = [[[second(writer, n)] for n in range(rounds)] for writer in range(WRITERS)]
    said = statuses(all_at_once(postgres.ledger.url, work))
    state = postgres.state()
    check(state)
    if kind == "reverse and allocate":
        # What was allocated before it was reversed is taken back with it; nothing is allocated after.
        assert said["posted"] >= rounds
        assert {amount for amount, *_ in state["balances"].values()} <= {10000, 10600}
        for n in range(rounds):
            unallocated = [e for t in state["transactions"].values() for e in t[5] if e[0] == "unallocated sushi"]
            assert sum(e[1] for e in unallocated) >= 0, n
        undone = {key for key, t in state["transactions"].items() if t[0] == "reverse" and t[1] is None}
        assert len(undone) == rounds
        assert sum(amount for amount, *_ in state["balances"].values()) == WRITERS * 10000
    else:
        assert said["posted"] == rounds
        assert sum(count for code, count in said.items() if code != "posted") == rounds * (WRITERS - 1)


def test_administration_beside_posting_waits_its_turn(postgres: Postgres) -> None:
    """Limits that change while a payer is drawn from count what was drawn before them, to the kopeck."""
    fill(postgres, ["company", "anna", "boris"], "0")
    postgres.administer({"type": "credit_terms", "account": "company", "limit": "9999.00", "valid_from": "2024-01-01"})
    for account in ("anna", "boris"):
        postgres.administer({"type": "link", "account": account, "payer": "company"})
    start, answers = FORKING.Barrier(3), FORKING.Queue()
    work = [[[debit(f"{a}{n}", a, "1.00")] for n in range(60)] for a in ("anna", "boris")]
    writers = [FORKING.Process(target=write, args=(postgres.ledger.url, batches, start, answers)) for batches in work]
    for writer in writers:
        writer.start()
    start.wait()
    for n in range(12):
        if n % 2:
            postgres.administer({"type": "write_off_limit", "payer": "company", "period": "total", "amount": None})
        else:
            postgres.administer({"type": "write_off_limit", "payer": "company", "period": "total", "amount": "40.00"})
    postgres.administer({"type": "write_off_limit", "payer": "company", "period": "total", "amount": "9000.00"})
    said = [answers.get(timeout=120) for _ in writers]
    for writer in writers:
        writer.join()
    posted = statuses(said)["posted"]
    [(used, times)] = [u for key, u in postgres.state()["usage"].items() if key[2] == "total"]
    assert (used, times) == (posted * 100, posted)
    assert balances(postgres)["company"] == -posted * 100


def test_two_tabs_that_save_one_draft_at_the_same_moment_both_save_it(database_url: str) -> None:
    """At whichever of its unique indexes they meet."""
    initialise(database_url, "Europe/Moscow")
    together, drafts = Barrier(2), [uuid4() for _ in range(200)]

    def tab(_: int) -> None:
        with connect(database_url) as connection:
            for id_ in drafts:
                together.wait(10)
                save(connection, Draft(id_, "o.petrova", "payment", {}, [{"type": "payment"}], "anna 1.00"))
                connection.commit()

    with ThreadPoolExecutor(2) as tabs:
        list(tabs.map(tab, range(2)))
