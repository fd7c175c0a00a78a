"""Review limits: with others, what of a month would have been declined or let through, and the money at stake."""

import marimo

app = marimo.App(width="medium", app_title="Tiffin: limits review")


@app.cell
def _():
    from decimal import Decimal

    import altair as alt
    import marimo as mo
    import polars as pl

    import reports
    from reports.replay.what_if import scaled, what_if

    return Decimal, alt, mo, pl, reports, scaled, what_if


@app.cell
def _(mo, reports):
    options = mo.cli_args().to_dict()  # --lake, --month, --credit, --write-off
    book = reports.open(options.get("lake"))
    month = str(options.get("month", f"{book.last_day:%Y-%m}"))
    return options, book, month


@app.cell(hide_code=True)
def _(mo, month):
    mo.md(f"""
    # What if limits had been other in {month}?

    The month's commands are replayed through the ledger's own rules with every credit limit and every
    write-off limit times a factor. What a client would have done after another answer nobody knows:
    the commands stay as they were.
    """)
    return


@app.cell
def _(options, mo):
    credit = mo.ui.number(0, 10, 0.05, float(options.get("credit", 0.5)), label="credit limits times")
    write_off = mo.ui.number(0, 10, 0.05, float(options.get("write-off", 1)), label="write-off limits times")
    mo.hstack([credit, write_off], justify="start")
    return credit, write_off


@app.cell
def _(Decimal, book, credit, month, scaled, what_if, write_off):
    limits = scaled(book, credit=Decimal(str(credit.value)), write_off=Decimal(str(write_off.value)))
    found = what_if(book, month, limits)
    return (found,)


@app.cell(hide_code=True)
def _(found, mo):
    mo.md(f"""
    **{found.answered}** commands were replayed, of accounts with limits and of all connected with them;
    **{found.differing.height}** have another answer. With the limits as they are,
    **{found.unlike.height}** are answered otherwise than the ledger did, because terms changed since.
    """)
    return


@app.cell
def _(found):
    at_stake = found.at_stake
    at_stake
    return (at_stake,)


@app.cell
def _(alt, at_stake, pl):
    stakes = (
        alt.Chart(at_stake.select("effect", "currency", pl.col("amount").cast(pl.Float64)))
        .mark_bar()
        .encode(x="amount", y="effect", row="currency")
        .properties(width=560)
    )
    stakes
    return (stakes,)


@app.cell(hide_code=True)
def _(mo):
    mo.md("## Whom it would touch: the largest amounts first")
    return


@app.cell
def _(found, pl):
    touched = (
        found.differing.filter(pl.col("effect").is_in(["declined", "let_through"]))
        .group_by("effect", "currency", "account", "reference")
        .agg(count=pl.len(), amount=pl.col("amount").sum())
        .sort("effect", "currency", "amount", "account", descending=[False, False, True, False])
    )
    touched
    return (touched,)


@app.cell
def _(found):
    found.differing
    return


@app.cell
def _(found):
    found.unlike
    return


if __name__ == "__main__":
    app.run()
