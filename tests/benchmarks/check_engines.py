"""Does Spark give what Polars gives? Every standard report, in each of its shapes, over all closed days of a home.

    TIFFIN_HOME=… python -m tests.benchmarks.check_engines [REPORT …]

Every cell, its type and place, and every control total. An account's card is that of the account with the most
entries. Needs what `make test-spark` sets up. Ends with 1 if anything differs, if a control does not hold, or if
no row was compared.
"""

import sys
from typing import Any

import reports
from ledger.errors import Failure
from ledger.settings import Settings
from reports.core.report import REPORTS, Report, named
from reports.run import LakeBook
from tests.benchmarks.check_acts import closed_days
from tests.reports.spark.compared import Compared, busiest, compared, shapes


def parameters_for(report: Report, book: LakeBook) -> dict[str, Any]:
    """Return the parameters that the report needs, over all closed days."""
    first, last = closed_days(book)
    fields = report.parameters.model_fields
    given = {"first_day": first, "last_day": last, "as_of": last}
    if "account" in fields and fields["account"].is_required():
        given["account"] = busiest(book)
    return {name: value for name, value in given.items() if name in fields}


def line_of(name: str, shape: dict[str, str], one: Compared) -> str:
    """Return a line of figures."""
    holds = f"{len(one.result.controls)} controls hold" if one.result.holds else "A CONTROL DOES NOT HOLD"
    seconds = f"Polars {one.polars_seconds:5.1f} s, Spark {one.spark_seconds:5.1f} s"
    figures = f"{one.result.frame.height:>6,} rows {one.cells:>8,} cells"
    what = " ".join((name, *shape.values()))
    return f"{what:<28} {figures}  {holds:<18} {seconds}  {'; '.join(one.differ) or 'equal'}"


def main() -> None:
    """Compare, one line per report and shape, and the sums."""
    found: list[Compared] = []
    try:
        url = Settings().lake_url
        polars, spark = reports.open(url), reports.open(url, engine="spark")
        chosen = [named(name) for name in sys.argv[1:]] or list(REPORTS.values())
        runs = [(place, report, shape) for report in chosen for place, shape in enumerate(shapes(report))]
        # The first shape of all, then the others; control, the longest, last.
        for _, report, shape in sorted(runs, key=lambda run: (run[1].name == "control", run[0])):
            found.append(compared(polars, spark, report.name, **parameters_for(report, polars), **shape))
            print(line_of(report.name, shape, found[-1]), flush=True)
    except Failure as failure:
        sys.exit(str(failure))
    cells, differ = sum(one.cells for one in found), sum(bool(one.differ) for one in found)
    seconds = [sum(getattr(one, f"{engine}_seconds") for one in found) for engine in ("polars", "spark")]
    print(
        f"{len(chosen)} reports in {len(found)} shapes: {sum(one.result.frame.height for one in found):,} rows, "
        f"{cells:,} cells, {differ or 'none'} differ; Polars {seconds[0]:.0f} s, Spark {seconds[1]:.0f} s"
    )
    if differ or not cells or not all(one.result.holds for one in found):
        sys.exit(1)


if __name__ == "__main__":
    main()
