-- API keys with two owners on one day: the periods of a key overlap.
select
    one.api_key_id,
    one.user_email,
    other.user_email as other_user_email,
    greatest(
        coalesce(one.valid_from, date '2000-01-01'), coalesce(other.valid_from, date '2000-01-01')
    ) as from_day
from ai_usage_analytics.dim_api_key_mapping as one
inner join ai_usage_analytics.dim_api_key_mapping as other
    on
        one.api_key_id = other.api_key_id
        and coalesce(one.valid_from, date '2000-01-01') <= coalesce(other.valid_from, date '2000-01-01')
        and coalesce(one.valid_to, date '9999-01-01') > coalesce(other.valid_from, date '2000-01-01')
        and (
            coalesce(one.valid_from, date '2000-01-01') < coalesce(other.valid_from, date '2000-01-01')
            or coalesce(one.user_email, '') < coalesce(other.user_email, '')
            or (
                coalesce(one.user_email, '') = coalesce(other.user_email, '')
                and coalesce(one.team_name, '') < coalesce(other.team_name, '')
            )
        )
order by one.api_key_id, from_day
