"""The declared schema of the lake: every table, every column, with the comment that readers see.

Appended tables grow by the cut and are partitioned by month of business date; snapshot
tables are replaced by each cut. Amounts are Decimal(18, 2) in the currency of the
row, plus raises what the client has. Instants are UTC, business dates are days in the
book's time zone. Beside a business date stand its day number (days since 1970-01-01)
and its month, because date arithmetic is not the same on every engine.
"""

from dataclasses import dataclass
from typing import Literal

Type = Literal["int", "text", "money", "rate", "bool", "date", "instant", "json"]


@dataclass(frozen=True)
class Column:
    """One column: its type in the lake and the sentence that explains it."""

    name: str
    type: Type
    comment: str


@dataclass(frozen=True)
class Table:
    """One table of the lake. `key` is unique; `appended`: cuts add to it; otherwise they replace it."""

    name: str
    comment: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    appended: bool = False

    @property
    def names(self) -> list[str]:
        """Return the columns' names, in order."""
        return [column.name for column in self.columns]


def _columns(*rows: tuple[str, Type, str]) -> tuple[Column, ...]:
    return tuple(Column(name, type_, comment) for name, type_, comment in rows)


_WHEN: tuple[tuple[str, Type, str], ...] = (
    ("posted_at", "instant", "booking time, UTC"),
    ("business_date", "date", "date of posted_at in the book's time zone"),
    ("day_number", "int", "business_date as days since 1970-01-01"),
    ("month", "text", "month of business_date, YYYY-MM; the partition"),
    ("value_date", "date", "the bank's date, if one was given"),
    ("occurred_at", "instant", "when it happened, UTC, if that was given; otherwise posted_at counts"),
    ("occurred_on", "date", "date of occurred_at in the book's time zone"),
    ("hour", "int", "hour of occurred_at, or else of posted_at, in the book's time zone: 0 to 23"),
)

TRANSACTIONS = Table(
    "transactions",
    "the ledger's answer to each command, posted or declined",
    ("id",),
    _columns(
        ("id", "int", "transaction number, ascending; one sequence for posted and declined"),
        ("key", "text", "the caller's key"),
        (
            "kind",
            "text",
            (
                "payment, allocate, payout, debit, hold, capture, release, expiry, refund, "
                "reverse, transfer, adjustment, move, bonus, mark, merge"
            ),
        ),
        ("status", "text", "posted or declined"),
        ("code", "text", "of a decline: the code of the rule that broke"),
        ("facts", "json", "of a decline: its facts"),
        ("account_id", "int", "the account of the command; of a merge the successor"),
        ("amount", "money", "the amount of the command"),
        ("currency", "text", "ISO 4217 code"),
        *_WHEN,
        ("recorded_at", "instant", "the database's clock when it was written"),
        ("expires_at", "instant", "of a hold, or the mark that amends it: when it ends; of points: their own end"),
        ("due_on", "date", "of debits, holds and adjustments: by when to pay, where that was agreed"),
        ("refers_to", "int", "the hold, debit or transaction that this one is about"),
        ("channel", "text", "of payments and payouts: card, bank, …"),
        ("reason", "text", "of corrections: why"),
        ("by", "text", "who"),
        ("note", "text", "free text"),
    ),
    appended=True,
)

