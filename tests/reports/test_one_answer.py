"""One moment, one answer: the reports of random books against the naive model; a few here, ten thousand in soak."""

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.ledger.test_machine import CALM
from tests.reports.reported import Reported


def test_reports_agree_with_the_naive_model() -> None:
    """Open items, aging, exposure and who owes whom, at the end of five runs of random commands."""
    run_state_machine_as_test(Reported, settings=settings(CALM, max_examples=5))  # type: ignore[no-untyped-call]


@pytest.mark.soak
def test_reports_agree_with_the_naive_model_for_long() -> None:
    """The same for 10,000 longer runs, other ones each time."""
    wild = settings(CALM, max_examples=10_000, stateful_step_count=40, derandomize=False)
    run_state_machine_as_test(Reported, settings=wild)  # type: ignore[no-untyped-call]
