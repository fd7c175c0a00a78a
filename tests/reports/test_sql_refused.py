"""What is no question over the tables is refused, each in one sentence; what is harmless is answered."""

from pathlib import Path

import pytest

from ledger.errors import Failure
from reports.lake.reader import Lake
from reports.lake.sql import answer_sql
from tests.reports.test_sql_bombs import lake as lake  # one lake, one process for all of them

WRITES = [
    "INSERT INTO brands VALUES (1)", "INSERT INTO brands SELECT * FROM brands", "INSERT OR REPLACE INTO brands BY NAME"
    " SELECT 1 AS id", "UPDATE brands SET name = 'x'", "UPDATE brands SET id = 1 WHERE id = 2 RETURNING *",
    "DELETE FROM brands", "DELETE FROM brands RETURNING *", "TRUNCATE brands",
    "MERGE INTO brands USING brands b ON brands.id = b.id WHEN MATCHED THEN DELETE",
    "CREATE TABLE x (a INT)", "CREATE TEMP TABLE x AS SELECT 1", "CREATE OR REPLACE TABLE brands AS SELECT 1",
    "CREATE VIEW x AS SELECT 1", "CREATE OR REPLACE VIEW brands AS SELECT 1", "CREATE TEMP VIEW x AS SELECT 1",
    "CREATE MACRO x(a) AS a", "CREATE FUNCTION x(a) AS a", "CREATE TEMP MACRO sum(a) AS 0", "CREATE SCHEMA x",
    "CREATE SEQUENCE x", "CREATE TYPE x AS ENUM ('a')", "CREATE INDEX x ON brands (id)",
    "CREATE UNIQUE INDEX x ON brands (id)", "CREATE SECRET x (TYPE s3, KEY_ID 'a', SECRET 'b')",
    "CREATE PERSISTENT SECRET x (TYPE s3)", "CREATE TRIGGER x AFTER INSERT ON brands EXECUTE SELECT 1",
    "DROP TABLE brands", "DROP VIEW brands", "DROP SCHEMA main CASCADE", "DROP MACRO sum", "DROP SECRET x",
    "DROP TYPE x", "DROP INDEX x", "DROP SEQUENCE x", "DROP TABLE IF EXISTS brands CASCADE",
    "ALTER TABLE brands ADD COLUMN x INT", "ALTER TABLE brands RENAME TO x", "ALTER TABLE brands DROP COLUMN id",
    "ALTER VIEW brands RENAME TO x", "COMMENT ON TABLE brands IS 'x'", "COMMENT ON COLUMN brands.id IS NULL",
]  # fmt: skip
MACHINE = [
    "COPY brands TO 'x.csv'", "COPY (SELECT 1) TO 'x.parquet' (FORMAT parquet)", "COPY brands FROM 'x.csv'",
    "COPY brands FROM '/etc/passwd'", "COPY (SELECT 1) TO '/dev/stdout'", "COPY FROM DATABASE memory TO x",
    "EXPORT DATABASE 'x'", "IMPORT DATABASE 'x'", "ATTACH 'x.duckdb'", "ATTACH ':memory:' AS x",
    "ATTACH 'dbname=postgres' AS x (TYPE postgres)", "ATTACH 'x.db' (TYPE sqlite)", "DETACH memory",
    "DETACH DATABASE IF EXISTS x", "USE memory", "USE x.main", "INSTALL httpfs", "INSTALL spatial FROM community",
    "FORCE INSTALL json", "LOAD httpfs", "LOAD '/tmp/x.duckdb_extension'", "UPDATE EXTENSIONS",
    "UPDATE EXTENSIONS (httpfs)", "SET memory_limit = '100GB'", "SET threads = 64", "SET lock_configuration = false",
    "SET enable_external_access = true", "SET GLOBAL TimeZone = 'UTC'", "SET SESSION schema = 'x'",
    "SET VARIABLE x = 1", "RESET memory_limit", "RESET ALL", "RESET VARIABLE x", "PRAGMA database_list",
    "PRAGMA version", "PRAGMA memory_limit = '1GB'", "PRAGMA enable_profiling", "PRAGMA disable_checkpoint_on_shutdown",
    "PRAGMA force_checkpoint", "PRAGMA table_info('brands')", "PRAGMA enable_logging", "CALL pragma_version()",
    "CALL dbgen(sf = 1)", "CALL enable_logging()", "CALL range(3)", "CALL force_checkpoint()", "CHECKPOINT",
    "FORCE CHECKPOINT", "CHECKPOINT memory", "VACUUM", "VACUUM ANALYZE", "ANALYZE", "BEGIN", "BEGIN TRANSACTION",
    "START TRANSACTION", "COMMIT", "ROLLBACK", "ABORT", "PREPARE x AS SELECT 1", "EXECUTE x", "EXECUTE x(1)",
    "DEALLOCATE x", "DEALLOCATE PREPARE x",
]  # fmt: skip
OUTSIDE = [
    "SELECT * FROM '/etc/passwd'", "SELECT * FROM 'x.csv'", "SELECT * FROM 'x.parquet'", "FROM 'https://example.com/x'",
    "SELECT * FROM read_csv('/etc/passwd')", "SELECT * FROM read_csv_auto('/etc/hosts')",
    "SELECT * FROM read_text('/etc/passwd')", "SELECT * FROM read_blob('/proc/self/environ')",
    "SELECT * FROM read_json('/etc/passwd')", "SELECT * FROM read_json_objects('/etc/passwd')",
    "SELECT * FROM read_ndjson('/etc/passwd')", "SELECT * FROM read_parquet('*.parquet')",
    "SELECT * FROM parquet_scan('../*')", "SELECT * FROM parquet_metadata('x.parquet')",
    "SELECT * FROM parquet_schema('x.parquet')", "SELECT * FROM sniff_csv('/etc/passwd')", "SELECT * FROM glob('/*')",
    "SELECT * FROM glob('*')", "SELECT * FROM glob('~/*')", "SELECT * FROM read_text('brands.duckdb')",
    "SELECT * FROM read_duckdb('unopened.duckdb')", "SELECT * FROM sqlite_scan('x.db', 't')",
    "SELECT * FROM postgres_scan('', 'public', 'brand')", "SELECT * FROM postgres_query('x', 'SELECT 1')",
    "SELECT * FROM delta_scan('.')", "SELECT * FROM iceberg_scan('.')", "SELECT * FROM read_xlsx('x.xlsx')",
    "SELECT * FROM st_read('x.shp')", "SELECT * FROM read_csv('s3://bucket/x.csv')",
    "SELECT * FROM read_csv('http://169.254.169.254/latest/')", "SELECT * FROM query('DROP TABLE brands')",
    "SELECT * FROM query_table('/etc/passwd')", "SELECT * FROM read_csv('/dev/stdin')",
    "SELECT getenv('HOME')", "SELECT currval('x')",
    "SELECT * FROM which_secret('s3://x', 's3')", "SELECT * FROM other.main.brands",
    "SUMMARIZE '/etc/passwd'", "DESCRIBE TABLE '/etc/passwd'", "SELECT nextval('x')",
]  # fmt: skip
WRONG = [
    "", " ", ";", "-- nothing", "/* nothing */", "SELEC 1", "SELECT", "SELECT * FROM", "SELECT * FROM nope",
    "SELECT nope FROM brands", "SELECT 1; SELECT 2", "SELECT 1; DROP TABLE brands", "SELECT 1; -- x\nSELECT 2",
    "DROP TABLE brands; SELECT 1", "SELECT 'a", 'SELECT "a', "SELECT $$a", "SELECT (1", "SELECT 1)", "SELECT 1 +",
    "SELECT nofunction(1)", "SELECT 'x'::INTEGER", "SELECT 1 / 'a'", "SELECT sum('a')", "SELECT * FROM brands WHERE",
    "SELECT code FROM brands GROUP BY name", "SELECT 1 UNION SELECT 1, 2", "SELECT $1", "SELECT ?", "SELECT $name",
    "SELECT 1::NOTYPE", "SELECT 10000000000::INTEGER", "SELECT 9223372036854775807 + 1",
    "SELECT DATE '2017-13-45'", "SELECT TIMESTAMP 'x'", "SELECT '\ud800'", "SELECT 1 \ud83d", "SELECT '\x00'",
    "SELECT chr(55296)", "SELECT DATE '294247-01-01'", "SELECT DATE '-5000-01-01'", "SELECT 'infinity'::DATE",
    "SELECT '-infinity'::TIMESTAMP", "SELECT TIMESTAMPTZ '200000-01-01'", "SELECT error('a\nb')",
    "SELECT '{'::JSON -> 'a'", "SELECT unnest(1)", "SELECT [1, 'a'::DATE]", "SELECT * EXCLUDE (nope) FROM brands",
    "WITH x AS (DELETE FROM brands RETURNING *) SELECT * FROM x", "SELECT * FROM (INSERT INTO brands VALUES (1))",
    "EXPLAIN DROP TABLE nope", "EXPLAIN ANALYZE COPY (SELECT 1) TO 'x.csv'", "EXPLAIN SELECT * FROM '/etc/passwd'",
    "PIVOT brands ON nope USING count(*)", "PIVOT '/etc/passwd' ON column0", "VALUES (1), (1, 2)", "FROM",
    ".tables", "\\d", "help", "SHOW nope", "DESCRIBE nope", "SUMMARIZE nope", "TABLE nope", "!", "\u200b",
    "SELECT" + " 1" * 60_000, "x" * 100_001,
]  # fmt: skip
REFUSED = [*WRITES, *MACHINE, *OUTSIDE, *WRONG]


