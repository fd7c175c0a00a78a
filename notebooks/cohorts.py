"""Cohorts: of the clients who first ordered in a month, how many ordered again in each month after it."""

import marimo

app = marimo.App(width="medium", app_title="Tiffin: cohorts")

with app.setup:
    from typing import ClassVar

    import altair as alt
    import marimo as mo
    import polars as pl
    from pydantic import Field

    from reports.editions.parameters import PeriodParameters, ask, read


@app.class_definition
class CohortsParameters(PeriodParameters):
    """The months of first orders, of one brand or of all together."""

    whole: ClassVar[bool] = True
    brand: str | None = Field(None, description="only orders of this brand: its code")


@app.cell
def _():
    form = ask(mo, CohortsParameters)
    form
    return (form,)


@app.cell
def _(form):
    parameters = read(CohortsParameters, form.value)
    book = parameters.open()
    return parameters, book


@app.cell
def _(parameters, book):
    # Whose order it was stands in the transaction: what an employer paid is still its employee's lunch.
    ordered = (
        book.entries.filter(pl.col("account_kind") == "revenue", pl.col("kind").is_in(["debit", "capture"]))
        .join(book.brands.select("code", brand_id="id"), on="brand_id")
        .filter(pl.lit(value=True) if parameters.brand is None else pl.col("code") == parameters.brand)
        .join(book.transactions.select("account_id", transaction_id="id"), on="transaction_id")
        .select(client="account_id_right", month="month")
        .unique()
        .with_columns(
            number=pl.col("month").str.to_date("%Y-%m").dt.year() * 12 + pl.col("month").str.tail(2).cast(pl.Int32)
        )
        .with_columns(first=pl.col("number").min().over("client"), cohort=pl.col("month").min().over("client"))
        .collect()
    )
    return (ordered,)


@app.cell
def _(parameters, ordered):
    days = parameters.period
    cohorts = (
        ordered.filter(
            pl.col("cohort") >= (f"{days['from']:%Y-%m}" if "from" in days else ""),
            pl.col("cohort") <= (f"{days['to']:%Y-%m}" if "to" in days else "9999-12"),
        )
        .group_by("cohort", after=pl.col("number") - pl.col("first"))
        .agg(clients=pl.col("client").n_unique())
        .sort("cohort", "after")
        .with_columns(began=pl.col("clients").max().over("cohort"))
        .with_columns(kept=(pl.col("clients") / pl.col("began")).round(4))
    )
    return (cohorts,)


@app.cell(hide_code=True)
def _(parameters, cohorts):
    later = cohorts.filter(pl.col("after") == 1)
    again = later["clients"].sum() / later["began"].sum() if later.height else None
    of = "all brands together" if parameters.brand is None else f"brand {parameters.brand}"
    mo.md(
        f"# Who comes back: {of}\n\n"
        + (
            f"Of the {later['began'].sum():,} clients whose first month is followed by another here, "
            f"**{again:.0%}** ordered again in the very next one."
            if again is not None
            else "No month of first orders is followed by another yet."
        )
    )
    return


@app.cell
def _(cohorts):
    alt.Chart(cohorts, title="Clients who ordered again, by month of their first order").mark_rect().encode(
        x=alt.X("after:O", title="months after the first order"),
        y=alt.Y("cohort:O", title="first order"),
        color=alt.Color("kept", title="share kept", scale=alt.Scale(domain=[0, 1])),
    ).properties(width=560)
    return


@app.cell
def _(cohorts):
    table = cohorts.pivot("after", index=["cohort", "began"], values="kept").sort("cohort")
    table
    return (table,)


if __name__ == "__main__":
    app.run()
