with

readings as (

    select *
    from {{ ref('stg_endoflife__readings') }}
    where stream_name = 'release_dates'

),

judged as (

    select
        *,
        expected_count = 0 and method like '%gone upstream%' as is_gone
    from readings

),

last_there as (

    select
        partition_name,
        max(observed_at) as observed_at
    from judged
    where not is_gone
    group by partition_name

),

-- The first time that it was missing since it was last there; none where the last reading found it.
final as (

    select
        judged.partition_name as product_id,
        max(judged.clean_version) as clean_version,
        min(judged.observed_at) as vanished_at
    from judged
    left join last_there
        on judged.partition_name = last_there.partition_name
    where
        judged.is_gone
        and coalesce(judged.observed_at > last_there.observed_at, true)
    group by judged.partition_name

)

select * from final
