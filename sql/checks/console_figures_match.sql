-- Each figure of the sheet and the sum of the provider's cost lines over its period: of the whole organization, or of
-- the workspace it names. Seats have a column of their own: an invoice may include them, if its column `covers` has it
-- or if only usage and seats together match. The days never pulled, future days included, are counted: with such days
-- the figure cannot be compared.
with sub_accounts as (
    select
        provider,
        sub_account,
        sub_account_name,
        is_default
    from `providers/*/sub_account_names`
),

defaults as (
    select
        provider,
        max(sub_account) as sub_account
    from sub_accounts
    where is_default
    group by provider
),

figures as (
    select
        figures.row_number as row_in_sheet,
        figures.provider,
        figures.period_start,
        figures.period_end,
        figures.workspace_id,
        figures.amount_usd,
        figures.covers,
        figures.first_seen_at,
        greatest(
            cast('0.01' as numeric), cast(abs(figures.amount_usd) * cast('0.0001' as numeric) as numeric)
        ) as tolerance_usd,
        figures.workspace_id is null as is_whole,
        if(
            figures.workspace_id = 'default', coalesce(defaults.sub_account, 'default'), figures.workspace_id
        ) as line_workspace_id,
        coalesce(figures.workspace_id in ('default', defaults.sub_account), false) as is_default
    from ai_usage_analytics.console_figures as figures
    left join defaults on figures.provider = defaults.provider
    where figures.removed_at is null
),

seats as (
    select
        figures.row_in_sheet,
        sum(days.seats_usd) as seats_usd
    from figures
    inner join ai_usage_analytics.provider_days as days
        on
            figures.provider = days.provider
            and figures.period_start <= days.activity_date
            and figures.period_end > days.activity_date
    where figures.is_whole
    group by figures.row_in_sheet
),

pulled as (
    select distinct
        pulls.activity_date,
        providers.provider
    from ai_usage_raw.pulls as pulls
    inner join ai_usage_analytics.dim_provider as providers on pulls.pull = providers.billing_pull
    where pulls.activity_date is not null
),

days as (
    select
        figures.row_in_sheet,
        count(*) as days_pulled
    from figures
    inner join pulled
        on
            figures.provider = pulled.provider
            and figures.period_start <= pulled.activity_date
            and figures.period_end > pulled.activity_date
    group by figures.row_in_sheet
),

billed as (
    select
        provider,
        activity_date,
        is_whole,
        sub_account,
        usd
    from `providers/*/billed_amounts`
),

sums as (
    select
        figures.row_in_sheet,
        sum(billed.usd) as lines_usd
    from figures
    inner join billed
        on
            figures.provider = billed.provider
            and figures.is_whole = billed.is_whole
            and (figures.is_whole or figures.line_workspace_id = billed.sub_account)
            and figures.period_start <= billed.activity_date
            and figures.period_end > billed.activity_date
    group by figures.row_in_sheet
),

compared as (
    select
        figures.row_in_sheet,
        figures.provider,
        figures.period_start,
        figures.period_end,
        figures.workspace_id,
        figures.is_default,
        figures.line_workspace_id,
        figures.amount_usd as figure_usd,
        figures.covers as stated_covers,
        figures.first_seen_at,
        figures.tolerance_usd,
        coalesce(sums.lines_usd, cast(0 as numeric)) as lines_usd,
        coalesce(seats.seats_usd, cast(0 as numeric)) as seats_usd,
        coalesce(days.days_pulled, 0) as days_pulled,
        coalesce(
            figures.covers,
            if(
                abs(coalesce(sums.lines_usd, cast(0 as numeric)) - figures.amount_usd) > figures.tolerance_usd
                and abs(coalesce(sums.lines_usd, cast(0 as numeric)) + seats.seats_usd - figures.amount_usd)
                <= figures.tolerance_usd,
                'usage_and_seats', 'usage'
            )
        ) as covers
    from figures
    left join days on figures.row_in_sheet = days.row_in_sheet
    left join sums on figures.row_in_sheet = sums.row_in_sheet
    left join seats on figures.row_in_sheet = seats.row_in_sheet
)

select
    compared.row_in_sheet,
    compared.provider,
    compared.period_start,
    compared.period_end,
    compared.workspace_id,
    names.sub_account_name as workspace_name,
    compared.is_default,
    compared.line_workspace_id,
    compared.figure_usd,
    compared.stated_covers,
    compared.covers,
    compared.first_seen_at,
    compared.lines_usd,
    compared.seats_usd,
    compared.lines_usd
    + if(compared.covers = 'usage', cast(0 as numeric), compared.seats_usd)
    - compared.figure_usd as difference_usd,
    compared.tolerance_usd,
    date_diff(compared.period_end, compared.period_start, day) as days,
    date_diff(compared.period_end, compared.period_start, day) - compared.days_pulled as days_missing
from compared
left join sub_accounts as names on compared.provider = names.provider and compared.line_workspace_id = names.sub_account
order by compared.row_in_sheet
