"""Requests builds of tables, only for days for which a provider sent something new.

The ledger and the table `builds` decide: a table's day is stale if one of its pulls brought something new since the
day's last build. It does not matter which run pulled it, or which run died before it built.
"""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg

from ai_usage.automation.refresh import (
    BUILD,
    CHAIN,
    JOBS_AT_WORK,
    SECONDS,
    Published,
    range_tags,
    time_limit,
    under_way,
)
from ai_usage.automation.sheet import TRIED_AGAIN
from ai_usage.core.providers import DIM_PROVIDER
from ai_usage.ingest.cadence import RUNS_AT_MOST
from ai_usage.layers import DECLARED, pulls_behind
from ai_usage.partitions import ONE_DAY, Span, runs_of_days
from ai_usage.providers.registry import PROVIDERS
from ai_usage.settings import settings
from ai_usage.sheet.tables import PULLS as TABS_PULLED
from ai_usage.sheet.tabs import CLAUDE_AI_USAGE, days_of, read_tab
from ai_usage.warehouse.builds import BUILDS
from ai_usage.warehouse.googlesql import read
from ai_usage.warehouse.ledger import pull_ids_until_now
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import PULLS, raw_table

LONG = timedelta(minutes=10)  # for a pull
WINDOW = 3  # days that a changed directory is applied to
# Up to this many days are built by one run, though only some tables of some days are stale. Of days that were asked
# for, one run builds as many as a statement of the engine takes: nearly all of their tables must be built anyway.
DAYS_TOGETHER = 62

# The newest pull that brought something: new content, or the pull that makes a day final in the marts. An id of the
# future, made by a wrong clock, does not count, because nothing would ever be newer. Its content counts as new with
# each later pull that finds it again.
NEWS = """
select
    pull,
    activity_date,
    max(pull_id) as pull_id
from ai_usage_raw.pulls
where
    pull_id <= @now
    and (pull_id = records_pull_id or records_pull_id > @now or pull_id in (SETTLED))
group by pull, activity_date
"""
SETTLED = f"select settled_by from ({read('marts/settled_days')})"
NEWEST = f"select max(pull_id) as pull_id from {PULLS.address}"
BUILT = f"select asset, activity_date, built_from, failure is not null as has_failed from {BUILDS.address}"
LAST_BUILD = f"select max(built_from) as built_from from {BUILDS.address}"
AHEAD = f"select count(*) as builds from {BUILDS.address} where built_from > @now"
VERSIONS = f"""
select pull_id
from {PULLS.address}
where pull = @pull and pull_id = records_pull_id
order by pulled_at, pull_id
"""
RECORDS = f"select record from {raw_table(CLAUDE_AI_USAGE.pull).address} where pull_id = @pull_id order by position"

Graph = Any  # Dagster's asset graph: its class is not public
Keys = frozenset[dg.AssetKey]
NOTHING: Keys = frozenset()

rebuild_days = dg.define_asset_job(
    BUILD,
    selection=dg.AssetSelection.all() - dg.AssetSelection.key_prefixes("raw"),
    description="Build core, marts and boards of a range of days from the ledger and check them, asking no provider. "
    "`rebuild_what_changed` runs the part that a change is about.",
    run_tags=time_limit(),
)


@dg.sensor(
    job=rebuild_days,
    minimum_interval_seconds=SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Builds the days of which a provider sent something new, and what depends on them; nothing else.",
)
def rebuild_what_changed(context: dg.SensorEvaluationContext, published: Published) -> dg.SensorResult | dg.SkipReason:
    """A run for each span of stale days. A run that failed for good, or left a table unchanged, is requested again in
    the next hour.
    """
    if published is None:
        return dg.SkipReason("nothing was ever pulled")
    if waits_for := awaited(context.instance):
        return dg.SkipReason(f"waits for {', '.join(waits_for)}: what they bring is built at once")
    if ahead := builds_of_the_future(published):
        context.log.warning("%s builds are of the future, by a clock that was wrong: they count as none.", ahead)
    repository: Any = context.repository_def  # always set in a tick
    asked = [*requests(published, repository.asset_graph)]
    return dg.SensorResult(
        run_requests=asked, skip_reason=None if asked else dg.SkipReason("nothing changed that is not built")
    )


