"""The five lock files are complete: pip finds everything that it needs in them, and uses nothing that they do not pin.

A lock that leaves a dependency out, or an install that lets pip resolve, works on the day it is made and fails on the
day after, when a newer release appears.
"""

import base64
import hashlib
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import Distribution, distributions
from itertools import product
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ai_usage.places import ROOT

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
GROUPS = PYPROJECT["dependency-groups"]

# Lock → its inputs, the environment it is installed in, and its Python versions.
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
LOCKS = {
    "requirements.txt": (PYPROJECT["project"]["dependencies"], ".venv", PYTHONS),
    "requirements-dev.txt": (GROUPS["dev"], ".venv", PYTHONS),
    "requirements-focus.txt": (GROUPS["focus"], ".venv-focus", ("3.12",)),
    "requirements-googlesql.txt": (GROUPS["googlesql"], ".venv-googlesql", PYTHONS),
    "requirements-bigquery.txt": (GROUPS["bigquery"], ".venv-bigquery", PYTHONS),
}
PLATFORMS = (
    {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", "platform_machine": "x86_64"},
    {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", "platform_machine": "aarch64"},
    {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix", "platform_machine": "arm64"},
    {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt", "platform_machine": "AMD64"},
)
LINE = re.compile(
    r"(?P<name>[A-Za-z0-9._-]+)(\[(?P<extras>[a-z0-9,._-]+)\])?==(?P<version>[^\s;]+)"
    r"( ; (?P<marker>.+?))?(?P<hashes>( --hash=sha256:[0-9a-f]{64})+)"
)


@dataclass(frozen=True)
class Pin:
    """One line of a lock."""

    name: str
    version: str
    extras: frozenset[str]
    marker: Marker | None

    def is_for(self, environment: dict[str, str]) -> bool:
        return self.marker is None or self.marker.evaluate({**environment, "extra": ""})


@cache
def pins(lock: str) -> tuple[Pin, ...]:
    """Any line other than a version with hashes is an error."""
    text = (ROOT / lock).read_text(encoding="utf-8").replace("\\\n", " ")
    found = []
    for line in filter(None, (" ".join(raw.split()) for raw in text.splitlines())):
        match = LINE.fullmatch(line)
        assert match, f"{lock}: {line[:80]} is no version with hashes"
        extras = frozenset(canonicalize_name(one) for one in (match["extras"] or "").split(",") if one)
        marker = Marker(match["marker"]) if match["marker"] else None
        found.append(Pin(canonicalize_name(match["name"]), match["version"], extras, marker))
    return tuple(found)


def pinned(lock: str, environment: dict[str, str]) -> dict[str, Pin]:
    """Package → its only pin in this environment."""
    there = [pin for pin in pins(lock) if pin.is_for(environment)]
    assert len({pin.name for pin in there}) == len(there), f"{lock} has two versions of a package for one machine"
    return {pin.name: pin for pin in there}


@cache
def installed(environment: str) -> dict[str, Distribution]:
    folders = [str(path) for path in (ROOT / environment).glob("lib/python3.*/site-packages")]
    return {canonicalize_name(one.name): one for one in distributions(path=folders)}


def environments(pythons: tuple[str, ...]) -> Iterator[dict[str, str]]:
    for python, platform in product(pythons, PLATFORMS):
        yield {
            **platform,
            "python_version": python,
            "python_full_version": f"{python}.4",
            "implementation_name": "cpython",
            "implementation_version": f"{python}.4",
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_version": "",
        }


def unmet(wanted: Requirement, there: dict[str, Pin]) -> str:
    """The part of a requirement that a machine's pins lack; empty if none."""
    pin = there.get(canonicalize_name(wanted.name))
    if pin is None:
        return f"{wanted.name} is not pinned"
    if not wanted.specifier.contains(pin.version, prereleases=True):
        return f"{wanted} is pinned to {pin.version}"
    if lacking := {canonicalize_name(extra) for extra in wanted.extras} - pin.extras:
        return f"{wanted.name} is pinned without {', '.join(sorted(lacking))}"
    return ""


def gaps(lock: str, found: dict[str, Distribution]) -> set[str]:
    """Requirements of a lock's packages, on any machine it is for, that the lock does not pin. Requirements are known
    of installed packages only, so not of a package for another system (`pywin32` on Windows).
    """
    roots, _, pythons = LOCKS[lock]
    lacking = set()
    for environment in environments(pythons):
        there = pinned(lock, environment)
        needed = [("pyproject.toml", Requirement(text)) for text in roots]
        for pin in there.values():
            if pin.name in found and found[pin.name].version == pin.version:
                needed += [(pin.name, wanted) for wanted in needs(found[pin.name], pin, environment)]
        lacking |= {f"{by}: {why}" for by, wanted in needed if (why := unmet(wanted, there))}
    return lacking


def needs(package: Distribution, pin: Pin, environment: dict[str, str]) -> Iterator[Requirement]:
    asked = [{**environment, "extra": extra} for extra in ("", *pin.extras)]
    for text in package.requires or ():
        wanted = Requirement(text)
        if wanted.marker is None or any(wanted.marker.evaluate(one) for one in asked):
            yield wanted


@pytest.fixture(params=LOCKS)
def lock(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    environment = LOCKS[name][1]
    if not installed(environment):
        pytest.skip(f"{environment} is not there, and its packages' own metadata with it: make test sets it up")
    return name


def test_a_lock_pins_all_that_its_packages_need_on_every_machine_it_is_for(lock: str) -> None:
    found = installed(LOCKS[lock][1])
    here = pinned(lock, next(environments((_this_python(lock),))))
    other = {name for name, pin in here.items() if name not in found or found[name].version != pin.version}
    assert other == set(), "what is installed is not what the lock pins: make test installs it"
    assert gaps(lock, found) == set()


def test_a_lock_without_one_of_its_lines_or_extras_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the test above would pass with any locks."""
    less = []
    for pin in pins("requirements.txt"):
        if pin.name == "google-auth":
            less.append(replace(pin, extras=frozenset()))
        elif pin.name == "sqlglot":
            less.append(replace(pin, version="1.0"))
        elif pin.name not in {"idna", "colorama"}:
            less.append(pin)
    monkeypatch.setattr(sys.modules[__name__], "pins", lambda _: tuple(less))
    message = "\n".join(gaps("requirements.txt", installed(".venv")))
    for lack in ("idna is not pinned", "colorama is not pinned", "is pinned without pyopenssl", "is pinned to 1.0"):
        assert lack in message


def test_make_installs_every_lock_without_resolving_and_checks_it_afterwards() -> None:
    flags = re.findall(r"^INSTALL := (.*)$", MAKEFILE, re.MULTILINE)
    assert [{"--no-deps", "--require-hashes"} <= set(line.split()) for line in flags] == [True]
    assert MAKEFILE.count("-m pip install") == 1
    recipes = [recipe for recipe in re.split(r"\n(?=\S)", MAKEFILE) if "$(INSTALL)" in recipe]
    assert len(recipes) == len(LOCKS) + 1  # requirements.txt is also installed for the package
    for recipe in recipes:
        assert recipe.rindex("$(CHECK)") > recipe.rindex("$(INSTALL)")
        assert recipe.rindex("touch") > recipe.rindex("$(CHECK)")


def test_a_newer_release_of_a_package_with_an_extra_does_not_stop_the_install(tmp_path: Path) -> None:
    """From an index that has it, and that lacks every package that is not pinned."""
    index, target = tmp_path / "index", tmp_path / "target"
    old = wheel(index, "tinyauth", "1.0", 'Provides-Extra: tls\nRequires-Dist: tinycert; extra == "tls"\n')
    wheel(index, "tinyauth", "2.0", "Provides-Extra: tls\nRequires-Dist: nowhere-to-be-found\n")
    cert = wheel(index, "tinycert", "1.0", "")
    api = wheel(index, "tinyapi", "1.0", "Requires-Dist: tinyauth\n")
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(
        f"tinyapi==1.0 --hash=sha256:{api}\ntinyauth[tls]==1.0 --hash=sha256:{old}\n"
        f"tinycert==1.0 --hash=sha256:{cert}\n",
        encoding="utf-8",
    )
    [flags] = re.findall(r"^INSTALL := (.*)$", MAKEFILE, re.MULTILINE)

    def install(flags: list[str]) -> "subprocess.CompletedProcess[str]":
        of_this_test = ["--isolated", "--no-cache-dir", "-i", index.as_uri(), "--target", str(target)]
        return subprocess.run(
            [sys.executable, *flags, *of_this_test, "-r", str(requirements)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    resolving = install([flag for flag in flags.split() if flag != "--no-deps"])
    assert resolving.returncode != 0, "pip no longer minds: is --no-deps still needed?"
    ours = install(flags.split())
    assert (ours.returncode, ours.stdout, ours.stderr) == (0, "", "")
    assert {path.name for path in target.glob("*.dist-info")} == {
        f"{name}-1.0.dist-info" for name in ("tinyapi", "tinyauth", "tinycert")
    }


def wheel(index: Path, name: str, version: str, metadata: str) -> str:
    """An empty package in an index of files, and its hash."""
    folder = index / name
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": "",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{metadata}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    digests = {
        file: base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        for file, text in files.items()
    }
    files[f"{info}/RECORD"] = "".join(f"{file},sha256={digest},\n" for file, digest in digests.items())
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in files.items():
            archive.writestr(file, text)
    links = "".join(f'<a href="{one.name}">{one.name}</a>' for one in sorted(folder.glob("*.whl")))
    (folder / "index.html").write_text(f"<html><body>{links}</body></html>", encoding="utf-8")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _this_python(lock: str) -> str:
    """The Python version of the lock's environment."""
    [folder] = (ROOT / LOCKS[lock][1]).glob("lib/python3.*")
    return folder.name.removeprefix("python")
