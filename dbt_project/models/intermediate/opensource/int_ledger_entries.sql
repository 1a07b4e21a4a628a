with

reconciliations as (

    select * from {{ ref('stg_ledger__reconciliations') }}

),

readings as (

    select * from {{ ref('int_readings_unified') }}

),

tombstones as (

    select * from {{ ref('stg_github__tombstones') }}

),

entries as (

    select
        source_name,
        table_name as stream_name,
        partition_name,
        observed_date,
        cast(null as bigint) as expected_count,
        cast(null as {{ dbt.type_string() }}) as method,
        landed_count,
        kept_count,
        superseded_count,
        quarantined_count,
        inserted_count,
        0 as deleted_count,
        clean_version
    from reconciliations

    union all

    select
        source_name,
        stream_name,
        partition_name,
        observed_date,
        expected_count,
        method,
        0 as landed_count,
        0 as kept_count,
        0 as superseded_count,
        0 as quarantined_count,
        0 as inserted_count,
        0 as deleted_count,
        clean_version
    from readings

    union all

    select
        'github' as source_name,
        object_type as stream_name,
        repository_id as partition_name,
        cast(observed_at as date) as observed_date,
        cast(null as bigint) as expected_count,
        cast(null as {{ dbt.type_string() }}) as method,
        0 as landed_count,
        0 as kept_count,
        0 as superseded_count,
        0 as quarantined_count,
        0 as inserted_count,
        1 as deleted_count,
        clean_version
    from tombstones
    where is_deleted and repository_id is not null

),

final as (

    select
        source_name,
        stream_name,
        partition_name,
        observed_date,
        max(expected_count) as expected_count,
        max(method) as method,
        cast(sum(landed_count) as bigint) as landed_count,
        cast(sum(kept_count) as bigint) as kept_count,
        cast(sum(superseded_count) as bigint) as superseded_count,
        cast(sum(quarantined_count) as bigint) as quarantined_count,
        cast(sum(inserted_count) as bigint) as inserted_count,
        cast(sum(deleted_count) as bigint) as deleted_count,
        max(clean_version) as clean_version
    from entries
    group by source_name, stream_name, partition_name, observed_date

)

select * from final
