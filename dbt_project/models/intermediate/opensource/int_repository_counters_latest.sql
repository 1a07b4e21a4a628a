with

counters as (

    select * from {{ ref('stg_github__repository_counters') }}

),

newest as (

    select
        repository_id,
        max(observed_at) as observed_at
    from counters
    group by repository_id

),

final as (

    select counters.*
    from counters
    inner join newest
        on
            counters.repository_id = newest.repository_id
            and counters.observed_at = newest.observed_at

)

select * from final
