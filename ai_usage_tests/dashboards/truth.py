"""The expected content of each card, computed independently: in DuckDB's SQL over the days of ai_spend and ai_activity
and over core, never with the card's text or the monthly marts it reads. A fact has the columns that filters use, under
the filters' names. A card's truth is dimensions and measures over one fact.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

A = "ai_usage_analytics"
NEWEST = f"(select strftime(max(spend_date), '%Y-%m') from {A}.ai_spend where billed_usd is not null)"
PROVIDER_OF = "case tool when 'cursor' then 'cursor' else 'anthropic' end"

FACTS = {
    "spend": f"""
        select * replace (ifnull(cost_center, 'no cost center') as cost_center),
            strftime(spend_date, '%Y-%m') as period, ifnull(team_name, 'no team') as team,
            ifnull(user_email, 'unattributed') as person, billed_usd as usd,
            case when charge_type = 'subscription' then billed_usd else 0 end as seat_usd,
            case when attribution_method = 'unattributed' then billed_usd else 0 end as nobodys_usd
        from {A}.ai_spend where billed_usd is not null""",
    "activity": f"""
        select * exclude (provider), strftime(activity_date, '%Y-%m') as period, {PROVIDER_OF} as provider,
            ifnull(team_name, 'no team') as team, ifnull(user_email, 'unattributed') as person,
            is_active::int as active_days
        from {A}.ai_activity""",
    "weeks": f"""
        select * replace (strftime(monday, '%Y-%m') as period) from (
            select * exclude (provider), strftime(activity_date, '%Y-%m') as period, {PROVIDER_OF} as provider,
                ifnull(team_name, 'no team') as team, date_trunc('week', activity_date)::date as monday
            from {A}.ai_activity)""",
    "forecast": f"""
        select * from {A}.forecast_trials
        where method = 'chosen' and month = {NEWEST}
        qualify origin_date = max(origin_date) over (partition by scope, scope_name)""",
    # One row per person, tool and month with billed costs, with the activity of its days.
    "output": f"""
        with paid as (
            select strftime(spend_date, '%Y-%m') as period, platform as tool, user_email, sum(billed_usd) as usd,
                max(team_name) as paid_by
            from {A}.ai_spend
            where platform in ('claude_code', 'cursor') and user_email is not null and billed_usd is not null
            group by all
        )
        select paid.*, {PROVIDER_OF} as provider, user_email as person,
            ifnull((
                select max(team_name) from {A}.ai_activity as a
                where a.user_email = paid.user_email and a.tool = paid.tool
                    and strftime(activity_date, '%Y-%m') = period
            ), ifnull(paid_by, 'no team')) as team,
            {{amounts}}
        from paid""",
    # Who has a seat by the member list of the newest day, and how many more were purchased, by the sheet.
    "seats": f"""
        with newest as (select max(activity_date) as day from {A}.cursor_usage_stats), bought as (
            select ifnull(sum(seats), 0) as n, any_value(plan) as plan, max(seat_price_usd) as price,
                count(distinct seat_price_usd) = 1 as is_one
            from {A}.seats, newest where provider = 'cursor' and coalesce(valid_from, day) <= day
                and coalesce(valid_to > day, true)
        ), here as (
            select distinct user_email from {A}.cursor_usage_stats, newest
            where activity_date = day and user_email not in (
                select user_email from {A}.dim_cursor_member where role = 'free-owner' and user_email is not null)
        ), idle as (
            select user_email, count(distinct activity_date) filter (activity_date > day - 28) >= 20
                and not bool_or(ifnull(is_active, false) and activity_date > day - 28) as is_idle,
                max(activity_date) filter (is_active) as last_active_date
            from {A}.cursor_usage_stats, newest group by user_email
        )
        select 'cursor' as provider, here.user_email as person, idle.is_idle, idle.last_active_date, 1 as seats,
            ifnull((select max(team_name) from {A}.dim_person as p where p.user_email = here.user_email), 'no team')
                as team,
            bought.plan as plan_name, bought.price as seat_price_usd, false as is_nobodys
        from here join idle using (user_email), bought
        where user_email in (select user_email from {A}.dim_cursor_member where not is_removed)
        union all
        select 'cursor', 'unassigned', false, null, n - (select count(*) from here), 'no team', plan, price, true
        from bought where n > (select count(*) from here)""",
    "plans": f"select *, ifnull(team_name, 'no team') as team from {A}.seat_plans",
    "plan_seats": f"select * from {A}.seat_summary",
    "limits": f"""
        select *, ifnull(team_name, 'no team') as team from {A}.limit_use where scope = 'person'""",
    "close": f"select *, month as period from {A}.month_close",
    "parity": f"""
        unpivot (
            select activity_date, strftime(activity_date, '%Y-%m') as period, 'anthropic' as provider,
                outside_console_usd as "outside the Console", priority_tier_usd as "Priority Tier",
                restatement_usd as "restated since", not_settled_usd as "not settled yet", rounding_usd as rounding,
                unexplained_usd as unexplained
            from {A}.claude_parity
        ) on columns(* exclude (activity_date, period, provider)) into name cause value usd""",
    "causes": f"""
        unpivot (
            select month, month as period, provider, days_outside_figure_usd as "days outside the figure",
                restated_since_figure_usd as "restated since", missing_days_usd as "days never pulled",
                blocked_days_usd as "blocked days",
                rounding_usd as rounding, unexplained_usd as unexplained
            from {A}.month_close
        ) on columns(* exclude (month, period, provider)) into name cause value usd""",
    "revisions": f"""
        select a.activity_date, strftime(a.activity_date, '%Y-%m') as period, a.provider, b.known_from as revised_at,
            a.billed_usd as old_usd, b.billed_usd as new_usd, b.billed_usd - a.billed_usd as change_usd
        from {A}.spend_versions as a join {A}.spend_versions as b
            on a.activity_date = b.activity_date and a.provider = b.provider and a.known_to = b.known_from
        where a.billed_usd != b.billed_usd""",
    "results_by_day": f"select *, strftime(checked_date, '%Y-%m') as period from {A}.check_results",
    "results": f"""
        select *, strftime(ifnull(checked_date, (evaluated_at at time zone 'UTC')::date), '%Y-%m') as period
        from {A}.check_results""",
    "anomalies": f"""
        select *, strftime(spend_date, '%Y-%m') as period from
        (select * replace (
            ifnull(provider, 'several') as provider, ifnull(contributors, '') as contributors,
            case when kind = 'departed_member' then max(spend_date) over (
                partition by kind, scope, scope_name, provider, contributors, date_trunc('month', spend_date)
            ) else spend_date end as spend_date)
        from {A}.spend_anomalies)""",
    # Active people of a day and of the days before it, counted one by one.
    "habit": f"""
        with who as (
            select distinct activity_date as day, a.user_email, ifnull(p.team_name, 'no team') as team
            from {A}.ai_activity as a left join {A}.dim_person as p using (user_email)
            where is_active and a.user_email is not null
        ), days as (select distinct activity_date from {A}.ai_activity), teams as (select distinct team from who)
        select activity_date, strftime(activity_date, '%Y-%m') as period, team,
            count(distinct user_email) filter (day = activity_date) as people_day,
            case when activity_date >= (select min(activity_date) from days) + 6
                then count(distinct user_email) filter (day > activity_date - 7) end as people_week,
            case when activity_date >= (select min(activity_date) from days) + 27
                then count(distinct user_email) end as people_month
        from days cross join teams left join who using (team)
        where day is null or day between activity_date - 27 and activity_date
        group by activity_date, team""",
    "cohorts": f"""
        with used as (
            select distinct user_email, date_trunc('month', activity_date) as month from {A}.ai_activity
            where is_active and user_email is not null
        ), began as (select user_email, min(month) as cohort from used group by all)
        select began.user_email, cohort as began_in, m.month as seen_in,
            exists (from used as u where u.user_email = began.user_email and u.month = m.month)::int as is_there,
            ifnull((select max(team_name) from {A}.ai_activity as a where a.user_email = began.user_email), 'no team')
                as team
        from began join (select distinct month from used) as m on m.month >= cohort""",
    "break_even": f"""
        with days as (
            select strftime(spend_date, '%Y-%m') as period, spend_date, sum(billed_usd) / sum(quantity) as a_seat
            from {A}.ai_spend where provider = 'anthropic' and charge_type = 'subscription' group by all
        ), claude as (
            select strftime(spend_date, '%Y-%m') as period, 'anthropic' as provider, user_email as person,
                max(team_name) as team, sum(estimated_usd) as worth
            from {A}.ai_spend where estimated_usd is not null and user_email is not null and platform = 'claude_code'
            group by all
        ), cursor as (
            select strftime(spend_date, '%Y-%m') as period, 'cursor' as provider, user_email as person,
                max(team_name) as team, sum(billed_usd) as seat
            from {A}.ai_spend where provider = 'cursor' and charge_type = 'subscription' and user_email is not null
            group by all
        )
        select period, provider, person, ifnull(team, 'no team') as team, 'mean_seat' as seat_basis,
            round((select sum(a_seat) from days where days.period = claude.period), 2) as seat, worth::double as worth
        from claude
        union all
        select period, provider, person, ifnull(team, 'no team'), 'own_seat', seat::double,
            ifnull((
                select sum(list_usd) from {A}.cursor_usage_events as e
                where e.user_email = person and strftime(activity_date, '%Y-%m') = period and not is_chargeable
            ), 0)::double
        from cursor""",
}
WORK = ("is_active::int", "lines_accepted", "commits")
FACTS["output"] = FACTS["output"].format(
    amounts=", ".join(
        f"""ifnull((
            select sum({what}) from {A}.ai_activity as a
            where a.user_email = paid.user_email and a.tool = paid.tool and strftime(activity_date, '%Y-%m') = period
        ), 0) as {what.removesuffix("::int")}"""
        for what in WORK
    )
)


@dataclass(frozen=True)
class Truth:
    """One card over a fact: dimensions and measures by their names on the card."""

    fact: str
    measures: Mapping[str, str]
    by: Mapping[str, str] = field(default_factory=dict)
    where: str = "true"

    def sql(self, chosen: Mapping[str, Collection[str]], day: str | None = None) -> str:
        """`day` is the fact's column that a period of days filters; without it the period means whole months."""
        cuts = [f"{name} in ({', '.join(map(repr, values))})" for name, values in chosen.items() if name != "period"]
        if period := chosen.get("period"):
            of_days = day and all(len(value) == len("2026-10-05") for value in period)
            column, values = (f"{day}::text", period) if of_days else ("period", {value[:7] for value in period})
            cuts.append(f"{column} in ({', '.join(map(repr, sorted(values)))})")
        shown = [f"{of} as {name}" for name, of in {**self.by, **self.measures}.items()]
        grouped = f" group by {', '.join(str(n + 1) for n in range(len(self.by)))}" if self.by else ""
        return (
            f"with fact as ({FACTS[self.fact]}) select {', '.join(shown)} from fact "
            f"where {' and '.join([self.where, *cuts])}{grouped}"
        )