ENTRIES = Table(
    "entries",
    "what each transaction does to each account; the amounts of a transaction sum to zero",
    ("transaction_id", "leg"),
    _columns(
        ("transaction_id", "int", "the transaction"),
        ("leg", "int", "1, 2, 3 … within the transaction"),
        ("kind", "text", "kind of the transaction"),
        ("refers_to", "int", "what the transaction refers to"),
        *_WHEN,
        ("account_id", "int", "the account moved"),
        (
            "account_kind",
            "text",
            "money, bonus; of brands: cash, revenue, bonus_expense, adjustments, unallocated",
        ),
        ("party_id", "int", "the account's client; null for a brand's own accounts"),
        ("brand_id", "int", "the brand of a brand's own or a bonus account"),
        ("currency", "text", "ISO 4217 code"),
        ("amount", "money", "change of the balance; for a revenue entry the net amount of the service"),
        ("held", "money", "change of what is held"),
        ("version", "int", "1, 2, 3 … of a client account; null for a brand's own accounts"),
        ("balance_after", "money", "balance of a client account after the entry"),
        ("held_after", "money", "held on a client account after the entry"),
        ("subaccount_id", "int", "on a payer's entry: for whom it paid"),
        ("group_name", "text", "on a payer's entry: in which of its groups that account was then, if in any"),
        (
            "source_id",
            "int",
            "on a brand's entry: the client account it faces, of a service the one that paid; or the other brand's "
            "cash; null for unallocated payments, and where it was written before entries named it",
        ),
        ("source_kind", "text", "kind of the account of source_id: money, bonus or cash"),
        ("line", "int", "on a revenue entry: number of the service line"),
        ("service", "text", "on a revenue entry: code of the service"),
        ("reference", "text", "on a revenue entry: the service's own number"),
        ("gross", "money", "on a revenue entry: before discount"),
        ("discount", "money", "on a revenue entry: gross less amount"),
        ("vat_rate", "rate", "on a revenue entry: VAT rate in percent"),
        ("vat", "money", "on a revenue entry: VAT included in the amount"),
        ("channel", "text", "on a cash entry: card, bank, …; null where only the transaction's was written"),
        ("chart", "text", "on an adjustments entry: the code of the company's own chart of accounts"),
        ("attributes", "json", "on a revenue entry: attributes of the line, as given by the caller"),
        ("due_on", "date", "of what a client is charged: by when to pay, fixed when it arose; null for no date yet"),
    ),
    appended=True,
)

ATTRIBUTES = Table(
    "attributes",
    "attributes of service lines, one row a name",
    ("transaction_id", "leg", "name"),
    _columns(
        ("transaction_id", "int", "the transaction"),
        ("leg", "int", "the revenue entry"),
        ("name", "text", "name of the attribute"),
        ("value", "text", "its value as text"),
        ("month", "text", "month of business_date, YYYY-MM; the partition"),
    ),
    appended=True,
)

PARTIES = Table(
    "parties",
    "clients: individuals and legal entities",
    ("id",),
    _columns(
        ("id", "int", "the client"),
        ("reference", "text", "the caller's own id for the client"),
        ("kind", "text", "individual or legal_entity"),
        ("name", "text", "name"),
        ("legal_name", "text", "full legal name"),
        ("tax_id", "text", "tax number"),
        ("country", "text", "ISO 3166 code"),
        ("kpp", "text", "of a Russian legal entity: its КПП"),
        ("email", "text", "e-mail"),
        ("phone", "text", "telephone"),
        ("address", "text", "address"),
        ("status", "text", "open or closed"),
        ("orders_before", "int", "orders that it had before this book began"),
    ),
)

BRANDS = Table(
    "brands",
    "the company's own legal entities",
    ("id",),
    _columns(
        ("id", "int", "the brand"),
        ("code", "text", "the brand's code"),
        ("name", "text", "name"),
        ("legal_name", "text", "full legal name"),
        ("tax_id", "text", "tax number"),
        ("country", "text", "ISO 3166 code"),
        ("address", "text", "address"),
        ("bank_details", "json", "bank, account and codes by name"),
        ("colour", "text", "colour, #rrggbb"),
        ("logo", "text", "path or data URL of the logo"),
        ("status", "text", "open or closed"),
    ),
)

