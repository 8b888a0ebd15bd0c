"""Optional reports: how to distinguish a report that a plan or scope does not include from a wrong key or request.

A report is not included, which is no failure, if its status is

- 403 or 404: the provider knows the key and refuses only this, or has no such report for this organization. A wrong
  base URL and a key of another kind fail the required reports too, and these report it.
- 401, and the same key is accepted elsewhere. Cursor answers a team without a report in its plan with the status of a
  wrong key ("must be a member of an enterprise team"): only another answer to the same key distinguishes the two.
- 400, and the provider's message is that the organization, plan or scope lacks the report, without a parameter of our
  request. Any other 400 means that our request is wrong.

Everything else is a failure of the report.
"""

import re
from collections.abc import Callable, Mapping

from ai_usage.ingest.http.api import Api
from ai_usage.ingest.http.errors import ApiError, KeyRefused, NotFound, NotPermitted, Refused
from ai_usage.ingest.http.paging import Query

LACKS = re.compile(
    r"not[ _-](?:been[ ])?(?:eligible|entitled|included|enabled|activated|available[ ](?:to|for|on|in|with|under))"
    r"|(?:only[ ]available|available[ ]only)"
    r"|(?:does[ ]not|doesn't)[ ](?:have[ ]access|include|support)"
    r"|not[ ](?:part[ ]of|on)[ ](?:your|this|the)"
    r"|must[ ]be[ ](?:a[ ]member|part[ ]of|on[ ](?:an?|the)[ ])"
    r"|requires?[ ](?:an?[ ]|the[ ])?(?:\w+[ ]){0,2}(?:plan|subscription|tier|scope|add-on)"
    r"|upgrade[ ](?:your|to)|HIPAA",
    re.IGNORECASE | re.VERBOSE,
)
HEADERS = ("header", "anthropic-beta", "anthropic-version")


def is_not_included(refusal: Refused, is_key_accepted: Callable[[], bool]) -> bool:
    """Whether a plan or scope lacks the report, by the rules above; the key is only tried where it matters."""
    if isinstance(refusal, NotPermitted | NotFound):
        return True
    if isinstance(refusal, KeyRefused):
        return is_key_accepted()
    return refusal.status == 400 and bool(LACKS.search(refusal.explanation)) and not _blames_request(refusal)


def _blames_request(refusal: Refused) -> bool:
    """Whether the provider's words name something of the request itself: a header, or a parameter that was sent. A
    plain word such as `page` must look like a parameter: `page:` or `page[]`.
    """
    names = "|".join(
        re.escape(name) + (r"(?=:|\[)" if name.isalpha() and name.islower() else r"\b") for name in refusal.parameters
    )
    is_named = bool(names and re.search(rf"\b(?:{names})", refusal.explanation))
    return is_named or any(word in refusal.explanation.lower() for word in HEADERS)


def is_key_accepted(api: Api, *plain: tuple[str, Query, Mapping[str, str]]) -> bool:
    """Whether the provider knows the key: it has answered before, or one of some plain questions (path, query, headers)
    is answered, or refused for another reason than the key.
    """
    if api.has_answered:
        return True
    for path, query, headers in plain:
        try:
            api.get(path, query, read=bytes, headers=headers)
        except (KeyRefused, NotFound):
            continue  # 404 shows nothing about the key
        except Refused as error:
            if error.status in (400, 403):
                return True
        except ApiError:
            continue
        else:
            return True
    return False
