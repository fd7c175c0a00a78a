"""What is reported where Spark cannot start."""

import sys
from pathlib import Path

import pytest

import reports
from ledger.errors import Failure
from reports.lake import spark


def test_without_pyspark_the_way_out_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """PySpark is not among the requirements, so most have none."""
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(Failure, match="--engine spark needs PySpark: run bin/setup spark"):
        spark.session.__wrapped__()


def test_another_engine_is_refused() -> None:
    """A word mistyped must not run on Polars in silence."""
    with pytest.raises(Failure, match="there is no engine sprak: choose polars or spark"):
        reports.open(engine="sprak")


@pytest.mark.spark
def test_without_java_the_way_out_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether none is named, or the one named is not there."""
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Failure, match="needs Java 17 or newer: run bin/setup spark, or name one with JAVA_HOME"):
        spark._start()
    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    with pytest.raises(Failure, match="needs Java 17 or newer: there is none in JAVA_HOME, /nowhere"):
        spark._start()


@pytest.mark.spark
def test_a_java_that_cannot_run_spark_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line: the last that tells of an error."""
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text(
        "#!/bin/sh\necho 'Error: LinkageError occurred while loading main class' >&2\n"
        "echo '    java.lang.UnsupportedClassVersionError: compiled by a more recent version of Java' >&2\nexit 1\n"
    )
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(Failure, match=r"^Spark did not start: java.lang.UnsupportedClassVersionError: compiled by"):
        spark._start()


def test_spark_is_told_where_an_object_store_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the environment that the lake's own reader takes; keys Hadoop finds there itself."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9000")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    assert spark._of_store("s3a://bucket/lake/tables/entries") == {
        "fs.s3a.endpoint": "http://127.0.0.1:9000",
        "fs.s3a.path.style.access": "true",
        "fs.s3a.endpoint.region": "eu-central-1",
    }
    assert spark._of_store("/var/lake/tables/entries") == {}
