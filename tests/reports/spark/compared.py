"""A report on both engines, set beside itself: every cell, its type and place, and every control total."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal, get_args, get_origin

import polars as pl

from reports.core.report import Report
from reports.core.result import Result
from reports.run import LakeBook


@dataclass(frozen=True)
class Compared:
    """What was compared, the seconds that each engine took, and a sentence for each thing that differs."""

    result: Result
    polars_seconds: float
    spark_seconds: float
    differ: list[str]

    @property
    def cells(self) -> int:
        """Return how many cells were compared."""
        return self.result.frame.height * self.result.frame.width


def compared(polars: LakeBook, spark: LakeBook, name: str, **parameters: Any) -> Compared:
    """Run the report on both engines and compare."""
    begun = time.perf_counter()
    expected = polars.report(name, **parameters)
    between = time.perf_counter()
    actual = spark.report(name, **parameters)
    ended = time.perf_counter()
    return Compared(expected, between - begun, ended - between, list(_differences(expected, actual)))


def _differences(expected: Result, actual: Result) -> Iterator[str]:
    polars, spark = expected.frame, actual.frame
    if polars.schema != spark.schema:
        yield f"columns: Polars {dict(polars.schema)}, Spark {dict(spark.schema)}"
    elif polars.height != spark.height:
        yield f"rows: Polars {polars.height}, Spark {spark.height}"
    else:
        for column in polars.columns:
            if (wrong := polars[column].ne_missing(spark[column])).any():
                row = wrong.arg_max()
                pair = f"Polars {polars[column][row]}, Spark {spark[column][row]}"
                yield f"{column}: {wrong.sum()} cells, first in row {row}: {pair}"
    if expected.controls != actual.controls:
        yield f"controls: Polars {expected.controls}, Spark {actual.controls}"


def shapes(report: Report) -> Iterator[dict[str, str]]:
    """Give every combination of the choices that the report's parameters leave, by day or by month and so on."""
    choices = {
        name: get_args(field.annotation)
        for name, field in report.parameters.model_fields.items()
        if get_origin(field.annotation) is Literal
    }
    for values in product(*choices.values()):
        yield dict(zip(choices, values, strict=True))


def busiest(book: LakeBook) -> int:
    """Return the number of the client account with the most entries."""
    moved = book.entries.filter(pl.col("version").is_not_null()).sort("version", "account_id", descending=True)
    number: int = moved.select(pl.col("account_id").first()).collect().item()
    return number
