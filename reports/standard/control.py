"""Control: can the figures of this period be trusted. Every check of the book in one list.

Ledger against lake: the balances that the ledger keeps, beside the sums of the entries.
Report against report: the control totals of every other report over the same days.
"""

from collections.abc import Iterator

import narwhals as nw

from reports.core.contributions import Contributions, Source
from reports.core.engines import settled
from reports.core.leads import Lead, Row
from reports.core.parameters import AsOf, Period
from reports.core.report import STANDARD, Check, Column, Frame, Report
from reports.core.tables import APART, MONEY, Tables, beside, counted, in_currency, of_clients, rows_apart, zero

Parameters = Period


def unbalanced_transactions(tables: Tables, p: Period) -> Frame:
    """Set the number of transactions whose entries do not sum to zero beside none."""
    sums = tables.entries.group_by("transaction_id", "currency").agg(amount=nw.col("amount").sum())
    wrong = counted(nw.col("amount") != 0).cast(MONEY)
    return beside(sums.select("currency", amount=zero()), sums.select("currency", amount=wrong))


def missing_versions(tables: Tables, p: Period) -> Frame:
    """Set the highest version of each client account beside the number of its entries."""
    counts = (
        tables.entries.filter(of_clients())
        .group_by("account_id", "currency")
        .agg(highest=nw.col("version").max(), found=nw.len())
    )
    highest, found = (counts.select("currency", amount=nw.col(name).cast(MONEY)) for name in ("highest", "found"))
    return beside(highest, found)


def _kept(tables: Tables, column: str) -> Frame:
    clients = tables.accounts.filter(~nw.col("party_id").is_null())
    return clients.select(*APART, amount=nw.col(column).fill_null(zero()))


def _summed(tables: Tables, column: str) -> Frame:
    return tables.entries.filter(of_clients()).with_columns(kind="account_kind", amount=column)


def balances(tables: Tables, p: Period) -> Frame:
    """Set the ledger's balances of clients at the cut beside the sums of their entries."""
    return beside(_kept(tables, "balance"), _summed(tables, "amount"), APART)


def held(tables: Tables, p: Period) -> Frame:
    """Set what the ledger held at the cut beside the sums of the entries."""
    return beside(_kept(tables, "held"), _summed(tables, "held"), APART)


def parts_of_holds(tables: Tables, p: Period) -> Frame:
    """Set what the ledger held at the cut beside what is left of the holds."""
    accounts = tables.accounts.select(*APART, source_id="id")
    parts = tables.holds.select("source_id", "held").join(accounts, on="source_id", how="inner")
    return beside(_kept(tables, "held"), parts.select(*APART, amount="held"), APART)


def debts(tables: Tables, p: Period) -> Frame:
    """Set the debts of money accounts at the cut beside what is unpaid of the ledger's open debits."""
    owing = tables.accounts.filter(nw.col("kind") == "money", nw.col("balance") < 0)
    currencies = tables.accounts.select("currency", account_id="id")
    unpaid = tables.open_debits.join(currencies, on="account_id", how="inner")
    return beside(
        owing.select("currency", amount=zero() - nw.col("balance")),
        unpaid.select("currency", amount="unpaid"),
    )


LEDGER = {
    "unbalanced_transactions": unbalanced_transactions,
    "versions": missing_versions,
    "balances": balances,
    "held": held,
    "holds": parts_of_holds,
    "open_debits": debts,
}


def _comparable() -> Iterator[Report]:
    """Give the reports that can be run for a period or its last day without naming an account."""
    for report in STANDARD.values():
        fields = report.parameters.model_fields.values()
        required = [field for field in fields if field.is_required()]
        if report.name != "control" and len(required) == (1 if issubclass(report.parameters, AsOf) else 2):
            yield report


