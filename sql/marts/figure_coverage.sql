-- The figures in the sheet, and the cost lines that each covers: those of the account and the workspace that it names,
-- else all of its provider.
--
-- grain: one figure that is in the sheet
-- step of: console_figures_match
-- built: view
-- group: close
-- columns:
--   row_in_sheet integer not null: row of the tab console_figures
--   provider string not null: as in the figure
--   account string: as in the figure
--   line_account string: the account of the cost lines; null where all of the provider's are covered
--   is_account_known boolean not null: whether the account was ever pulled; true of a figure without an account
--   period_start date not null: the first day
--   period_end date not null: exclusive
--   workspace_id string: as in the figure; null for the whole account or provider
--   amount_usd numeric not null: as the console or invoice shows it
--   covers string: usage or usage_and_seats; null if the sheet does not have it
--   first_seen_at instant not null: the first pull of the tab that has it
--   tolerance_usd numeric not null: a difference up to this is accepted: a cent, or a ten-thousandth of the figure
--   is_whole boolean not null: whether it names no workspace
--   is_any_default boolean not null: whether it names the default workspace as such, without its id
--   line_workspace_id string: the workspace's id, of the default one too if it is known
--   workspace_name string: its name today; null if it is not known
--   is_default boolean not null: whether it is about the default workspace
with sub_accounts as (
    select
        provider,
        account,
        sub_account,
        sub_account_name,
        is_default
    from `providers/*/sub_account_names`
),

accounts as (
    select
        provider,
        account,
        count(*) over (partition by provider) = 1 as is_only_one
    from ai_usage_analytics.billing_days
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

-- The sub-account of each figure.
meant as (
    select
        in_sheet.row_number,
        in_sheet.provider,
        in_sheet.line_account,
        if(
            in_sheet.workspace_id = 'default', coalesce(defaults.sub_account, 'default'), in_sheet.workspace_id
        ) as line_workspace_id,
        coalesce(in_sheet.workspace_id in ('default', defaults.sub_account), false) as is_default
    from in_sheet
    left join defaults on in_sheet.row_number = defaults.row_number
),

names as (
    select
        meant.row_number,
        min(sub_accounts.sub_account_name) as workspace_name
    from meant
    inner join sub_accounts
        on
            meant.provider = sub_accounts.provider
            and meant.line_workspace_id = sub_accounts.sub_account
            and (meant.line_account is null or meant.line_account = sub_accounts.account)
    group by meant.row_number
)

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
        thresholds.match_usd, cast(abs(figures.amount_usd) * thresholds.match_ratio as numeric)
    ) as tolerance_usd,
    figures.workspace_id is null as is_whole,
    coalesce(figures.workspace_id = 'default', false) as is_any_default,
    meant.line_workspace_id,
    names.workspace_name,
    meant.is_default
from in_sheet as figures
inner join meant on figures.row_number = meant.row_number
left join names on figures.row_number = names.row_number
cross join ai_usage_analytics.close_thresholds as thresholds
