"""Stories: a test's docstring is the ledger it runs on.

Each line runs on the pure core and on PostgreSQL, which must answer the same and end in
the same state; after every refusal nothing may have moved. Brands sushi and pizza exist;
amounts without a brand are sushi's. Times are Moscow's; a day alone means noon.

    account  romashka  credit 1000.00  30 days  until 2024-12-31      account anna  balance 300.00
    link     anna -> romashka  payer_first  share 80  when mon,fri 11:00-16:00  services lunch  group kitchen
    limit    romashka for group kitchen  900.00 a month
    link     anna -> romashka  payer_first  priority 2  brands sushi,pizza  500.00 a day  3 orders a day
    limit    romashka  900.00 a month      limit romashka for anna  none a month       unlink anna -> romashka
    merge    anna_too -> anna
    status   anna  frozen       brand kebab  closed       closed 2024-03-01       at 2024-03-05 13:00
    payments anna  1000  9.99   (so many, in one batch)

    payment  p1  anna 300.00    payment p2  anna 1.00 pizza, boris 2.00    payment p3  75.00
    allocate l1  p3  anna 75.00
    debit    d1  anna  700.00 of 800.00 vat 20 + pizza 5.00  bonus 50.00   hold h1  anna  5.00  until 2024-03-06
    capture  c1  h1    capture c2 h1  30.00  final    refund f1  d1  line 1 70.00 + line 2    release r1  h1
    transfer t1  anna -> boris  1.00   payout o1  anna 1.00   reverse v1  t1   adjustment a1  anna -5.00
    bonus    b1  anna 5.00 pizza
    move     m1  sushi card -> bank 1000.00 fee 15.00    move m2  sushi bank -> pizza bank 50.00
    reverse  v2  p2  1.50 split anna 1.00, unallocated 0.50   payment p4  anna 5.00 channel card
    adjustment a2  anna 5.00 pizza chart bad_debt   debit d2  anna 5.00 occurred 2024-03-03T13:00

An outcome follows two spaces: posted, replayed, declined CODE, invalid. The exact sentence
follows on a line that starts with "|", facts on one that starts with "facts". Description of the book:
balance, owed, used, revenue, versions. Bonus accounts are called after their money account and brand: anna.sushi.
"""

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from ledger.values.money import minor, plain
from tests.ledger.checks import check, same
from tests.ledger.worlds import MOSCOW, PERIODS, Postgres, Pure

Record = dict[str, Any]
_OUTCOME = re.compile(r"\s{2,}(posted|replayed|declined|invalid)\b\s*(.*)$")
_LINE = re.compile(
    r"(?:(?P<brand>[a-z]\w*) )?(?P<amount>[\d.]+)(?: of (?P<gross>[\d.]+))?(?: vat (?P<vat_rate>\d+))?"
    r"(?: as (?P<service>\w+))?"
)
_LIMIT = re.compile(r"([\d.]+|none)( orders)? (?:a|an|in) (order|day|week|month|all)")