def awaited(instance: dg.DagsterInstance) -> list[str]:
    """The jobs that a build waits for: another build, and pulls, so that all their content is built at once. It does
    not wait for a long pull, which must not delay the days of other providers.
    """
    pulls = [job for job in JOBS_AT_WORK if job != BUILD]
    return [*under_way(instance, BUILD), *under_way(instance, *pulls, since=datetime.now(UTC) - LONG)]


def builds_of_the_future(ledger: Warehouse) -> int:
    """How many tables and days have a build with an instant in the future."""
    if not ledger.has(BUILDS) or (ledger.ask(LAST_BUILD).item() or "") <= pull_ids_until_now():
        return 0
    return int(ledger.ask(AHEAD, now=pull_ids_until_now()).item())


def requests(ledger: Warehouse, graph: Graph, *, asked: Span | None = None) -> Iterator[dg.RunRequest]:
    """A run for each span of days with a stale table, oldest first. For the days `asked`, all tables. Only days that
    some provider was asked about are built.
    """
    stale = Stale.of(ledger, graph, asked)
    spans = list(stale.spans())
    for span, keys in spans[:-1]:
        yield _request(keys | stale.lasting_above(keys), span, stale.newest)
    if spans:
        span, keys = spans[-1]
        yield _request(keys | stale.lasting_with(keys), span, stale.newest)
    elif stale.lasting:
        yield _request(stale.lasting_with(NOTHING), None, stale.newest)


def _request(keys: Keys, span: Span | None, newest: str) -> dg.RunRequest:
    hour = f"{settings().now():%Y-%m-%dT%H}"
    what = " ".join([newest, str(span), hour, *sorted(key.to_user_string() for key in keys)])
    return dg.RunRequest(
        run_key=hashlib.sha256(what.encode()).hexdigest()[:16],
        asset_selection=sorted(keys),
        tags={**(range_tags(span) if span else {}), **TRIED_AGAIN, CHAIN: BUILD},
    )


def _news(ledger: Warehouse) -> dict[str, dict[date | None, str]]:
    """Pull → day (None: the snapshot) → the newest pull that brought something. The ledger may know days before the
    start, which have no partitions.
    """
    there = Span(settings().start_date, settings().yesterday())
    found: dict[str, dict[date | None, str]] = {}
    is_known = ledger.has(DIM_PROVIDER)  # missing in a ledger of an earlier release
    news = NEWS.replace("SETTLED", SETTLED if is_known else "''")
    newest = ledger.ask(NEWEST).item() or ""  # it has no instant in it, so the answer is cached between ticks
    for pull, day, pull_id in ledger.ask(news, now=min(newest, pull_ids_until_now())).iter_rows():
        if day is None or day in there:
            found.setdefault(pull, {})[day] = pull_id
    return found


