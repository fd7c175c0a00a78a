"""Whose account a payment from the bank is for. Pure: rules in a stated order, the first that speaks decides.

1. `structured reference`: the creditor's or end-to-end reference is an account's number, reference or contract number.
2. `named in the text`: the purpose names exactly one account, by number, reference or contract number.
3. `tax number`: the payer's tax number is that of parties with exactly one open account of this brand and currency.

A rule that finds two accounts, or one that cannot take the money, ends the search: money in doubt is left
unallocated (DECISIONS D28). A contract number counts among the accounts that the paid brand holds. What payers write
themselves is full of figures and words: there a reference or contract number counts when it has five characters,
figures and other signs among them. Plain figures (an order? an invoice?) are an account's number, with its check
digit, or nothing.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from stdnum import iso11649

from ledger.bank.core.statement import Entry

SHORTEST = 5
PIECES = 6
"""A name such as LUNCH-2018/01-A has so many words at most."""

_WORD = re.compile(r"\w+")
# Accounts of banks among themselves, and those where people's payments are gathered: the tax number beside them is
# the bank's.
_BANKS_OWN = re.compile(r"(30[123]|409|474)\d{17}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A money account that a payment may be for; `holder` is a brand's code."""

    account: int
    reference: str | None
    contract: str | None
    holder: str | None
    currency: str
    status: str
    party: str
    tax_id: str | None

    @property
    def title(self) -> str:
        """Return how it is called in sentences."""
        return f"account {self.account} ({self.party})"


@dataclass(frozen=True, slots=True)
class Match:
    """The account, if any, the rule that spoke, if any, and why there is no account."""

    client: Client | None = None
    rule: str = ""
    why: str = ""


class Clients:
    """All money accounts, by what a bank's text may call them."""

    def __init__(self, clients: Iterable[Client]) -> None:
        self.names: dict[str, list[Client]] = {}
        self.contracts: dict[str, list[Client]] = {}
        self.tax_ids: dict[str, list[Client]] = {}
        self.numbers: dict[str, list[Client]] = {}
        for client in clients:
            self.numbers[str(client.account)] = [client]
            for index, name in (
                (self.names, _plain(client.reference or "")), (self.contracts, _plain(client.contract or "")),
                (self.tax_ids, client.tax_id),
            ):  # fmt: skip
                if name:
                    index.setdefault(name, []).append(client)

    def match(self, entry: Entry, *, brand: str, currency: str) -> Match:
        """Return the account that money in is for, or why it is for none."""
        if entry.payments > 1:
            return Match(why=f"{entry.payments} payments in one entry, whose amounts the bank does not tell")
        creditors, end_to_end = _reference(entry.reference), _reference(entry.end_to_end)
        structured = [*self._called(creditors, brand), *self._written(end_to_end, brand)]
        texts = (client for name in _runs(entry.text) for client in self._written(name, brand))
        for rule, named in (("structured reference", structured), ("named in the text", texts)):
            found = {client.account: client for client in named}
            if found:
                return _one(rule, [*found.values()], currency, f"{rule}: {len(found)} accounts, {_listed(found)}")
        return self._by_tax_id(entry, brand, currency)

    def _called(self, name: str, brand: str) -> list[Client]:
        """Return the accounts of exactly that name."""
        ours = (client for client in self.contracts.get(name, ()) if client.holder == brand)
        return [*self.numbers.get(name, ()), *self.names.get(name, ()), *ours]

    def _written(self, name: str, brand: str) -> list[Client]:
        """Return the accounts of a name that a payer wrote; those that chance could write do not count."""
        if name.isdecimal():
            return self.numbers.get(name, [])
        telling = len(name) >= SHORTEST and any(letter.isdecimal() for letter in name)
        return self._called(name, brand) if telling else []

    def _by_tax_id(self, entry: Entry, brand: str, currency: str) -> Match:
        if not entry.tax_id:
            return Match(why="no account is named, no tax number told")
        if _BANKS_OWN.fullmatch(entry.account):
            return Match(why=f"no account is named; tax number {entry.tax_id} is the bank's that passed it on")
        known = self.tax_ids.get(entry.tax_id, [])
        if not known:
            return Match(why=f"no account is named; nobody has the tax number {entry.tax_id}")
        found = [c for c in known if c.holder == brand and c.currency == currency and c.status != "closed"]
        if not found:
            return Match(why=f"{known[0].party} has no open {currency} account with {brand}")
        many = (
            f"tax number {entry.tax_id}: {len(found)} accounts with {brand}, {_listed(each.account for each in found)}"
        )
        return _one("tax number", found, currency, many)


def _one(rule: str, found: Sequence[Client], currency: str, many: str) -> Match:
    """Return the match of a rule that found something."""
    if len(found) > 1:
        return Match(why=many)
    (client,) = found
    if client.status == "closed":
        return Match(why=f"{rule}: {client.title} is closed")
    if client.currency != currency:
        return Match(why=f"{rule}: {client.title} is in {client.currency}, not in {currency}")
    return Match(client, rule)


def _listed(accounts: Iterable[int]) -> str:
    names = sorted(map(str, accounts))
    return ", ".join(names[:3]) + (" …" if len(names) > 3 else "")


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()


def _reference(said: str) -> str:
    """Return what a structured reference names; ISO 11649 puts RF and two check digits before it."""
    return _plain(said[4:] if said[:2].upper() == "RF" and iso11649.is_valid(said) else said)


def _runs(text: str) -> Iterator[str]:
    """Yield every run of a few words of a text, with what stands between them."""
    text = _plain(text)
    words = [(found.start(), found.end()) for found in _WORD.finditer(text)]
    for first, (start, _) in enumerate(words):
        for _, end in words[first : first + PIECES]:
            yield text[start:end]
