"""Pulled data are published between builds, never during a build."""

import logging
import threading
from pathlib import Path

import pytest

from ai_usage.warehouse.building import FILE, between_builds, building


def test_a_run_that_builds_nothing_publishes_when_no_build_is_under_way(tmp_path: Path) -> None:
    order: list[str] = []
    begun, ended = threading.Event(), threading.Event()

    def publish() -> None:
        begun.set()
        with between_builds(tmp_path, patience=60):
            order.append("published")
        ended.set()

    with building(tmp_path), building(tmp_path):
        threading.Thread(target=publish, daemon=True).start()
        assert begun.wait(20)
        assert not ended.wait(0.5)
        order.append("built")
    assert ended.wait(20)
    assert order == ["built", "published"]
    assert (tmp_path / FILE).stat().st_mode & 0o077 == 0


def test_a_build_that_does_not_end_keeps_nothing_from_being_published(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with building(tmp_path), caplog.at_level(logging.WARNING), between_builds(tmp_path, patience=0.1):
        assert "published without waiting for its end" in caplog.text
