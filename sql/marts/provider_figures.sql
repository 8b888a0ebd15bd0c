-- Figures of whole providers, as consoles and invoices showed them: those of the sheet that name neither account nor
-- workspace, and the sums of figures of accounts. Such a sum exists once each account that was pulled for the period
-- has a figure of that same period; a figure without an account takes precedence. An invoice's usage minus its credits
-- in the sheet is a figure too.
--
-- grain: one figure of one provider, as it is or was in the sheet
-- step of: month_close
-- built: view
-- group: close
-- columns:
--   provider string not null: as in the figure
--   period_start date not null: the first day
--   period_end date not null: exclusive
--   amount_usd numeric not null: as the console or invoice shows it
--   source string: where it was read; null for figures of accounts that were read in several places
--   covers string: usage or usage_and_seats; null if the sheet does not have it
--   first_seen_at instant not null: the first pull of the tab that has it; for a sum, that has all of its figures
--   removed_at instant: the first pull of the tab without it, or without a figure of the sum; null while it is there
--   row_in_sheet integer not null: row of the tab console_figures; for a sum, the first of its rows; of
--     an invoice more than a million
with whole_figures as (
    select
        provider,
        account,
        period_start,
        period_end,
        amount_usd,
        source,
        covers,
        first_seen_at,
        removed_at,
        row_number as row_in_sheet
    from ai_usage_analytics.console_figures
    where
        workspace_id is null
        and period_end > period_start
    union all
    select
        provider,
        account,
        period_start,
        period_end,
        sum(if(invoices.covers in ('usage', 'credits'), invoices.amount_usd, cast(0 as numeric))) as amount_usd,
        concat('invoice ', string_agg(distinct invoice_id, ', ' order by invoice_id)) as source,
        'usage' as covers,
        max(first_seen_at) as first_seen_at,
        cast(null as timestamp) as removed_at,
        min(row_number) + 1000000 as row_in_sheet -- after every figure of a console
    from ai_usage_analytics.invoices
    where removed_at is null
    group by provider, account, period_start, period_end
    having
        countif(invoices.covers = 'usage') > 0
        and countif(invoices.amount_usd is null) = 0
),

accounts as (
    select distinct
        figures.provider,
        figures.period_start,
        figures.period_end,
        pulled.account
    from whole_figures as figures
    inner join ai_usage_analytics.billing_days as pulled
        on
            figures.provider = pulled.provider
            and figures.period_start <= pulled.activity_date
            and figures.period_end > pulled.activity_date
    where figures.account is not null
),

-- Each account's figure of the period: the one in the sheet, else the last that was there.
of_accounts as (
    select
        accounts.provider,
        accounts.period_start,
        accounts.period_end,
        figures.amount_usd,
        figures.source,
        figures.covers,
        figures.first_seen_at,
        figures.removed_at,
        figures.row_in_sheet
    from accounts
    left join whole_figures as figures
        on
            accounts.provider = figures.provider
            and accounts.account = figures.account
            and accounts.period_start = figures.period_start
            and accounts.period_end = figures.period_end
    qualify row_number() over (
        partition by accounts.provider, accounts.account, accounts.period_start, accounts.period_end
        order by if(figures.removed_at is null, 0, 1) asc, figures.removed_at desc, figures.row_in_sheet asc
    ) = 1
),

sums_of_accounts as (
    select
        provider,
        period_start,
        period_end,
        sum(amount_usd) as amount_usd,
        if(min(source) = max(source), min(source), null) as only_source,
        max(covers) as covers,
        max(first_seen_at) as first_seen_at,
        min(removed_at) as removed_at,
        min(row_in_sheet) as row_in_sheet
    from of_accounts
    group by provider, period_start, period_end
    having count(of_accounts.row_in_sheet) = count(*) and count(distinct coalesce(of_accounts.covers, '')) = 1
)

select
    provider,
    period_start,
    period_end,
    amount_usd,
    source,
    covers,
    first_seen_at,
    removed_at,
    row_in_sheet
from whole_figures
where account is null
union all
select sums_of_accounts.*
from sums_of_accounts
left join whole_figures
    on
        sums_of_accounts.provider = whole_figures.provider
        and sums_of_accounts.period_start = whole_figures.period_start
        and sums_of_accounts.period_end = whole_figures.period_end
        and whole_figures.account is null
        and whole_figures.removed_at is null
where whole_figures.provider is null
