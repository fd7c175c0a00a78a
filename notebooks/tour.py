"""A tour of the book: what is in it, whether it can be trusted, and how to ask it anything."""

import marimo

app = marimo.App(width="medium", app_title="Tiffin: a tour")

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


@app.cell(hide_code=True)
def _(book):
    mo.md(f"""
    # A tour of the book

    Cut **{book.cut.number}**, taken at {book.cut.taken_at:%Y-%m-%d %H:%M} UTC; days are closed up to
    **{book.cut.closed_until}**, in {book.cut.time_zone}. Reports of closed days stay the same.

    ## What each brand sold

    `book.report(name, …)` runs any standard report. `.frame` is a Polars frame, `.controls` its control totals.
    """)
    return


@app.cell
def _(parameters, book):
    revenue = book.report("brand-revenue", by="month", **parameters.period)
    return (revenue,)


@app.cell
def _(revenue):
    alt.Chart(
        revenue.numbers.select("brand_name", "currency", "net")
        .group_by("brand_name", "currency", maintain_order=True)
        .agg(pl.col("net").sum()),
        title="Net revenue by brand",
    ).mark_bar().encode(
        x=alt.X("net", title="net"), y=alt.Y("brand_name", sort="-x", title=None), row=alt.Row("currency", title=None)
    ).properties(width=560)
    return


@app.cell
def _(revenue):
    revenue
    return


@app.cell(hide_code=True)
def _():
    mo.md("""
    ## Whether it can be trusted

    Every figure of the reports beside the same figure found another way.
    """)
    return


@app.cell
def _(parameters, book):
    control = book.report("control", **parameters.period)
    control
    return (control,)


@app.cell(hide_code=True)
def _():
    mo.md("""
    ## Further than the reports

    `book.entries` and the other tables are lazy frames; `book.sql` answers DuckDB's SQL over them, read only.
    """)
    return


@app.cell
def _(book):
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
