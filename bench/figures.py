"""`make bench`: the cost of a backfill, as JSON. It measures requests compared with the fewest possible, records per
second and peak memory beside a bare loop over the same answers, a year of Cursor events at the provider's rate, CPU
seconds per day of all assets, rebuilding the marts of a thousand people over two years, querying their dashboards and
opening the pages, the error of forecasts and, if asked for, the marts of ten thousand people. docs/benchmarks.md
explains each figure. Ratios are comparable between machines, seconds are not.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dagster as dg
import duckdb
import httpx
import msgspec
import polars as pl

from ai_usage.automation.runs import Runs
from ai_usage.automation.warehouse_resource import warehouse_of
from ai_usage.catalog import TABLES
from ai_usage.commands.data_folder import prepare_instance
from ai_usage.commands.terminal import OUT
from ai_usage.definitions import build_defs
from ai_usage.ingest.day_replacement import DAYS_AT_ONCE
from ai_usage.partitions import ONE_DAY, Span, midnight
from ai_usage.providers.anthropic.client import ClaudeAdmin
from ai_usage.providers.anthropic.endpoints import COST_GROUPS, DAYS_A_REQUEST
from ai_usage.providers.anthropic.rows.lists import Organization
from ai_usage.providers.anthropic.rows.usage_and_cost import cost_rows
from ai_usage.providers.anthropic.tables import CLAUDE_COSTS
from ai_usage.providers.cursor.client import CursorAdmin
from ai_usage.providers.openai.client import OpenAIAdmin
from ai_usage.providers.openai.endpoints import COST_DAYS, USAGE_DAYS
from ai_usage.providers.openai.pulls import SOURCE as OPENAI
from ai_usage.providers.openai.tables import ENDPOINTS
from ai_usage.settings import Settings, settings
from ai_usage.simulator import ADMIN_KEY, CURSOR_KEY, OPENAI_KEY
from ai_usage.warehouse.duckdb.engine import DuckDBWarehouse
from bench import anomalies, cursor_year, dashboards, forecasts, marts, scale
from bench.static_provider import static_provider

SHORT, LONG = 124, 372  # days: memory that grows with days would differ between them
YEAR = 365
RUNS = 3


def run(of: Settings, argv: Sequence[str]) -> int:
    arguments = argparse.ArgumentParser(prog="make bench", description=__doc__)
    arguments.add_argument("--worker", choices=sorted(WORKERS), help=argparse.SUPPRESS)
    arguments.add_argument("--url", default="", help=argparse.SUPPRESS)
    arguments.add_argument("--size", type=int, default=YEAR, help=argparse.SUPPRESS)  # days, or people
    arguments.add_argument(
        "--only", choices=sorted(FIGURES), help="measure only these; the others stay as last measured"
    )
    asked = arguments.parse_args(argv)
    if asked.worker:
        sys.stdout.write(json.dumps(WORKERS[asked.worker](asked.url, asked.size)))
        return 0
    target = of.data_dir / "bench.json"
    figures: dict[str, Any] = {}
    if asked.only and target.exists():
        figures = json.loads(target.read_text(encoding="utf-8"))
    for name, (label, measure) in FIGURES.items():
        if asked.only == name or not (asked.only or name in ON_REQUEST):
            OUT.print(f"{label} …")
            figures[name] = measure()
    of.data_dir.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    OUT.print_json(data=figures)
    OUT.print(f"Written to {target}", soft_wrap=True)
    return 0


def _pull_and_shape() -> dict[str, Any]:
    """The platform and the bare loop in turn, each in a process of its own, at two lengths."""
    with static_provider() as url:
        taken: dict[str, list[dict[str, Any]]] = {}
        for _ in range(RUNS):
            for worker, days in (("ours", LONG), ("bare", LONG), ("ours", SHORT)):
                taken.setdefault(f"{worker}_{days}", []).append(_measured(worker, url, days))
    ours, bare, short = (
        sorted(taken[key], key=lambda f: f["seconds"])[RUNS // 2]
        for key in (f"ours_{LONG}", f"bare_{LONG}", f"ours_{SHORT}")
    )
    pairs = zip(
        taken[f"ours_{LONG}"], taken[f"bare_{LONG}"], strict=True
    )  # in pairs, because the machine's speed drifts
    ratios = [round(a["seconds"] / b["seconds"], 2) for a, b in pairs]
    return {
        "records": ours["records"],
        "ours": ours,
        "bare_loop": bare,
        "time_ratio": sorted(ratios)[RUNS // 2],
        "peak_memory_ratio": round(ours["peak_mib"] / bare["peak_mib"], 2),
        "peak_memory_growth": round(ours["peak_mib"] / short["peak_mib"], 2),
        "peak_memory_growth_is_of_days": [SHORT, LONG],
    }


def _cursor_year() -> dict[str, Any]:
    """The year, and its memory compared with that of its last quarter."""
    short, year = (_measured("cursor", "", days) for days in (cursor_year.SHORT, cursor_year.LONG))
    return {
        **year,
        "peak_mib_by_days": {str(of["days"]): of["peak_mib"] for of in (short, year)},
        "peak_memory_growth": round(year["peak_mib"] / short["peak_mib"], 2),
    }


def _marts() -> dict[str, Any]:
    return marts.figures(lambda worker, people, folder: _measured_in(folder, worker, "", people))


def _dashboards() -> dict[str, Any]:
    return dashboards.figures(lambda worker, people, folder: _measured_in(folder, worker, "", people))


def _forecast() -> dict[str, Any]:
    return forecasts.figures(lambda worker, size, folder: _measured_in(folder, worker, "", size))


def _anomalies() -> dict[str, Any]:
    return anomalies.figures(lambda worker, size, folder: _measured_in(folder, worker, "", size))


def _scale() -> dict[str, Any]:
    return scale.figures(lambda worker, people, folder: _measured_in(folder, worker, "", people))


def _measured(worker: str, url: str, size: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="ai_usage_bench_") as folder:
        return _measured_in(folder, worker, url, size)


def _measured_in(folder: str, worker: str, url: str, size: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench", "--worker", worker, "--url", url, "--size", str(size)]
    environment = {
        **os.environ,
        "AI_USAGE_DATA_DIR": folder,
        "AI_USAGE_SIMULATE": "1",
        "AI_USAGE_START_DATE": "2024-01-01",
    }
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)  # noqa: S603
    return dict(json.loads(done.stdout[done.stdout.index("{") :]))


def _ours(url: str, days: int) -> dict[str, Any]:
    folder = Path(os.environ["AI_USAGE_DATA_DIR"])
    warehouse = DuckDBWarehouse(folder / "a.duckdb", folder / "b.duckdb", TABLES, lambda: datetime.now(UTC))
    organization = Organization("bench", {})
    last = datetime.now(UTC).date() - timedelta(days=1)

    def work() -> int:
        records = 0
        whole = Span(last - timedelta(days=days - 1), last)
        with closing(ClaudeAdmin.open(base_url=url, admin_key="bench")) as admin:
            for span in whole.cut(at_most=DAYS_A_REQUEST):
                warehouse.append("claude_cost_report", admin.cost_report(span, group_by=COST_GROUPS))
        with warehouse.connected():
            for span in whole.cut(at_most=DAYS_AT_ONCE):
                newest = warehouse.newest("claude_cost_report", span)
                rows = cost_rows(newest, organization)
                warehouse.replace_days(CLAUDE_COSTS, newest.days, rows)
                records += rows.height
        return records

    return _timed(work)


class _BareLine(msgspec.Struct):
    amount: Decimal
    workspace_id: str | None
    description: str | None
    cost_type: str | None
    context_window: str | None
    model: str | None
    service_tier: str | None
    token_type: str | None
    inference_geo: str | None


class _BareBucket(msgspec.Struct):
    starting_at: datetime
    results: list[_BareLine]


class _BarePage(msgspec.Struct):
    data: list[_BareBucket]


def _bare(url: str, days: int) -> dict[str, Any]:
    """The least code that fills a typed table from the same answers: no ledger, no retries, no checks."""
    db = duckdb.connect(str(Path(os.environ["AI_USAGE_DATA_DIR"]) / "bare.duckdb"))
    last = datetime.now(UTC).date() - timedelta(days=1)
    names = [name for name in _BareLine.__struct_fields__ if name != "amount"]

    def work() -> int:
        records = 0
        db.execute(f"create table costs (day date, amount decimal(38, 9), {', '.join(f'{n} varchar' for n in names)})")
        with httpx.Client(base_url=url) as http:
            for span in Span(last - timedelta(days=days - 1), last).cut(at_most=DAYS_A_REQUEST):
                asked = {"starting_at": midnight(span.first), "ending_at": midnight(span.last + ONE_DAY)}
                body = http.get("/v1/organizations/cost_report", params=asked).content
                page = msgspec.json.decode(body, type=_BarePage)
                got = [(bucket.starting_at.date(), line) for bucket in page.data for line in bucket.results]
                frame = pl.DataFrame(
                    {
                        "day": [day for day, _ in got],
                        "amount": pl.Series([line.amount / 100 for _, line in got], dtype=pl.Decimal(38, 9)),
                        **{name: [getattr(line, name) for _, line in got] for name in names},
                    }
                )
                db.register("frame", frame)
                db.execute("insert into costs by name select * from frame")
                records += frame.height
        return records

    return _timed(work)


def _cursor(_: str, days: int) -> dict[str, Any]:
    backfill = cursor_year.Backfill(days)
    timed = _timed(backfill.work)
    return {**backfill.figures(), "rows_in_core": timed.pop("records"), **timed}


def _graph(_: str, days: int) -> dict[str, Any]:
    """A refresh: every pull, then every table and check, recorded as a command records it. The simulated providers run
    in a process of their own.
    """
    last = datetime.now(UTC).date() - timedelta(days=1)
    span = Span(last - timedelta(days=days - 1), last)
    with (
        _simulator_process() as url,
        closing(_unpaced_claude(url)) as claude,
        closing(_unpaced_cursor(url)) as cursor,
        closing(OpenAIAdmin.open(base_url=f"{url}/openai/v1", key=OPENAI_KEY, is_simulated=True)) as openai,
    ):
        overrides = {"claude_admin": claude, "cursor_admin": cursor, OPENAI.resource: openai}
        repository = build_defs(settings(), overrides=overrides).get_repository_def()
        prepare_instance(settings())

        def work() -> int:
            quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
            with dg.DagsterInstance.get() as instance:
                runs = Runs(settings(), repository, instance, warehouse_of(settings()), quiet)
                runs.refresh(span)
            if runs.failures:
                raise RuntimeError(str(runs.failures))
            return sum(len(result.get_asset_check_evaluations()) for result in runs.results)

        figures = _timed(work)
        asked = Counter(
            urlsplit(r["path"])
            .path.removeprefix("/anthropic/v1/organizations/")
            .removeprefix("/openai/v1/organization/")
            for r in httpx.get(f"{url}/_simulator/requests").json()
        )
    figures["check_results"] = figures.pop("records")
    figures.pop("records_per_second")
    spans = -(-days // DAYS_A_REQUEST)
    fewest = {
        "cost_report": 2 * spans,
        "usage_report/messages": spans,
        "usage_report/claude_code": days,
        "costs": 2 * -(-days // COST_DAYS),
        **{f"usage/{endpoint}": -(-days // USAGE_DAYS) for endpoint in ENDPOINTS},
    }
    return {
        "days": days,
        "cpu_seconds_per_day": round(figures["cpu_seconds"] / days, 3),
        **figures,
        "requests": {
            path: {"used": asked[path], "fewest": least, "ratio": round(asked[path] / least, 3)}
            for path, least in fewest.items()
        },
    }


WORKERS: dict[str, marts.Worker] = {
    "ours": _ours,
    "bare": _bare,
    "cursor": _cursor,
    "graph": _graph,
    **marts.WORKERS,
    **dashboards.WORKERS,
    **forecasts.WORKERS,
    **anomalies.WORKERS,
    **scale.WORKERS,
}

FIGURES: dict[str, tuple[str, Callable[[], dict[str, Any]]]] = {
    "pull_and_shape": ("Pull and shape beside a bare loop", _pull_and_shape),
    "cursor_year": ("A year of Cursor events, on a simulated clock", _cursor_year),
    "graph": (f"The whole graph over {YEAR} days in one refresh", lambda: _measured("graph", "", YEAR)),
    "marts": ("The marts of a thousand people's two years", _marts),
    "dashboards": ("Every card of the dashboards, over the same data", _dashboards),
    "forecast": ("The forecasts of two years of thirteen companies", _forecast),
    "anomalies": ("The alerts about planted anomalies in three companies", _anomalies),
    "scale": ("The marts of ten thousand people's year", _scale),
}
ON_REQUEST = {"scale"}


def _timed(work: Callable[[], int]) -> dict[str, Any]:
    wall, cpu = time.perf_counter(), time.process_time()
    records = work()
    seconds = time.perf_counter() - wall
    return {
        "seconds": round(seconds, 2),
        "cpu_seconds": round(time.process_time() - cpu, 2),
        "records": records,
        "records_per_second": round(records / seconds),
        "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def _unpaced_cursor(url: str) -> CursorAdmin:
    return CursorAdmin.open(
        base_url=f"{url}/cursor", key=CURSOR_KEY, now=settings().now, pace=lambda _: None, is_simulated=True
    )


def _unpaced_claude(url: str) -> ClaudeAdmin:
    return ClaudeAdmin.open(
        base_url=f"{url}/anthropic", admin_key=ADMIN_KEY, analytics_requests_a_minute=None, is_simulated=True
    )


@contextmanager
def _simulator_process() -> Iterator[str]:
    command = [sys.executable, "-m", "ai_usage.simulator", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        try:
            yield process.stdout.readline().strip() if process.stdout else ""
        finally:
            process.terminate()
