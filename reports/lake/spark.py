"""The same lake on Apache Spark: the files that the manifest pins, read as Spark frames.

PySpark is not among Tiffin's own requirements: `make test-spark` and requirements/spark.in
bring it, and Java is the machine's. The reports' functions are the same; only this differs (DECISIONS D35).
"""

import os
import shutil
import tempfile
import warnings
from functools import cache
from pathlib import Path
from typing import Any

from ledger.errors import Failure
from reports.lake.reader import Lake, declared
from reports.lake.schema import Type

SPARK_TYPES: dict[Type, str] = {
    "int": "bigint",
    "text": "string",
    "money": "decimal(18,2)",
    "rate": "decimal(5,2)",
    "bool": "boolean",
    "date": "date",
    "instant": "timestamp",
    "json": "string",
}

LOCAL = {
    "spark.app.name": "tiffin",
    "spark.master": "local[2]",
    "spark.driver.memory": "3g",
    # Reports are short: compiling less took 47 seconds of processor for five of them instead of 80.
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.log.level": "ERROR",
    "spark.sql.shuffle.partitions": "2",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
"""The settings of a Spark of our own; one that is there already, as on a cluster, keeps its own."""


@cache
def session() -> Any:
    """Return the Spark session: the one there is, else a local one. A Failure if PySpark or Java is missing."""
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise Failure("--engine spark needs PySpark: run bin/setup spark") from None
    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
    found = SparkSession.getActiveSession()
    if found is None:
        if "PYSPARK_GATEWAY_PORT" not in os.environ:  # which spark-submit sets, and its Java runs already
            _start()
        found = SparkSession.builder.getOrCreate()
    found.conf.set("spark.sql.session.timeZone", "UTC")
    return found


def _start() -> None:
    """Start a local Spark whose Java writes nothing to our own output. Raises Failure if it does not start."""
    from pyspark import SparkConf, SparkContext
    from pyspark.errors import PySparkException
    from pyspark.java_gateway import launch_gateway

    home = os.environ.get("JAVA_HOME")
    if not shutil.which(str(Path(home, "bin/java")) if home else "java"):
        where = f"there is none in JAVA_HOME, {home}" if home else "run bin/setup spark, or name one with JAVA_HOME"
        raise Failure(f"--engine spark needs Java 17 or newer: {where}")
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    conf = SparkConf(loadDefaults=False).setAll(list(LOCAL.items()))
    with tempfile.TemporaryFile() as output:
        try:
            gateway = launch_gateway(conf, {"stdout": output, "stderr": output})
        except PySparkException:
            output.seek(0)
            lines = [line for line in output.read().decode(errors="replace").splitlines() if line.strip()]
            raise Failure(f"Spark did not start: {_reason(lines)}") from None
    SparkContext(conf=conf, gateway=gateway)


def _reason(lines: list[str]) -> str:
    """Return the last line in which Java reports an error, else the last one."""
    errors = [line for line in lines if "Error" in line or "Exception" in line]
    return (errors or lines or ["Java ended at once"])[-1].strip()


def _of_store(root: str) -> dict[str, str]:
    """Return where an object store of S3's kind is, if the environment says so; keys Hadoop finds there itself."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    if not root.startswith("s3a://") or not endpoint:
        return {}
    own = {"endpoint": endpoint, "path.style.access": "true"}
    own |= {"endpoint.region": os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"}
    return {f"fs.s3a.{name}": value for name, value in own.items()}


class SparkLake:
    """A lake whose tables are Spark frames, at the versions that its cut pins."""

    def __init__(self, lake: Lake) -> None:
        self.lake = lake
        self.cut = lake.cut
        self._frames: dict[str, Any] = {}

    def scan(self, name: str) -> Any:
        """Return a table in its declared columns and types. Raises Failure as `Lake.pinned` does."""
        if name not in self._frames:  # Spark lists a table's files each time it is read
            self._frames[name] = self._scan(name)
        return self._frames[name]

    def _scan(self, name: str) -> Any:
        table = declared(name)
        pinned = self.lake.pinned(name)
        schema = ", ".join(f"`{column.name}` {SPARK_TYPES[column.type]}" for column in table.columns)
        if not pinned.files:
            return session().createDataFrame([], schema)
        # Hadoop's own name of S3; it knows no s3://.
        root = self.lake.place.table(name).replace("s3://", "s3a://", 1)
        # Spark would else look into the files for their columns, once more for every table.
        reader = session().read.schema(schema).option("basePath", root).options(**_of_store(root))
        found = reader.parquet(*(f"{root}/{file}" for file in pinned.files))
        return found.select(*(column.name for column in table.columns))  # the month would stand last
