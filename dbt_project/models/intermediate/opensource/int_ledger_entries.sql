with

reconciliations as (

    select * from {{ ref('stg_ledger__reconciliations') }}

),

captures as (

    select * from {{ ref('stg_ledger__captures') }}

),

tombstones as (

    select * from {{ ref('stg_github__tombstones') }}

),

-- A stream may be judged several times a day: the last verdict on the last reading stands.
judged as (

    select
        *,
        row_number() over (
            partition by source_name, stream_name, partition_name, observed_date
            order by observed_at desc nulls last, clean_version desc nulls last
        ) as verdict_rank
    from captures

),

counted as (

    select
        source_name,
        table_name as stream_name,
        partition_name,
        observed_date,
        landed_count,
        kept_count,
        superseded_count,
        quarantined_count,
        waiting_count,
        inserted_count,
        0 as deleted_count,
        clean_version
    from reconciliations

    union all

    select
        'github' as source_name,
        object_type as stream_name,
        repository_id as partition_name,
        cast(observed_at as date) as observed_date,
        0 as landed_count,
        0 as kept_count,
        0 as superseded_count,
        0 as quarantined_count,
        0 as waiting_count,
        0 as inserted_count,
        1 as deleted_count,
        clean_version
    from tombstones
    where is_deleted and repository_id is not null

    union all

    select
        source_name,
        stream_name,
        partition_name,
        observed_date,
        0 as landed_count,
        0 as kept_count,
        0 as superseded_count,
        0 as quarantined_count,
        0 as waiting_count,
        0 as inserted_count,
        0 as deleted_count,
        clean_version
    from captures

),

summed as (

    select
        source_name,
        stream_name,
        partition_name,
        observed_date,
        cast(sum(landed_count) as bigint) as landed_count,
        cast(sum(kept_count) as bigint) as kept_count,
        cast(sum(superseded_count) as bigint) as superseded_count,
        cast(sum(quarantined_count) as bigint) as quarantined_count,
        cast(sum(waiting_count) as bigint) as waiting_count,
        cast(sum(inserted_count) as bigint) as inserted_count,
        cast(sum(deleted_count) as bigint) as deleted_count,
        max(clean_version) as clean_version
    from counted
    group by source_name, stream_name, partition_name, observed_date

),

final as (

    select
        summed.source_name,
        summed.stream_name,
        summed.partition_name,
        summed.observed_date,
        judged.method,
        judged.measure,
        judged.floor_action,
        judged.expected_count,
        judged.captured_count,
        judged.floor_capture_rate,
        judged.is_below_floor,
        summed.landed_count,
        summed.kept_count,
        summed.superseded_count,
        summed.quarantined_count,
        summed.waiting_count,
        summed.inserted_count,
        summed.deleted_count,
        summed.clean_version
    from summed
    left join judged
        on
            summed.source_name = judged.source_name
            and summed.stream_name = judged.stream_name
            and summed.partition_name = judged.partition_name
            and summed.observed_date = judged.observed_date
            and judged.verdict_rank = 1

)

select * from final
