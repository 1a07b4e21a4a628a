{% set version = last_version() %}
{% if is_incremental() %}
    {% set range = changed_range(
        ref('stg_github__commits'), 'authored_at', changed_or_deleted('commits', version)
    ) %}
{% endif %}

with

commits as (

    select * from {{ ref('stg_github__commits') }}
    {% if is_incremental() %}
    where
        authored_at >= {{ dbt.dateadd('day', -1, range.first) }}
        and authored_at <= {{ dbt.dateadd('day', 1, range.last) }}
    {% endif %}

),

tombstones as (

    {{ tombstones_of('commits') }}

),

bots as (

    select * from {{ ref('bots') }}

),

judged as (

    select
        commits.repository_id,
        commits.authored_at,
        {{ version_with_deletion('commits') }} as clean_version,
        not {{ is_deleted() }} as is_living,
        coalesce(commits.author_id, lower(commits.author_email), commits.author_name, '') as author_key,
        {{ bot_evidence('coalesce(commits.author_login, commits.author_name)', 'commits.author_type') }}
        is not null as is_bot,
        coalesce({{ json_length('commits.parents_json') }}, 0) > 1 as is_merge
    from commits
    {{ join_bots('commits.author_login', 'commits.author_id') }}
    left join tombstones
        on {{ object_key('commits', 'commits') }} = tombstones.object_key

),

by_calendar as (

    {% for calendar in calendars() -%}
    select
        *,
        '{{ calendar }}' as calendar,
        {{ calendar_date('authored_at', calendar) }} as commit_date
    from judged
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

{% if is_incremental() -%}
changed_days as (

    select distinct
        repository_id,
        calendar,
        commit_date
    from by_calendar
    where clean_version > {{ version }}

),

{% endif -%}
-- A day of which every commit is gone (a rewritten history) loses its row: a null count takes it away.
final as (

    select
        ---------- ids
        by_calendar.repository_id,

        ---------- strings
        by_calendar.calendar,

        ---------- numerics
        nullif(count(case when by_calendar.is_living then 1 end), 0) as commit_count,
        count(case when by_calendar.is_living and not by_calendar.is_bot then 1 end) as commit_without_bots_count,
        count(case when by_calendar.is_living and by_calendar.is_bot then 1 end) as bot_commit_count,
        count(case when by_calendar.is_living and by_calendar.is_merge then 1 end) as merge_commit_count,
        count(distinct case when by_calendar.is_living then by_calendar.author_key end) as author_count,
        count(
            distinct case when by_calendar.is_living and not by_calendar.is_bot then by_calendar.author_key end
        ) as author_without_bots_count,
        max(by_calendar.clean_version) as clean_version,

        ---------- dates
        by_calendar.commit_date

    from by_calendar

    {% if is_incremental() %}
    inner join changed_days
        on
            by_calendar.repository_id = changed_days.repository_id
            and by_calendar.calendar = changed_days.calendar
            and by_calendar.commit_date = changed_days.commit_date
    {% endif %}

    group by by_calendar.repository_id, by_calendar.calendar, by_calendar.commit_date
    {% if not is_incremental() %}
    having count(case when by_calendar.is_living then 1 end) > 0
    {% endif %}

)

select * from final