class Story:
    """One story, told by a docstring."""

    def __init__(self, text: str, pure: Pure, postgres: Postgres) -> None:
        self.lines = [line.strip() for line in text.splitlines() if line.strip()]
        self.pure, self.postgres = pure, postgres
        self.worlds: tuple[Pure | Postgres, ...] = (pure, postgres)
        self.now = datetime(2024, 3, 4, 12, tzinfo=MOSCOW)
        self.last: Record = {}
        self.state: Record | None = None
        for code in ("sushi", "pizza"):
            self.administer({"type": "brand", "code": code})

    def holds(self) -> None:
        """Tell the story, line by line, in both worlds."""
        for line in self.lines:
            try:
                self._tell(line)
            except Exception as error:
                error.add_note(f"the story's line: {line}")
                raise

    def administer(self, record: Record) -> None:
        """Do an administration line in both worlds."""
        self.state = None
        for world in self.worlds:
            world.administer(record)

    def _tell(self, line: str) -> None:
        if line.startswith("|"):
            assert self.last["message"] == line.removeprefix("|").strip()
        elif found := _OUTCOME.search(line):
            word, *rest = line[: found.start()].split()
            self._command(word, rest, found[1], found[2])
        else:
            word, *rest = line.split()
            getattr(self, f"_say_{word}")(*rest)

    # ---- commands

    def _command(self, word: str, rest: list[str], status: str, told: str) -> None:
        key, *rest = rest
        text, options = _options(" ".join(rest))
        record = {"type": word, "key": key, "at": self.now.isoformat(), **options}
        bonus = getattr(self, f"_{word}")(record, text)  # whose points: their account has a number in each world
        numbers = [{"account": world.points(*bonus)} if bonus else {} for world in self.worlds]
        before = [self.pure.state(), self.state or self.postgres.state()]
        posts = (self.pure.post, self.postgres.post_as_quoted)
        answers = [post([record | number])[0] for post, number in zip(posts, numbers, strict=True)]
        self.last = answers[0]
        assert self.last == answers[1], "the pure core and PostgreSQL differ"
        now = "replayed" if self.last.get("replayed") and status == "replayed" else self.last["status"]
        assert now == status, self.last
        after = [self.pure.state(), self.postgres.state()]
        self.state = after[1]
        if status in ("posted", "replayed") and told:
            assert _moved(self.last) == told
        if status == "declined":
            assert self.last["code"] == told
        if self.last["status"] != "posted" or status == "replayed":
            for was, became in zip(before, after, strict=True):
                posted = {k: t for k, t in became["transactions"].items() if t[1] is None}
                assert {**became, "transactions": posted} == {
                    **was,
                    "transactions": {k: t for k, t in was["transactions"].items() if t[1] is None},
                }, "something moved"
        self._check(after)

    def _check(self, states: list[Any]) -> None:
        pure, postgres = states
        same(pure, postgres)
        check(postgres)

    def _payment(self, record: Record, text: str) -> None:
        if re.fullmatch(r"[\d.]+( \w+)?", text):
            amount, _, brand = text.partition(" ")
            record |= {"amount": amount, "brand": brand or "sushi"}
            return
        parts = _parts(text)
        if len(parts) == 1:
            record |= {**parts[0], "brand": parts[0].get("brand", "sushi")}
        else:
            total = sum(minor(Decimal(part["amount"])) for part in parts)
            record |= {"amount": plain(total), "brand": "sushi", "split": parts}

    def _allocate(self, record: Record, text: str) -> None:
        record["payment"], parts = text.split(" ", 1)
        record["split"] = _parts(parts)

    def _payout(self, record: Record, text: str) -> None:
        record["account"], record["amount"] = text.split()
        record["brand"] = "sushi"

    def _debit(self, record: Record, text: str) -> None:
        record["account"], lines = text.split(" ", 1)
        record["lines"] = [
            {"brand": "sushi", **{name: value for name, value in _line(line).items() if value}}
            for line in lines.split(" + ")
        ]

    _hold = _debit

    def _capture(self, record: Record, text: str) -> None:
        text, final = text.removesuffix(" final"), text.endswith(" final")
        record["hold"], _, how = text.partition(" ")
        record |= {**_how(how), **({"final": True} if final else {})}

    def _release(self, record: Record, text: str) -> None:
        record["hold"] = text

    def _refund(self, record: Record, text: str) -> None:
        text, _, to = text.partition(" closed_to ")
        record |= {"closed_to": to} if to else {}
        record["debit"], _, how = text.partition(" ")
        record |= _how(how)

    def _reverse(self, record: Record, text: str) -> None:
        text, _, split = text.partition(" split ")
        record["transaction"], _, amount = text.partition(" ")
        record |= {"reason": "chargeback", **({"amount": amount} if amount else {})}
        if split:
            parts = _parts(split)
            record["split"] = [{n: v for n, v in part.items() if v != "unallocated"} for part in parts]

    def _move(self, record: Record, text: str) -> None:
        text, _, fee = text.partition(" fee ")
        *sides, record["amount"] = text.split()
        record["brand"], record["from"], _, *to = sides
        record["to"] = to[-1]
        record |= {"to_brand": to[0]} if len(to) > 1 else {}
        record |= {"fee": fee} if fee else {}

    def _transfer(self, record: Record, text: str) -> None:
        record["account"], _, record["to"], record["amount"] = text.split()

    def _adjustment(self, record: Record, text: str) -> None:
        record["account"], record["amount"], *rest = text.split()
        record |= {"brand": rest[0] if rest else "sushi", "reason": "typing error"}

    def _bonus(self, record: Record, text: str) -> tuple[str, str]:
        account, record["amount"], *brand = text.split()
        record["reason"] = "welcome"
        return account, brand[0] if brand else "sushi"

    # ---- administration and time

    def _say_at(self, day: str, hour: str = "12:00") -> None:
        self.now = datetime.fromisoformat(f"{day}T{hour}").replace(tzinfo=MOSCOW)

    def _say_brand(self, code: str, status: str = "open") -> None:
        self.administer({"type": "brand", "code": code, "status": status})

    def _say_account(self, reference: str, *rest: str) -> None:
        currency = "USD" if "USD" in rest else "RUB"
        self.administer({"type": "party", "reference": reference, "kind": "individual", "name": reference.capitalize()})
        self.administer({"type": "account", "reference": reference, "party": reference, "currency": currency})
        if "credit" in rest:
            self._say_terms(reference, *rest)
        if "balance" in rest:
            amount = rest[rest.index("balance") + 1]
            self._command("payment", [f"{reference}-opening", reference, amount], "posted", "")

    def _say_payments(self, account: str, times: str, amount: str) -> None:
        paid = {"type": "payment", "account": account, "amount": amount, "brand": "sushi", "at": self.now.isoformat()}
        self.state = None
        for world in self.worlds:
            outcomes = world.post([{**paid, "key": f"{account}-{number}"} for number in range(int(times))])
            assert {outcome["status"] for outcome in outcomes} == {"posted"}

    def _say_terms(self, reference: str, *rest: str) -> None:
        text = " ".join(rest)
        terms: Record = {"type": "credit_terms", "account": reference, "valid_from": "2024-01-01"}
        terms["limit"] = re.search(r"credit ([\d.]+)", text)[1]  # type: ignore[index]
        if found := re.search(r"(\d+) days", text):
            terms["period_days"] = int(found[1])
        for name in ("from", "until"):
            if found := re.search(rf"{name} (\S+)", text):
                terms[f"valid_{name}"] = found[1]
        self.administer(terms)

    def _say_link(self, account: str, _: str, payer: str, draw: str, *rest: str) -> None:
        text = " ".join(rest)
        record: Record = {"type": "link", "account": account, "payer": payer, "draw": draw}
        if found := re.search(r"priority (\d+)", text):
            record["priority"] = int(found[1])
        if found := re.search(r"brands (\S+)", text):
            record["brands"] = found[1].split(",")
        if found := re.search(r"share (\S+)", text):
            record["share"] = found[1]
        if found := re.search(r"when (?:(\S+) )?(\S+)-(\d\S+)", text):
            days = {"days": found[1].split(",")} if found[1] else {}
            record["when"] = {**days, "from": found[2], "to": found[3]}
        if found := re.search(r"services (\S+)", text):
            record["services"] = found[1].split(",")
        if found := re.search(r"group (\S+)", text):
            record["group"] = found[1]
        self.administer(record)
        self._limits(payer, {"account": account}, text)

    def _say_unlink(self, account: str, _: str, payer: str) -> None:
        self.administer({"type": "link", "account": account, "payer": payer, "draw": None})

    def _say_limit(self, payer: str, *rest: str) -> None:
        of = {"account": rest[1] if rest[0] == "for" else payer}
        of = {"group": rest[2]} if rest[:2] == ("for", "group") else of
        self._limits(payer, of, " ".join(rest))

    def _limits(self, payer: str, of: Record, text: str) -> None:
        for amount, orders, period in _LIMIT.findall(text):
            record: Record = {"type": "write_off_limit", "payer": payer, **of}
            record["period"] = "total" if period == "all" else period
            if amount == "none":
                record |= {"amount": None, "count": None}
            else:
                record["count" if orders else "amount"] = int(amount) if orders else amount
            self.administer(record)

    def _say_status(self, account: str, status: str) -> None:
        self.administer({"type": "account_status", "account": account, "status": status})

    def _say_merge(self, account: str, _: str, into: str) -> None:
        self.administer({"type": "merge", "account": account, "into": into, "at": self.now.isoformat()})

    def _say_closed(self, day: str) -> None:
        for world in self.worlds:
            world.close(date.fromisoformat(day))

    # ---- what is so

    def _say_facts(self, *rest: str) -> None:
        for fact in rest:
            name, value = fact.split("=")
            assert str(self.last["facts"][name]) == value.replace("_", " "), self.last["facts"]

    def _say_balance(self, account: str, amount: str, *rest: str) -> None:
        for world in self.worlds:
            balance, held, _ = world.state()["balances"][account]
            assert plain(balance) == amount
            assert plain(held) == (rest[1] if rest else "0.00")

    def _say_owed(self, account: str, *rest: str) -> None:
        """Say the open items: key day [due DAY] amount, ..."""
        told = [] if rest == ("nothing",) else [tuple(part.split()) for part in " ".join(rest).split(", ")]
        for world in self.worlds:
            owed = world.state()["owed"].get(account, [])
            seen = [
                (key, str(day), *(("due", str(due)) if due else ()), plain(unpaid)) for key, day, due, unpaid in owed
            ]
            assert seen == told

    def _say_used(self, payer: str, *rest: str) -> None:
        """Say what a window holds: [for ACCOUNT] PERIOD [DAY] AMOUNT COUNT."""
        account = rest[1] if rest[0] == "for" else payer
        period, *day, amount, times = rest[2:] if rest[0] == "for" else rest
        assert period in PERIODS
        since = date.fromisoformat(day[0]) if day else date.min
        for world in self.worlds:
            used = world.state()["usage"].get((payer, account, period, since), (0, 0))
            assert (plain(used[0]), used[1]) == (amount, int(times))

    def _say_revenue(self, key: str, *rest: str) -> None:
        """Say a transaction's service lines: line brand source amount gross [vat], ..."""
        for world in self.worlds:
            entries = world.state()["transactions"][key][5]
            said = [
                " ".join(
                    [
                        str(e[8]),
                        e[0].removeprefix("revenue "),
                        e[7],
                        plain(e[1]),
                        plain(e[9]),
                        *([plain(e[11])] if e[11] is not None else []),
                    ]
                )
                for e in entries
                if e[8] is not None
            ]
            assert ", ".join(said) == " ".join(rest)

    def _say_legs(self, key: str, *rest: str) -> None:
        """Say a transaction's legs of brands: account[:channel or code] brand amount, and whom each faces, ..."""
        for world in self.worlds:
            entries = world.state()["transactions"][key][5]
            legs = [(e[0].split(), e[1], e[7], e[12] or e[13]) for e in entries if e[3] is None]
            said = [
                " ".join([f"{kind}:{place}" if place else kind, brand, plain(amount), *([faces] if faces else [])])
                for (kind, brand), amount, faces, place in legs
            ]
            assert ", ".join(said) == " ".join(rest)

    def _say_versions(self, account: str, *keys: str) -> None:
        """Say the transactions that moved an account, in order."""
        for world in self.worlds:
            moved = sorted(
                (e[3], key) for key, t in world.state()["transactions"].items() for e in t[5] if e[0] == account
            )
            assert ", ".join(key for _, key in moved) == " ".join(keys)


