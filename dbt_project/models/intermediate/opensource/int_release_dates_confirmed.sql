with

release_dates as (

    select * from {{ ref('stg_endoflife__release_dates') }}

),

release_date_history as (

    select * from {{ ref('stg_endoflife__release_date_history') }}

),

newest_snapshots as (

    select
        product_id,
        max(observed_at) as observed_at
    from release_date_history
    group by product_id

),

last_stated as (

    select
        product_id,
        version,
        max(observed_at) as observed_at,
        count(distinct released_date) as stated_date_count
    from release_date_history
    group by product_id, version

),

final as (

    select
        release_dates.*,
        coalesce(last_stated.stated_date_count, 1) as stated_date_count,
        coalesce(last_stated.observed_at < newest_snapshots.observed_at, false) as is_withdrawn,
        case
            when last_stated.observed_at < newest_snapshots.observed_at then newest_snapshots.observed_at
            else release_dates.observed_at
        end as state_observed_at
    from release_dates
    left join last_stated
        on
            release_dates.product_id = last_stated.product_id
            and release_dates.version = last_stated.version
    left join newest_snapshots
        on release_dates.product_id = newest_snapshots.product_id

)

select * from final
