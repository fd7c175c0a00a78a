"""One run of administration lines: what it reads once, locks once and writes together."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple, TypeVar

import psycopg
from sqlalchemy import func, or_, text
from sqlmodel import Session, SQLModel, col, select
from sqlmodel.sql.expression import SelectOfScalar

from ledger.administration import administration_lines as r
from ledger.postgres import four_eyes
from ledger.postgres import tables as t
from ledger.values.refusals import Facts, Refused

Fields = dict[str, object]
"""Values by column or field."""

Row = TypeVar("Row")
Numbered = TypeVar("Numbered", t.Brand, t.Party, t.Account)

SEQUENCES: dict[type[SQLModel], str] = {
    t.Brand: "brand_id_seq",
    t.Party: "party_id_seq",
    t.Account: "account_number_seq",
}


class Subject(NamedTuple):
    """A client's money account, and how it is named in sentences and in rows of `change`."""

    account: t.Account
    name: str

    @property
    def id(self) -> int:
        """Return its number."""
        return self.account.id

    @property
    def key(self) -> str:
        """Return its reference or, if it has none, its number."""
        return self.account.reference or str(self.account.id)


@dataclass(slots=True)
class Administration:
    """One run of administration lines in one database transaction, at one time.

    `rows` are the brands, parties and accounts that its lines name, by table and by code or reference; those that are
    `new` are inserted before any other statement, then what hangs on them, `later`. `numbers` are
    ids for them. `subjects` are the accounts whose terms, links, limits or status may change, by number and reference,
    locked; `links`, `terms` (the last) and `limits` are what these have. `subaccounts` and `payers` count links by
    their ends, `moved` are those that have entries, `undated` those with aging items that wait for terms.
    `rules` say what needs a second person, once they were looked up.
    """

    session: Session
    now: datetime
    today: date
    rows: dict[type[SQLModel], dict[str, Any]] = field(default_factory=dict)
    numbers: dict[type[SQLModel], Iterator[int]] = field(default_factory=dict)
    new: list[SQLModel] = field(default_factory=list)
    later: list[SQLModel] = field(default_factory=list)
    subjects: dict[int | str, Subject] = field(default_factory=dict)
    links: dict[tuple[int, int], t.Link] = field(default_factory=dict)
    subaccounts: Counter[int] = field(default_factory=Counter)
    payers: Counter[int] = field(default_factory=Counter)
    terms: dict[int, t.CreditTerms] = field(default_factory=dict)
    limits: dict[tuple[int, int, str, str], t.WriteOffLimit] = field(default_factory=dict)
    moved: set[int] = field(default_factory=set)
    undated: set[int] = field(default_factory=set)
    rules: four_eyes.Rules | None = None

    def read(self, table: type[Numbered], key: str, names: Iterable[str | None], *, locked: bool = False) -> None:
        """Read rows by code or reference, in one go; with `locked`, they may change, and new ones get numbers."""
        known = self.rows.setdefault(table, {})
        wanted = {name for name in names if name is not None} - known.keys()
        if not wanted:
            return
        query = select(table).where(col(getattr(table, key)).in_(wanted)).order_by(col(table.id))
        found = self.session.exec(query.with_for_update(key_share=True) if locked else query).all()
        known.update((getattr(row, key), row) for row in found)
        if locked and len(found) < len(wanted):
            next_id = text("SELECT nextval(CAST(:of AS regclass)) FROM generate_series(1, :many)")
            ids = self.session.connection().execute(next_id, {"of": SEQUENCES[table], "many": len(wanted) - len(found)})
            self.numbers[table] = iter(ids.scalars().all())

    def insert(self) -> None:
        """Insert what is new, a table at a time: the ORM knows of no foreign keys, and of their order only this."""
        for table in (t.Brand, t.Party, t.Account, t.Balance) if self.new else ():
            self.session.add_all([row for row in self.new if isinstance(row, table)])
            self.session.flush()
        self.new.clear()
        self.session.add_all(self.later)
        self.later.clear()

    def first(self, query: SelectOfScalar[Row], *, locked: bool = False) -> Row | None:
        """Return the first row as it is in the database now, if any; `locked` until the run is committed."""
        self.insert()
        if locked:
            query = query.with_for_update(key_share=True)  # FOR NO KEY UPDATE
        return self.session.exec(query, execution_options={"populate_existing": True}).first()

    def note_change(
        self,
        record: r.Record,
        subject: str,
        before: Fields | None,
        after: Fields,
        *,
        account: int | None = None,
        kind: str | None = None,
    ) -> None:
        """Write the dated row of a change; its kind is the record's unless another is given."""
        change = t.Change(
            kind=kind or record.type,
            subject=subject,
            account_id=account,
            before=None if before is None else _json(before),
            after=_json(after),
            business_date=self.today,
            by=record.by,
            note=record.note,
        )
        self.session.add(change)

    def check_second_person(self, record: r.CreditTerms, *, currency: str, limit: int) -> None:
        """Leave with why new credit terms need a second person, unless they do not or one agreed to them."""
        connection = self.session.connection().connection.driver_connection
        assert isinstance(connection, psycopg.Connection)
        if self.rules is None:
            self.rules = four_eyes.rules(connection)
        four_eyes.check_terms(connection, self.rules, record, currency=currency, limit=limit)

    def lock(self, records: Iterable[r.Record]) -> None:
        """Take the balance locks of the accounts that records are about, in id order, then read what these have."""
        about = [record for record in records if not isinstance(record, r.Account)]
        named = {account for record in about for account in record.scope().accounts}
        if not named:
            return
        numbers = [account for account in named if isinstance(account, int)]
        is_named = or_(col(t.Account.id).in_(numbers), col(t.Account.reference).in_(named.difference(numbers)))
        found = dict(self.session.exec(select(t.Account.id, t.Account.reference).where(is_named)).all())
        ids = [*found]
        to_change = {record.account for record in about if isinstance(record, r.AccountStatus)}
        to_change |= {end for record in about if isinstance(record, r.Merge) for end in (record.account, record.into)}
        owners = [id_ for id_, reference in found.items() if {id_, reference} & to_change]
        points = self.session.exec(select(t.Account.id).where(col(t.Account.money_account_id).in_(owners))).all()
        balances = select(t.Balance.account_id, t.Balance.version).where(col(t.Balance.account_id).in_([*ids, *points]))
        locked = balances.order_by(col(t.Balance.account_id)).with_for_update(key_share=True)
        self.moved = {account for account, version in self.session.exec(locked).all() if version}
        # Read under the locks: one of them may have been closed meanwhile.
        query = select(t.Account, t.Party.name).join(t.Party, col(t.Party.id) == t.Account.party_id)
        query = query.where(t.Account.kind == "money", col(t.Account.id).in_(ids))
        for account, party in self.session.exec(query, execution_options={"populate_existing": True}).all():
            self.know(account, party)
        self._read_terms(ids)

    def _read_terms(self, ids: list[int]) -> None:
        either_end = or_(col(t.Link.account_id).in_(ids), col(t.Link.payer_id).in_(ids))
        for link in self.session.exec(select(t.Link).where(either_end)).all():
            self.link(link)
        terms, limit, item = t.CreditTerms, t.WriteOffLimit, t.AgingItem
        last = select(func.max(terms.id)).where(col(terms.account_id).in_(ids)).group_by(col(terms.account_id))
        found = self.session.exec(select(terms).where(col(terms.id).in_(last))).all()
        self.terms = {row.account_id: row for row in found}
        limits = self.session.exec(select(limit).where(col(limit.payer_id).in_(ids))).all()
        self.limits = {(row.payer_id, row.account_id, row.group_name, row.period): row for row in limits}
        undated = select(item.account_id).where(col(item.account_id).in_(ids), item.due_on == date.max)
        self.undated = set(self.session.exec(undated.where(col(item.terms_id).is_(None)).distinct()).all())

    def know(self, account: t.Account, party: str) -> None:
        """Keep an account that lines may be about: it is locked, or new and nobody else sees it."""
        subject = Subject(account, f"account {account.id} ({party})")
        self.subjects[account.id] = subject
        if account.reference is not None:
            self.subjects[account.reference] = subject

    def subject(self, name: int | str) -> Subject:
        """Return a client's money account by number or reference, or leave with `account_not_found`."""
        found = self.subjects.get(name)
        if found is None:
            what = "reference" if isinstance(name, str) else "number"
            raise Refused("account_not_found", asked=f"{what} {name}")
        return found

    def link(self, link: t.Link, times: int = 1) -> None:
        """Keep a link that there is; with -1 times, forget it."""
        self.subaccounts[link.account_id] += times
        self.payers[link.payer_id] += times
        if times > 0:
            self.links[link.account_id, link.payer_id] = link
        else:
            del self.links[link.account_id, link.payer_id]


Rule = Callable[[Administration, r.Record], Facts]
"""Carries out one record and returns the facts of its outcome; leaves with Refused, or ValueError, before it changes
anything."""


def fields_given(record: r.Record) -> Fields:
    """Return the fields that a record gives."""
    return {name: getattr(record, name) for name in record.model_fields_set - {"type", "by", "note"}}


def set_fields(row: SQLModel, values: Mapping[str, object]) -> None:
    """Set columns of a row by name."""
    for name, value in values.items():
        setattr(row, name, value)


def brand_id(run: Administration, code: str, *, locked: bool = False) -> int:
    """Return the id of the brand that has the code, or leave with `brand_not_found`."""
    known: t.Brand | None = None if locked else run.rows[t.Brand].get(code)
    found = known.id if known else run.first(select(t.Brand.id).where(t.Brand.code == code), locked=locked)
    if found is None:
        raise Refused("brand_not_found", brand=code)
    return found


def _json(columns: Fields) -> Fields:
    return {
        name: value.isoformat() if isinstance(value, date) else str(value) if isinstance(value, Decimal) else value
        for name, value in columns.items()
    }
