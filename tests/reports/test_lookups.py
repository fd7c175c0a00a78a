"""Looking things up: accounts by words, one account with its terms, one transaction with all it did."""

from datetime import date

import pytest

from ledger.errors import Failure
from reports import lookups
from tests.reports.story import Story


@pytest.fixture
def story(story: Story) -> Story:
    """Anna's company pays for her; one order is refunded, one declined."""
    story.account("romashka", holder="sushi", kind="legal_entity")
    story.account("anna", holder="sushi")
    story.account("anna-k", holder="pizza", party="anna")
    story.link("anna", "romashka")
    story.limit("romashka", "anna", "day", 500)
    story.terms("romashka", 100, 10, "2017-01-01")
    story.terms("romashka", 200, 10, "2017-02-01")
    story.payment("2017-03-01", "anna", 300, "sushi", key="p1")
    story.debit("2017-03-02", "anna", ("sushi", 50), {"brand": "pizza", "amount": 20, "line": 2}, key="d1")
    story.refund("2017-03-03", "d1", ("sushi", 5))
    story.decline(
        "2017-03-04",
        "anna",
        900,
        "insufficient_funds",
        subject="account 2 (Anna)",
        balance="235.00",
        held="0.00",
        what="debit",
        drawn="900.00",
        currency="RUB",
        short_by="665.00",
    )
    return story


def test_accounts_are_found_by_parts_of_names_references_and_numbers(story: Story) -> None:
    """All the words must be somewhere; letters may be small or large; a number is known by any part of it."""
    story.rows["parties"][1] |= {"phone": "+7 (916) 555-01-23", "email": "Anna@example.org", "tax_id": "7707083893"}
    story.accounts["anna-k"]["contract_number"] = "D-17/2"
    book = story.book()
    for text in ("916 5550123", "@EXAMPLE", "083893"):
        assert lookups.accounts_like(book, text)["reference"].to_list() == ["anna", "anna-k"]
    assert lookups.accounts_like(book, "8-55501").height == 0
    assert lookups.accounts_like(book, "d-17")["reference"].to_list() == ["anna-k"]
    assert lookups.accounts_like(book)["reference"].to_list() == ["anna", "anna-k", "romashka"]
    assert lookups.accounts_like(book, "ANN -k")["reference"].to_list() == ["anna-k"]
    assert lookups.accounts_like(book, str(story.accounts["anna"]["id"]))["reference"].to_list() == ["anna"]
    assert lookups.accounts_like(book, party="anna")["reference"].to_list() == ["anna", "anna-k"]
    assert lookups.accounts_like(book, "50%").height == 0


def test_an_account_comes_with_both_ends_of_its_links_and_its_latest_terms_first(story: Story) -> None:
    """From the payer's side and from the employee's; brands are named by their codes."""
    story.rows["links"][0]["brands"] = f"[{story.brands['sushi']}]"
    book = story.book()
    assert lookups.account(book, "anna").links["brands"].to_list() == ["sushi"]
    company, anna = lookups.account(book, "romashka"), lookups.account(book, "anna")
    assert company.terms["credit_limit"].to_list() == [200, 100]
    assert (anna.links["payer_name"].to_list(), company.links["account_name"].to_list()) == (["Romashka"], ["Anna"])
    assert anna.limits["amount"].to_list() == company.limits["amount"].to_list() == [500]
    assert (anna.facts["client"], anna.facts["holder"], anna.facts["balance"]) == ("Anna", "sushi", 235)
    with pytest.raises(Failure, match="no account has the reference vera"):
        lookups.account(book, "vera")


def test_a_transaction_is_found_by_number_and_by_key(story: Story) -> None:
    """With every entry, every line and what referred to it later."""
    book = story.book()
    by_key, by_number = lookups.transaction(book, "d1"), lookups.transaction(book, 2)
    assert by_key.facts == by_number.facts
    assert by_key.legs["amount"].sum() == 0
    assert by_key.legs["owner"].to_list() == ["Anna", "Sushi House", "Pizza Piazza"]
    assert by_key.lines.select("line", "brand", "amount").rows() == [(1, "sushi", 50), (2, "pizza", 20)]
    assert by_key.later["kind"].to_list() == ["refund"]
    with pytest.raises(Failure, match="cut 1 has no transaction with the number or key p9"):
        lookups.transaction(book, "p9")


def test_a_key_that_looks_like_a_number_wins_over_the_number(story: Story) -> None:
    """The caller who chose 1 as a key asks for his own transaction."""
    story.payment("2017-03-05", "anna", 1, "sushi", key="1")
    assert lookups.transaction(story.book(), "1").facts["id"] == 5


def test_declines_say_their_sentence(story: Story) -> None:
    """As the ledger did, from code and facts; of one code and account, if given."""
    book, march = story.book(), (date(2017, 3, 1), date(2017, 3, 31))
    (shown,) = lookups.declined(book, *march, code=None)["sentence"].to_list()
    assert shown.endswith("this debit 900.00 RUB; short by 665.00")
    assert lookups.declined(book, *march, code="credit_expired").height == 0
    assert lookups.declined(book, *march, code=None, account=story.accounts["romashka"]["id"]).height == 0


def test_facts_of_another_release_are_told_as_they_are() -> None:
    """A sentence that cannot be made is not made up."""
    assert lookups.sentence("insufficient_funds", '{"gap": "1.00"}') == 'insufficient_funds: {"gap": "1.00"}'
    assert lookups.sentence(None, None) == ""


@pytest.mark.parametrize("given", ["²", "٣", "①", "99999999999999999999", "-1", "1.0"])
def test_what_is_no_number_is_one_sentence(story: Story, given: str) -> None:
    """Digits of other scripts, and numbers that fit no column."""
    with pytest.raises(Failure, match="has no transaction with the number or key"):
        lookups.transaction(story.book(), given)
    with pytest.raises(Failure, match="no account has the reference"):
        story.book().account(given)
