"""The package that a company installs: a wheel in an environment with only the locked dependencies, used from a folder
outside a checkout.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ai_usage.places import ROOT
from ai_usage_tests.once import once

ENVIRONMENT = ROOT / ".venv-package"
NOW = "2026-11-03T12:00:00Z"


def environment(home: Path) -> dict[str, str]:
    """The environment of a person who has set nothing."""
    return {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8"}


def installed(factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The wheel, and the folder of a person who installed it by its hash and has a `.env`. The environment has one
    wheel at a time: all processes of the tests share it.
    """
    if not (ENVIRONMENT / "ready").exists():
        pytest.skip(f"{ENVIRONMENT.name} is not here: make {ENVIRONMENT.name}/ready")
    folder = once(factory, "package", _install)
    home = factory.mktemp("home")
    shutil.copy(folder / ".env", home)
    [wheel] = folder.glob("*.whl")
    return wheel, home


def _install(folder: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    [wheel] = folder.glob("*.whl")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (folder / "lock.txt").write_text(f"ai_usage @ {wheel.as_uri()} --hash=sha256:{digest}\n", encoding="utf-8")
    into = ["--python", str(ENVIRONMENT / "bin" / "python")]  # that environment has no pip
    pip = [sys.executable, "-m", "pip", *into, "install", "-qq", "--no-deps", "--force-reinstall"]
    options = ["--no-compile", "--disable-pip-version-check", "--require-hashes", "-r", "lock.txt"]
    subprocess.run([*pip, *options], cwd=folder, check=True, env=environment(folder))
    (folder / ".env").write_text(f"AI_USAGE_DATA_DIR=spend\nAI_USAGE_NOW={NOW}\n", encoding="utf-8")
