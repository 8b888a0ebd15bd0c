"""How Google refuses: the Sheets API and the Drive API in their different forms."""

from typing import Any

TOO_MANY = (
    "Quota exceeded for quota metric 'Read requests' and limit 'Read requests per minute per user' of service "
    "'sheets.googleapis.com'."
)
STATUSES = {
    400: ("INVALID_ARGUMENT", "Request contains an invalid argument."),
    401: ("UNAUTHENTICATED", "Request had invalid authentication credentials."),
    403: ("PERMISSION_DENIED", "The caller does not have permission"),
    404: ("NOT_FOUND", "Requested entity was not found."),
    429: ("RESOURCE_EXHAUSTED", TOO_MANY),
    500: ("INTERNAL", "Internal error encountered."),
    503: ("UNAVAILABLE", "The service is currently unavailable."),
}
QUOTA_DETAILS = {
    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
    "reason": "RATE_LIMIT_EXCEEDED",
    "domain": "googleapis.com",
    "metadata": {"service": "sheets.googleapis.com", "quota_limit": "ReadRequestsPerMinutePerUser"},
}
DRIVE_REASONS = {
    400: ("global", "invalidParameter", "Invalid Value"),
    401: ("global", "authError", "Invalid Credentials"),
    403: ("usageLimits", "userRateLimitExceeded", "User Rate Limit Exceeded"),
    429: ("usageLimits", "rateLimitExceeded", "Rate Limit Exceeded"),
}


def sheets_error(status: int, message: str | None = None) -> dict[str, Any]:
    name, usual = STATUSES.get(status, STATUSES[500])
    body: dict[str, Any] = {"code": status, "message": message or usual, "status": name}
    return {"error": body | ({"details": [QUOTA_DETAILS]} if status == 429 else {})}


def drive_error(status: int, file_id: str, message: str | None = None) -> dict[str, Any]:
    """A planned 403 is an exhausted quota; for the other one see below."""
    if status == 404:
        body = _drive_body(404, "global", "notFound", f"File not found: {file_id}.")
        body["error"]["errors"][0] |= {"location": "fileId", "locationType": "parameter"}
        return body
    domain, reason, usual = DRIVE_REASONS.get(status, ("global", "backendError", "Backend Error"))
    return _drive_body(status, domain, reason, message or usual)


def _drive_body(status: int, domain: str, reason: str, message: str) -> dict[str, Any]:
    why = {"domain": domain, "reason": reason, "message": message}
    return {"error": {"code": status, "message": message, "errors": [why]}}


NOT_SHARED_FILE = _drive_body(
    403, "global", "insufficientFilePermissions", "The user does not have sufficient permissions for this file."
)
