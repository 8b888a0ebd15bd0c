"""Uploads that stopped are reported; if there never was an upload, nothing is missing."""

from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import pytest

from ai_usage.check import WARN, Result
from ai_usage.partitions import Span
from ai_usage.providers.anthropic.audit_log.folder import Uploads
from ai_usage.providers.anthropic.checks.uploads import freshness
from ai_usage.settings import settings
from ai_usage_tests.outcome import Outcome
from ai_usage_tests.platform import Platform
from ai_usage_tests.providers.anthropic.exports import event, put

FRESH = "uploads_are_fresh"
TABLE = "claude_audit_log"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
OCTOBER = Span(date(2026, 10, 1), date(2026, 10, 31))


def evaluated(platform: Platform, folder: Path) -> Outcome:
    key = dg.AssetCheckKey(dg.AssetKey(["raw", TABLE]), FRESH)
    uploads = Uploads(folder, settings().now)
    return platform.materialize(dg.AssetSelection.checks(key), None, None, uploads=uploads)


def read(platform: Platform, folder: Path) -> None:
    uploads = Uploads(folder, settings().now)
    assert platform.materialize(dg.AssetSelection.assets(["raw", TABLE]), OCTOBER, None, uploads=uploads).result.success


def test_uploads_that_ended_too_long_ago_warn_with_what_to_export(platform: Platform, tmp_path: Path) -> None:
    path = put(tmp_path / "uploads", "log.csv", event("2026-10-01T08:00:00Z"), event("2026-10-15T08:00:00Z"))
    read(platform, path.parent)
    path.unlink()  # after one upload, more are expected
    outcome = evaluated(platform, path.parent)
    assert outcome.not_passed(FRESH) == {None}
    evaluation = outcome.evaluation(FRESH, None, TABLE)
    assert evaluation.severity == WARN
    assert "The uploads end on 2026-10-15. Export the audit log again" in (evaluation.description or "")
    put(path.parent, "log.csv", event("2026-10-16T08:00:00Z"))
    read(platform, path.parent)
    assert evaluated(platform, path.parent).not_passed(FRESH) == set()


def test_files_that_were_never_read_warn(platform: Platform, tmp_path: Path) -> None:
    put(tmp_path / "uploads", "log.csv", event())
    outcome = evaluated(platform, tmp_path / "uploads")
    assert outcome.not_passed(FRESH) == {None}
    assert "make backfill" in outcome.why(FRESH, None, TABLE)


def test_where_no_one_uploads_it_is_not_evaluated(platform: Platform, tmp_path: Path) -> None:
    outcome = evaluated(platform, tmp_path / "none")
    assert outcome.evaluations == {}
    assert outcome.not_evaluated(FRESH) == {None: "Not configured: no export was ever uploaded."}


@pytest.mark.parametrize(
    ("files", "newest", "is_fresh"),
    [
        (1, None, False),
        (0, date(2026, 11, 19), True),
        (3, date(2026, 10, 16), True),
        (3, date(2026, 10, 15), False),
    ],
)
def test_five_weeks_are_the_limit(*, files: int, newest: date | None, is_fresh: bool) -> None:
    evaluation = freshness(files, newest, NOW)
    assert isinstance(evaluation, Result)
    assert evaluation.passed == is_fresh
