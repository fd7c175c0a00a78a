"""Administration: dated rows, nothing written for what is already so, what never changes, who may pay for whom."""

from typing import Any

import pytest
from sqlalchemy import event

from ledger.administration import administration_lines as administration
from ledger.core import commands
from ledger.core.outcomes import Declined, Done, Invalid
from ledger.postgres.post import Ledger

Record = dict[str, Any]


class Desk:
    """A book in PostgreSQL, administered line by line."""

    def __init__(self, url: str) -> None:
        self.ledger = Ledger(url)

    def say(self, **record: Any) -> Done | Declined | Invalid:
        [outcome] = self.ledger.administer([administration.parse(record)])
        return outcome

    def done(self, **record: Any) -> Record:
        outcome = self.say(**record)
        assert isinstance(outcome, Done), outcome
        return outcome.to_json()

    def refused(self, **record: Any) -> str:
        """Return code and sentence of a refusal, account numbers as references."""
        before = self.rows("SELECT count(*) FROM change")
        outcome = self.say(**record)
        assert isinstance(outcome, Declined), outcome
        assert self.rows("SELECT count(*) FROM change") == before
        message = outcome.message
        for number, reference in self.rows("SELECT id, reference FROM account WHERE reference IS NOT NULL"):
            message = message.replace(str(number), reference)
        return f"{outcome.code}: {message}"

    def post(self, **record: Any) -> Record:
        [outcome] = self.ledger.post([commands.parse(record)])
        return outcome.to_json()

    def rows(self, query: str) -> list[Any]:
        with self.ledger.connection().transaction():
            return self.ledger.connection().execute(query).fetchall()

    def account(self, reference: str, currency: str = "RUB") -> None:
        self.done(type="party", reference=reference, kind="individual", name=reference.capitalize())
        self.done(type="account", reference=reference, party=reference, currency=currency)


@pytest.fixture
def desk(database_url: str) -> Desk:
    desk = Desk(database_url)
    desk.done(type="brand", code="sushi", name="Sushi House", tax_id="7707083893")
    for reference in ("anna", "romashka"):
        desk.account(reference)
    return desk


def changes(desk: Desk, kind: str) -> list[Any]:
    return desk.rows(f"SELECT subject, before, after, by, note FROM change WHERE kind = '{kind}' ORDER BY id")


TERMS = {"type": "credit_terms", "account": "anna"}
LINK = {"type": "link", "account": "anna", "payer": "romashka"}
LIMIT = {"type": "write_off_limit", "payer": "romashka", "account": "anna", "period": "day"}


@pytest.mark.parametrize(
    "record",
    [
        {
            "type": "brand",
            "code": "sushi",
            "name": "Sushi House",
            "colour": "#c8102e",
            "bank_details": {"bank": "First"},
        },
        {"type": "party", "reference": "anna", "kind": "individual", "phone": "+7 900 000-00-00"},
        {
            "type": "account",
            "reference": "anna",
            "party": "anna",
            "currency": "RUB",
            "holder": "sushi",
            "contract_date": "2024-01-01",
        },
        {**TERMS, "limit": "100.00", "period_days": 30, "valid_from": "2024-01-01", "valid_until": "2024-12-31"},
        {**LINK, "draw": "own_first", "priority": 3, "brands": ["sushi"]},
        {**LIMIT, "amount": "500.00", "count": 3},
        {"type": "account_status", "account": "anna", "status": "frozen"},
    ],
    ids=lambda record: record["type"],
)
def test_the_same_content_again_is_done_and_writes_nothing(desk: Desk, record: Record) -> None:
    """The first writes one dated row, with who and why; the second none."""
    before = len(changes(desk, record["type"]))
    first = desk.done(**record, by="o.petrova", note="asked by phone")
    assert desk.done(**record, by="another") == first
    written = changes(desk, record["type"])[before:]
    assert [row[3:] for row in written] == [("o.petrova", "asked by phone")]