def ratio(of: str, per: str) -> str:
    return f"sum({of})::double / nullif(sum({per}), 0)::double"


USD = {"spent_usd": "sum(usd)"}
ON_SEATS = {"usage_usd": "sum(usd - seat_usd)", "seats_usd": "sum(seat_usd)"}
ATTRIBUTED = {"attributed_ratio": ratio("usd - nobodys_usd", "usd")}
ACCEPTED = {"acceptance_ratio": ratio("suggestions_accepted", "suggestions")}
MONTH = {"month": "period"}
NAME = f"(select max(api_key_name) from {A}.dim_api_key_mapping as k where k.api_key_id = fact.api_key_id)"
WORKSPACE = f"""case when provider = 'anthropic' and charge_type != 'subscription' then ifnull(
    (select max(workspace_name) from {A}.dim_workspace as w where ifnull(w.workspace_id, 'default') = sub_account),
    ifnull(sub_account, 'outside the Console')) else ifnull(sub_account, 'outside the Console') end"""
CODING = "tool in ('claude_code', 'cursor')"
WHO = "count(distinct user_email)"
ACTIVE = "count(distinct user_email) filter (is_active)"
SAME_DAYS = f"day(spend_date) <= (select day(max(spend_date)) from {A}.ai_spend)"
THIS, BEFORE = f"period = {NEWEST}", f"period = strftime(({NEWEST} || '-01')::date - 1, '%Y-%m')"
GROWN = f"case when {THIS} then usd else -usd end"
BUDGET = f"(select max(amount_usd) from {A}.budgets where month = {NEWEST} and scope = 'total')"
TEAMS_WORK = {
    "days_active": "sum(active_days)",
    **ACCEPTED,
    "lines_accepted": "sum(lines_accepted)",
    "commits": "sum(commits)",
    "pull_requests": "sum(pull_requests)",
}
PER_LINE, PER_COMMIT = {"usd_per_line": ratio("usd", "lines_accepted")}, {"usd_per_commit": ratio("usd", "commits")}
# One person in two months counts twice; two tools of one provider count once.
PERSON_MONTHS = "count(distinct person || period || provider) filter (is_active > 0)"
COUNTED = {
    name.replace(" ", "_"): f"sum((result = '{name}')::int)" for name in ("failed", "warned", "passed", "not evaluated")
}
SAVINGS = ("saving_usd", "saving_low_usd", "saving_high_usd")
MOST = "max({})".format
MONTHS_SEATS = f"""case when figure_covers = 'usage' then 0 else ifnull((
    select sum(s.billed_usd) from {A}.ai_spend as s where s.provider = fact.provider
        and strftime(s.spend_date, '%Y-%m') = fact.month and s.charge_type = 'subscription'), 0) end"""

