with

source as (

    select * from {{ source('endoflife', 'release_cycles') }}

),

renamed as (

    select
        ---------- ids
        product as product_id,
        load_id,

        ---------- strings
        product_name,
        cycle as cycle_name,
        partition_name,
        source_url,

        ---------- numerics
        clean_version,

        ---------- dates
        released_on as released_date,
        support_ends_on as support_end_date,
        ends_on as end_of_life_date,
        extended_support_ends_on as extended_support_end_date,

        ---------- timestamps
        collected_at,
        observed_at

    from source

)

select * from renamed
