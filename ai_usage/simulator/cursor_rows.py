"""What Cursor sends for one member's day, in its own fields: the daily row and the commits."""

import random
from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

from ai_usage.simulator.cursor_calendar import DAY_MS, epoch_ms, iso, midnight
from ai_usage.simulator.cursor_events import Event
from ai_usage.simulator.cursor_team import Seat

Row = dict[str, Any]

WAYS = ("agent", "agent", "agent", "agent", "agent", "agent", "chat", "chat", "chat", "composer")
EXTENSIONS = (".py", ".ts", ".go", ".sql")


def daily_row(seat: Seat, n: int, day: date, events: Sequence[Event], tabs: int) -> Row:
    """The provider sends the client half of the time, and nothing for a day without any use."""
    ways = Counter("cmdk" if e.conversation_id is None else WAYS[e.timestamp % len(WAYS)] for e in events)
    models = Counter(event.model for event in events)
    lines = sum(event.timestamp % 41 for event in events)
    applies = sum(event.timestamp % 3 for event in events)
    taken = tabs * 2 // 5
    return {
        "userId": seat.number,
        "day": str(day),
        "date": epoch_ms(midnight(day)) + 1 + (n * 7_919_003 + day.toordinal() * 104_729) % (DAY_MS - 2),
        "email": seat.email,
        "isActive": bool(events),
        "totalLinesAdded": lines,
        "totalLinesDeleted": lines // 5,
        "acceptedLinesAdded": lines * 2 // 3,
        "acceptedLinesDeleted": lines // 8,
        "totalApplies": applies,
        "totalAccepts": applies * 3 // 4,
        "totalRejects": applies // 6,
        "totalTabsShown": tabs,
        "totalTabsAccepted": taken,
        "composerRequests": ways["composer"],
        "chatRequests": ways["chat"],
        "agentRequests": ways["agent"],
        "cmdkUsages": ways["cmdk"],
        "subscriptionIncludedReqs": sum(not event.is_chargeable for event in events),
        "apiKeyReqs": 0,
        "usageBasedReqs": sum(event.is_chargeable for event in events),
        "bugbotUsages": sum(event.timestamp % 50 == 0 for event in events),
        "mostUsedModel": models.most_common(1)[0][0] if models else None,
        "applyMostUsedExtension": EXTENSIONS[n % 3] if applies else None,
        "tabMostUsedExtension": EXTENSIONS[n % 4] if taken else None,
        "clientVersion": f"3.{n % 5}.1" if (events or tabs) and (n + day.toordinal()) % 2 else None,
    }


def commit(rng: random.Random, seat: Seat, at: int) -> Row:
    tab, composer, own = (int(rng.random() * most) for most in (30, 150, 60))
    removed = [lines // 4 for lines in (tab, composer, own)]
    is_known = rng.random() < 0.9  # else only what the provider's own agent saw
    branch = rng.choice(("main", "main", "feature/simulated"))
    return {
        "commitHash": f"{rng.getrandbits(160):040x}",
        "userId": seat.id,
        "userEmail": seat.email,
        "repoName": f"example/{seat.person.team.lower()}" if is_known else None,
        "branchName": branch if is_known else None,
        "isPrimaryBranch": branch == "main" if is_known else None,
        "commitSource": rng.choice(("ide", "ide", "ide", "cli")) if is_known else "cloud",
        "totalLinesAdded": tab + composer + own,
        "totalLinesDeleted": sum(removed),
        "tabLinesAdded": tab,
        "tabLinesDeleted": removed[0],
        "composerLinesAdded": composer,
        "composerLinesDeleted": removed[1],
        "nonAiLinesAdded": own if is_known else None,
        "nonAiLinesDeleted": removed[2] if is_known else None,
        "message": "Simulated change" if is_known else None,
        "commitTs": iso(at) if is_known else None,
        "createdAt": iso(at + 5000),
    }