ACCOUNTS = Table(
    "accounts",
    "personal accounts of clients and the brands' own accounts, with the balance at the cut",
    ("id",),
    _columns(
        ("id", "int", "account number; the last digit is a check digit"),
        ("kind", "text", "money, bonus; of brands: cash, revenue, bonus_expense, adjustments, unallocated"),
        ("currency", "text", "ISO 4217 code"),
        ("party_id", "int", "the client; null for a brand's own accounts"),
        ("brand_id", "int", "the brand of a brand's own or a bonus account"),
        ("money_account_id", "int", "of a bonus account: the money account it belongs to"),
        ("holder_id", "int", "the brand that holds the account at the cut"),
        ("reference", "text", "the caller's own id for the account"),
        ("contract_number", "text", "contract"),
        ("contract_date", "date", "date of the contract"),
        ("status", "text", "open, frozen or closed"),
        ("opened_at", "instant", "when it was opened, UTC"),
        ("balance", "money", "balance at the cut; null for a brand's own accounts"),
        ("held", "money", "held at the cut; null for a brand's own accounts"),
        ("version", "int", "version of the latest entry; null for a brand's own accounts"),
        ("latest_posted_at", "instant", "time of the latest entry, UTC"),
    ),
)

HOLDERS = Table(
    "holders",
    "whose contracts accounts became, and from which day on; of those of one day the last recorded counts",
    ("id",),
    _columns(
        ("id", "int", "number of the change, ascending; negative where no change was recorded"),
        ("account_id", "int", "the account"),
        ("holder_id", "int", "the brand that holds the account from then on; null for none"),
        ("recorded_at", "instant", "when it was set, UTC"),
        ("since", "date", "from the start of this business date; null for what the account was opened with"),
    ),
)

CREDIT_TERMS = Table(
    "credit_terms",
    "credit terms; of those valid on a day, the last recorded are in force",
    ("id",),
    _columns(
        ("id", "int", "number, ascending"),
        ("account_id", "int", "the account"),
        ("credit_limit", "money", "how far below zero the account may go"),
        (
            "period_days",
            "int",
            "items under these terms are due this many days after their date; null for never",
        ),
        ("valid_from", "date", "first day"),
        ("valid_until", "date", "last day; null for no end"),
        ("recorded_at", "instant", "when it was set, UTC"),
        ("by", "text", "who"),
        ("note", "text", "free text"),
    ),
)

LINKS = Table(
    "links",
    "who pays for whom",
    ("account_id", "payer_id"),
    _columns(
        ("account_id", "int", "the subaccount"),
        ("payer_id", "int", "the payer"),
        ("draw", "text", "payer_first or own_first"),
        ("priority", "int", "order among payers of the same draw"),
        ("brands", "json", "brand ids the payer pays for; null for all"),
        ("share", "rate", "of each line the payer pays at most this much, in percent; null for all"),
        ("hours", "json", "when the payer pays: days, from, to; null for always"),
        ("services", "json", "codes of services the payer pays for; null for all"),
        ("group_name", "text", "the payer's group that the subaccount is in, if any"),
    ),
)

LIMITS = Table(
    "limits",
    "write-off limits: how much may be drawn from a payer in a window",
    ("payer_id", "account_id", "group_name", "period"),
    _columns(
        ("payer_id", "int", "the payer"),
        ("account_id", "int", "the subaccount; the payer itself for a group, or all that is drawn from it"),
        ("group_name", "text", "the payer's group that shares it; empty for none"),
        ("period", "text", "order, day, week, month, total"),
        ("amount", "money", "at most this amount; null for no bound"),
        ("count", "int", "at most this many debits and holds; null for any number"),
    ),
)

USAGE = Table(
    "usage",
    "what has been drawn in each window of each write-off limit",
    ("payer_id", "account_id", "group_name", "period", "since"),
    _columns(
        ("payer_id", "int", "the payer"),
        ("account_id", "int", "the subaccount; the payer itself for a group, or all that is drawn from it"),
        ("group_name", "text", "the payer's group that shares it; empty for none"),
        ("period", "text", "day, week, month, total"),
        ("since", "date", "first day of the window; 0001-01-01 for total"),
        ("amount", "money", "drawn, net of what was given back"),
        ("count", "int", "debits and holds that were not given back in full"),
    ),
)

