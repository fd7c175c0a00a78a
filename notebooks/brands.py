"""The brands beside each other: revenue, discounts, what was taken back, and what they owe one another."""

import marimo

app = marimo.App(width="medium", app_title="Tiffin: brands")

with app.setup:
    import altair as alt
    import marimo as mo
    import polars as pl

    from reports.editions.parameters import PeriodParameters, ask, read


@app.cell
def _():
    form = ask(mo, PeriodParameters)
    form
    return (form,)


@app.cell
def _(form):
    parameters = read(PeriodParameters, form.value)
    book = parameters.open()
    return parameters, book


@app.cell
def _(parameters, book):
    revenue = book.report("brand-revenue", by="total", **parameters.period)
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
def _(parameters, book):
    weekly = book.report("brand-revenue", by="week", **parameters.period).frame
    chart = (
        alt.Chart(weekly.select("week", "brand_name", "currency", pl.col("net").cast(pl.Float64)))
        .mark_line()
        .encode(x="week:T", y="net", color="brand_name", row="currency")
        .properties(width=560, height=220)
    )
    chart
    return (chart,)


@app.cell
def _(parameters, book):
    settlements = book.report("brand-settlements", **parameters.period)
    settlements
    return (settlements,)


@app.cell
def _(parameters, book):
    services = book.report("services", **parameters.period)
    services
    return (services,)


@app.cell
def _(parameters, book):
    activity = book.report("client-activity", **parameters.period)
    activity
    return (activity,)


if __name__ == "__main__":
    app.run()
