-- The number of the invoice with a day's cost, by kind of cost, if the sheet has exactly one. A credit
-- is on the invoice of the usage that it is for.
--
-- grain: one kind of cost of one account, or of all, on one UTC day that one invoice is for
-- step of: focus_1_2
-- built: view
-- group: close
-- columns:
--   provider string not null: as in the invoice
--   charge_type string not null: usage, subscription or credit, as in ai_spend
--   account string: as in the invoice; null is all of them together
--   activity_date date not null: the UTC day
--   invoice_id string not null: the number
select
    provider,
    case kind when 'seats' then 'subscription' when 'credits' then 'credit' else kind end as charge_type,
    account,
    activity_date,
    min(invoiced_days.invoice_id) as invoice_id
from ai_usage_analytics.invoiced_days
where kind != 'tax'
group by provider, kind, account, activity_date
having
    count(invoiced_days.invoice_id) = count(*)
    and min(invoiced_days.invoice_id) = max(invoiced_days.invoice_id)
