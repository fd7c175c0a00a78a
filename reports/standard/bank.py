"""Bank: balances and turnovers as the bank reported them, and what became of each in the ledger, by day and account.

Days are the bank's. What is imported late comes to a day that is closed already, so figures are provisional unless only
what was booked up to a closed day is wanted (`--booked-until`). `difference` is money in that is neither matched, nor
waiting for an account, nor money that came back; `gap` is the closing balance that the bank reported less the one that
follows from its first opening balance and every entry since: a statement was not imported. The evening's statement
counts where several were of one day; one that another statement continues is not compared. Controls: money in is all
in the ledger, and it is what came into the channel `bank`.
"""

from datetime import date

import narwhals as nw
from pydantic import Field

from reports.core.contributions import Contributions, Source
from reports.core.leads import Row
from reports.core.parameters import OfBrand, Period
from reports.core.pictures import Picture
from reports.core.report import Check, Column, Report
from reports.core.tables import MONEY, Frame, Tables, beside, brand_names, in_currency, only, taken, with_channel, zero

OF = ("bank_account", "brand_id", "currency")
DAY = (*OF, "day")
IN_OUT = ("money_in", "money_out")
BECAME = ("matched", "waiting", "returned", "taken_back")


class Parameters(Period, OfBrand):
    """A period of the bank's days; an account at the bank, and a brand."""

    bank_account: str | None = Field(None, description="only this account at the bank, as the report shows it")
    booked_until: date | None = Field(None, description="only what was booked up to this day, included")

    @property
    def final_day(self) -> date | None:
        """Return the day with whose closing the figures are final: none by itself, for banks report late."""
        return self.booked_until


def _known(frame: Frame, p: Parameters, day: str) -> Frame:
    """Return what was reported of days up to the last, and imported until then."""
    frame = in_currency(frame, p.currency).filter(nw.col(day) <= p.last_day)
    if p.bank_account is not None:
        frame = frame.filter(nw.col("bank_account") == p.bank_account)
    return frame if p.booked_until is None else frame.filter(nw.col("imported_on") <= p.booked_until)


def _became(tables: Tables, p: Parameters) -> Frame:
    """Return the entries with what is matched and what waits of each: a payment without an account, until allocated."""
    booked = tables.transactions.select("kind", "account_id", transaction_id="id", booked="amount")
    allocated = tables.transactions.filter(nw.col("kind") == "allocate", nw.col("status") == "posted")
    given = allocated.group_by("refers_to").agg(given=nw.col("amount").sum()).rename({"refers_to": "transaction_id"})
    entries = _known(tables.bank_entries.filter(nw.col("bank_account") != ""), p, "booked_on")
    came, nobodys = (nw.col("amount") > 0) & ~nw.col("reversal"), nw.col("account_id").is_null()
    moved = (nw.col("kind") == "move").fill_null(False)
    payment = (nw.col("kind") == "payment").fill_null(False)
    waits = came & payment & nobodys
    return (
        entries.join(booked, on="transaction_id", how="left")
        .join(given, on="transaction_id", how="left")
        .with_columns(given=nw.col("given").fill_null(0).cast(MONEY), day=nw.col("booked_on"))
        .with_columns(
            matched=only(came & moved) + only(waits, "given") + only(came & payment & ~nobodys, "booked"),
            waiting=only(waits, "booked") - only(waits, "given"),
        )
    )


def pieces(tables: Tables, p: Parameters, row: Row) -> Frame:
    """Return the entries that the bank reported with what each adds to the figures of its day."""
    back, codes = nw.col("reversal"), brand_names(tables).select("brand_id", "brand")
    return (
        _became(tables, p)
        .with_columns(
            money_in=only(nw.col("amount") > 0),
            money_out=taken(nw.col("amount") < 0),
            returned=only((nw.col("amount") > 0) & back),
            taken_back=taken((nw.col("amount") < 0) & back),
            business_date="day",
        )
        .join(codes, on="brand_id", how="left")
    )


WORDS = {
    "money_in": "what the bank says came in",
    "money_out": "what the bank says went out",
    "matched": "money in that payments to accounts or moves were posted for",
    "waiting": "money in that was posted as a payment of nobody's, less what accounts were given of it",
    "returned": "money in that takes back or returns an earlier entry",
    "taken_back": "money out that takes back or returns an earlier entry",
}
WORDS_OF_BALANCES = {
    "opening": "the first opening balance that the bank reported, and every entry since up to the day before",
    "closing": "the first opening balance that the bank reported, and every entry since up to the day",
}