@dataclass
class Stale:
    """What must be built: tables by day, and tables without days."""

    graph: Graph
    newest: str  # the last pull that was looked at
    days_together: int  # that one run may build
    asked_about: Sequence[date]  # the days that some provider was asked about
    tables: dict[date, Keys] = field(default_factory=dict)  # that can be built for each of them
    daily: dict[date, Keys] = field(default_factory=dict)
    lasting: Keys = NOTHING
    _below: dict[dg.AssetKey, Keys] = field(default_factory=dict)
    _above: dict[dg.AssetKey, Keys] = field(default_factory=dict)
    _of_pulls: dict[frozenset[str], Keys] = field(default_factory=dict)

    @classmethod
    def of(cls, ledger: Warehouse, graph: Graph, asked: Span | None) -> "Stale":
        """Compares the ledger with the builds. All tables of the days `asked` count as stale."""
        pulls = _news(ledger)
        found = cls(
            graph,
            newest=max((pull_id for days in pulls.values() for pull_id in days.values()), default=""),
            days_together=ledger.days_at_once(DAYS_TOGETHER) if asked else DAYS_TOGETHER,
            asked_about=sorted({day for days in pulls.values() for day in days if day}),
        )
        for day in found.asked_about:
            found.tables[day] = found.tables_of(frozenset(pull for pull, days in pulls.items() if day in days))
        builds = _Builds.of(ledger)
        changed = found.changes(pulls, ledger, builds)
        for day, keys in found.tables.items():
            is_asked = asked is not None and day in asked
            stale = {key for key in keys if is_asked or builds.is_stale(key, day, changed.get((key, day), ""))}
            if stale:
                found.daily[day] = frozenset(stale)
        found.lasting = frozenset(
            key for (key, day), at in changed.items() if day is None and builds.is_stale(key, None, at)
        )
        return found

    def changes(
        self, pulls: Mapping[str, Mapping[date | None, str]], ledger: Warehouse, builds: "_Builds"
    ) -> dict[tuple[dg.AssetKey, date | None], str]:
        """By table and day, the newest pull that brought something for it; for tables without days, of any day."""
        found: dict[tuple[dg.AssetKey, date | None], str] = {}
        for pull, days in pulls.items():
            changed = {day: pull_id for day, pull_id in days.items() if day}
            if None in days:
                changed |= dict.fromkeys(self.days_of_snapshot(ledger, builds, pull), days[None])
            newest = max(days.values())
            for key in self.below_pull(pull):
                for day, pull_id in changed.items() if self.has_days(key) else [(None, newest)]:
                    found[key, day] = max(pull_id, found.get((key, day), ""))
        return found

    def days_of_snapshot(self, ledger: Warehouse, builds: "_Builds", pull: str) -> Iterable[date]:
        """The days that a changed snapshot is applied to: of a provider's directory the last ones; of the sheet all of
        them, since owners, people and prices are of the whole history; of claude_ai_usage the days with changed rows.
        """
        if pull == CLAUDE_AI_USAGE.pull:
            below = self.below(dg.AssetKey(["raw", pull]))
            return _days_touched(ledger, {day: builds.oldest(below & keys, day) for day, keys in self.tables.items()})
        if pull in TABS_PULLED:
            return self.asked_about
        since = settings().yesterday() - timedelta(days=WINDOW - 1)
        return [day for day in self.asked_about if day >= since]

    def below_pull(self, pull: str) -> Keys:
        """All tables built from a pull. If the pull is one of those that block a provider's days, the tables of all of
        them, because the checks that block a day compare them.
        """
        together = {one for of in PROVIDERS if pull in of.gate.pulls for one in of.gate.pulls} | {pull}
        return NOTHING.union(*(self.below(dg.AssetKey(["raw", one])) for one in together))

    def tables_of(self, pulls: frozenset[str]) -> Keys:
        """The tables that can be built for a day about which these pulls asked."""
        if pulls not in self._of_pulls:
            names = {table for table, of in DECLARED.items() if of.is_daily and pulls_behind(table) & pulls}
            keys = {dg.AssetKey(name.split("/")) for name in names if not name.startswith("raw/")}
            self._of_pulls[pulls] = frozenset(filter(self.is_built, keys))
        return self._of_pulls[pulls]

    def is_built(self, key: dg.AssetKey) -> bool:
        """Whether an asset of this graph builds the table: a subset of the graph has only the names of the others."""
        return bool(self.graph.has(key) and self.graph.get(key).is_materializable)

    def has_days(self, key: dg.AssetKey) -> bool:
        return self.graph.get(key).partitions_def is not None

    def below(self, key: dg.AssetKey) -> Keys:
        """All built tables that depend on an asset, directly or through views or other tables."""
        if key not in self._below:
            children = self.graph.get(key).child_keys if self.graph.has(key) else ()
            made = [child for child in children if child.path[0] != "raw"]
            self._below[key] = frozenset(filter(self.is_built, made)).union(*map(self.below, made))
        return self._below[key]

    def lasting_with(self, keys: Keys) -> Keys:
        """The stale tables without days, those that depend on the keys, and the tables that these read."""
        below = {one for key in keys for one in self.below(key) if not self.has_days(one)}
        wanted = keys | self.lasting | below
        return frozenset(wanted - keys) | self._made_of_no_pull(wanted)

    def lasting_above(self, keys: Keys) -> Keys:
        """Those that the keys depend on: the others wait for the last of several runs."""
        above = {key for key in self.lasting if self.below(key) & keys}
        return frozenset(above) | self._made_of_no_pull(keys)

    def _made_of_no_pull(self, keys: Iterable[dg.AssetKey]) -> Keys:
        above = NOTHING.union(*(self.above(key) for key in keys))
        return frozenset(key for key in above if key.path[0] != "raw" and not self.graph.get(key).parent_keys)

    def above(self, key: dg.AssetKey) -> Keys:
        """All tables filled by a run that an asset reads, directly or through views or other tables."""
        if key not in self._above:
            parents = [parent for parent in self.graph.get(key).parent_keys if self.graph.has(parent)]
            self._above[key] = frozenset(filter(self.is_built, parents)).union(*map(self.above, parents))
        return self._above[key]

    def spans(self) -> Iterator[tuple[Span, Keys]]:
        """The stale days in as few runs as possible: some neighboring days are built together though they need
        different tables. If there would be too many runs, the days between them are included if they were asked about.
        """
        for stretch in runs_of_days(self.asked_about):
            found: list[tuple[Span, Keys]] = []
            for day in (one for one in stretch.days if one in self.daily):
                here = (Span(day, day), self.daily[day])
                if found and found[-1][0].last + ONE_DAY == day and self._are_one(found[-1], here):
                    found[-1] = _together(found[-1], here)
                else:
                    found.append(here)
            if len(found) > RUNS_AT_MOST:
                found = [(Span(found[0][0].first, found[-1][0].last), NOTHING.union(*(keys for _, keys in found)))]
            yield from found

    def _are_one(self, one: tuple[Span, Keys], other: tuple[Span, Keys]) -> bool:
        return one[1] == other[1] or len(Span(one[0].first, other[0].last).days) <= self.days_together


