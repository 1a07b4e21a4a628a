{% set version = last_version() %}
{% if is_incremental() %}
    {% set range = changed_range(ref('stg_github__commits'), 'authored_at', version) %}
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

bots as (

    select * from {{ ref('bots') }}

),

judged as (

    select
        commits.repository_id,
        commits.authored_at,
        commits.clean_version,
        coalesce(commits.author_id, lower(commits.author_email), commits.author_name, '') as author_key,
        {{ bot_evidence('coalesce(commits.author_login, commits.author_name)', 'commits.author_type', 'bots.login') }}
        is not null as is_bot,
        coalesce({{ json_length('commits.parents_json') }}, 0) > 1 as is_merge
    from commits
    left join bots
        on lower(commits.author_login) = bots.login

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
final as (

    select
        ---------- ids
        by_calendar.repository_id,

        ---------- strings
        by_calendar.calendar,

        ---------- numerics
        count(*) as commit_count,
        count(case when not by_calendar.is_bot then 1 end) as commit_without_bots_count,
        count(case when by_calendar.is_bot then 1 end) as bot_commit_count,
        count(case when by_calendar.is_merge then 1 end) as merge_commit_count,
        count(distinct by_calendar.author_key) as author_count,
        count(distinct case when not by_calendar.is_bot then by_calendar.author_key end) as author_without_bots_count,
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

)

select * from final
