-- depends_on: {{ ref('int_rankings_resolved') }}

{% set spans = [1, 7, 28, 90, 365] %}
{% set version = last_version() %}
{% if is_incremental() %}
    {% set range = changed_range(
        ref('int_repository_counters_unified'), 'observed_at', 'clean_version > ' ~ version
    ) %}
{% endif %}

with

observed as (

    select * from {{ ref('int_repository_counters_unified') }}
    {% if is_incremental() %}
    where
        observed_at >= {{ dbt.dateadd('day', -1, range.first) }}
        and observed_at <= {{ dbt.dateadd('day', 1, range.last) }}
    {% endif %}

),

by_calendar as (

    {% for calendar in calendars() -%}
    select
        *,
        '{{ calendar }}' as calendar,
        {{ calendar_date('observed_at', calendar) }} as observed_date
    from observed
    where repository_id is not null
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

{% if is_incremental() -%}
ranking_changes as (

    select *
    from {{ ref('int_rankings_resolved') }}
    where clean_version > {{ version }}

),

-- A line that was rewritten, or whose name is now another's, may take a day from its repository.
ranked_before as (

    select
        known.repository_id,
        known.calendar,
        known.observed_date
    from {{ this }} as known
    where
        known.origin = 'ranking'
        and (
            exists (
                select 1
                from ranking_changes
                where
                    lower(known.repository_name) = ranking_changes.name_key
                    and known.ranking_date = ranking_changes.ranking_date
            )
            or known.ranking_date in (
                select ranking_changes.ranking_date
                from ranking_changes
                where ranking_changes.line_version > {{ version }}
            )
        )

),

changed_days as (

    select
        repository_id,
        calendar,
        observed_date
    from by_calendar
    where clean_version > {{ version }}

    union

    select * from ranked_before

),

{% endif -%}
of_best_origin as (

    select
        by_calendar.*,
        min(by_calendar.origin_rank) over (
            partition by by_calendar.repository_id, by_calendar.calendar, by_calendar.observed_date
        ) as best_origin_rank
    from by_calendar
    {% if is_incremental() %}
    inner join changed_days
        on
            by_calendar.repository_id = changed_days.repository_id
            and by_calendar.calendar = changed_days.calendar
            and by_calendar.observed_date = changed_days.observed_date
    {% endif %}

),

-- The last reading of the day; REST does not tell issues from pull requests, so each takes its own last. Of
-- several lists of a day the order leaves nothing to chance, so that both calendars read the same line.
ranked as (

    select
        *,
        row_number() over (
            partition by repository_id, calendar, observed_date
            order by
                observed_at desc nulls last,
                star_count desc nulls last,
                fork_count desc nulls last,
                open_issue_and_pull_request_count desc nulls last,
                watcher_count desc nulls last,
                repository_name asc
        ) as reading_rank,
        row_number() over (
            partition by repository_id, calendar, observed_date
            order by
                case when open_issue_count is null then 1 else 0 end,
                observed_at desc nulls last,
                star_count desc nulls last,
                fork_count desc nulls last,
                open_issue_count desc nulls last,
                open_pull_request_count desc nulls last
        ) as issue_rank
    from of_best_origin
    where origin_rank = best_origin_rank

),

days as (

    select
        repository_id,
        calendar,
        observed_date,
        max(case when reading_rank = 1 then repository_name end) as repository_name,
        max(case when reading_rank = 1 then origin end) as origin,
        max(case when reading_rank = 1 then star_count end) as star_count,
        max(case when reading_rank = 1 then fork_count end) as fork_count,
        max(case when reading_rank = 1 then watcher_count end) as watcher_count,
        max(case when issue_rank = 1 then open_issue_count end) as open_issue_count,
        max(case when issue_rank = 1 then open_pull_request_count end) as open_pull_request_count,
        max(
            case when reading_rank = 1 then open_issue_and_pull_request_count end
        ) as open_issue_and_pull_request_count,
        max(clean_version) as clean_version,
        max(case when reading_rank = 1 then observed_at end) as observed_at
    from ranked
    group by repository_id, calendar, observed_date

),

{% set measured = [
    'repository_name', 'origin', 'star_count', 'fork_count', 'watcher_count', 'open_issue_count',
    'open_pull_request_count', 'open_issue_and_pull_request_count', 'clean_version', 'observed_at',
] -%}
{% if is_incremental() -%}
known_days as (

    select
        known.repository_id,
        known.calendar,
        known.observed_date,
        {% for column in measured -%}
        known.{{ column }}{{ ',' if not loop.last }}
        {% endfor %}
    from {{ this }} as known
    left join changed_days
        on
            known.repository_id = changed_days.repository_id
            and known.calendar = changed_days.calendar
            and known.observed_date = changed_days.observed_date
    where changed_days.repository_id is null

),

all_days as (

    select * from known_days

    union all

    select
        repository_id,
        calendar,
        observed_date,
        {{ measured | join(', ') }}
    from days

),

-- A changed day changes the growth of the days that look back at it.
touched_days as (

    select * from changed_days
    {% for span in spans %}
    union
    select
        changed_days.repository_id,
        changed_days.calendar,
        cast({{ dbt.dateadd('day', span, 'changed_days.observed_date') }} as date) as observed_date
    from changed_days
    inner join all_days
        on
            changed_days.repository_id = all_days.repository_id
            and changed_days.calendar = all_days.calendar
            and all_days.observed_date
            = cast({{ dbt.dateadd('day', span, 'changed_days.observed_date') }} as date)
    {% endfor %}

),

current_days as (

    select
        touched_days.repository_id,
        touched_days.calendar,
        touched_days.observed_date,
        {% for column in measured -%}
        all_days.{{ column }}{{ ',' if not loop.last }}
        {% endfor %}
    from touched_days
    left join all_days
        on
            touched_days.repository_id = all_days.repository_id
            and touched_days.calendar = all_days.calendar
            and touched_days.observed_date = all_days.observed_date

),

{% else -%}
all_days as (

    select * from days

),

current_days as (

    select * from days

),

{% endif -%}
final as (

    select
        ---------- ids
        current_days.repository_id,

        ---------- strings
        current_days.repository_name,
        current_days.calendar,
        current_days.origin,

        ---------- numerics
        current_days.star_count,
        current_days.fork_count,
        current_days.watcher_count,
        current_days.open_issue_count,
        current_days.open_pull_request_count,
        current_days.open_issue_and_pull_request_count,
        {% for span in spans -%}
        current_days.star_count - ago_{{ span }}.star_count as star_growth_{{ span }}d,
        {% endfor %}
        {% for span in spans -%}
        current_days.fork_count - ago_{{ span }}.fork_count as fork_growth_{{ span }}d,
        {% endfor %}
        greatest(
            {% for span in spans -%}
            coalesce(ago_{{ span }}.clean_version, -1),
            {% endfor -%}
            current_days.clean_version
        ) as clean_version,

        ---------- dates
        current_days.observed_date,
        case when current_days.origin = 'ranking' then cast(current_days.observed_at as date) end as ranking_date,

        ---------- timestamps
        current_days.observed_at

    from current_days

    {% for span in spans -%}
    left join all_days as ago_{{ span }}
        on
            current_days.repository_id = ago_{{ span }}.repository_id
            and current_days.calendar = ago_{{ span }}.calendar
            and ago_{{ span }}.observed_date
            = cast({{ dbt.dateadd('day', -span, 'current_days.observed_date') }} as date)
    {% endfor %}

)

select * from final
