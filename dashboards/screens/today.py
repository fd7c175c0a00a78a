"""Today: what needs a person, the most money first, each with what is to be done about it beside it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import polars as pl
import streamlit as st

from dashboards import access, cached_book, display, links, url_state
from dashboards.refusals import on_screen
from dashboards.translations import as_markdown, sentence, tr
from ledger.bank.postgres.bank_report import bank_days, came_back
from ledger.errors import Failure
from ledger.postgres import desk_queries, drafts
from ledger.values.money import decimal, minor
from reports.core.leads import Row
from reports.core.report import Column
from reports.core.result import Result
from reports.standard.credit_exposure import NEAR
from reports.standard.receivables_aging import PAST_DUE

SHOWN = 10
DO = Column("do", "text", "What to do", "Что сделать")
CLIENT = Column("client", "text", "Client", "Клиент")
OVERDUE = (
    CLIENT,
    Column("late", "money", "Overdue", "Просрочено"),
    Column("days_late", "number", "Days late", "Дней просрочки"),
    Column("total", "money", "Total owed", "Всего долг"),
    Column("account", "account", "Account", "Счёт"),
    DO,
)
CREDIT = (
    CLIENT,
    Column("used", "money", "Used", "Использовано"),
    Column("limit", "money", "Limit", "Лимит"),
    Column("state", "word", "State", "Состояние"),
    Column("days_left", "number", "Days left", "Осталось дней"),
    Column("account", "account", "Account", "Счёт"),
    DO,
)
LIMITS = (
    Column("client", "text", "Name", "Имя"),
    Column("used", "money", "Used", "Использовано"),
    Column("limit", "money", "Limit", "Лимит"),
    Column("period", "word", "Limit by", "Лимит за"),
    Column("payer_client", "text", "Payer's name", "Имя плательщика"),
    Column("subaccount", "account", "Subaccount", "Субсчёт"),
    DO,
)
WAITING = (
    Column("note", "text", "Note", "Примечание"),
    Column("left", "money", "Unallocated", "Не разнесено"),
    Column("brand", "code", "Brand", "Бренд"),
    Column("business_date", "date", "Date", "Дата"),
    Column("id", "number", "Transaction", "Операция"),
    DO,
)
BACK = (
    Column("name", "text", "From or to", "От кого, кому"),
    Column("amount", "money", "Amount", "Сумма"),
    Column("reason", "text", "Reason", "Причина"),
    Column("booked_on", "date", "Date", "Дата"),
    Column("brand", "code", "Brand", "Бренд"),
    DO,
)
DRAFTS = (
    Column("kind", "word", "Kind", "Вид"),
    Column("amount", "money", "Amount", "Сумма"),
    Column("who", "text", "Requested by", "Кто запросил"),
    Column("made_at", "instant", "Time", "Время"),
    DO,
)
BANK = (
    Column("bank_account", "text", "Account at the bank", "Счёт в банке"),
    Column("brand", "text", "Brand", "Бренд"),
    Column("day", "date", "Imported to", "Загружено по"),
    Column("days", "number", "Days without a statement", "Дней без выписки"),
    DO,
)


@dataclass(frozen=True)
class Task:
    """One kind of work: its rows, the largest first, what they come to, and where a click on one leads."""

    title: str
    key: str
    rows: pl.DataFrame
    columns: Sequence[Column]
    amount: Decimal
    leads_to: links.LeadsTo
    ranked_by: str | None = None


def today() -> None:
    """Draw the page."""
    head, choice = st.columns([4, 1], vertical_alignment="bottom")
    head.title(sentence("Today"))
    known = cached_book.currencies()
    currency = url_state.choice(choice, "Currency", known, "currency", default=known[0]) if known else None
    tasks = [task for task in _tasks(cached_book.today(), currency) if task.rows.height]
    tasks.sort(key=lambda task: task.amount, reverse=True)
    if not tasks:
        st.success(sentence("nothing needs a person"), icon=":material/check:")
        return
    tiles = [
        display.Tile(task.title, task.amount, tr("rows: {n}", n=display.count(task.rows.height))) for task in tasks
    ]
    display.tiles([tile for tile in tiles if tile.amount], currency or "")
    for task in tasks:
        _draw(task)


def _draw(task: Task) -> None:
    st.subheader(sentence(task.title))
    columns = task.columns if access.person().may("post") or task.key in ("drafts", "controls") else task.columns[:-1]
    display.table(task.rows.head(SHOWN), columns, key=task.key, leads_to=task.leads_to, ranked_by=task.ranked_by)
    if task.key == "overdue":
        links.link(links.Target("screens/reminders.py", {}), f"{sentence('remind them')} →")
    if task.rows.height > SHOWN:
        st.caption(tr("the first {n} of {all}", n=SHOWN, all=display.count(task.rows.height)))


def _tasks(day: date, currency: str | None) -> Iterator[Task]:
    yield _overdue(day, currency)
    yield _credit(day, currency)
    yield _limits(day, currency)
    if cached_book.book().whole:
        yield from _controls(day)
    person = access.person()
    try:
        yield from _of_the_ledger(day, currency) if person.may("post") else ()
        yield from [_drafts()] if person.may("approve") else ()
    except Failure as failure:  # a lake alone, without the ledger that it is of
        st.caption(as_markdown(on_screen(failure)))


def _overdue(day: date, currency: str | None) -> Task:
    aging = cached_book.report("receivables-aging", as_of=day, currency=currency)
    late = aging.frame.with_columns(late=PAST_DUE).filter(pl.col("late") > 0)
    return _task("overdue", "overdue", late, OVERDUE, "late", "take a payment →", partial(_form, aging, "payment"))


def _credit(day: date, currency: str | None) -> Task:
    exposure = cached_book.report("credit-exposure", as_of=day, currency=currency)
    # Who is overdue stands above already.
    rows = exposure.frame.filter(~pl.col("state").is_in(["ok", "overdue"]))
    return _task(
        "credit nearly used or ending", "credit", rows, CREDIT, "used", "change →", partial(_form, exposure, "credit")
    )


def _limits(day: date, currency: str | None) -> Task:
    spent = cached_book.report("subaccounts", currency=currency, **{"from": day, "to": day})
    rows = spent.frame.filter(pl.col("limit") > 0, pl.col("used") >= pl.col("limit") * pl.lit(Decimal(str(NEAR))))
    return _task("write-off limits nearly used", "limits", rows, LIMITS, "used", "change →", partial(_limit, spent))


def _controls(day: date) -> Iterator[Task]:
    """Give what differs, once it is known: the page is drawn anew then."""
    days = {"from": day.replace(day=1), "to": day}
    ask = partial(cached_book.report_soon, "control", **days)
    control = ask()
    if control is None:
        display.checking(ask)
        return
    rows = control.frame.filter(pl.col("state") == "differs").with_columns(do=pl.lit(tr("look →")))
    yield Task("failed controls", "controls", rows, [*control.columns, DO], Decimal(0), partial(links.cell, control))


def _of_the_ledger(day: date, currency: str | None) -> Iterator[Task]:
    """Give what no cut has: it is read from the ledger as it is now."""
    with access.reading() as connection:
        waiting, back, bank = desk_queries.unallocated(connection), came_back(connection), bank_days(connection)
    waits = _frame([dict(row) for row in waiting if row["currency"] == currency], WAITING[:-1])
    yield _task("payments without an account", "waiting", waits, WAITING, "left", "allocate →", _allocate)
    returned = _frame([dict(row) for row in back if row["currency"] == currency], (*BACK[:-1], _TRANSACTION))
    yield _task("payments that came back", "back", returned, BACK, "amount", "reverse →", _reverse)
    last = {(each.bank_account, each.brand): each.day for each in bank}
    missing = [
        {"bank_account": account, "brand": brand, "day": until, "days": (day - until).days}
        for (account, brand), until in last.items()
        if until < day - timedelta(days=1)
    ]
    yield _task("bank days not imported", "bank", _frame(missing, BANK[:-1]), BANK, None, "import →", _bank)


def _drafts() -> Task:
    with access.reading() as connection:
        waiting = drafts.waiting(connection)
    rows = [
        {"kind": each.line["type"], "amount": _amount(each.line), "who": each.who, "made_at": each.made_at}
        for each in waiting
    ]
    # Without a sum: they may be of any currency.
    return _task("waiting for another person", "drafts", _frame(rows, DRAFTS[:-1]), DRAFTS, None, "decide →", _decide)


_TRANSACTION = Column("transaction", "number", "Transaction", "Операция")


def _amount(line: Mapping[str, Any]) -> int | None:
    written = line.get("amount", line.get("limit"))
    return None if written is None else minor(Decimal(str(written)))


def _frame(rows: Sequence[Mapping[str, Any]], columns: Sequence[Column]) -> pl.DataFrame:
    """Return rows of the ledger, amounts in minor units, as a report has them."""
    kinds: dict[str, Any] = {"money": pl.Decimal(18, 2), "number": pl.Int64, "date": pl.Date}
    kinds["instant"] = pl.Datetime("us", "UTC")
    schema = {column.name: kinds.get(column.kind, pl.String) for column in columns}
    money = {column.name for column in columns if column.kind == "money"}
    values = [
        [decimal(row[name]) if name in money and row[name] is not None else row[name] for name in schema]
        for row in rows
    ]
    return pl.DataFrame(values, schema=schema, orient="row")


def _task(
    title: str,
    key: str,
    rows: pl.DataFrame,
    columns: Sequence[Column],
    by: str | None,
    do: str,
    leads_to: links.LeadsTo,
) -> Task:
    rows = rows.with_columns(do=pl.lit(tr(do)))
    amount = Decimal(0) if by is None else Decimal(rows[by].sum() or 0)
    rows = rows.sort(by, descending=True, nulls_last=True, maintain_order=True) if by else rows
    return Task(title, key, rows, columns, amount, leads_to, by)


def _desk(form: str, **query: Any) -> links.Target:
    return links.Target("screens/desk.py", {"form": form, **query})


def _form(result: Result, form: str, row: Row, column: str) -> links.Target | None:
    """Lead from what is to be done to the form about the row's account, from a figure to what it is made of."""
    if column == DO.name:
        return _desk(form, account=row["account"])
    return links.cell(result, row, column) if column != "late" else links.target_of(result, row)


def _limit(spent: Result, row: Row, column: str) -> links.Target | None:
    whole = row["payer"] == row["subaccount"]
    if column == DO.name:
        return _desk("limits", account=row["payer"], **{} if whole else {"for": row["subaccount"]})
    return links.cell(spent, row, column)


def _allocate(row: Row, column: str) -> links.Target:
    if column == DO.name:
        return _desk("allocate", payment=row["id"])
    return links.Target("screens/transaction.py", {"transaction": row["id"]})


def _reverse(row: Row, column: str) -> links.Target:
    return _desk("reverse", transaction=row["transaction"])


def _decide(row: Row, column: str) -> links.Target:
    return links.Target("screens/approvals.py", {})


def _bank(row: Row, column: str) -> links.Target:
    return links.Target("screens/bank.py", {})


if __name__ == "__main__":
    today()
