with

release_cycles as (

    select * from {{ ref('stg_endoflife__release_cycles') }}

),

final as (

    select
        ---------- ids
        product_id,

        ---------- strings
        coalesce(product_name, product_id) as product_name,
        cycle_name,

        ---------- numerics
        clean_version,

        ---------- dates
        released_date,
        support_end_date,
        end_of_life_date,
        extended_support_end_date,

        ---------- timestamps
        observed_at,
        collected_at

    from release_cycles

)

select * from final
