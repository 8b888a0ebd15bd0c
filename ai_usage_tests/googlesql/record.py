"""`make google-answers`: sends every question to Google's engine again, and writes the answers to the repository."""

import lzma
import subprocess
import sys

from ai_usage.places import ROOT
from ai_usage_tests.googlesql.engine import ANSWERS, SUFFIX
from ai_usage_tests.kept import FOLDER

THOSE_THAT_ASK = ("googlesql", "dashboards/test_metabase_sql.py", "test_demo_day.py")


def record() -> int:
    """Returns the exit code of the tests. If they fail, nothing is recorded."""
    ANSWERS.unlink(missing_ok=True)
    for answer in FOLDER.glob(f"*{SUFFIX}"):
        answer.unlink()
    tests = [f"ai_usage_tests/{name}" for name in THOSE_THAT_ASK]
    if code := subprocess.run([sys.executable, "-m", "pytest", *tests], cwd=ROOT, check=False).returncode:
        return code
    pack()
    return 0


def pack() -> None:
    """Write the answers that are stored for this checkout, one per line after its digest."""
    answers = {of.name.removesuffix(SUFFIX): of.read_text(encoding="utf-8") for of in FOLDER.glob(f"*{SUFFIX}")}
    lines = "".join(f"{digest}\t{answer.strip()}\n" for digest, answer in sorted(answers.items()))
    ANSWERS.write_bytes(lzma.compress(lines.encode(), preset=9))


if __name__ == "__main__":
    sys.exit(record())
