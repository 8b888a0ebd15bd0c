-- Attribution coverage: how much of the billed cost is attributed, by method, for each day and month.
--
-- grain: one method of attribution over one UTC day or calendar month, of one provider or of all
-- question: Which share of the bill is attributed to a person, and by which method?
-- example: select period_start, attribution_method, billed_usd, share_ratio from
--   ai_usage_analytics.attribution_quality where period = 'month' order by period_start, billed_usd desc
-- built: view
-- group: quality
-- columns:
--   period string not null: day or month
--   period_start date not null: its first UTC day
--   provider string not null: as in dim_provider, or all
--   attribution_method string not null: actor, key_sheet, key_creator, seat or unattributed
--   billed_usd numeric not null: billed cost attributed by this method; 0 where a period has none
--   total_usd numeric not null: billed cost of the period, all methods
--   share_ratio numeric: share of the total, 0 to 1; null where nothing was billed
with methods as (
    select attribution_method
    from unnest(['actor', 'key_sheet', 'key_creator', 'seat', 'unattributed']) as attribution_method
),

billed as (
    select
        spend_date,
        provider,
        attribution_method,
        sum(billed_usd) as billed_usd
    from ai_usage_analytics.ai_spend
    where billed_usd is not null
    group by spend_date, provider, attribution_method
),

spread as (
    select
        'day' as period,
        spend_date as period_start,
        provider,
        attribution_method,
        billed_usd
    from billed
    union all
    select
        'month' as period,
        date_sub(spend_date, interval extract(day from spend_date) - 1 day) as period_start,
        provider,
        attribution_method,
        billed_usd
    from billed
),

voiced as (
    select
        period,
        period_start,
        provider,
        attribution_method,
        billed_usd
    from spread
    union all
    select
        period,
        period_start,
        'all' as provider,
        attribution_method,
        billed_usd
    from spread
),

totals as (
    select
        period,
        period_start,
        provider,
        sum(billed_usd) as total_usd
    from voiced
    group by period, period_start, provider
),

sums as (
    select
        period,
        period_start,
        provider,
        attribution_method,
        sum(billed_usd) as billed_usd
    from voiced
    group by period, period_start, provider, attribution_method
)

select
    totals.period,
    totals.period_start,
    totals.provider,
    methods.attribution_method,
    coalesce(sums.billed_usd, cast(0 as numeric)) as billed_usd,
    totals.total_usd,
    cast(round(
        safe_divide(cast(coalesce(sums.billed_usd, 0) as float64), cast(totals.total_usd as float64)), 6
    ) as numeric) as share_ratio
from totals
cross join methods
left join sums
    on
        totals.period = sums.period
        and totals.period_start = sums.period_start
        and totals.provider = sums.provider
        and methods.attribution_method = sums.attribution_method
