"""Review what clients owe: whom to call, how old the debts are, what changed since the month before."""

import marimo

app = marimo.App(width="medium", app_title="Tiffin: receivables review")

with app.setup:
    from datetime import timedelta

    import altair as alt
    import marimo as mo
    import polars as pl

    from reports.editions.parameters import DayParameters, ask, read


@app.cell
def _():
    form = ask(mo, DayParameters)
    form
    return (form,)


@app.cell
def _(form):
    parameters = read(DayParameters, form.value)
    book = parameters.open()
    return parameters, book


@app.cell
def _(parameters, book):
    as_of = parameters.as_of or book.last_day
    month_before = as_of.replace(day=1) - timedelta(days=1)
    return as_of, month_before


@app.cell
def _(as_of, book):
    aging = book.report("receivables-aging", as_of=as_of)
    aging
    return (aging,)


@app.cell
def _(aging):
    bands = [column.name for column in aging.columns if column.name == "not_due" or column.name.startswith("late_")]
    ages = (
        aging.frame.group_by("currency", maintain_order=True).agg(pl.col(bands).sum()).unpivot(bands, index="currency")
    )
    chart = (
        alt.Chart(ages.with_columns(pl.col("value").cast(pl.Float64)))
        .mark_bar()
        .encode(x=alt.X("variable", sort=bands), y="value", row="currency")
        .properties(width=560, height=180)
    )
    chart
    return bands, chart


@app.cell(hide_code=True)
def _():
    mo.md("## Whom to call: the most overdue first")
    return


@app.cell
def _(aging, bands, book):
    late = bands[1:]
    contacts = book.parties.select(party="reference", phone="phone", email="email").collect()
    to_call = (
        aging.frame.filter(pl.col("days_late") > 0)
        .with_columns(overdue=pl.sum_horizontal(late))
        .join(contacts, on="party", how="left")
        .select("account", "client", "phone", "email", "currency", "overdue", "total", "days_late")
        .sort("currency", "days_late", "overdue", "account", descending=[False, True, True, False])
    )
    to_call
    return (to_call,)


@app.cell(hide_code=True)
def _(month_before):
    mo.md(f"## What changed since {month_before}")
    return


@app.cell
def _(aging, book, month_before):
    key = ["account", "client", "currency"]
    earlier = book.report("receivables-aging", as_of=month_before).frame
    this_time = aging.frame.select(*key, now="total", before=pl.lit(0))
    last_time = earlier.select(*key, now=pl.lit(0), before="total")
    changed = (
        pl.concat([this_time, last_time], how="vertical_relaxed")
        .group_by(key)
        .agg(pl.col("before", "now").sum())
        .with_columns(change=pl.col("now") - pl.col("before"))
        .filter(pl.col("change") != 0)
        .sort("currency", "change", "account", descending=[False, True, False])
    )
    changed
    return (changed,)


@app.cell
def _(as_of, book):
    book.report("credit-exposure", as_of=as_of)
    return


if __name__ == "__main__":
    app.run()
