"""The tables of core that span providers; the module that builds one declares it."""

from ai_usage.core.accounts import DIM_ACCOUNT
from ai_usage.core.closing import CLOSED_FIGURES, MONTH_CLOSE_ACTS, MONTH_CLOSES
from ai_usage.core.console_figures import CONSOLE_FIGURES
from ai_usage.core.invoices import INVOICES
from ai_usage.core.keys import DIM_API_KEY_MAPPING
from ai_usage.core.people import DIM_PERSON
from ai_usage.core.person_accounts import DIM_PERSON_ACCOUNT
from ai_usage.core.providers import DIM_PLATFORM, DIM_PROVIDER
from ai_usage.core.public_holidays import DIM_HOLIDAY
from ai_usage.core.revisions import SPEND_VERSIONS
from ai_usage.core.sheets import BUDGETS, PEOPLE, SEATS, SHEET_REJECTIONS
from ai_usage.core.thresholds import THRESHOLD_OVERRIDES
from ai_usage.warehouse.nameless_views import DIM_PSEUDONYM

CORE_TABLES = (
    DIM_PROVIDER,
    DIM_PLATFORM,
    DIM_ACCOUNT,
    DIM_HOLIDAY,
    SHEET_REJECTIONS,
    CONSOLE_FIGURES,
    INVOICES,
    BUDGETS,
    SEATS,
    PEOPLE,
    DIM_API_KEY_MAPPING,
    DIM_PERSON,
    DIM_PERSON_ACCOUNT,
    DIM_PSEUDONYM,
    SPEND_VERSIONS,
    MONTH_CLOSE_ACTS,
    MONTH_CLOSES,
    CLOSED_FIGURES,
    THRESHOLD_OVERRIDES,
)
