"""Client activity: who came, stayed and left, by month of first order.

An order belongs to the client for whom it was placed, whoever paid. It counts on its day, and is taken off on the day
when nothing of it is kept any more (reports/core/orders.py); net is that of orders, less refunds.
Controls: orders are those that begin in the period, less those that end; net is that of brand-revenue.
"""

import narwhals as nw

from ledger.values.dates import month_days
from reports.core import orders
from reports.core.contributions import Contributions, Source
from reports.core.engines import among, reused, settled
from reports.core.leads import Row
from reports.core.parameters import Movements, OfBrand, of_piece
from reports.core.pictures import Picture
from reports.core.report import Check, Column, Report
from reports.core.tables import EVER, MONEY, Frame, Tables, beside, counted, in_currency, until, zero
from reports.standard import brand_revenue

CLIENT = ("party_id", "currency")
DAYS = ("order", "currency", "business_date", "month", "orders")
ORDER = ("order", "currency", "business_date")
LINES = ("transaction_id", "kind", "refers_to", "currency", "business_date", "amount", "service")
PLACED = nw.col("kind").is_in(("debit", "hold"))


class Parameters(Movements, OfBrand):
    """A period and a brand; first orders are looked for in all that came before, too."""


def _from_ever(tables: Tables, p: Parameters) -> Frame:
    return brand_revenue.entries_of(tables, p.model_copy(update={"first_day": EVER}))


def _by_client(tables: Tables, p: Parameters) -> Frame:
    """Return the rows of `_by_order` up to the last day with party_id, the client for whom the order was placed."""
    return _of_client(tables, _by_order(tables, p))


def _firsts(rows: Frame) -> Frame:
    """Return party_id, currency, began, cohort of the rows' clients: the day of the first order, and its month.

    Who never had an order that outlived its day came with the first that did not.
    """
    began = nw.when(nw.col("orders") > 0).then(nw.col("business_date"))
    firsts = rows.with_columns(began=began).group_by(*CLIENT).agg(nw.col("began", "business_date").min())
    return firsts.select(*CLIENT, "began", cohort=nw.coalesce("began", "business_date").dt.to_string("%Y-%m"))


def _by_order(tables: Tables, p: Parameters) -> Frame:
    """Return order, currency, business_date, orders, net, of one of its days, or of several.

    Most orders stay as debited: each is one row, its lines added up. Only what refers to another, and what it refers
    to, is followed from day to day.
    """
    lines = _from_ever(tables, p).filter(orders.of_an_order()).select(*LINES)
    period = {"first_day": EVER, "last_day": p.last_day}
    moved = reused(orders.followed(tables, lines, **period))
    begins = (nw.col("kind") == "debit") & nw.col("refers_to").is_null()
    begun = lines.filter(begins).with_columns(order="transaction_id")
    stayed = begun.join(moved, on="order", how="anti").group_by(*ORDER).agg(net=nw.col("amount").sum())
    begun_moved = begun.join(moved, on="order", how="semi").select(*LINES)
    others = reused(nw.concat([lines.filter(~begins), begun_moved]))
    sides = [
        stayed.with_columns(orders=nw.lit(1)),
        orders.changed(tables, others, moved, "currency", **period).with_columns(net=zero()),
        orders.with_order(tables, others).with_columns(orders=nw.lit(0), net=nw.col("amount")),
    ]
    exact = {"orders": nw.col("orders").cast(nw.Int64), "net": nw.col("net").cast(MONEY)}
    return nw.concat([side.with_columns(**exact).select(*ORDER, *exact) for side in sides])


def _of_client(tables: Tables, rows: Frame) -> Frame:
    """Return rows of orders with party_id: the client for whom each was placed."""
    placed = tables.transactions.filter(PLACED).select("account_id", order="id")
    clients = tables.accounts.filter(~nw.col("party_id").is_null()).select("party_id", account_id="id")
    placed = placed.join(clients, on="account_id", how="inner").drop("account_id")
    return rows.drop("party_id", "account_id", strict=False).join(placed, on="order", how="inner")


def pieces(tables: Tables, p: Parameters, row: Row) -> Frame:
    """Return the revenue entries of orders in the row's month, of the clients of its cohort."""
    now = brand_revenue.entries_of(tables, of_piece(p, row)).filter(orders.of_an_order())
    money = orders.with_order(tables, now).select("transaction_id", "leg", "order", "currency", "month", "amount")
    return _of_cohort(tables, p, row, money).with_columns(net="amount")


def begun(tables: Tables, p: Parameters, row: Row) -> Frame:
    """Return the orders that began, 1 each, or ended, −1 each."""
    rows = settled(_begun(tables, p, row))
    facts = tables.narrowed("transactions", lambda all_: among(all_, "id", rows.select("order")))
    return orders.as_pieces(facts, rows)


