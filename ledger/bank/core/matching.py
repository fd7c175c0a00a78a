"""Whose account a payment from the bank is for. Pure: rules in a stated order, the first that speaks decides.

1. `structured reference`: the creditor's or end-to-end reference is an account's number, reference or contract number.
2. `named in the text`: the purpose names exactly one account, by number, reference or contract number.
3. `known payer`: the finance desk allocated earlier payments from this bank account to exactly one account.
4. `tax number`: the payer's tax number, or the only client's one in the text, is that of parties with exactly one open
   account of this brand and currency.

A rule that finds two accounts, or one that cannot take the money, ends the search: money in doubt is left
unallocated (DECISIONS D28).
A contract number counts among the accounts that the paid brand holds. What payers write themselves is full of figures
and words: there a reference or contract number counts when it has five characters, figures and other signs among them.
Plain figures (an order? an invoice?) are an account's number, with its check digit, or nothing.

A line break is a bank's, not a payer's: `household-90⏎0` may be household-900. So a text is read with each break as a
blank and as nothing; where the readings name two accounts, or a figure stands on both sides of a break that a name
ends or begins at, nothing is identified (DECISIONS D66).
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from stdnum import iso11649

from ledger.bank.core.statement import BankEntry

SHORTEST = 5
PIECES = 6
"""The most words that a name such as LUNCH-2018/01-A has."""
ALIKE = 88.0
"""From this likeness, of 100, a name is suggested; nothing is ever posted by it."""

_WORD = re.compile(r"\w+")
_INN = re.compile(r"\b(?:INN|ИНН)\W{0,3}(\d{12}|\d{10})\b", re.IGNORECASE)
# Accounts of banks among themselves, and those where people's payments are gathered: the tax number beside them is
# the bank's.
_BANKS_OWN = re.compile(r"(30[123]|409|474)\d{17}")
_PERSONS = re.compile(r"(408[12][07]|423|426)\d{15,17}")


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
    """All money accounts, by what a bank's text may call them; `payers` are the accounts learned for payers."""

    def __init__(self, clients: Iterable[Client], payers: Mapping[str, Iterable[int]] | None = None) -> None:
        self.names: dict[str, list[Client]] = {}
        self.contracts: dict[str, list[Client]] = {}
        self.tax_ids: dict[str, list[Client]] = {}
        self.numbers: dict[str, list[Client]] = {}
        self.payers = {payer: tuple(accounts) for payer, accounts in (payers or {}).items()}
        self._parties: dict[tuple[str | None, str], dict[int, str]] = {}
        self._called_alike: dict[tuple[str, str], dict[int, str]] = {}
        for client in clients:
            self.numbers[str(client.account)] = [client]
            reference, contract = _plain(client.reference or ""), _plain(client.contract or "")
            known = (self.names, reference), (self.contracts, contract), (self.tax_ids, client.tax_id)
            for index, name in known:
                if name:
                    index.setdefault(name, []).append(client)
            if client.status != "closed":
                self._parties.setdefault((client.holder, client.currency), {})[client.account] = client.party
        # What a text is searched for, without what stands between its words.
        self._letters = {_letters(name) for index in (self.numbers, self.names, self.contracts) for name in index}

    def match(self, entry: BankEntry, *, brand: str, currency: str) -> Match:
        """Return the account that money in is for, or why it is for none."""
        if entry.payments > 1:
            return Match(why=f"{entry.payments} payments in one entry, whose amounts the bank does not report")
        for rule, named in self._named(entry, brand):
            found = {client.account: client for client in named if client is not None}
            if len(found) == 1 and None in named:
                (client,) = found.values()
                return Match(why=f"{rule}: {client.title} or a longer name, cut by a line break of the bank")
            if found:
                return _one(rule, [*found.values()], currency, f"{rule}: {len(found)} accounts, {_listed(found)}")
        return self._by_payer(entry, currency) or self._by_tax_id(entry, brand, currency)

    def named(self, entry: BankEntry, brand: str) -> set[int]:
        """Return the numbers of all accounts that an entry names, wherever it names them."""
        return {client.account for _, named in self._named(entry, brand) for client in named if client is not None}

    def _named(self, entry: BankEntry, brand: str) -> Iterator[tuple[str, Sequence[Client | None]]]:
        """Yield the rules that go by what an entry names, and the accounts that it names there."""
        creditors, end_to_end = _reference(entry.reference), _reference(entry.end_to_end)
        yield "structured reference", [*self._called(creditors, brand), *self._written(end_to_end, brand)]
        yield "named in the text", self._in_text(entry, brand)

    def suggestions(self, entry: BankEntry, *, brand: str, currency: str) -> list[tuple[Client, int]]:
        """Return up to three open accounts whose party is called as the payer is, and how alike of 100, best first."""
        if not entry.name:
            return []
        from rapidfuzz import fuzz, process, utils  # only here: most runs suggest nothing

        if (brand, currency) not in self._called_alike:
            parties = self._parties.get((brand, currency), {}) | self._parties.get((None, currency), {})
            self._called_alike[brand, currency] = {n: utils.default_process(name) for n, name in parties.items()}
        name, names = utils.default_process(entry.name), self._called_alike[brand, currency]
        found = process.extract(name, names, scorer=fuzz.token_set_ratio, score_cutoff=ALIKE, limit=3)
        return [(self.numbers[str(account)][0], round(score)) for _, score, account in found]

    def _called(self, name: str, brand: str) -> list[Client]:
        """Return the accounts of exactly that name."""
        ours = (client for client in self.contracts.get(name, ()) if client.holder == brand)
        return [*self.numbers.get(name, ()), *self.names.get(name, ()), *ours]

    def _written(self, name: str, brand: str) -> list[Client]:
        """Return the accounts of a name that a payer wrote; those that chance could write do not count."""
        if name.isdecimal():
            return self.numbers.get(name, [])
        distinctive = len(name) >= SHORTEST and any(letter.isdecimal() for letter in name)
        return self._called(name, brand) if distinctive else []

    def _in_text(self, entry: BankEntry, brand: str) -> list[Client | None]:
        """Return the accounts that a text names; None stands for a name that a line break may have cut short."""
        found: list[Client | None] = []
        for run, cut in _runs(entry.text, self._letters):
            clients = [client for reading in _readings(run) for client in self._written(_plain(reading), brand)]
            found += clients
            if clients and cut:
                found.append(None)
        return found

    def _by_payer(self, entry: BankEntry, currency: str) -> Match | None:
        accounts = self.payers.get(entry.payer, ()) if entry.payer else ()
        found = [client for account in accounts for client in self.numbers.get(str(account), ())]
        found = [client for client in found if client.currency == currency]
        if not found:
            return None
        others = {client.party for client in self.tax_ids.get(entry.tax_id, ())} if entry.tax_id else set()
        if others and found[0].party not in others:
            return Match(why=f"known payer: {found[0].title}, but tax number {entry.tax_id} is of {min(others)}")
        several = f"known payer: {len(found)} accounts, {_listed(each.account for each in found)}"
        return _one("known payer", found, currency, several)

    def _by_tax_id(self, entry: BankEntry, brand: str, currency: str) -> Match:
        tax_ids = self._tax_ids(entry)
        if not tax_ids:
            if entry.tax_id:
                return Match(why=f"no account is named; tax number {entry.tax_id} is the bank's that passed it on")
            return Match(why="no account is named, no tax number given")
        if len(tax_ids) > 1:
            return Match(why=f"tax numbers of {len(tax_ids)} clients: {', '.join(sorted(tax_ids))}")
        (tax_id,) = tax_ids
        known = self.tax_ids.get(tax_id, [])
        if not known:
            return Match(why=f"no account is named; nobody has the tax number {tax_id}")
        found = [c for c in known if c.holder == brand and c.currency == currency and c.status != "closed"]
        if not found:
            return Match(why=f"{known[0].party} has no open {currency} account with {brand}")
        many = f"tax number {tax_id}: {len(found)} accounts with {brand}, {_listed(each.account for each in found)}"
        return _one("tax number", found, currency, many)

    def _tax_ids(self, entry: BankEntry) -> set[str]:
        """Return the payer's tax number, unless it is its bank's, and those of clients that the text names."""
        # A person's has twelve figures: ten beside a person's account are the bank's.
        banks = _BANKS_OWN.fullmatch(entry.account) or (len(entry.tax_id) == 10 and _PERSONS.fullmatch(entry.account))
        own = {entry.tax_id} - {""} if not banks else set()
        named = {tax_id for tax_id in _INN.findall(entry.text) if tax_id in self.tax_ids}
        return named | {each for each in own if not named or each in self.tax_ids}


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


