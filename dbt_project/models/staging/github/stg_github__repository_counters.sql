with

source as (

    select * from {{ source('github', 'repository_counters') }}

),

renamed as (

    select
        ---------- ids
        cast(id as {{ dbt.type_string() }}) as repository_id,
        node_id,
        load_id,

        ---------- strings
        full_name as repository_name,
        partition_name,
        source_url,

        ---------- numerics
        stargazers_count as star_count,
        forks_count as fork_count,
        subscribers_count as watcher_count,
        issues_count as issue_count,
        open_issues_count as open_issue_count,
        pull_requests_count as pull_request_count,
        open_pull_requests_count as open_pull_request_count,
        releases_count as release_count,
        tags_count as tag_count,
        commits_count as commit_count,
        clean_version,

        ---------- booleans
        coalesce(is_archived, false) as is_archived,

        ---------- timestamps
        pushed_at,
        collected_at,
        observed_at

    from source

)

select * from renamed
