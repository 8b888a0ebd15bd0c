-- The difference between the provider's cost lines and its console's figure, by month and cause.
with causes as (
    select
        month,
        provider,
        'days outside the figure' as cause,
        days_outside_figure_usd as amount_usd
    from ai_usage_analytics.month_close
    union all
    select
        month,
        provider,
        'restated since' as cause,
        restated_since_figure_usd as amount_usd
    from ai_usage_analytics.month_close
    union all
    select
        month,
        provider,
        'days never pulled' as cause,
        missing_days_usd as amount_usd
    from ai_usage_analytics.month_close
    union all
    select
        month,
        provider,
        'blocked days' as cause,
        blocked_days_usd as amount_usd
    from ai_usage_analytics.month_close
    union all
    select
        month,
        provider,
        'rounding' as cause,
        rounding_usd as amount_usd
    from ai_usage_analytics.month_close
    union all
    select
        month,
        provider,
        'unexplained' as cause,
        unexplained_usd as amount_usd
    from ai_usage_analytics.month_close
)

select
    month,
    provider,
    cause,
    amount_usd
from causes
where amount_usd is not null
