"""How fast the door is, each line beside its yardstick in the same run, on the same cores.

A hundred callers that each wait post one debit a request by HTTP (wrk), and the same through the intake alone, beside
the best that several callers get of a ledger in PL/pgSQL (`yard`); a stream of lines by HTTP, beside as many writers
of `Ledger.post` in batches of 1,000. An empty answer by uvicorn tells what HTTP costs. Every command has its own key.
Run: python -m tests.benchmarks.bench_door [--seconds 10]
"""

import argparse
import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table

from ledger.food.cli import level
from ledger.intake.writer_process import SentLine
from ledger.intake.writers import Writers
from ledger.postgres import embedded_server
from tests.benchmarks.bench_post import post, rate
from tests.benchmarks.books import prepare
from tests.benchmarks.yard import CALLERS as CALLERS_OF_TRANSFERS
from tests.benchmarks.yard import best_transfers, prepare_transfers

CALLERS = 100
WRK = """
local account, thread = {{ {accounts} }}, 0
function setup(t) t:set("id", thread); thread = thread + 1 end
function init() n = 0; math.randomseed(id); run = os.time() .. "-" .. id end
function request()
  n = n + 1
  local body = string.format('{{"type":"debit","key":"%s-%d","account":%d,"lines":[{{"brand":"sushi",' ..
    '"service":"order","reference":"A-%d","amount":"12.00"}}]}}', run, n, account[math.random(#account)], n)
  return wrk.format("POST", "/v1/commands", {{ ["content-type"] = "application/json" }}, body)
end
function response(status) if status ~= 200 then bad = (bad or 0) + 1; print("status " .. status) end end
"""


def debit(key: str, account: int) -> dict[str, object]:
    """Return a debit of 12.00, of one line."""
    lines = [{"brand": "sushi", "service": "order", "reference": key, "amount": "12.00"}]
    return {"type": "debit", "key": key, "account": account, "lines": lines}


def wrk(address: str, seconds: int, script: Path | None) -> tuple[float, float]:
    """Return requests a second, and the 99th percentile in milliseconds."""
    command = ["wrk", "-t1", f"-c{CALLERS}", f"-d{seconds}s", "--latency", "--timeout", "30s"]
    command += ["-s", str(script), address] if script else [f"{address}/healthz"]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "status " not in told, told
    assert "Non-2xx" not in told, told
    rate = re.findall(r"Requests/sec:\s+([\d.]+)", told)[0]
    p99, unit = re.findall(r"99%\s+([\d.]+)(us|ms|s)", told)[0]
    return float(rate), float(p99) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


async def by_pipes(url: str, accounts: list[int], seconds: float, writers: int) -> float:
    """Return commands a second of callers that each wait, through the intake alone."""
    intake = Writers(level, url, count=writers)
    await intake.start()
    numbers, done, until = count(), 0, time.perf_counter() + seconds

    async def caller() -> None:
        nonlocal done
        while time.perf_counter() < until:
            n = next(numbers)
            body = json.dumps(debit(f"pipes-{writers}-{until}-{n}", accounts[n * 7919 % len(accounts)])).encode()
            answer = await intake.submit(SentLine(body))
            assert answer.status == "posted"
            done += 1

    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    await intake.close()
    return done / seconds


def streamed(address: str, accounts: list[int], many: int, name: str) -> float:
    """Return lines a second of one stream by HTTP."""
    body = "".join(json.dumps(debit(f"{name}-{n}", accounts[n * 7919 % len(accounts)])) + "\n" for n in range(many))
    began = time.perf_counter()
    with httpx.Client(timeout=600) as client:
        answer = client.post(
            f"{address}/v1/commands", content=body.encode(), headers={"content-type": "application/x-ndjson"}
        )
    taken = time.perf_counter() - began
    assert answer.text.count('"posted"') == many
    return many / taken


EMPTY = """
import uvicorn
async def app(scope, receive, send):
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})
uvicorn.run(app, port=PORT, loop="uvloop", http="httptools", lifespan="off", log_level="critical", access_log=False)
"""


@contextmanager
def running(*command: str, url: str = "") -> Iterator[None]:
    """Run a program of Python beside the measurement."""
    environment = {**os.environ, "TIFFIN_DATABASE_URL": url}
    process = subprocess.Popen([sys.executable, "-c", *command], env=environment, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(60)


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=int, default=10)
    options.add_argument("--lines", type=int, default=40_000)
    options.add_argument("--writers", type=int, nargs="*", default=[1, 2])
    chosen = options.parse_args()
    home = Path(tempfile.mkdtemp(prefix="tiffin-bench-"))
    table = Table("what", "a second", "p99 ms", "ratio", "to", box=None)

    def add(what: str, rate: float, beside: float = 0, yardstick: str = "", p99: float = 0) -> None:
        ratio = f"{rate / beside:.2f}" if beside else ""
        table.add_row(what, f"{rate:,.0f}", f"{p99:.1f}" if p99 else "", ratio, yardstick)

    try:
        url = embedded_server.running(home)
        accounts = prepare(url)
        pgledger = prepare_transfers(url)
        script = home / "debits.lua"
        script.write_text(WRK.format(accounts=", ".join(map(str, accounts[:5000]))))
        best = best_transfers(pgledger, home, max(1, chosen.seconds // 3), CALLERS_OF_TRANSFERS)
        with running(EMPTY.replace("PORT", "8700")):
            _wait("http://127.0.0.1:8700")
            empty, _ = wrk("http://127.0.0.1:8700", 3, None)
        for writers in chosen.writers:
            several = f"{writers} writer{'s' if writers > 1 else ''}"
            address = f"http://127.0.0.1:{8700 + writers}"
            serve = ["serve", "--listen", f"127.0.0.1:{8700 + writers}", "--writers", str(writers)]
            with running("from reports.cli.main import main; main()", *serve, url=url):
                _wait(address)
                wrk(address, 2, script)
                posted, p99 = wrk(address, chosen.seconds, script)
                stream = streamed(address, accounts, chosen.lines, f"stream-{writers}-{time.time()}")
            piped = asyncio.run(by_pipes(url, accounts, chosen.seconds, writers))
            ledger = rate(post, url, accounts, chosen.lines, 1000, writers)
            add(f"HTTP, {CALLERS} callers, {several}", posted, piped, "pipes", p99)
            add(f"pipes, {CALLERS} callers, {several}", piped, best, "pgledger, callers that wait")
            add(f"NDJSON, {several}", stream, ledger, "Ledger.post")
            add(f"Ledger.post, batches of 1,000, {several}", ledger)
        add("pgledger, callers that wait", best)
        add("an empty answer by uvicorn", empty)
        Console().print(table)
    finally:
        embedded_server.stop(home)
        shutil.rmtree(home)


def _wait(address: str) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            if httpx.get(f"{address}/readyz").status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise AssertionError("the door does not open")


if __name__ == "__main__":
    main()
