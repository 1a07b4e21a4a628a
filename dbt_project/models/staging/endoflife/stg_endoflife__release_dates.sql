with

source as (

    select * from {{ source('endoflife', 'release_dates') }}

),

renamed as (

    select
        ---------- ids
        product as product_id,
        load_id,

        ---------- strings
        product_name,
        version,
        file_format,
        partition_name,
        source_url,

        ---------- numerics
        clean_version,

        ---------- dates
        released_on as released_date,

        ---------- timestamps
        collected_at,
        observed_at

    from source

)

select * from renamed
