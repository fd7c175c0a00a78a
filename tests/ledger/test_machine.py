"""Random runs of commands against the naive model: a few hundred here, ten thousand in soak."""

import os
from collections.abc import Generator
from itertools import count

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from ledger.postgres.database import connect, initialise
from tests.conftest import made
from tests.ledger.machine import Machine, Twin
from tests.ledger.worlds import Postgres

CALM = settings(deadline=None, suppress_health_check=list(HealthCheck), stateful_step_count=30, derandomize=True)


def test_the_core_agrees_with_the_naive_model() -> None:
    """After every step of 100 runs of random commands."""
    run_state_machine_as_test(Machine, settings=settings(CALM, max_examples=100))  # type: ignore[no-untyped-call]


@pytest.mark.soak
def test_the_core_agrees_with_the_naive_model_for_long() -> None:
    """After every step of 10,000 longer runs, other ones each time."""
    wild = settings(CALM, max_examples=10_000, stateful_step_count=40, derandomize=False)
    run_state_machine_as_test(Machine, settings=wild)  # type: ignore[no-untyped-call]


NUMBERS = count(1)
"""Of all machines of this process: two tests that count for themselves would meet in one database."""


def twins(server: str, template: str, kind: type[Twin] = Twin) -> Generator[Twin]:
    """Yield machines, each with a fresh book in PostgreSQL."""
    for number in NUMBERS:
        for url in made(server, f"tiffin_twin_{os.getpid()}_{number}", template):
            initialise(url, "Europe/Moscow")
            with connect(url) as connection:  # the server's own time zone must not matter
                connection.execute(f"ALTER DATABASE {connection.info.dbname} SET timezone = 'America/New_York'")
            yield kind(Postgres(url))


def test_postgresql_agrees_with_the_core_batch_by_batch(server: str, template_database: str) -> None:
    """What is loaded, decided and written in batches of any size is what the pure core answered one by one."""
    machines = twins(server, template_database)
    run_state_machine_as_test(lambda: next(machines), settings=settings(CALM, max_examples=5))  # type: ignore
    machines.close()


@pytest.mark.soak
def test_postgresql_agrees_with_the_core_for_long(server: str, template_database: str) -> None:
    """The same, for 1,000 runs, other ones each time."""
    machines = twins(server, template_database)
    wild = settings(CALM, max_examples=1_000, stateful_step_count=60, derandomize=False)
    run_state_machine_as_test(lambda: next(machines), settings=wild)  # type: ignore[no-untyped-call]
    machines.close()
