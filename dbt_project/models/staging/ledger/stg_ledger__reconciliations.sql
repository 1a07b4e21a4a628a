with

source as (

    select * from {{ source('ledger', 'reconciliations') }}

),

renamed as (

    select
        ---------- strings
        source_name,
        table_name,
        partition_name,

        ---------- numerics
        landed_count,
        kept_count,
        inserted_count,
        superseded_count,
        quarantined_count,
        coalesce(waiting_count, 0) as waiting_count,
        clean_version,

        ---------- dates
        observed_date

    from source

)

select * from renamed
