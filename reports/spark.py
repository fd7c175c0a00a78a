"""The same lake on Apache Spark: the files that the manifest pins, read as Spark frames.

PySpark is not among Tiffin's own requirements: `make test-spark` and requirements/spark.in
bring it, and Java is the machine's. The reports' functions are the same; only this differs.
"""

from functools import cache
from typing import Any

from ledger.errors import Failure
from reports.lake.reading import Lake, declared
from reports.lake.schema import Type

SPARK_TYPES: dict[Type, str] = {
    "int": "bigint", "text": "string", "money": "decimal(18,2)", "rate": "decimal(5,2)",
    "bool": "boolean", "date": "date", "instant": "timestamp", "json": "string",
}  # fmt: skip


@cache
def session() -> Any:
    """Return the Spark session: the one there is, else a local one. A Failure if PySpark or Java is missing."""
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise Failure("--engine spark needs PySpark: pip install -r requirements/spark.in") from None
    settings = {
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.sources.partitionColumnTypeInference.enabled": "false",  # a month is text, not a date
        "spark.sql.shuffle.partitions": "2",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
    }
    builder = SparkSession.builder.appName("tiffin").master("local[2]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    try:
        found = builder.getOrCreate()
    except Exception as error:  # PySpark raises whatever its gateway meets: no Java, no port
        raise Failure(f"Spark does not start: {str(error).splitlines()[0]}") from None
    found.sparkContext.setLogLevel("ERROR")
    return found


class SparkLake:
    """A lake whose tables are Spark frames, at the versions that its cut pins."""

    def __init__(self, lake: Lake) -> None:
        self.lake = lake
        self.cut = lake.cut

    def scan(self, name: str) -> Any:
        """Return a table in its declared columns and types; null where the cut has no such column."""
        from pyspark.sql import functions as f

        table = declared(name)
        pinned = self.lake.manifest.tables.get(name)
        types = {column.name: SPARK_TYPES[column.type] for column in table.columns}
        if pinned is None or not pinned.files:
            return session().createDataFrame([], ", ".join(f"`{column}` {type_}" for column, type_ in types.items()))
        root = self.lake.place.table(name)
        found = session().read.option("basePath", root).parquet(*(f"{root}/{file}" for file in pinned.files))
        present = set(found.columns)
        return found.select(
            *(
                (f.col(f"`{column}`") if column in present else f.lit(None)).cast(type_).alias(column)
                for column, type_ in types.items()
            )
        )