def _line(text: str) -> dict[str, str | None]:
    found = _LINE.fullmatch(text)
    assert found, f"not a line: {text}"
    return found.groupdict()


def _options(text: str) -> tuple[str, Record]:
    """Return the text without its options, and these."""
    options: Record = {}
    named = {"until": "expires_at", "bonus": "bonus_at_most", "due": "due_on", "occurred": "occurred_at"}
    named |= {name: name for name in ("currency", "channel", "chart")}
    for name, field in named.items():
        if found := re.search(rf"\s?\b{name} (\S+)", text):
            text = text[: found.start()] + text[found.end() :]
            options[field] = found[1]
    if "expires_at" in options:
        options["expires_at"] = datetime.fromisoformat(options["expires_at"]).replace(tzinfo=MOSCOW).isoformat()
    if "occurred_at" in options:  # an hour of a day: 2024-03-04T13:00, or noon of it
        day, _, hour = options["occurred_at"].partition("T")
        options["occurred_at"] = datetime.fromisoformat(f"{day}T{hour or '12:00'}").replace(tzinfo=MOSCOW).isoformat()
    return text, options


def _parts(text: str) -> list[Record]:
    names = ("account", "amount", "brand")
    return [dict(zip(names, part.split(), strict=False)) for part in text.split(", ")]


def _how(text: str) -> Record:
    """Return what is captured or refunded: all, an amount, or by line."""
    if not text:
        return {}
    if not text.startswith("line"):
        return {"amount": text}
    lines = [part.split()[1:] for part in text.split(" + ")]
    return {"lines": [{"line": int(n), **({"amount": amount[0]} if amount else {})} for n, *amount in lines]}


def _moved(said: Record) -> str:
    """Return who moved by how much, as stories tell it; money held is told when it changed."""
    return ", ".join(f"{moved['account']} {moved['amount']}" for moved in said["accounts"])
