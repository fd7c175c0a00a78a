"""Questions that want to kill the server, to see more than tables, or that only look forbidden."""

import threading
import time
from contextlib import suppress

import polars as pl
import psutil
import pytest

from ledger.errors import Failure
from reports.lake import sql
from reports.lake.reader import Lake, open_lake
from reports.lake.sql import answer_sql
from reports.run import LakeBook
from tests.reports.story import Story
from tests.reports.write_lake import write_lake

SECONDS, MEMORY_MB = 0.3, 150


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Return one small lake for all questions: what each leaves behind is the next one's."""
    story = Story()
    story.brand("sushi", "Sushi House")
    story.account("anna", holder="sushi")
    story.payment("2017-03-01", "anna", 300, "sushi", key="p1", channel="card")
    story.debit("2017-03-02", "anna", ("sushi", 100), key="d1")
    story.close("2017-03-31")
    return open_lake(str(write_lake(story, tmp_path_factory.mktemp("bombs"))))


@pytest.fixture(autouse=True)
def _little_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql, "GRACE_SECONDS", 0.2)


def ask(lake: Lake, query: str, **limits: float) -> pl.DataFrame:
    """Ask with little time and memory."""
    given = {"most_rows": 100, "seconds": SECONDS, "memory_mb": MEMORY_MB, "most_mb": 4, **limits}
    return answer_sql(lake, query, **given).frame  # type: ignore[arg-type]