HOLDS = Table(
    "holds",
    "money set aside, by line and source",
    ("hold_id", "part"),
    _columns(
        ("hold_id", "int", "the hold's transaction"),
        ("part", "int", "1, 2, 3 … within the hold"),
        ("line", "int", "service line"),
        ("account_id", "int", "the account of the hold"),
        ("source_id", "int", "the account that set money aside"),
        ("brand_id", "int", "the brand"),
        ("service", "text", "code of the service"),
        ("reference", "text", "the service's own number"),
        ("amount", "money", "set aside originally"),
        ("held", "money", "still set aside"),
        ("captured", "money", "captured"),
        ("refunded", "money", "refunded, of what was captured"),
        ("expires_at", "instant", "when it stops counting, UTC"),
        ("open", "bool", "true until it is used up, released or booked as expired"),
        ("state", "text", "of the hold: open, captured, released or expired"),
    ),
)

OPEN_DEBITS = Table(
    "open_debits",
    "unpaid of each debit, capture, transfer, payout and negative adjustment, as of its account's latest entry",
    ("account_id", "transaction_id"),
    _columns(
        ("account_id", "int", "the account"),
        ("transaction_id", "int", "the debit"),
        ("business_date", "date", "its business date"),
        (
            "due_on",
            "date",
            "by when to pay; null for no date yet. A date from terms that became valid later comes, and may move "
            "what is unpaid to other debits, with the account's next entry; reports take it from the day itself",
        ),
        ("unpaid", "money", "still unpaid"),
    ),
)

CHANGES = Table(
    "changes",
    "the audit log: every change of brands, parties, accounts, terms, links and limits",
    ("id",),
    _columns(
        ("id", "int", "number, ascending"),
        ("kind", "text", "what was changed"),
        ("subject", "text", "its name: code, reference or number"),
        ("account_id", "int", "the account concerned"),
        ("before", "json", "what it was; null when new"),
        ("after", "json", "what it became"),
        ("business_date", "date", "day in the book's time zone"),
        ("recorded_at", "instant", "when, UTC"),
        ("by", "text", "who"),
        ("note", "text", "free text"),
    ),
)

CLOSINGS = Table(
    "closings",
    "the closings of days: nothing recorded after closed_at changed a day up to closed_until",
    ("closed_until",),
    _columns(
        ("closed_until", "date", "the last day closed"),
        ("closed_at", "instant", "when, UTC"),
        ("last_transaction", "int", "the latest transaction then"),
        ("rules", "int", "1: ages as before there were due dates, 2: by due dates"),
    ),
)

ORDERS = Table(
    "orders",
    "orders of food; an order has the number of the transaction that placed it",
    ("id",),
    _columns(
        ("id", "int", "the order: the debit or, for a pre-order, the hold that placed it"),
        ("key", "text", "the caller's key"),
        ("account_id", "int", "the account it was placed for"),
        ("party_id", "int", "the client"),
        ("currency", "text", "ISO 4217 code"),
        ("status", "text", "placed, delivered or cancelled"),
        ("placed_at", "instant", "when it was placed, UTC"),
        ("business_date", "date", "date of placed_at in the book's time zone"),
        ("due_at", "instant", "of a pre-order: when it was due, UTC"),
        ("charged_by", "int", "the debit or capture that charged it; null for a pre-order not delivered"),
        ("delivered_at", "instant", "when it was delivered, UTC"),
        ("cancelled_at", "instant", "when it was cancelled, UTC"),
        ("late_on", "date", "of a pre-order that ran out and was delivered late all the same: its delivery"),
        ("void_on", "date", "when it ended: cancelled, all dishes refunded, or run out; null until then"),
        ("gross", "money", "all lines before discounts, as placed"),
        ("discount", "money", "what promotions and the shop's own discounts took off, as placed"),
        ("own_discount", "money", "of that the shop's own, of no promotion"),
        ("net", "money", "gross less discount, as placed"),
        ("reference", "text", "the caller's own id, such as of a cheque of several orders"),
        ("attributes", "json", "as given by the caller: app, call centre, …"),
    ),
)

