-- Each figure of the sheet and the sum of the provider's cost lines over its period: of the account and the workspace
-- that it names, else of all of them. Seats have a separate column: an invoice includes them if its column
-- `covers` has it or if only usage and seats together match. The days never pulled, future days included, are counted:
-- with such days the figure cannot be compared.
with figures as (
    select *
    from ai_usage_analytics.figure_coverage
),

-- The sheet's seats belong to no account.
seats_of_days as (
    select
        provider,
        cast(null as string) as account,
        activity_date,
        seats_usd
    from ai_usage_analytics.provider_days
    union all
    select
        provider,
        account,
        spend_date as activity_date,
        billed_usd as seats_usd
    from ai_usage_analytics.ai_spend
    where
        charge_type = 'subscription'
        and account is not null
),

seats as (
    select
        figures.row_in_sheet,
        sum(days.seats_usd) as seats_usd
    from figures
    inner join seats_of_days as days
        on
            figures.provider = days.provider
            and coalesce(figures.line_account, '') = coalesce(days.account, '')
            and figures.period_start <= days.activity_date
            and figures.period_end > days.activity_date
    where figures.is_whole
    group by figures.row_in_sheet
),

days as (
    select
        figures.row_in_sheet,
        count(distinct pulled.activity_date) as days_pulled
    from figures
    inner join ai_usage_analytics.billing_days as pulled
        on
            figures.provider = pulled.provider
            and (figures.line_account is null or figures.line_account = pulled.account)
            and figures.period_start <= pulled.activity_date
            and figures.period_end > pulled.activity_date
    group by figures.row_in_sheet
),

sub_accounts as (
    select
        provider,
        account,
        sub_account,
        is_default
    from `providers/*/sub_account_names`
),

billed as (
    select
        amounts.provider,
        amounts.account,
        amounts.activity_date,
        amounts.is_whole,
        amounts.sub_account,
        amounts.usd,
        coalesce(amounts.sub_account = 'default' or sub_accounts.is_default, false) as is_default
    from `providers/*/billed_amounts` as amounts
    left join sub_accounts
        on
            amounts.provider = sub_accounts.provider
            and amounts.account = sub_accounts.account
            and amounts.sub_account = sub_accounts.sub_account
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
            and (figures.line_account is null or figures.line_account = billed.account)
            and (
                figures.is_whole
                or if(figures.is_any_default, billed.is_default, figures.workspace_id = billed.sub_account)
            )
            and figures.period_start <= billed.activity_date
            and figures.period_end > billed.activity_date
    group by figures.row_in_sheet
),

compared as (
    select
        figures.* except (covers),
        figures.covers as stated_covers,
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
    row_in_sheet,
    provider,
    account,
    line_account,
    is_account_known,
    period_start,
    period_end,
    workspace_id,
    workspace_name,
    is_default,
    line_workspace_id,
    amount_usd as figure_usd,
    stated_covers,
    covers,
    first_seen_at,
    lines_usd,
    seats_usd,
    lines_usd
    + if(covers = 'usage', cast(0 as numeric), seats_usd)
    - amount_usd as difference_usd,
    tolerance_usd,
    date_diff(period_end, period_start, day) as days,
    date_diff(period_end, period_start, day) - days_pulled as days_missing
from compared
order by row_in_sheet
