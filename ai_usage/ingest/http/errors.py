"""The errors between us and an API. No text of an error holds a secret.

ApiError
├── Unreachable          no answer: name, connection, time-out, reset     tried again
├── DamagedAnswer        an answer cut short, or broken JSON              tried again
├── NotTheApi            a page of a proxy, or one to log in at
├── OutOfTime            the source has been asked for too long in this run
├── UnexpectedAnswer     JSON of another shape than the API promises
├── IncompleteAnswer     pages or days that contradict each other
│   └── TooLarge         more than may be taken
└── Refused              an error status
    ├── NotModified 304                                                   only where the question was "unless …"
    ├── BadRequest       KeyRefused 401   NotPermitted 403   NotFound 404
    ├── RateLimited 429                                                   tried again
    └── ApiDown 5xx                                                    tried again
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import ClassVar

from ai_usage.errors import AiUsageError
from ai_usage.secrecy import without_secrets


class ApiError(AiUsageError):
    """A provider's answer that cannot be used. The sentence is one line and never quotes a secret."""

    def __init__(self, sentence: str = "") -> None:
        plain = without_secrets(sentence)
        super().__init__("".join(letter if letter.isprintable() else " " for letter in plain))


class Unreachable(ApiError):
    """No answer came."""


class DamagedAnswer(ApiError):
    """An answer that ends early or is broken JSON."""


class NotTheApi(ApiError):
    """Something else answered in the API's place: a proxy, a login page."""


class OutOfTime(ApiError):
    """The source has been asked for as long as a run may ask it."""


class UnexpectedAnswer(ApiError):
    """An answer with JSON of another shape than the API promises."""


class IncompleteAnswer(ApiError):
    """Pages or days that contradict each other: using them would lose money unnoticed."""


class TooLarge(IncompleteAnswer):
    """An answer beyond a limit. One for fewer days may be small enough."""


class Refused(ApiError):
    """The provider answered with an error status; `usual_status` where none is given."""

    usual_status: ClassVar[int] = 400
    status: int
    explanation: str  # the provider's own words
    parameters: frozenset[str]  # the names of the request's query parameters, without brackets
    retry_after: float | None  # seconds
    may_retry: bool

    def __init__(
        self,
        sentence: str = "",
        *,
        status: int | None = None,
        explanation: str = "",
        parameters: Iterable[str] = (),
        retry_after: float | None = None,
        may_retry: bool = False,
    ) -> None:
        super().__init__(sentence)
        self.status = self.usual_status if status is None else status
        self.explanation = explanation
        self.parameters = frozenset(parameters)
        self.retry_after = retry_after
        self.may_retry = may_retry


class NotModified(Refused):
    """304: the object of an `if-none-match` is unchanged. Not a failure for a caller that sent one."""

    usual_status = 304


class BadRequest(Refused):
    """Any other 3xx or 4xx: our request is wrong as it stands."""


class KeyRefused(Refused):
    """401: the provider does not know the key."""

    usual_status = 401


class NotPermitted(Refused):
    """403: the key is known and may not read this."""

    usual_status = 403


class NotFound(Refused):
    """404: there is no such endpoint for this organization."""

    usual_status = 404


class RateLimited(Refused):
    """429: too many requests, or a spend cap."""

    usual_status = 429


class ApiDown(Refused):
    """5xx: the provider's own trouble."""

    usual_status = 500


KINDS = {kind.usual_status: kind for kind in (NotModified, KeyRefused, NotPermitted, NotFound, RateLimited)}


@contextmanager
def unchained() -> Iterator[None]:
    """Raises an `ApiError` without its cause: Dagster stores the text of the cause too, which may hold
    secrets.
    """
    try:
        yield
    except ApiError as error:
        error.__cause__ = error.__context__ = None
        raise
