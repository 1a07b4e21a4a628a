{% set version = last_version() %}

with

entries as (

    select * from {{ ref('int_ledger_entries') }}

),

stream_floors as (

    select * from {{ ref('stream_floors') }}

),

{% if is_incremental() -%}
changed as (

    select
        source_name,
        stream_name,
        partition_name,
        min(observed_date) as observed_date
    from entries
    where clean_version > {{ version }}
    group by source_name, stream_name, partition_name

),

-- What was held before the first day that changed.
held_before as (

    select
        changed.source_name,
        changed.stream_name,
        changed.partition_name,
        max_by(known.held_count, known.observed_date) as held_count,
        max(known.clean_version) as clean_version
    from {{ this }} as known
    inner join changed
        on
            known.source_name = changed.source_name
            and known.stream_name = changed.stream_name
            and known.partition_name = changed.partition_name
            and known.observed_date < changed.observed_date
    group by changed.source_name, changed.stream_name, changed.partition_name

),

{% endif -%}
affected as (

    select
        entries.*,
        {% if is_incremental() %}
        coalesce(held_before.held_count, 0) as held_before_count,
        coalesce(held_before.clean_version, -1) as held_version
        {% else %}
        0 as held_before_count,
        -1 as held_version
        {% endif %}
    from entries
    {% if is_incremental() %}
    inner join changed
        on
            entries.source_name = changed.source_name
            and entries.stream_name = changed.stream_name
            and entries.partition_name = changed.partition_name
            and entries.observed_date >= changed.observed_date
    left join held_before
        on
            entries.source_name = held_before.source_name
            and entries.stream_name = held_before.stream_name
            and entries.partition_name = held_before.partition_name
    {% endif %}

),

summed as (

    select
        affected.*,
        cast(
            held_before_count + sum(inserted_count - deleted_count) over (
                partition by source_name, stream_name, partition_name
                order by observed_date
                rows between unbounded preceding and current row
            ) as bigint
        ) as held_count,
        greatest(
            held_version,
            max(clean_version) over (
                partition by source_name, stream_name, partition_name
                order by observed_date
                rows between unbounded preceding and current row
            )
        ) as last_version
    from affected

),

rated as (

    select
        summed.*,
        coalesce(stream_floors.measure, 'landed') as measure,
        stream_floors.capture_rate as floor_capture_rate,
        stream_floors.action as floor_action,
        case
            when summed.expected_count is null then null
            when summed.expected_count = 0 then 1.0
            when stream_floors.measure = 'held' then cast(summed.held_count as double) / summed.expected_count
            -- A file or snapshot may be landed again on the same day; that makes it no more complete.
            else least(cast(summed.landed_count as double) / summed.expected_count, 1.0)
        end as capture_rate
    from summed
    left join stream_floors
        on
            summed.source_name = stream_floors.source_name
            and summed.stream_name = stream_floors.stream_name

),

final as (

    select
        ---------- strings
        source_name,
        stream_name,
        partition_name,
        method,
        measure,
        floor_action,

        ---------- numerics
        expected_count,
        landed_count,
        kept_count,
        superseded_count,
        quarantined_count,
        inserted_count,
        deleted_count,
        held_count,
        cast(capture_rate as double) as capture_rate,
        cast(floor_capture_rate as double) as floor_capture_rate,
        last_version as clean_version,

        ---------- booleans
        coalesce(capture_rate < floor_capture_rate, false) as is_below_floor,

        ---------- dates
        observed_date

    from rated

)

select * from final
