with

release_cycles as (

    select * from {{ ref('stg_endoflife__release_cycles') }}

),

vanished as (

    select * from {{ ref('int_products_vanished') }}

),

newest_snapshots as (

    select
        product_id,
        max(clean_version) as clean_version,
        max(observed_at) as observed_at
    from release_cycles
    group by product_id

),

compared as (

    select
        release_cycles.*,
        case
            when release_cycles.observed_at < newest_snapshots.observed_at then newest_snapshots.observed_at
            else vanished.vanished_at
        end as withdrawn_at,
        case
            when release_cycles.observed_at < newest_snapshots.observed_at then newest_snapshots.clean_version
            else vanished.clean_version
        end as withdrawn_version
    from release_cycles
    left join newest_snapshots
        on release_cycles.product_id = newest_snapshots.product_id
    left join vanished
        on release_cycles.product_id = vanished.product_id

),

final as (

    select
        ---------- ids
        product_id,

        ---------- strings
        coalesce(product_name, product_id) as product_name,
        cycle_name,

        ---------- numerics
        greatest(clean_version, coalesce(withdrawn_version, -1)) as clean_version,

        ---------- booleans
        is_ended,
        is_support_ended,
        is_extended_support_ended,
        is_lts,
        withdrawn_at is not null as is_withdrawn,

        ---------- dates
        released_date,
        support_end_date,
        end_of_life_date,
        extended_support_end_date,
        lts_date,

        ---------- timestamps
        withdrawn_at,
        observed_at,
        collected_at

    from compared

)

select * from final
