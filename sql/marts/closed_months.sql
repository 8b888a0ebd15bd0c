-- The closed months: who closed them and when, their amounts at the close, and the changes since.
--
-- grain: one closed month of one provider
-- step of: month_close
-- built: view
-- group: close
-- columns:
--   month string not null: YYYY-MM
--   provider string not null: as in dim_provider
--   acted_at instant not null: when it was closed
--   acted_by_email string not null: who closed it
--   note string: in their words
--   figure_usd numeric: the console's figure at the close
--   invoice_usd numeric: the invoices at the close
--   accepted_usd numeric: what was accepted as unexplained; null where everything was explained
--   usage_usd numeric: usage before credits, as it was at the close
--   seats_usd numeric: seats, likewise
--   credits_usd numeric: credits, likewise
--   tax_usd numeric: tax, likewise
--   change_usd numeric not null: cost now minus cost at the close
--   restated_usd numeric not null: the part of restatements by the provider
--   is_restated boolean not null: whether the provider restated a day since then
with frozen as (
    select
        month,
        provider,
        sum(if(kind = 'usage', billed_usd, null)) as usage_usd,
        sum(if(kind = 'seats', billed_usd, null)) as seats_usd,
        sum(if(kind = 'credits', billed_usd, null)) as credits_usd,
        sum(if(kind = 'tax', billed_usd, null)) as tax_usd
    from ai_usage_analytics.closed_figures
    where is_in_force
    group by month, provider
),

changes as (
    select
        month,
        provider,
        sum(change_usd) as change_usd,
        sum(if(cause = 'restated', change_usd, cast(0 as numeric))) as restated_usd,
        logical_or(cause = 'restated') as is_restated
    from ai_usage_analytics.closed_month_changes
    group by month, provider
)

select
    closes.month,
    closes.provider,
    closes.acted_at,
    closes.acted_by_email,
    closes.note,
    closes.figure_usd,
    closes.invoice_usd,
    if(closes.is_unexplained_accepted, closes.unexplained_usd, null) as accepted_usd,
    frozen.usage_usd,
    frozen.seats_usd,
    frozen.credits_usd,
    frozen.tax_usd,
    coalesce(changes.change_usd, cast(0 as numeric)) as change_usd,
    coalesce(changes.restated_usd, cast(0 as numeric)) as restated_usd,
    coalesce(changes.is_restated, false) as is_restated
from ai_usage_analytics.month_closes as closes
left join frozen on closes.month = frozen.month and closes.provider = frozen.provider
left join changes on closes.month = changes.month and closes.provider = changes.provider
where
    closes.is_in_force
    and closes.act = 'close'
