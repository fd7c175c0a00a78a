"""Merge one account into another: hold that nothing hangs on it any more, then post the one transaction that does it.

All in the database transaction of the administration run, whose locks both accounts and those of their points have.
"""

from collections.abc import Callable

import psycopg

from ledger.administration import administration_lines as r
from ledger.core.scope import Scope
from ledger.core.transactions import Transaction
from ledger.merging import merged, pairs
from ledger.postgres.administer_terms import closed
from ledger.postgres.administration_run import Administration, Subject
from ledger.postgres.database import AnyConnection
from ledger.postgres.load_book import KnownFacts, load
from ledger.postgres.open_accounts import bonus_account
from ledger.postgres.posting import Posting
from ledger.postgres.system_accounts import missing_accounts, open_accounts, system_accounts
from ledger.values.refusals import Facts, Refused

Decided = Callable[[Posting, Callable[[], Transaction]], Transaction]
"""Has the merge decided, and written, by what it is given; a second level does its own before and after."""


def _alone(posting: Posting, decide: Callable[[], Transaction]) -> Transaction:
    transaction = decide()
    posting.write()
    return transaction


def merge(run: Administration, record: r.Record, decided: Decided = _alone) -> Facts:
    """Merge an account into another, once: repeated, it is done."""
    assert isinstance(record, r.Merge)
    account, into = run.subject(record.account), run.subject(record.into)
    if account.id == into.id:
        raise ValueError("into: is the account itself")
    run.insert()
    run.session.flush()
    connection = run.session.connection().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    before = connection.execute(_BEFORE, [account.id]).fetchall()
    done = {"account": account.id, "reference": account.account.reference, "into": into.id}
    for into_id, transaction_id in before:
        if into_id == into.id:
            return {**done, "transaction": transaction_id}
    for each in (account, into):
        if each.account.status == "closed":
            raise closed(run, each)
    _mergeable(connection, account, into)
    with connection.transaction():  # a rule of the ledger may refuse, and then nothing happened
        transaction = _merged(connection, run, record, (account.id, into.id), decided)
    status = account.account.status
    account.account.status = "closed"
    run.note_change(
        record, account.key, {"status": status}, {"status": "closed"}, account=account.id, kind="account_status"
    )
    run.note_change(record, account.key, None, {"into": into.id, "transaction": transaction.id}, account=account.id)
    run.moved |= {account.id, into.id}
    if account.id in run.undated:
        run.undated.add(into.id)
    return {**done, "transaction": transaction.id}


def _merged(
    connection: AnyConnection, run: Administration, record: r.Merge, ends: tuple[int, int], decided: Decided
) -> Transaction:
    account, into = ends
    for (brand,) in connection.execute(_UNOPENED, [account, into]).fetchall():
        bonus_account(connection, into, brand)
    earlier = {id_ for (id_,) in connection.execute(_EARLIER, [account]).fetchall()}
    scope = Scope({account, into, *earlier}, ids=2)
    known = KnownFacts()
    book = load(connection, known, scope)
    if missing := missing_accounts(book, known, scope):  # points that expired are booked against a brand's own
        open_accounts(connection, missing)
        book.system = system_accounts(connection, missing)
    posting = Posting(connection=connection, book=book, opened=frozenset(scope.accounts))

    def decide() -> Transaction:
        # Items of both are one account's from now on, before anything reads them.
        connection.execute(_ONE_ITEM, {"account": account, "into": into})
        connection.execute(_HAND_OVER, {"account": account, "into": into})
        return merged(book, account, into, now=book.now, at=record.at, by=record.by, note=record.note)

    moved = {**dict(pairs(book, account, into)), **dict.fromkeys(earlier, into)}
    transaction = decided(posting, decide)
    connection.execute(_MERGED, [transaction.id, [*moved], [*moved.values()]])
    bonuses = [old for old in moved if book.accounts[old].kind == "bonus"]
    connection.execute("UPDATE account SET status = 'closed' WHERE id = ANY(%s)", [bonuses])
    return transaction


