"""A tour of the book: what is in it, whether it can be trusted, and how to ask it anything."""

import marimo

app = marimo.App(width="medium", app_title="Tiffin: a tour")


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


@app.cell(hide_code=True)
def _(book, mo):
    mo.md(f"""
    # A tour of the book

    Cut **{book.cut.number}**, taken at {book.cut.taken_at:%Y-%m-%d %H:%M} UTC; days are closed up to
    **{book.cut.closed_until}**, in {book.cut.time_zone}. Reports of closed days stay the same forever.
    """)
    return


@app.cell
def _(book, period):
    control = book.report("control", **period)
    control
    return (control,)


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## What each brand sold

    `book.report(name, …)` runs any standard report. `.frame` is a Polars frame, `.controls` its control totals.
    """)
    return


@app.cell
def _(book, period):
    revenue = book.report("brand-revenue", by="month", **period)
    revenue
    return (revenue,)


@app.cell
def _(alt, pl, revenue):
    bars = (
        alt.Chart(revenue.frame.select("month", "brand_name", "currency", pl.col("net").cast(pl.Float64)))
        .mark_bar()
        .encode(x="month", y="sum(net)", color="brand_name", row="currency")
        .properties(width=560, height=220)
    )
    bars
    return (bars,)


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## Further than the reports

    `book.entries` and the other tables are lazy frames; `book.sql` answers DuckDB's SQL over them, read only.
    """)
    return


@app.cell
def _(book, pl):
    kinds = (
        book.entries.filter(pl.col("version").is_not_null())
        .group_by("kind", "currency")
        .agg(pl.len().alias("entries"), pl.col("amount").sum())
        .sort("kind", "currency")
        .collect()
    )
    kinds
    return (kinds,)


@app.cell
def _(book):
    largest = book.sql("""
        SELECT account_id, currency, max(balance_after) AS highest, min(balance_after) AS lowest
        FROM entries WHERE version IS NOT NULL GROUP BY ALL ORDER BY highest DESC, account_id LIMIT 10
    """)
    largest
    return (largest,)


if __name__ == "__main__":
    app.run()