def _begun(tables: Tables, p: Parameters, row: Row) -> Frame:
    """Return the rows of `order_days` of a row; orders that may have ended are read by themselves."""
    now = of_piece(p, row)
    ever, days = _from_ever(tables, now), {"first_day": now.first_day, "last_day": now.last_day}
    moved = settled(orders.followed(tables, ever, **days))
    own = tables if p.dated_by != "booking" else orders.only_of(tables, moved, row["month"])
    changed = orders.changed(own, _from_ever(own, now), moved, "currency", **days)
    both = [orders.stayed(ever, moved, "currency", **days), changed]
    return _of_cohort(tables, p, row, nw.concat([side.select(*DAYS) for side in both]))


def _of_cohort(tables: Tables, p: Parameters, row: Row, rows: Frame) -> Frame:
    """Return rows of orders of the clients of the row's cohort; who these are is found once."""
    rows = settled(rows)
    placed = tables.narrowed("transactions", lambda all_: among(all_, "id", rows.select("order")))
    return _of_client(placed, rows).join(_cohort(tables, p, row), on=list(CLIENT), how="semi")


def _cohort(tables: Tables, p: Parameters, row: Row) -> Frame:
    return tables.kept("cohort", lambda: _clients(tables, p, row["cohort"]))


def _clients(tables: Tables, p: Parameters, cohort: str) -> Frame:
    """Return party_id, currency of the clients of a cohort.

    An order that nothing followed stayed as it was debited. Who had one in an earlier month is of no later cohort, and
    whose first debit of all is one, is of its month; only the others are looked at, order by order.
    """
    if p.brand is not None or p.dated_by != "booking":
        return _exactly(tables, p, cohort)
    accounts = in_currency(tables.accounts, p.currency).filter(~nw.col("party_id").is_null())
    clients = accounts.select(*CLIENT, account_id="id")
    posted = (PLACED, nw.col("status") == "posted", until(p.last_day))
    placed = tables.transactions.filter(nw.col("month") <= cohort, *posted)
    firsts = settled(
        placed.group_by("account_id")
        .agg(order=nw.col("id").min(), month=nw.col("month").min())
        .join(clients, on="account_id", how="inner")
        .group_by(*CLIENT)
        .agg(nw.col("order", "month").min())
    )
    plain = settled(firsts.join(_plain(tables, firsts, cohort), on=["order", "currency", "month"], how="semi"))
    others = firsts.join(plain, on=list(CLIENT), how="anti").join(clients, on=list(CLIENT), how="inner")
    theirs = settled(among(placed, "account_id", others.select("account_id")).select("account_id", order="id"))
    theirs = settled(theirs.join(clients, on="account_id", how="inner"))
    earlier = _plain(tables, theirs, cohort).filter(nw.col("month") < cohort).select("order")
    came_before = theirs.join(earlier, on="order", how="semi").select(*CLIENT).unique()
    left = settled(theirs.join(came_before, on=list(CLIENT), how="anti"))
    return nw.concat([plain.filter(nw.col("month") == cohort).select(*CLIENT), _of_these(tables, p, cohort, left)])


def _of_these(tables: Tables, p: Parameters, cohort: str, placed: Frame) -> Frame:
    """Return those of a cohort among the clients of some orders; of who had none that stayed, all later ones count."""
    then = p.model_copy(update={"first_day": EVER, "last_day": min(p.last_day, month_days(cohort)[1])})
    known = _firsts(_by_client(orders.only_of(tables, placed.select("order"), cohort), then))
    known = settled(known.join(placed.select(*CLIENT).unique(), on=list(CLIENT), how="semi"))
    stayed = known.filter(~nw.col("began").is_null())
    never = known.filter(nw.col("began").is_null(), nw.col("cohort") == cohort).select(*CLIENT)
    accounts = tables.accounts.join(never, on=list(CLIENT), how="semi").select("id")
    ever = among(tables.transactions.filter(PLACED), "account_id", accounts).select("id")
    later = orders.only_of(tables, ever, f"{p.last_day:%Y-%m}")
    both = [
        stayed.filter(nw.col("cohort") == cohort),
        _exactly(later, p, cohort).join(never, on=list(CLIENT), how="semi"),
    ]
    return nw.concat([side.select(*CLIENT) for side in both])


def _exactly(tables: Tables, p: Parameters, cohort: str) -> Frame:
    return _firsts(_by_client(tables, p)).filter(nw.col("cohort") == cohort).select(*CLIENT)


def _plain(tables: Tables, placed: Frame, until_month: str) -> Frame:
    """Return order, currency, month of those that were debited as orders, and that nothing followed."""
    of = placed.select("order")
    debits = (nw.col("account_kind") == "revenue", nw.col("kind") == "debit", nw.col("refers_to").is_null())
    lines = tables.entries.filter(nw.col("month") <= until_month, *debits, orders.of_an_order())
    followed = among(tables.transactions, "refers_to", of).select(order="refers_to")
    return (
        among(lines, "transaction_id", of)
        .select("currency", "month", order="transaction_id")
        .unique()
        .join(followed, on="order", how="anti")
        .join(orders.ended(tables), on="order", how="anti")
    )


