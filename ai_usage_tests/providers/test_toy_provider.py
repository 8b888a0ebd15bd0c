"""A provider is one folder and one line of the registry. One copy of the tree gets a toy provider; from other copies
each provider is removed.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ai_usage.places import ROOT

TOY = Path(__file__).with_name("toy")
WORDS = {
    "anthropic": ("claude",),
    "cursor": ("cursor",),
    "openai": ("openai", "codex"),
    "google": ("gemini",),
}  # prefixes of tables


def line(*providers: str) -> str:
    """The registry's line for these providers."""
    return f"PROVIDERS: tuple[Provider, ...] = ({', '.join(map(str.upper, providers))})"


LINE = line(*WORDS)
TABS = {
    "api_key_mapping": "api_key_id,api_key_name,user_email,team_name,description\nkey_1,Robot,ada@example.com,Play,\n",
    "claude_ai_usage": "user_email,activity_date,conversation_count,message_count,project_count,file_upload_count\n",
    "console_figures": "provider,period_start,period_end,workspace_id,amount_usd,source,note\n",
    "budgets": "month,scope,scope_name,amount_usd\n2026-11,provider,Toy,60\n",
    "seats": "provider,plan,seat_price_usd,seats,valid_from,valid_to\ntoy,Club,30,2,,\n",
}
DAYS = ("2026-11-17", "2026-11-18", "2026-11-19")
HELPERS = "helpers"
LOOK = Path(__file__).with_name("toy_world.py")
DEFINED = Path(__file__).with_name("defined_assets.py")


def tree(folder: Path) -> Path:
    """A copy of the files that the platform runs from."""
    for part in ("ai_usage", "sql", "dashboards", "docs"):
        shutil.copytree(ROOT / part, folder / part)  # with its bytecode: compiling it again takes seconds
    for file in ("pyproject.toml", "dagster.yaml"):
        shutil.copy(ROOT / file, folder)
    return folder


def edited(path: Path, before: str, after: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")


def run_in(root: Path, script: Path, *arguments: str, **variables: str) -> Any:
    """The JSON on the last line of a script's output. The script runs on that tree only."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("AI_USAGE", "DAGSTER"))}
    environ |= {"PYTHONPATH": f"{root}{os.pathsep}{root / HELPERS}", "PYTHONWARNINGS": "ignore", **variables}
    done = subprocess.run(
        [sys.executable, "-P", str(script), *arguments],  # -P: folders beside it have the names of libraries
        cwd=root,
        env=environ,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The result of three days with only the toy provider."""
    root = tree(tmp_path_factory.mktemp("with_toy"))
    (root / HELPERS).mkdir()
    (root / HELPERS / "ai_usage_tests").symlink_to(ROOT / "ai_usage_tests")
    shutil.copytree(TOY, root / "ai_usage" / "providers" / "toy", ignore=shutil.ignore_patterns("*.sql", "__pycache__"))
    shutil.copytree(TOY, root / "sql" / "providers" / "toy", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    registry = root / "ai_usage" / "providers" / "registry.py"
    edited(registry, LINE, line(*WORDS, "toy"))
    edited(
        registry,
        "from ai_usage.providers.provider import Provider\n",
        "from ai_usage.providers.provider import Provider\nfrom ai_usage.providers.toy.provider import TOY\n",
    )
    sheet = root / "sheet"
    sheet.mkdir()
    for tab, text in TABS.items():
        (sheet / f"{tab}.csv").write_text(text, encoding="utf-8")
    found: dict[str, Any] = run_in(
        root,
        LOOK,
        TOY_KEY="secret-of-the-toy",
        AI_USAGE_DATA_DIR=str(root / "data"),
        AI_USAGE_SHEET_ID=f"csv:{sheet}",
        AI_USAGE_NOW="2026-11-20T12:00:00Z",
        AI_USAGE_START_DATE=DAYS[0],
        DAGSTER_HOME=str(root / "data" / "dagster"),
    )
    return found


def test_the_money_of_a_new_provider_is_in_ai_spend(world: dict[str, Any]) -> None:
    usage = [[day, "toy", "playroom", "usage", "13.000000000"] for day in DAYS]
    seats = [[day, "toy", "playroom", "subscription", "2.000000000"] for day in DAYS]
    assert world["spend"] == sorted(usage + seats)


def test_focus_has_the_new_provider_s_own_names(world: dict[str, Any]) -> None:
    assert world["focus"] == [["Toy", "Toy Publishing", "Toy Billing", "Playroom Cloud"]]


def test_budgets_and_month_close_count_the_new_provider(world: dict[str, Any]) -> None:
    assert world["budget"] == [["2026-11", "provider", "toy", "45.000000000"]]
    assert world["months"] == [["toy", "2026-11", "39.000000000"]]


def test_boards_filter_by_the_new_provider(world: dict[str, Any]) -> None:
    assert world["on_boards"] == ["toy"]


def test_doctor_tries_the_new_provider(world: dict[str, Any]) -> None:
    assert "Toy at https://toy.example.com" in world["doctor"]
    assert "✓ bill: 2 records" in world["doctor"]
    assert "secret-of-the-toy" not in world["doctor"]


def test_the_new_provider_has_freshness_sensors_and_the_checks_that_span_providers(world: dict[str, Any]) -> None:
    assert world["freshness"] == ["raw/toy_bill"]
    assert world["sensors"] == ["pull_toy_when_due"]
    assert world["failed"] == []
    spanning = {
        "no_day_is_missing",
        "records_are_readable",
        "ledger_is_whole",
        "grain_is_unique",
        "pull_is_recent",
        "schema_drift",
    }
    assert spanning <= set(world["passed"])


def test_an_alert_names_the_new_provider(world: dict[str, Any]) -> None:
    [budget] = [text for topic, text in world["alerts"] if topic == "budget_is_not_crossed"]
    assert "provider toy" in budget


def without(provider: str, root: Path) -> Path:
    """A copy of the tree without a provider's folders and its line of the registry."""
    tree(root)
    for folder in ("ai_usage/providers", "sql/providers"):
        shutil.rmtree(root / folder / provider)
    registry = root / "ai_usage" / "providers" / "registry.py"
    name = provider.upper()
    edited(registry, f"from ai_usage.providers.{provider}.provider import {name}\n", "")
    edited(registry, LINE, line(*(other for other in WORDS if other != provider)))
    return root


@pytest.fixture(scope="module")
def assets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Provider → the assets that are defined without it."""
    folder = tmp_path_factory.mktemp("without")
    roots = [str(without(provider, folder / provider)) for provider in WORDS]
    found: dict[str, list[str]] = run_in(folder, DEFINED, *roots, AI_USAGE_DATA_DIR=str(folder / "data"))
    return found


@pytest.mark.parametrize("provider", WORDS)
def test_without_a_provider_s_folder_and_line_the_rest_is_whole(provider: str, assets: dict[str, list[str]]) -> None:
    tables, others = assets[provider], [other for other in WORDS if other != provider]
    assert {"marts/ai_spend", "marts/focus_1_2", "marts/month_close", "dashboards/executive_summary"} <= set(tables)

    def of(one: str) -> list[str]:
        return [table for table in tables for word in WORDS[one] if word in table and "raw/sheet_" not in table]

    assert of(provider) == []
    assert all(of(other) for other in others)