TRUTHS: dict[str, Truth] = {
    "month_spend": Truth("spend", USD, where=THIS),
    "month_growth": Truth(
        "spend",
        {
            "growth_ratio": f"sum({GROWN})::double / sum(usd) filter ({BEFORE})::double",
            "growth_usd": f"sum({GROWN})",
            "days": "max(day(spend_date))",
        },
        where=f"({THIS} or {BEFORE}) and {SAME_DAYS}",
    ),
    "month_forecast": Truth(
        "forecast", {name: MOST(name) for name in ("forecast_usd", "low_usd", "high_usd")}, where="scope = 'total'"
    ),
    "budget_variance": Truth(
        "forecast",
        {"variance_usd": f"max(forecast_usd) - {BUDGET}", "budget_usd": BUDGET},
        where="scope = 'total'",
    ),
    "month_course": Truth(
        "course",
        {name: f"max({name})" for name in ("spent_usd", "budget_usd", "forecast_usd", "low_usd", "high_usd")},
        {"spend_date": "spend_date"},
    ),
    "budget_trend": Truth(
        "spend",
        {
            **USD,
            "budget_usd": f"(select sum(amount_usd) from {A}.budgets as b where b.month = period and scope = 'total')",
            **{
                f"{name}_usd": f"""case when {BEFORE} then sum(usd) when {THIS} then (
                    select {name}_usd from ({FACTS["forecast"]}) where scope = 'total') end"""
                for name in ("forecast", "low", "high")
            },
        },
        MONTH,
    ),
    "budgets_now": Truth(
        "spend",
        {
            "budget_usd": "max(amount_usd)",
            "spent_ratio": "ifnull(sum(usd), 0)::double / max(amount_usd)::double",
            "variance_usd": "max(forecast_usd) - max(amount_usd)",
        },
        {"scope_name": "budget_of", "scope": "kind"},
    ),
    "daily_spend": Truth("spend", USD, {"spend_date": "spend_date", "provider": "provider"}),
    "platform_share": Truth("spend", USD, {"platform": "platform"}),
    "top_teams": Truth("spend", {**USD, "people": WHO}, {"team_name": "team"}),
    "top_people": Truth("spend", {**USD, **ON_SEATS}, {"person": "person"}),
    "unusual_spend": Truth(
        "anomalies",
        {name: f"sum({name})" for name in ("spent_usd", "expected_usd", "excess_usd")},
        {name: name for name in ("spend_date", "kind", "label", "scope", "contributors")},
    ),
    "period_spend": Truth("spend", USD),
    "seat_spend": Truth("spend", {"seats_usd": "sum(seat_usd)", "seat_ratio": ratio("seat_usd", "usd")}),
    "attributed_share": Truth("spend", {**ATTRIBUTED, "attributed_usd": "sum(usd - nobodys_usd)"}),
    "unattributed_spend": Truth(
        "spend",
        {
            "unattributed_usd": "sum(nobodys_usd)",
            "unattributed_usage_usd": "sum(case when charge_type = 'subscription' then 0 else nobodys_usd end)",
        },
    ),
    "person_platform": Truth("spend", USD, {"person": "person", "platform": "platform"}),
    "team_spend": Truth("spend", {"people": WHO, **ON_SEATS, **USD}, {"team_name": "team"}),
    "spend_trend": Truth("spend", USD, {**MONTH, "provider": "provider"}),
    "workspace_spend": Truth(
        "spend", USD, {"workspace": WORKSPACE}, "provider = 'anthropic' and charge_type != 'subscription'"
    ),
    "key_spend": Truth(
        "spend",
        {**USD, "tokens": "sum(case when unit = 'tokens' then quantity else 0 end)"},
        {"api_key": f"ifnull({NAME}, api_key_id)", "person": "person", "team_name": "team", "workspace": WORKSPACE},
        "api_key_id is not null",
    ),
    "model_spend": Truth("spend", USD, {"model": "ifnull(model, 'no model')"}, "charge_type != 'subscription'"),
    "token_spend": Truth(
        "spend",
        {**USD, "tokens": "sum(quantity)", "usd_per_million": "1e6 * sum(usd)::double / sum(quantity)::double"},
        {"meter": "meter"},
        "unit = 'tokens' and charge_type = 'usage'",
    ),
    "attribution_quality_trend": Truth("spend", USD, {**MONTH, "attribution_method": "attribution_method"}),
    "unattributed_sources": Truth(
        "spend",
        USD,
        {
            "platform": "platform",
            "charge_type": "charge_type",
            "workspace": WORKSPACE,
            "api_key": f"ifnull({NAME}, ifnull(api_key_id, 'no key'))",
        },
        "attribution_method = 'unattributed'",
    ),
    "active_people_now": Truth(
        "activity", {"people": ACTIVE, "days_active": "sum(active_days)"}, where="user_email is not null and is_active"
    ),
    "acceptance_rate": Truth("activity", {**ACCEPTED, "suggestions": "sum(suggestions)"}),
    "commits_made": Truth("activity", {"commits": "sum(commits)"}, where="commits > 0"),
    "pull_requests_made": Truth("activity", {"pull_requests": "sum(pull_requests)"}, where="pull_requests > 0"),
    "active_people_trend": Truth(
        "habit",
        {name: f"sum({name})" for name in ("people_day", "people_week", "people_month")},
        {"activity_date": "activity_date"},
    ),
    "tool_people": Truth(
        "activity", {"people": WHO}, {**MONTH, "tool": "tool"}, "user_email is not null and is_active"
    ),
    "adoption_cohorts": Truth(
        "cohorts",
        {"active_ratio": ratio("is_there", "1"), "people": "count(*)"},
        {"cohort": "strftime(began_in, '%Y-%m')", "months_after": "date_diff('month', began_in, seen_in)"},
    ),
    "acceptance_trend": Truth("weeks", ACCEPTED, {"week_start": "monday", "tool": "tool"}, "suggestions is not null"),
    "lines_trend": Truth(
        "weeks",
        {"lines_accepted": "sum(lines_accepted)"},
        {"week_start": "monday", "tool": "tool"},
        "lines_accepted is not null",
    ),
    "output_trend": Truth(
        "weeks",
        {"commits": "sum(commits)", "pull_requests": "sum(pull_requests)"},
        {"week_start": "monday"},
        CODING,
    ),
    "coding_tools": Truth("activity", {"people": ACTIVE, **TEAMS_WORK}, {"tool": "tool"}, CODING),
    "team_activity": Truth(
        "activity", {"people": ACTIVE, **TEAMS_WORK}, {"team_name": "team"}, f"{CODING} and user_email is not null"
    ),
    "cost_per_line": Truth("output", {**PER_LINE, "lines_accepted": "sum(lines_accepted)"}),
    "cost_per_commit": Truth("output", {**PER_COMMIT, "commits": "sum(commits)"}),
    "cost_per_person": Truth(
        "output",
        {"usd_per_person": f"sum(usd)::double / {PERSON_MONTHS}", "person_months": PERSON_MONTHS},
    ),
    "idle_seat_cost": Truth(
        "seats",
        {
            "saving_usd": "sum(case when is_idle or is_nobodys then seats * seat_price_usd else 0 end)",
            "idle_seats": "sum(case when is_idle or is_nobodys then seats else 0 end)",
            "unassigned_seats": "sum(case when is_nobodys then seats else 0 end)",
            "idle_ratio": "sum(case when is_idle or is_nobodys then seats else 0 end)::double / sum(seats)",
        },
    ),
    "cost_and_output": Truth(
        "output",
        {**USD, "lines_accepted": "sum(lines_accepted)", "days_active": "sum(is_active)"},
        {"person": "person"},
    ),
    "cost_per_line_trend": Truth("output", {**PER_LINE, **PER_COMMIT}, {**MONTH, "tool": "tool"}),
    "team_roi": Truth(
        "output",
        {"people": WHO, **USD, "usd_per_person": f"sum(usd)::double / {PERSON_MONTHS}", **PER_LINE, **PER_COMMIT},
        {"team_name": "team"},
    ),
    "idle_seats": Truth(
        "seats",
        {"seats": "sum(seats)", "saving_usd": "sum(seats * seat_price_usd)"},
        {
            "person": "person",
            "team_name": "team",
            "plan_name": "ifnull(plan_name, 'not known')",
            "last_active_date": "last_active_date",
        },
        "(is_idle or is_nobodys)",
    ),
    "seats_that_pay": Truth(
        "break_even",
        {
            "paying_ratio": "avg((worth >= seat)::int)",
            "paying_seats": "sum((worth >= seat)::int)",
            "seats": "count(*)",
        },
        {**MONTH, "provider": "provider"},
    ),
    "seat_break_even": Truth(
        "break_even",
        {"seat_usd": "sum(seat)", "worth_usd": "sum(worth)", "saved_usd": "sum(worth - seat)"},
        {"person": "person", "team_name": "team", "provider": "provider", "seat_basis": "seat_basis"},
    ),
    "plan_savings": Truth(
        "plans",
        {
            "compared": "count(saving_usd)",
            "recommendations": "count(recommended_option)",
            "uncertain": "count(*) filter (status = 'uncertain')",
            "not_compared": "count(*) - count(saving_usd)",
            **{name: f"sum(if(recommended_option is null, 0, {name}))" for name in SAVINGS},
        },
        {"team_name": "team", "provider": "provider"},
    ),
    "seats_by_plan": Truth(
        "plan_seats",
        {name: f"sum({name})" for name in ("purchased", "assigned", "active", "under_used", "idle", "idle_usd")},
        {"provider": "provider", "plan_name": "ifnull(plan_name, 'not known')"},
    ),
    "limits_used": Truth(
        "limits",
        {
            "limits": "count(*)",
            **{name: f"count(*) filter (state = '{name}')" for name in ("near", "reached", "unknown")},
            "used_usd": "sum(used_usd) filter (limit_usd is not null)",
            "limit_usd": "sum(limit_usd)",
            "used_ratio": "sum(used_usd)::double / sum(limit_usd)::double",
        },
        {"team_name": "team", "provider": "provider"},
    ),
    "failed_checks": Truth("results", {name: COUNTED[name] for name in ("failed", "warned", "not_evaluated")}),
    "unexplained_difference": Truth(
        "close",
        {
            "unexplained_usd": "sum(abs(unexplained_usd))",
            "difference_usd": f"sum(abs(vendor_usd + {MONTHS_SEATS} - figure_usd))",
        },
    ),
    "attribution_share": Truth("spend", ATTRIBUTED),
    "restated_spend": Truth(
        "revisions",
        {"change_usd": "sum(change_usd)", "moved_usd": "sum(abs(change_usd))", "revisions": "nullif(count(*), 0)"},
    ),
    "checks_by_day": Truth(
        "results_by_day",
        {"results": "count(*)"},
        {"checked_date": "checked_date", "result": "result"},
        "checked_date is not null",
    ),
    "results_by_check": Truth(
        "results",
        {**COUNTED, "evaluated_at": "max(evaluated_at)"},
        {
            "check_name": "check_name",
            "asset": "asset",
            "reason": """ifnull((
                select arg_max(v.reason, (v.result != 'not evaluated', v.checked_date, v.evaluated_at)) from fact as v
                where v.check_name = fact.check_name and v.asset = fact.asset and v.result != 'passed'), '')""",
        },
    ),
    "differences_by_cause": Truth("causes", {"amount_usd": "sum(usd)"}, {"month": "month", "cause": "cause"}),
    "months_closed": Truth(
        "close",
        {
            name: f"sum({name})"
            for name in (
                *("vendor_usd", "figure_usd", "unexplained_usd", "days_missing", "days_blocked"),
                *("invoice_usd", "changed_since_close_usd"),
            )
        },
        {"month": "month", "provider": "provider", "status": "status", "status_reason": "ifnull(status_reason, '')"},
    ),
    "parity_by_cause": Truth(
        "parity", {"amount_usd": "sum(usd)"}, {"activity_date": "activity_date", "cause": "cause"}
    ),
    "forecast_error": Truth(
        "trials",
        {
            "mape_ratio": "round(avg(abs(forecast - actual) / actual), 6)",
            "naive_mape_ratio": "round(avg(abs(naive - actual) / actual), 6)",
            "interval_coverage_ratio": "round(avg((actual between low - 0.01 and high + 0.01)::int), 6)",
            "trials": "count(*)",
        },
        {
            "horizon": "case when days_left <= 7 then '1-7' when days_left <= 14 then '8-14' "
            "when days_left <= 21 then '15-21' else '22+' end"
        },
        "actual >= 1",
    ),
    "revisions": Truth(
        "revisions",
        {name: f"sum({name})" for name in ("old_usd", "new_usd", "change_usd")},
        {name: name for name in ("revised_at", "activity_date", "provider")},
    ),
    "freshness": Truth(
        "pulled",
        {"pulls": "count(*)"},
        {
            "report": "pull",
            "account": "account",
            "newest_day": "newest",
            "newest_day_with_records": "with_records",
            "last_pulled_at": "pulled",
            "last_news_at": "news",
        },
    ),
}
FACTS["course"] = f"""
    with days as (
        select spend_date, sum(usd) as usd from ({FACTS["spend"]}) where {THIS} group by spend_date
    ), sums as (
        select spend_date, (select sum(usd) from days as o where o.spend_date <= days.spend_date) as spent_usd,
            spend_date = (select max(spend_date) from days) as is_newest
        from days
    ), so_far as (select *, case when is_newest then spent_usd end as opens from sums)
    select spend_date, spent_usd, {BUDGET} as budget_usd, opens as forecast_usd, opens as low_usd, opens as high_usd
    from so_far
    union all
    select (select last_day(max(spend_date)) from days), null, {BUDGET}, forecast_usd, low_usd, high_usd
    from ({FACTS["forecast"]}) where scope = 'total'"""
