-- Addresses in the sheet of people who are neither a provider's member nor in the tab people, under any address.
with known as (
    select person_email
    from ai_usage_analytics.dim_person_account
    union distinct
    select dim.person_email
    from ai_usage_analytics.dim_person as dim
    inner join ai_usage_analytics.people as people on dim.user_email = people.user_email
)

select
    dim.user_email,
    dim.team_name
from ai_usage_analytics.dim_person as dim
left join known on dim.person_email = known.person_email
where
    dim.is_in_sheet
    and known.person_email is null
order by dim.user_email
