{% set version = last_version() %}

with

counters as (

    select * from {{ ref('stg_github__repository_counters') }}

),

observations as (

    select * from {{ ref('stg_github__repository_observations') }}

),

events as (

    select * from {{ ref('stg_gharchive__events') }}

),

sightings as (

    select
        repository_id,
        repository_name,
        observed_at as seen_at,
        clean_version
    from counters
    where clean_version > {{ version }}

    union all

    select
        repository_id,
        repository_name,
        observed_at as seen_at,
        clean_version
    from observations
    where clean_version > {{ version }}

    union all

    select
        repository_id,
        repository_name,
        created_at as seen_at,
        clean_version
    from events
    where clean_version > {{ version }}

    union all

    select
        fork_id as repository_id,
        fork_name as repository_name,
        created_at as seen_at,
        clean_version
    from events
    where clean_version > {{ version }}

),

by_day as (

    select
        repository_id,
        lower(repository_name) as name_key,
        cast(seen_at as date) as seen_date,
        max(repository_name) as repository_name,
        min(seen_at) as first_seen_at,
        max(seen_at) as last_seen_at,
        max(clean_version) as clean_version
    from sightings
    where repository_id is not null and repository_name like '%/%'
    group by repository_id, lower(repository_name), cast(seen_at as date)

),

final as (

    select
        ---------- ids
        by_day.repository_id,

        ---------- strings
        by_day.name_key,
        {% if is_incremental() %}
        greatest(by_day.repository_name, coalesce(known.repository_name, by_day.repository_name)) as repository_name,
        {% else %}
        by_day.repository_name,
        {% endif %}

        ---------- numerics
        by_day.clean_version,

        ---------- dates
        by_day.seen_date,

        ---------- timestamps
        {% if is_incremental() %}
        least(by_day.first_seen_at, coalesce(known.first_seen_at, by_day.first_seen_at)) as first_seen_at,
        greatest(by_day.last_seen_at, coalesce(known.last_seen_at, by_day.last_seen_at)) as last_seen_at
        {% else %}
        by_day.first_seen_at,
        by_day.last_seen_at
        {% endif %}

    from by_day

    {% if is_incremental() %}
    left join {{ this }} as known
        on
            by_day.repository_id = known.repository_id
            and by_day.name_key = known.name_key
            and by_day.seen_date = known.seen_date
    {% endif %}

)

select * from final
