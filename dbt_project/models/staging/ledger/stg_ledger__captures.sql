with

source as (

    select * from {{ source('ledger', 'captures') }}

),

renamed as (

    select
        ---------- strings
        source_name,
        table_name as stream_name,
        partition_name,
        method,
        measure,
        floor_action,

        ---------- numerics
        expected_count,
        captured_count,
        floor_capture_rate,
        clean_version,

        ---------- booleans
        is_below_floor,

        ---------- dates
        observed_date,

        ---------- timestamps
        observed_at

    from source

)

select * from renamed
