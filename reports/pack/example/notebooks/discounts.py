"""Discounts: which brand gives away how much of what it sells."""

import marimo

app = marimo.App(width="medium", app_title="Discounts")

with app.setup:
    import marimo as mo

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
    return book, parameters


@app.cell
def _(book, parameters):
    days = {"first_day": parameters.period.get("from"), "last_day": parameters.period.get("to")}
    discounts = book.metric("discounts", "discount_share", by="brand", **days)
    discounts
    return (discounts,)


@app.cell
def _(discounts):
    chart = discounts.chart()
    chart
    return (chart,)


if __name__ == "__main__":
    app.run()
