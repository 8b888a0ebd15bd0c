"""How many requests a minute a provider takes, counted by a clock that only goes forward. Knows of no provider."""

from collections.abc import Callable

MINUTE = 60


class Quota:
    """Counts requests of each kind, minute by minute; unlimited without a clock."""

    def __init__(self, monotonic: Callable[[], float] | None) -> None:
        self.monotonic = monotonic
        self._minutes: dict[str, tuple[float, int]] = {}  # kind → when its minute began, requests since

    def take(self, kind: str, most: int) -> bool:
        """Counts the request, unless there were `most` of the kind within the minute."""
        if self.monotonic is None:
            return True
        at = self.monotonic()
        began, count = self._minutes.get(kind, (at, 0))
        if at - began >= MINUTE:
            began, count = at, 0
        may = count < most
        self._minutes[kind] = (began, count + may)
        return may

    def give_back(self, kind: str) -> None:
        """The last request does not count after all."""
        if kind in self._minutes:
            began, count = self._minutes[kind]
            self._minutes[kind] = (began, count - 1)