def moved(tables: Tables, p: Parameters, row: Row) -> Frame:
    """Return the entries of the row's account that move its balance."""
    statements = _known(tables.bank_statements, p, "ended_on")
    known = pieces(tables, p, row).join(_begun(statements).select(*OF, "begun_on"), on=list(OF), how="inner")
    until_now = known.filter(nw.col("day") >= nw.col("begun_on"), nw.col("day") <= row["day"])
    return until_now.with_columns(opening=only(nw.col("day") < row["day"]), closing="amount").drop("day")


def reported(tables: Tables, p: Parameters, row: Row) -> Frame:
    """Return the statement from whose opening balance the row's account is followed, and that of its day."""
    codes = brand_names(tables).select("brand_id", "brand")
    statements = _known(tables.bank_statements, p, "ended_on").with_columns(day=nw.col("ended_on"))
    ids = statements.select("id", business_date="ended_on", amount="closing")
    first = _begun(statements).select(*OF, "id", opening="begun", closing="begun", reported=zero())
    of_day = _reported(statements).filter(nw.col("day") == row["day"])
    of_day = of_day.select(*OF, "id", opening=zero(), closing=zero(), reported="reported")
    return nw.concat([first, of_day]).join(ids, on="id", how="left").join(codes, on="brand_id", how="left")


def _reported(statements: Frame) -> Frame:
    """Return what the bank says of each day's end: of the statement of the largest turnover, which is the whole day's.

    `continued`: another statement begins with what that one left.
    """
    largest = statements.group_by(*DAY).agg(turnover=nw.col("turnover").max())
    of = statements.join(largest, on=[*DAY, "turnover"], how="inner").group_by(*DAY).agg(id=nw.col("id").max())
    ends = statements.join(of, on=[*DAY, "id"], how="inner").select(*DAY, "id", reported="closing")
    begun = statements.select(*OF, "begun_on", other="id", reported="opening")
    continued = (
        ends.join(begun, on=[*OF, "reported"], how="inner")
        .filter(nw.col("begun_on") <= nw.col("day"), nw.col("other") != nw.col("id"))
        .select(*DAY, continued=nw.lit(True))
        .unique()
    )
    return ends.join(continued, on=list(DAY), how="left").select(
        *DAY, "id", "reported", continued=nw.col("continued").fill_null(False)
    )


def _begun(statements: Frame) -> Frame:
    """Return the first opening balance of each account, its day, and a statement that has it."""
    first = statements.group_by(*OF).agg(begun_on=nw.col("begun_on").min())
    of = statements.select(*OF, "begun_on", "id", begun="opening").join(first, on=[*OF, "begun_on"], how="inner")
    least = of.group_by(*OF).agg(nw.col("begun").min())
    return of.join(least, on=[*OF, "begun"], how="inner").group_by(*OF, "begun_on", "begun").agg(nw.col("id").min())


def bank(tables: Tables, p: Parameters) -> Frame:
    """Return a row for each day on which an account at the bank moved or was reported.

    Balances are null before the first that the bank reported.
    """
    statements = _known(tables.bank_statements, p, "ended_on").with_columns(day=nw.col("ended_on"))
    days, ends = pieces(tables, p, {}).group_by(*DAY).agg(nw.col(*IN_OUT, *BECAME).sum()), _reported(statements)
    there = nw.col("day") >= nw.col("begun_on")
    move = nw.when(there).then(nw.col("money_in") - nw.col("money_out")).otherwise(zero())
    closing = nw.when(there).then(nw.col("begun") + nw.col("moved"))
    became = nw.col("matched") + nw.col("waiting") + nw.col("returned")
    gap = nw.col("reported") - nw.col("closing")
    later = (nw.col("continued") & (gap != 0)).fill_null(False)
    rows = (
        nw.concat([days.select(*DAY), ends.select(*DAY)])
        .unique()
        .join(days, on=list(DAY), how="left")
        .join(ends.drop("id"), on=list(DAY), how="left")
        .join(_begun(statements), on=list(OF), how="left")
        .with_columns(nw.col(*IN_OUT, *BECAME).fill_null(0).cast(MONEY))
        .with_columns(move=move)
        .with_columns(moved=nw.col("move").cum_sum().over(*OF, order_by="day"))
        .with_columns(closing=closing, difference=nw.col("money_in") - became)
        .with_columns(opening=nw.col("closing") - nw.col("move"), gap=nw.when(~later).then(gap))
        .join(brand_names(tables), on="brand_id", how="left")
    )
    rows = rows if p.brand is None else rows.filter(nw.col("brand") == p.brand)
    return (
        rows.filter(nw.col("day") >= p.first_day)
        .sort("bank_account", "brand", "currency", "day")
        .select(*(column.name for column in REPORT.columns))
    )


