with

release_dates as (

    select * from {{ ref('stg_endoflife__release_dates') }}

),

release_date_history as (

    select * from {{ ref('stg_endoflife__release_date_history') }}

),

vanished as (

    select * from {{ ref('int_products_vanished') }}

),

-- What is the present: the last time that somebody looked, which another build of the same lake sees again.
present as (

    select
        max(clean_version) as clean_version,
        max(observed_date) as observed_date
    from {{ ref('stg_ledger__captures') }}
    where source_name in ('endoflife', 'github')

),

newest_snapshots as (

    select
        product_id,
        max(clean_version) as clean_version,
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

compared as (

    select
        release_dates.*,
        coalesce(last_stated.stated_date_count, 1) as stated_date_count,
        case
            when last_stated.observed_at < newest_snapshots.observed_at then newest_snapshots.observed_at
            else vanished.vanished_at
        end as withdrawn_at,
        case
            when last_stated.observed_at < newest_snapshots.observed_at then newest_snapshots.clean_version
            else vanished.clean_version
        end as withdrawn_version,
        release_dates.released_date > cast(release_dates.observed_at as date) as was_planned,
        release_dates.released_date > present.observed_date as is_still_planned,
        present.clean_version as present_version
    from release_dates
    left join last_stated
        on
            release_dates.product_id = last_stated.product_id
            and release_dates.version = last_stated.version
    left join newest_snapshots
        on release_dates.product_id = newest_snapshots.product_id
    left join vanished
        on release_dates.product_id = vanished.product_id
    cross join present

),

final as (

    select
        ---------- ids
        product_id,
        load_id,

        ---------- strings
        product_name,
        version,
        file_format,
        partition_name,
        source_url,

        ---------- numerics
        stated_date_count,
        greatest(
            clean_version,
            coalesce(withdrawn_version, -1),
            case when was_planned then coalesce(present_version, -1) else -1 end
        ) as clean_version,

        ---------- booleans
        withdrawn_at is not null as is_withdrawn,
        coalesce(was_planned and coalesce(is_still_planned, true), false) as is_planned,

        ---------- dates
        released_date,

        ---------- timestamps
        withdrawn_at,
        coalesce(withdrawn_at, observed_at) as state_observed_at,
        collected_at,
        observed_at

    from compared

)

select * from final
