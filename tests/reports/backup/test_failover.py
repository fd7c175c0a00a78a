"""A replica that was promoted without the latest transactions is recognised, whoever comes to it first."""

from datetime import date
from pathlib import Path

import psycopg
import pytest

from ledger.errors import Failure
from ledger.postgres import base_backup, embedded_server, feed
from ledger.values.refusals import LEDGER
from reports.lake.publish_cut import frequent_cut, nightly_cut, rebuild
from tests.reports.backup.conftest import Homes, keys, lose, pay, settings, tiffin, with_anna


def replica(url: str, home: Path) -> None:
    """Make a replica of a server under another home; it is not started."""
    data = home / "postgres"
    base_backup.copy_server(url, 18, data)
    with psycopg.connect(url) as connection:
        host = connection.info.host
    (data / "postgresql.auto.conf").open("a").write(f"primary_conninfo = 'host={host} user=postgres'\n")
    (data / "standby.signal").touch()
    embedded_server._give_to_its_user(data)


def test_a_replica_that_lost_its_tail_is_recognised(homes: Homes) -> None:
    """
    p1 and p2 are on both, p3 only on the server that is lost; its lake and a reader of events have p3.

    Nothing is posted, cut or told on the promoted replica before its book has begun a new incarnation; then the
    reader is sent back to p2, p3 is posted once when it is sent again, and no cut mixes the two pasts.
    """
    home, other = homes("primary"), homes("replica")
    url, lake = with_anna(home), settings(home).lake_url
    pay(url, "p1", "p2")
    replica(url, other)
    pay(url, "p3")
    frequent_cut(url, lake)
    with psycopg.connect(url) as connection:
        told, cursor = feed.events(connection, None, LEDGER)
    lose(home)

    embedded_server._start(other / "postgres")
    promoted = embedded_server._url(other / "postgres")
    with psycopg.connect(promoted, autocommit=True) as connection:
        connection.execute("SELECT pg_promote()")
    for refused in (lambda: pay(promoted, "p4"), lambda: nightly_cut(promoted, lake, date(2026, 3, 2))):
        with pytest.raises(Failure, match=r"promoted or restored \(it is on timeline 2, the book on 1\)"):
            refused()
    assert tiffin(other, "balance", "anna").returncode == 1
    done = tiffin(other, "init", "--restored")
    assert done.returncode == 0, done.stderr

    with psycopg.connect(promoted) as connection, pytest.raises(feed.Gone) as gone:
        feed.events(connection, cursor, LEDGER)
    pay(promoted, "p1", "p2", "p3", "p5")  # p3 has its number again, or another one
    assert keys(promoted) == ["p1", "p2", "p3", "p5"]
    with psycopg.connect(promoted) as connection:
        again, _ = feed.events(connection, gone.value.cursor, LEDGER)
    assert [event["data"]["key"] for event in again] == ["p3", "p5"]
    assert [event["data"]["key"] for event in told[-3:]] == ["p1", "p2", "p3"]
    with pytest.raises(Failure, match="is not the one that cut 1"):
        nightly_cut(promoted, lake, date(2026, 3, 2))
    _, unlike = rebuild(promoted, lake)
    assert unlike
    assert nightly_cut(promoted, lake, date(2026, 3, 2))[1]
