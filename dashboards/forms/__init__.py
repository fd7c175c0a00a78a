"""The desk's forms: what the finance team does by hand, each known by its name in the URL."""

from collections.abc import Callable

from dashboards.forms import allocate, clients, many, money, offers, terms, undo

FORMS: dict[str, tuple[str, Callable[[str], None]]] = {
    "payment": ("Payment", money.payment),
    "allocate": ("Allocation", allocate.allocate),
    "payout": ("Payout", money.payout),
    "refund": ("Refund", undo.refund),
    "reverse": ("Reversal", undo.reverse),
    "transfer": ("Transfer", money.transfer),
    "adjustment": ("Correction", money.adjustment),
    "bonus": ("Points", money.points),
    "move": ("Move between brands' own accounts", money.move),
    "many": ("Many at once", many.many),
    "client": ("Client", clients.client),
    "brand": ("Brand", clients.brand),
    "limits": ("Subaccounts and limits", terms.subaccounts),
    "credit": ("Credit", terms.credit),
    "status": ("Status", terms.status),
    "merge": ("Merge of accounts", terms.merge),
    "promotion": ("Promotion", offers.promotion),
    "program": ("Bonus programme", offers.program),
    "now": ("Balance now", money.balance_now),
}
"""Title and form by name; a form is drawn for the person who is logged in."""
