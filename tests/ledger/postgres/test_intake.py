"""Intake turns many callers into few batches, and loses nothing."""

import threading
from concurrent.futures import Future, wait
from typing import Any

import pytest

from ledger.administration.administration_lines import parse
from ledger.core.command_parts import Line
from ledger.core.commands import Debit, Payment
from ledger.core.outcomes import Declined, Invalid, Posted
from ledger.errors import GaveUp
from ledger.food.core import commands as food
from ledger.food.postgres.post_orders import Desk
from ledger.postgres.database import connect
from ledger.postgres.intake import Intake, IntakeClosed, IntakeFull
from ledger.postgres.post import Ledger


@pytest.fixture
def ledger(database_url: str) -> Ledger:
    """Return a ledger with a company that pays for ten employees."""
    ledger = Ledger(database_url)
    employees = [f"employee {number}" for number in range(10)]
    lines: list[dict[str, Any]] = [{"type": "brand", "code": "sushi", "name": "Sushi"}]
    for name in ("company", *employees):
        lines += [
            {"type": "party", "reference": name, "kind": "individual", "name": name},
            {"type": "account", "reference": name, "party": name, "currency": "RUB"},
        ]
    lines += [{"type": "link", "account": name, "payer": "company"} for name in employees]
    outcomes = ledger.administer([parse(line) for line in lines])
    assert {outcome.to_json()["status"] for outcome in outcomes} == {"done"}
    return ledger


def debit(key: str, account: str, amount: str) -> Debit:
    """Return a debit of one line."""
    return Debit(key=key, account=account, lines=(Line(brand="sushi", amount=amount),))


def test_a_thousand_callers_share_one_payer_and_never_pass_its_money(ledger: Ledger) -> None:
    """The company has 500.00 and a thousand lunches of 1.00 are asked: 500 are posted."""
    futures: list[Future[Any]] = []
    lock = threading.Lock()
    with Intake(ledger) as intake:
        assert isinstance(
            intake.submit(Payment(key="p", account="company", amount=500, brand="sushi")).result(), Posted
        )

        def call(caller: int) -> None:
            for number in range(100):
                future = intake.submit(debit(f"{caller}-{number}", f"employee {caller}", "1.00"))
                with lock:
                    futures.append(future)

        callers = [threading.Thread(target=call, args=(caller,)) for caller in range(10)]
        for thread in callers:
            thread.start()
        for thread in callers:
            thread.join()
    outcomes = [future.result(timeout=0) for future in futures]
    assert sum(isinstance(outcome, Posted) for outcome in outcomes) == 500
    assert {outcome.code for outcome in outcomes if isinstance(outcome, Declined)} == {"insufficient_funds"}


def test_commands_on_one_account_keep_their_order(ledger: Ledger) -> None:
    """A payment and the debit that needs it, submitted without waiting, are both posted."""
    with Intake(ledger) as intake:
        futures = []
        for number in range(50):
            name = f"employee {number % 10}"
            futures.append(intake.submit(Payment(key=f"p{number}", account=name, amount=7, brand="sushi")))
            futures.append(intake.submit(debit(f"d{number}", name, "7.00")))
        wait(futures)
    assert all(isinstance(future.result(), Posted) for future in futures)


def test_a_full_intake_pushes_back_and_what_it_took_is_carried_out(ledger: Ledger) -> None:
    """With room for five, the sixth is refused with the figures, and the five are answered."""
    connection = Ledger(ledger.url).connection()
    with connection.transaction():  # holds the company's lock, so that nothing can be posted meanwhile
        connection.execute(
            "SELECT 1 FROM balance WHERE account_id = (SELECT id FROM account WHERE reference = 'company') FOR UPDATE"
        )
        intake = Intake(ledger, capacity=5)
        futures = [
            intake.submit(Payment(key=f"p{number}", account="company", amount=1, brand="sushi")) for number in range(5)
        ]
        with pytest.raises(IntakeFull, match="5 commands wait, at most 5 may"):
            intake.submit(Payment(key="p6", account="company", amount=1, brand="sushi"))
    intake.close()
    assert all(isinstance(future.result(timeout=0), Posted) for future in futures)
    assert (
        ledger.post([Payment(key="p6", account="company", amount=1, brand="sushi")])[0].to_json()["replayed"] is False
    )


def test_a_closed_intake_takes_nothing_and_lost_nothing(ledger: Ledger) -> None:
    """Closing answers all that was taken; then nothing is taken."""
    intake = Intake(ledger)
    futures = [
        intake.submit(Payment(key=f"p{number}", account="company", amount=1, brand="sushi")) for number in range(300)
    ]
    intake.close()
    assert all(isinstance(future.result(timeout=0), Posted) for future in futures)
    with pytest.raises(IntakeClosed):
        intake.submit(Payment(key="late", account="company", amount=1, brand="sushi"))


