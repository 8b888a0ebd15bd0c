"""What Google Cloud's stand-ins share: how a refusal reads, and who may ask."""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from ai_usage.simulator.google_errors import STATUSES as SHEETS_STATUSES

GOOGLE_TOKEN = "ya29.simulated"  # noqa: S105 - opens the stand-in alone
TOO_MANY = ("RESOURCE_EXHAUSTED", "Quota exceeded. Please retry your request later.")
STATUSES = SHEETS_STATUSES | {429: TOO_MANY}
LACKS = {status: STATUSES[status][1] for status in (400, 401, 403, 404)}


class CloudError(Exception):
    """Google's refusal: status, message, and the reason that BigQuery adds."""

    def __init__(self, status: int, message: str = "", reason: str | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.reason = status, message, reason


def admit(request: Request, key_suffix: str) -> None:
    """Accepts a request without a token, since clients of a stand-in send none; refuses a wrong token."""
    sent = request.headers.get("authorization")
    if sent is not None and sent != f"Bearer {GOOGLE_TOKEN}{key_suffix}":
        raise CloudError(401)


def error_body(status: int, message: str | None = None, reason: str | None = None) -> dict[str, Any]:
    """The body of an error in the format of all APIs, or with a reason in BigQuery's format."""
    name, usual = STATUSES.get(status, STATUSES[500])
    body: dict[str, Any] = {"code": status, "message": message or usual, "status": name}
    if reason:
        body["errors"] = [{"message": message or usual, "domain": "global", "reason": reason}]
    return {"error": body}


def json_response(body: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(body), status, media_type="application/json; charset=UTF-8")


def whole(text: str | None, name: str, default: int, most: int | None = None) -> int:
    """A page size: 0 is the default; more than `most` is refused."""
    if text is None or text == "0":
        return default
    if not text.isascii() or not text.isdigit() or (most is not None and int(text) > most):
        raise CloudError(400, f"{name}: Invalid value. Values must be within the range: [0, {most or '…'}]")
    return int(text)
