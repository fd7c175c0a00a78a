"""Administration of brands, parties and accounts: rows that are known by a code or reference."""

from sqlmodel import select

from ledger.administration import administration_lines as r
from ledger.postgres import tables as t
from ledger.postgres.administration_run import (
    Administration,
    Fields,
    Numbered,
    brand_id,
    fields_given,
    set_fields,
)
from ledger.postgres.open_accounts import numbered
from ledger.values.refusals import Facts, Refused


def brand(run: Administration, record: r.Record) -> Facts:
    """Change a brand, or add it."""
    assert isinstance(record, r.Brand)
    saved = _save(run, record, record.code, t.Brand(code=record.code, name=record.code), fields_given(record))
    return {"code": record.code, "id": saved.id}


def party(run: Administration, record: r.Record) -> Facts:
    """Change a client, or add one."""
    assert isinstance(record, r.Party)
    known: t.Party | None = run.rows[t.Party].get(record.reference)
    if known:
        _never_changes(f"party {record.reference}", kind=(known.kind, record.kind))
    elif record.kind is None:
        raise ValueError("kind: is missing")
    new = t.Party(reference=record.reference, kind=record.kind or "", name=record.reference)
    saved = _save(run, record, record.reference, new, fields_given(record))
    return {"reference": record.reference, "id": saved.id}


def account(run: Administration, record: r.Record) -> Facts:
    """Change an account, or open one."""
    assert isinstance(record, r.Account)
    given = fields_given(record)
    if "party" in given:
        given["party_id"] = _party_id(run, str(given.pop("party")))
    if "holder" in given:
        given["holder_id"] = brand_id(run, record.holder) if record.holder is not None else None
        del given["holder"]
    known: t.Account | None = run.rows[t.Account].get(record.reference)
    if known:
        subject = f"account {known.id} ({record.reference})"
        _never_changes(subject, currency=(known.currency, record.currency))
        if given.get("party_id", known.party_id) != known.party_id:
            party = run.first(select(t.Party.reference).where(t.Party.id == known.party_id))
            _never_changes(subject, party=(party, record.party))
        _save(run, record, record.reference, known, given)
        return {"reference": record.reference, "account": known.id}
    for name, value in (("party", record.party), ("currency", record.currency)):
        if value is None:
            raise ValueError(f"{name}: is missing")
    new = t.Account(id=0, kind="money", currency=record.currency or "", opened_at=run.now)
    _save(run, record, record.reference, new, given)
    run.new.append(t.Balance(account_id=new.id))
    run.know(new, run.rows[t.Party][record.party or ""].name)
    return {"reference": record.reference, "account": new.id}


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


def _party_id(run: Administration, reference: str) -> int:
    party: t.Party | None = run.rows[t.Party].get(reference)
    if party is None:
        raise Refused("party_not_found", party=reference)
    return party.id
