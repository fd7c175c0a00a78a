"""Review limits: with others, what of a month would have been declined or let through, and the money at stake."""

import marimo

app = marimo.App(width="medium", app_title="Tiffin: limits review")

with app.setup:
    from decimal import Decimal
    from typing import Annotated

    import altair as alt
    import marimo as mo
    import polars as pl
    from pydantic import Field

    from reports.editions.parameters import MonthParameters, ask, read
    from reports.replay.what_if import scaled, what_if


@app.class_definition
class LimitsParameters(MonthParameters):
    """A month, and what every limit of it is multiplied by."""

    credit: Annotated[
        Decimal,
        Field(
            ge=0,
            le=10,
            title="Credit limits times",
            description="credit limits times",
            json_schema_extra={"ru": "Кредитные лимиты, раз"},
        ),
    ] = Decimal("0.5")
    write_off: Annotated[
        Decimal,
        Field(
            ge=0,
            le=10,
            alias="write-off",
            title="Write-off limits times",
            description="write-off limits times",
            json_schema_extra={"ru": "Лимиты списаний, раз"},
        ),
    ] = Decimal(1)


@app.cell
def _():
    form = ask(mo, LimitsParameters)
    form
    return (form,)


@app.cell
def _(form):
    parameters = read(LimitsParameters, form.value)
    book = parameters.open()
    return parameters, book


@app.cell
def _(parameters, book):
    month = parameters.month or f"{book.last_day:%Y-%m}"
    return (month,)


@app.cell(hide_code=True)
def _(month):
    mo.md(f"""
    # What if limits had been other in {month}?

    The month's commands are replayed through the ledger's own rules with every credit limit and every
    write-off limit times a factor. What a client would have done after another answer nobody knows:
    the commands stay as they were.
    """)
    return


@app.cell
def _(parameters, book, month):
    limits = scaled(book, credit=parameters.credit, write_off=parameters.write_off)
    found = what_if(book, month, limits)
    return (found,)


@app.cell(hide_code=True)
def _(found):
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
def _(at_stake):
    stakes = (
        alt.Chart(at_stake.select("effect", "currency", pl.col("amount").cast(pl.Float64)))
        .mark_bar()
        .encode(x="amount", y="effect", row="currency")
        .properties(width=560)
    )
    stakes
    return (stakes,)


@app.cell(hide_code=True)
def _():
    mo.md("## Whom it would touch: the largest amounts first")
    return


@app.cell
def _(found):
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