def _together(one: tuple[Span, Keys], other: tuple[Span, Keys]) -> tuple[Span, Keys]:
    return Span(one[0].first, other[0].last), one[1] | other[1]


@dataclass(frozen=True)
class _Builds:
    """The state of the ledger from which each table and day was built; none for a failed build."""

    made: Mapping[tuple[str, date | None], str]

    @classmethod
    def of(cls, ledger: Warehouse) -> "_Builds":
        """Ignores builds with an instant in the future: a clock was wrong, and every later pull would be in them."""
        rows = ledger.ask(BUILT).iter_rows() if ledger.has(BUILDS) else ()
        now = pull_ids_until_now()
        return cls({(asset, day): "" if has_failed or made > now else made for asset, day, made, has_failed in rows})

    def is_stale(self, key: dg.AssetKey, day: date | None, changed: str) -> bool:
        return (made := self.made.get((key.to_user_string(), day), "")) < changed or not made

    def oldest(self, keys: Collection[dg.AssetKey], day: date) -> str:
        return min((self.made.get((key.to_user_string(), day), "") for key in keys), default="")


def _days_touched(ledger: Warehouse, built: Mapping[date, str]) -> Iterator[date]:
    """The days with rows of the tab claude_ai_usage that differ from those that the day was built from."""
    versions = ledger.ask(VERSIONS, pull=CLAUDE_AI_USAGE.pull)["pull_id"].to_list()
    rows: dict[str, dict[date, list[Any]]] = {"": {}}

    def rows_of(version: str) -> dict[date, list[Any]]:
        if version not in rows:
            records = ledger.ask(RECORDS, pull_id=version)["record"].to_list()
            by_day = days_of(read_tab(CLAUDE_AI_USAGE, records).good)
            rows[version] = {day: _contents(of_day) for day, of_day in by_day.items()}
        return rows[version]

    for day, made in built.items():
        was = max((version for version in versions if version < made), default="")
        if was != versions[-1] and rows_of(was).get(day) != rows_of(versions[-1]).get(day):
            yield day


def _contents(rows: Sequence[Mapping[str, Any]]) -> list[Any]:
    """The contents of a day's rows, wherever they are in the tab."""
    return sorted([str(value) for name, value in sorted(row.items()) if name != "row_number"] for row in rows)
