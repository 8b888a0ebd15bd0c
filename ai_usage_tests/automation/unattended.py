"""The real definitions as the code location of a real daemon, without slow assets and with short intervals."""

from datetime import timedelta

from ai_usage import definitions
from ai_usage.automation import build_requests
from ai_usage.settings import settings

BUILT = {"claude_costs", "claude_daily_cost", "claude_total_expenses"}

definitions.ASSETS[:] = [
    one for one in definitions.ASSETS if any(key.path[0] == "raw" or key.path[1] in BUILT for key in one.keys)
]
definitions.CHECKS[:] = [check for check in definitions.CHECKS if check.name == "no_day_is_missing"]
build_requests.LONG = timedelta(seconds=5)
defs = definitions.build_defs(settings())
for sensor in defs.sensors or ():
    sensor._min_interval = 5
