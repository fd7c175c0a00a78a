"""A caller that posts a file of commands batch by batch and notes each answer before the next: made to be killed.

    python -m tests.ledger.writer URL COMMANDS ANSWERS

It goes on after the last command that ANSWERS has a whole line for. Orders go through the desk, in batches that are
decided in several parts.
"""

import itertools
import sys
from pathlib import Path

from ledger.food.core.commands import parse
from ledger.food.postgres import post_orders
from ledger.intake.json_lines import read, written
from ledger.postgres.post import Ledger

BATCH = 4
post_orders.LEAST = 1


def main(url: str, commands: str, answers: str) -> None:
    """Post what is not answered yet."""
    with Path(answers).open("ab+") as noted:
        noted.seek(0)
        whole = noted.read().rpartition(b"\n")[0]
        lines = whole.splitlines()
        # A line that the last one's end cut short is not an answer.
        noted.truncate(len(whole) + 1 if lines else 0)
        ledger = Ledger(url)
        counter = post_orders.Desk(ledger)
        ledger.connection()
        print("ready", flush=True)
        with Path(commands).open() as stream:
            rest = itertools.islice(stream, len(lines), None)
            while batch := [read(line, 1, parse) for line in itertools.islice(rest, BATCH)]:
                noted.write(written(counter.post(batch)).encode())
                noted.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
