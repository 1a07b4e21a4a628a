with

source as (

    select * from {{ source('endoflife', 'readings') }}

),

renamed as (

    select
        ---------- ids
        load_id,

        ---------- strings
        stream_name,
        partition_name_read as partition_name,
        method,
        source_url,

        ---------- numerics
        expected_count,
        clean_version,

        ---------- timestamps
        collected_at,
        observed_at

    from source

)

select * from renamed
