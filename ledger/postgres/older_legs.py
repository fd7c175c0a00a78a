"""Legs of brands that were written before they named the client account that they face."""

from ledger.core.outcomes import Entry


def facing(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """Return the entries of a transaction with the client account that each leg of a brand faces.

    Legs written before they named it meet the clients' entries in their order, as reports have always read them
    (DECISIONS D86).
    """
    unnamed = [entry for entry in entries if entry.version is None and entry.source is None]
    clients = [(entry.account, abs(entry.amount)) for entry in entries if entry.version is not None and entry.amount]
    if not unnamed or sum(abs(leg.amount) for leg in unnamed) != sum(amount for _, amount in clients):
        return entries
    named: list[Entry] = []
    for leg in unnamed:
        left, sign = abs(leg.amount), 1 if leg.amount > 0 else -1
        while left:
            account, there = clients.pop(0)
            part = min(left, there)
            named.append(leg._replace(amount=sign * part, source=account))
            left -= part
            if there > part:
                clients.insert(0, (account, there - part))
    return (*(entry for entry in entries if entry not in unnamed), *named)
