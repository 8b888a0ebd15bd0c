-- Days of an account on which gemini_costs differs in any currency from the sums of the export's day, even by the ninth
-- decimal, in the number of rows and credits, or in taxes: a row is lost, or there twice.
with lines as (
    select
        account,
        activity_date,
        billed_currency,
        count(*) as line_count,
        sum(if(charge_type = 'tax', cast(0 as numeric), billed_amount)) as lines_amount,
        sum(if(charge_type = 'tax', billed_amount, cast(0 as numeric))) as tax_amount,
        sum(if(charge_type = 'tax', cast(0 as numeric), amount_usd)) as lines_usd,
        sum(if(charge_type = 'tax', amount_usd, cast(0 as numeric))) as tax_usd
    from ai_usage_analytics.gemini_costs
    where activity_date between @first_day and @last_day
    group by account, activity_date, billed_currency
),

totals as (
    select
        account,
        activity_date,
        billed_currency,
        export_rows + credit_count as line_count,
        billed_amount as total_amount,
        tax_amount,
        amount_usd as total_usd,
        tax_usd
    from ai_usage_analytics.gemini_daily_cost
    where activity_date between @first_day and @last_day
)

select
    coalesce(totals.activity_date, lines.activity_date) as activity_date,
    coalesce(totals.account, lines.account) as account,
    coalesce(totals.billed_currency, lines.billed_currency) as billed_currency,
    coalesce(lines.lines_amount, 0) as lines_amount,
    coalesce(lines.lines_usd, 0) as lines_usd,
    coalesce(lines.line_count, 0) as line_count,
    totals.total_amount,
    totals.total_usd,
    totals.line_count as total_count
from totals
full outer join lines
    on
        totals.activity_date = lines.activity_date
        and totals.account = lines.account
        and totals.billed_currency = lines.billed_currency
where
    totals.line_count is null
    or coalesce(lines.line_count, 0) != totals.line_count
    or coalesce(lines.lines_amount, 0) != totals.total_amount
    or coalesce(lines.tax_amount, 0) != totals.tax_amount
    or coalesce(lines.lines_usd + lines.tax_usd, 0) != totals.total_usd + totals.tax_usd
order by activity_date, account, billed_currency
