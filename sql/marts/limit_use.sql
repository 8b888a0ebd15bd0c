-- The spend limits that providers report, each with what was used against it in its current period, as of the newest
-- pull. Amounts used are the provider's own figures, which may be newer than the last day of ai_spend. A limit applies
-- to usage on top of seats, never to the seats.
--
-- grain: one limit of one person or account in its current period
-- question: How much of each spend limit is used?
-- example: select provider, team_name, user_email, limit_usd, used_usd, used_ratio, state from
--   ai_usage_analytics.limit_use where state in ('near', 'reached') order by provider, team_name, user_email
-- built: whole
-- group: spend
-- columns:
--   provider string not null: as in dim_provider
--   account string: the account at the provider
--   scope string not null: person, or account where the limit is that of all
--   user_email string: the person, lower-case; null for other scopes, and where the provider sends no address
--   team_name string: the person's; null without one
--   period string not null: month or billing_cycle
--   period_start date: the first UTC day of the period; null where it is not known
--   limit_usd numeric: 0 where only included use is allowed; null without a limit, and where it is not known
--   is_unlimited boolean not null: whether the provider reports that there is no limit
--   used_usd numeric: used in the period so far; null where it is not known
--   used_ratio numeric: used_usd divided by limit_usd, with four decimals; null where one is not known, and for a limit
--     of 0
--   state string not null: reached (all is used), near (from limit_thresholds on), within, included_only (the limit is
--     0), unlimited, unknown
--   as_of_at instant not null: when these figures were first pulled
with people as (
    select
        user_email,
        max(team_name) as team_name
    from ai_usage_analytics.dim_person
    group by user_email
),

limits as (
    select
        reported.provider,
        reported.account,
        reported.scope,
        reported.user_email,
        people.team_name,
        reported.period,
        reported.period_start,
        reported.limit_usd,
        reported.is_unlimited,
        reported.used_usd,
        reported.as_of_at,
        cast(round(
            safe_divide(cast(reported.used_usd as float64), cast(nullif(reported.limit_usd, 0) as float64)), 4
        ) as numeric) as used_ratio
    from `providers/*/spend_limits` as reported
    left join people on reported.user_email = people.user_email
)

select
    limits.provider,
    limits.account,
    limits.scope,
    limits.user_email,
    limits.team_name,
    limits.period,
    limits.period_start,
    limits.limit_usd,
    limits.is_unlimited,
    limits.used_usd,
    limits.used_ratio,
    case
        when limits.is_unlimited then 'unlimited'
        when limits.limit_usd = 0 then 'included_only'
        when limits.used_usd >= limits.limit_usd then 'reached'
        when limits.used_ratio >= thresholds.near_ratio then 'near'
        when limits.used_ratio is not null then 'within'
        else 'unknown'
    end as state,
    limits.as_of_at
from limits
cross join ai_usage_analytics.limit_thresholds as thresholds