def _letters(name: str) -> str:
    return "".join(_WORD.findall(name))


def _reference(text: str) -> str:
    """Return what a structured reference names; ISO 11649 puts RF and two check digits before it."""
    return _plain(text[4:] if text[:2].upper() == "RF" and iso11649.is_valid(text) else text)


def _runs(text: str, known: set[str]) -> Iterator[tuple[str, bool]]:
    """Yield the runs of a few words whose letters are a known name's, with what stands between the words.

    Beside each: whether it ends or begins at a line break that has a figure on both sides.
    """
    text = text.casefold()
    if not any(letter.isdecimal() for letter in text):
        return
    words = [(found.start(), found.end()) for found in _WORD.finditer(text)]
    for first, (start, _) in enumerate(words):
        letters = ""
        for since, end in words[first : first + PIECES]:
            letters += text[since:end]
            if letters in known:
                cut = any(re.match(r"\d\n\d", text[at - 1 : at + 2]) for at in (start - 1, end))
                yield text[start:end], cut


def _readings(run: str) -> Iterator[str]:
    """Yield a run with each of its line breaks as a blank and as nothing."""
    lines = run.split("\n")
    for gaps in product((" ", ""), repeat=len(lines) - 1):
        yield "".join(part for pair in zip(lines, (*gaps, ""), strict=True) for part in pair)
