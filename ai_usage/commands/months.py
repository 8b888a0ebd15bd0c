"""A month as people type it."""

import re
from datetime import date, timedelta

from ai_usage.errors import SettingError
from ai_usage.partitions import Span


def month_span(text: str) -> Span:
    """The days of a month such as `2026-01`; `SettingError` if the text is no month."""
    try:
        first = date.fromisoformat(f"{text}-01" if re.fullmatch(r"\d{4}-\d{2}", text, re.ASCII) else "")
        return Span(first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1))
    except (ValueError, OverflowError) as error:
        raise SettingError(f"MONTH={text} is not a month; write for example MONTH=2026-01.") from error
