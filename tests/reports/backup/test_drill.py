"""The drill: a server is lost at a random moment, and made again from its backup and its WAL. Real servers."""

import random
import time
from pathlib import Path

import pytest

from ledger.food.core.commands import parse
from ledger.food.postgres.post_orders import Desk
from ledger.postgres import embedded_server
from reports.backup import take
from reports.backup.restore import restore
from reports.lake.publish_cut import frequent_cut
from reports.lake.verify import verify
from tests.ledger.postgres.test_fire import Fire
from tests.ledger.worlds import Postgres
from tests.reports.backup.conftest import Homes, lose, opened, receiver, settings


def drill(homes: Homes, folder: Path, *, commands: int, seed: int) -> None:
    """Lose a server while it posts, restore, verify, send all again."""
    home, spare, kept = homes("lost"), homes("spare"), homes("backups")
    url = opened(home)
    fire = Fire(url, folder, commands)
    chance = random.Random(seed)
    wal = receiver(home, kept)
    frequent_cut(url, settings(home).lake_url)  # a later one would book holds of 2024 as expired before they are used
    writer = fire.writer()
    while len(fire.acknowledged()) < commands // 20:
        time.sleep(0.02)
    (home / "papers").mkdir()
    (home / "papers" / "a paper.pdf").write_bytes(b"of a client")
    taken = take.take(settings(home), url, kept)
    time.sleep(chance.uniform(0.05, 0.5))
    assert writer.poll() is None, "there was nothing left to lose: the run is too short"
    lose(home)
    for process in (writer, wal):
        process.kill()
        process.wait()
    fire.postgres.ledger.close()

    done = restore(settings(spare), kept)
    assert (done.backup, done.lake, done.kept_files) == (taken.name, "restored", 0)
    assert (spare / "papers" / "a paper.pdf").read_bytes() == b"of a client"
    url = fire.url = embedded_server.running(spare)
    fire.postgres = Postgres(url)
    known = fire.acknowledged()
    assert taken.last_transaction < (done.last_transaction or 0)
    there = fire.kept()  # the first ones, all acknowledged ones among them
    assert commands > there >= len(known) > 0
    lake = settings(spare).lake_url
    assert [check for _, check in verify(url, lake) if not check.holds] == []

    again = [outcome.to_json() for outcome in Desk(fire.postgres.ledger).post(list(map(parse, fire.said)))]
    assert [answer["replayed"] for answer in again] == [n < there for n in range(commands)]
    assert [{**a, "replayed": None} for a in again[: len(known)]] == [{**a, "replayed": None} for a in known]
    fire.pure.post(fire.said)
    fire.compare(fire.pure.state(), fire.postgres.state())
    made, _ = frequent_cut(url, lake)
    assert made.manifest.tables["transactions"].rows >= commands
    assert [check for _, check in verify(url, lake) if not check.holds] == []
    fire.postgres.ledger.close()


def test_a_lost_server_comes_back_with_all_that_was_acknowledged(homes: Homes, tmp_path: Path) -> None:
    """Nothing is lost and, all sent again, nothing is there twice; the lake goes on from the backup's."""
    drill(homes, tmp_path, commands=1200, seed=1)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10))
def test_ten_lost_servers_come_back(homes: Homes, tmp_path: Path, seed: int) -> None:
    """At other moments of longer runs."""
    drill(homes, tmp_path, commands=4000, seed=seed)
