"""The assets of core that span providers."""

from ai_usage.core import console_figures, keys, people, person_accounts, revisions, sheets

ASSETS = [asset for of in (revisions, console_figures, sheets, keys, people, person_accounts) for asset in of.ASSETS]