def test_absent_fields_stay_as_they_are(desk: Desk) -> None:
    """A change says only what changes."""
    desk.done(**TERMS, limit="100.00", period_days=30, valid_from="2024-01-01")
    desk.done(**TERMS, limit="200.00")
    desk.done(**TERMS, period_days=None)
    rows = desk.rows("SELECT credit_limit, period_days, valid_from::text, valid_until FROM credit_terms ORDER BY id")
    assert rows == [(10000, 30, "2024-01-01", None), (20000, 30, "2024-01-01", None), (20000, None, "2024-01-01", None)]
    desk.done(**LINK, draw="own_first", priority=3)
    desk.done(**LINK, brands=["sushi"])
    assert desk.rows("SELECT draw, priority, brands FROM link") == [("own_first", 3, [1])]
    desk.done(**LIMIT, amount="5.00")
    desk.done(**LIMIT, count=2)
    assert desk.rows("SELECT amount, count FROM write_off_limit") == [(500, 2)]
    desk.done(type="brand", code="sushi", legal_name="Sushi House LLC")
    assert desk.rows("SELECT name, legal_name, tax_id FROM brand") == [("Sushi House", "Sushi House LLC", "7707083893")]


def test_changes_tell_what_was_and_what_became(desk: Desk) -> None:
    """Figures as people write them."""
    desk.done(**TERMS, limit="100.00", period_days=30, valid_from="2024-01-01")
    desk.done(**TERMS, limit="200.00")
    whole = {"limit": "100.00", "period_days": 30, "valid_from": "2024-01-01", "valid_until": None}
    assert changes(desk, "credit_terms") == [
        ("anna", None, whole, None, None),
        ("anna", whole, {**whole, "limit": "200.00"}, None, None),
    ]
    desk.done(type="account_status", account="anna", status="frozen", by="o.petrova")
    assert changes(desk, "account_status") == [("anna", {"status": "open"}, {"status": "frozen"}, "o.petrova", None)]


def test_null_ends_links_and_limits(desk: Desk) -> None:
    """And ending what is not there is done, with nothing written."""
    desk.done(**LINK, draw=None)
    desk.done(**LINK)
    desk.done(**LINK, draw=None)
    desk.done(**LIMIT, amount=None)
    desk.done(**LIMIT, amount="5.00")
    desk.done(**LIMIT, amount=None, count=None)
    assert desk.rows("SELECT (SELECT count(*) FROM link), (SELECT count(*) FROM write_off_limit)") == [(0, 0)]
    assert [row[2] for row in changes(desk, "link")][-1] == {"draw": None}
    assert [row[2] for row in changes(desk, "write_off_limit")] == [
        {"amount": "5.00", "count": None},
        {"amount": None, "count": None},
    ]


def test_a_limit_between_currencies_could_never_count(desk: Desk) -> None:
    """No link can ever join the two accounts, so the limit is a slip; nothing is written."""
    desk.done(type="account", reference="dora", party="anna", currency="USD")
    assert desk.refused(**{**LIMIT, "account": "dora"}, amount="5.00") == (
        "currency_mismatch: account dora (Anna) is in USD, not in RUB"
    )
    assert desk.rows("SELECT count(*) FROM write_off_limit") == [(0,)]


def test_currency_kind_and_party_never_change(desk: Desk) -> None:
    """Each refusal names what is and what was asked."""
    assert desk.refused(type="account", reference="anna", currency="USD") == (
        "never_changes: the currency of account anna (anna) never changes: it is RUB, not USD"
    )
    assert desk.refused(type="account", reference="anna", party="romashka") == (
        "never_changes: the party of account anna (anna) never changes: it is anna, not romashka"
    )
    assert desk.refused(type="party", reference="anna", kind="legal_entity") == (
        "never_changes: the kind of party anna never changes: it is individual, not legal_entity"
    )


def test_what_is_new_needs_its_kind_party_and_currency(desk: Desk) -> None:
    """Invalid, not declined: the line itself lacks something."""
    for record, sentence in (
        ({"type": "party", "reference": "new"}, "kind: is missing"),
        ({"type": "account", "reference": "new"}, "party: is missing"),
        ({"type": "account", "reference": "new", "party": "anna"}, "currency: is missing"),
        (TERMS, "limit: is missing"),
        (
            {**TERMS, "limit": "1", "valid_from": "2024-02-01", "valid_until": "2024-01-31"},
            "valid_until: 2024-01-31 is before valid_from, 2024-02-01",
        ),
    ):
        assert desk.say(**record) == Invalid(message=sentence)


