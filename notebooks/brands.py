"""The brands beside each other: revenue, discounts, what was taken back, and what they owe one another."""

import marimo

app = marimo.App(width="medium", app_title="Tiffin: brands")

with app.setup:
    import altair as alt
    import marimo as mo
    import polars as pl

    from reports.editions.parameters import PeriodAsked, ask, read


@app.cell
def _():
    form = ask(mo, PeriodAsked)
    form
    return (form,)


@app.cell
def _(form):
    asked = read(PeriodAsked, form.value)
    book = asked.open()
    return asked, book


@app.cell
def _(asked, book):
    revenue = book.report("brand-revenue", by="total", **asked.period)
    revenue
    return (revenue,)


@app.cell
def _(revenue):
    shares = revenue.frame.select(
        "brand",
        "currency",
        discount=(pl.col("discount").cast(pl.Float64) / pl.col("gross").cast(pl.Float64)).round(4),
        refunds=(pl.col("refunds").cast(pl.Float64) / pl.col("net").cast(pl.Float64)).round(4),
        of_all=(pl.col("net").cast(pl.Float64) / pl.col("net").sum().over("currency").cast(pl.Float64)).round(4),
    )
    shares
    return (shares,)


@app.cell
def _(asked, book):
    weekly = book.report("brand-revenue", by="week", **asked.period).frame
    chart = (
        alt.Chart(weekly.select("week", "brand_name", "currency", pl.col("net").cast(pl.Float64)))
        .mark_line()
        .encode(x="week:T", y="net", color="brand_name", row="currency")
        .properties(width=560, height=220)
    )
    chart
    return (chart,)


@app.cell
def _(asked, book):
    settlements = book.report("brand-settlements", **asked.period)
    settlements
    return (settlements,)


@app.cell
def _(asked, book):
    services = book.report("services", **asked.period)
    services
    return (services,)


@app.cell
def _(asked, book):
    activity = book.report("client-activity", **asked.period)
    activity
    return (activity,)


if __name__ == "__main__":
    app.run()
