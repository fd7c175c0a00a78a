"""The brands beside each other: revenue, discounts, what was taken back, and what they owe one another."""

import marimo

app = marimo.App(width="medium", app_title="Tiffin: brands")


@app.cell
def _():
    import altair as alt
    import marimo as mo
    import polars as pl

    import reports

    return alt, mo, pl, reports


@app.cell
def _(mo, reports):
    options = mo.cli_args().to_dict()  # --lake, --from, --to
    book = reports.open(options.get("lake"))
    period = {name: str(options[name]) for name in ("from", "to") if name in options}
    return book, period


@app.cell
def _(book, period):
    revenue = book.report("brand-revenue", by="total", **period)
    revenue
    return (revenue,)


@app.cell
def _(pl, revenue):
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
def _(alt, book, period, pl):
    weekly = book.report("brand-revenue", by="week", **period).frame
    chart = (
        alt.Chart(weekly.select("week", "brand_name", "currency", pl.col("net").cast(pl.Float64)))
        .mark_line()
        .encode(x="week:T", y="net", color="brand_name", row="currency")
        .properties(width=560, height=220)
    )
    chart
    return (chart,)


@app.cell
def _(book, period):
    settlements = book.report("brand-settlements", **period)
    settlements
    return (settlements,)


@app.cell
def _(book, period):
    services = book.report("services", **period)
    services
    return (services,)


@app.cell
def _(book, period):
    activity = book.report("client-activity", **period)
    activity
    return (activity,)


if __name__ == "__main__":
    app.run()
