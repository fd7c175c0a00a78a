"""Administration of what hangs on accounts: status, credit terms, links, write-off limits."""

from datetime import date
from typing import NoReturn

from sqlalchemy import delete, distinct, func, or_, text, update
from sqlmodel import col, select

from ledger.administration import administration_lines as r
from ledger.core.accounts import window
from ledger.postgres import tables as t
from ledger.postgres.administration_run import (
    Administration,
    Fields,
    Subject,
    brand_id,
    fields_given,
    set_fields,
)
from ledger.values.money import minor, plain
from ledger.values.refusals import Facts, Refused


def account_status(run: Administration, record: r.Record) -> Facts:
    """Open, freeze or close an account."""
    assert isinstance(record, r.AccountStatus)
    subject = run.subject(record.account)
    account = subject.account
    done: Facts = {"account": account.id, "reference": account.reference}
    if account.status == record.status:
        return done
    if account.status == "closed":
        raise closed(run, subject)
    if record.status == "closed":
        _closable(run, subject)
    before = account.status
    account.status = record.status
    run.note_change(record, subject.key, {"status": before}, {"status": record.status}, account=account.id)
    return done


def closed(run: Administration, subject: Subject) -> Refused:
    """Return the refusal of a closed account, which says where to turn if it was merged into another."""
    merged = t.MergedAccount
    into = run.first(
        select(merged.into_id).where(merged.account_id == subject.id).order_by(col(merged.transaction_id).desc())
    )
    more = {} if into is None else {"merged_into": into}
    return Refused("account_closed", account=subject.id, subject=subject.name, **more)


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


def credit_terms(run: Administration, record: r.Record) -> Facts:
    """Record credit terms, which replace the last."""
    assert isinstance(record, r.CreditTerms)
    subject = run.subject(record.account)
    if subject.account.status == "closed" and (refused := closed(run, subject)).facts.get("merged_into"):
        raise refused  # what is owed there is the successor's
    last = run.terms.get(subject.id)
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
        run.check_second_person(record, currency=subject.account.currency, limit=new.credit_limit)
        run.terms[subject.id] = new
        run.later.append(new)
        _let_items_wait(run, new)
        run.note_change(record, subject.key, before and _terms(before), _terms(after), account=subject.id)
    return {"account": subject.id, "reference": subject.account.reference}


def _let_items_wait(run: Administration, terms: t.CreditTerms) -> None:
    """Let items without a due date that wait for no terms yet take theirs from these, once they are valid."""
    if terms.period_days is None or terms.account_id not in run.undated:
        return
    run.insert()
    run.session.flush()
    run.undated.remove(terms.account_id)
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


def link(run: Administration, record: r.Record) -> Facts:
    """Link an account to a payer, change the link, or end it."""
    assert isinstance(record, r.Link)
    account, payer = run.subject(record.account), run.subject(record.payer)
    _linkable(run, account, payer)
    link = run.links.get((account.id, payer.id))
    before = {name: getattr(link, name) for name in (*LINK, *RULES_OF_LINK)} if link else None
    subject = f"{account.key} <- {payer.key}"
    done: Facts = {"account": account.id, "payer": payer.id}
    if record.draw is None:
        if link:
            run.link(link, -1)
            run.insert()
            run.session.flush()
            run.session.delete(link)
            run.note_change(record, subject, _link_recorded(before, {}), {"draw": None}, account=account.id)
        return done
    after = before or {"draw": "payer_first", "priority": 1, **dict.fromkeys(("brands", *RULES_OF_LINK))}
    after = after | _link_given(run, record)
    if after != before:
        kept = link or t.Link(account_id=account.id, payer_id=payer.id, draw="")
        set_fields(kept, after)
        if link is None:
            run.link(kept)
            run.later.append(kept)
        was = _link_recorded(before, after)
        run.note_change(record, subject, was, _link_recorded(after, before or {}) or {}, account=account.id)
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


def _link_recorded(columns: Fields | None, other: Fields) -> Fields | None:
    """Return a link as `change` keeps it: of its rules those that it has, or had before."""
    if columns is None:
        return None
    rules = [name for name in RULES_OF_LINK if columns[name] is not None or other.get(name) is not None]
    return {name: columns[name] for name in (*LINK, *rules)}


def _linkable(run: Administration, account: Subject, payer: Subject) -> None:
    """Check that links have one level, between open accounts of one currency."""

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
    if run.subaccounts[payer.id]:
        refuse("the payer is itself a subaccount")
    if run.payers[account.id]:
        refuse("the subaccount is itself a payer")


def write_off_limit(run: Administration, record: r.Record) -> Facts:
    """Set a limit, change it, or end it."""
    assert isinstance(record, r.WriteOffLimit)
    payer = run.subject(record.payer)
    account = payer if record.account is None else run.subject(record.account)
    # A limit may come before its link, so that nothing is drawn in between; across currencies no link ever comes
    # (DECISIONS D3).
    currency, payers = account.account.currency, payer.account.currency
    if currency != payers:
        raise Refused("currency_mismatch", account=account.id, subject=account.name, currency=currency, asked=payers)
    group = record.group or ""
    known: Fields = {"payer_id": payer.id, "account_id": account.id, "group_name": group, "period": record.period}
    key = payer.id, account.id, group, record.period
    limit = run.limits.get(key)
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
        del run.limits[key]
        run.insert()
        for table in (t.WriteOffLimit, t.Usage):
            run.session.exec(delete(table).filter_by(**known))
    else:
        kept = limit or t.WriteOffLimit(
            payer_id=payer.id, account_id=account.id, group_name=group, period=record.period
        )
        set_fields(kept, after)
        if limit is None:
            run.limits[key] = kept
            run.later.append(kept)
            if record.period != "order" and payer.id in run.moved:
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
SELECT day, sum(left_drawn)::bigint AS amount, count(*) FILTER (WHERE left_drawn <> 0) AS count FROM (
SELECT charge, (min(at) AT TIME ZONE (SELECT time_zone FROM book))::date AS day, sum(left_drawn) AS left_drawn
FROM (
    SELECT coalesce(t.refers_to, t.id) AS charge, coalesce(t.occurred_at, t.posted_at) AS at, -e.amount - coalesce((
        SELECT sum(back.amount) FROM transaction refund JOIN entry back ON back.transaction_id = refund.id
        WHERE refund.refers_to = t.id AND refund.kind = 'refund' AND back.account_id = e.account_id
    ), 0) AS left_drawn
    FROM entry e JOIN transaction t ON t.id = e.transaction_id
    LEFT JOIN entry_group g ON g.transaction_id = e.transaction_id AND g.account_id = e.account_id
    WHERE e.account_id = :payer AND t.kind = 'debit' AND (:payer = :account OR t.account_id = :account)
      AND :group IN ('', g.group_name)
    UNION ALL
    SELECT h.transaction_id, coalesce(t.occurred_at, t.posted_at), sum(p.held + coalesce(p.captured, 0) - p.refunded)
    FROM hold_part p JOIN hold h ON h.transaction_id = p.hold_id JOIN transaction t ON t.id = h.transaction_id
    LEFT JOIN entry_group g ON g.transaction_id = h.transaction_id AND g.account_id = p.source_id
    WHERE p.source_id = :payer AND (:payer = :account OR h.account_id = :account) AND :group IN ('', g.group_name)
    GROUP BY h.transaction_id, 2
) drawn GROUP BY charge
) charges GROUP BY day
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
    run.later += usage.values()
