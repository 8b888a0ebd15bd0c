"""The base of every error for people: one sentence with what, where and what to do.

Commands show an `AiUsageError` without a traceback, and a Dagster step fails with its sentence. Any other error is a
defect of ours and keeps its traceback.
"""

INTERRUPTIONS = {"KeyboardInterrupt", "DagsterExecutionInterruptedError"}


class AiUsageError(Exception):
    """Something the reader can fix: a setting, a credential, a provider, a disk."""


class SettingError(AiUsageError):
    """An environment variable or command argument that cannot be used as it stands."""


class WarehouseError(AiUsageError):
    """The warehouse cannot be opened, read or written."""


class WarehouseBusy(WarehouseError):
    """Another process has the warehouse."""


class OfAnotherRelease(WarehouseError):
    """The file was written by an older or a newer release, and is whole."""


def interruption(error: BaseException) -> BaseException | None:
    """The Ctrl-C behind an error, if any: during a query DuckDB turns it into a RuntimeError."""
    found: BaseException | None = error
    while found and type(found).__name__ not in INTERRUPTIONS:
        found = found.__cause__ or found.__context__
    return found
