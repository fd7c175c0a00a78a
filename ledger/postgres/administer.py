"""Administration: brands, parties, accounts, terms, links, limits, status.

A line with the content that the book already has is done and writes nothing; given fields change from now on,
absent ones stay; currency, kind and party never change. Each change is also a dated row of `change`, with who
and when. Terms, links, limits and status take the balance locks of their accounts, as posting does.

What a run's lines name is read and locked once, what is new is inserted together: a first load has thousands.

This is the part of the ledger that works through SQLModel. Posting does not import it: that costs half a second
(DECISIONS D92).
"""

from collections.abc import Mapping, Sequence
from datetime import UTC
from zoneinfo import ZoneInfo

import psycopg
from sqlalchemy import Engine, create_engine, func
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool
from sqlmodel import Session, select

from ledger.administration import administration_lines as r
from ledger.core.outcomes import Declined, Done, Invalid
from ledger.errors import Failure
from ledger.postgres import administer_clients as clients
from ledger.postgres import administer_terms as terms
from ledger.postgres import four_eyes, merge_accounts
from ledger.postgres import tables as t
from ledger.postgres.administration_run import Administration, Rule
from ledger.postgres.database import AnyConnection, settings_of
from ledger.postgres.locks import WRITING
from ledger.values.refusals import Refused


def engine_on(connection: AnyConnection) -> Engine:
    """Return an engine whose sessions work on this connection."""
    return create_engine("postgresql+psycopg://", creator=lambda: connection, poolclass=StaticPool)


def administer(
    engine: Engine, records: Sequence[r.Record], rules: Mapping[str, Rule] | None = None
) -> list[Done | Declined | Invalid]:
    """Return one outcome per record, in order, committed together; `rules` (default RULES) carry out each type.

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
    run.lock(records)
    outcomes = [_one(run, record, rules) for record in records]
    run.insert()
    return outcomes


def _one(run: Administration, record: r.Record, rules: Mapping[str, Rule]) -> Done | Declined | Invalid:
    try:
        return Done(kind=record.type, facts=rules[record.type](run, record))
    except Refused as refused:
        return Declined(key="", code=refused.code, facts=refused.facts)
    except four_eyes.NeedsAnother as error:
        return four_eyes.Alone(message=str(error))
    except ValueError as error:
        return Invalid(message=str(error))


RULES: dict[str, Rule] = {
    "brand": clients.brand,
    "party": clients.party,
    "account": clients.account,
    "account_status": terms.account_status,
    "merge": merge_accounts.merge,
    "credit_terms": terms.credit_terms,
    "link": terms.link,
    "write_off_limit": terms.write_off_limit,
}