ORDER = food.Order(key="o1", account="company", items=(food.Item(brand="sushi", sku="roll", price=5),))


def test_an_intake_over_a_desk_takes_orders_too(ledger: Ledger) -> None:
    """An order and what becomes of it go one way, in the order of their submission."""
    with Intake(Desk(ledger)) as intake:
        paid = intake.submit(Payment(key="p", account="company", amount=7, brand="sushi"))
        ordered = intake.submit(ORDER)
        delivered = intake.submit(food.Deliver(key="y1", order="o1"))
    assert isinstance(paid.result(), Posted)
    assert ordered.result().to_json()["order"]["net"] == "5.00"
    assert delivered.result().to_json()["order"]["status"] == "delivered"


def test_an_order_that_the_ledger_alone_cannot_take_is_invalid(ledger: Ledger) -> None:
    """It is answered, and so are its neighbours."""
    with Intake(ledger) as intake:
        outcomes = [intake.submit(ORDER), intake.submit(Payment(key="p", account="company", amount=7, brand="sushi"))]
    assert isinstance(outcomes[1].result(), Posted)
    assert outcomes[0].result() == Invalid(key="o1", message="type: order is not a command of the ledger")


@pytest.mark.parametrize("bad", [{"type": "payment"}, None, "payment", 7])
def test_what_is_no_command_is_not_taken(ledger: Ledger, bad: Any) -> None:
    """Whoever submits it is told at once; later callers are answered."""
    with Intake(ledger) as intake:
        with pytest.raises(TypeError, match="is not a command"):
            intake.submit(bad)
        assert isinstance(
            intake.submit(Payment(key="p", account="company", amount=7, brand="sushi")).result(10), Posted
        )


def test_a_command_built_past_its_checks_fails_alone(ledger: Ledger) -> None:
    """It lacks what every debit has; its own caller gets the error, all others their answers."""
    broken = object.__new__(Debit)
    object.__setattr__(broken, "__dict__", {"key": "broken"})
    with Intake(ledger, capacity=3) as intake:
        for _ in range(2):
            futures = [
                intake.submit(broken),
                intake.submit(Payment(key="p", account="company", amount=7, brand="sushi")),
            ]
            assert isinstance(futures[0].exception(10), AttributeError)
            assert isinstance(futures[1].result(10), Posted)


def test_what_was_cancelled_leaves_its_place(ledger: Ledger) -> None:
    """Cancelled commands count no more among those that wait."""
    connection = Ledger(ledger.url).connection()
    with Intake(ledger, writers=1, capacity=3) as intake:
        with connection.transaction():
            connection.execute("SELECT 1 FROM balance FOR UPDATE")
            intake.submit(Payment(key="first", account="company", amount=1, brand="sushi"))
            waiting = intake.submit(Payment(key="second", account="company", amount=1, brand="sushi"))
            while not waiting.cancel():
                pass
        for number in range(30):
            one = intake.submit(Payment(key=f"p{number}", account="company", amount=1, brand="sushi"))
            assert isinstance(one.result(10), Posted)


def test_a_command_that_failed_holds_up_those_that_hang_on_it_and_no_others(ledger: Ledger) -> None:
    """Somebody keeps Anna's account locked: her payment fails, and her debit is not declined for want of it."""
    lines = (
        {"type": "party", "reference": "anna", "kind": "individual"},
        {"type": "account", "reference": "anna", "party": "anna", "currency": "RUB"},
    )
    ledger.administer([parse(line) for line in lines])
    payment = Payment(key="p1", account="anna", amount="5.00", brand="sushi")
    impatient = Ledger(ledger.url, lock_timeout_ms=200)
    with Intake(impatient, writers=1) as intake, connect(ledger.url) as other:
        other.execute(
            "SELECT 1 FROM balance b JOIN account a ON a.id = b.account_id WHERE reference = 'anna' FOR UPDATE"
        )
        with pytest.raises(GaveUp):
            intake.submit(payment).result(30)
        free = intake.submit(Payment(key="p2", account="company", amount="5.00", brand="sushi"))
        other.rollback()
        with pytest.raises(GaveUp, match="it may hang on p1, which failed"):
            intake.submit(debit("d1", "anna", "5.00")).result(30)
        assert isinstance(free.result(30), Posted)
        assert isinstance(intake.submit(payment).result(30), Posted)
        assert isinstance(intake.submit(debit("d1", "anna", "5.00")).result(30), Posted)