def _posted(tables: Tables, p: Parameters) -> Frame:
    """Return money in of the period's days; what was imported on the last day may still be on its way."""
    last = p.booked_until or p.last_day
    entries = _became(tables, p).filter(nw.col("day") >= p.first_day, nw.col("amount") > 0)
    entries = entries.filter(~nw.col("kind").is_null() | nw.col("reversal") | (nw.col("imported_on") < last))
    named = entries.join(brand_names(tables), on="brand_id", how="left")
    return named if p.brand is None else named.filter(nw.col("brand") == p.brand)


def all_in_the_ledger(tables: Tables, p: Parameters, rows: Frame) -> Frame:
    """Set money in beside what is matched, waits or came back."""
    found = [rows.select("currency", amount=nw.col(name)) for name in ("matched", "waiting", "returned")]
    return beside(_posted(tables, p).select("currency", "amount"), nw.concat(found))


def as_cash(tables: Tables, p: Parameters, rows: Frame) -> Frame:
    """Set what is matched or waits beside what came into the channel `bank` by the same transactions."""
    known = _posted(tables, p).filter(~nw.col("reversal")).select("transaction_id", "brand_id").unique()
    cash = with_channel(tables, tables.entries.filter(nw.col("account_kind") == "cash"))
    cash = cash.filter(nw.col("channel") == "bank").join(known, on=["transaction_id", "brand_id"], how="semi")
    found = [rows.select("currency", amount=nw.col(name)) for name in ("matched", "waiting")]
    return beside(cash.with_columns(amount=zero() - nw.col("amount")), nw.concat(found))


REPORT = Report(
    name="bank",
    en="Bank",
    ru="Банк",
    question="the bank's balances and turnovers beside the ledger",
    parameters=Parameters,
    columns=(
        Column("bank_account", "code", "Account at the bank", "Счёт в банке"),
        Column("brand", "code", "Brand", "Бренд"),
        Column("currency", "currency", "Currency", "Валюта"),
        Column("day", "date", "Day", "День"),
        Column("opening", "money", "Opening", "На начало"),
        Column("money_in", "money", "Bank: in", "Банк: поступило", total=True),
        Column("money_out", "money", "Bank: out", "Банк: списано", total=True),
        Column("closing", "money", "Closing", "На конец"),
        Column("reported", "money", "The bank's closing", "На конец по банку"),
        Column("matched", "money", "Matched", "Разнесено", total=True),
        Column("waiting", "money", "Waiting", "Ждёт разнесения", total=True),
        Column("returned", "money", "Returned", "Возвращено", total=True),
        Column("taken_back", "money", "Taken back", "Отозвано", total=True),
        Column("difference", "money", "Difference", "Разница", total=True),
        Column("gap", "money", "Gap in balances", "Разрыв остатков"),
    ),
    key=("bank_account", "brand", "currency", "day"),
    frame=bank,
    checks=(
        Check(
            "ledger",
            "money in = matched + waiting + returned",
            "поступило = разнесено + ждёт + возвращено",
            all_in_the_ledger,
        ),
        Check(
            "cash", "matched + waiting = cash in the channel bank", "разнесено + ждёт = деньги в канале bank", as_cash
        ),
    ),
    contributions=Contributions(
        Source(pieces, WORDS, "bank_entries"),
        Source(moved, WORDS_OF_BALANCES, "bank_entries"),
        Source(reported, WORDS_OF_BALANCES | {"reported": "the balance after the day's statement"}, "bank_statements"),
        made={
            "difference": {"money_in": 1, "matched": -1, "waiting": -1, "returned": -1},
            "gap": {"reported": 1, "closing": -1},
        },
    ),
    picture=Picture(("closing",), ("day",), by="bank_account", mark="line"),
)
