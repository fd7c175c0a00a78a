"""Who may come in: a table of roles by endpoints, and what a token of one brand may do."""

import json
import ssl
import subprocess
import sys
import time
from itertools import product
from pathlib import Path

import httpx
import psycopg
import pytest

from ledger.http.endpoints import ENDPOINTS
from ledger.postgres import four_eyes, tokens
from tests.ledger.http.conftest import BOOK, Serve, Served, administer
from tests.ledger.http.test_commands import debit, payment

PATHS = {"{account}": "anna", "{key}": "p1", "{number}": "1"}
ROLES: dict[tuple[str, str], set[str]] = {
    ("POST", "/v1/commands"): {"post", "administer"},
    ("POST", "/v1/quotes"): {"post", "ask"},
    ("POST", "/v1/balances"): {"ask"},
    ("GET", "/v1/accounts/{account}"): {"ask"},
    ("GET", "/v1/accounts/{account}/history"): {"ask"},
    ("GET", "/v1/accounts/{account}/limits"): {"ask"},
    ("GET", "/v1/transactions/{key}"): {"post", "ask"},
    ("GET", "/v1/events"): {"ask"},
    ("GET", "/metrics"): {"post", "ask", "administer"},
    ("GET", "/openapi.json"): {"post", "ask", "administer", "nobody"},
    ("GET", "/healthz"): {"post", "ask", "administer", "nobody"},
    ("GET", "/readyz"): {"post", "ask", "administer", "nobody"},
}


def bearer(secret: str) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}"}


def made(url: str, name: str, *roles: str, brands: tuple[str, ...] = ()) -> dict[str, str]:
    with psycopg.connect(url, autocommit=True) as connection:
        return bearer(tokens.create(connection, name, roles, brands or None)[1])


@pytest.fixture
def guarded(database_url: str, serve: Serve) -> Served:
    """Return a door on a book that has had a token from the start."""
    administer(database_url, BOOK)
    with psycopg.connect(database_url, autocommit=True) as connection:
        tokens.create(connection, "first", ["ask"])
    return serve(database_url, "--writers", "1")


def test_each_endpoint_takes_its_roles_and_no_others(database_url: str, guarded: Served) -> None:
    """Every endpoint by every role, and without a token: 401 for nobody, 403 for another role."""
    assert {(e.method, e.path) for e in ENDPOINTS} == set(ROLES)
    headers = {role: made(database_url, role, role) for role in ("post", "ask", "administer")} | {"nobody": {}}
    time.sleep(2.1)  # as long as a new token may be unknown
    for ((method, path), allowed), (role, header) in product(ROLES.items(), headers.items()):
        for name, value in PATHS.items():
            path = path.replace(name, value)
        status = guarded.client.request(method, path, headers=header).status_code
        refused = {401} if role == "nobody" else {403}
        assert (status in refused) == (role not in allowed), (method, path, role, status)


def test_the_role_of_a_line_is_checked_line_by_line(database_url: str, guarded: Served) -> None:
    """Who posts does not administer, and the other way round; in a stream the other lines go on."""
    posts, administers = made(database_url, "shop", "post"), made(database_url, "desk", "administer")
    time.sleep(2.1)
    party = {"type": "party", "reference": "olga", "kind": "individual", "name": "Olga"}
    assert guarded.command(party, **posts).status_code == 403
    assert guarded.command(party, **administers).json()["status"] == "done"
    assert guarded.command(payment("p1"), **administers).status_code == 403
    guarded.client.headers.update(posts)
    assert [line["status"] for line in guarded.stream([party, payment("p1")])] == ["forbidden", "posted"]


def test_the_name_of_the_token_is_who_posted(database_url: str, guarded: Served) -> None:
    """Nobody posts in another's name."""
    header = made(database_url, "shop", "post")
    time.sleep(2.1)
    guarded.command(payment("p1"), **header)
    assert guarded.client.get("/v1/transactions/p1", headers=header).json()["by"] == "shop"
    other = guarded.command(payment("p2", by="o.petrova"), **header)
    assert (other.status_code, other.json()["errors"][0]["pointer"]) == (400, "/by")


def test_a_token_of_a_brand_does_that_brands_business_alone(database_url: str, guarded: Served) -> None:
    """Lines of another brand, transfers, and steps after another brand's debit are forbidden; so are its accounts."""
    every, sushi = made(database_url, "all", "post"), made(database_url, "sushi", "post", "ask", brands=("sushi",))
    time.sleep(2.1)
    assert guarded.command(payment("p1"), **sushi).json()["status"] == "posted"
    guarded.command(payment("p2", account="boris"), **every)
    assert guarded.command(debit("d1", "1.00", brand="pizza"), **every).json()["status"] == "posted"
    assert guarded.command(debit("d2", "1.00"), **sushi).json()["status"] == "posted"
    for forbidden in (
        debit("d3", "1.00", brand="pizza"),
        {"type": "refund", "key": "f1", "debit": "d1"},
        {"type": "transfer", "key": "t1", "account": "anna", "to": "boris", "amount": "1.00"},
        {"type": "refund", "key": "f2", "debit": "nothing"},
    ):
        assert guarded.command(forbidden, **sushi).status_code == 403, forbidden
    assert guarded.command({"type": "refund", "key": "f3", "debit": "d2"}, **sushi).json()["status"] == "posted"
    assert guarded.client.get("/v1/accounts/anna", headers=sushi).status_code == 200
    assert guarded.client.get("/v1/accounts/boris", headers=sushi).status_code == 404
    both = guarded.client.post("/v1/balances", json={"accounts": ["boris", "anna"]}, headers=sushi).json()["balances"]
    assert [found and found["reference"] for found in both] == [None, "anna"]
    assert guarded.client.get("/v1/transactions/d1", headers=sushi).status_code == 404


