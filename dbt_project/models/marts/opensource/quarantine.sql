with

quarantine as (

    select * from {{ ref('stg_ledger__quarantine') }}

),

final as (

    select
        ---------- ids
        load_id,

        ---------- strings
        source_name,
        table_name,
        partition_name,
        reason,
        record,

        ---------- numerics
        clean_version,

        ---------- timestamps
        collected_at,
        observed_at

    from quarantine

)

select * from final
