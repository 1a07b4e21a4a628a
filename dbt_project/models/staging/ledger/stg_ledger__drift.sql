with

source as (

    select * from {{ source('ledger', 'drift') }}

),

renamed as (

    select
        ---------- strings
        source_name,
        table_name,
        path,
        kind,
        expected_type,
        example,

        ---------- numerics
        occurrence_count,
        clean_version,

        ---------- timestamps
        first_seen_at

    from source

)

select * from renamed
