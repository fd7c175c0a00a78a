"""Endpoints are told what happened: signed, at least once, in order by account, whatever they answer."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import psycopg
import pytest
from standardwebhooks.webhooks import Webhook

from ledger.core.commands import parse
from ledger.errors import Failure
from ledger.http import notify
from ledger.postgres.post import Ledger
from ledger.values.refusals import LEDGER
from tests.ledger.http.conftest import BOOK, administer
from tests.ledger.http.test_commands import payment


class Shop:
    """An endpoint that keeps what it is told, and answers as it is told to."""

    def __init__(self) -> None:
        self.told: list[tuple[bytes, dict[str, str]]] = []
        self.answer = lambda event: 200
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                status = shop.answer(json.loads(body))
                if status == 200:
                    shop.told.append((body, {name.lower(): value for name, value in self.headers.items()}))
                self.send_response(status)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def keys(self) -> list[str]:
        return [json.loads(body)["data"]["key"] for body, _ in self.told]


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = Shop()
    yield shop
    shop.server.shutdown()


@pytest.fixture
def book(database_url: str) -> str:
    administer(database_url, BOOK)
    return database_url


def added(book: str, shop: Shop) -> str:
    with psycopg.connect(book, autocommit=True) as connection:
        return notify.add(connection, shop.url, refusals=LEDGER)[1]


def post(book: str, *records: dict[str, Any]) -> None:
    ledger = Ledger(book)
    ledger.post([parse(record) for record in records])
    ledger.close()


def due(book: str) -> None:
    """Let all that is to be tried again be tried now."""
    with psycopg.connect(book, autocommit=True) as connection:
        connection.execute("UPDATE webhook SET next_at = '2020-01-01'")
        connection.execute("UPDATE webhook_stuck SET next_at = '2020-01-01'")


def test_an_endpoint_is_told_what_is_new_signed_and_in_order(book: str, shop: Shop) -> None:
    """As CloudEvents, with the signature of Standard Webhooks, once."""
    post(book, payment("before"))
    secret = added(book, shop)
    post(book, payment("p1"), payment("p2"))
    notify.run(book, LEDGER, once=True)
    notify.run(book, LEDGER, once=True)
    assert shop.keys == ["p1", "p2"]
    for body, headers in shop.told:
        verified = Webhook(secret).verify(body, headers)
        assert verified["id"] == headers["webhook-id"]
        assert headers["content-type"] == "application/cloudevents+json"


def test_an_endpoint_in_trouble_is_told_later_from_where_it_was(book: str, shop: Shop) -> None:
    """A 503 in the middle: what went before is not told again, the rest is, in order."""
    added(book, shop)
    post(book, payment("p1"), payment("p2"), payment("p3"))
    shop.answer = lambda event: 503 if event["data"]["key"] == "p2" else 200
    notify.run(book, LEDGER, once=True)
    assert shop.keys == ["p1"]
    with psycopg.connect(book) as connection:
        [endpoint] = notify.endpoints(connection)
    assert (endpoint.tries, endpoint.error) == (1, "HTTP 503")
    shop.answer = lambda event: 200
    due(book)
    notify.run(book, LEDGER, once=True)
    assert shop.keys == ["p1", "p2", "p3"]


def test_a_refused_event_holds_up_its_account_alone(book: str, shop: Shop) -> None:
    """It is listed as stuck with those of its account behind it; sent again, they come in order."""
    added(book, shop)
    shop.answer = lambda event: 400 if event["data"]["key"] == "p1" else 200
    post(book, payment("p1"), payment("q1", account="boris"), payment("p2"), payment("q2", account="boris"))
    notify.run(book, LEDGER, once=True)
    assert shop.keys == ["q1", "q2"]
    with psycopg.connect(book, autocommit=True) as connection:
        assert [(row["tries"], row["error"]) for row in notify.stuck(connection)] == [(1, "HTTP 400"), (0, None)]
        shop.answer = lambda event: 200
        notify.send_again(connection, 1)
    notify.run(book, LEDGER, once=True)
    assert shop.keys == ["q1", "q2", "p1", "p2"]


def test_everything_since_a_cursor_can_be_told_once_more(book: str, shop: Shop) -> None:
    """For an endpoint that lost what it had."""
    added(book, shop)
    with psycopg.connect(book, autocommit=True) as connection:
        [endpoint] = notify.endpoints(connection)
    post(book, payment("p1"))
    notify.run(book, LEDGER, once=True)
    with psycopg.connect(book, autocommit=True) as connection:
        notify.send_again(connection, 1, after=endpoint.cursor)
    notify.run(book, LEDGER, once=True)
    assert shop.keys == ["p1", "p1"]


@pytest.mark.parametrize("url", ["http://shop.example/hook", "ftp://127.0.0.1/x", "shop", ""])
def test_only_https_leaves_the_machine(book: str, url: str) -> None:
    """What was posted is nobody else's business."""
    with psycopg.connect(book) as connection, pytest.raises(Failure, match="is not an https address"):
        notify.add(connection, url, refusals=LEDGER)
