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

        ---------- booleans
        is_ended,
        -- `support` says that it goes on, `eoas` that it has ended; so do `extendedSupport` and `eoes`.
        coalesce(is_support_ended, not is_supported) as is_support_ended,
        coalesce(is_extended_support_ended, not is_extended_supported) as is_extended_support_ended,
        is_lts,

        ---------- dates
        released_on as released_date,
        support_ends_on as support_end_date,
        ends_on as end_of_life_date,
        extended_support_ends_on as extended_support_end_date,
        lts_from as lts_date,

        ---------- timestamps
        collected_at,
        observed_at

    from source

)

select * from renamed