def test_what_is_named_must_be_there(desk: Desk) -> None:
    """Parties, brands and accounts."""
    assert desk.refused(type="account", reference="new", party="nobody", currency="RUB") == (
        "party_not_found: no such party: nobody"
    )
    assert desk.refused(type="account", reference="anna", holder="blini") == "brand_not_found: no such brand: blini"
    assert desk.refused(**{**LINK, "payer": "nobody"}) == "account_not_found: no such account: reference nobody"
    assert desk.refused(**LINK, brands=["blini"]) == "brand_not_found: no such brand: blini"


def test_links_have_one_level_one_currency_and_no_circle(desk: Desk) -> None:
    """Between open accounts."""
    desk.account("boris")
    desk.account("john", "USD")
    desk.done(**LINK)
    refused = "link_not_allowed: account {} ({}) cannot pay for account {} ({}): {}"
    assert desk.refused(type="link", account="anna", payer="anna") == refused.format(
        "anna", "Anna", "anna", "Anna", "nobody pays for himself"
    )
    assert desk.refused(type="link", account="boris", payer="anna") == refused.format(
        "anna", "Anna", "boris", "Boris", "the payer is itself a subaccount"
    )
    assert desk.refused(type="link", account="romashka", payer="boris") == refused.format(
        "boris", "Boris", "romashka", "Romashka", "the subaccount is itself a payer"
    )
    assert desk.refused(type="link", account="john", payer="romashka") == refused.format(
        "romashka", "Romashka", "john", "John", "RUB is not USD"
    )
    desk.done(type="account_status", account="boris", status="closed")
    assert desk.refused(type="link", account="boris", payer="romashka") == refused.format(
        "romashka", "Romashka", "boris", "Boris", "account boris (Boris) is closed"
    )


