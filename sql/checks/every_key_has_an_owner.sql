-- What each API key used and cost on each day, and whether it has an owner.
select
    used.activity_date,
    used.provider,
    used.api_key_id,
    keys.api_key_name,
    coalesce(keys.mapped_by, 'none') as mapped_by,
    sum(used.tokens) as tokens,
    sum(used.usd) as usd
from `providers/*/key_use` as used
left join ai_usage_analytics.dim_api_key_mapping as keys
    on
        used.provider = keys.provider
        and used.api_key_id = keys.api_key_id
        and used.activity_date >= coalesce(keys.valid_from, date '0001-01-01')
        and used.activity_date < coalesce(keys.valid_to, date '9999-12-31')
where used.activity_date between @first_day and @last_day
group by used.activity_date, used.provider, used.api_key_id, keys.api_key_name, keys.mapped_by
order by used.activity_date asc, usd desc