MANY = "range(100000000)"
BOMBS = [
    # Time.
    f"SELECT count(*) FROM {MANY} a, {MANY} b WHERE a.range + b.range = 7",
    f"SELECT count(*) FROM {MANY} a, {MANY} b, {MANY} c",
    "SELECT sum(sin(range)) FROM range(10000000000)",
    "SELECT levenshtein(repeat('a', 200000), repeat('b', 200000))",
    "SELECT damerau_levenshtein(repeat('a', 20000), repeat('b', 20000))",
    "SELECT jaccard(repeat('ab', 50000000), repeat('cd', 50000000))",
    "SELECT jaro_winkler_similarity(repeat('a', 300000), repeat('b', 300000))",
    "SELECT editdist3(repeat('a', 100000), repeat('b', 100000))",
    "SELECT hamming(repeat('a', 100000000), repeat('b', 100000000))",
    "SELECT regexp_matches(repeat('a', 5000000), '(a*)*b')",
    "SELECT regexp_replace(repeat('a', 50000000), '(a|aa)+$', repeat('b', 1000), 'g')",
    "SELECT regexp_extract_all(repeat('ab', 20000000), '(a)(b)')",
    "SELECT repeat('a', 5000000) LIKE '%a%a%a%a%a%a%a%b'",
    "SELECT repeat('a', 5000000) SIMILAR TO '(a+)+b'",
    "WITH RECURSIVE r AS (SELECT 1 n UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r",
    "WITH RECURSIVE r AS (SELECT 1 n UNION ALL SELECT n + 1 FROM r) SELECT * FROM r WHERE n < 0",
    "WITH RECURSIVE r AS (SELECT 1::HUGEINT n UNION ALL SELECT n * 2 % 1000003 FROM r) SELECT max(n) FROM r",
    "WITH RECURSIVE r AS (SELECT 'a' s UNION ALL SELECT s || s FROM r) SELECT max(length(s)) FROM r",
    f"SELECT count(*) FROM {MANY} a JOIN {MANY} b ON a.range < b.range",
    f"SELECT count(*) FROM {MANY} a ASOF JOIN {MANY} b ON a.range >= b.range",
    f"SELECT (SELECT count(*) FROM range(1000000) b WHERE b.range > a.range) FROM {MANY} a ORDER BY 1",
    f"SELECT count(DISTINCT range) FROM {MANY}",
    "SELECT approx_count_distinct(hash(range)) FROM range(100000000000)",
    f"SELECT count(*) FROM {MANY} a WHERE md5(range::VARCHAR) = ''",
    f"SELECT count(*) FROM {MANY} a WHERE sha256(repeat('x', 10000) || range) = ''",
    "SELECT sum(factorial((range % 33)::INTEGER)) FROM range(10000000000)",
    "SELECT list_reduce(range(10000000), lambda a, b: a + b % 7)",
    "SELECT list_sort(list_transform(range(50000000), lambda x: hash(x)))",
    "SELECT count(*) FROM (SELECT unnest(generate_series(TIMESTAMP '0001-01-01', TIMESTAMP '9999-01-01',"
    " INTERVAL 1 SECOND)))",
    "SELECT max(bar(range, 0, 100, 1000)) FROM range(1000000000)",
    # Memory.
    "SELECT repeat('a', 5000000000)",
    "SELECT length(repeat(repeat('a', 1000000), 100000))",
    "SELECT lpad('', 2000000000, 'x')",
    "SELECT rpad('', 2000000000, 'x')",
    "SELECT range(5000000000)",
    "SELECT list(range) FROM range(1000000000)",
    "SELECT string_agg(range::VARCHAR, ',') FROM range(1000000000)",
    "SELECT array_agg(repeat('x', 1000)) FROM range(10000000)",
    "SELECT histogram(range) FROM range(100000000)",
    "SELECT map_from_entries(list({'k': range, 'v': range})) FROM range(100000000)",
    "SELECT median(range) FROM range(1000000000)",
    "SELECT mode(range) FROM range(1000000000)",
    "SELECT quantile_cont(range, [0.1, 0.2, 0.9]) FROM range(1000000000)",
    f"SELECT * FROM {MANY} ORDER BY hash(range)",
    f"SELECT range, row_number() OVER (ORDER BY hash(range)) FROM {MANY}",
    f"SELECT sum(range) OVER (ORDER BY range ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM {MANY} ORDER BY 1",
    f"SELECT range, count(*) FROM {MANY} GROUP BY ALL ORDER BY 2",
    f"SELECT DISTINCT repeat(range::VARCHAR, 100) FROM {MANY} ORDER BY 1",
    f"SELECT range FROM {MANY} EXCEPT SELECT range + 1 FROM {MANY}",
    "SELECT repeat([1], 1000000000)",
    "SELECT list_resize([1], 4000000000, 0)",
    "SELECT flatten(list_transform(range(100000), lambda x: range(100000)))",
    "SELECT bit_count(repeat('1', 3000000000)::BIT)",
    "SELECT format('{:>2000000000}', 'a')",
    "SELECT printf('%2000000000d', 1)",
    "SELECT to_json(list(range)) FROM range(200000000)",
    "SELECT json_group_array(range) FROM range(300000000)",
    "PIVOT (SELECT range a, range b FROM range(1000000)) ON a USING sum(b)",
    # Depth and size.
    "SELECT " + "(" * 3000 + "1" + ")" * 3000,
    "SELECT " + "+".join(["1"] * 20000),
    "SELECT " + "NOT " * 20000 + "true",
    "SELECT " + "[" * 3000 + "1" + "]" * 3000,
    "SELECT " + " UNION ALL SELECT ".join(["1"] * 5000),
    "SELECT ('" + '{"a":' * 16000 + "1" + "}" * 16000 + "')::JSON::VARIANT",
    "SELECT json_extract('" + "[" * 45000 + "]" * 45000 + "', '$[0]')",
    "SELECT json('" + '{"a":' * 10000 + "1" + "}" * 10000 + "')::STRUCT(a JSON)",
    "SELECT CASE " + " ".join(f"WHEN {number}=0 THEN 1" for number in range(4000)) + " END",
    "WITH "
    + ", ".join(
        f"t{n} AS (SELECT * FROM t{n - 1} a, t{n - 1} b)" if n else "t0 AS (FROM range(9) x(a))" for n in range(12)
    )
    + " SELECT count(*) FROM t11",
    "SELECT " + ", ".join(f"{number} AS c{number}" for number in range(5000)),
    "SELECT repeat('x', 3000000) FROM range(50)",
]


SAMPLE = range(0, len(BOMBS), 6)
"""What is thrown in `make test`, some of each kind; the others in `make soak`."""


