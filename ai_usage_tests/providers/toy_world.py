"""Lives three days with the toy provider, in the tree that it is run in, and prints what came of it."""

import contextlib
import io
import json
import sys
from datetime import date, timedelta

from ai_usage import settings as clock
from ai_usage.settings import settings

clock.refuse_a_pretended_clock = lambda of: of  # no real provider is asked

from ai_usage.automation.warehouse_resource import warehouse_of  # noqa: E402
from ai_usage.commands import doctor  # noqa: E402
from ai_usage.commands.data_folder import prepare_instance  # noqa: E402
from ai_usage.commands.refresh import refresh  # noqa: E402
from ai_usage.definitions import defs  # noqa: E402
from ai_usage.partitions import Span  # noqa: E402
from ai_usage_tests import lean, lineage_once  # noqa: E402, F401

A = "ai_usage_analytics"
of = settings()
prepare_instance(of)
last = date(2026, 11, 19)
with contextlib.redirect_stdout(io.StringIO()):
    outcome = refresh(of, Span(last - timedelta(days=2), last))
warehouse = warehouse_of(of)


def rows(query: str) -> list[list[str]]:
    return [[str(value) for value in row] for row in warehouse.ask(query).iter_rows()]


printed = io.StringIO()
with contextlib.redirect_stdout(printed):
    doctor.run(of, [])
graph = defs.resolve_asset_graph()
found = {
    "spend": rows(
        f"select spend_date, provider, platform, charge_type, sum(billed_usd) as usd from {A}.ai_spend "
        "group by spend_date, provider, platform, charge_type order by spend_date, charge_type"
    ),
    "focus": rows(f"select distinct ProviderName, PublisherName, InvoiceIssuerName, ServiceName from {A}.focus_1_2"),
    "budget": rows(f"select month, scope, scope_name, spent_usd from {A}.budget_status"),
    "months": rows(f"select provider, month, vendor_usd from {A}.month_close"),
    "alerts": rows(f"select topic, text from {A}.alert_events"),
    "on_boards": sorted({*warehouse.query("dashboards/platform_share")["provider"]}),  # what its filter is made of
    "doctor": printed.getvalue(),
    "freshness": sorted(
        key.to_user_string()
        for key in graph.get_all_asset_keys()
        if "toy" in key.path[-1] and graph.get(key).freshness_policy_or_from_metadata
    ),
    "sensors": sorted(sensor.name for sensor in defs.sensors or () if "toy" in sensor.name),
    "failed": [str(one) for one in outcome.wrong if one.result == "failed"] + list(outcome.failures.values()),
    "passed": sorted({one.check for one in outcome.results if "toy" in one.asset and one.result == "passed"}),
}
sys.stdout.write(json.dumps(found))
