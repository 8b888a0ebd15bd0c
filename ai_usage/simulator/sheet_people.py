"""The sheet's tabs about people: who they are, who owns an API key, and how much each used claude.ai."""

import random
from datetime import date, datetime, timedelta

from ai_usage.simulator.openai_company import Company
from ai_usage.simulator.organization import ApiKey, Organization, Person
from ai_usage.simulator.people_days import PeopleDays, latest_ready
from ai_usage.simulator.sheet_rows import HOSTILE, TabRows, day_cell, day_name, shouted

UNKNOWN_KEY = "apikey_01DeletedLongAgo000000"
UNMAPPED, UNMAPPED_FIRST = 12, 5  # one of this many keys is not in the sheet
TWO_OWNERS, NO_ADDRESS = 8, 20  # keys with wrong rows
TEAMS = {  # workspace → the owner of a key that no person made
    "Default": "Web",
    "Platform": "Platform",
    "Data team": "Data",
    "Support assistant": "Support",
    "Claude Code": "Platform",
    "Old experiments": "Data",
}
COST_CENTERS = {  # team → what Finance books its people's costs on
    **dict.fromkeys(("Platform", "Data", "Web", "Mobile", "Security"), 4100),
    **dict.fromkeys(("Support", "Marketing", "Design"), 4200),
    **dict.fromkeys(("Finance", "People"), 4300),
}
OPENAI_OWNERS = {  # keys of service accounts → the owner's team
    "search prod": "Web",
    "nightly etl": "Data",
    "voice gateway": "Support",
    "codex ci": "Platform",
    "batch enrichment": "Data",
}
USAGE_DAYS = 40
GOES_ON_LEAVE = 7  # of those present, who
UNCLEAR_DATE = "03/04/2026"


def api_key_mapping(organization: Organization, company: Company, seed: int, at: datetime) -> TabRows:
    """Most keys there are at Claude, of which each fifth is another's than its maker's, and two robots' at OpenAI."""
    tab = TabRows("api_key_mapping", "api_key_id api_key_name user_email team_name description provider")
    keys = [(n, key) for n, key in enumerate(organization.api_keys) if key.created_at <= at]
    for n, key in keys:
        owner = _owner(organization, seed, n, key, at)
        cells = [key.id, key.name, owner.email, owner.team]
        if n == TWO_OWNERS:
            tab.reject([*cells, "Mine"], "the key has two owners: see the last row")
        elif n == NO_ADDRESS:
            tab.reject([*cells[:2], owner.name, owner.team, "No address"], "user_email without @")
        elif n % UNMAPPED != UNMAPPED_FIRST:
            text = HOSTILE[n // 12 % 3] if n % 12 == 4 else f"{key.name} of {key.workspace.name}"
            cells = [key.id, key.name, shouted(owner.email), owner.team] if n % 9 == 2 else cells
            tab.keep([*cells, text, *([None, "asked twice"] if n % 7 == 0 else [])], {"user_email": owner.email})
        if n == len(keys) // 2:
            tab.leave_blank()
    stranger = organization.people[0]
    tab.keep([UNKNOWN_KEY, "old-bot", stranger.email, stranger.team])  # listed and used nowhere
    for n, key in keys:
        if n == TWO_OWNERS:
            owner = _owner(organization, seed, n, key, at)
            other = next(person for person in organization.people if person.team == owner.team and person != owner)
            tab.reject([key.id, key.name, other.email, other.team, "No, mine"], "the key has two owners: see above")
    for n, (name, team) in enumerate(OPENAI_OWNERS.items()):
        at_openai = company.key(name)
        if at_openai.created_at <= at:
            colleague = _colleague(organization, f"openai:{seed}", team, n, at)
            tab.keep([at_openai.id, name, colleague.email, team, f"{name} of {at_openai.project.name}", "openai"])
    return tab


def people_tab(organization: Organization, at: datetime) -> TabRows:
    """Everybody who is there, as Finance knows them: by cost center, without a team. One goes on leave next month."""
    columns = "user_email name team_name cost_center manager_email valid_from valid_to leave_from leave_to"
    tab = TabRows("people", columns)
    present = [person for person in organization.people if person.present(at)]
    managers = {person.team: person for person in reversed(present)}  # the first of each team
    for n, person in enumerate(present):
        manager = managers[person.team].email if managers[person.team] != person else None
        email = shouted(person.email) if n % 13 == 5 else person.email
        center = COST_CENTERS[person.team]
        leave = [_months_after(at.date(), 1), _months_after(at.date(), 4)] if n == GOES_ON_LEAVE else [None, None]
        tab.keep(
            [email, person.name, None, center, manager, None, None, *(day and day_cell(day) for day in leave)],
            {"user_email": person.email, "cost_center": str(center)},
        )
        if n == len(present) // 2:
            tab.leave_blank()
    return tab


def _months_after(day: date, months: int) -> date:
    month = day.month - 1 + months
    return date(day.year + month // 12, month % 12 + 1, 1)


def _owner(organization: Organization, seed: int, n: int, key: ApiKey, at: datetime) -> Person:
    if key.created_by and key.created_by.startswith("user_") and n % 5 != 2:
        return organization.person(key.created_by)
    return _colleague(organization, str(seed), TEAMS[key.workspace.name], n, at)


def _colleague(organization: Organization, seed: str, team: str, n: int, at: datetime) -> Person:
    people = [person for person in organization.people if person.team == team and person.present(at)]
    return random.Random(f"owner:{seed}:{n}").choice(people or organization.people[:1])


def claude_ai_usage(people: PeopleDays, at: datetime) -> TabRows:
    """A row a person and day, for the forty days there were figures of; as exported then, so the last two may be short.

    Some days were pasted with dates as text, in either of two ways.
    """
    counts = "conversation_count message_count project_count file_upload_count"
    tab = TabRows("claude_ai_usage", f"activity_date user_email {counts}")
    last = latest_ready(at)
    for n in range(USAGE_DAYS):
        day = last - timedelta(days=USAGE_DAYS - 1 - n)
        written = {3: day.isoformat(), 5: day_name(day)}.get(n % 8, day_cell(day))
        for i, one in enumerate(one for one in people.visible(day, at) if one.messages):
            email = shouted(one.person.email) if (i + n) % 11 == 0 else one.person.email
            remark = [HOSTILE[n % 3]] if i == 1 and n % 10 == 0 else []
            cells = (one.conversations, one.messages, one.projects, one.files)
            tab.keep([written, email, *cells, *remark], {"user_email": one.person.email, "activity_date": day})
        if day.weekday() == 6 and n % 2:
            tab.leave_blank()
    someone = people.organization.people[1]
    tab.reject([UNCLEAR_DATE, someone.email, 1, 2, 0, 0], "activity_date is March 4 or April 3")
    tab.reject([day_cell(last), someone.name, 1, 2, 0, 0], "user_email without @")
    return tab