ORDER_LINES = Table(
    "order_lines",
    "dishes, delivery and packaging of orders, as placed",
    ("order_id", "line"),
    _columns(
        ("order_id", "int", "the order"),
        ("line", "int", "1, 2, 3 … within the order; the line of its revenue entries"),
        ("brand_id", "int", "the brand"),
        ("service", "text", "dish, delivery, packaging, or the service of another extra"),
        ("sku", "text", "the dish's own code"),
        ("name", "text", "name of the dish"),
        ("quantity", "int", "how many were ordered"),
        ("kept", "int", "how many are left: delivered or still due, and not refunded"),
        ("price", "money", "price of one, before discount"),
        ("gross", "money", "price of all, before discount"),
        ("discount", "money", "what promotions and the shop's own discount took off"),
        ("own_discount", "money", "of that the shop's own, of no promotion"),
        ("net", "money", "gross less discount"),
        ("weighed", "money", "what it came to when it was delivered by weight; null for as placed"),
        ("reference", "text", "the caller's own id of the item"),
        ("attributes", "json", "of the order and the item, as given by the caller"),
    ),
)

PROMOTIONS = Table(
    "promotions",
    "promo codes, with their latest terms",
    ("id",),
    _columns(
        ("id", "int", "the promotion"),
        ("code", "text", "the code that clients enter"),
        ("kind", "text", "percent, amount or free_delivery"),
        ("percent", "rate", "of kind percent: the percentage"),
        ("amount", "money", "of kind amount: the amount"),
        ("brand_id", "int", "the brand whose dishes or delivery it applies to; null for all"),
        ("min_order", "money", "the minimum its dishes must come to, before discounts"),
        ("max_discount", "money", "the maximum discount per order"),
        ("valid_from", "date", "first day"),
        ("valid_until", "date", "last day"),
        ("max_uses", "int", "at most this many uses; null for any number"),
        ("max_uses_per_party", "int", "at most this many uses by one client; null for any number"),
        ("first_order_only", "bool", "only for a client's first order"),
        ("stackable", "bool", "may be used with others"),
        ("financed", "json", "brands that pay the seller a percentage of the discount"),
    ),
)

PROMOTION_USES = Table(
    "promotion_uses",
    "which orders used which promotions",
    ("order_id", "promotion_id", "number"),
    _columns(
        ("order_id", "int", "the order"),
        ("promotion_id", "int", "the promotion"),
        ("number", "int", "1; 2 where the pre-order ran out and was delivered late all the same"),
        ("party_id", "int", "the client"),
        ("currency", "text", "ISO 4217 code"),
        ("discount", "money", "what it took off the order"),
        ("used_at", "instant", "when, UTC"),
        ("business_date", "date", "date of used_at in the book's time zone"),
        ("given_back_at", "instant", "when the order was cancelled, all refunded or ran out, UTC; null until then"),
        ("given_back_on", "date", "date of given_back_at in the book's time zone"),
    ),
)

BONUS_PROGRAMS = Table(
    "bonus_programs",
    "bonus programmes; of a brand's valid on a day, the last recorded is in force",
    ("id",),
    _columns(
        ("id", "int", "number, ascending"),
        ("brand_id", "int", "the brand"),
        ("accrue_percent", "rate", "points accrued on money paid for the brand's dishes, in percent"),
        ("redeem_percent", "rate", "the share of the brand's lines that points may pay at most, in percent"),
        ("expires_after_days", "int", "points expire at midnight after this many days; null for never"),
        ("returned_live_days", "int", "days that points live on when they come back after their expiry, once"),
        ("spend_at", "json", "codes of other brands where the points may be spent"),
        ("valid_from", "date", "first day"),
        ("valid_until", "date", "last day; null for no end"),
        ("recorded_at", "instant", "when it was set, UTC"),
        ("by", "text", "who"),
        ("note", "text", "free text"),
    ),
)

BONUS_LOTS = Table(
    "bonus_lots",
    "lots: points that one transaction gave, and what is left of them at the cut",
    ("account_id", "transaction_id"),
    _columns(
        ("account_id", "int", "the bonus account"),
        ("transaction_id", "int", "the transaction that gave them"),
        ("amount", "money", "points given"),
        ("points_left", "money", "points neither spent, set aside nor expired"),
        ("gone_on", "date", "the day at whose start they expire; null for never"),
        ("given_until", "date", "that day as it was when they were given; it moves once, if they come back after it"),
    ),
)

