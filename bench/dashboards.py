"""The cost of the dashboards, for `bench`: querying every card over two years of a thousand people, in a fresh process,
and opening every page in a browser without a network. Seconds depend on the machine at that moment.
"""

import importlib
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from ai_usage.automation.warehouse_resource import warehouse_of
from ai_usage.dashboards import site
from ai_usage.dashboards.assets import site_folder, write_board
from ai_usage.dashboards.boards import boards
from ai_usage.dashboards.cards import result
from ai_usage.settings import settings
from bench.marts import ALL, TWO_YEARS

PEOPLE = 1_000
OPENED = 5  # times each page
SCREEN = {"width": 1440, "height": 900}  # px
MARKS = ("numbers", "opened")  # marks that page.js sets: every number is there; the visible part is drawn

Measure = Callable[[str, int, str], dict[str, Any]]  # worker, people, folder


def figures(measure: Measure) -> dict[str, Any]:
    """The company and its marts are made first, which takes minutes."""
    with tempfile.TemporaryDirectory(prefix="ai_usage_bench_") as folder:
        for worker in ("company", f"marts_{ALL}"):
            measure(worker, PEOPLE, folder)
        asked, pages = (measure(worker, PEOPLE, folder) for worker in WORKERS)
        return {"people": PEOPLE, "days": TWO_YEARS, **asked, "pages": pages}


def dashboards(_: str, __: int) -> dict[str, Any]:
    """Every card of every board, over one connection, including the validation of the boards' files."""
    warehouse = warehouse_of(settings(), is_read_only=True)
    seconds, rows = {}, {}
    wall, cpu = time.perf_counter(), time.process_time()
    with warehouse.connected():
        for board in boards():
            for card in board.cards:
                began = time.perf_counter()
                rows[card.name] = result(warehouse, card).rows.height
                seconds[card.name] = round(time.perf_counter() - began, 3)
    return {
        "seconds": round(time.perf_counter() - wall, 2),
        "seconds_of_queries": round(sum(seconds.values()), 2),
        "cpu_seconds": round(time.process_time() - cpu, 2),
        "seconds_by_card": seconds,
        "rows_by_card": rows,
    }


def pages(_: str, __: int) -> dict[str, Any]:
    """Every board's page: its size, and the time until it is shown. Needs Chromium on the PATH and playwright, which
    the tests install; reports which is missing.
    """
    of = settings()
    warehouse = warehouse_of(of, is_read_only=True)
    site.vega(site_folder(of))
    made = {}
    for board in boards():
        began = time.perf_counter()
        path = write_board(warehouse, board, of)
        seconds = round(time.perf_counter() - began, 2)
        made[board.name] = {"megabytes": round(path.stat().st_size / 1e6, 2), "seconds_to_write": seconds}
    try:
        opened = _opened([site_folder(of) / f"{name}.html" for name in made])
    except LookupError as missing:
        return {**made, "not_opened": str(missing)}
    return {name: {**figures, **opened[name]} for name, figures in made.items()}


def _opened(files: list[Path]) -> dict[str, dict[str, Any]]:
    try:
        playwright = importlib.import_module("playwright.sync_api")
    except ModuleNotFoundError as error:
        raise LookupError("playwright is not installed; `make test` installs it") from error
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if not browser:
        raise LookupError("there is no Chromium on the PATH")
    found: dict[str, dict[str, Any]] = {}
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        for file in files:
            times = []
            for _ in range(OPENED):
                context = chromium.new_context(viewport=SCREEN, offline=True)
                page = context.new_page()
                page.goto(file.as_uri())
                page.wait_for_function(f"performance.getEntriesByName('{MARKS[-1]}').length")
                times.append([page.evaluate(f"performance.getEntriesByName('{mark}')[0].startTime") for mark in MARKS])
                context.close()
            ordered = zip(MARKS, zip(*times, strict=True), strict=True)
            found[file.stem] = {f"milliseconds_to_{mark}": [round(of) for of in taken] for mark, taken in ordered} | {
                "median_milliseconds": round(median(taken[-1] for taken in times))
            }
        chromium.close()
    return found


WORKERS = {"dashboards": dashboards, "pages": pages}
