-- depends_on: {{ ref('stg_github__tombstones') }}
{% set version = last_version() %}

with

entries as (

    select * from {{ ref('int_ledger_entries') }}

),

{% if is_incremental() -%}
changed_entries as (

    select
        source_name,
        stream_name,
        partition_name,
        min(observed_date) as observed_date
    from entries
    where clean_version > {{ version }}
    group by source_name, stream_name, partition_name

),

-- A deletion that is taken back, or found again, leaves the day on which it was counted.
regained as (

    select distinct
        'github' as source_name,
        object_type as stream_name,
        repository_id as partition_name
    from {{ ref('stg_github__tombstones') }}
    where clean_version > {{ version }} and repository_id is not null

),

changed as (

    select
        coalesce(regained.source_name, changed_entries.source_name) as source_name,
        coalesce(regained.stream_name, changed_entries.stream_name) as stream_name,
        coalesce(regained.partition_name, changed_entries.partition_name) as partition_name,
        case
            when regained.source_name is null then changed_entries.observed_date else cast('0001-01-01' as date)
        end as observed_date
    from changed_entries
    full outer join regained
        on
            changed_entries.source_name = regained.source_name
            and changed_entries.stream_name = regained.stream_name
            and changed_entries.partition_name = regained.partition_name

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
        captured_count,
        landed_count,
        kept_count,
        superseded_count,
        quarantined_count,
        waiting_count,
        inserted_count,
        deleted_count,
        held_count,
        cast(case
            when expected_count is null then null
            when expected_count = 0 then 1.0
            else cast(captured_count as double) / expected_count
        end as double) as capture_rate,
        cast(floor_capture_rate as double) as floor_capture_rate,
        last_version as clean_version,

        ---------- booleans
        coalesce(is_below_floor, false) as is_below_floor,

        ---------- dates
        observed_date

    from summed
    {% if is_incremental() %}
    union all

    -- Without a count of what was landed the row goes: nothing speaks of its day any more.
    select
        known.source_name,
        known.stream_name,
        known.partition_name,
        known.method,
        known.measure,
        known.floor_action,
        known.expected_count,
        known.captured_count,
        null as landed_count,
        known.kept_count,
        known.superseded_count,
        known.quarantined_count,
        known.waiting_count,
        known.inserted_count,
        known.deleted_count,
        known.held_count,
        known.capture_rate,
        known.floor_capture_rate,
        known.clean_version,
        known.is_below_floor,
        known.observed_date
    from {{ this }} as known
    inner join changed
        on
            known.source_name = changed.source_name
            and known.stream_name = changed.stream_name
            and known.partition_name = changed.partition_name
            and known.observed_date >= changed.observed_date
    left join summed
        on
            known.source_name = summed.source_name
            and known.stream_name = summed.stream_name
            and known.partition_name = summed.partition_name
            and known.observed_date = summed.observed_date
    where summed.source_name is null
    {% endif %}

)

select * from final
