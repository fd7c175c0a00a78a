"""Behind pgbouncer in transaction mode, with a single connection to the server, everything still works."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from ledger.administration import administration_lines as administration
from ledger.core import commands
from ledger.core.outcomes import Posted
from ledger.food.core.commands import parse
from ledger.food.postgres.post_orders import Desk
from ledger.postgres.database import connect, migrate, settings_of
from ledger.postgres.post import Ledger
from reports.lake.publish_cut import frequent_cut

CONFIGURATION = """
[databases]
* = host={host} user=postgres pool_size={size}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
query_wait_timeout = 10
logfile = {folder}/log
pidfile = {folder}/pid
"""
BOOK = (
    {"type": "brand", "code": "sushi"},
    {"type": "party", "reference": "anna", "kind": "individual"},
    {"type": "account", "reference": "anna", "party": "anna", "currency": "RUB"},
    {
        "type": "bonus_program",
        "brand": "sushi",
        "accrue_percent": "5",
        "redeem_percent": "30",
        "valid_from": "2020-01-01",
    },
)


def pool(server: str, size: int) -> Iterator[str]:
    """Yield the address of a pgbouncer before the test server."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program, "pgbouncer is missing: bin/setup test installs it"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="tiffin-pool-"))
    host = str(conninfo_to_dict(server)["host"])
    (folder / "ini").write_text(CONFIGURATION.format(host=host, port=port, size=size, folder=folder))
    user = []
    if os.geteuid() == 0:  # it refuses to be root: as the server's user it finds the socket
        owner = Path(host).owner()
        shutil.chown(folder, owner)
        user = ["-u", owner]
    bouncer = subprocess.Popen([program, "-q", *user, str(folder / "ini")], stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"postgresql://postgres@127.0.0.1:{port}"
    finally:
        bouncer.terminate()
        bouncer.wait()
        shutil.rmtree(folder)


@pytest.fixture
def pooled(server: str, database_url: str) -> Iterator[str]:
    """Return the URL of a fresh book behind a pool of one connection."""
    for address in pool(server, 1):
        yield f"{address}/{conninfo_to_dict(database_url)['dbname']}"


def test_everything_posts_through_one_pooled_connection(pooled: str) -> None:
    """Administration, a brand's first payment (which opens its accounts), single and many commands, orders."""
    ledger = Ledger(pooled)
    desk = Desk(ledger)
    assert all(outcome.to_json()["status"] == "done" for outcome in desk.administer([parse(line) for line in BOOK]))
    pay = {"type": "payment", "account": "anna", "amount": "10.00", "brand": "sushi"}
    for n in range(12):  # more than the driver takes to prepare what it repeats
        assert isinstance(ledger.post([commands.parse({**pay, "key": f"p{n}"})])[0], Posted)
    many = ledger.post([commands.parse({**pay, "key": f"m{n}"}) for n in range(100)])
    assert {type(outcome) for outcome in many} == {Posted}
    order = {
        "type": "order",
        "key": "o1",
        "account": "anna",
        "items": [{"brand": "sushi", "sku": "a", "price": "7.00"}],
    }
    assert desk.quote([parse(order)])[0].to_json()["status"] == "posted"
    assert desk.post([parse(order)])[0].to_json()["status"] == "posted"


def test_settings_stay_within_a_transaction(pooled: str) -> None:
    """What posting sets for itself is not there for the next who has the same server."""
    ledger = Ledger(pooled)
    ledger.administer([administration.parse(line) for line in BOOK[:3]])
    assert ledger.connection().prepare_threshold is None
    assert settings_of(ledger.connection())
    with connect(pooled) as other:
        assert other.execute("SHOW enable_seqscan").fetchone() == ("on",)


def test_two_callers_take_turns_on_one_connection(pooled: str, tmp_path: Path) -> None:
    """Two processes, one connection: neither holds it while it waits for the other, and no statement is mixed up."""
    desk = Desk(Ledger(pooled))
    desk.administer([parse(line) for line in BOOK])
    code = (
        "import sys; from ledger.core import commands; from ledger.postgres.post import Ledger\n"
        "ledger = Ledger(sys.argv[1])\n"
        "for n in range(15):\n"
        "    [o] = ledger.post([commands.parse({'type': 'payment', 'key': f'{sys.argv[2]}-{n}', 'account': 'anna',"
        " 'amount': '1.00', 'brand': 'sushi'})])\n"
        "    assert o.to_json()['status'] == 'posted', o\n"
    )
    callers = [subprocess.Popen([sys.executable, "-c", code, pooled, name]) for name in "ab"]
    assert [caller.wait(timeout=120) for caller in callers] == [0, 0]
    with psycopg.connect(pooled) as connection:
        assert connection.execute("SELECT balance, version FROM balance").fetchone() == (3000, 30)


def test_init_and_a_cut_work_through_a_pool(server: str, empty_database_url: str, tmp_path: Path) -> None:
    """They hold a lock on one connection and work on others, so the pool needs room for a few."""
    name = conninfo_to_dict(empty_database_url)["dbname"]
    for address in pool(server, 5):
        url = f"{address}/{name}"
        migrate(url)
        with connect(url) as connection:
            connection.execute("INSERT INTO book (id, time_zone, currency) VALUES (1, 'Europe/Moscow', 'RUB')")
        desk = Desk(Ledger(url))
        desk.administer([parse(line) for line in BOOK])
        pay = {"type": "payment", "key": "p1", "account": "anna", "amount": "10.00", "brand": "sushi"}
        desk.post([parse(pay)])
        lake, _ = frequent_cut(url, str(tmp_path / "lake"))
        with connect(url) as connection:
            assert connection.execute("SELECT id, status FROM transaction").fetchall() == [
                (lake.cut.last_transaction, "posted")
            ]


@pytest.mark.parametrize(("said", "named"), [("", False), ("?prepare=on", True), ("?prepare=off", False)])
def test_statements_are_prepared_by_name_only_where_the_url_says_so(pooled: str, said: str, named: bool) -> None:
    """A pool that knows prepared statements, or has one server for each of us as here, is told by `prepare=on`."""
    ledger = Ledger(pooled + said)
    ledger.administer([administration.parse(line) for line in BOOK[:3]])
    pay = {"type": "payment", "account": "anna", "amount": "10.00", "brand": "sushi"}
    for n in range(12):  # the driver prepares what it repeats five times
        assert isinstance(ledger.post([commands.parse({**pay, "key": f"p{n}"})])[0], Posted)
    connection = ledger.connection()
    with connection.transaction():
        row = connection.execute("SELECT count(*) FROM pg_prepared_statements").fetchone()
    assert row is not None
    assert (row[0] > 0) == named
    ledger.close()
