with

source as (

    select * from {{ source('github_ranking', 'rankings') }}

),

renamed as (

    select
        ---------- ids
        load_id,

        ---------- strings
        list_name,
        repo_name as short_name,
        language as language_name,
        repo_url as url,
        username as owner_name,
        description,
        partition_name,
        source_url,

        ---------- numerics
        list_rank,
        stars as star_count,
        forks as fork_count,
        issues as open_issue_and_pull_request_count,
        clean_version,

        ---------- dates
        ranking_date,

        ---------- timestamps
        last_commit as pushed_at,
        collected_at,
        observed_at

    from source

)

select * from renamed