@pytest.mark.parametrize(
    "query",
    [
        pytest.param(query, id=str(number), marks=() if number in SAMPLE else pytest.mark.soak)
        for number, query in enumerate(BOMBS)
    ],
)
def test_a_bomb_is_bounded_and_the_next_question_is_answered(lake: Lake, query: str) -> None:
    """It has rows, or a sentence, soon; this process is here and asks again."""
    started, refused = time.monotonic(), ""
    try:
        frame = ask(lake, query)
    except Failure as failure:
        refused = str(failure)
    else:
        assert frame.height <= 100
        assert frame.estimated_size() < 8 << 20
    assert "\n" not in refused
    assert len(refused) < 700
    assert time.monotonic() - started < 20
    assert ask(lake, "SELECT count(*) FROM brands", seconds=20).item() == 1


def test_there_are_sixty() -> None:
    """Of every kind."""
    assert len(set(BOMBS)) >= 60


def children() -> list[psutil.Process]:
    """Return the processes that answer queries."""
    every = psutil.Process().children(recursive=True)
    return [child for child in every if "sql_process.py" in " ".join(child.cmdline())]


def test_memory_and_wall_clock_of_a_question_are_held(lake: Lake) -> None:
    """The one that answers stays within its limits, and this process does not grow by what it is asked."""
    before, peak, done = psutil.Process().memory_info().rss, 0, threading.Event()
    ask(lake, "SELECT 1", seconds=20)

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.02):
            for child in children():
                with suppress(psutil.Error):
                    peak = max(peak, child.memory_info().rss)

    watching = threading.Thread(target=watch)
    watching.start()
    started = time.monotonic()
    with pytest.raises(Failure, match=r"stopped after 2 seconds|needs more than 150 MB"):
        ask(lake, f"SELECT list(repeat('x', 100) || range) FROM {MANY}", seconds=2)
    taken = time.monotonic() - started
    done.set()
    watching.join()
    assert taken < 2 + sql.GRACE_SECONDS + 2
    assert peak < (MEMORY_MB + 400) << 20
    assert psutil.Process().memory_info().rss - before < 100 << 20


def test_what_cannot_be_interrupted_is_killed_in_time(lake: Lake) -> None:
    """A comparison of long texts looks at no flag: its process goes, and none is left."""
    ask(lake, "SELECT 1", seconds=20)
    started = time.monotonic()
    with pytest.raises(Failure, match=r"stopped after 0\.3 seconds"):
        ask(lake, "SELECT levenshtein(repeat('a', 200000), repeat('b', 200000))")
    assert time.monotonic() - started < 3
    assert not [child for child in children() if child.cpu_percent(0.1) > 50]


def test_others_are_answered_meanwhile(lake: Lake) -> None:
    """One endless question holds one place of two."""
    endless = f"SELECT count(*) FROM {MANY} a, {MANY} b WHERE a.range + b.range = 7"

    def hold() -> None:
        with suppress(Failure):
            ask(lake, endless, seconds=3)

    first = threading.Thread(target=hold)
    first.start()
    assert ask(lake, "SELECT 1", seconds=20).item() == 1
    first.join()


def test_who_finds_no_place_is_refused(lake: Lake) -> None:
    """In a sentence, after as long as the question might have run."""
    places = [sql._POOL._free.acquire(timeout=20) for _ in range(sql.PROCESSES)]
    try:
        with pytest.raises(Failure, match="2 other queries are being answered"):
            ask(lake, "SELECT 1", seconds=0.1)
    finally:
        for _ in places:
            sql._POOL._free.release()


def test_a_chain_of_questions_is_one_process(lake: Lake) -> None:
    """An answer, and a refusal, leave their process to the next question."""
    ask(lake, "SELECT 1", seconds=20)
    before = {child.pid for child in children()}
    assert before
    for query in ("SELECT 2", "SELEC 1", "DROP TABLE brands", "SELECT code FROM brands"):
        with suppress(Failure):
            ask(lake, query, seconds=20)
    assert {child.pid for child in children()} == before


def test_the_book_asks_in_the_same_way(lake: Lake) -> None:
    """A notebook's question is limited, too, and never cut off silently."""
    book = LakeBook(lake)
    assert book.sql("SELECT code FROM brands").item() == "sushi"
    with pytest.raises(Failure, match=r"stopped after 0\.3 seconds"):
        book.sql(BOMBS[0], seconds=0.3)
    with pytest.raises(Failure, match="more than 150 MB"):
        book.sql("SELECT list(range) FROM range(1000000000)", memory_mb=150)
    with pytest.raises(Failure, match="more than 1,000,000 rows"):
        book.sql("SELECT * FROM range(1000001)")
