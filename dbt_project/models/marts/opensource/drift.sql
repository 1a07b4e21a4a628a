with

drift as (

    select * from {{ ref('stg_ledger__drift') }}

),

final as (

    select
        ---------- strings
        source_name,
        table_name,
        path,
        kind,
        expected_type,
        max(example) as example,

        ---------- numerics
        cast(sum(occurrence_count) as bigint) as occurrence_count,
        min(clean_version) as first_version,
        max(clean_version) as clean_version,

        ---------- timestamps
        min(first_seen_at) as first_seen_at

    from drift

    group by source_name, table_name, path, kind, expected_type

)

select * from final
