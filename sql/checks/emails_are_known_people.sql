-- Addresses in the sheet that no vendor's list of members has, under any of the person's addresses.
with persons as (
    select
        person_email,
        logical_or(user_name is not null) as is_known
    from ai_usage_analytics.dim_person
    group by person_email
)

select
    dim.user_email,
    dim.team_name
from ai_usage_analytics.dim_person as dim
inner join persons on dim.person_email = persons.person_email
where
    dim.is_in_sheet
    and not persons.is_known
order by dim.user_email
