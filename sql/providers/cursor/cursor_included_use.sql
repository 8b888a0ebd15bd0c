-- Each member's use of what the Cursor seat includes, at the model's list price. It is not billed: it is the cost of
-- the same use by request, without a seat.
--
-- grain: one person's included use on one UTC day
-- question: How much usage did Cursor's seats include, at list price?
-- example: select user_email, sum(requests) as requests, sum(list_usd) as list_usd from
--   ai_usage_analytics.cursor_included_use group by user_email order by list_usd desc
-- built: daily by activity_date
-- group: cursor
-- cluster: user_email
-- columns:
--   activity_date date not null: the UTC day
--   user_email string: the person, by one address, lower-case; null where the provider sends none
--   team_name string: the person's; null without one
--   requests integer not null: events that were not charged
--   list_usd numeric: what their tokens cost at list price; null where the provider reports none
select
    events.activity_date,
    coalesce(people.person_email, events.user_email) as user_email,
    people.team_name,
    count(*) as requests,
    sum(events.list_usd) as list_usd
from ai_usage_analytics.cursor_usage_events as events
left join ai_usage_analytics.dim_person as people on events.user_email = people.user_email
where
    events.activity_date between @first_day and @last_day
    and not events.is_chargeable
    and events.service_account_id is null
group by events.activity_date, people.person_email, events.user_email, people.team_name
