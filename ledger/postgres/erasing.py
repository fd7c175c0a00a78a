"""Erase a person from the ledger: who may be, since when, and the function of the database that does it.

What documents must by law be kept, and for how long, is the law of the brand that issued them: by its country, from the
end of the year of the last of them. A brand without a country, or with one that is not named, counts as `*`.
By default five in Russia (402-ФЗ, article 29, part 1), elsewhere ten, which few laws exceed.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime

import psycopg

from ledger.errors import Failure
from ledger.postgres.database import AnyConnection, connect

_RETENTION = re.compile(r"([A-Z]{2}|\*)=(\d{1,2})")
_TABLES = (
    "party, change, transaction, entry, credit_terms, seal_salt, bank_entry, desk.draft, desk.note, desk.saved_query"
)


@dataclass(frozen=True)
class DataSubject:
    """A client who can be erased: the accounts, and whatever names the person beside them."""

    id: int
    reference: str
    accounts: tuple[int, ...]
    names: tuple[str, ...]
    erased_at: datetime | None


def years_by_country(text: str) -> dict[str, int]:
    """Return the years that documents are kept, by country. Raises Failure unless it is such as RU=5,*=10."""
    found = [_RETENTION.fullmatch(part.strip()) for part in text.split(",")]
    years = {match[1]: int(match[2]) for match in found if match}
    if None in found or "*" not in years:
        raise Failure(f"TIFFIN_RETENTION is {text!r}, expected years by country and for all others, such as RU=5,*=10")
    return years


def find_person(connection: AnyConnection, reference: str) -> DataSubject:
    """Return the person of a reference. Raises Failure when there is none, or it is a legal entity."""
    row = connection.execute(
        "SELECT p.id, kind, name, ARRAY[name, legal_name, tax_id, email, phone, address], "
        "(SELECT max(erased_at) FROM erasure e WHERE e.party_id = p.id) FROM party p WHERE reference = %s",
        [reference],
    ).fetchone()
    if row is None:
        raise Failure(f"no such party: reference {reference}")
    number, kind, name, names, erased_at = row
    if kind != "individual":
        raise Failure(f"party {reference} is a legal entity: only persons are erased")
    accounts = connection.execute("SELECT id FROM account WHERE party_id = %s ORDER BY id", [number])
    known = tuple(word for word in names if word and name != "erased")
    return DataSubject(number, reference, tuple(account for (account,) in accounts), known, erased_at)


def erase_person(url: str, person: DataSubject, *, reason: str, by: str | None, retention: str) -> bool:
    """Erase a person from the ledger, and record it; False where there was nothing left to erase.

    Raises Failure, with nothing done, while an account is not closed or documents must be kept.
    """
    years = years_by_country(retention)
    if not reason.strip():
        raise Failure("--reason is blank: say why the person is erased, without naming anybody")
    with connect(url, autocommit=True) as connection:
        if person.erased_at and not person.names:
            return False
        _refuse_open(connection, person)
        _refuse_kept(connection, person, years)
        try:
            connection.execute("SELECT erase_party(%s, %s, %s)", [person.id, reason, by])
        except psycopg.errors.InsufficientPrivilege:
            raise Failure("only the owner of the ledger's tables may erase a person") from None
        connection.execute(f"VACUUM {_TABLES}")
    return True


def _refuse_open(connection: AnyConnection, person: DataSubject) -> None:
    row = connection.execute(
        "SELECT id, status FROM account WHERE party_id = %s AND kind = 'money' AND status <> 'closed' ORDER BY id",
        [person.id],
    ).fetchone()
    if row:
        raise Failure(f"account {row[0]} of {person.reference} is {row[1]}: close it first, then erase the person")


def _refuse_kept(connection: AnyConnection, person: DataSubject, years: dict[str, int]) -> None:
    rows = connection.execute(_LAST, {"accounts": list(person.accounts)}).fetchall()
    kept: list[tuple[date, int, str, date]] = []
    for country, last, _ in rows:
        named = country if country in years else "*"
        kept.append((date(last.year + years[named], 12, 31), years[named], named, last))
    if kept and (until := max(kept))[0] >= rows[0][2]:
        day, number, country, last = until
        where = "" if country == "*" else f", {country}"
        raise Failure(
            f"documents of {person.reference}, the last of {last}, must be kept until {day} ({number} years after the "
            f"end of their year{where}): erase the person after that"
        )


# Of each country of a brand that served or holds the accounts: the last day of a document.
_LAST = """
SELECT b.country, max(t.business_date), (SELECT (clock_timestamp() AT TIME ZONE time_zone)::date FROM book)
FROM (SELECT DISTINCT transaction_id FROM entry WHERE account_id = ANY(%(accounts)s) AND version IS NOT NULL) own
JOIN transaction t ON t.id = own.transaction_id
JOIN entry e ON e.transaction_id = t.id JOIN account a ON a.id = e.account_id
JOIN brand b ON b.id IN (a.brand_id, a.holder_id)
GROUP BY b.country
"""