def test_an_account_closes_when_it_holds_nothing_and_stays_closed(desk: Desk) -> None:
    """Zero balance, no open hold, no link, no points."""
    close = {"type": "account_status", "account": "anna", "status": "closed"}
    lines = [{"brand": "sushi", "amount": "10.00"}]
    desk.done(**LINK)
    desk.post(type="payment", key="p1", account="romashka", amount="10.00", brand="sushi")
    desk.post(type="hold", key="h1", account="anna", lines=lines, expires_at="2998-01-01T00:00:00Z")
    desk.post(type="payment", key="p2", account="anna", amount="5.00", brand="sushi")
    why = "account_not_empty: account anna (Anna) cannot be closed: its balance is 5.00 RUB, it has 1 open hold, it has 1 link"
    assert desk.refused(**close) == why
    desk.post(type="payout", key="o1", account="anna", amount="5.00", brand="sushi")
    desk.post(type="release", key="r1", hold="h1")
    desk.done(**LINK, draw=None)
    desk.done(**close)
    assert desk.refused(**{**close, "status": "open"}) == "account_closed: account anna (Anna) is closed"
    assert desk.post(type="payment", key="p3", account="anna", amount="5.00", brand="sushi")["code"] == "account_closed"


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        (
            {"type": "brand", "code": "b", "tax_id": "7707083894"},
            "tax_id: 7707083894 is not a tax number of RU: its check digit is wrong",
        ),
        (
            {"type": "party", "reference": "b", "tax_id": "123"},
            "tax_id: 123 is not a tax number of RU: its length is wrong",
        ),
        (
            {"type": "party", "reference": "b", "tax_id": "DE136695977", "country": "DE"},
            "tax_id: DE136695977 is not a tax number of DE: its check digit is wrong",
        ),
        (
            {"type": "brand", "code": "b", "bank_details": {"kpp": "12"}},
            "bank_details: 12 is not a KPP: it must have nine characters, NNNNPPXXX",
        ),
        (
            {"type": "brand", "code": "b", "bank_details": {"ogrn": "1022200525818"}},
            "bank_details: 1022200525818 is not a valid OGRN: its check digit is wrong",
        ),
        (
            {"type": "brand", "code": "b", "bank_details": {"inn": "abc"}},
            "bank_details: abc is not a valid INN: its form is wrong",
        ),
        ({"type": "brand", "code": "b", "colour": "red"}, "colour: red is not a colour such as #c8102e"),
        (
            {"type": "party", "reference": "b", "email": "b@example.org\nBcc: c@example.org"},
            "email: is no e-mail address: it has a line break or another control character",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_numbers_that_identify_are_checked(record: Record, sentence: str) -> None:
    """By the rules of their country; the sentence says what is wrong."""
    with pytest.raises(ValueError, match="is no") as raised:
        administration.parse(record)
    assert str(raised.value) == sentence


def test_numbers_of_countries_without_a_rule_are_taken(desk: Desk) -> None:
    """And right ones are."""
    desk.done(type="party", reference="x", kind="legal_entity", tax_id="12-34", country="ZZ")
    desk.done(type="party", reference="y", kind="legal_entity", tax_id="DE136695976", country="DE")
    desk.done(
        type="brand",
        code="z",
        bank_details={"iban": "GB33BUKB20201555555555", "ogrn": "1022200525819", "kpp": "770101001"},
    )


def test_what_is_not_given_is_null_and_not_the_word_null(database_url: str) -> None:
    """A brand without bank details, and the change that made it: readers of JSON would take "null" for a value."""
    desk = Desk(database_url)
    desk.done(type="brand", code="sushi", name="Sushi")
    assert desk.rows("SELECT bank_details IS NULL FROM brand") == [(True,)]
    assert desk.rows("SELECT before IS NULL FROM change WHERE kind = 'brand'") == [(True,)]


def test_a_first_load_of_many_takes_as_many_statements_as_one_of_few(desk: Desk) -> None:
    """Employees with terms, links and limits, accounts and what hangs on them in one run."""

    def loaded(names: list[str]) -> int:
        lines = [
            line
            for name in names
            for line in (
                {"type": "party", "reference": name, "kind": "individual", "name": name},
                {"type": "account", "reference": name, "party": name, "currency": "RUB"},
                {"type": "credit_terms", "account": name, "limit": "10.00", "valid_from": "2026-01-01"},
                {"type": "link", "account": name, "payer": "romashka", "draw": "payer_first"},
                {"type": "write_off_limit", "payer": "romashka", "account": name, "period": "day", "amount": "5.00"},
            )
        ]
        statements: list[str] = []

        def count(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            statements.append(statement)

        event.listen(desk.ledger._engine, "before_cursor_execute", count)
        outcomes = desk.ledger.administer([administration.parse(line) for line in lines])
        event.remove(desk.ledger._engine, "before_cursor_execute", count)
        assert all(isinstance(outcome, Done) for outcome in outcomes), outcomes
        return len(statements)

    assert loaded([f"few-{n}" for n in range(3)]) == loaded([f"many-{n}" for n in range(60)])
    assert desk.rows("SELECT count(*) FROM link JOIN write_off_limit USING (payer_id, account_id)") == [(63,)]
    assert desk.rows("SELECT count(*) FROM credit_terms JOIN account a ON a.id = account_id") == [(63,)]


def test_a_run_goes_by_what_its_earlier_lines_did(desk: Desk) -> None:
    """A link set, ended and set again, and terms that follow terms, as if each line had a run of its own."""
    lines = [
        {"type": "link", "account": "anna", "payer": "romashka"},
        {"type": "link", "account": "romashka", "payer": "anna"},
        {"type": "link", "account": "anna", "payer": "romashka", "draw": None},
        {"type": "link", "account": "romashka", "payer": "anna"},
        {"type": "credit_terms", "account": "anna", "limit": "10.00", "valid_from": "2026-01-01"},
        {"type": "credit_terms", "account": "anna", "period_days": 14},
        {"type": "write_off_limit", "payer": "anna", "account": "romashka", "period": "day", "amount": "5.00"},
        {"type": "write_off_limit", "payer": "anna", "account": "romashka", "period": "day", "count": 2},
        {"type": "write_off_limit", "payer": "anna", "account": "romashka", "period": "week", "count": 2},
        {"type": "write_off_limit", "payer": "anna", "account": "romashka", "period": "week", "count": None},
    ]
    outcomes = desk.ledger.administer([administration.parse(line) for line in lines])
    assert [outcome.to_json()["status"] for outcome in outcomes] == ["done", "declined", *["done"] * 8]
    number = dict(desk.rows("SELECT reference, id FROM account"))
    assert desk.rows("SELECT account_id, payer_id FROM link") == [(number["romashka"], number["anna"])]
    terms = desk.rows("SELECT credit_limit, period_days FROM credit_terms ORDER BY id")
    assert terms == [(1000, None), (1000, 14)]
    assert desk.rows("SELECT period, amount, count FROM write_off_limit") == [("day", 500, 2)]
