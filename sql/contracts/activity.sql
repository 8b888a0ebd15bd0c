-- What `sql/providers/<provider>/activity.sql` selects: what people did on the provider's platforms between @first_day
-- and @last_day, in one or more rows for each person, day and tool. ai_activity documents each column, sums the rows,
-- and adds provider, team and the person's main address. A count that the provider does not report is null.
select
    cast(null as date) as activity_date,
    cast(null as string) as user_email,
    cast(null as string) as tool,
    cast(null as bool) as is_active,
    cast(null as int64) as sessions,
    cast(null as int64) as requests,
    cast(null as int64) as suggestions,
    cast(null as int64) as suggestions_accepted,
    cast(null as int64) as lines_added,
    cast(null as int64) as lines_accepted,
    cast(null as int64) as commits,
    cast(null as int64) as pull_requests,
    cast(null as int64) as tokens
from (select 1 as nothing) as no_rows
where false
