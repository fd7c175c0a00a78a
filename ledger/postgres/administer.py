"""Administration: brands, parties, accounts, terms, links, limits, status.

A line with the content that the book already has is done and writes nothing; given fields change from now on,
absent ones stay; currency, kind and party never change. Each change is also a dated row of `change`, with who
and when. Terms, links, limits and status take the balance locks of their accounts, as posting does.

Brands, parties and accounts are read once for the whole run and inserted together: a first load has thousands.

This is the part of the ledger that works through SQLModel. Posting does not import it: that costs half a second
(DECISIONS D92).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NamedTuple, NoReturn, TypeVar
from zoneinfo import ZoneInfo

import psycopg
from sqlalchemy import Engine, create_engine, delete, distinct, func, or_, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool
from sqlmodel import Session, SQLModel, col, select
from sqlmodel.sql.expression import SelectOfScalar

from ledger.administration import records as r
from ledger.core.accounts import window
from ledger.core.money import minor, plain
from ledger.core.outcomes import Declined, Done, Facts, Invalid, Refused
from ledger.errors import Failure
from ledger.postgres import tables as t
from ledger.postgres.database import AnyConnection, settings_of
from ledger.postgres.locks import WRITING
from ledger.postgres.open_accounts import numbered

Fields = dict[str, object]
"""Values by column or field."""

Row = TypeVar("Row")
Numbered = TypeVar("Numbered", t.Brand, t.Party, t.Account)


@dataclass(slots=True)
class Administration:
    """One run of administration lines in one database transaction, at one time.

    `rows` are the brands, parties and accounts that its lines name, by table and by code or reference; those that are
    `new` are inserted before anything else is asked of the database. `numbers` are ids for them.
    """

    session: Session
    now: datetime
    today: date
    rows: dict[type[SQLModel], dict[str, Any]] = field(default_factory=dict)
    numbers: dict[type[SQLModel], Iterator[int]] = field(default_factory=dict)
    new: list[SQLModel] = field(default_factory=list)

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

    def first(self, query: SelectOfScalar[Row], *, locked: bool = False) -> Row | None:
        """Return the first row as it is in the database now, if any; `locked` until the run is committed."""
        self.insert()
        if locked:
            query = query.with_for_update(key_share=True)  # FOR NO KEY UPDATE
        return self.session.exec(query, execution_options={"populate_existing": True}).first()

    def note_change(
        self, record: r.Record, subject: str, before: Fields | None, after: Fields, *, account: int | None = None
    ) -> None:
        """Write the dated row of a change."""
        change = t.Change(
            kind=record.type,
            subject=subject,
            account_id=account,
            before=None if before is None else _json(before),
            after=_json(after),
            business_date=self.today,
            by=record.by,
            note=record.note,
        )
        self.session.add(change)

    def lock(self, *accounts: int) -> None:
        """Take the balance locks of accounts, in id order."""
        self.insert()
        query = select(t.Balance.account_id).where(col(t.Balance.account_id).in_(accounts))
        self.session.exec(query.order_by(col(t.Balance.account_id)).with_for_update(key_share=True)).all()


Rule = Callable[[Administration, r.Record], Facts]
"""Carries out one record and returns the facts of its outcome; leaves with Refused, or ValueError, before it changes
anything."""

SEQUENCES: dict[type[SQLModel], str] = {
    t.Brand: "brand_id_seq", t.Party: "party_id_seq", t.Account: "account_number_seq",
}  # fmt: skip


def engine_on(connection: AnyConnection) -> Engine:
    """Return an engine whose sessions work on this connection."""
    return create_engine("postgresql+psycopg://", creator=lambda: connection, poolclass=StaticPool)


def administer(
    engine: Engine, records: Sequence[r.Record], rules: Mapping[str, Rule] | None = None
) -> list[Done | Declined | Invalid]:
    """Return one outcome a record, in order, committed together; `rules` (default RULES) carry out each type.

    Raises Failure when there is no book, psycopg's own errors when the database fails.
    """
    try:
        with Session(engine) as session:
            outcomes = _all(session, records, rules or RULES)
            session.commit()
    except DBAPIError as error:
        raise (error.orig if isinstance(error.orig, psycopg.Error) else error) from None
    return outcomes


def _all(session: Session, records: Sequence[r.Record], rules: Mapping[str, Rule]) -> list[Done | Declined | Invalid]:
    connection = session.connection()
    raw = connection.connection.driver_connection
    if isinstance(raw, psycopg.Connection) and (setting := settings_of(raw)):
        connection.exec_driver_sql(setting)
    connection.exec_driver_sql(WRITING)
    row = session.exec(select(func.clock_timestamp(), t.BookSettings.time_zone)).first()
    if row is None:
        raise Failure("there is no book yet: run tiffin init")
    now = row[0].astimezone(UTC)
    run = Administration(session, now, now.astimezone(ZoneInfo(row[1])).date())
    accounts = [record for record in records if isinstance(record, r.Account)]
    run.read(t.Brand, "code", (record.code for record in records if isinstance(record, r.Brand)), locked=True)
    run.read(t.Brand, "code", (account.holder for account in accounts))
    run.read(t.Party, "reference", (record.reference for record in records if isinstance(record, r.Party)), locked=True)
    run.read(t.Party, "reference", (account.party for account in accounts))
    run.read(t.Account, "reference", (account.reference for account in accounts), locked=True)
    outcomes = [_one(run, record, rules) for record in records]
    run.insert()
    return outcomes


def _one(run: Administration, record: r.Record, rules: Mapping[str, Rule]) -> Done | Declined | Invalid:
    try:
        return Done(kind=record.type, facts=rules[record.type](run, record))
    except Refused as refused:
        return Declined(key="", code=refused.code, facts=refused.facts)
    except ValueError as error:
        return Invalid(message=str(error))


# ---- brands, parties, accounts: rows that are known by a code or reference


def _brand(run: Administration, record: r.Record) -> Facts:
    assert isinstance(record, r.Brand)
    saved = _save(run, record, record.code, t.Brand(code=record.code, name=record.code), fields_given(record))
    return {"code": record.code, "id": saved.id}


def _party(run: Administration, record: r.Record) -> Facts:
    assert isinstance(record, r.Party)
    party: t.Party | None = run.rows[t.Party].get(record.reference)
    if party:
        _never_changes(f"party {record.reference}", kind=(party.kind, record.kind))
    elif record.kind is None:
        raise ValueError("kind: is missing")
    new = t.Party(reference=record.reference, kind=record.kind or "", name=record.reference)
    saved = _save(run, record, record.reference, new, fields_given(record))
    return {"reference": record.reference, "id": saved.id}


def _account(run: Administration, record: r.Record) -> Facts:
    assert isinstance(record, r.Account)
    given = fields_given(record)
    if "party" in given:
        given["party_id"] = _party_id(run, str(given.pop("party")))
    if "holder" in given:
        given["holder_id"] = brand_id(run, record.holder) if record.holder is not None else None
        del given["holder"]
    account: t.Account | None = run.rows[t.Account].get(record.reference)
    if account:
        subject = f"account {account.id} ({record.reference})"
        _never_changes(subject, currency=(account.currency, record.currency))
        if given.get("party_id", account.party_id) != account.party_id:
            party = run.first(select(t.Party.reference).where(t.Party.id == account.party_id))
            _never_changes(subject, party=(party, record.party))
        _save(run, record, record.reference, account, given)
        return {"reference": record.reference, "account": account.id}
    for name, value in (("party", record.party), ("currency", record.currency)):
        if value is None:
            raise ValueError(f"{name}: is missing")
    new = t.Account(id=0, kind="money", currency=record.currency or "", opened_at=run.now)
    _save(run, record, record.reference, new, given)
    run.new.append(t.Balance(account_id=new.id))
    return {"reference": record.reference, "account": new.id}


def fields_given(record: r.Record) -> Fields:
    """Return the fields that a record gives."""
    return {name: getattr(record, name) for name in record.model_fields_set - {"type", "by", "note"}}


def _never_changes(subject: str, **fields: tuple[object, object]) -> None:
    """Refuse a record that gives another value (the second of each pair) than what there is (the first)."""
    for name, (is_, given) in fields.items():
        if given is not None and given != is_:
            raise Refused("never_changes", **{"subject": subject, "what": name, "is": is_, "asked": given})


def _save(run: Administration, record: r.Record, subject: str, new: Numbered, given: Fields) -> Numbered:
    """Change the row by the fields given or, where there is none, insert the new one; return it."""
    rows: dict[str, Numbered] = run.rows[type(new)]
    row, before = rows.get(subject), None
    if row is None:
        serial = next(run.numbers[type(new)])
        new.id = numbered(serial) if isinstance(new, t.Account) else serial
        set_fields(new, {name: value for name, value in given.items() if value is not None})
        rows[subject] = new
        run.new.append(new)
        after: Fields = new.model_dump(exclude={"id"}, exclude_none=True)
    else:
        new = row
        before = {name: getattr(row, name) for name, value in given.items() if getattr(row, name) != value}
        after = {name: given[name] for name in before}
        set_fields(row, after)
    if after:
        run.note_change(record, subject, before, after, account=new.id if isinstance(new, t.Account) else None)
    return new


def set_fields(row: SQLModel, values: Mapping[str, object]) -> None:
    """Set columns of a row by name."""
    for name, value in values.items():
        setattr(row, name, value)


# ---- what hangs on accounts


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


def _account_status(run: Administration, record: r.Record) -> Facts:
    assert isinstance(record, r.AccountStatus)
    number = _subject(run, record.account).id
    points = run.session.exec(select(t.Account.id).where(t.Account.money_account_id == number)).all()
    run.lock(number, *points)
    subject = _subject(run, number)
    account = subject.account
    done: Facts = {"account": account.id, "reference": account.reference}
    if account.status == record.status:
        return done
    if account.status == "closed":
        raise Refused("account_closed", account=account.id, subject=subject.name)
    if record.status == "closed":
        _closable(run, subject)
    before = account.status
    account.status = record.status
    run.note_change(record, subject.key, {"status": before}, {"status": record.status}, account=account.id)
    return done


def _closable(run: Administration, subject: Subject) -> None:
    """Refuse to close an account that still has money, points, open holds or links."""
    number = subject.id
    money = run.first(select(t.Balance.balance).where(t.Balance.account_id == number))
    points = run.first(
        select(func.sum(t.Balance.balance))
        .join(t.Account, col(t.Account.id) == t.Balance.account_id)
        .where(t.Account.money_account_id == number)
    )
    holds = run.first(
        select(func.count(distinct(col(t.HoldPart.hold_id))))
        .join(t.Hold, col(t.Hold.transaction_id) == t.HoldPart.hold_id)
        .where(or_(col(t.HoldPart.source_id) == number, col(t.Hold.account_id) == number))
        .where(t.Hold.state == "open", t.Hold.expires_at > run.now)
    )
    either_end = or_(col(t.Link.account_id) == number, col(t.Link.payer_id) == number)
    links = run.first(select(func.count()).select_from(t.Link).where(either_end))
    reasons = [
        f"its balance is {plain(money)} {subject.account.currency}" if money else "",
        f"it has {plain(int(points))} points" if points else "",
        f"it has {_many(holds, 'open hold')}" if holds else "",
        f"it has {_many(links, 'link')}" if links else "",
    ]
    why = ", ".join(reason for reason in reasons if reason)
    if why:
        raise Refused("account_not_empty", account=number, subject=subject.name, why=why)


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


TERMS = ("credit_limit", "period_days", "valid_from", "valid_until")


def _credit_terms(run: Administration, record: r.Record) -> Facts:
    assert isinstance(record, r.CreditTerms)
    subject = _subject(run, record.account)
    run.lock(subject.id)
    last = run.first(
        select(t.CreditTerms).where(t.CreditTerms.account_id == subject.id).order_by(col(t.CreditTerms.id).desc())
    )
    given = fields_given(record)
    del given["account"]
    if "limit" in given:
        del given["limit"]
        given["credit_limit"] = None if record.limit is None else minor(record.limit)
    before = {name: getattr(last, name) for name in TERMS} if last else None
    after = (before or {"valid_from": run.today}) | given
    for name, column in (("limit", "credit_limit"), ("valid_from", "valid_from")):
        if after.get(column) is None:
            raise ValueError(f"{name}: is missing")
    new = t.CreditTerms(account_id=subject.id, by=record.by, note=record.note, **after)
    check_period(new.valid_from, new.valid_until)
    after = {name: getattr(new, name) for name in TERMS}
    if after != before:
        run.session.add(new)
        run.session.flush()
        _let_items_wait(run, new)
        run.note_change(record, subject.key, before and _terms(before), _terms(after), account=subject.id)
    return {"account": subject.id, "reference": subject.account.reference}


def _let_items_wait(run: Administration, terms: t.CreditTerms) -> None:
    """Let items without a due date that wait for no terms yet take theirs from these, once they are valid."""
    if terms.period_days is None:
        return
    item, account = t.AgingItem, terms.account_id
    undated = (col(item.account_id) == account, col(item.due_on) == date.max, col(item.terms_id).is_(None))
    waiting = run.session.exec(update(item).where(*undated).values(terms_id=terms.id))
    if waiting.rowcount:
        ripens_on = func.least(t.Balance.ripens_on, terms.valid_from)
        run.session.exec(update(t.Balance).where(col(t.Balance.account_id) == account).values(ripens_on=ripens_on))


def check_period(valid_from: date | None, valid_until: date | None) -> None:
    """Raise ValueError for a period that ends before it starts."""
    if valid_from is not None and valid_until is not None and valid_until < valid_from:
        raise ValueError(f"valid_until: {valid_until} is before valid_from, {valid_from}")


def _terms(columns: Fields) -> Fields:
    """Return terms as `change` keeps them: the limit in plain notation."""
    limit = columns["credit_limit"]
    assert isinstance(limit, int)
    return {"limit": plain(limit), **{name: columns[name] for name in TERMS if name != "credit_limit"}}


LINK = ("draw", "priority", "brands")
RULES_OF_LINK = ("share", "hours", "services", "group_name")


def _link(run: Administration, record: r.Record) -> Facts:
    assert isinstance(record, r.Link)
    account, payer = _subject(run, record.account), _subject(run, record.payer)
    run.lock(account.id, payer.id)
    # Read again under the locks: one of them may have been closed meanwhile.
    account, payer = _subject(run, account.id), _subject(run, payer.id)
    _linkable(run, account, payer)
    link = run.first(select(t.Link).where(t.Link.account_id == account.id, t.Link.payer_id == payer.id))
    before = {name: getattr(link, name) for name in (*LINK, *RULES_OF_LINK)} if link else None
    subject = f"{account.key} <- {payer.key}"
    done: Facts = {"account": account.id, "payer": payer.id}
    if record.draw is None:
        if link:
            run.session.delete(link)
            run.note_change(record, subject, _link_said(before, {}), {"draw": None}, account=account.id)
        return done
    after = before or {"draw": "payer_first", "priority": 1, **dict.fromkeys(("brands", *RULES_OF_LINK))}
    after = after | _link_given(run, record)
    if after != before:
        kept = link or t.Link(account_id=account.id, payer_id=payer.id, draw="")
        set_fields(kept, after)
        run.session.add(kept)
        was = _link_said(before, after)
        run.note_change(record, subject, was, _link_said(after, before or {}) or {}, account=account.id)
    return done


def _link_given(run: Administration, record: r.Link) -> Fields:
    """Return the given fields as the table has them."""
    given = fields_given(record)
    columns: Fields = {name: given[name] for name in LINK if name in given}
    if record.brands is not None:
        columns["brands"] = sorted(brand_id(run, code) for code in record.brands)
    if "share" in given:
        columns["share"] = None if record.share is None else minor(record.share)
    if "when" in given:
        columns["hours"] = record.when.stored() if record.when else None
    if "services" in given:
        columns["services"] = sorted(set(record.services)) if record.services else None
    if "group" in given:
        columns["group_name"] = record.group
    return columns


def _link_said(columns: Fields | None, other: Fields) -> Fields | None:
    """Return a link as `change` keeps it: of its rules those that it has, or had before."""
    if columns is None:
        return None
    rules = [name for name in RULES_OF_LINK if columns[name] is not None or other.get(name) is not None]
    return {name: columns[name] for name in (*LINK, *rules)}


def _linkable(run: Administration, account: Subject, payer: Subject) -> None:
    """Hold that links have one level, between open accounts of one currency."""

    def refuse(why: str) -> NoReturn:
        names = {"subject": payer.name, "other": account.name}
        raise Refused("link_not_allowed", account=account.id, payer=payer.id, **names, why=why)

    if account.id == payer.id:
        refuse("nobody pays for himself")
    if account.account.currency != payer.account.currency:
        refuse(f"{payer.account.currency} is not {account.account.currency}")
    for each in (account, payer):
        if each.account.status == "closed":
            refuse(f"{each.name} is closed")
    if run.first(select(t.Link.payer_id).where(t.Link.account_id == payer.id)):
        refuse("the payer is itself a subaccount")
    if run.first(select(t.Link.payer_id).where(t.Link.payer_id == account.id)):
        refuse("the subaccount is itself a payer")


def _write_off_limit(run: Administration, record: r.Record) -> Facts:
    assert isinstance(record, r.WriteOffLimit)
    payer = _subject(run, record.payer)
    account = payer if record.account is None else _subject(run, record.account)
    # A limit may come before its link, so that nothing is drawn in between; across currencies no link ever comes
    # (DECISIONS D3).
    currency, asked = account.account.currency, payer.account.currency
    if currency != asked:
        raise Refused("currency_mismatch", account=account.id, subject=account.name, currency=currency, asked=asked)
    run.lock(payer.id, account.id)
    group = record.group or ""
    known: Fields = {"payer_id": payer.id, "account_id": account.id, "group_name": group, "period": record.period}
    limit = run.first(select(t.WriteOffLimit).filter_by(**known))
    before: Fields = {"amount": limit.amount, "count": limit.count} if limit else {"amount": None, "count": None}
    given = {name: value for name, value in fields_given(record).items() if name in before}
    if record.amount is not None:
        given["amount"] = minor(record.amount)
    after = before | given
    done: Facts = {"payer": payer.id, "account": account.id, "period": record.period}
    if group:
        done["group"] = group
    if after == before:
        return done
    if after == {"amount": None, "count": None}:
        for table in (t.WriteOffLimit, t.Usage):
            run.session.exec(delete(table).filter_by(**known))
    else:
        kept = limit or t.WriteOffLimit(
            payer_id=payer.id, account_id=account.id, group_name=group, period=record.period
        )
        set_fields(kept, after)
        run.session.add(kept)
        if limit is None and record.period != "order":
            _start_usage(run, kept)
    subject = f"{payer.key} -> {f'group {group}' if group else account.key} {record.period}"
    run.note_change(record, subject, _limit(before) if limit else None, _limit(after), account=account.id)
    return done


def _limit(columns: Fields) -> Fields:
    """Return a limit as `change` keeps it: the amount in plain notation."""
    amount = columns["amount"]
    return {"amount": plain(amount) if isinstance(amount, int) else None, "count": columns["count"]}


# What each debit and hold leaves drawn from a payer, by its day: the same figures the posting path keeps.
_DRAWN = """
SELECT (at AT TIME ZONE (SELECT time_zone FROM book))::date AS day, sum(left_drawn)::bigint AS amount,
    count(*) FILTER (WHERE left_drawn <> 0) AS count
