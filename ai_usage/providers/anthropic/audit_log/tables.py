"""Uploads' tables: the ledger of what was read from the files that people drop in."""

from ai_usage.providers.anthropic.audit_log.records import AuditEvent
from ai_usage.providers.anthropic.tables import ENTERPRISE
from ai_usage.warehouse.table import raw_table

AUDIT_LOG = "claude_audit_log"
DAILY_PULLS = {AUDIT_LOG: AuditEvent}
RAW_TABLES = {pull: raw_table(pull, account_before=ENTERPRISE) for pull in DAILY_PULLS}