@pytest.mark.parametrize("query", REFUSED, ids=range(len(REFUSED)))
def test_it_is_refused_in_one_sentence(lake: Lake, query: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No traceback, no line breaks, nothing of this machine in it, nothing written."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Failure) as raised:
        answer_sql(lake, query, most_rows=10)
    said = str(raised.value)
    assert said
    assert "\n" not in said
    assert len(said) < 700
    assert "root:" not in said
    assert lake.place.url not in said
    assert "Traceback" not in said
    assert not list(tmp_path.iterdir())


def test_there_are_a_hundred_and_fifty() -> None:
    """And each is another."""
    assert len(set(REFUSED)) >= 150


HARMLESS = {
    "SELECT 1 AS a;": [(1,)],
    "SELECT 1 AS a; -- the one": [(1,)],
    "SELECT ';' AS a /* ; */ ; ;": [(";",)],
    "SELECT 'ö;' AS a; -- ö": [("ö;",)],
    "-- first\nSELECT 1": [(1,)],
    "(SELECT 1)": [(1,)],
    "FROM range(2)": [(0,), (1,)],
    "VALUES (1), (2)": [(1,), (2,)],
    "TABLE brands": None,
    "FROM brands SELECT code": [("sushi",)],
    "WITH b AS (SELECT code FROM brands) FROM b": [("sushi",)],
    "PIVOT (SELECT 'x' a, 2 b) ON a USING sum(b)": [(2,)],
    "PIVOT entries ON account_kind USING sum(amount) GROUP BY currency": None,
    "PIVOT (SELECT 'x' a, 2 b) ON a IN ('x', 'y') USING sum(b)": [(2, None)],
    "UNPIVOT (SELECT 1 a, 2 b) ON a, b": [("a", 1), ("b", 2)],
    "EXPLAIN SELECT * FROM brands": None,
    "EXPLAIN ANALYZE SELECT 1": None,
    "DESCRIBE brands": None,
    "SHOW TABLES": None,
    "SUMMARIZE brands": None,
    "SELECT INTERVAL 1 DAY AS a": [("1 day",)],
    "SELECT union_value(k := 1) AS a": [("1",)],
    "SELECT MAP {'k': 1} AS a": [("{k=1}",)],
    "SELECT '101'::BIT AS a": [("101",)],
    "SELECT [INTERVAL 1 DAY] AS a": [("[1 day]",)],
    "SELECT [1, 2] AS a": [([1, 2],)],
    "SELECT {'k': 1} AS a": [({"k": 1},)],
    "SELECT TIME '10:00' AS a": [("10:00:00",)],
    "SELECT 1 AS a, 2 AS a, 3 AS A": [(1, 2, 3)],
    "SELECT NULL": [(None,)],
    "SELECT 1 WHERE false": [],
    "SELECT 340282366920938463463374607431768211455::UHUGEINT AS a": [("340282366920938463463374607431768211455",)],
    'SELECT 1 AS "a""b; --"': [(1,)],
    "SELECT '2017-03-01'::DATE - '2017-02-01'::DATE AS days": [(28,)],
    "SELECT DATE '294247-01-01'::VARCHAR AS a": [("294247-01-01",)],
    "SELECT count(*) FROM duckdb_functions() WHERE false": [(0,)],
}


@pytest.mark.parametrize("query", HARMLESS)
def test_what_is_harmless_is_answered(lake: Lake, query: str) -> None:
    """Whatever it ends with; values that no file can hold are text."""
    frame = answer_sql(lake, query, most_rows=100).frame
    if HARMLESS[query] is not None:
        assert frame.rows() == HARMLESS[query]
    else:
        assert frame.height


CATALOGUE = (
    "duckdb_views()",
    "duckdb_tables()",
    "duckdb_columns()",
    "duckdb_schemas()",
    "pragma_database_size()",
    "information_schema.tables",
    "duckdb_memory()",
)
MACHINE_TOO = (
    "FROM duckdb_databases()",
    "FROM system.main.duckdb_databases ( )",
    'SELECT path FROM "duckdb_databases"()',
    "FROM Duckdb_Databases/* */()",
    "FROM duckdb_databases -- x\n ()",
    "FROM duckdb_settings()",
    "SELECT current_setting('allowed_paths')",
    "FROM query('FROM duckdb_' || 'databases()')",
    "FROM duckdb_extensions()",
    "FROM query_table('brands')",
    "FROM duckdb_secrets()",
    "FROM pragma_database_list()",
)


@pytest.mark.parametrize("table", CATALOGUE)
def test_no_path_of_this_machine_is_in_the_catalogue(lake: Lake, table: str) -> None:
    """Tables and columns are."""
    frame = answer_sql(lake, f"SELECT * FROM (SELECT 1 FROM brands) b, {table} AS c", most_rows=1_000).frame
    written = " ".join(str(value) for row in frame.rows() for value in row)
    assert frame.height
    for folder in ("/tmp", "/home", "/root", "/var", str(Path.cwd()), "tiffin-sql"):
        assert folder not in written


@pytest.mark.parametrize("query", MACHINE_TOO)
def test_what_shows_the_machine_is_not_answered(lake: Lake, query: str) -> None:
    """However it is written."""
    with pytest.raises(Failure, match="shows this machine, not the book"):
        answer_sql(lake, query)
