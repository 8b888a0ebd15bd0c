"""What the admin has written into the sheet by a moment: its tabs, and what of them a right reader keeps."""

from datetime import datetime

from ai_usage.simulator.claude_days import ClaudeDays
from ai_usage.simulator.cursor_days import CursorDays
from ai_usage.simulator.google_days import GoogleDays
from ai_usage.simulator.openai_days import OpenAiDays
from ai_usage.simulator.people_days import PeopleDays
from ai_usage.simulator.sheet import Contents
from ai_usage.simulator.sheet_invoices import invoices
from ai_usage.simulator.sheet_money import budgets, console_figures, seats
from ai_usage.simulator.sheet_people import api_key_mapping, claude_ai_usage, people_tab


class SheetMaker:
    """Writes the sheet of one organization, from the truth of its days."""

    def __init__(
        self,
        claude: ClaudeDays,
        people: PeopleDays,
        cursor: CursorDays,
        openai: OpenAiDays,
        google: GoogleDays,
        seed: int,
    ) -> None:
        self.claude, self.people, self.cursor = claude, people, cursor
        self.openai, self.google, self.seed = openai, google, seed

    def contents(self, at: datetime) -> Contents:
        organization, company = self.claude.organization, self.openai.company
        tabs = [
            api_key_mapping(organization, company, self.seed, at),
            claude_ai_usage(self.people, at),
            console_figures(self.claude, self.cursor, self.openai, self.google, at),
            budgets(at),
            seats(organization, self.cursor, company, at),
            people_tab(organization, at),  # the last two came last: the others' ids are in ledgers of earlier demos
            invoices(self.claude, self.cursor, self.openai, self.google, at),
        ]
        return Contents(
            {tab.title: tab.rows for tab in tabs},
            [row for tab in tabs for row in tab.good],
            [row for tab in tabs for row in tab.bad],
        )