def ordered(tables: Tables, p: Parameters, row: Row) -> Frame:
    """Return the clients of the cohort that ordered in the row's month."""
    sums = _begun(tables, p, row).group_by(*CLIENT, "month").agg(nw.col("orders").sum())
    return sums.with_columns(id="party_id", clients=counted(nw.col("orders") > 0))


def came(tables: Tables, p: Parameters, row: Row) -> Frame:
    """Return the clients of the cohort."""
    return _cohort(tables, p, row).with_columns(id="party_id", cohort_clients=nw.lit(1))


def client_activity(tables: Tables, p: Parameters) -> Frame:
    """Return one row per cohort, month and currency: of the clients who came then, how many ordered in the month.

    Share is that of the cohort. Average is net per order.
    """
    cohort, some, rows = ["cohort", "currency"], nw.col("orders") > 0, _by_client(tables, p)
    day = nw.col("business_date")
    firsts = _firsts(rows).select(*CLIENT, "cohort")
    return (
        rows.filter(nw.col("business_date") >= p.first_day)
        # Months are told apart by numbers, and named when there are few: texts take longer.
        .with_columns(number=day.dt.year() * 12 + day.dt.month())
        .group_by(*CLIENT, "number")
        .agg(nw.col("orders", "net").sum(), day.min())
        .join(firsts, on=list(CLIENT), how="inner")
        .group_by(*cohort, "number")
        .agg(nw.col("orders", "net").sum(), day.min(), clients=counted(some).sum())
        .with_columns(month=day.dt.to_string("%Y-%m"))
        .filter((nw.col("clients") > 0) | (nw.col("orders") != 0) | (nw.col("net") != zero()))
        .join(firsts.group_by(*cohort).agg(cohort_clients=nw.len()), on=cohort, how="inner")
        .with_columns(
            share=nw.col("clients").cast(nw.Float64) / nw.col("cohort_clients").cast(nw.Float64),
            average=nw.when(some).then(nw.col("net").cast(nw.Float64) / nw.col("orders").cast(nw.Float64)),
        )
        .sort("cohort", "month", "currency")
        .select(*(column.name for column in REPORT.columns))
    )


def as_counted(tables: Tables, p: Parameters, rows: Frame) -> Frame:
    """Set the orders beside those that began in the period, less those that ended, of whatever client."""
    days = orders.order_days(tables, _from_ever(tables, p), "currency", first_day=p.first_day, last_day=p.last_day)
    return beside(
        days.select("currency", amount=nw.col("orders").cast(MONEY)),
        rows.select("currency", amount=nw.col("orders").cast(MONEY)),
    )


def as_revenue(tables: Tables, p: Parameters, rows: Frame) -> Frame:
    """Set the net of orders beside that of brand-revenue."""
    query = brand_revenue.Parameters(**p.model_dump(), by="total")
    sold = brand_revenue.sums(tables, query)
    of_orders = nw.col("net") - nw.col("refunds") - nw.col("apart")
    return beside(sold.select("currency", amount=of_orders), rows.select("currency", amount="net"))


REPORT = Report(
    name="client-activity",
    en="Client activity",
    ru="Активность клиентов",
    question="who came, stayed, left: cohorts, orders, average check",
    parameters=Parameters,
    columns=(
        Column("cohort", "month", "First order", "Первый заказ"),
        Column("month", "month", "Month", "Месяц"),
        Column("currency", "currency", "Currency", "Валюта"),
        Column("cohort_clients", "count", "Came", "Пришло"),
        Column("clients", "count", "Ordered", "Заказали"),
        Column("share", "share", "Share of those who came", "Доля пришедших"),
        Column("orders", "count", "Orders", "Заказов", total=True),
        Column("net", "money", "Net", "Со скидками", total=True),
        Column("average", "average", "Average check", "Средний чек"),
    ),
    key=("cohort", "month", "currency"),
    frame=client_activity,
    checks=(
        Check("orders", "orders = begun − ended", "заказы = начатые − отменённые", as_counted),
        Check("net", "net = orders in brand-revenue", "со скидками = заказы в выручке брендов", as_revenue),
    ),
    contributions=Contributions(
        Source(pieces, {"net": "lines of orders of the cohort's clients, after discount, less refunds"}),
        Source(begun, {"orders": "orders placed, less those of which nothing is kept any more"}, "transactions"),
        Source(ordered, {"clients": "clients of the cohort who ordered in the month"}, "parties"),
        Source(came, {"cohort_clients": "clients whose first order was in the cohort's month"}, "parties"),
        ratios={"average": ("net", "orders"), "share": ("clients", "cohort_clients")},
    ),
    picture=Picture(("share",), ("month",), by="cohort", mark="line"),
)
