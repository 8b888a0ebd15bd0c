-- SKUs of the export that are not in ai_spend, most expensive first: those that a rule excludes as not AI, and those
-- without a rule.
select
    activity_date,
    service_id,
    service_name,
    sku_id,
    sku_name,
    rule_name is not null as is_known,
    count(*) as row_count,
    sum(amount_usd) as left_out_usd
from ai_usage_analytics.gemini_costs
where
    activity_date between @first_day and @last_day
    and platform is null
    and charge_type != 'tax'
group by activity_date, service_id, service_name, sku_id, sku_name, is_known
order by activity_date asc, is_known asc, abs(sum(amount_usd)) desc