def _mergeable(connection: AnyConnection, account: Subject, into: Subject) -> None:
    """Refuse to merge an account that still has open holds, links or limits, which are named."""
    found = connection.execute(_HANGS, {"account": account.id}).fetchall()
    if found:
        named = [f"{what} {name}" for what, name in found[:MOST_NAMED]]
        more = [f"{len(found) - MOST_NAMED} more"] if len(found) > MOST_NAMED else []
        names = {"subject": account.name, "other": into.name}
        raise Refused(
            "merge_not_allowed", account=account.id, into=into.id, **names, why=f"it has {', '.join(named + more)}"
        )


MOST_NAMED = 5

_BEFORE = "SELECT into_id, transaction_id FROM merged_account WHERE account_id = %s ORDER BY transaction_id"
_UNOPENED = """
SELECT brand_id FROM account WHERE kind = 'bonus' AND money_account_id = %s
EXCEPT SELECT brand_id FROM account WHERE kind = 'bonus' AND money_account_id = %s ORDER BY 1
"""
_EARLIER = """
SELECT account_id FROM (
    SELECT DISTINCT ON (m.account_id) m.account_id, into_id FROM merged_account m JOIN account a ON a.id = m.account_id
    WHERE a.kind = 'money' AND m.account_id IN (SELECT account_id FROM merged_account WHERE into_id = %s)
    ORDER BY m.account_id, m.transaction_id DESC
) latest
"""
_MERGED = (
    "INSERT INTO merged_account (account_id, into_id, transaction_id) "
    "SELECT n.account, n.successor, %s FROM unnest(%s::bigint[], %s::bigint[]) AS n(account, successor)"
)
# What one transaction charged both becomes one item, due at the earlier date; what is left of the other is nothing.
_ONE_ITEM = """
WITH emptied AS (
    UPDATE aging_item o SET amount = 0 FROM aging_item k
    WHERE o.account_id = %(account)s AND k.account_id = %(into)s AND k.transaction_id = o.transaction_id
    RETURNING k.transaction_id, o.due_on, o.terms_id,
        (SELECT amount FROM aging_item i
         WHERE i.account_id = %(account)s AND i.transaction_id = k.transaction_id) AS was
)
UPDATE aging_item k SET amount = k.amount + e.was, due_on = least(k.due_on, e.due_on), terms_id = (
    SELECT id FROM credit_terms c WHERE c.id IN (k.terms_id, e.terms_id) ORDER BY valid_from, period_days LIMIT 1)
FROM emptied e WHERE k.account_id = %(into)s AND k.transaction_id = e.transaction_id
"""
_HAND_OVER = """
UPDATE aging_item i SET account_id = %(into)s WHERE account_id = %(account)s AND NOT EXISTS (
    SELECT FROM aging_item k WHERE k.account_id = %(into)s AND k.transaction_id = i.transaction_id)
"""
_HANGS = """
WITH its AS (SELECT id FROM account WHERE id = %(account)s OR money_account_id = %(account)s)
SELECT 'open hold', t.key FROM hold h JOIN transaction t ON t.id = h.transaction_id
WHERE h.state = 'open' AND h.expires_at > clock_timestamp() AND (
    h.account_id = %(account)s OR h.transaction_id IN (
        SELECT hold_id FROM hold_part WHERE held > 0 AND source_id IN (SELECT id FROM its)))
UNION ALL
SELECT 'link', account_name(to_jsonb(account_id)) || ' <- ' || account_name(to_jsonb(payer_id)) FROM link
WHERE %(account)s IN (account_id, payer_id)
UNION ALL
SELECT 'limit', account_name(to_jsonb(payer_id)) || ' -> ' || CASE WHEN group_name <> '' THEN 'group ' || group_name
    ELSE account_name(to_jsonb(account_id)) END || ' ' || period FROM write_off_limit
WHERE %(account)s IN (account_id, payer_id)
ORDER BY 1 DESC, 2
"""