FROM (
    SELECT coalesce(t.occurred_at, t.posted_at) AS at, -e.amount - coalesce((
        SELECT sum(back.amount) FROM transaction refund JOIN entry back ON back.transaction_id = refund.id
        WHERE refund.refers_to = t.id AND refund.kind = 'refund' AND back.account_id = e.account_id
    ), 0) AS left_drawn
    FROM entry e JOIN transaction t ON t.id = e.transaction_id
    LEFT JOIN entry_group g ON g.transaction_id = e.transaction_id AND g.account_id = e.account_id
    WHERE e.account_id = :payer AND t.kind = 'debit' AND (:payer = :account OR t.account_id = :account)
      AND :group IN ('', g.group_name)
    UNION ALL
    SELECT coalesce(t.occurred_at, t.posted_at), sum(p.held + coalesce(p.captured, 0) - p.refunded)
    FROM hold_part p JOIN hold h ON h.transaction_id = p.hold_id JOIN transaction t ON t.id = h.transaction_id
    LEFT JOIN entry_group g ON g.transaction_id = h.transaction_id AND g.account_id = p.source_id
    WHERE p.source_id = :payer AND (:payer = :account OR h.account_id = :account) AND :group IN ('', g.group_name)
    GROUP BY h.transaction_id, 1
) drawn GROUP BY day
"""


def _start_usage(run: Administration, limit: t.WriteOffLimit) -> None:
    """Count what was drawn before the limit was set, so that it holds from its first moment."""
    usage: dict[date, t.Usage] = {}
    payer, account, group, period = limit.payer_id, limit.account_id, limit.group_name, limit.period
    of = {"payer": payer, "account": account, "group": group}
    for day, amount, count in run.session.connection().execute(text(_DRAWN), of):
        since = window(period, day)
        new = t.Usage(
            payer_id=payer, account_id=account, group_name=group, period=period, since=since, amount=0, count=0
        )
        so_far = usage.setdefault(since, new)
        so_far.amount += amount
        so_far.count += count
    run.session.add_all(usage.values())


# ---- look-ups


def _subject(run: Administration, asked: int | str) -> Subject:
    """Return a client's money account by number or reference, or leave with `account_not_found`."""
    named = t.Account.reference == asked if isinstance(asked, str) else t.Account.id == asked
    run.insert()
    query = select(t.Account, t.Party.name).join(t.Party, col(t.Party.id) == t.Account.party_id)
    query = query.where(t.Account.kind == "money", named)
    found = run.session.exec(query, execution_options={"populate_existing": True}).first()
    if found is None:
        raise Refused("account_not_found", asked=f"{'reference' if isinstance(asked, str) else 'number'} {asked}")
    account, party = found
    return Subject(account, f"account {account.id} ({party})")


def brand_id(run: Administration, code: str, *, locked: bool = False) -> int:
    """Return the id of the brand that has the code, or leave with `brand_not_found`."""
    known: t.Brand | None = None if locked else run.rows[t.Brand].get(code)
    found = known.id if known else run.first(select(t.Brand.id).where(t.Brand.code == code), locked=locked)
    if found is None:
        raise Refused("brand_not_found", brand=code)
    return found


def _party_id(run: Administration, reference: str) -> int:
    party: t.Party | None = run.rows[t.Party].get(reference)
    if party is None:
        raise Refused("party_not_found", party=reference)
    return party.id


def _json(columns: Fields) -> Fields:
    return {
        name: value.isoformat() if isinstance(value, date) else str(value) if isinstance(value, Decimal) else value
        for name, value in columns.items()
    }


RULES: dict[str, Rule] = {
    "brand": _brand,
    "party": _party,
    "account": _account,
    "account_status": _account_status,
    "credit_terms": _credit_terms,
    "link": _link,
    "write_off_limit": _write_off_limit,
}
