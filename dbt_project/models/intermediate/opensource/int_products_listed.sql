with

watchlist as (

    select * from {{ ref('stg_github__watchlist') }}

),

repositories as (

    select * from {{ ref('stg_github__repositories') }}

),

named as (

    select
        repository_id,
        product_name
    from watchlist
    where entry_kind = 'github'
    group by repository_id, product_name

),

unnamed as (

    select
        coalesce(repositories.repository_id, watchlist.repository_id) as repository_id,
        max(coalesce(repositories.repository_name, watchlist.repository_name)) as product_name
    from repositories
    full outer join watchlist
        on repositories.repository_id = watchlist.repository_id
    where
        coalesce(repositories.repository_id, watchlist.repository_id)
        not in (select named.repository_id from named)
    group by coalesce(repositories.repository_id, watchlist.repository_id)

),

final as (

    select
        repository_id,
        product_name,
        true as is_named
    from named

    union all

    select
        repository_id,
        product_name,
        false as is_named
    from unnamed

)

select * from final