def _parameters_of(report: Report, p: Period) -> Period | AsOf:
    days = {"as_of": p.last_day} if issubclass(report.parameters, AsOf) else {"from": p.first_day, "to": p.last_day}
    parameters = report.parameters.model_validate({**days, "currency": p.currency})
    assert isinstance(parameters, Period | AsOf)
    return parameters


def _found(tables: Tables, p: Period) -> Iterator[tuple[str, str, Frame]]:
    """Give source, check and its frame, of every check; a report's rows are found once for all of its checks."""
    for name, check in LEDGER.items():
        yield "ledger", name, check(tables, p)
    for report in _comparable():
        query = _parameters_of(report, p)
        rows = settled(report.frame(tables, query))
        for control in report.checks:
            yield report.name, control.name, control.frame(tables, query, rows)


def _kind(frame: Frame) -> nw.Expr:
    return nw.col("kind") if "kind" in frame.collect_schema().names() else nw.lit("").alias("kind")


def control(tables: Tables, p: Period) -> Frame:
    """Return one row per check, currency and kind (money or bonus, where there are both); a check of nothing has none.

    The one report that runs as it is made: all checks in one plan would be too much for either engine.
    """
    listed = [
        settled(
            frame.select(
                "currency",
                _kind(frame),
                nw.lit(source).alias("source"),
                nw.lit(name).alias("check"),
                nw.col("expected", "actual").cast(MONEY),
            )
        )
        for source, name, frame in _found(tables, p)
    ]
    difference = nw.col("actual") - nw.col("expected")
    state = nw.when(nw.col("difference") == 0).then(nw.lit("holds")).otherwise(nw.lit("differs"))
    return (
        in_currency(nw.concat(listed), p.currency)
        .with_columns(difference=difference)
        .with_columns(state=state)
        .select(*(column.name for column in REPORT.columns))
        .sort("source", "check", "currency", "kind")
    )


def pieces(tables: Tables, p: Period, row: Row) -> Frame:
    """Return the rows that the check compares: entries, where it is about these, else rows of its report."""
    if row["source"] == "ledger":
        with rows_apart():
            found = LEDGER[row["check"]](tables, p)
    else:
        report = STANDARD[row["source"]]
        query = _parameters_of(report, p)
        rows = settled(report.frame(tables, query))
        check = next(check for check in report.checks if check.name == row["check"])
        with rows_apart():
            found = check.frame(tables, query, rows)
    return found.with_columns(_kind(found))


WORDS = {
    "expected": "the figure as it is found another way",
    "actual": "the figure of the book or the report that is checked",
}


def no_difference(tables: Tables, p: Period, rows: Frame) -> Frame:
    """Set the number of checks that differ beside none."""
    differ = counted(nw.col("state") == "differs").cast(MONEY)
    return beside(rows.select("currency", amount=zero()), rows.select("currency", amount=differ))


def to_source(row: Row) -> Lead | None:
    """Lead to the report that the check belongs to; the checks of the book itself lead nowhere."""
    return Lead("report", {"report": row["source"]}) if row["source"] in STANDARD else None


REPORT = Report(
    name="control",
    en="Control",
    ru="Контроль",
    question="can today's figures be trusted",
    parameters=Parameters,
    columns=(
        Column("source", "code", "Source", "Источник"),
        Column("check", "code", "Check", "Проверка"),
        Column("currency", "currency", "Currency", "Валюта"),
        Column("kind", "account_kind", "Kind", "Вид"),
        Column("expected", "money", "Expected", "Ожидается"),
        Column("actual", "money", "Actual", "Есть"),
        Column("difference", "money", "Difference", "Разница"),
        Column("state", "word", "State", "Состояние"),
    ),
    key=("source", "check", "currency", "kind"),
    frame=control,
    checks=(Check("no_difference", "no check differs", "ни одна проверка не расходится", no_difference),),
    leads_to=to_source,
    contributions=Contributions(Source(pieces, WORDS, "checks"), made={"difference": {"actual": 1, "expected": -1}}),
)