LOT_CHANGES = Table(
    "lot_changes",
    "what each transaction gave to, took from or returned to each lot of points; the sum is what is left of it",
    ("transaction_id", "account_id", "lot_id"),
    _columns(
        ("transaction_id", "int", "the transaction"),
        ("account_id", "int", "the bonus account"),
        ("lot_id", "int", "the lot: the transaction that gave its points"),
        ("brand_id", "int", "the brand that owes them"),
        ("currency", "text", "ISO 4217 code"),
        ("amount", "money", "points given or returned (+), spent, set aside, taken back or expired (−)"),
        ("gone_on", "date", "the day at whose start the points expire, as of that transaction; null for never"),
        ("business_date", "date", "the transaction's date in the book's time zone"),
        ("month", "text", "month of business_date, YYYY-MM; the partition"),
    ),
    appended=True,
)

BONUS_OWED = Table(
    "bonus_owed",
    "points that could not be taken back: the next points pay them; the sum is what an account owes",
    ("id",),
    _columns(
        ("id", "int", "number, ascending"),
        ("account_id", "int", "the bonus account"),
        ("brand_id", "int", "the brand whose points they are"),
        ("currency", "text", "ISO 4217 code"),
        ("order_id", "int", "the order that brought them; null where they were paid, or ended with the account"),
        ("transaction_id", "int", "the refund or cancel, or what took them from later points; null for an ending"),
        ("amount", "money", "owed (+), paid or ended (−)"),
        ("business_date", "date", "the day in the book's time zone"),
    ),
)

BANK_ENTRIES = Table(
    "bank_entries",
    "payments that bank statements reported, in and out, and what was posted for them",
    ("id",),
    _columns(
        ("id", "int", "number, ascending"),
        ("bank_account", "text", "our account at the bank; blank where it was not kept"),
        ("brand_id", "int", "the brand whose account it is"),
        ("currency", "text", "ISO 4217 code"),
        ("booked_on", "date", "the bank's booking day"),
        ("amount", "money", "in (+) or out (−)"),
        ("reversal", "bool", "whether it takes back or returns an earlier one"),
        ("imported_on", "date", "the day in the book's time zone on which its statement was first imported"),
        ("transaction_id", "int", "the payment or move posted for it; null for none"),
        ("business_date", "date", "of that transaction, in the book's time zone"),
    ),
)

BANK_STATEMENTS = Table(
    "bank_statements",
    "statements of whole days that banks reported, with their balances",
    ("id",),
    _columns(
        ("id", "int", "number, ascending"),
        ("bank_account", "text", "our account at the bank"),
        ("brand_id", "int", "the brand whose account it is"),
        ("currency", "text", "ISO 4217 code"),
        ("number", "text", "the bank's number of it; blank for none"),
        ("begun_on", "date", "its first day: that of its first entry, else as it says"),
        ("ended_on", "date", "its last day, as it says, else that of its last entry"),
        ("opening", "money", "balance before it"),
        ("closing", "money", "balance after it"),
        ("turnover", "money", "money in and money out together"),
        ("imported_on", "date", "the day in the book's time zone on which it was first imported"),
    ),
)

TABLES: tuple[Table, ...] = (
    TRANSACTIONS,
    ENTRIES,
    ATTRIBUTES,
    PARTIES,
    BRANDS,
    ACCOUNTS,
    HOLDERS,
    CREDIT_TERMS,
    LINKS,
    LIMITS,
    USAGE,
    HOLDS,
    OPEN_DEBITS,
    CHANGES,
    CLOSINGS,
    ORDERS,
    ORDER_LINES,
    PROMOTIONS,
    PROMOTION_USES,
    BONUS_PROGRAMS,
    BONUS_LOTS,
    LOT_CHANGES,
    BONUS_OWED,
    BANK_ENTRIES,
    BANK_STATEMENTS,
)

TABLE_NAMES = frozenset(table.name for table in TABLES)
