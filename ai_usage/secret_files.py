"""Secrets that are handed over as files, as containers and systemd do it: `NAME_FILE` in place of `NAME`."""

from collections.abc import Iterable, MutableMapping
from pathlib import Path

from ai_usage.errors import SettingError


def read_secret_files(environ: MutableMapping[str, str], of: Iterable[str]) -> None:
    """Set each variable NAME to the content of the file that NAME_FILE names. Processes that are started later inherit
    NAME alone.
    """
    for name in of:
        file = environ.pop(f"{name}_FILE", "").strip()
        if file and environ.get(name, "").strip():
            raise SettingError(f"{name} and {name}_FILE are both set: leave one of them out.")
        if file:
            try:
                secret = Path(file).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                why = getattr(error, "strerror", None) or "it is not UTF-8"
                raise SettingError(f"{name}_FILE is {file}, which cannot be read ({why}).") from None
            if not secret:
                raise SettingError(f"{name}_FILE is {file}, which is empty: write the secret there.")
            environ[name] = secret