FACTS["pulled"] = """
    select source as provider, account, pull, max(activity_date) over p as newest, max(pulled_at) over p as pulled,
        max(activity_date) filter (records > 0) over p as with_records,
        max(pulled_at) filter (pull_id = records_pull_id) over p as news
    from ai_usage_raw.pulls window p as (partition by source, account, pull)"""
FACTS["trials"] = f"""
    select t.days_left, t.forecast_usd::double as forecast, t.actual_usd::double as actual,
        t.low_usd::double as low, t.high_usd::double as high, n.forecast_usd::double as naive
    from {A}.forecast_trials as t join {A}.forecast_trials as n using (month, scope, scope_name, origin_date)
    where t.method = 'chosen' and n.method = 'naive_run_rate' and t.actual_usd is not null and t.days_left > 0
        and scope != 'cost_center'"""
FACTS["budgeted"] = f"""
    select b.scope as kind, ifnull(b.scope_name, 'all') as budget_of, b.amount_usd, s.billed_usd as usd,
        (select max(f.forecast_usd) from ({FACTS["forecast"]}) as f
        where f.scope = b.scope and f.scope_name = ifnull(b.scope_name, 'all')) as forecast_usd
    from {A}.budgets as b left join {A}.ai_spend as s
        on strftime(s.spend_date, '%Y-%m') = b.month
        and case b.scope when 'total' then true when 'provider' then s.provider = b.scope_name
            else s.team_name = b.scope_name end
    where b.month = {NEWEST}"""
TRUTHS["budgets_now"] = Truth("budgeted", TRUTHS["budgets_now"].measures, TRUTHS["budgets_now"].by)
