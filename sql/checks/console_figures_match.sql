-- Each figure of the sheet and the sum of the provider's cost lines over its period: of the account and the workspace
-- that it names, else of all of them. Seats have a column of their own: an invoice may include them, if its column
-- `covers` has it or if only usage and seats together match. The days never pulled, future days included, are counted:
-- with such days the figure cannot be compared.
with sub_accounts as (
    select
        provider,
        account,
        sub_account,
        sub_account_name,
        is_default
    from `providers/*/sub_account_names`
),

pulled as (
    select distinct
        pulls.activity_date,
        pulls.account,
        providers.provider
    from ai_usage_raw.pulls as pulls
    inner join ai_usage_analytics.dim_provider as providers on pulls.pull = providers.billing_pull
    where pulls.activity_date is not null
),

accounts as (
    select
        provider,
        account,
        count(*) over (partition by provider) = 1 as is_only_one
    from pulled
    group by provider, account
),

in_sheet as (
    select
        figures.*,
        if(accounts.is_only_one, null, figures.account) as line_account, -- null: of all accounts
        figures.account is null or accounts.account is not null as is_account_known
    from ai_usage_analytics.console_figures as figures
    left join accounts on figures.provider = accounts.provider and figures.account = accounts.account
    where figures.removed_at is null
),

defaults as (
    select
        in_sheet.row_number,
        max(sub_accounts.sub_account) as sub_account
    from in_sheet
    inner join sub_accounts
        on
            in_sheet.provider = sub_accounts.provider
            and sub_accounts.is_default
            and (in_sheet.line_account is null or in_sheet.line_account = sub_accounts.account)
    group by in_sheet.row_number
),

figures as (
    select
        figures.row_number as row_in_sheet,
        figures.provider,
        figures.account,
        figures.line_account,
        figures.is_account_known,
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
        coalesce(figures.workspace_id = 'default', false) as is_any_default,
        if(
            figures.workspace_id = 'default', coalesce(defaults.sub_account, 'default'), figures.workspace_id
        ) as line_workspace_id,
        coalesce(figures.workspace_id in ('default', defaults.sub_account), false) as is_default
    from in_sheet as figures
    left join defaults on figures.row_number = defaults.row_number
),

-- The sheet's seats are no account's.
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
    inner join pulled
        on
            figures.provider = pulled.provider
            and (figures.line_account is null or figures.line_account = pulled.account)
            and figures.period_start <= pulled.activity_date
            and figures.period_end > pulled.activity_date
    group by figures.row_in_sheet
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

names as (
    select
        figures.row_in_sheet,
        min(sub_accounts.sub_account_name) as sub_account_name
    from figures
    inner join sub_accounts
        on
            figures.provider = sub_accounts.provider
            and figures.line_workspace_id = sub_accounts.sub_account
            and (figures.line_account is null or figures.line_account = sub_accounts.account)
    group by figures.row_in_sheet
),

compared as (
    select
        figures.row_in_sheet,
        figures.provider,
        figures.account,
        figures.line_account,
        figures.is_account_known,
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
    compared.account,
    compared.line_account,
    compared.is_account_known,
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
left join names on compared.row_in_sheet = names.row_in_sheet
order by compared.row_in_sheet
