with

source as (

    select * from {{ source('ledger', 'quarantine') }}

),

renamed as (

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

    from source

)

select * from renamed
