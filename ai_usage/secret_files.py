"""Secrets in files, as containers and service managers hand them over."""

from collections.abc import Iterable, MutableMapping
from pathlib import Path

from ai_usage.errors import SettingError


def read_secret_files(environ: MutableMapping[str, str], of: Iterable[str]) -> None:
    """Set each secret NAME to the content of the file that NAME_FILE names, as containers are given secrets. Processes
    that are started later inherit NAME alone.
    """
    for name in of:
        file = environ.pop(f"{name}_FILE", "").strip()
        if file and environ.get(name, "").strip():
            raise SettingError(f"{name} and {name}_FILE are both set: leave one of them out.")
        if file:
            try:
                environ[name] = Path(file).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                why = getattr(error, "strerror", None) or "it is not UTF-8"
                raise SettingError(f"{name}_FILE is {file}, which cannot be read ({why}).") from None