def test_tokens_are_made_shown_once_listed_and_revoked(database_url: str, serve: Serve) -> None:
    """By the command line; the door follows within two seconds, and revoking the last does not open it."""
    administer(database_url, BOOK)
    door = serve(database_url, "--writers", "1")
    assert door.command(payment("p0")).status_code == 200

    def tiffin(*words: str) -> str:
        command = [sys.executable, "-m", "tests.ledger.http.tiffin", "token", *words]
        environment = {"TIFFIN_DATABASE_URL": database_url}
        return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout.strip()

    secret = tiffin("create", "shop", "--role", "post")
    assert secret.startswith("tiffin_")
    assert secret not in tiffin("list", "--json")
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT hash FROM door_token").fetchone()
    assert row is not None
    assert row[0] == tokens.hashed(secret)
    time.sleep(2.1)
    assert door.command(payment("p1")).status_code == 401
    assert door.command(payment("p1"), **bearer(secret)).status_code == 200
    tiffin("revoke", "1")
    time.sleep(2.1)
    assert door.command(payment("p2"), **bearer(secret)).status_code == 401
    assert door.command(payment("p2")).status_code == 401


def test_without_a_token_only_this_machine_is_listened_to(database_url: str) -> None:
    """0.0.0.0 is refused in one sentence."""
    command = [sys.executable, "-m", "tests.ledger.http.tiffin", "serve", "--listen", "0.0.0.0:0"]
    environment = {"TIFFIN_DATABASE_URL": database_url}
    refused = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert refused.returncode == 1
    assert refused.stderr == (
        "tiffin: without a token only 127.0.0.1 or a socket may be listened on: see tiffin token create\n"
    )


def test_a_socket_is_its_users_alone(database_url: str, serve: Serve, tmp_path: object) -> None:
    """`--socket` answers like a port, and the file is nobody else's."""
    administer(database_url, BOOK)
    path = f"{tmp_path}/door.sock"
    command = [sys.executable, "-m", "tests.ledger.http.tiffin", "serve", "--socket", path, "--writers", "1"]
    process = subprocess.Popen(command, env={"TIFFIN_DATABASE_URL": database_url}, stderr=subprocess.DEVNULL)
    try:
        client = httpx.Client(transport=httpx.HTTPTransport(uds=path), base_url="http://localhost")
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                if client.get("/readyz").status_code == 200:
                    break
            except httpx.HTTPError:
                time.sleep(0.1)
        assert client.post("/v1/commands", json=payment("p1")).json()["status"] == "posted"
        assert (subprocess.check_output(["stat", "-c", "%a", path], text=True).strip()) == "600"
    finally:
        process.terminate()
        assert process.wait(30) == 0


def test_tls_is_served_with_a_certificate(tmp_path: Path) -> None:
    """`--certificate` and `--key`: https, and nothing else on that port."""
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    made_of = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", str(key), "-out", str(chain)]
    subprocess.run([*made_of, *names], check=True, capture_output=True)
    command = [sys.executable, "-m", "tests.ledger.http.tiffin", "serve", "--double", "--listen", "127.0.0.1:0"]
    log = (tmp_path / "log").open("w+")
    process = subprocess.Popen([*command, "--certificate", str(chain), "--key", str(key)], stderr=log)
    try:
        until = time.monotonic() + 30
        while time.monotonic() < until and "listening" not in (text := (tmp_path / "log").read_text()):
            time.sleep(0.1)
        address = json.loads(text.splitlines()[0])["at"]
        trusted = ssl.create_default_context(cafile=str(chain))
        with httpx.Client(verify=trusted, timeout=30) as client:
            assert client.get(f"https://{address}/healthz").json() == {"status": "alive"}
        with pytest.raises(httpx.HTTPError):
            httpx.get(f"http://{address}/healthz")
    finally:
        process.terminate()
        process.wait(30)
        log.close()


def test_a_token_is_no_second_person(database_url: str, guarded: Served) -> None:
    """What needs one is invalid at the door, whoever sends it, and its key stays free."""
    posts, administers = made(database_url, "shop", "post"), made(database_url, "desk", "administer")
    with psycopg.connect(database_url, autocommit=True) as connection:
        for kind in ("payout", "refund", "credit_terms"):
            four_eyes.set_rule(connection, kind, "RUB", 10000)  # type: ignore[arg-type]
    time.sleep(2.1)
    assert guarded.command(payment("p1"), **posts).json()["status"] == "posted"
    assert guarded.command(debit("d1", "150.00"), **posts).json()["status"] == "posted"
    terms = {"type": "credit_terms", "account": "anna", "limit": "100.00"}
    payout = {"type": "payout", "key": "o1", "account": "anna", "amount": "100.00", "brand": "sushi"}
    for line, header in (
        (terms, administers),
        (payout, posts),
        ({"type": "refund", "key": "f1", "debit": "d1"}, posts),
    ):
        answer = guarded.command(line, **header)
        assert (answer.status_code, "needs a second person" in answer.text) == (400, True), answer.text
    assert guarded.command({**payout, "amount": "99.99"}, **posts).json()["status"] == "posted"
