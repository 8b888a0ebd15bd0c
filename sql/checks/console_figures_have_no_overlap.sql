-- Console figures of one provider, account and workspace with periods that overlap: their days would be compared with
-- two figures. A figure of usage and one of usage and seats do not overlap, nor do those of an account and of all.
select
    one.provider,
    one.row_number as first_row,
    other.row_number as second_row,
    other.period_start as overlap_from,
    coalesce(one.account, 'all') as account,
    coalesce(one.workspace_id, 'all') as workspace_id,
    least(one.period_end, other.period_end) as overlap_to
from ai_usage_analytics.console_figures as one
inner join ai_usage_analytics.console_figures as other
    on
        one.provider = other.provider
        and coalesce(one.account, '') = coalesce(other.account, '')
        and coalesce(one.workspace_id, '') = coalesce(other.workspace_id, '')
        and one.row_number != other.row_number
        and (
            one.period_start < other.period_start
            or (one.period_start = other.period_start and one.row_number < other.row_number)
        )
        and one.period_end > other.period_start
        and coalesce(one.covers, other.covers, '') = coalesce(other.covers, one.covers, '')
where
    one.removed_at is null
    and other.removed_at is null
order by one.provider, account, workspace_id, overlap_from
