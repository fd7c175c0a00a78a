"""Close a month: what is left to do, every control, and what is provisional."""

import marimo

app = marimo.App(width="medium", app_title="Tiffin: month close")

with app.setup:
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
    control = book.report("control", **parameters.period)
    differing = control.frame.filter(control.frame["state"] != "holds")
    return control, differing


@app.cell
def _(parameters, book):
    receipts = book.report("receipts", by="total", **parameters.period)
    corrections = book.report("corrections", **parameters.period)
    declines = book.report("declines", **parameters.period)
    last_day = receipts.parameters.days[1]
    held = book.report("holds", **parameters.period)
    return corrections, declines, held, last_day, receipts


@app.cell(hide_code=True)
def _(control, corrections, declines, differing, held, last_day, receipts):
    unallocated = receipts.frame.filter(pl.col("unallocated") != 0).height
    unexplained = corrections.frame.filter((pl.col("kind") == "adjustment") & pl.col("reason").is_null()).height
    to_do = {
        f"close the days up to {last_day}: they are still open": control.provisional,
        f"find out why checks differ: {differing.height}": differing.height > 0,
        f"allocate the payments whose payer is unknown, in {unallocated} rows of receipts": unallocated > 0,
        f"explain {unexplained} adjustments that give no reason": unexplained > 0,
        f"look at {int(declines.frame['count'].sum())} declines": declines.frame.height > 0,
        f"look at {held.frame.filter(pl.col('closing') > 0).height} accounts with money set aside": held.frame.height
        > 0,
    }
    left = [what for what, is_so in to_do.items() if is_so]
    mo.md(
        f"# Month close, to {last_day}\n\n"
        + ("\n".join(f"- [ ] {what}" for what in left) if left else "Nothing is left to do.")
    )
    return (left,)


@app.cell
def _(control):
    control
    return


@app.cell
def _(parameters, book):
    book.report("trial-balance", **parameters.period)
    return


@app.cell
def _(receipts):
    receipts
    return


@app.cell
def _(corrections):
    corrections
    return


@app.cell
def _(declines):
    declines
    return


if __name__ == "__main__":
    app.run()
