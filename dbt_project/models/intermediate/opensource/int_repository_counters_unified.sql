with

counters as (

    select * from {{ ref('stg_github__repository_counters') }}

),

observations as (

    select * from {{ ref('stg_github__repository_observations') }}

),

rankings as (

    select * from {{ ref('int_rankings_resolved') }}

),

events as (

    select * from {{ ref('stg_gharchive__events') }}

),

final as (

    select
        repository_id,
        repository_name,
        'api' as origin,
        1 as origin_rank,
        star_count,
        fork_count,
        watcher_count,
        open_issue_count,
        open_pull_request_count,
        open_issue_count + open_pull_request_count as open_issue_and_pull_request_count,
        clean_version,
        observed_at
    from counters

    union all

    select
        repository_id,
        repository_name,
        'api' as origin,
        1 as origin_rank,
        star_count,
        fork_count,
        watcher_count,
        cast(null as bigint) as open_issue_count,
        cast(null as bigint) as open_pull_request_count,
        open_issue_and_pull_request_count,
        clean_version,
        observed_at
    from observations
    -- Of a repository that is known by its git history alone nobody has said how many stars it has.
    where star_count is not null

    union all

    select
        repository_id,
        repository_name,
        'ranking' as origin,
        2 as origin_rank,
        star_count,
        fork_count,
        cast(null as bigint) as watcher_count,
        cast(null as bigint) as open_issue_count,
        cast(null as bigint) as open_pull_request_count,
        open_issue_and_pull_request_count,
        clean_version,
        observed_at
    from rankings

    union all

    select
        base_repository_id as repository_id,
        repository_name,
        'archive' as origin,
        3 as origin_rank,
        base_star_count as star_count,
        base_fork_count as fork_count,
        cast(null as bigint) as watcher_count,
        cast(null as bigint) as open_issue_count,
        cast(null as bigint) as open_pull_request_count,
        base_open_issue_and_pull_request_count as open_issue_and_pull_request_count,
        clean_version,
        created_at as observed_at
    from events
    where base_repository_id is not null and base_star_count is not null

)

select * from final
